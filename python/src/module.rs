//! What Python sees: `matinv._matinv`.

use crate::array::{Kind, Plain};
use crate::errors;
use crate::info;
use crate::options::{Options, thread_count};
use crate::process;
use crate::work::{self, Outcome};
use matinv::num_complex::{Complex32, Complex64};
use matinv::{Error, OnFailure, Scalar, Status, Structure, Verdict};
use numpy::{Element, PyArray1};
use pyo3::exceptions::{PyMemoryError, PyTypeError};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyNotImplemented, PyTuple};
use std::ffi::OsString;

/// Runs a block with a type for the scalar of an array.
macro_rules! with_scalar {
    ($kind:expr, $scalar:ident => $block:expr) => {
        match $kind {
            Kind::Float32 => {
                type $scalar = f32;
                $block
            }
            Kind::Float64 => {
                type $scalar = f64;
                $block
            }
            Kind::Complex64 => {
                type $scalar = Complex32;
                $block
            }
            Kind::Complex128 => {
                type $scalar = Complex64;
                $block
            }
        }
    };
}

#[pymodule(name = "_matinv", gil_used = false)]
fn define(module: &Bound<'_, PyModule>) -> PyResult<()> {
    process::watch_forks();
    module.add("version", matinv::platform().version)?;
    module.add_function(wrap_pyfunction!(inv, module)?)?;
    module.add_function(wrap_pyfunction!(inv_ex, module)?)?;
    module.add_function(wrap_pyfunction!(get_threads, module)?)?;
    module.add_function(wrap_pyfunction!(set_threads, module)?)?;
    module.add_function(wrap_pyfunction!(platform, module)?)?;
    module.add_function(wrap_pyfunction!(run, module)?)
}

/// Inverts a plain array into `out`, in its own place if `overwrite_a` and it can be, else into a new
/// array. `NotImplemented` for everything that has to be made plain first.
#[pyfunction]
#[pyo3(signature = (
    a, out, overwrite_a, assume_a, lower, check_finite, on_failure, min_rcond, threads, stack_level, /
))]
#[allow(clippy::too_many_arguments)] // those of the public function, and the place to warn for
fn inv<'py>(
    py: Python<'py>,
    a: &Bound<'py, PyAny>,
    out: Option<&Bound<'py, PyAny>>,
    overwrite_a: &Bound<'py, PyAny>,
    assume_a: Option<&str>,
    lower: &Bound<'py, PyAny>,
    check_finite: &Bound<'py, PyAny>,
    on_failure: &str,
    min_rcond: Option<f64>,
    threads: Option<i64>,
    stack_level: i32,
) -> PyResult<Bound<'py, PyAny>> {
    // What is the user's may run any code when it is asked: before the arrays are looked at.
    let options = Options::new(assume_a, lower, check_finite, on_failure, min_rcond, threads)?;
    let overwrite = overwrite_a.is_truthy()?;
    let not_implemented = || Ok(PyNotImplemented::get(py).to_owned().into_any());
    let Some(a) = Plain::new(a) else { return not_implemented() };
    a.order()?;
    let needs_original = matches!(options.policy, OnFailure::Keep | OnFailure::PseudoInverse);
    let (input, output) = match out.map(Plain::new) {
        None if overwrite && a.can_be_written() => (None, a),
        None => {
            let output = a.fresh_like()?;
            (Some(a), output)
        }
        Some(Some(out)) if out.is_same_memory(&a) && out.can_be_written() => (None, out),
        Some(Some(out)) if out.takes_inverse_of(&a) => (Some(a), out),
        Some(_) => return not_implemented(),
    };
    if input.is_none() && needs_original {
        return not_implemented();
    }
    let outcome = with_scalar!(output.kind, T => {
        // SAFETY: the kind of both arrays is `T`'s (`fresh_like` and `takes_inverse_of` have the same kind for
        // both). The output can be written, and has no byte in common with the input: it is new, or that
        // was asked; its elements are written before they are read, as `Inverter::inv_into` does. No Python
        // code was run since the arrays were looked at; that none frees them meanwhile is the caller's.
        let (from, to) = unsafe { (input.as_ref().map(|a| a.view::<T>()), output.view_mut::<T>()) };
        work::invert(py, &options, from, to)?
    });
    finish(py, outcome, stack_level)?;
    Ok(output.into_object())
}

/// The exception or the warning that a call has come to.
fn finish(py: Python<'_>, outcome: Outcome, stack_level: i32) -> PyResult<()> {
    if !outcome.failures.is_empty() {
        return Err(errors::of_matrices(py, &outcome.failures));
    }
    outcome.ill_conditioned.warn(py, stack_level)
}

