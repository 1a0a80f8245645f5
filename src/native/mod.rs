//! The native engine: small matrices, one alone in all lanes or one per SIMD lane.
//!
//! [`lu`], [`cholesky`], [`indefinite`] and [`triangle`] are the algorithms, [`single`] has those of the
//! first two for one matrix: all generic over what a register holds ([`vector`]: the registers of each instruction
//! set; [`lanes`]: real and complex scalars made of them). [`set`] says which instruction sets this
//! machine has. A [`Kernel`] is the algorithms compiled for a set and a scalar: with one lane it is
//! plain Rust, and the reference for the others.
//!
//! A kernel goes through a run of matrices group by group; while it works on one, the next is
//! fetched, and what is too much for the caches is written past them.
//!
//! In every lane rows are exchanged for the largest pivot, as in LAPACK, and no lane sees what
//! happens in another. A matrix that a kernel cannot invert to the satisfaction of all that was
//! asked is left as it was: the caller takes it out of the group.

// What is not inlined is compiled without the features of the kernel's entry (see `vector`).
#![allow(clippy::inline_always)]
// Loops over rows and lanes count: that is how they are unrolled, and how the mathematics reads.
#![allow(clippy::needless_range_loop)]

pub(crate) mod blocked;
mod checks;
mod cholesky;
mod factor;
#[cfg(test)]
mod graded_tests;
#[cfg(all(test, unix, not(miri)))]
mod guarded;
mod indefinite;
mod kernel;
mod kernels;
mod kinds;
mod lanes;
mod lu;
mod mirrored;
#[cfg(target_arch = "aarch64")]
mod neon;
mod norms;
mod scan;
pub(crate) mod set;
mod single;
mod solve;
mod store;
#[cfg(test)]
mod structured_tests;
mod task;
#[cfg(test)]
mod tests;
mod tiles;
mod tiny;
mod triangle;
mod vector;
pub(crate) mod whole;
#[cfg(target_arch = "x86_64")]
mod x86;

pub(crate) use kernel::{Group, Kernel, Kind, Work};
pub(crate) use kernels::Kernels;
pub(crate) use kinds::Kinds;
pub(crate) use scan::all_finite;
#[cfg(feature = "openblas")]
pub(crate) use scan::largest;
pub(crate) use task::{Limit, Request};
pub(crate) use vector::MAX_LANES;

/// The largest order that a kernel takes, of a matrix of any kind.
pub(crate) const MAX_ORDER: usize = 64;

/// The largest order that a kernel takes of a general or a positive definite matrix: above
/// [`MAX_ORDER`], one by one.
pub(crate) const MAX_SINGLE: usize = 128;
