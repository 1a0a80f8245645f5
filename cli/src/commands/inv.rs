//! `matinv inv`: reads, inverts, writes, and says what became of every matrix.

mod inputs;
mod many;
mod whole;

use crate::cli::{Cli, EngineArg, InvArgs, OnFailureArg};
use crate::job::{Ended, Job};
use crate::machine::asked_threads;
use crate::stop::{Outcome, Stop, name};
use crate::stream::{self, Finished, Opened};
use crate::talk;
use clap::CommandFactory;
use clap::error::ErrorKind;
use std::fs::File;
use std::path::Path;

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

impl Job<'_> {
    /// Inverts it: a stack in an npy file piece by piece, anything else as a whole.
    pub(super) fn run(&self) -> Result<Ended, Stop> {
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

    /// What could not be inverted, in words.
    pub(super) fn failures(&self, ended: &Ended) -> Option<String> {
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
}
