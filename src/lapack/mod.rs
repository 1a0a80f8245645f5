//! The LAPACK engine: every scalar, every structure.
//!
//! [`routines`] holds the thin safe wrappers, one per LAPACK routine; the files beside it hold
//! one factorization each, named for the matrices it inverts. [`self_test`] finds out whether its results can be relied on.

mod determinant;
mod general;
pub(crate) mod multiply;
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

use crate::structure::Triangle;
use matinv_kernels::norm::{self, Part, ScaledNorm};
use matinv_kernels::team::Alone;
use matinv_kernels::{Ask, Breakdown, Each, Facts, Invert, PerScalar, Scalar, Svd, Symmetry, Team};
use routines::Routines;
pub(crate) use routines::Work;
use svd::Decompose;

/// The largest order: the largest n with n² elements countable in an `i32`, since `lax` computes that product
/// in `i32`.
pub(crate) const MAX_ORDER: usize = 46_340;

/// The engine of a scalar, with no memory yet.
pub(crate) fn engine<T: Scalar>() -> Box<dyn Invert<T> + Send> {
    struct Table;
    impl PerScalar for Table {
        type Of<T: Scalar> = fn() -> Box<dyn Invert<T> + Send>;
    }
    fn boxed<T: Routines + Decompose>() -> Box<dyn Invert<T> + Send> {
        Box::new(Work::<T>::default())
    }
    let engine =
        T::choose::<Table>(Each { f32: boxed, f64: boxed, complex32: boxed, complex64: boxed });
    engine()
}

/// On the calling thread: who works on it is for the guard of `threads` to say, and LAPACK cannot be stopped.
impl<T: Routines + Decompose> Invert<T> for Work<T> {
    fn general(
        &mut self,
        _: &dyn Team,
        n: usize,
        source: Option<&[T]>,
        a: &mut [T],
        ask: Ask,
    ) -> Result<Facts<T>, Breakdown> {
        if let Some(source) = source {
            a.copy_from_slice(source);
        }
        general::invert(self, n, a, ask)
    }

    fn positive_definite(
        &mut self,
        _: &dyn Team,
        n: usize,
        a: &mut [T],
        triangle: Triangle,
        ask: Ask,
    ) -> Result<Facts<T>, Breakdown> {
        positive_definite::invert(self, n, a, triangle, ask)
    }

    fn indefinite(
        &mut self,
        _: &dyn Team,
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
        _: &dyn Team,
        n: usize,
        a: &mut [T],
        triangle: Triangle,
        ask: Ask,
    ) -> Result<Facts<T>, Breakdown> {
        triangular::invert(self, n, a, triangle, ask)
    }

    fn svd(&mut self, _: &dyn Team, n: usize, a: &mut [T]) -> Option<Svd<T>> {
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
