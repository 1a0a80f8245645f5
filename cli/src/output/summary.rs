//! What is said of an inversion: one summary line, at most one warning, the failures by name.

use crate::output::matrix::index_of;
use crate::output::saved;
use crate::output::words::{counted, duration, ratio, shape, short};
use matinv::{Engine, Error, Failure, Scalar, Status, Structure, Verdict};
use serde::{Deserialize, Serialize};
use std::fmt::Write;
use std::time::Duration;

/// How many failures are spelled out.
const SPELLED_OUT: usize = 10;

/// The most remarkable of some numbers, and the position of its matrix.
type Extreme = Option<(usize, f64)>;

/// What is counted over all matrices of an input. Its size does not grow with their number.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Tally {
    leading: Vec<usize>,
    order: usize,
    /// Matrices looked at.
    pub(crate) count: usize,
    /// Matrices inverted.
    pub(crate) inverted: usize,
    /// Matrices replaced by their pseudo-inverses.
    pub(crate) pseudo_inverted: usize,
    #[serde(with = "saved::structures")]
    structures: Vec<(Structure, usize)>,
    /// Those that were used, in the order of their first matrix.
    #[serde(with = "saved::engines")]
    engines: Vec<Engine>,
    #[serde(with = "saved::extreme")]
    least_rcond: Extreme,
    near_singular: usize,
    #[serde(with = "saved::extreme")]
    worst_quality: Extreme,
    /// Matrices that could not be inverted, whatever stands in their places.
    pub(crate) failures: usize,
    /// The first of them, in index order.
    #[serde(with = "saved::failures")]
    named: Vec<Failure>,
    /// The ways out for what failed, each once.
    pub(crate) hints: Vec<String>,
}

impl Tally {
    /// Nothing counted yet of an array of this shape, which has two axes at least.
    pub(crate) fn new(shape: &[usize]) -> Self {
        let axes = shape.len() - 2;
        Tally {
            leading: shape[..axes].to_vec(),
            order: shape[axes],
            count: 0,
            inverted: 0,
            pseudo_inverted: 0,
            structures: Vec::new(),
            engines: Vec::new(),
            least_rcond: None,
            near_singular: 0,
            worst_quality: None,
            failures: 0,
            named: Vec::new(),
            hints: Vec::new(),
        }
    }

    /// Counts the next matrix in index order.
    pub(crate) fn add<T: Scalar>(&mut self, verdict: &Verdict<T>) {
        let position = self.count;
        self.count += 1;
        if !self.engines.contains(&verdict.engine) {
            self.engines.push(verdict.engine);
        }
        if let Some(error) = &verdict.error {
            self.add_failure(position, error);
        }
        match verdict.status {
            Status::Inverted => self.inverted += 1,
            Status::PseudoInverted => {
                self.pseudo_inverted += 1;
                return;
            }
            _ => return,
        }
        match self.structures.iter_mut().find(|(structure, _)| *structure == verdict.structure) {
            Some((_, count)) => *count += 1,
            None => self.structures.push((verdict.structure, 1)),
        }
        if self.least_rcond.is_none_or(|(_, least)| verdict.rcond < least) {
            self.least_rcond = Some((position, verdict.rcond));
        }
        if verdict.rcond < epsilon::<T>() {
            self.near_singular += 1;
        }
        if let Some(quality) = verdict.quality {
            let is_worse = |(_, worst): (usize, f64)| quality > worst || quality.is_nan();
            if self.worst_quality.is_none_or(is_worse) {
                self.worst_quality = Some((position, quality));
            }
        }
    }

    /// Counts the one matrix counted so far, which was inverted, so many times more.
    pub(crate) fn repeat(&mut self, times: usize) {
        self.count += times;
        self.inverted += times;
        for (_, count) in &mut self.structures {
            *count += times;
        }
    }

    fn add_failure(&mut self, position: usize, error: &Error) {
        self.failures += 1;
        if self.named.len() < SPELLED_OUT {
            self.named.push(Failure { index: self.index(position), error: error.clone() });
        }
        if let Some(hint) = hint(error)
            && !self.hints.iter().any(|known| known == hint)
        {
            self.hints.push(hint.to_owned());
        }
    }

