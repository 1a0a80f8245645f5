//! One input of `matinv inv`: its options, and what is said and written of it.

use crate::cli::{InvArgs, OnFailureArg};
use crate::format;
use crate::machine::{asked_threads, memory_limit};
use crate::output::report::{Head, Options};
use crate::output::sink::{self, Sink, Wanted};
use crate::output::summary::{Tally, hint};
use crate::stop::{Stop, name};
use clap::ValueEnum;
use matinv::{Error, Inverter, OnFailure, Triangle};
use std::path::Path;
use std::time::Duration;

/// Refuses what is no stack of square matrices.
pub(crate) fn check_shape(shape: &[usize]) -> Result<(), Error> {
    match *shape {
        [.., rows, cols] if rows != cols => Err(Error::NotSquare { rows, cols }),
        [.., _, _] => Ok(()),
        _ => Err(Error::NotMatrix { ndim: shape.len() }),
    }
}

/// An error that concerns the whole input.
pub(crate) fn refused(input: &str, error: &Error) -> Stop {
    let stop = Stop::new(format!("{input}: {error}"));
    match hint(error) {
        Some(hint) => stop.hint(hint),
        None => stop,
    }
}

/// One input to invert.
pub(crate) struct Job<'a> {
    pub(crate) args: &'a InvArgs,
    pub(crate) input: &'a Path,
    /// Its name in messages.
    pub(crate) name: String,
    pub(crate) sink: Sink,
    /// The number of threads that the option, or else the environment, asks for.
    pub(crate) threads: Option<usize>,
    /// Bytes that may be used.
    pub(crate) limit: u64,
}

/// What became of an input.
pub(crate) struct Ended {
    pub(crate) tally: Tally,
    /// The element types in words: `int64 as float64`.
    pub(crate) types: String,
    pub(crate) time: Duration,
    /// Of inverses that may be meaningless.
    pub(crate) warning: Option<String>,
    /// Whether there is an output.
    pub(crate) written: bool,
}

/// The element types of an input and its inverse.
pub(crate) fn types<A>() -> (&'static str, &'static str)
where
    A: matinv::Element + format::Element,
{
    (<A as format::Element>::NAME, <A::Scalar as matinv::Scalar>::NAME)
}

/// The same in words.
pub(crate) fn types_in_words((from, to): (&str, &str)) -> String {
    if from == to { to.to_owned() } else { format!("{from} as {to}") }
}

impl<'a> Job<'a> {
    /// Looks at the options, and refuses early what could not be written later.
    pub(crate) fn new(
        args: &'a InvArgs,
        input: &'a Path,
        output: Option<&Path>,
    ) -> Result<Self, Stop> {
        Self::with(args, input, output, args.force)
    }

    /// The same where an output that exists is to be looked at.
    pub(crate) fn over_existing(
        args: &'a InvArgs,
        input: &'a Path,
        output: Option<&Path>,
    ) -> Result<Self, Stop> {
        Self::with(args, input, output, true)
    }

    fn with(
        args: &'a InvArgs,
        input: &'a Path,
        output: Option<&Path>,
        force: bool,
    ) -> Result<Self, Stop> {
        let threads = asked_threads(args.threads)?;
        let sink = Sink::new(Wanted {
            output,
            format: args.format.map(Into::into),
            force,
            key: "inverse",
        })?;
        if let Some(path) = &args.report {
            check_report(path, force, input, &sink)?;
        }
        let limit = memory_limit(args.memory);
        Ok(Job { args, input, name: name(input), sink, threads, limit })
    }

    /// Whether there is an output: under `fail`, one failure leaves none.
    pub(crate) fn is_written(&self, tally: &Tally) -> bool {
        tally.failures == 0 || self.args.on_failure != OnFailureArg::Fail
    }

    /// The inverter for an input of `count` matrices. BLAS gets threads for one matrix only, so that
    /// no inverse depends on how a stack is cut.
    pub(crate) fn inverter(&self, count: usize) -> Inverter {
        let args = self.args;
        let policy = match args.on_failure.into() {
            // To go on, so that every failure is known; there will be no output.
            OnFailure::Fail => OnFailure::FillNan,
            policy => policy,
        };
        let mut inverter = Inverter::new()
            .structure(args.structure.into())
            .triangle(args.triangle())
            .on_failure(policy)
            .check_finite(!args.no_check_finite)
            .quality(args.quality)
            .blas_threads(if count == 1 { args.blas_threads } else { 1 })
            .engine(args.engine.into());
        if let Some(limit) = args.min_rcond {
            inverter = inverter.min_rcond(limit);
        }
        if let Some(threads) = self.threads {
            // No more than there are matrices to share out: starting threads takes time.
            inverter = inverter.threads(threads.min(count).max(1));
        }
        inverter
    }

    /// What stands at the head of a report.
    pub(crate) fn head<'h>(
        &'h self,
        shape: &'h [usize],
        (dtype, computed_in): (&'static str, &'static str),
        seconds: f64,
        tally: &Tally,
    ) -> Head<'h> {
        let output = match self.sink.path() {
            _ if !self.is_written(tally) => None,
            Some(path) => Some(path.display().to_string()),
            None => Some("-".to_owned()),
        };
        Head {
            matinv: env!("CARGO_PKG_VERSION"),
            input: &self.name,
            output,
            shape,
            dtype,
            computed_in,
            options: self.options(),
            seconds,
            count: tally.count,
            inverted: tally.inverted,
            pseudo_inverted: tally.pseudo_inverted,
            failed: tally.failures - tally.pseudo_inverted,
        }
    }

    /// The options that bear on the result.
    pub(crate) fn options(&self) -> Options {
        let args = self.args;
        Options {
            structure: word(&args.structure),
            triangle: match args.triangle() {
                Triangle::Lower => "lower",
                Triangle::Upper => "upper",
            },
            on_failure: word(&args.on_failure),
            min_rcond: args.min_rcond,
            check_finite: !args.no_check_finite,
            engine: word(&args.engine),
            threads: self.threads,
            blas_threads: args.blas_threads,
        }
    }
}

/// Refuses a report that could not be written, or that would replace input or output.
fn check_report(path: &Path, force: bool, input: &Path, sink: &Sink) -> Result<(), Stop> {
    let is_same = |other: &Path| {
        let same = |a: &Path, b: &Path| Some(a.canonicalize().ok()? == b.canonicalize().ok()?);
        path == other || same(path, other).unwrap_or(false)
    };
    if path == Path::new("-") {
        return Err(Stop::new(
            "standard output is for the inverse; give --report the name of a file",
        ));
    }
    if is_same(input) || sink.path().is_some_and(is_same) {
        return Err(Stop::new(format!(
            "{}: the report needs a file of its own, not that of input or output",
            name(path)
        )));
    }
    Ok(format::check_target(path, sink::existing(force))?)
}

/// The word for a choice on the command line.
fn word(choice: &impl ValueEnum) -> String {
    choice.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default()
}
