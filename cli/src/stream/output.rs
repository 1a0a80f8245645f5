//! The output and report of a stream while they grow.

use super::journal::{Begun, Journal};
use super::left::{Expected, State};
use super::source::Source;
use crate::format::npy::{self, Header, Order};
use crate::format::{self, FormatError, Staged};
use crate::job::Job;
use crate::output::matrix::Entry;
use crate::output::report;
use crate::output::sink::existing;
use crate::output::summary::Tally;
use crate::stop::Stop;
use matinv::Verdict;
use std::fs::File;
use std::io::{self, BufWriter, Seek, SeekFrom, Write};
use std::path::Path;
use std::time::{Duration, Instant};

/// Where a stream goes.
pub(super) struct Output<'a> {
    job: &'a Job<'a>,
    staged: Staged,
    journal: Option<Journal>,
    lines: Option<BufWriter<File>>,
    pub(super) state: State,
    start: Instant,
    /// Time of earlier runs.
    before: Duration,
}

impl<'a> Output<'a> {
    /// Begins, or goes on where an earlier run was ended.
    pub(super) fn begin<T: Entry>(job: &'a Job<'a>, source: &Source) -> Result<Self, Stop> {
        let start = Instant::now();
        let name = job.sink.path().unwrap_or(Path::new("-"));
        let existing = existing(job.args.force);
        let Some(target) = format::regular_target(name, existing)? else {
            return Err(Stop::new(format!("{}: is no regular file any more", name.display())));
        };
        let header = Header::encode(T::TYPE, Order::C, &source.shape)?;
        let begun = if job.args.resume {
            let expected = Expected::new(job, source, &header, size_of::<T>());
            Some(Journal::open(&target, existing, job, source, &expected)?)
        } else {
            None
        };
        let is_new = begun.as_ref().is_none_or(|begun| begun.state.is_none());
        let (mut journal, partial, lines, left) = match begun {
            Some(Begun { journal, output, lines, state }) => {
                (Some(journal), Some(output), lines, state)
            }
            None => (None, None, None, None),
        };
        let state = left.unwrap_or_else(|| State {
            done: 0,
            output: 0,
            report: 0,
            time: Duration::ZERO,
            tally: Tally::new(&source.shape),
        });
        if let Some(journal) = journal.as_mut() {
            // Before anything is written, so that no partial output is ever without a journal.
            journal.begin(&state, is_new)?;
        }
        let staged = match (&journal, partial) {
            (Some(Journal { paths, .. }), Some(file)) => {
                Staged::kept(file, &paths.output, state.output, target, existing)
            }
            _ => Staged::temporary(target, existing),
        };
        let staged = staged.map_err(|error| error.named(&name.to_string_lossy()))?;
        let lines = match &job.args.report {
            None => None,
            Some(path) => Some(prepared(path, lines, state.report)?),
        };
        let before = state.time;
        let mut output = Output { job, staged, journal, lines, state, start, before };
        if output.state.output == 0 {
            output.staged.file.write_all(&header).map_err(|error| output.full(error))?;
            output.state.output = header.len() as u64;
        }
        Ok(output)
    }

    /// Takes the next matrices, in index order, and what was found of them. If they cannot be
    /// written, the journal counts all before them.
    pub(super) fn add<T: Entry>(
        &mut self,
        inverses: &[T],
        verdicts: &[Verdict<T>],
        leading: &[usize],
    ) -> Result<(), Stop> {
        let before = self.journal.is_some().then(|| self.state.clone());
        let written = self.write(inverses, verdicts, leading);
        if let (Err(_), Some(before)) = (&written, before) {
            self.state = before;
            // On a full disk this may fail too; then the entry before holds.
            let _ = self.keep();
        }
        written?;
        match &self.journal {
            Some(journal) if journal.is_due() => self.keep(),
            _ => Ok(()),
        }
    }