    /// What cannot be in a tally of the first `count` matrices of an array of this shape, if there
    /// is such a thing: for one that comes from a file.
    pub(crate) fn fault(&self, shape: &[usize], count: usize) -> Option<&'static str> {
        let axes = shape.len() - 2;
        let sum: u128 = self.structures.iter().map(|&(_, count)| count as u128).sum();
        let is_within = |extreme: Extreme| extreme.is_none_or(|(position, _)| position < count);
        let is_twice = |k: usize, s: Structure| self.structures[..k].iter().any(|&(t, _)| s == t);
        let mut structures = self.structures.iter().enumerate();
        let mut engines = self.engines.iter().enumerate();
        Some(match () {
            () if self.leading != shape[..axes] || self.order != shape[axes] => "its shape",
            () if self.count != count => "its count",
            () if self.inverted.checked_add(self.failures) != Some(count) => {
                "its number of inverses and failures"
            }
            () if self.pseudo_inverted > self.failures => "its number of pseudo-inverses",
            () if sum != self.inverted as u128 => "its count of structures",
            () if structures.any(|(k, &(s, count))| count == 0 || is_twice(k, s)) => {
                "its list of structures"
            }
            () if self.engines.is_empty() != (count == 0)
                || engines.any(|(k, engine)| self.engines[..k].contains(engine)) =>
            {
                "its list of engines"
            }
            () if self.least_rcond.is_some() != (self.inverted > 0)
                || !is_within(self.least_rcond)
                || self.near_singular > self.inverted =>
            {
                "its least rcond"
            }
            () if !is_within(self.worst_quality)
                || self.worst_quality.is_some() && self.inverted == 0 =>
            {
                "its worst residual"
            }
            () if !self.names_failures(count) => "its list of failures",
            () if !self.hints.iter().all(|hint| is_hint_of_a_stack(hint)) => "its hints",
            () => return None,
        })
    }

    /// Whether the failures that are spelled out can be the first of the first `count` matrices.
    fn names_failures(&self, count: usize) -> bool {
        let positions: Option<Vec<usize>> =
            self.named.iter().map(|failure| self.position(&failure.index)).collect();
        let Some(positions) = positions else { return false };
        let is_inside = |error: &Error| match *error {
            Error::NonFinite { row, col } | Error::Overflow { row, col } => {
                row < self.order && col < self.order
            }
            Error::Singular { pivot } => pivot < self.order,
            Error::NotPositiveDefinite { minor } => 0 < minor && minor <= self.order,
            _ => true,
        };
        positions.len() == self.failures.min(SPELLED_OUT)
            && positions.is_sorted_by(|a, b| a < b)
            && positions.last().is_none_or(|&last| last < count)
            && self.named.iter().all(|failure| is_inside(&failure.error))
    }

    /// The position of an index, if it is within the axes.
    fn position(&self, index: &[usize]) -> Option<usize> {
        if index.len() != self.leading.len() {
            return None;
        }
        index.iter().zip(&self.leading).try_fold(0_usize, |position, (&i, &length)| {
            (i < length).then_some(())?;
            position.checked_mul(length)?.checked_add(i)
        })
    }

    /// Whether residuals were measured.
    pub(crate) fn has_quality(&self) -> bool {
        self.worst_quality.is_some()
    }

    /// The position of the first matrix that could not be inverted.
    pub(crate) fn first_failure(&self) -> Option<usize> {
        self.position(&self.named.first()?.index)
    }

    /// Of how many matrices which structure was used, among those inverted; the most frequent
    /// first.
    pub(crate) fn structures(&self) -> Vec<(Structure, usize)> {
        let mut structures = self.structures.clone();
        structures.sort_by_key(|&(_, count)| std::cmp::Reverse(count));
        structures
    }

    /// The least reciprocal condition number among those inverted, and where it is.
    pub(crate) fn least_rcond(&self) -> Option<String> {
        self.least_rcond.map(|(position, rcond)| format!("{}{}", short(rcond), self.at(position)))
    }

    fn index(&self, position: usize) -> Vec<usize> {
        index_of(position, &self.leading)
    }

    /// Whether it is a stack, be it of one matrix.
    pub(crate) fn is_stack(&self) -> bool {
        !self.leading.is_empty()
    }

    /// ` at [17]` in a stack.
    fn at(&self, position: usize) -> String {
        if self.is_stack() { format!(" at {:?}", self.index(position)) } else { String::new() }
    }

    /// The summary line; `None` if there is nothing to be said of a single matrix that failed.
    pub(crate) fn summary(&self, types: &str, time: Duration) -> Option<String> {
        let matrices = format!("{} {types}", shape(&[self.order, self.order]));
        let mut parts = Vec::new();
        if self.is_stack() {
            let all = counted(self.count, "matrix", "matrices");
            parts.push(match self.failures {
                0 => format!("inverted {all} {matrices}"),
                _ => format!("inverted {} of {all} {matrices}", self.inverted),
            });
            let failed = self.failures - self.pseudo_inverted;
            for (count, word) in [(self.pseudo_inverted, "pseudo-inverted"), (failed, "failed")] {
                if count > 0 {
                    parts.push(format!("{count} {word}"));
                }
            }
        } else if self.inverted == 1 {
            parts.push(format!("inverted {matrices}"));
        } else if self.pseudo_inverted == 1 {
            parts.push(format!("pseudo-inverted {matrices}"));
        } else {
            return None;
        }
        match self.structures().as_slice() {
            [] => {}
            [(structure, _)] => parts.push(structure.to_string()),
            several => parts.push(listed(several)),
        }
        if !self.engines.is_empty() {
            let engines: Vec<String> = self.engines.iter().map(Engine::to_string).collect();
            parts.push(engines.join(" and "));
        }
        if let Some(rcond) = self.least_rcond() {
            parts.push(format!("{}rcond {rcond}", if self.is_stack() { "least " } else { "" }));
        }
        if let Some((position, quality)) = self.worst_quality {
            let worst = if self.is_stack() { "worst " } else { "" };
            parts.push(format!("{worst}residual {}{}", ratio(quality), self.at(position)));
        }
        parts.push(duration(time));
        Some(parts.join(", "))
    }

    /// One warning for all inverses that may be meaningless.
    pub(crate) fn warning<T: Scalar>(&self) -> Option<String> {
        let (position, rcond) = self.least_rcond.filter(|_| self.near_singular > 0)?;
        let (least, epsilon) = (short(rcond), short(epsilon::<T>()));
        Some(if self.is_stack() {
            let matrices = counted(self.count, "matrix", "matrices");
            format!(
                "{} of {matrices} with rcond below ε = {epsilon}, the least {least}{}: perhaps no \
                 digit of such an inverse is right",
                self.near_singular,
                self.at(position)
            )
        } else {
            format!(
                "rcond {least} is below ε = {epsilon}: perhaps no digit of the inverse is right"
            )
        })
    }

    /// What could not be inverted, by name; `place` says what stands in its place, `all` where
    /// all are listed.
    pub(crate) fn describe_failures(&self, place: &str, all: Option<&str>) -> Option<String> {
        let first = self.named.first()?;
        if !self.is_stack() {
            return Some(match place {
                "" => first.error.to_string(),
                _ => format!("{}{place}", finding(&first.error)),
            });
        }
        let matrices = counted(self.count, "matrix", "matrices");
        let mut text = format!("{} of {matrices} could not be inverted{place}", self.failures);
        for Failure { index, error } in &self.named {
            let _ = write!(text, "\n  {index:?}: {}", finding(error));
        }
        let more = self.failures - self.named.len();
        if more > 0 {
            let _ = match all {
                Some(file) => write!(text, "\n  … and {more} more, all in {file}"),
                None => write!(text, "\n  … and {more} more; --report FILE.json lists all"),
            };
        }
        Some(text)
    }
}

