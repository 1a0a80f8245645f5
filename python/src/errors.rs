//! Failures as Python exceptions and warnings.

use matinv::{Error, Failure};
use pyo3::exceptions::{PyMemoryError, PyOSError, PyValueError};
use pyo3::prelude::*;
use std::ffi::CString;
use std::fmt::Write as _;

mod python {
    pyo3::import_exception!(numpy.linalg, LinAlgError);
    pyo3::import_exception!(matinv._errors, IllConditionedWarning);
}
use python::{IllConditionedWarning, LinAlgError};

/// `LinAlgError`, which is a `ValueError`.
pub(crate) fn lin_alg_error(text: String) -> PyErr {
    LinAlgError::new_err(text)
}

/// What ended a call as a whole.
pub(crate) fn of_call(error: &Error) -> PyErr {
    let text = error.to_string();
    match error {
        Error::OutOfMemory { .. } => PyMemoryError::new_err(text),
        Error::Threads { .. } => PyOSError::new_err(text),
        Error::InvalidOption { .. }
        | Error::InvalidVariable { .. }
        | Error::ShapeMismatch { .. } => PyValueError::new_err(text),
        _ => lin_alg_error(text),
    }
}

/// Whether an error is one of a single matrix, not of the call as a whole.
pub(crate) fn is_of_matrix(error: &Error) -> bool {
    matches!(
        error,
        Error::NonFinite { .. }
            | Error::Singular { .. }
            | Error::NotPositiveDefinite { .. }
            | Error::IllConditioned { .. }
            | Error::Overflow { .. }
            | Error::NoConvergence
    )
}

/// How many failures are explained; all are named.
const EXPLAINED: usize = 10;

/// `LinAlgError` that names every failing matrix, in index order, with the attribute `indices`.
pub(crate) fn of_matrices(py: Python<'_>, failures: &[Failure]) -> PyErr {
    let text = match failures {
        [one] if one.index.is_empty() => one.error.to_string(),
        _ => text_of_stack(failures),
    };
    let error = lin_alg_error(text);
    let indices: Vec<&[usize]> = failures.iter().map(|failure| failure.index.as_slice()).collect();
    match error.value(py).setattr("indices", indices) {
        Ok(()) => error,
        Err(refused) => refused,
    }
}

fn text_of_stack(failures: &[Failure]) -> String {
    let mut text = match failures.len() {
        1 => String::from("1 matrix of the stack could not be inverted: "),
        count => format!("{count} matrices of the stack could not be inverted: "),
    };
    for (i, failure) in failures.iter().enumerate() {
        let separator = if i == 0 { "" } else { ", " };
        // Writing to a string does not fail.
        let _ = write!(text, "{separator}{:?}", failure.index);
    }
    for failure in failures.iter().take(EXPLAINED) {
        let _ = write!(text, "\n  {failure}");
    }
    if failures.len() > EXPLAINED {
        let _ = write!(text, "\n  ... and {} more", failures.len() - EXPLAINED);
    }
    text
}

/// The ill-conditioned matrices of a call.
#[derive(Default)]
pub(crate) struct IllConditioned {
    count: usize,
    /// Reciprocal condition number and index of the worst one.
    worst: Option<(f64, Vec<usize>)>,
}

impl IllConditioned {
    /// Notes one more; a condition number that could not be computed is the worst there is.
    pub(crate) fn note(&mut self, rcond: f64, index: Vec<usize>) {
        let rcond = if rcond.is_nan() { 0.0 } else { rcond };
        self.count += 1;
        if self.worst.as_ref().is_none_or(|&(worst, _)| rcond < worst) {
            self.worst = Some((rcond, index));
        }
    }

    /// One warning for all of them, for the frame at this level.
    ///
    /// # Errors
    ///
    /// If the user has made such warnings errors.
    pub(crate) fn warn(self, py: Python<'_>, stack_level: i32) -> PyResult<()> {
        let Some((rcond, index)) = self.worst else { return Ok(()) };
        let text = match (self.count, index.as_slice()) {
            (_, []) => format!("the matrix is ill-conditioned (rcond = {rcond:.3e})"),
            (1, _) => format!("matrix {index:?} is ill-conditioned (rcond = {rcond:.3e})"),
            (count, _) => format!(
                "{count} matrices are ill-conditioned; the worst is {index:?} (rcond = {rcond:.3e})"
            ),
        };
        let text = CString::new(text + "; the inverse may be far off")
            .expect("there is no zero byte in it");
        let category = py.get_type::<IllConditionedWarning>();
        PyErr::warn(py, &category, &text, stack_level)
    }
}
