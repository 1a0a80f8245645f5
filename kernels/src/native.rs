//! The native engine for one matrix of any order: each structure by its factorization, then the condition
//! number from the norms of the matrix and of its inverse.
//!
//! The bodies are generic, and compiled here, once for every scalar ([`Bodies`]): what stands in front of them,
//! and is compiled in every crate that calls it, is a call.

#[cfg(test)]
mod tests;

use crate::blocked::{self, LowerKind};
use crate::contract::{Ask, Breakdown, Facts, Invert, Norm, Svd, Symmetry, Team, Triangle};
use crate::norm::{self, Part, ScaledNorm};
use crate::plain::rook::BlockDiagonal;
use crate::plain::{rook, svd};
use crate::scalar::{Each, PerScalar, Scalar};
use num_complex::{Complex32, Complex64};

/// The native engine, and the memory that it keeps from matrix to matrix: some blocks of rows and columns, and
/// no more.
pub struct Native<T> {
    /// Copies of blocks.
    blocks: Vec<T>,
    /// Sums for norms.
    sums: Vec<f64>,
    /// Of the blocked algorithms.
    blocked: blocked::Scratch<T>,
    /// The block diagonal factor of a symmetric matrix.
    diagonal: BlockDiagonal<T>,
}

impl<T> Default for Native<T> {
    fn default() -> Self {
        Native {
            blocks: Vec::new(),
            sums: Vec::new(),
            blocked: blocked::Scratch::default(),
            diagonal: BlockDiagonal::default(),
        }
    }
}

/// Checks what every routine relies on.
fn check(n: usize, len: usize) {
    assert!(n.checked_mul(n) == Some(len) && n > 0, "{len} elements for order {n}");
}

/// Does to a triangle what is known for the lower one.
fn in_lower<T: Scalar, R>(
    team: &dyn Team,
    triangle: Triangle,
    n: usize,
    a: &mut [T],
    work: impl FnOnce(&mut [T]) -> R,
) -> R {
    if triangle == Triangle::Lower {
        return work(a);
    }
    blocked::transpose(team, n, a);
    let done = work(a);
    blocked::transpose(team, n, a);
    done
}

/// ‖A‖₁ ahead of the factorization, if the condition number is wanted.
fn norm_before<T: Scalar>(
    team: &dyn Team,
    sums: &mut Vec<f64>,
    ask: Ask,
    part: Part,
    n: usize,
    a: &[T],
) -> Option<(Norm, ScaledNorm)> {
    ask.rcond.map(|which| (which, norm::for_condition(team, which, part, n, a, sums)))
}

/// 1 / (‖A‖₁ ‖A⁻¹‖₁), now that the inverse is in `a`: no estimate. NaN if a norm is not finite.
fn rcond_after<T: Scalar>(
    team: &dyn Team,
    sums: &mut Vec<f64>,
    before: Option<(Norm, ScaledNorm)>,
    part: Part,
    n: usize,
    a: &[T],
) -> Option<f64> {
    let (which, before) = before?;
    let after = norm::for_condition(team, which, part, n, a, sums);
    if !before.value.is_finite() || !after.value.is_finite() {
        return Some(f64::NAN);
    }
    // In turn, so that the product of the norms does not have to be in range.
    let rcond = before.factor / before.value * after.factor / after.value;
    let rcond = if rcond.is_finite() && rcond > 0.0 {
        rcond
    } else {
        let log = |norm: ScaledNorm| norm.value.log2() - norm.factor.log2();
        (-log(before) - log(after)).exp2()
    };
    // No condition number is better than 1, but for rounding.
    Some(if rcond > 1.0 { 1.0 } else { rcond })
}

impl<T: Scalar> Native<T> {
    fn invert_general(
        &mut self,
        team: &dyn Team,
        n: usize,
        source: Option<&[T]>,
        a: &mut [T],
        ask: Ask,
    ) -> Result<Facts<T>, Breakdown> {
        blocked::invert(&blocked::Kernel::best(), team, &mut self.blocked, n, source, a, ask)
    }

    fn invert_half(
        &mut self,
        team: &dyn Team,
        n: usize,
        a: &mut [T],
        triangle: Triangle,
        half: LowerKind,
        ask: Ask,
    ) -> Result<Facts<T>, Breakdown> {
        check(n, a.len());
        let part = match half {
            LowerKind::Triangular => Part::Triangular(triangle),
            LowerKind::Definite => Part::Mirrored(triangle),
        };
        let zero = || a.iter().step_by(n + 1).position(|&d| d == T::zero());
        if let (LowerKind::Triangular, Some(pivot)) = (half, zero()) {
            return Err(Breakdown::ZeroPivot(pivot));
        }
        let before = norm_before(team, &mut self.sums, ask, part, n, a);
        let (kernel, scratch) = (blocked::Kernel::best(), &mut self.blocked);
        let facts = in_lower(team, triangle, n, a, |a| {
            blocked::invert_lower(&kernel, team, scratch, n, a, half, ask.determinant)
        })?;
        let rcond = rcond_after(team, &mut self.sums, before, part, n, a);
        Ok(Facts { rcond, finite: rcond.is_some_and(|rcond| !rcond.is_nan()), ..facts })
    }

