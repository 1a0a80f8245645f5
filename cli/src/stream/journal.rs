//! The journal of `--resume`: how far the partial output beside it is whole, and of which input and
//! options it is.
//!
//! Beside `out.npy` stand `out.npy.partial`, its journal `out.npy.partial.json`, and
//! `out.npy.partial.report` if there is a report. The journal is replaced in one step, after what
//! it counts is safe on the disk. While a run writes the partial output it holds a lock on it, until
//! the output has its name.

use super::identity::{difference, identity};
use super::kept::Keeping;
use super::left::{self, Expected, State};
use super::own::{self, Opened, Own};
use super::source::Source;
use crate::format::{Existing, Fault, FormatError};
use crate::job::Job;
use crate::stop::Stop;
use crate::talk;
use flate2::Crc;
use serde_json::{Value, json};
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// Time between two entries.
const INTERVAL: Duration = Duration::from_millis(500);

/// How many times longer than the last entry took; some ten percent go to the journal at most.
const PATIENCE: u32 = 10;

/// Bytes that no journal has.
const LONGEST: u64 = 1 << 20;

/// The files beside an output.
#[derive(Debug)]
pub(super) struct Paths {
    pub(super) output: PathBuf,
    report: PathBuf,
    pub(super) journal: PathBuf,
    /// What becomes the journal.
    next: PathBuf,
}

impl Paths {
    pub(super) fn beside(target: &Path) -> Self {
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

    /// Removes all but the output.
    pub(super) fn remove_others(&self) {
        for path in [&self.report, &self.next, &self.journal] {
            // It may never have been made; and whatever stays does no harm.
            let _ = fs::remove_file(path);
        }
    }
}

/// The journal of an output.
pub(super) struct Journal {
    pub(super) paths: Paths,
    identity: Value,
    due: Instant,
    /// Permissions of files beside the output.
    mode: u32,
    /// The last entry, to know it again.
    last: Option<File>,
    keeping: Option<Keeping>,
    count: usize,
    quiet: bool,
}

/// What a run begins with.
pub(super) struct Begun {
    pub(super) journal: Journal,
    /// The partial output, locked.
    pub(super) output: File,
    /// The lines for the report, if there is to be one.
    pub(super) lines: Option<File>,
    /// Where to go on, `None` for the beginning.
    pub(super) state: Option<State>,
}

/// What an entry says.
pub(super) enum Entry {
    /// Of this run.
    Same(Box<State>),
    /// Of another one: how that differs.
    Other(String),
    /// It cannot be relied upon, and why.
    Bad(String),
}

impl Journal {
    /// Opens or begins the journal of what is to be `target`, and the files beside it.
    pub(super) fn open(
        target: &Path,
        existing: Existing,
        job: &Job<'_>,
        source: &Source,
        expected: &Expected<'_>,
    ) -> Result<Begun, Stop> {
        let own = Own::beside(target, job.args.force)?;
        let mode = mode_beside(target);
        let journal = Journal {
            paths: Paths::beside(target),
            identity: identity(job, source)?,
            due: Instant::now(),
            mode,
            last: None,
            keeping: None,
            count: source.count(),
            quiet: job.args.quiet,
        };
        let Opened { file, is_new } = own.open_locked(&journal.paths.output, mode)?;
        let begun = journal.begun(target, existing, job, &own, expected, file);
        if begun.is_err() && is_new {
            // It was made for the lock only.
            let _ = fs::remove_file(Paths::beside(target).output);
        }
        begun
    }

    fn begun(
        self,
        target: &Path,
        existing: Existing,
        job: &Job<'_>,
        own: &Own,
        expected: &Expected<'_>,
        output: File,
    ) -> Result<Begun, Stop> {
        if existing == Existing::Keep && fs::symlink_metadata(target).is_ok() {
            // Another run has come to its end before this one had the lock.
            let error = FormatError::new(Fault::Exists).named(&target.to_string_lossy());
            return Err(error.into());
        }
        own.check(&self.paths.next)?;
        own.check(&self.paths.journal)?;
        own.check(&self.paths.report)?;
        let lines = match &job.args.report {
            None => None,
            Some(report) => Some(own.open(&self.paths.report, mode_beside(report))?.file),
        };
        let state = match self.left(own, expected, &output, lines.as_ref()) {
            Ok(state) => state,
            Err(_) if job.args.force => None,
            Err(stop) => {
                return Err(stop.hint("give --force to start over, or -o another name"));
            }
        };
        Ok(Begun { journal: self, output, lines, state })
    }

    /// What an earlier run has left.
    fn left(
        &self,
        own: &Own,
        expected: &Expected<'_>,
        output: &File,
        lines: Option<&File>,
    ) -> Result<Option<State>, Stop> {
        let (path, name) = (&self.paths.output, self.paths.journal.display());
        let failed = |error: io::Error| Stop::new(format!("{}: {error}", path.display()));
        // Renamed already, or never begun: it was made for the lock.
        if output.metadata().map_err(failed)?.len() == 0 {
            return Ok(None);
        }
        let Some(text) = own.read(&self.paths.journal, LONGEST)? else {
            return Err(Stop::new(format!("{}: its journal {name} is missing", path.display())));
        };
        let why = match read(&text, &self.identity) {
            Entry::Other(difference) => {
                return Err(Stop::new(format!("{name}: belongs to another run: {difference}")));
            }
            Entry::Bad(why) => why,
            Entry::Same(state) => match left::fault(&state, expected, output, lines) {
                Ok(None) => return Ok(Some(*state)),
                Ok(Some(why)) => why,
                Err(error) => return Err(failed(error)),
            },
        };
        if !self.quiet {
            talk::warning(&format!("{name}: {why}; all is done from the beginning"));
        }
        Ok(None)
    }