    fn write<T: Entry>(
        &mut self,
        inverses: &[T],
        verdicts: &[Verdict<T>],
        leading: &[usize],
    ) -> Result<(), Stop> {
        for verdict in verdicts {
            let position = self.state.done;
            self.state.tally.add(verdict);
            self.state.done += 1;
            if let Some(lines) = &mut self.lines {
                let mut counting = Counting { inner: lines, count: &mut self.state.report };
                report::write_one(position, leading, verdict, &mut counting)
                    .map_err(|error| self.unreported(&error))?;
            }
        }
        // After a failure that leaves no output, only what else fails is of interest.
        if self.job.is_written(&self.state.tally) {
            let written = npy::write_elements(inverses, &mut self.staged.file);
            written.map_err(|error| self.hinted(error))?;
            self.state.output += size_of_val(inverses) as u64;
        }
        Ok(())
    }

    /// Makes all of it last, and says so in the journal.
    fn keep(&mut self) -> Result<(), Stop> {
        let began = Instant::now();
        self.staged.file.sync_data().map_err(|error| self.full(error))?;
        if let Some(lines) = &mut self.lines {
            let kept = lines.flush().and_then(|()| lines.get_ref().sync_data());
            kept.map_err(|error| self.unreported(&error))?;
        }
        self.state.time = self.time();
        match &mut self.journal {
            Some(journal) => journal.enter(&self.state, began),
            None => Ok(()),
        }
    }

    /// The time that all runs have taken.
    pub(super) fn time(&self) -> Duration {
        self.before.saturating_add(self.start.elapsed())
    }

    /// Gives report and output their names. Under `fail` a failure leaves no output.
    pub(super) fn finish(
        mut self,
        source: &Source,
        types: (&'static str, &'static str),
    ) -> Result<Tally, Stop> {
        if self.journal.is_some() {
            // If what follows fails, the next run has only that to do.
            self.keep()?;
        }
        if let Some(path) = &self.job.args.report {
            let seconds = self.time().as_secs_f64();
            let head = self.job.head(&source.shape, types, seconds, &self.state.tally);
            if let Some(lines) = self.lines.take() {
                let mut lines =
                    lines.into_inner().map_err(|error| self.unreported(error.error()))?;
                format::save_atomically::<FormatError>(
                    path,
                    existing(self.job.args.force),
                    |out| {
                        lines.seek(SeekFrom::Start(0))?;
                        let copy = |out: &mut dyn Write| io::copy(&mut lines, out).map(drop);
                        Ok(report::around(&head, out, copy)?)
                    },
                )?;
            }
        }
        let Output { job, staged, journal, state, .. } = self;
        if job.is_written(&state.tally) {
            let name = job.sink.path().unwrap_or(Path::new("-"));
            staged.finish().map_err(|error| error.named(&name.to_string_lossy()))?;
        } else {
            staged.discard();
        }
        if let Some(journal) = journal {
            journal.close();
        }
        Ok(state.tally)
    }

    fn full(&self, error: io::Error) -> Stop {
        self.hinted(error.into())
    }

    /// An output that could not be written.
    fn hinted(&self, error: FormatError) -> Stop {
        let name = self.job.sink.path().unwrap_or(Path::new("-")).to_string_lossy();
        let stop = Stop::from(error.named(&name));
        stop.hint(if self.journal.is_some() {
            "what is done is kept; once that is mended, the same command goes on from there"
        } else {
            "nothing is left of it; make room, or write elsewhere"
        })
    }

    fn unreported(&self, error: &io::Error) -> Stop {
        let path = self.job.args.report.as_deref().unwrap_or(Path::new("-"));
        Stop::new(format!("{}: the lines for it: {error}", path.display()))
    }
}

/// The file for the lines of the report at `path`, of which the first `length` bytes are kept. It
/// has no name, unless it was `left`.
fn prepared(path: &Path, left: Option<File>, length: u64) -> Result<BufWriter<File>, Stop> {
    let open = || match left {
        Some(mut file) => {
            file.set_len(length)?;
            file.seek(SeekFrom::End(0))?;
            Ok(file)
        }
        None => match path.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => tempfile::tempfile_in(parent),
            _ => tempfile::tempfile_in("."),
        },
    };
    let failed = |error: io::Error| Stop::new(format!("{}: {error}", path.display()));
    Ok(BufWriter::with_capacity(1 << 16, open().map_err(failed)?))
}

/// Counts what is written.
struct Counting<'a, W> {
    inner: &'a mut W,
    count: &'a mut u64,
}

impl<W: Write> Write for Counting<'_, W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.inner.write(bytes)?;
        *self.count += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}
