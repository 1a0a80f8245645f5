//! `matinv inv`: reads, inverts, writes, and says what became of every matrix.

use crate::cli::{Cli, InvArgs, OnFailureArg};
use crate::format::{self, Data, FormatError, ReadOptions, Symmetry};
use crate::machine::{bytes, memory_limit};
use crate::output::matrix::Entry;
use crate::output::progress::Progress;
use crate::output::report::{Head, Options};
use crate::output::sink::{self, Sink, Wanted};
use crate::output::summary::{Tally, hint};
use crate::output::{report, talk, words};
use crate::stop::{MEMORY_HINT, Outcome, Stop, name};
use crate::with_array;
use clap::CommandFactory;
use clap::ValueEnum;
use clap::error::ErrorKind;
use matinv::{Element, Error, Inverter, OnFailure, Structure, Triangle, Verdict};
use ndarray::{ArrayD, Axis, Slice};
use std::io::Write;
use std::path::Path;
use std::time::Instant;

/// Inverts what the arguments say.
pub(crate) fn inv(args: &InvArgs) -> Result<Outcome, Stop> {
    check_usage(args);
    let sink = Sink::new(Wanted {
        output: args.output.as_deref(),
        format: args.format.map(Into::into),
        force: args.force,
        key: "inverse",
    })?;
    if let Some(path) = &args.report {
        check_report(path, args, &sink)?;
    }
    let limit = memory_limit(args.memory);
    let options = ReadOptions { key: args.key.clone(), ..ReadOptions::new(limit) };
    let data = format::read(&args.input, &options)?;
    let input = name(&args.input);
    check_shape(data.shape()).map_err(|error| refused(&input, &error))?;
    sink.check_shape(data.shape())?;
    Job { args, input, sink, limit }.run(data)
}

/// Ends the program if options contradict each other in a way that their definition cannot say.
fn check_usage(args: &InvArgs) {
    let complain = |text: &str| {
        let mut command = Cli::command();
        command.build();
        let inv = command
            .find_subcommand_mut("inv")
            .map(|inv| inv.error(ErrorKind::ArgumentConflict, text));
        if let Some(error) = inv {
            error.exit();
        }
    };
    if (args.lower || args.upper) && !args.structure.mirrors() {
        let option = if args.lower { "--lower" } else { "--upper" };
        complain(&format!(
            "{option} says which triangle is read with --structure pos, sym or her; give one of these"
        ));
    }
}

/// Refuses a report that could not be written, or that would replace input or output.
fn check_report(path: &Path, args: &InvArgs, sink: &Sink) -> Result<(), Stop> {
    let is_same = |other: &Path| {
        let same = |a: &Path, b: &Path| Some(a.canonicalize().ok()? == b.canonicalize().ok()?);
        path == other || same(path, other).unwrap_or(false)
    };
    if path == Path::new("-") {
        return Err(Stop::new(
            "standard output is for the inverse; give --report the name of a file",
        ));
    }
    if is_same(&args.input) || sink.path().is_some_and(is_same) {
        return Err(Stop::new(format!(
            "{}: the report needs a file of its own, not that of input or output",
            path.display()
        )));
    }
    Ok(format::check_target(path, sink::existing(args.force))?)
}

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
struct Job<'a> {
    args: &'a InvArgs,
    /// Its name in messages.
    input: String,
    sink: Sink,
    /// Bytes that may be used.
    limit: u64,
}

