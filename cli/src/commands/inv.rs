//! `matinv inv`: reads, inverts, writes, and says what became of every matrix.

mod inputs;
mod many;
mod whole;

use crate::cli::{Cli, EngineArg, InvArgs, OnFailureArg};
use crate::format;
use crate::machine::{asked_threads, memory_limit};
use crate::output::report::{Head, Options};
use crate::output::sink::{self, Sink, Wanted};
use crate::output::summary::{Tally, hint};
use crate::output::talk;
use crate::stop::{Outcome, Stop, name};
use crate::stream::{self, Finished, Opened};
use clap::CommandFactory;
use clap::ValueEnum;
use clap::error::ErrorKind;
use matinv::{Error, Inverter, OnFailure, Triangle};
use std::fs::File;
use std::path::Path;
use std::time::Duration;

/// Inverts what the arguments say.
pub(crate) fn inv(args: &InvArgs) -> Result<Outcome, Stop> {
    check_usage(args);
    asked_threads(args.threads)?;
    let inputs = inputs::expand(&args.inputs)?;
    if let Some(directory) = &args.out_dir {
        return many::inv(args, directory, &inputs);
    }
    let [input] = inputs.as_slice() else {
        complain("several inputs need --out-dir DIR for their inverses; -o FILE is for one input");
        return Err(Stop::new("several inputs need --out-dir DIR"));
    };
    if let Some(finished) = finished(args, input)? {
        if !args.quiet {
            talk::line(&finished.words);
        }
        return Ok(if finished.failures == 0 { Outcome::Success } else { Outcome::Failures });
    }
    let job = Job::new(args, input, args.output.as_deref())?;
    let ended = job.run()?;
    if !args.quiet
        && let Some(warning) = &ended.warning
    {
        talk::warning(&format!("{}: {warning}", job.name));
    }
    if let Some(text) = job.failures(&ended) {
        talk::error(&text);
        if !ended.written {
            ended.tally.hints.iter().for_each(|hint| talk::hint(hint));
        }
    }
    if !args.quiet
        && let Some(summary) = ended.tally.summary(&ended.types, ended.time)
    {
        talk::line(&summary);
    }
    Ok(if ended.tally.failures == 0 { Outcome::Success } else { Outcome::Failures })
}

/// The output of the same command with `--resume`, if it is there as a whole. Any other that is there
/// is refused, unless it may be replaced.
fn finished(args: &InvArgs, input: &Path) -> Result<Option<Finished>, Stop> {
    let Some(output) = args.output.as_deref().filter(|_| args.resume && !args.force) else {
        return Ok(None);
    };
    if !output.is_file() {
        return Ok(None);
    }
    let job = Job::over_existing(args, input, Some(output))?;
    let why = match stream::open(job.input, &job.name, &job.sink, args)? {
        Opened::Whole { .. } => None,
        Opened::Stream(source) => match stream::again(&job, *source, output)? {
            Ok(finished) => return Ok(Some(finished)),
            Err(why) => Some(why),
        },
    };
    // It says that the output is there.
    match (Job::new(args, input, Some(output)), why) {
        (Err(stop), Some(why)) => {
            Err(stop.hint(format!("it is not known to be what this command makes: {why}")))
        }
        (Err(stop), None) => Err(stop),
        (Ok(_), _) => Ok(None),
    }
}

/// Ends the program if options contradict each other, or this build, in a way that their
/// definition cannot say.
fn check_usage(args: &InvArgs) {
    if args.engine == EngineArg::Lapack {
        match matinv::platform().blas {
            None => complain(
                "--engine lapack: this build has no LAPACK; leave the option out, or build with it",
            ),
            Some(blas) if !blas.sound => complain(&format!(
                "--engine lapack: this OpenBLAS gives wrong results with its kernels for {}; leave the \
                 option out, install a newer OpenBLAS, or set OPENBLAS_CORETYPE=Haswell in the \
                 environment (`matinv info` tells more)",
                blas.core
            )),
            Some(_) => {}
        }
    }
    if (args.lower || args.upper) && !args.structure.mirrors() {
        let option = if args.lower { "--lower" } else { "--upper" };
        complain(&format!(
            "{option} says which triangle is read with --structure pos, sym or her; give one of these"
        ));
    }
}

/// Ends the program over its usage.
fn complain(text: &str) {
    let mut command = Cli::command();
    command.build();
    let inv =
        command.find_subcommand_mut("inv").map(|inv| inv.error(ErrorKind::ArgumentConflict, text));
    if let Some(error) = inv {
        error.exit();
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
    input: &'a Path,
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
    fn new(args: &'a InvArgs, input: &'a Path, output: Option<&Path>) -> Result<Self, Stop> {
        Self::with(args, input, output, args.force)
    }

    /// The same where an output that exists is to be looked at.
    fn over_existing(
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

    /// Inverts it: a stack in an npy file piece by piece, anything else as a whole.
    fn run(&self) -> Result<Ended, Stop> {
        if let Some(path) = self.sink.path().filter(|_| !self.args.resume && !self.args.quiet)
            && let Some(words) = stream::left_words(path)
        {
            talk::warning(&words);
        }
        match stream::open(self.input, &self.name, &self.sink, self.args)? {
            Opened::Stream(source) => stream::run(self, *source),
            Opened::Whole { reason } if self.args.resume => {
                if self.input != Path::new("-") {
                    File::open(self.input)
                        .map_err(|error| Stop::new(format!("{}: {error}", self.name)))?;
                }
                let needs = "--resume continues stacks that stream from one npy file to another";
                Err(Stop::new(format!("{}: {needs}, and {reason}", self.name))
                    .hint("leave --resume out"))
            }
            Opened::Whole { reason } => self.run_whole((reason == stream::FORTRAN).then_some(
                "a stack in C order needs no more memory than --memory allows: save it again as \
                 numpy.ascontiguousarray(a)",
            )),
        }
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

    /// What could not be inverted, in words.
    fn failures(&self, ended: &Ended) -> Option<String> {
        let tally = &ended.tally;
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
            (OnFailureArg::Pinv, true) if tally.pseudo_inverted == tally.failures => {
                "; pseudo-inverses stand in their place"
            }
            (OnFailureArg::Pinv, true) => {
                "; pseudo-inverses, or NaN if there is none, stand in their place"
            }
        };
        let report = self.args.report.as_ref().map(|path| name(path));
        let text = tally.describe_failures(place, report.as_deref())?;
        Some(format!("{}: {text}", self.name))
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

/// The word for a choice on the command line.
fn word(choice: &impl ValueEnum) -> String {
    choice.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default()
}
