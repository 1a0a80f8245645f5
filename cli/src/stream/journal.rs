//! The journal of `--resume`: how far the partial output beside it is whole, and of which input and
//! options it is.
//!
//! Beside `out.npy` stand `out.npy.partial`, its journal `out.npy.partial.json`, and
//! `out.npy.partial.report` if there is a report. The journal is replaced in one step, after what
//! it counts is safe on the disk. While a run writes the partial output it holds a lock on it.

use super::source::Source;
use crate::commands::Job;
use crate::output::summary::Tally;
use crate::stop::Stop;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use std::fs::{self, File, TryLockError};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// Time between two entries.
const INTERVAL: Duration = Duration::from_millis(500);

/// How many times longer than the last entry took; some ten percent go to the journal at most.
const PATIENCE: u32 = 10;

/// How far a stream has come.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct State {
    /// Matrices looked at.
    pub(super) done: usize,
    /// Bytes of the output.
    pub(super) output: u64,
    /// Bytes of the lines for the report.
    pub(super) report: u64,
    /// Time that it took.
    pub(super) time: Duration,
    pub(super) tally: Tally,
}

#[derive(Serialize, Deserialize)]
struct Entry {
    identity: Value,
    state: State,
}

/// The three files beside an output.
#[derive(Debug)]
pub(super) struct Paths {
    pub(super) output: PathBuf,
    pub(super) report: PathBuf,
    journal: PathBuf,
    /// What becomes the journal.
    next: PathBuf,
}

impl Paths {
    fn beside(target: &Path) -> Self {
        let with = |suffix: &str| {
            let mut name = target.as_os_str().to_owned();
            name.push(suffix);
            PathBuf::from(name)
        };
        Paths {
            output: with(".partial"),
            report: with(".partial.report"),
            journal: with(".partial.json"),
            next: with(".partial.json.next"),
        }
    }
}

/// The journal of an output.
pub(super) struct Journal {
    pub(super) paths: Paths,
    identity: Value,
    due: Instant,
}

impl Journal {
    /// Opens or begins the journal of what is to be `target`. Beside it are the partial output,
    /// locked, and where to go on, `None` for the beginning.
    pub(super) fn open(
        target: &Path,
        job: &Job<'_>,
        source: &Source,
    ) -> Result<(Self, File, Option<State>), Stop> {
        let journal = Journal {
            paths: Paths::beside(target),
            identity: identity(job, source)?,
            due: Instant::now(),
        };
        let output = journal.locked_output()?;
        match journal.left() {
            Ok(state) => Ok((journal, output, state)),
            Err(_) if job.args.force => Ok((journal, output, None)),
            Err(stop) => Err(stop.hint("give --force to start over, or -o another name")),
        }
    }

    /// The partial output, made if there is none: this run's alone.
    fn locked_output(&self) -> Result<File, Stop> {
        let path = &self.paths.output;
        let mut options = File::options();
        let file = options.read(true).write(true).create(true).truncate(false).open(path);
        let file = file.map_err(|error| Stop::new(format!("{}: {error}", path.display())))?;
        match file.try_lock() {
            Err(TryLockError::WouldBlock) => {
                let stop = Stop::new(format!("{}: another run is writing it", path.display()));
                Err(stop.hint("wait for its end, or give -o another name"))
            }
            // Some file systems have no locks.
            Ok(()) | Err(TryLockError::Error(_)) => Ok(file),
        }
    }

    /// What an earlier run has left.
    fn left(&self) -> Result<Option<State>, Stop> {
        let Paths { output, report, journal, .. } = &self.paths;
        let name = journal.display();
        let length = |path: &Path| fs::metadata(path).map_or(0, |metadata| metadata.len());
        let partial = length(output);
        // Renamed already, or never begun: it was made for the lock.
        if partial == 0 {
            return Ok(None);
        }
        let text = fs::read(journal).map_err(|error| {
            Stop::new(format!("{}: its journal {name}: {error}", output.display()))
        })?;
        let entry: Entry = serde_json::from_slice(&text)
            .map_err(|error| Stop::new(format!("{name}: no journal that can be read: {error}")))?;
        if let Some(difference) = difference(&entry.identity, &self.identity) {
            return Err(Stop::new(format!("{name}: belongs to another run: {difference}")));
        }
        let state = entry.state;
        let lines = length(report);
        for (path, found, expected) in
            [(output, partial, state.output), (report, lines, state.report)]
        {
            if found < expected {
                let path = path.display();
                return Err(Stop::new(format!(
                    "{path}: has {found} bytes, its journal counts {expected}"
                )));
            }
        }
        Ok(Some(state))
    }