impl Job<'_> {
    fn run(&self, data: Data) -> Result<Outcome, Stop> {
        with_array!(data, array => self.invert(array))
    }

    fn invert<A>(&self, a: ArrayD<A>) -> Result<Outcome, Stop>
    where
        A: Element<Scalar: Entry> + format::Element,
    {
        self.check_memory::<A>(a.shape())?;
        let from = <A as format::Element>::NAME;
        let to = <A::Scalar as matinv::Scalar>::NAME;
        let types = if from == to { to.to_owned() } else { format!("{from} as {to}") };
        let shape = a.shape().to_vec();

        let mut tally = Tally::new(&shape);
        let mut verdicts = Vec::new();
        let start = Instant::now();
        let what = format!("inverting {} {types}", words::shape(&shape));
        let inverse = each_run(&self.inverter(), &a, &what, self.args.quiet, |verdict| {
            tally.add(&verdict);
            if self.args.report.is_some() {
                verdicts.push(verdict);
            }
        })
        .map_err(|error| refused(&self.input, &error))?;
        let time = start.elapsed();
        drop(a);

        let written = self.is_written(&tally);
        if written {
            self.sink.write(&inverse.view(), symmetry(&shape, &tally))?;
        }
        drop(inverse);
        if let Some(path) = &self.args.report {
            let head = self.head(&shape, (from, to), time.as_secs_f64(), &tally);
            let write = |out: &mut dyn Write| Ok(report::write(&head, &verdicts, out)?);
            let existing = sink::existing(self.args.force);
            format::save_atomically::<FormatError>(path, existing, write)?;
        }
        let heard = !self.args.quiet;
        if heard && let Some(warning) = tally.warning::<A::Scalar>() {
            talk::warning(&format!("{}: {warning}", self.input));
        }
        self.name_failures(&tally, written);
        if heard && let Some(summary) = tally.summary(&types, time) {
            talk::line(&summary);
        }
        Ok(if tally.failures.is_empty() { Outcome::Success } else { Outcome::Failures })
    }

    /// Whether there is an output: under `fail`, one failure leaves none.
    fn is_written(&self, tally: &Tally) -> bool {
        tally.failures.is_empty() || self.args.on_failure != OnFailureArg::Fail
    }

    /// Refuses what would need more memory than allowed: the input, the inverse of the same
    /// shape, and a verdict on each matrix.
    fn check_memory<A>(&self, shape: &[usize]) -> Result<(), Stop>
    where
        A: Element<Scalar: Entry>,
    {
        let of = |lengths: &[usize]| lengths.iter().fold(1_u128, |product, &n| product * n as u128);
        let reported = usize::from(self.args.report.is_some());
        let verdicts = size_of::<Verdict<A::Scalar>>() * reported;
        let needed = of(shape) * (size_of::<A>() + size_of::<A::Scalar>()) as u128
            + of(&shape[..shape.len() - 2]) * verdicts as u128;
        if needed <= u128::from(self.limit) {
            return Ok(());
        }
        let message = format!(
            "{}: input and inverse need {needed} bytes of memory ({}), the limit is {} bytes ({})",
            self.input,
            bytes(needed),
            self.limit,
            bytes(self.limit.into())
        );
        Err(Stop::new(message).hint(MEMORY_HINT))
    }

    fn inverter(&self) -> Inverter {
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
            .blas_threads(args.blas_threads)
            .engine(args.engine.into());
        if let Some(limit) = args.min_rcond {
            inverter = inverter.min_rcond(limit);
        }
        if let Some(threads) = args.threads {
            inverter = inverter.threads(threads);
        }
        inverter
    }

    /// Says on stderr what could not be inverted.
    fn name_failures(&self, tally: &Tally, written: bool) {
        let place = match (self.args.on_failure, tally.is_stack()) {
            (OnFailureArg::Fail, false) => "",
            (OnFailureArg::Fail, true) => "; nothing was written",
            (OnFailureArg::Nan, false) => "; NaN stands in its place",
            (OnFailureArg::Nan, true) => "; NaN stands in their place",
            (OnFailureArg::Keep, false) => "; it was left as it was",
            (OnFailureArg::Keep, true) => "; they were left as they were",
            (OnFailureArg::Pinv, false) if tally.pseudo_inverted == 0 => {
                "; NaN stands in its place"
            }
            (OnFailureArg::Pinv, false) => "; the pseudo-inverse stands in its place",
            (OnFailureArg::Pinv, true) if tally.pseudo_inverted == tally.failures.len() => {
                "; pseudo-inverses stand in their place"
            }
            (OnFailureArg::Pinv, true) => {
                "; pseudo-inverses, or NaN if there is none, stand in their place"
            }
        };
        let report = self.args.report.as_ref().map(|path| path.display().to_string());
        if let Some(text) = tally.describe_failures(place, report.as_deref()) {
            talk::error(&format!("{}: {text}", self.input));
            if !written {
                for hint in tally.hints() {
                    talk::hint(hint);
                }
            }
        }
    }

    fn head<'a>(
        &'a self,
        shape: &'a [usize],
        (dtype, computed_in): (&'static str, &'static str),
        seconds: f64,
        tally: &Tally,
    ) -> Head<'a> {
        let args = self.args;
        let output = match self.sink.path() {
            _ if !self.is_written(tally) => None,
            Some(path) => Some(path.display().to_string()),
            None => Some("-".to_owned()),
        };
        Head {
            matinv: env!("CARGO_PKG_VERSION"),
            input: &self.input,
            output,
            shape,
            dtype,
            computed_in,
            options: Options {
                structure: word(&args.structure),
                triangle: match args.triangle() {
                    Triangle::Lower => "lower",
                    Triangle::Upper => "upper",
                },
                on_failure: word(&args.on_failure),
                min_rcond: args.min_rcond,
                check_finite: !args.no_check_finite,
                engine: word(&args.engine),
                threads: args.threads,
                blas_threads: args.blas_threads,
            },
            seconds,
            count: tally.count,
            inverted: tally.inverted,
            pseudo_inverted: tally.pseudo_inverted,
            failed: tally.failures.len() - tally.pseudo_inverted,
        }
    }
}

