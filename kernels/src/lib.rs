//! The native engine of [matinv](https://docs.rs/matinv): the inverse of one matrix or of many, in the
//! registers that the machine has.
//!
//! Everything here works on slices of scalars without gaps, in column-major order; threads are lent as a
//! [`Team`]. Arrays, options and errors in words are in `matinv`, which is what programs use.

// What is not inlined is compiled without the features of the kernel's entry (see `simd::vector`).
#![allow(clippy::inline_always)]
// Loops over rows and lanes count: that is how they are unrolled, and how the mathematics reads.
#![allow(clippy::needless_range_loop)]
#![allow(unsafe_code)]

mod blocked;
mod columnwise;
mod contract;
pub mod cpus;
pub mod determinant;
mod interleaved;
mod kernel;
pub mod memory;
mod native;
pub mod norm;
mod plain;
mod scalar;
mod shared_matrix;
mod simd;
pub mod structure;
pub mod team;
#[cfg(test)]
mod testing;

pub use blocked::{copy_in_lower, make_diagonal_real, mirror, transpose};
pub use columnwise::MAX_SINGLE;
pub use contract::{Ask, Breakdown, Facts, Invert, Kind, Norm, Svd, Symmetry, Team, Triangle};
pub use interleaved::MAX_ORDER;
pub use interleaved::args::{Limit, Request};
pub use interleaved::classify::Kinds;
pub use kernel::{Group, Kernel, Outcome, Scratch};
pub use native::Native;
pub use scalar::{Each, Element, PerScalar, Scalar};
pub use simd::{MAX_LANES, scan, set};
