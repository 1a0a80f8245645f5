//! What this module runs on.

use crate::process;
use pyo3::prelude::*;
use pyo3::types::PyDict;

/// The facts, as a dictionary.
pub(crate) fn info(py: Python<'_>) -> PyResult<Bound<'_, PyDict>> {
    let platform = matinv::platform();
    let info = PyDict::new(py);
    info.set_item("version", platform.version)?;
    info.set_item("threads", process::threads())?;
    info.set_item("instruction_sets", platform.instruction_sets)?;
    info.set_item("native_set", platform.native_set)?;
    info.set_item("blas", platform.blas)?;
    info.set_item("blas_core", platform.blas_core)?;
    info.set_item("blas_threading", format!("{:?}", platform.blas_threading).to_lowercase())?;
    info.set_item("blas_linked", platform.blas_linked)?;
    Ok(info)
}
