//! Several inputs: each is inverted into a file of its own in one directory.

use crate::cli::InvArgs;
use crate::format::{self, Format};
use crate::job::{Ended, Job};
use crate::output::sink::existing;
use crate::output::words::{counted, duration};
use crate::stop::{self, Outcome, Stop};
use crate::talk;
use std::collections::HashMap;
use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Instant;

/// How many files are named in the summary.
const NAMED: usize = 10;

/// One input and where its inverse goes.
struct Pair<'a> {
    input: &'a Path,
    output: PathBuf,
}

/// Inverts them all; what is wrong with one does not keep the others.
pub(super) fn inv(args: &InvArgs, directory: &Path, inputs: &[PathBuf]) -> Result<Outcome, Stop> {
    let start = Instant::now();
    let mut counts = Counts::default();
    let pairs = pairs(args, directory, inputs, &mut counts)?;
    fs::create_dir_all(directory)
        .map_err(|error| Stop::new(format!("{}: {error}", stop::name(directory))))?;
    let mut said = Vec::new();
    for pair in &pairs {
        let name = stop::name(pair.input);
        let ended = Job::new(args, pair.input, Some(&pair.output)).and_then(|job| {
            let ended = job.run()?;
            if let Some(text) = job.failures(&ended) {
                said.push(text);
            }
            Ok(ended)
        });
        match ended {
            Ok(ended) => counts.add(&name, &ended, args.quiet),
            Err(stop) => counts.refuse(name, stop),
        }
    }
    // At the end, where they are seen.
    for text in &said {
        talk::error(text);
    }
    for refusal in std::mem::take(&mut counts.stops) {
        refusal.say();
    }
    if !args.quiet {
        talk::line(&counts.summary(inputs.len(), directory, &duration(start.elapsed())));
    }
    Ok(match (counts.refused.is_empty(), counts.failing.is_empty()) {
        (false, _) => Outcome::Unreadable,
        (true, false) => Outcome::Failures,
        (true, true) => Outcome::Success,
    })
}

/// The outputs of all inputs that can be opened. Nothing has been written when this refuses.
fn pairs<'a>(
    args: &InvArgs,
    directory: &Path,
    inputs: &'a [PathBuf],
    counts: &mut Counts,
) -> Result<Vec<Pair<'a>>, Stop> {
    let real: Vec<Option<PathBuf>> = inputs.iter().map(|path| path.canonicalize().ok()).collect();
    let mut taken: HashMap<PathBuf, &Path> = HashMap::new();
    let mut pairs = Vec::new();
    for input in inputs {
        if input == Path::new("-") {
            return Err(Stop::new("standard input has no name for a file in --out-dir")
                .hint("give -o FILE for it, in a run of its own"));
        }
        let format = match args.format {
            Some(format) => Ok(format.into()),
            None => format::detect(input),
        };
        let format = match format {
            Ok(format) => format,
            Err(error) => {
                counts.refuse(stop::name(input), error.into());
                continue;
            }
        };
        let output = directory.join(file_name(input, format));
        if let Some(other) = taken.insert(output.clone(), input) {
            return Err(Stop::new(format!(
                "{} and {} would both become {}",
                stop::name(other),
                stop::name(input),
                stop::name(&output)
            ))
            .hint("rename one, or invert them in two runs with different --out-dir"));
        }
        let found = output.canonicalize().ok();
        if found.is_some() && real.contains(&found) {
            return Err(Stop::new(format!("{}: would replace an input", stop::name(&output)))
                .hint("give --out-dir another directory"));
        }
        if directory.is_dir() {
            format::check_target(&output, existing(args.force))?;
        }
        pairs.push(Pair { input, output });
    }
    Ok(pairs)
}

/// The name of the input with the extension of a format: `A.mtx.gz` becomes `A.mtx`.
fn file_name(input: &Path, format: Format) -> String {
    let name = input.file_name().unwrap_or_default().to_string_lossy();
    let plain = match name.rsplit_once('.') {
        Some((plain, gz)) if gz.eq_ignore_ascii_case("gz") => plain,
        _ => &name,
    };
    let stem = match plain.rsplit_once('.') {
        Some((stem, _)) if !stem.is_empty() => stem,
        _ => plain,
    };
    let extension = match format {
        Format::Text => "txt",
        format => format.word(),
    };
    format!("{stem}.{extension}")
}

/// What is said of all files together.
#[derive(Default)]
struct Counts {
    written: usize,
    matrices: usize,
    failures: usize,
    /// Files with matrices that could not be inverted.
    failing: Vec<String>,
    /// Files that could not be read or written, and why.
    refused: Vec<String>,
    stops: Vec<Stop>,
}

impl Counts {
    fn add(&mut self, name: &str, ended: &Ended, quiet: bool) {
        self.written += usize::from(ended.written);
        self.matrices += ended.tally.count;
        self.failures += ended.tally.failures;
        if ended.tally.failures > 0 {
            self.failing.push(name.to_owned());
        }
        if let Some(warning) = ended.warning.as_ref().filter(|_| !quiet) {
            talk::warning(&format!("{name}: {warning}"));
        }
    }

    fn refuse(&mut self, name: String, stop: Stop) {
        self.refused.push(name);
        self.stops.push(stop);
    }

    /// `3 files, 2 written to out: 7 matrices, 1 not inverted (in b.npy); 1 file refused (c.npy), 2 s`
    fn summary(&self, files: usize, directory: &Path, time: &str) -> String {
        let mut text = format!(
            "{}, {} written to {}: {}, {} not inverted",
            counted(files, "file", "files"),
            self.written,
            stop::name(directory),
            counted(self.matrices, "matrix", "matrices"),
            self.failures,
        );
        if !self.failing.is_empty() {
            let _ = write!(text, " (in {})", listed(&self.failing));
        }
        if !self.refused.is_empty() {
            let refused = counted(self.refused.len(), "file", "files");
            let _ = write!(text, "; {refused} refused ({})", listed(&self.refused));
        }
        format!("{text}; {time}")
    }
}

fn listed(names: &[String]) -> String {
    let text = names.iter().take(NAMED).map(String::as_str).collect::<Vec<_>>().join(", ");
    match names.len().saturating_sub(NAMED) {
        0 => text,
        more => format!("{text} and {more} more"),
    }
}
