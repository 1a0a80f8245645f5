//! The options of a call, in scipy's and numpy's words.

use crate::process::{self, Threads};
use matinv::{Inverter, OnFailure, Structure, Triangle};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::PyAny;

/// The names of structures: scipy's first, then the words that it abbreviates.
const STRUCTURES: [(&str, Structure); 11] = [
    ("general", Structure::General),
    ("gen", Structure::General),
    ("diagonal", Structure::Diagonal),
    ("upper triangular", Structure::UpperTriangular),
    ("lower triangular", Structure::LowerTriangular),
    ("pos", Structure::PositiveDefinite),
    ("sym", Structure::Symmetric),
    ("her", Structure::Hermitian),
    ("positive definite", Structure::PositiveDefinite),
    ("symmetric", Structure::Symmetric),
    ("hermitian", Structure::Hermitian),
];

const POLICIES: [(&str, OnFailure); 4] = [
    ("raise", OnFailure::Fail),
    ("nan", OnFailure::FillNan),
    ("keep", OnFailure::Keep),
    ("pinv", OnFailure::PseudoInverse),
];

/// What the caller wants.
pub(crate) struct Options {
    structure: Structure,
    triangle: Triangle,
    pub(crate) check_finite: bool,
    pub(crate) policy: OnFailure,
    pub(crate) min_rcond: Option<f64>,
    pub(crate) threads: Threads,
}

impl Options {
    /// Asks the user's objects for their truth, which may run any Python code.
    ///
    /// # Errors
    ///
    /// `ValueError` for words that are none of the choices and numbers out of range.
    pub(crate) fn new(
        assume_a: Option<&str>,
        lower: &Bound<'_, PyAny>,
        check_finite: &Bound<'_, PyAny>,
        on_failure: &str,
        min_rcond: Option<f64>,
        threads: Option<i64>,
    ) -> PyResult<Self> {
        let structure = match assume_a {
            None => Structure::Auto,
            Some(name) => choice("assume_a", name, &STRUCTURES, "None, ")?,
        };
        let triangle = if lower.is_truthy()? { Triangle::Lower } else { Triangle::Upper };
        if let Some(limit) = min_rcond
            && !(0.0..=1.0).contains(&limit)
        {
            let text = format!("min_rcond is {limit}, but must be between 0 and 1, or None");
            return Err(PyValueError::new_err(text));
        }
        Ok(Options {
            structure,
            triangle,
            check_finite: check_finite.is_truthy()?,
            policy: choice("on_failure", on_failure, &POLICIES, "")?,
            min_rcond,
            threads: thread_count(threads)?
                .map_or_else(process::threads, |n| Ok(Threads::Asked(n)))?,
        })
    }

    /// An inverter that knows structure and check.
    pub(crate) fn inverter(&self) -> Inverter {
        Inverter::new()
            .structure(self.structure)
            .triangle(self.triangle)
            .check_finite(self.check_finite)
    }
}

/// A number of threads as given by the user.
///
/// # Errors
///
/// `ValueError` if it is not at least 1.
pub(crate) fn thread_count(threads: Option<i64>) -> PyResult<Option<usize>> {
    /// More are a slip, and starting them would take for ever.
    const MOST: i64 = 1024;
    match threads {
        Some(count) if !(1..=MOST).contains(&count) => Err(PyValueError::new_err(format!(
            "threads is {count}, but must be from 1 to {MOST}, or None"
        ))),
        count => Ok(count.and_then(|count| usize::try_from(count).ok())),
    }
}

fn choice<T: Copy>(option: &str, name: &str, choices: &[(&str, T)], before: &str) -> PyResult<T> {
    if let Some(&(_, value)) = choices.iter().find(|&&(choice, _)| choice == name) {
        return Ok(value);
    }
    let names: Vec<String> = choices.iter().map(|(choice, _)| format!("'{choice}'")).collect();
    let names = names.join(", ");
    Err(PyValueError::new_err(format!("{option} is '{name}', but must be one of {before}{names}")))
}
