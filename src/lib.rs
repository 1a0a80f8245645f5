//! The inverse of a matrix, or of every matrix of a stack, each with its own verdict.
//!
//! ```
//! use matinv::{Error, Inverter, OnFailure, Status, inv};
//! use ndarray::{Array2, Array3, array};
//!
//! let x: Array2<f64> = inv(&array![[52, 22], [43, 24]])?; // integers in, f64 out
//!
//! // A stack has the shape (..., n, n). One bad matrix spoils no other.
//! let stack = array![[[2.0, 0.0], [0.0, 4.0]], [[1.0, 2.0], [2.0, 4.0]]];
//! let report = Inverter::new().on_failure(OnFailure::FillNan).report(&stack)?;
//! assert_eq!(report.verdicts[[0]].status, Status::Inverted);
//! assert_eq!(report.verdicts[[1]].error, Some(Error::Singular { pivot: 1 }));
//! # let _: (Array2<f64>, Array3<f64>) = (x, report.inverse);
//! # Ok::<(), matinv::Error>(())
//! ```
//!
//! # What there is
//!
//! - **Verbs.** [`inv`] and [`inv_inplace`] with their defaults; [`Inverter`] has every option, keeps its memory from
//!   call to call, and writes into arrays that are there ([`Inverter::inv_into`]) or inverts a list of matrices of
//!   different orders ([`Inverter::inv_many`]).
//! - **Elements.** `f32`, `f64`, [`Complex32`](num_complex::Complex32) and [`Complex64`](num_complex::Complex64);
//!   integers, `bool`, `f16` and `bf16` are converted ([`Element`]). Any strides.
//! - **Verdicts.** [`Inverter::report`] says of each matrix whether it was inverted or why not, its condition number,
//!   determinant and structure ([`Verdict`]). [`OnFailure`] is what stands in the place of one that has no inverse.
//!   [`residuals`] measures an inverse as LAPACK's tests do.
//! - **Structures.** Diagonal, triangular, positive definite, symmetric and Hermitian matrices are found out, matrix by
//!   matrix, or declared ([`Structure`]); a symmetric matrix has an inverse that is symmetric to the bit.
//! - **Engines.** LAPACK, and kernels of our own for every order in the SIMD instructions that the processor has
//!   ([`Engine`]). The same input gives the same bits for any number of threads and in any place of a stack.
//! - **Threads.** The current rayon pool, or as many as [`Inverter::threads`] or `MATINV_NUM_THREADS` say
//!   ([`default_threads`]). [`Inverter::cancel`] stops a call.
//! - **Memory.** What is refused is an error, as every bad input is ([`Error`]); nothing of a size that the input sets
//!   aborts the program.
//!
//! # Features of the build
//!
//! - `openblas`, by default: LAPACK from the OpenBLAS of the system. Without it (`default-features = false`) no library
//!   of the system is needed, and the kernels do everything.
//! - `openblas-static`: the same, linked into the program.

mod blas;
mod call;
mod cancel;
mod engine;
mod error;
mod inverter;
#[cfg(feature = "openblas")]
#[allow(unsafe_code)]
mod lapack;
mod layout;
mod matrix;
mod numeric;
mod platform;
mod structure;
mod verdict;
mod workspace;

pub use blas::Threading;
pub use call::workers::{DefaultThreads, default_threads};
pub use engine::Engine;
pub use error::{Error, Failure, Result};
pub use inverter::{Inverter, inv, inv_inplace};
#[cfg(feature = "openblas")]
pub use lapack::multiply::blas_multiply;
pub use matinv_kernels::{Element, Scalar};
pub use numeric::residual::{Residuals, residuals};
pub use platform::{Blas, Platform, platform};
pub use structure::{Structure, Triangle};
pub use verdict::{Inversion, Leading, OnFailure, Status, Verdict};

/// For the fuzz targets: takes the instruction set at this place of the list as the best one;
/// `None` if this machine lacks it.
#[cfg(fuzzing)]
#[doc(hidden)]
pub fn force_instruction_set(place: usize) -> Option<&'static str> {
    matinv_kernels::set::forced::force(place)
}

/// The crates whose types stand in this crate's interface.
pub use half;
pub use ndarray;
pub use num_complex;

/// The examples of the README are run, too.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct ReadMe;
