//! Inversion of an input that is in memory as a whole.

use crate::cli::OnFailureArg;
use crate::commands::runs::{each_run, memory_of_runs};
use crate::format::{self, Data, Fault, ReadOptions, Symmetry};
use crate::job::{Ended, Job, check_shape, refused, types_in_words};
use crate::machine::{self, bytes};
use crate::output::matrix::Entry;
use crate::output::summary::Tally;
use crate::output::{report, sink, words};
use crate::scalars::{Scalars, with_scalars};
use crate::stop::{MEMORY_HINT, Stop};
use crate::stream::Extras;
use matinv::{Error, Scalar, Structure, Verdict};
use ndarray::{ArrayD, IxDyn};
use std::time::Instant;

impl Job<'_> {
    /// Reads, inverts, writes. `way_out` is the hint if that takes too much memory, where there is
    /// a better one than to raise the limit.
    pub(super) fn run_whole(&self, way_out: Option<&'static str>) -> Result<Ended, Stop> {
        let options = ReadOptions { key: self.args.key.clone(), ..ReadOptions::new(self.limit) };
        let data =
            format::read(self.input, &options).map_err(|error| match (way_out, &*error.fault) {
                (Some(hint), Fault::TooLarge { .. }) => Stop::new(error.to_string()).hint(hint),
                _ => error.into(),
            })?;
        check_shape(data.shape()).map_err(|error| refused(&self.name, &error))?;
        self.sink.check_shape(data.shape())?;
        self.check_memory(&data, way_out)?;
        let from = data.type_name();
        let scalars = Scalars::of(data).map_err(|error| refused(&self.name, &error))?;
        with_scalars!(scalars, array => self.invert(array, from))
    }

    /// Inverts and writes what was read as elements `from`.
    fn invert<T: Entry>(&self, a: ArrayD<T>, from: &'static str) -> Result<Ended, Stop> {
        let types = (from, <T as Scalar>::NAME);
        let shape = a.shape().to_vec();

        let mut tally = Tally::new(&shape);
        let mut verdicts = Vec::new();
        let start = Instant::now();
        let what = format!("inverting {} {}", words::shape(&shape), types_in_words(types));
        let inverter = self.inverter(shape[..shape.len() - 2].iter().product());
        let count: usize = shape[..shape.len() - 2].iter().product();
        let is_reported = self.args.report.is_some();
        if is_reported {
            let bytes = count.saturating_mul(size_of::<Verdict<T>>());
            let refuse = |_| refused(&self.name, &Error::OutOfMemory { bytes });
            verdicts.try_reserve_exact(count).map_err(refuse)?;
        }
        let each = |verdict: Verdict<T>| {
            tally.add(&verdict);
            if is_reported {
                verdicts.push(verdict);
            }
        };
        let inverse = if a.is_empty() && count > 1 && !is_reported {
            // A header of some bytes can promise any number of matrices without elements. They are
            // all the same, and one verdict does for them.
            let one = ArrayD::from_shape_vec(IxDyn(&[0, 0]), Vec::new());
            let one = one.map_err(|error| Stop::new(format!("{}: {error}", self.name)))?;
            each_run(&inverter, &one, &what, self.args.quiet, each).map(|_| a.clone())
        } else {
            each_run(&inverter, &a, &what, self.args.quiet, each)
        }
        .map_err(|error| refused(&self.name, &error))?;
        if a.is_empty() && count > 1 && !is_reported {
            tally.repeat(count - 1);
        }
        let time = start.elapsed();
        drop(a);

        let written = self.is_written(&tally);
        if written {
            self.sink.write(&inverse.view(), symmetry(&shape, &tally))?;
        }
        drop(inverse);
        if let Some(path) = &self.args.report {
            let head = self.head(&shape, types, time.as_secs_f64(), &tally);
            let write = |out: &mut dyn std::io::Write| Ok(report::write(&head, &verdicts, out)?);
            format::save_atomically::<format::FormatError>(
                path,
                sink::existing(self.args.force),
                write,
            )?;
        }
        let warning = tally.warning::<T>();
        Ok(Ended { warning, types: types_in_words(types), tally, time, written })
    }

    /// Refuses what would need more memory than allowed: the input in the type of the inverse, the
    /// inverse of the same shape, and a verdict on each matrix.
    fn check_memory(&self, data: &Data, way_out: Option<&'static str>) -> Result<(), Stop> {
        let extras = Extras {
            pseudo_inverses: self.args.on_failure == OnFailureArg::Pinv,
            quality: self.args.quality,
        };
        let threads = self.threads.unwrap_or_else(machine::threads);
        let (arrays, beside) = memory_of_runs(data, threads, extras, self.args.report.is_some());
        let needed = arrays.saturating_add(beside);
        if needed <= u128::from(self.limit) {
            return Ok(());
        }
        let and = if beside > 0 { ", with what is needed beside them," } else { "" };
        let message = format!(
            "{}: input and inverse{and} need {needed} bytes of memory ({}), the limit is {} bytes ({})",
            self.name,
            bytes(needed),
            self.limit,
            bytes(self.limit.into())
        );
        Err(Stop::new(message).hint(way_out.unwrap_or(MEMORY_HINT)))
    }
}

/// The symmetry that a Matrix Market output declares: that of the one matrix inverted.
fn symmetry(shape: &[usize], tally: &Tally) -> Symmetry {
    match tally.structures().as_slice() {
        _ if shape.len() > 2 => Symmetry::General,
        [(Structure::PositiveDefinite | Structure::Hermitian, _)] => Symmetry::Hermitian,
        [(Structure::Symmetric, _)] => Symmetry::Symmetric,
        _ => Symmetry::General,
    }
}
