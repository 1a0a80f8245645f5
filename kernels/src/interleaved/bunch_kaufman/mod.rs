//! Symmetric and Hermitian matrices by the diagonal pivoting method of Bunch and Kaufman, in lanes.
//!
//! P A Pᵀ = L D Lᴴ, or L D Lᵀ, where D has blocks of one and of two rows on its diagonal.
//! [`mirrored`](crate::interleaved::ldl_inverse) has the inverse from it. LU with the exchange of rows alone would
//! not do: its inverse is not symmetric, and made symmetric it is not as good.
//!
//! Every lane has blocks and exchanges of its own. All go on by one column: where it is the first
//! of a pair, the multipliers of both are found, and those of the second wait for the next step;
//! until then its column is left as it is. Pivots that are much smaller than the largest element of
//! their column are looked into lane by lane, and so are rows and columns exchanged.

mod exchanges;

use crate::contract::Triangle;
use crate::interleaved::MAX_ORDER;
use crate::interleaved::args::{GroupArgs, rcond};
use crate::interleaved::checks::store_pivots;
use crate::interleaved::classify::{hermitian, positive_diagonal, symmetric};
use crate::interleaved::ldl_inverse::{Middle, finite_inverse, norm, solve};
use crate::interleaved::square::{Square, finite_below, load_group, store_group};
use crate::scalar::Scalar;
use crate::simd::lanes::{RealOf, SimdScalar, constant};
use crate::simd::vector::{MAX_LANES, Vector};
use exchanges::{Exchanges, choose, undo};

/// The largest multiplier that is trusted. This way to choose pivots sets none, and with some the
/// inverse of L has large errors: such matrices are left to what bounds them.
const MOST: f64 = 256.0;

/// A square under way.
#[derive(Clone, Copy)]
struct Matrix<L: SimdScalar> {
    n: usize,
    /// By columns: of A, then of L, what is below the diagonal.
    a: *mut L,
    hermitian: bool,
    /// The diagonal of D⁻¹, and what is below it.
    inverses: *mut L,
    below: *mut L,
    /// What the columns behind are multiplied by in a step.
    across: *mut L,
    /// Multipliers of the second column of a pair.
    waiting: *mut L,
    /// For another square.
    room: *mut L,
}

impl<L: SimdScalar> Matrix<L> {
    /// Where row i, column j is.
    #[inline(always)]
    fn at(&self, i: usize, j: usize) -> *mut L {
        self.a.wrapping_add(j * self.n + i)
    }

    /// Where a lane's element is.
    #[inline(always)]
    fn in_lane(&self, lane: usize, i: usize, j: usize) -> *mut RealOf<L> {
        self.at(i, j).cast::<RealOf<L>>().wrapping_add(lane)
    }

    /// What partial pivoting compares, of an element of a lane, in all of them.
    ///
    /// # Safety
    ///
    /// `i` and `j` are below n, and `lane` below the number of lanes. The CPU has the instructions of `L`.
    #[inline(always)]
    unsafe fn size(&self, lane: usize, i: usize, j: usize) -> L::Vector {
        // SAFETY: the caller's i and j are below n.
        unsafe { L::broadcast(self.in_lane(lane, i, j)).abs1() }
    }
}

impl<L: SimdScalar> Middle<L> for Matrix<L> {
    const PAIRS: bool = true;

    #[inline(always)]
    fn image(self, x: L) -> L {
        if self.hermitian { x.conj() } else { x }
    }
    #[inline(always)]
    fn on_diagonal(self, x: L) -> L {
        if self.hermitian { L::real(x.re()) } else { x }
    }
    /// # Safety
    ///
    /// j < n, and that block of D has been written. The CPU has the instructions of `L`.
    #[inline(always)]
    unsafe fn inverse(self, j: usize) -> L {
        // SAFETY: the caller's promise: there are n.
        unsafe { *self.inverses.add(j) }
    }
    /// # Safety
    ///
    /// j + 1 < n, and that block of D has been written. The CPU has the instructions of `L`.
    #[inline(always)]
    unsafe fn below(self, j: usize) -> L {
        // SAFETY: as for `inverse`.
        unsafe { *self.below.add(j) }
    }
}