/// What was found, without explanation and advice: many such lines stand below each other.
pub(crate) fn finding(error: &Error) -> String {
    let text = error.to_string();
    let end = [text.find(';'), text.find(" (no ")].into_iter().flatten().min();
    text[..end.unwrap_or(text.len())].to_owned()
}

/// The distance from 1 to the next larger number.
fn epsilon<T: Scalar>() -> f64 {
    2.0 * T::UNIT_ROUNDOFF
}

/// `600 general, 400 diagonal`
pub(crate) fn listed(structures: &[(Structure, usize)]) -> String {
    let words: Vec<String> =
        structures.iter().map(|(structure, count)| format!("{count} {structure}")).collect();
    words.join(", ")
}

/// Whether [`hint`] says this of some matrix of a stack.
fn is_hint_of_a_stack(text: &str) -> bool {
    let errors = [
        Error::NonFinite { row: 0, col: 0 },
        Error::Singular { pivot: 0 },
        Error::NotPositiveDefinite { minor: 1 },
        Error::IllConditioned { rcond: 0.0, limit: 0.0 },
        Error::Overflow { row: 0, col: 0 },
    ];
    errors.iter().any(|error| hint(error) == Some(text))
}

/// The option that helps.
pub(crate) fn hint(error: &Error) -> Option<&'static str> {
    Some(match error {
        Error::NonFinite { .. } => "--no-check-finite lets NaN and infinity through",
        Error::Singular { .. } => "--on-failure pinv writes the pseudo-inverse",
        Error::NotPositiveDefinite { .. } => {
            "--structure sym (complex: her) needs no definiteness, --structure auto finds out"
        }
        Error::IllConditioned { .. } => {
            "a smaller --min-rcond accepts it, --on-failure pinv writes the pseudo-inverse"
        }
        Error::Overflow { .. } => "--no-check-finite lets infinite elements through",
        Error::NotSquare { .. } => {
            "square it has to be for --on-failure pinv, too; a rectangular matrix calls for a \
             least-squares solver, such as numpy.linalg.lstsq or pinv"
        }
        _ => return None,
    })
}