/// The word for a choice on the command line.
fn word(choice: &impl ValueEnum) -> String {
    choice.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default()
}

/// Operations, roughly, after which the progress bar moves: some tenths of a second.
const STEP_WORK: f64 = 2e9;

/// Matrices after which it does.
const STEP_COUNT: usize = 1 << 17;

/// Inverts an array in runs along its first axis, so that progress can be seen; most arrays are
/// one run. Verdicts come in index order.
pub(crate) fn each_run<A>(
    inverter: &Inverter,
    a: &ArrayD<A>,
    what: &str,
    quiet: bool,
    mut each: impl FnMut(Verdict<A::Scalar>),
) -> Result<ArrayD<A::Scalar>, Error>
where
    A: Element,
{
    let axes = a.ndim() - 2;
    let order = a.shape()[axes];
    let length = if axes == 0 { 1 } else { a.shape()[0] };
    let per_index: usize = a.shape()[..axes].iter().skip(1).product();
    let by_work = STEP_WORK / (2.0 * (order as f64).powi(3) * per_index as f64);
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // positive; `as` saturates
    let step = (by_work as usize).min(STEP_COUNT / per_index.max(1)).max(1);
    let progress = Progress::begin(what, length, quiet);
    if a.is_empty() || step >= length {
        let inversion = inverter.report(a)?;
        inversion.verdicts.into_iter().for_each(each);
        return Ok(inversion.inverse);
    }
    let mut elements = Vec::new();
    let bytes = a.len() * size_of::<A::Scalar>();
    elements.try_reserve_exact(a.len()).map_err(|_| Error::OutOfMemory { bytes })?;
    elements.resize(a.len(), A::Scalar::default());
    let mut inverse =
        ArrayD::from_shape_vec(a.shape(), elements).map_err(|_| Error::OutOfMemory { bytes })?;
    for start in (0..length).step_by(step) {
        let run = Slice::from(start..length.min(start + step));
        let inversion = inverter.report(&a.slice_axis(Axis(0), run))?;
        inverse.slice_axis_mut(Axis(0), run).assign(&inversion.inverse);
        inversion.verdicts.into_iter().for_each(&mut each);
        progress.advance(step.min(length - start));
    }
    Ok(inverse)
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