/// Inverts a group of any order. A lane whose matrix is singular is left, as others that are beyond
/// plain arithmetic or partial pivoting are.
///
/// # Safety
///
/// As [`lu::invert`](crate::interleaved::lu::invert).
#[inline(always)]
pub(crate) unsafe fn invert<L: SimdScalar, T: Scalar>(task: &mut GroupArgs<'_, T>) {
    let n = task.n;
    // SAFETY: the caller's promise. The memory of a kernel holds these 2n² + 4n scalars and
    // n vectors, and more.
    unsafe {
        let zero = constant::<L>(0.0);
        let a = task.memory.cast::<L>();
        let inverses = a.add(n * n);
        let (below, across) = (inverses.add(n), inverses.add(2 * n));
        let waiting = across.add(n);
        let room = waiting.add(n);
        let sums = room.add(n * n).cast();
        let hermitian = task.hermitian;
        let matrix = Matrix { n, a, hermitian, inverses, below, across, waiting, room };
        let square = Square::new(n, a);
        load_group::<L, T>(task, n, n, a.cast());
        let mut keep = task.all();
        if task.request.detect {
            keep &= of_this_kind(&matrix, keep);
        }
        take_triangle(&matrix, task.triangle);
        keep &= finite_below(n, square);
        keep &= moderate::<L, T>(&matrix);
        if keep == 0 {
            return;
        }
        let mut norm_of_a = zero;
        if task.request.rcond.is_some() {
            norm_of_a = norm(n, square, hermitian, sums);
        }
        let mut exchanges: Exchanges = [[0; MAX_LANES]; MAX_ORDER];
        keep &= factor(task, &matrix, keep, &mut exchanges);
        if keep == 0 {
            return;
        }
        solve(n, square, matrix, |_| {});
        keep &= finite_inverse(n, square);
        let x = undo(&matrix, &exchanges);
        if task.request.rcond.is_some() {
            let norm_of_x = norm(n, Square::new(n, x), hermitian, sums);
            keep &= rcond(norm_of_a, norm_of_x, &task.request, &mut task.found.rcond);
        }
        // One square has X, the other nothing.
        let staging = if x == a { room } else { a };
        store_group::<L, T>(task, n, n, x.cast(), keep, false, staging);
        task.found.inverted = keep;
    }
}

/// The lanes among `all` whose matrix `structure::detect` would bring here: a Hermitian one only if
/// its diagonal tells that it is not positive definite.
///
/// # Safety
///
/// `matrix` is sound (its square has n² elements, and what has one per row has n), and has been read. The CPU
/// has the instructions of `L`.
#[inline(always)]
unsafe fn of_this_kind<L: SimdScalar>(matrix: &Matrix<L>, all: u32) -> u32 {
    let Matrix { n, a, .. } = *matrix;
    // SAFETY: there are n² scalars.
    unsafe {
        let found = hermitian(n, n, a, all);
        if matrix.hermitian || L::PARTS == 1 {
            found & !positive_diagonal(n, a)
        } else {
            symmetric(n, a, all & !found)
        }
    }
}

/// Makes the lower triangle that of the matrix whose other one may be read.
///
/// # Safety
///
/// `matrix` is sound (its square has n² elements, and what has one per row has n), and has been read. The CPU
/// has the instructions of `L`.
#[inline(always)]
unsafe fn take_triangle<L: SimdScalar>(matrix: &Matrix<L>, triangle: Triangle) {
    for j in 0..matrix.n {
        // SAFETY: elements of the square.
        unsafe {
            let diagonal = matrix.at(j, j);
            diagonal.write(matrix.on_diagonal(*diagonal));
            if triangle == Triangle::Upper {
                for i in j + 1..matrix.n {
                    matrix.at(i, j).write(matrix.image(*matrix.at(j, i)));
                }
            }
        }
    }
}

/// The lanes whose largest element is so far from both ends of the range that what underflows, there
/// or in the inverse of a block of D, is below its rounding errors even [`MOST`] times.
///
/// # Safety
///
/// `matrix` is sound (its square has n² elements, and what has one per row has n), and has been read. The CPU
/// has the instructions of `L`.
#[inline(always)]
unsafe fn moderate<L: SimdScalar, T: Scalar>(matrix: &Matrix<L>) -> u32 {
    let exponent = if T::UNIT_ROUNDOFF > 1e-10 { 110 } else { 1010 };
    // SAFETY: elements of the square.
    unsafe {
        let [least, most] = [-exponent, exponent].map(|power| constant::<L>(2f64.powi(power)));
        let mut largest = constant::<L>(0.0);
        for j in 0..matrix.n {
            for i in j..matrix.n {
                largest = (*matrix.at(i, j)).abs1().max(largest);
            }
        }
        at_most::<L>(least, largest) & at_most::<L>(largest, most)
    }
}

/// The lanes in which x ≤ y.
#[inline(always)]
fn at_most<L: SimdScalar>(x: L::Vector, y: L::Vector) -> u32 {
    L::Vector::mask_bits(x.max(y).eq(y))
}

