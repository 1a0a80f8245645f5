//! One matrix of any order with a structure, in plain Rust.
//!
//! The factorizations are LAPACK's, blocked so that nearly all the work is in matrix products
//! ([`update`]). Those of one triangle know the lower one only: an upper triangle is the lower one
//! of the transposed slice, and (A⁻¹)ᵀ = (Aᵀ)⁻¹ for every structure.

mod svd;
mod symmetric;
#[cfg(test)]
mod tests;
mod transposed;
mod update;

use crate::element::Scalar;
use crate::engine::{Ask, Breakdown, Facts, Invert, Norm, Svd, Symmetry};
use crate::native::blocked::{self, Alone, Half, Team};
use crate::norm::{self, Part, ScaledNorm};
use crate::structure::Triangle;

/// Rows or columns that are worked on at a time.
const BLOCK: usize = 64;

/// Memory that is kept from matrix to matrix: some blocks of rows and columns, and no more.
pub(crate) struct Work<T> {
    /// Copies of blocks.
    blocks: Vec<T>,
    /// Sums for norms.
    sums: Vec<f64>,
    /// For general matrices.
    blocked: blocked::Work<T>,
    /// The block diagonal factor of a symmetric matrix.
    diagonal: symmetric::BlockDiagonal<T>,
}

impl<T> Default for Work<T> {
    fn default() -> Self {
        Work {
            blocks: Vec::new(),
            sums: Vec::new(),
            blocked: blocked::Work::default(),
            diagonal: symmetric::BlockDiagonal::default(),
        }
    }
}