/// Inverts a plain array into `out` or into a new one; returns it with six flat arrays, with an element
/// for each matrix: status, pivot, rcond, structure, sign, logabsdet. `NotImplemented` as [`inv`].
#[pyfunction]
#[pyo3(signature = (
    a, out, assume_a, lower, check_finite, on_failure, min_rcond, threads, stack_level, /
))]
#[allow(clippy::too_many_arguments)] // as `inv`
fn inv_ex<'py>(
    py: Python<'py>,
    a: &Bound<'py, PyAny>,
    out: Option<&Bound<'py, PyAny>>,
    assume_a: Option<&str>,
    lower: &Bound<'py, PyAny>,
    check_finite: &Bound<'py, PyAny>,
    on_failure: &str,
    min_rcond: Option<f64>,
    threads: Option<i64>,
    stack_level: i32,
) -> PyResult<Bound<'py, PyAny>> {
    // As in `inv`, before the arrays are looked at.
    let options = Options::new(assume_a, lower, check_finite, on_failure, min_rcond, threads)?;
    let not_implemented = || Ok(PyNotImplemented::get(py).to_owned().into_any());
    let Some(a) = Plain::new(a) else { return not_implemented() };
    a.order()?;
    let output = match out.map(Plain::new) {
        None => a.fresh_like()?,
        Some(Some(out)) if out.takes_inverse_of(&a) => out,
        Some(_) => return not_implemented(),
    };
    let (outcome, columns) = with_scalar!(a.kind, T => {
        // SAFETY: as in `inv`; `Inverter::report_into` too writes elements before it reads them.
        let (from, to) = unsafe { (a.view::<T>(), output.view_mut::<T>()) };
        let count = from.shape()[..from.ndim() - 2].iter().product();
        let mut columns = Columns::with_room(count)?;
        let outcome = work::report(py, &options, from, to, |verdict| columns.push(verdict))?;
        (outcome, columns.into_arrays(py)?)
    });
    finish(py, outcome, stack_level)?;
    Ok((output.into_object(), columns).into_pyobject(py)?.into_any())
}

/// Verdicts, field by field.
struct Columns<T> {
    status: Vec<i8>,
    pivot: Vec<i64>,
    rcond: Vec<f64>,
    structure: Vec<i8>,
    sign: Vec<T>,
    logabsdet: Vec<f64>,
}

impl<T: Scalar + Element> Columns<T> {
    fn with_room(count: usize) -> PyResult<Self> {
        Ok(Columns {
            status: room(count)?,
            pivot: room(count)?,
            rcond: room(count)?,
            structure: room(count)?,
            sign: room(count)?,
            logabsdet: room(count)?,
        })
    }

    fn push(&mut self, verdict: &Verdict<T>) {
        self.status.push(status(verdict));
        let minor = || verdict.minor().map(|minor| minor - 1);
        let pivot = verdict.pivot().or_else(minor);
        self.pivot.push(pivot.and_then(|pivot| i64::try_from(pivot).ok()).unwrap_or(-1));
        self.rcond.push(verdict.rcond);
        self.structure.push(structure(verdict.structure));
        self.sign.push(verdict.sign);
        self.logabsdet.push(verdict.log_abs_det);
    }

    fn into_arrays(self, py: Python<'_>) -> PyResult<Bound<'_, PyTuple>> {
        (
            PyArray1::from_vec(py, self.status),
            PyArray1::from_vec(py, self.pivot),
            PyArray1::from_vec(py, self.rcond),
            PyArray1::from_vec(py, self.structure),
            PyArray1::from_vec(py, self.sign),
            PyArray1::from_vec(py, self.logabsdet),
        )
            .into_pyobject(py)
    }
}

fn room<T>(count: usize) -> PyResult<Vec<T>> {
    let mut column = Vec::new();
    column
        .try_reserve_exact(count)
        .map_err(|_| PyMemoryError::new_err(format!("no memory for {count} verdicts")))?;
    Ok(column)
}

/// The value of `matinv.Status`.
fn status<T: Scalar>(verdict: &Verdict<T>) -> i8 {
    match (verdict.status, &verdict.error) {
        (Status::Inverted, _) => 0,
        (Status::PseudoInverted, _) => 1,
        (_, Some(Error::Singular { .. })) => 2,
        (_, Some(Error::NotPositiveDefinite { .. })) => 3,
        (_, Some(Error::IllConditioned { .. })) => 4,
        (_, Some(Error::NonFinite { .. })) => 5,
        (_, Some(Error::Overflow { .. })) => 6,
        (_, _) => 7,
    }
}

/// The value of `matinv.Structure`.
fn structure(structure: Structure) -> i8 {
    match structure {
        Structure::Diagonal => 1,
        Structure::UpperTriangular => 2,
        Structure::LowerTriangular => 3,
        Structure::PositiveDefinite => 4,
        Structure::Symmetric => 5,
        Structure::Hermitian => 6,
        _ => 0,
    }
}

/// The number of threads that calls use unless told otherwise.
#[pyfunction]
fn get_threads() -> PyResult<usize> {
    Ok(process::threads()?.count())
}

/// Sets it, and returns what was set before; `None` leaves it to `MATINV_NUM_THREADS` and the processors.
#[pyfunction]
#[pyo3(signature = (threads, /))]
fn set_threads(threads: Option<i64>) -> PyResult<Option<usize>> {
    Ok(process::set_threads(thread_count(threads)?))
}

/// What this module runs on.
#[pyfunction]
fn platform(py: Python<'_>) -> PyResult<Bound<'_, PyDict>> {
    info::info(py)
}

/// The command line tool: takes the arguments, the name of the program first, and returns the exit code.
///
/// Handlers of signals stay as they are unless `own_process` says that the process is for nothing else.
#[pyfunction]
#[pyo3(signature = (arguments, /, *, own_process = false))]
fn run(py: Python<'_>, arguments: Vec<OsString>, own_process: bool) -> PyResult<u8> {
    if arguments.is_empty() {
        return Err(PyTypeError::new_err("the first argument is the name of the program"));
    }
    Ok(py.detach(|| {
        if own_process {
            matinv_cli::run_as_process(arguments)
        } else {
            matinv_cli::run_with(arguments)
        }
    }))
}
