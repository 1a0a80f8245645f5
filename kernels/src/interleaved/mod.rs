//! Small matrices, one per SIMD lane.
//!
//! [`lu`], [`cholesky`], [`bunch_kaufman`] and [`triangular`] are the algorithms, generic over what a register
//! holds ([`crate::simd`]). They go through a group of matrices ([`args`]); while they work on one, the next is
//! fetched, and what is too much for the caches is written past them ([`load_store`]).
//!
//! In every lane rows are exchanged for the largest pivot, as in LAPACK, and no lane sees what
//! happens in another. A matrix that a kernel cannot invert to the satisfaction of all that was
//! asked is left as it was: the caller takes it out of the group.

pub(crate) mod args;
pub(crate) mod bunch_kaufman;
pub(crate) mod checks;
pub(crate) mod cholesky;
pub(crate) mod classify;
pub(crate) mod ldl_inverse;
pub(crate) mod load_store;
pub(crate) mod lu;
pub(crate) mod norms;
pub(crate) mod square;
pub(crate) mod triangular;

/// The largest order of a matrix of any kind.
pub const MAX_ORDER: usize = 64;
