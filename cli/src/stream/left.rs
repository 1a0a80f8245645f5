//! What an earlier run has left, and whether it can be relied upon.

use super::source::Source;
use crate::cli::OnFailureArg;
use crate::job::Job;
use crate::output::summary::Tally;
use serde::{Deserialize, Serialize};
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom};
use std::time::Duration;

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

/// More than any run takes: some thousand years.
const FOREVER: Duration = Duration::from_secs(1 << 35);

/// What a state must go with.
#[derive(Debug)]
pub(super) struct Expected<'a> {
    shape: &'a [usize],
    count: usize,
    /// How the output begins.
    header: &'a [u8],
    /// Bytes of a matrix of the output.
    matrix: u64,
    on_failure: OnFailureArg,
    quality: bool,
    report: bool,
}

impl<'a> Expected<'a> {
    /// Of this input with these options, where the output begins with `header` and has elements of
    /// so many bytes.
    pub(super) fn new(job: &Job<'_>, source: &'a Source, header: &'a [u8], element: usize) -> Self {
        let order = source.order() as u64;
        Expected {
            shape: &source.shape,
            count: source.count(),
            header,
            matrix: order * order * element as u64,
            on_failure: job.args.on_failure,
            quality: job.args.quality,
            report: job.args.report.is_some(),
        }
    }

    /// Bytes of the output with so many matrices.
    pub(super) fn output(&self, matrices: usize) -> u64 {
        self.header.len() as u64 + matrices as u64 * self.matrix
    }

    /// What in a state contradicts itself or the input.
    fn fault_within(&self, state: &State) -> Option<String> {
        let State { done, output, report, time, tally } = state;
        let says = |what: &str| Some(format!("{what} cannot be"));
        if *done > self.count {
            return Some(format!("it counts {done} of {} matrices", self.count));
        }
        if let Some(what) = tally.fault(self.shape, *done) {
            return says(what);
        }
        if tally.pseudo_inverted > 0 && self.on_failure != OnFailureArg::Pinv {
            return says("its number of pseudo-inverses");
        }
        if tally.has_quality() != (self.quality && tally.inverted > 0) {
            return says("its worst residual");
        }
        if *time > FOREVER {
            return says("its time");
        }
        if (*report > 0) != (self.report && *done > 0) {
            return says("its length of the report");
        }
        // Under `fail`, nothing is written from the piece with the first failure on.
        let fits = match tally.first_failure() {
            Some(first) if self.on_failure == OnFailureArg::Fail => {
                let matrices = output.checked_sub(self.header.len() as u64);
                matrices.is_some_and(|bytes| bytes % self.matrix == 0)
                    && *output <= self.output(first)
            }
            _ => *output == self.output(*done),
        };
        let is_begun = *output == 0 && *done == 0;
        if !fits && !is_begun {
            return says("its length of the output");
        }
        None
    }
}

/// Why a state cannot be relied upon, if there is a reason: it is compared with the input and the
/// options, with itself, and with the files it counts.
pub(super) fn fault(
    state: &State,
    expected: &Expected<'_>,
    output: &File,
    lines: Option<&File>,
) -> io::Result<Option<String>> {
    if let Some(fault) = expected.fault_within(state) {
        return Ok(Some(fault));
    }
    for (what, file, counted) in
        [("partial output", Some(output), state.output), ("partial report", lines, state.report)]
    {
        let found = file.map_or(Ok(0), |file| Ok::<_, io::Error>(file.metadata()?.len()))?;
        if found < counted {
            return Ok(Some(format!("the {what} has {found} bytes, it counts {counted}")));
        }
    }
    if state.output > 0 && !begins_with(output, expected.header)? {
        return Ok(Some("the partial output does not begin with its header".to_owned()));
    }
    match lines {
        Some(lines) if !are_lines(lines, state.report, state.done)? => {
            Ok(Some(format!("the partial report is not that of {} matrices", state.done)))
        }
        _ => Ok(None),
    }
}

fn begins_with(mut file: &File, header: &[u8]) -> io::Result<bool> {
    let mut start = Vec::new();
    file.seek(SeekFrom::Start(0))?;
    file.take(header.len() as u64).read_to_end(&mut start)?;
    Ok(start == header)
}

/// Whether the first `length` bytes are the lines of so many matrices: each begins with a line feed
/// and ends with a brace.
fn are_lines(mut file: &File, length: u64, matrices: usize) -> io::Result<bool> {
    file.seek(SeekFrom::Start(0))?;
    let mut bytes = BufReader::with_capacity(1 << 16, file.take(length));
    let (mut feeds, mut last) = (0, b'}');
    loop {
        let chunk = bytes.fill_buf()?;
        let Some(&end) = chunk.last() else { break };
        last = end;
        feeds += chunk.iter().map(|&byte| usize::from(byte == b'\n')).sum::<usize>();
        let used = chunk.len();
        bytes.consume(used);
    }
    Ok(feeds == matrices && last == b'}')
}