    /// Makes the first entry, before anything is written. The next one is due after the first piece:
    /// a run that is killed early shows that it can go on, too.
    pub(super) fn begin(&mut self, state: &State, is_new: bool) -> Result<(), Stop> {
        if is_new {
            self.enter(state, Instant::now())?;
        }
        self.due = Instant::now();
        if !self.quiet {
            self.keeping = Some(Keeping::begin(&self.paths.output, state.done, self.count));
        }
        Ok(())
    }

    /// Whether it is time for an entry.
    pub(super) fn is_due(&self) -> bool {
        Instant::now() >= self.due
    }

    /// Makes an entry: all that it counts must be on the disk.
    pub(super) fn enter(&mut self, state: &State, began: Instant) -> Result<(), Stop> {
        let mut entry = json!({ "identity": self.identity, "state": state });
        entry["checksum"] = checksum(&entry).into();
        let Paths { next, journal, .. } = &self.paths;
        let write = || {
            // That of a run that was killed while it wrote one.
            let _ = fs::remove_file(next);
            let mut file = own::created(next, self.mode)?;
            file.write_all(format!("{entry:#}\n").as_bytes())?;
            file.sync_all()?;
            // Windows renames no file that is open.
            #[cfg(not(unix))]
            drop(file);
            fs::rename(next, journal)?;
            #[cfg(unix)]
            return Ok(Some(file));
            #[cfg(not(unix))]
            Ok(None)
        };
        let written: io::Result<Option<File>> = write();
        self.last = written.map_err(|error| {
            let _ = fs::remove_file(next);
            Stop::new(format!("{}: {error}", journal.display())).hint(
                "what the journal counts is kept; once that is mended, the same command goes on",
            )
        })?;
        if let Some(keeping) = &self.keeping {
            keeping.update(state.done);
        }
        self.due = Instant::now() + INTERVAL.max(began.elapsed() * PATIENCE);
        Ok(())
    }

    /// Removes all but the output, which has its name by now. Another run may have begun since: what
    /// is its is left.
    pub(super) fn close(self) {
        let is_ours = |last: &File| own::is_at(last, &self.paths.journal).unwrap_or(true);
        if self.last.as_ref().is_none_or(is_ours) {
            // What is to become the next entry is always another run's: the last of this one has.
            for path in [&self.paths.report, &self.paths.journal] {
                let _ = fs::remove_file(path);
            }
        }
    }
}

/// Reads an entry.
pub(super) fn read(text: &[u8], identity: &Value) -> Entry {
    let entry = match serde_json::from_slice::<Value>(text) {
        Ok(entry) => entry,
        Err(error) => return Entry::Bad(format!("is no journal that can be read ({error})")),
    };
    if entry["checksum"].as_u64() != Some(checksum(&entry).into()) {
        return Entry::Bad("its checksum is wrong".to_owned());
    }
    if let Some(difference) = difference(&entry["identity"], identity) {
        return Entry::Other(difference);
    }
    match serde_json::from_value(entry["state"].clone()) {
        Ok(state) => Entry::Same(Box::new(state)),
        Err(error) => Entry::Bad(format!("cannot be understood ({error})")),
    }
}

/// CRC-32 of what an entry says, in the one form that has sorted keys and no blanks.
fn checksum(entry: &Value) -> u32 {
    let mut crc = Crc::new();
    for part in ["identity", "state"] {
        crc.update(entry[part].to_string().as_bytes());
    }
    crc.sum()
}

/// How far an entry says it is: matrices done, and of how many. For words only.
pub(super) fn progress(text: &[u8]) -> Option<(u64, u64)> {
    let entry: Value = serde_json::from_slice(text).ok()?;
    let shape = entry["identity"]["input"]["shape"].as_array()?;
    let (leading, _) = shape.split_at_checked(shape.len().checked_sub(2)?)?;
    let count = leading.iter().try_fold(1_u64, |count, n| count.checked_mul(n.as_u64()?))?;
    Some((entry["state"]["done"].as_u64()?, count))
}

/// Reads the journal beside an output, if there is one that is ours.
pub(super) fn text_beside(target: &Path) -> Option<Vec<u8>> {
    let own = Own::beside(target, false).ok()?;
    own.read(&Paths::beside(target).journal, LONGEST).ok()?
}

/// Permissions of what stands beside an output until it has them.
#[cfg(unix)]
fn mode_beside(target: &Path) -> u32 {
    // The owner has to be able to go on.
    crate::format::mode_beside(target) | 0o600
}

#[cfg(not(unix))]
fn mode_beside(_: &Path) -> u32 {
    0
}
