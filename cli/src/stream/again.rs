//! `--resume` where the output is there: whether that is what the same command has made.
//!
//! Nothing stays beside an output that is whole. So the output is looked at: it has to have the
//! header and the length, to be younger than any change of the input, and to hold the bits that some
//! of its matrices have when they are inverted again.

use super::journal::{self, Entry, Paths};
use super::source::Source;
use super::{Empty, Read};
use crate::cli::OnFailureArg;
use crate::format;
use crate::format::npy::{self, Header, Order};
use crate::job::{Job, check_shape, refused, types};
use crate::output::matrix;
use crate::output::report::{self, Summary};
use crate::output::summary::Tally;
use crate::stop::Stop;
use crate::with_array;
use matinv::Element;
use ndarray::{Array3, ArrayD};
use std::fs::File;
use std::io::{self, Read as _, Seek, SeekFrom};
use std::path::Path;

/// How many matrices are inverted again, at most.
const SAMPLES: usize = 16;

/// Operations that this may take, roughly: seconds. One matrix is always inverted.
const WORK: f64 = 2e10;

/// An output that is whole.
pub(crate) struct Finished {
    /// What is said of it.
    pub(crate) words: String,
    /// Matrices that could not be inverted.
    pub(crate) failures: usize,
}

/// Looks whether the output at `target` is what the job would make; if not, the error says why.
pub(crate) fn again(
    job: &Job<'_>,
    source: Source,
    target: &Path,
) -> Result<Result<Finished, String>, Stop> {
    check_shape(&source.shape).map_err(|error| refused(&job.name, &error))?;
    let empty = source.header.element.visit(Empty);
    with_array!(empty, typed => again_of(job, source, target, &typed))
}

fn again_of<A>(
    job: &Job<'_>,
    source: Source,
    target: &Path,
    _: &ArrayD<A>,
) -> Result<Result<Finished, String>, Stop>
where
    A: Element<Scalar: matrix::Entry> + format::Element,
{
    Again { job, source, target, types: types::<A>() }.look::<A::Scalar>(Source::read::<A>)
}

struct Again<'a> {
    job: &'a Job<'a>,
    source: Source,
    target: &'a Path,
    types: (&'static str, &'static str),
}