/// P A Pᵀ = L D Lᴴ. Returns the lanes in which D is finite and L of moderate size.
///
/// # Safety
///
/// `matrix` is sound (its square has n² elements, and what has one per row has n), and has been read; `task` is
/// sound, with room for n pivots per lane if the determinant is asked for. The CPU has the instructions of `L`.
#[inline(always)]
unsafe fn factor<L: SimdScalar, T: Scalar>(
    task: &mut GroupArgs<'_, T>,
    matrix: &Matrix<L>,
    keep: u32,
    exchanges: &mut Exchanges,
) -> u32 {
    let Matrix { n, a, inverses, below, across, waiting, .. } = *matrix;
    // SAFETY: elements of the square, and of what has n.
    unsafe {
        let (zero, one) = (constant::<L>(0.0), constant::<L>(1.0));
        let nothing = L::real(zero);
        let (mut taint, mut growth, mut second) = (zero, zero, 0);
        let mut next = nothing;
        for k in 0..n {
            task.prefetch::<L>(n, n);
            let pairs = choose(matrix, k, keep & !second, exchanges);
            let column = a.add(k * n);
            let mut pivot = matrix.on_diagonal(*column.add(k));
            taint = pivot.nan_accumulate(taint, zero);
            let alone = matrix.on_diagonal(pivot.inverse(one));
            let (mut inverse, mut off) = (alone.select(second, next), nothing);
            let mut pair = Pair::new(nothing);
            if pairs != 0 {
                let between = *column.add(k + 1);
                taint = between.nan_accumulate(taint, zero);
                pair = Pair::of(matrix, pivot, between, *matrix.at(k + 1, k + 1), one);
                inverse = inverse.select(pairs, pair.first);
                off = off.select(pairs, pair.off);
            }
            inverses.add(k).write(inverse);
            below.add(k).write(off);
            if task.request.determinant {
                // Of the second of a pair, it is what the first one has left of the determinant.
                pivot = pivot.select(second, *waiting.add(k)).select(pairs, pair.pivots[0]);
                store_pivots::<L, T>(task, k * L::Vector::LANES, pivot);
            }
            for i in k + 1..n {
                let x = *column.add(i);
                let mut multiplier = x.mul(alone);
                let image = matrix.image(x);
                if second != 0 {
                    multiplier = multiplier.select(second, *waiting.add(i));
                }
                if pairs != 0 {
                    let y = *matrix.at(i, k + 1);
                    let (of_first, of_second) = pair.multipliers(matrix, x, y);
                    multiplier = multiplier.select(pairs, of_first);
                    waiting.add(i).write(of_second);
                }
                growth = multiplier.abs1().max(growth);
                column.add(i).write(multiplier);
                across.add(i).write(image);
            }
            if pairs != 0 {
                // The second column waits, and so do its place in the first one and its pivot.
                for at in [column.add(k + 1), across.add(k + 1)] {
                    at.write((*at).select(pairs, nothing));
                }
                waiting.add(k + 1).write(pair.pivots[1]);
            }
            let mut j = k + 1;
            while j + 1 < n {
                let (image, next_image) = (*across.add(j), *across.add(j + 1));
                let at = matrix.at(j, j);
                at.write((*at).neg_mul_add(*column.add(j), image));
                for i in j + 1..n {
                    let (multiplier, at, next) =
                        (*column.add(i), matrix.at(i, j), matrix.at(i, j + 1));
                    at.write((*at).neg_mul_add(multiplier, image));
                    next.write((*next).neg_mul_add(multiplier, next_image));
                }
                j += 2;
            }
            if j < n {
                let at = matrix.at(j, j);
                at.write((*at).neg_mul_add(*column.add(j), *across.add(j)));
            }
            (second, next) = (pairs, pair.second);
        }
        L::Vector::mask_bits(taint.eq(zero)) & at_most::<L>(growth, constant::<L>(MOST))
    }
}

/// A block of two rows of D.
#[derive(Clone, Copy)]
struct Pair<L> {
    /// Its inverse: the diagonal, and what is below it.
    first: L,
    second: L,
    off: L,
    minus_off: L,
    /// Two numbers whose product is its determinant.
    pivots: [L; 2],
}

impl<L: SimdScalar> Pair<L> {
    /// Of nothing.
    #[inline(always)]
    fn new(nothing: L) -> Self {
        Pair {
            first: nothing,
            second: nothing,
            off: nothing,
            minus_off: nothing,
            pivots: [nothing; 2],
        }
    }

    /// The block with these elements on its diagonal and `between` them. All is divided by that,
    /// which is not small beside them, so that no product over- or underflows to harm.
    #[inline(always)]
    fn of(matrix: &Matrix<L>, upper: L, between: L, lower: L, one: L::Vector) -> Self {
        let inverse = between.inverse(one);
        let image = matrix.image(inverse);
        let (p, q) = (inverse.mul(matrix.on_diagonal(lower)), image.mul(upper));
        // 1 − pq is the determinant by −|between|².
        let rest = matrix.on_diagonal(L::real(one).neg_mul_add(p, q));
        let factor = matrix.on_diagonal(rest.inverse(one));
        let nothing = L::real(one.add(one.neg()));
        let negative = |x: L, y: L| nothing.neg_mul_add(x, y);
        let size = if matrix.hermitian { L::real(between.modulus(one)) } else { between };
        Pair {
            first: matrix.on_diagonal(negative(p.mul(image), factor)),
            second: matrix.on_diagonal(negative(q.mul(inverse), factor)),
            off: factor.mul(image),
            minus_off: negative(factor, image),
            pivots: [size, negative(size, rest)],
        }
    }

    /// A row x, y times the inverse.
    #[inline(always)]
    fn multipliers(&self, matrix: &Matrix<L>, x: L, y: L) -> (L, L) {
        (
            x.mul(self.first).neg_mul_add(y, self.minus_off),
            y.mul(self.second).neg_mul_add(x, matrix.image(self.minus_off)),
        )
    }
}
