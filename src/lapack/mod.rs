//! The LAPACK engine: every scalar, every structure.
//!
//! [`routines`] holds the thin safe wrappers, one per LAPACK routine; the files beside it hold
//! one factorization each, named for the matrices it inverts. [`openblas`] asks OpenBLAS about
//! itself, [`self_test`] finds out whether its results can be relied on.

mod determinant;
mod general;
pub(crate) mod multiply;
pub(crate) mod openblas;
mod pivots;
mod positive_definite;
mod routines;
pub(crate) mod self_test;
mod svd;
mod symmetric;
mod triangular;

// Only named, so that the library it finds is linked; elsewhere `build.rs` links it.
#[cfg(windows)]
use openblas_src as _;

use crate::element::Scalar;
use crate::engine::{Ask, Breakdown, Facts, Invert, Svd, Symmetry};
use crate::native::blocked::Alone;
use crate::norm::{self, Part, ScaledNorm};
use crate::structure::Triangle;
use routines::Routines;
pub(crate) use routines::Work;
use svd::Decompose;

impl<T: Routines + Decompose> Invert<T> for Work<T> {
    fn general(&mut self, n: usize, a: &mut [T], ask: Ask) -> Result<Facts<T>, Breakdown> {
        general::invert(self, n, a, ask)
    }

    fn positive_definite(
        &mut self,
        n: usize,
        a: &mut [T],
        triangle: Triangle,
        ask: Ask,
    ) -> Result<Facts<T>, Breakdown> {
        positive_definite::invert(self, n, a, triangle, ask)
    }

    fn indefinite(
        &mut self,
        n: usize,
        a: &mut [T],
        symmetry: Symmetry,
        triangle: Triangle,
        ask: Ask,
    ) -> Result<Facts<T>, Breakdown> {
        symmetric::invert(self, n, a, symmetry, triangle, ask)
    }

    fn triangular(
        &mut self,
        n: usize,
        a: &mut [T],
        triangle: Triangle,
        ask: Ask,
    ) -> Result<Facts<T>, Breakdown> {
        triangular::invert(self, n, a, triangle, ask)
    }

    fn svd(&mut self, n: usize, a: &mut [T]) -> Option<Svd<T>> {
        T::decompose(n, a)
    }
}

/// ‖A‖₁ ahead of the factorization that destroys A, if a condition number is wanted.
fn norm_if_asked<T: Scalar + Routines>(
    work: &mut Work<T>,
    ask: Ask,
    part: Part,
    n: usize,
    a: &[T],
) -> Option<ScaledNorm> {
    ask.rcond.map(|which| norm::for_condition(&Alone, which, part, n, a, &mut work.sums))
}

/// The condition number, now that the inverse (or the part of it that was computed) is in `a`.
///
/// The estimate stands unless it is of no use: near the ends of the range of the scalar, LAPACK's
/// estimators answer zero, infinity or NaN. The norms of A and of its inverse then give it.
fn settled_rcond<T: Scalar + Routines>(
    work: &mut Work<T>,
    ask: Ask,
    estimate: Option<f64>,
    norm: Option<ScaledNorm>,
    part: Part,
    n: usize,
    a: &[T],
) -> Option<f64> {
    let (estimate, norm, which) = (estimate?, norm?, ask.rcond?);
    if !norm.value.is_finite() {
        return Some(f64::NAN);
    }
    if estimate > 0.0 && estimate.is_finite() {
        return Some(at_most_one(estimate));
    }
    let inverse = norm::for_condition(&Alone, which, part, n, a, &mut work.sums);
    // By logarithms, since neither product nor quotients have to be in range.
    let log = |norm: ScaledNorm| norm.value.log2() - norm.factor.log2();
    Some(at_most_one((-log(norm) - log(inverse)).exp2()))
}

/// No condition number is better than 1, but for rounding. NaN stays NaN.
fn at_most_one(rcond: f64) -> f64 {
    if rcond > 1.0 { 1.0 } else { rcond }
}

/// An estimate made with a [`ScaledNorm`], made good: rcond is inversely proportional to it.
///
/// LAPACK's estimators refuse a norm that is not finite and say so by NaN or an error, depending
/// on the release; here such a matrix (which the finite check has let through on purpose) has
/// rcond NaN. So has one whose inverse is so small that the estimator's 1/‖A⁻¹‖ overflows.
fn rcond_with(norm: ScaledNorm, estimate: impl FnOnce(f64) -> f64) -> f64 {
    let rcond = if norm.value.is_finite() { estimate(norm.value) * norm.factor } else { f64::NAN };
    if rcond.is_infinite() { f64::NAN } else { rcond }
}
