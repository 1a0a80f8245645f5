//! What this module runs on.

use crate::process;
use pyo3::prelude::*;
use pyo3::types::PyDict;

/// The facts, as a dictionary.
pub(crate) fn info(py: Python<'_>) -> PyResult<Bound<'_, PyDict>> {
    let platform = matinv::platform();
    let info = PyDict::new(py);
    info.set_item("version", platform.version)?;
    info.set_item("threads", process::threads()?.count())?;
    info.set_item("instruction_sets", platform.instruction_sets)?;
    info.set_item("native_set", platform.native_set)?;
    // None, all of them, in a build without LAPACK.
    let blas = platform.blas.as_ref();
    info.set_item("blas", blas.map(|blas| blas.config.as_str()))?;
    info.set_item("blas_core", blas.map(|blas| blas.core.as_str()))?;
    let threading = blas.map(|blas| format!("{:?}", blas.threading).to_lowercase());
    info.set_item("blas_threading", threading)?;
    info.set_item("blas_linked", blas.map(|blas| blas.linked))?;
    info.set_item("blas_sound", blas.map(|blas| blas.sound))?;
    Ok(info)
}
