#![doc = include_str!("../README.md")]

mod blas;
mod cancel;
mod determinant;
mod diagonal;
mod element;
mod engine;
mod error;
#[allow(unsafe_code)]
mod fresh;
mod group;
mod inverse;
mod inverter;
#[cfg(feature = "openblas")]
#[allow(unsafe_code)]
mod lapack;
mod layout;
#[allow(unsafe_code)]
mod native;
mod norm;
mod place;
mod platform;
#[allow(unsafe_code)]
mod processor;
mod pseudo_inverse;
mod ragged;
mod residual;
mod schedule;
mod stack;
mod structure;
mod threads;
mod verdict;
mod workers;
mod workspace;

pub use blas::Threading;
pub use element::{Element, Scalar};
pub use engine::Engine;
pub use error::{Error, Failure, Result};
pub use inverter::{Inverter, inv, inv_inplace};
#[cfg(feature = "openblas")]
pub use lapack::multiply::blas_multiply;
pub use platform::{Blas, Platform, platform};
pub use residual::{Residuals, residuals};
pub use structure::{Structure, Triangle};
pub use verdict::{Inversion, Leading, OnFailure, Status, Verdict};
pub use workers::{DefaultThreads, default_threads};

/// For the fuzz targets: takes the instruction set at this place of the list as the best one;
/// `None` if this machine lacks it.
#[cfg(fuzzing)]
#[doc(hidden)]
pub fn force_instruction_set(place: usize) -> Option<&'static str> {
    native::set::forced::force(place)
}

/// The crates whose types stand in this crate's interface.
pub use half;
pub use ndarray;
pub use num_complex;