/// `len` elements of a buffer, which is made large enough.
fn room<T: Scalar>(buffer: &mut Vec<T>, len: usize) -> &mut [T] {
    if buffer.len() < len {
        buffer.resize(len, T::zero());
    }
    &mut buffer[..len]
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

impl<T: Scalar> Work<T> {
    /// Inverts a general matrix, the one in `source` if it is not in `a`, on the threads of a team.
    pub(crate) fn general_by(
        &mut self,
        team: &dyn Team,
        n: usize,
        source: Option<&[T]>,
        a: &mut [T],
        ask: Ask,
    ) -> Result<Facts<T>, Breakdown> {
        blocked::invert(&blocked::Kernel::best(), team, &mut self.blocked, n, source, a, ask)
    }

    /// Inverts what is in one triangle on the threads of a team; see [`Invert`].
    pub(crate) fn half_by(
        &mut self,
        team: &dyn Team,
        n: usize,
        a: &mut [T],
        triangle: Triangle,
        half: Half,
        ask: Ask,
    ) -> Result<Facts<T>, Breakdown> {
        check(n, a.len());
        let part = match half {
            Half::Triangular => Part::Triangular(triangle),
            Half::Definite => Part::Mirrored(triangle),
        };
        let zero = || a.iter().step_by(n + 1).position(|&d| d == T::zero());
        if let (Half::Triangular, Some(pivot)) = (half, zero()) {
            return Err(Breakdown::ZeroPivot(pivot));
        }
        let before = norm_before(team, &mut self.sums, ask, part, n, a);
        let (kernel, work) = (blocked::Kernel::best(), &mut self.blocked);
        let facts = in_lower(team, triangle, n, a, |a| {
            blocked::invert_lower(&kernel, team, work, n, a, half, ask.determinant)
        })?;
        let rcond = rcond_after(team, &mut self.sums, before, part, n, a);
        Ok(Facts { rcond, finite: rcond.is_some_and(|rcond| !rcond.is_nan()), ..facts })
    }

    /// Inverts an indefinite matrix in one triangle, the parts that the blocked engine does on the
    /// threads of a team; see [`Invert`].
    pub(crate) fn indefinite_by(
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
        let Work { blocks, diagonal, blocked, .. } = self;
        let kernel = blocked::Kernel::best();
        // Ahead of the factorization, after which the matrix is no longer as it was.
        blocked::reserve_lower(&kernel, blocked, n)?;
        let facts = in_lower(team, triangle, n, a, |a| {
            symmetric::invert(team, blocks, diagonal, n, a, symmetry, ask.determinant, |l| {
                blocked::invert_lower(&kernel, team, blocked, n, l, Half::Triangular, false)
            })
        })?;
        let rcond = rcond_after(team, &mut self.sums, before, part, n, a);
        Ok(Facts { rcond, finite: rcond.is_some_and(|rcond| !rcond.is_nan()), ..facts })
    }

    /// The singular value decomposition; `None` also if the team is cancelled.
    #[allow(clippy::unused_self)] // as the others, which keep memory
    pub(crate) fn svd_by(&mut self, team: &dyn Team, n: usize, a: &mut [T]) -> Option<Svd<T>> {
        check(n, a.len());
        svd::decompose(n, a, &|| team.is_cancelled())
    }
}

impl<T: Scalar> Invert<T> for Work<T> {
    fn general(&mut self, n: usize, a: &mut [T], ask: Ask) -> Result<Facts<T>, Breakdown> {
        self.general_by(&Alone, n, None, a, ask)
    }

    fn positive_definite(
        &mut self,
        n: usize,
        a: &mut [T],
        triangle: Triangle,
        ask: Ask,
    ) -> Result<Facts<T>, Breakdown> {
        self.half_by(&Alone, n, a, triangle, Half::Definite, ask)
    }

    fn indefinite(
        &mut self,
        n: usize,
        a: &mut [T],
        symmetry: Symmetry,
        triangle: Triangle,
        ask: Ask,
    ) -> Result<Facts<T>, Breakdown> {
        self.indefinite_by(&Alone, n, a, symmetry, triangle, ask)
    }

    fn triangular(
        &mut self,
        n: usize,
        a: &mut [T],
        triangle: Triangle,
        ask: Ask,
    ) -> Result<Facts<T>, Breakdown> {
        self.half_by(&Alone, n, a, triangle, Half::Triangular, ask)
    }

    fn svd(&mut self, n: usize, a: &mut [T]) -> Option<Svd<T>> {
        self.svd_by(&Alone, n, a)
    }
}

/// A divisor, prepared so that quotients over- and underflow only if they are out of range, and
/// scale exactly by powers of two.
#[derive(Clone, Copy)]
struct Divisor<T> {
    divisor: T,
    /// Complex: the reciprocal of the divisor times both powers of two, and these.
    scaled: Option<(T, [f64; 2])>,
}

impl<T: Scalar> Divisor<T> {
    #[allow(clippy::cast_possible_truncation)] // an exponent is small
    fn new(divisor: T) -> Self {
        let (re, im): (f64, f64) = (divisor.re().into(), divisor.im().into());
        let largest = re.abs().max(im.abs());
        if !T::COMPLEX || largest == 0.0 || re.is_nan() || im.is_nan() {
            return Divisor { divisor, scaled: None };
        }
        if largest == f64::INFINITY {
            // As for real numbers, the quotient is zero.
            return Divisor { divisor, scaled: Some((T::zero(), [1.0; 2])) };
        }
        let halves = |exponent: i32| [exponent / 2, exponent - exponent / 2].map(|e| 2f64.powi(e));
        let exponent = -(largest.log2().floor() as i32);
        let powers = halves(exponent);
        // Where the logarithm was rounded up, one less: products with the reciprocal must not grow.
        let powers =
            if largest * powers[0] * powers[1] < 1.0 { halves(exponent + 1) } else { powers };
        let near_one = divisor.scale(powers[0]).scale(powers[1]);
        let (re, im): (f64, f64) = (near_one.re().into(), near_one.im().into());
        Divisor { divisor, scaled: Some((near_one.conj().over(re * re + im * im), powers)) }
    }

    #[inline]
    fn of(self, x: T) -> T {
        match self.scaled {
            None => x / self.divisor,
            Some((reciprocal, powers)) => (x * reciprocal).scale(powers[0]).scale(powers[1]),
        }
    }
}

/// |re| + |im|: what pivoting compares, as LAPACK does.
#[inline]
fn size<T: Scalar>(x: T) -> f64 {
    let (re, im): (f64, f64) = (x.re().into(), x.im().into());
    re.abs() + im.abs()
}