    /// Makes the first entry, before anything is written. The next one is due after the first piece:
    /// a run that is killed early shows that it can go on, too.
    pub(super) fn begin(&mut self, state: &State) -> Result<(), Stop> {
        self.enter(state, Instant::now())?;
        self.due = Instant::now();
        Ok(())
    }

    /// Whether it is time for an entry.
    pub(super) fn is_due(&self) -> bool {
        Instant::now() >= self.due
    }

    /// Makes an entry: all that it counts must be on the disk.
    pub(super) fn enter(&mut self, state: &State, began: Instant) -> Result<(), Stop> {
        let failed =
            |error: io::Error| Stop::new(format!("{}: {error}", self.paths.journal.display()));
        let entry = json!({ "identity": self.identity, "state": state });
        let write = || {
            let mut file = File::create(&self.paths.next)?;
            file.write_all(format!("{entry:#}\n").as_bytes())?;
            file.sync_all()?;
            drop(file);
            fs::rename(&self.paths.next, &self.paths.journal)
        };
        write().map_err(failed)?;
        self.due = Instant::now() + INTERVAL.max(began.elapsed() * PATIENCE);
        Ok(())
    }

    /// Removes all but the output, which has its name by now.
    pub(super) fn close(self) {
        let Paths { report, journal, next, .. } = &self.paths;
        for path in [report, next, journal] {
            // It may never have been made; and whatever stays does no harm.
            let _ = fs::remove_file(path);
        }
    }
}

/// What must be the same for a partial output to be of use.
fn identity(job: &Job<'_>, source: &Source) -> Result<Value, Stop> {
    let args = job.args;
    let mut options = match serde_json::to_value(job.options()) {
        Ok(Value::Object(options)) => options,
        _ => Map::new(),
    };
    // The threads do not shape the result, and BLAS has one for each matrix of a stack.
    options.remove("threads");
    if source.count() > 1 {
        options.remove("blas_threads");
    }
    // As a word, which comes back to the bit.
    options.insert("min_rcond".to_owned(), args.min_rcond.map(|x| x.to_string()).into());
    options.insert("quality".to_owned(), args.quality.into());
    options.insert("report".to_owned(), args.report.is_some().into());
    let stamp = serde_json::to_value(source.stamp)
        .map_err(|error| Stop::new(format!("{}: {error}", job.name)))?;
    Ok(json!({
        "matinv": env!("CARGO_PKG_VERSION"),
        "input": {
            "stamp": stamp,
            "shape": source.shape,
            "type": source.header.element.name(),
            "byte order": format!("{:?}", source.header.endian),
            "offset": source.header.data_offset,
        },
        "options": options,
    }))
}

/// The first difference in words.
fn difference(before: &Value, now: &Value) -> Option<String> {
    if before["input"] != now["input"] {
        return Some("the input has changed since, or is another one".to_owned());
    }
    if before["matinv"] != now["matinv"] {
        return Some(format!("matinv {}, this is {}", before["matinv"], now["matinv"]));
    }
    let (before, now) = (&before["options"], &now["options"]);
    let of = |options: &Value, key: &str| match &options[key] {
        Value::String(word) => word.clone(),
        Value::Null => "none".to_owned(),
        value => value.to_string(),
    };
    let keys = now.as_object().into_iter().flat_map(Map::keys);
    keys.filter(|key| before[key.as_str()] != now[key.as_str()])
        .map(|key| {
            format!("{} was {}, now it is {}", key.replace('_', "-"), of(before, key), of(now, key))
        })
        .next()
}