impl Again<'_> {
    fn look<T: matrix::Entry>(mut self, next: Read<T>) -> Result<Result<Finished, String>, Stop> {
        let output = File::open(self.target).map_err(|error| self.failed(&error))?;
        let header = Header::encode(T::TYPE, Order::C, &self.source.shape)?;
        if let Some(why) = self.outward::<T>(&output, &header)? {
            return Ok(Err(why));
        }
        let summary = match self.summary()? {
            Ok(summary) => summary,
            Err(why) => return Ok(Err(why)),
        };
        super::needs::<T>(self.job, &self.source).piece(self.job.limit, &self.job.name)?;
        let samples = samples(self.source.order(), self.source.count());
        for &at in &samples {
            if !self.has_inverse(&output, header.len() as u64, at, next)? {
                let leading = &self.source.shape[..self.source.shape.len() - 2];
                let index = matrix::index_of(at, leading);
                return Ok(Err(format!("it holds something else at {index:?}")));
            }
        }
        self.source.check_unchanged()?;
        self.clear_up()?;
        let failures = summary.pseudo_inverted + summary.failed;
        let failed = match failures {
            0 => String::new(),
            _ => format!("; {failures} could not be inverted"),
        };
        let words = format!(
            "{} is whole already, nothing was done: {} of {} matrices, inverted again, have the bits \
             that it holds{failed}",
            self.target.display(),
            samples.len(),
            self.source.count()
        );
        Ok(Ok(Finished { words, failures }))
    }

    fn failed(&self, error: &io::Error) -> Stop {
        Stop::new(format!("{}: {error}", self.target.display()))
    }

    /// What outside of the matrices shows that the output is another one.
    fn outward<T>(&self, output: &File, header: &[u8]) -> Result<Option<String>, Stop> {
        let metadata = output.metadata().map_err(|error| self.failed(&error))?;
        let elements = self.source.shape.iter().map(|&n| n as u64).product::<u64>();
        let length = header.len() as u64 + elements * size_of::<T>() as u64;
        let mut start = Vec::new();
        let read = output.take(header.len() as u64).read_to_end(&mut start);
        read.map_err(|error| self.failed(&error))?;
        if start != header || metadata.len() != length {
            return Ok(Some("its type, shape or length is another".to_owned()));
        }
        let is_younger = |time| self.source.stamp.is_before(time);
        Ok((!metadata.modified().is_ok_and(is_younger))
            .then(|| "the input was written, renamed or linked after it was made".to_owned()))
    }

    /// Whether the output, behind its header, has the bits of the inverse at a position.
    fn has_inverse<T: matrix::Entry>(
        &mut self,
        mut output: &File,
        header: u64,
        at: usize,
        next: Read<T>,
    ) -> Result<bool, Stop> {
        let order = self.source.order();
        let bytes = order * order * size_of::<T>();
        let mut elements = Vec::new();
        elements
            .try_reserve_exact(order * order)
            .map_err(|_| refused(&self.job.name, &matinv::Error::OutOfMemory { bytes }))?;
        self.source.skip(at)?;
        next(&mut self.source, 1, &mut elements)?;
        let a = Array3::from_shape_vec((1, order, order), elements)
            .map_err(|error| Stop::new(format!("{}: {error}", self.job.name)))?;
        let inverter = self.job.inverter(self.source.count());
        let inversion = inverter.report(&a).map_err(|error| refused(&self.job.name, &error))?;
        let start = SeekFrom::Start(header + at as u64 * bytes as u64);
        output.seek(start).map_err(|error| self.failed(&error))?;
        let mut there = Same { file: output, is_same: true };
        npy::write_elements(inversion.inverse.iter(), &mut there)
            .map_err(|error| error.named(&self.target.to_string_lossy()))?;
        Ok(there.is_same)
    }

    /// What became of the matrices, from where it is known; if nowhere, the error says so.
    fn summary(&self) -> Result<Result<Summary, String>, Stop> {
        let count = self.source.count();
        if let Some(path) = &self.job.args.report {
            let name = path.display();
            let tally = Tally::new(&self.source.shape);
            let head = self.job.head(&self.source.shape, self.types, 0.0, &tally);
            let found = File::open(path)
                .and_then(|file| report::summary(&file, &head))
                .map_err(|error| Stop::new(format!("{name}: {error}")));
            return match found {
                Ok(Some(summary)) if summary.is_of(count) => Ok(Ok(summary)),
                Ok(_) => Ok(Err(format!("{name} is no report of it"))),
                Err(_) if !path.exists() => Ok(Err(format!("its report {name} is missing"))),
                Err(stop) => Err(stop),
            };
        }
        if let Some(tally) = self.tally_left()? {
            let (inverted, pseudo_inverted) = (tally.inverted, tally.pseudo_inverted);
            let failed = tally.failures - pseudo_inverted;
            return Ok(Ok(Summary { count, inverted, pseudo_inverted, failed }));
        }
        if self.job.args.on_failure == OnFailureArg::Fail {
            // Else there would be no output.
            return Ok(Ok(Summary { count, inverted: count, pseudo_inverted: 0, failed: 0 }));
        }
        Ok(Err("whether all its matrices were inverted cannot be told from it under this \
                --on-failure; a --report keeps that"
            .to_owned()))
    }

    /// The tally in a journal that was left when all was done.
    fn tally_left(&self) -> Result<Option<Tally>, Stop> {
        let Some(text) = journal::text_beside(self.target) else { return Ok(None) };
        let identity = super::identity::identity(self.job, &self.source)?;
        Ok(match journal::read(&text, &identity) {
            Entry::Same(state)
                if state.done == self.source.count()
                    && state.tally.fault(&self.source.shape, state.done).is_none() =>
            {
                Some(state.tally)
            }
            _ => None,
        })
    }

    /// Removes what a run has left that was ended when its output had its name.
    fn clear_up(&self) -> Result<(), Stop> {
        let paths = Paths::beside(self.target);
        if std::fs::symlink_metadata(&paths.output).is_err() {
            let Some(text) = journal::text_beside(self.target) else { return Ok(()) };
            let identity = super::identity::identity(self.job, &self.source)?;
            if matches!(journal::read(&text, &identity), Entry::Same(_)) {
                paths.remove_others();
            }
        }
        Ok(())
    }
}

/// The positions of some matrices, the first and the last among them.
fn samples(order: usize, count: usize) -> Vec<usize> {
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // positive; `as` saturates
    let by_work = (WORK / (2.0 * (order as f64).powi(3))) as usize;
    let some = by_work.clamp(1, SAMPLES).min(count);
    if some == 1 {
        // The last one is what is written last.
        return vec![count - 1];
    }
    let at = |k: usize| (count - 1) as u128 * k as u128 / (some - 1) as u128;
    (0..some).map(|k| usize::try_from(at(k)).unwrap_or(count - 1)).collect()
}

/// Takes bytes and compares them with those of a file.
struct Same<'a> {
    file: &'a File,
    is_same: bool,
}

impl io::Write for Same<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut there = Vec::new();
        self.file.take(bytes.len() as u64).read_to_end(&mut there)?;
        self.is_same &= there == bytes;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// What is to be said of a partial output that stays beside `target` when a run without `--resume`
/// writes that.
pub(crate) fn left_words(target: &Path) -> Option<String> {
    let paths = Paths::beside(target);
    std::fs::symlink_metadata(&paths.output).ok()?;
    let (done, count) = journal::progress(&journal::text_beside(target)?)?;
    Some(format!(
        "{} keeps {done} of {count} matrices of a run with --resume, and stays: the command of that \
         run goes on there, or delete it and {}",
        paths.output.display(),
        paths.journal.display()
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn samples_are_few_and_reach_from_end_to_end() {
        assert_eq!(samples(8, 1), [0]);
        assert_eq!(samples(8, 3), [0, 1, 2]);
        assert_eq!(samples(100_000, 3), [2]);
        let many = samples(8, 1_000_000);
        assert_eq!((many.len(), many[0], many[SAMPLES - 1]), (SAMPLES, 0, 999_999));
        assert!(many.is_sorted_by(|a, b| a < b));
    }
}