    fn invert_indefinite(
        &mut self,
        team: &dyn Team,
        n: usize,
        a: &mut [T],
        symmetry: Symmetry,
        triangle: Triangle,
        ask: Ask,
    ) -> Result<Facts<T>, Breakdown> {
        check(n, a.len());
        let part = Part::Mirrored(triangle);
        let before = norm_before(team, &mut self.sums, ask, part, n, a);
        let Native { blocks, diagonal, blocked, .. } = self;
        let kernel = blocked::Kernel::best();
        // Ahead of the factorization, after which the matrix is no longer as it was.
        blocked::reserve_lower(&kernel, blocked, n)?;
        let facts = in_lower(team, triangle, n, a, |a| {
            rook::invert(team, blocks, diagonal, n, a, symmetry, ask.determinant, |l| {
                blocked::invert_lower(&kernel, team, blocked, n, l, LowerKind::Triangular, false)
            })
        })?;
        let rcond = rcond_after(team, &mut self.sums, before, part, n, a);
        Ok(Facts { rcond, finite: rcond.is_some_and(|rcond| !rcond.is_nan()), ..facts })
    }
}

/// The singular value decomposition; see [`Invert::svd`].
fn decompose<T: Scalar>(team: &dyn Team, n: usize, a: &mut [T]) -> Option<Svd<T>> {
    check(n, a.len());
    svd::decompose(n, a, &|| team.is_cancelled())
}

/// The bodies of a scalar.
#[allow(clippy::type_complexity)] // the arguments of `Invert`
struct Bodies<T> {
    general: fn(
        &mut Native<T>,
        &dyn Team,
        usize,
        Option<&[T]>,
        &mut [T],
        Ask,
    ) -> Result<Facts<T>, Breakdown>,
    half: fn(
        &mut Native<T>,
        &dyn Team,
        usize,
        &mut [T],
        Triangle,
        LowerKind,
        Ask,
    ) -> Result<Facts<T>, Breakdown>,
    indefinite: fn(
        &mut Native<T>,
        &dyn Team,
        usize,
        &mut [T],
        Symmetry,
        Triangle,
        Ask,
    ) -> Result<Facts<T>, Breakdown>,
    svd: fn(&dyn Team, usize, &mut [T]) -> Option<Svd<T>>,
}

impl<T: Scalar> Bodies<T> {
    const OF: Self = Bodies {
        general: Native::invert_general,
        half: Native::invert_half,
        indefinite: Native::invert_indefinite,
        svd: decompose,
    };
}

// Not generic, so compiled here.
static F32: Bodies<f32> = Bodies::OF;
static F64: Bodies<f64> = Bodies::OF;
static COMPLEX32: Bodies<Complex32> = Bodies::OF;
static COMPLEX64: Bodies<Complex64> = Bodies::OF;

struct Table;

impl PerScalar for Table {
    type Of<T: Scalar> = &'static Bodies<T>;
}

fn bodies<T: Scalar>() -> &'static Bodies<T> {
    T::choose::<Table>(Each { f32: &F32, f64: &F64, complex32: &COMPLEX32, complex64: &COMPLEX64 })
}

impl<T: Scalar> Invert<T> for Native<T> {
    fn general(
        &mut self,
        team: &dyn Team,
        n: usize,
        source: Option<&[T]>,
        a: &mut [T],
        ask: Ask,
    ) -> Result<Facts<T>, Breakdown> {
        (bodies::<T>().general)(self, team, n, source, a, ask)
    }

    fn positive_definite(
        &mut self,
        team: &dyn Team,
        n: usize,
        a: &mut [T],
        triangle: Triangle,
        ask: Ask,
    ) -> Result<Facts<T>, Breakdown> {
        (bodies::<T>().half)(self, team, n, a, triangle, LowerKind::Definite, ask)
    }

    fn indefinite(
        &mut self,
        team: &dyn Team,
        n: usize,
        a: &mut [T],
        symmetry: Symmetry,
        triangle: Triangle,
        ask: Ask,
    ) -> Result<Facts<T>, Breakdown> {
        (bodies::<T>().indefinite)(self, team, n, a, symmetry, triangle, ask)
    }

    fn triangular(
        &mut self,
        team: &dyn Team,
        n: usize,
        a: &mut [T],
        triangle: Triangle,
        ask: Ask,
    ) -> Result<Facts<T>, Breakdown> {
        (bodies::<T>().half)(self, team, n, a, triangle, LowerKind::Triangular, ask)
    }

    fn svd(&mut self, team: &dyn Team, n: usize, a: &mut [T]) -> Option<Svd<T>> {
        (bodies::<T>().svd)(team, n, a)
    }
}
