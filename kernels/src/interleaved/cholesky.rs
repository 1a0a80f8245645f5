//! Positive definite matrices by Cholesky's method, in lanes.
//!
//! A = L D Lᴴ with ones on the diagonal of L and positive numbers on that of D: no square root
//! stands in the way of the next step. [`mirrored`](crate::interleaved::ldl_inverse) has the inverse from it.
//!
//! One triangle is read. During the factorization L is below the diagonal and D Lᴴ on and above
//! it, so that each product is one of a row and a column of the same square.

use crate::contract::Triangle;
use crate::interleaved::args::{GroupArgs, rcond};
use crate::interleaved::checks::store_pivots;
use crate::interleaved::classify::hermitian;
use crate::interleaved::ldl_inverse::{Middle, finite_inverse, norm, solve, solve_diagonal};
use crate::interleaved::square::{
    Blocks, Square, load_group, load_transposed, one_block, store_group, subtract,
};
use crate::scalar::Scalar;
use crate::simd::lanes::{SimdScalar, constant};
use crate::simd::vector::Vector;

/// 1 / D.
#[derive(Clone, Copy)]
struct Inverses<L: SimdScalar>(*mut L::Vector);

impl<L: SimdScalar> Middle<L> for Inverses<L> {
    const PAIRS: bool = false;

    #[inline(always)]
    fn image(self, x: L) -> L {
        x.conj()
    }
    #[inline(always)]
    fn on_diagonal(self, x: L) -> L {
        L::real(x.re())
    }
    /// # Safety
    ///
    /// j < n, and that inverse has been written. The CPU has the instructions of `L`.
    #[inline(always)]
    unsafe fn inverse(self, j: usize) -> L {
        // SAFETY: the caller's promise: there are n.
        L::real(unsafe { *self.0.add(j) })
    }
    /// # Safety
    ///
    /// The CPU has the instructions of `L`.
    #[inline(always)]
    unsafe fn below(self, _: usize) -> L {
        unreachable!("there are no pairs")
    }
}

/// A square under way.
struct Matrix<L: SimdScalar> {
    n: usize,
    /// With its lower triangle as the one that is read: a Hermitian matrix, or its transpose.
    a: Square<L>,
    /// 1 / D.
    inverses: *mut L::Vector,
    /// For norms.
    sums: *mut L::Vector,
}

/// Inverts a group: of order `N`, or, if that is 0, of any order that [`Blocks`] has. One lane
/// takes every order then.
///
/// # Safety
///
/// As [`lu::invert`](crate::interleaved::lu::invert).
#[inline(always)]
pub(crate) unsafe fn invert<L: SimdScalar, T: Scalar, const N: usize>(task: &mut GroupArgs<'_, T>) {
    let n = if N == 0 { task.n } else { N };
    // Powers of two would put whole rows on the same few lines of the cache.
    let column = if N == 0 && n % 16 == 0 && L::Vector::LANES > 1 { n + 1 } else { n };
    // SAFETY: the caller's promise. Small matrices have room of their own; else the memory of a
    // kernel holds these n · column scalars and 2n vectors, and a staging behind 2n².
    unsafe {
        let zero = constant::<L>(0.0);
        let mut small = [[L::real(zero); N]; N];
        let (mut inverses, mut sums) = ([zero; N], [zero; N]);
        let matrix = if N == 0 {
            let a = task.memory.cast::<L>();
            let inverses = a.add(n * column).cast::<L::Vector>();
            Matrix { n, a: Square::new(column, a), inverses, sums: inverses.add(n) }
        } else {
            let a = Square::new(n, small.as_mut_ptr().cast());
            Matrix { n, a, inverses: inverses.as_mut_ptr(), sums: sums.as_mut_ptr() }
        };
        let memory = matrix.a.at(0, 0);
        let upper = task.triangle == Triangle::Upper;
        // With the lower triangle as the one that is read, rows lie together.
        let transposed = upper && N == 0;
        if transposed {
            load_transposed::<L, T>(task, n, column, memory.cast());
        } else {
            load_group::<L, T>(task, n, column, memory.cast());
        }
        let mut keep = task.all();
        if task.request.detect {
            keep &= hermitian(n, column, memory, keep);
        }
        if upper && !transposed {
            transpose(n, matrix.a);
        }
        if keep == 0 {
            return;
        }
        let mut norm_of_a = zero;
        if task.request.rcond.is_some() {
            norm_of_a = norm(n, matrix.a, true, matrix.sums);
        }
        if N == 0 {
            factor(task, &matrix);
        } else {
            task.prefetch::<L>(n * n, n);
            factor_diagonal::<L, N>(&matrix, 0);
        }
        keep = positive(task, &matrix, keep);
        if keep == 0 {
            return;
        }
        if task.request.determinant {
            for k in 0..n {
                store_pivots::<L, T>(task, k * L::Vector::LANES, *matrix.a.at(k, k));
            }
        }
        let inverses = Inverses::<L>(matrix.inverses);
        if N == 0 {
            solve(n, matrix.a, inverses, |columns| task.prefetch::<L>(columns * n / 2, n));
        } else {
            solve_diagonal::<L, _, N>(n, matrix.a, inverses, 0);
        }
        keep &= finite_inverse(n, matrix.a);
        if task.request.rcond.is_some() {
            let norm_of_x = norm(n, matrix.a, true, matrix.sums);
            keep &= rcond(norm_of_a, norm_of_x, &task.request, &mut task.found.rcond);
        }
        // The transpose is the conjugate. The diagonal is to keep its positive zeros.
        let conjugated = upper && L::PARTS == 2;
        if conjugated {
            for j in 0..n {
                *matrix.a.at(j, j) = (*matrix.a.at(j, j)).conj();
            }
        }
        let staging = task.memory.cast::<L>().add(2 * n * n);
        store_group::<L, T>(task, n, column, memory.cast(), keep, conjugated, staging);
        task.found.inverted = keep;
    }
}

/// Exchanges rows and columns.
///
/// # Safety
///
/// `a` has n² elements, which nobody else has. The CPU has the instructions of `L`.
#[inline(always)]
unsafe fn transpose<L: SimdScalar>(n: usize, a: Square<L>) {
    for j in 1..n {
        for i in 0..j {
            // SAFETY: two elements of the square.
            unsafe { std::ptr::swap(a.at(i, j), a.at(j, i)) };
        }
    }
}

/// The lanes among `all` in which every number of D is positive, and no inverse of one over- or
/// underflows. What is not finite in a row of A is not finite in its number of D either.
///
/// # Safety
///
/// `matrix` is sound (its square has n² elements, and what has one per row has n), and the inverses of D have
/// been written; `task` is sound. The CPU has the instructions of `L`.
#[inline(always)]
unsafe fn positive<L: SimdScalar, T: Scalar>(
    task: &mut GroupArgs<'_, T>,
    matrix: &Matrix<L>,
    all: u32,
) -> u32 {
    let Matrix { n, inverses, .. } = *matrix;
    // SAFETY: n inverses.
    unsafe {
        let zero = constant::<L>(0.0);
        let mut taint = zero;
        // The largest of −1/D.
        let mut largest = (*inverses).neg();
        for k in 0..n {
            let inverse = *inverses.add(k);
            taint = taint.add_mul(inverse, zero);
            largest = largest.max(inverse.neg());
        }
        let negative = L::Vector::mask_bits(largest.max(zero).eq(zero));
        let keep = negative
            & !L::Vector::mask_bits(largest.eq(zero))
            & L::Vector::mask_bits(taint.eq(zero));
        if all & !keep != 0 {
            let finite = finite_input::<L, T>(task, n);
            note_not_positive(task, matrix, all & !keep & finite);
        }
        all & keep
    }
}

/// The lanes whose matrix of the group is finite in the triangle that is read, but for the imaginary
/// part of the diagonal.
///
/// # Safety
///
/// `task` is sound: n² scalars can be read for each of its matrices. The CPU has the instructions of `L`.
#[inline(always)]
unsafe fn finite_input<L: SimdScalar, T: Scalar>(task: &GroupArgs<'_, T>, n: usize) -> u32 {
    // SAFETY: the caller has the CPU's promise, and the task its matrices.
    unsafe {
        let zero = constant::<L>(0.0);
        let places = task.bases::<L>().places();
        let mut taint = zero;
        for j in 0..n {
            for i in j..n {
                let at = if task.triangle == Triangle::Upper { i * n + j } else { j * n + i };
                let number = L::gather(task.numbers(at), places);
                let number = if i == j { L::real(number.re()) } else { number };
                taint = number.nan_accumulate(taint, zero);
            }
        }
        L::Vector::mask_bits(taint.eq(zero))
    }
}

/// Notes the first number of D that is not positive, unless that may be a trick of an over- or
/// underflow before it.
///
/// # Safety
///
/// `matrix` is sound (its square has n² elements, and what has one per row has n), and has been factored;
/// `task` is sound. The CPU has the instructions of `L`.
#[inline(always)]
unsafe fn note_not_positive<L: SimdScalar, T: Scalar>(
    task: &mut GroupArgs<'_, T>,
    matrix: &Matrix<L>,
    mut lanes: u32,
) {
    let Matrix { n, a, inverses, .. } = *matrix;
    // SAFETY: the diagonal of the square and n inverses.
    unsafe {
        let zero = constant::<L>(0.0);
        let is_finite = |x: L::Vector| L::Vector::mask_bits(zero.add_mul(x, zero).eq(zero));
        for k in 0..n {
            let pivot = (*a.at(k, k)).re();
            let inverse = *inverses.add(k);
            let not_negative = L::Vector::mask_bits(pivot.max(zero).eq(pivot));
            let positive = not_negative & !L::Vector::mask_bits(pivot.eq(zero));
            task.found.note_zero_pivot(lanes & !positive & is_finite(pivot), k);
            // The inverse of infinity is zero, that of a denormal number may be infinite.
            lanes &= positive & is_finite(inverse) & !L::Vector::mask_bits(inverse.eq(zero));
        }
    }
}

/// A = L D Lᴴ.
///
/// # Safety
///
/// `matrix` is sound (its square has n² elements, and what has one per row has n), and has been read; `task` is
/// sound. The CPU has the instructions of `L`.
#[inline(always)]
unsafe fn factor<L: SimdScalar, T: Scalar>(task: &mut GroupArgs<'_, T>, matrix: &Matrix<L>) {
    // SAFETY: one block is the order.
    unsafe {
        match one_block::<L>(matrix.n) {
            1 => return factor_diagonal::<L, 1>(matrix, 0),
            2 => return factor_diagonal::<L, 2>(matrix, 0),
            3 => return factor_diagonal::<L, 3>(matrix, 0),
            4 => return factor_diagonal::<L, 4>(matrix, 0),
            5 => return factor_diagonal::<L, 5>(matrix, 0),
            _ => {}
        }
    }
    let blocks = Blocks::of(matrix.n);
    let mut j = 0;
    while blocks.size(j) > 0 {
        let columns = blocks.size(j);
        // A little at a time, so that the processor can keep what it has asked for.
        task.prefetch::<L>(columns * matrix.n / 2, matrix.n);
        // SAFETY: the blocks make up the order.
        unsafe {
            match columns {
                4 => factor_diagonal::<L, 4>(matrix, j),
                _ => factor_diagonal::<L, 3>(matrix, j),
            }
            let mut i = j + columns;
            while blocks.size(i) > 0 {
                let rows = blocks.size(i);
                match (rows, columns) {
                    (4, _) => factor_below::<L, 4, 4>(matrix, i, j),
                    (_, 4) => factor_below::<L, 3, 4>(matrix, i, j),
                    _ => factor_below::<L, 3, 3>(matrix, i, j),
                }
                i += rows;
            }
        }
        j += columns;
    }
}

/// The block of L and D Lᴴ that begins at row and column `j`.
///
/// # Safety
///
/// `matrix` is sound (its square has n² elements, and what has one per row has n); j + B ≤ n, and the blocks
/// before have been factored. The CPU has the instructions of `L`.
#[inline(always)]
unsafe fn factor_diagonal<L: SimdScalar, const B: usize>(matrix: &Matrix<L>, j: usize) {
    let Matrix { a, inverses, .. } = *matrix;
    // SAFETY: j + B ≤ n.
    unsafe {
        let one = constant::<L>(1.0);
        let zero = L::real(constant::<L>(0.0));
        let mut tile = [[zero; B]; B];
        for c in 0..B {
            for r in c..B {
                tile[c][r] = *a.at(j + r, j + c);
            }
        }
        subtract::<L, B, B, true>(a, (j, j), 0..j, &mut tile);
        for c in 0..B {
            let pivot = tile[c][c].re();
            let inverse = one.div(pivot);
            inverses.add(j + c).write(inverse);
            a.at(j + c, j + c).write(L::real(pivot));
            let mut across = [zero; B];
            for r in c + 1..B {
                across[r] = tile[c][r].conj();
                tile[c][r] = tile[c][r].times(inverse);
                a.at(j + c, j + r).write(across[r]);
                a.at(j + r, j + c).write(tile[c][r]);
            }
            for later in c + 1..B {
                for r in later..B {
                    tile[later][r] = tile[later][r].neg_mul_add(tile[c][r], across[later]);
                }
            }
        }
    }
}

/// The block of L that begins at row `i`, column `j`, and that of D Lᴴ across from it.
///
/// # Safety
///
/// `matrix` is sound (its square has n² elements, and what has one per row has n); i + R ≤ n, j + C ≤ i, and
/// the blocks before, and that on the diagonal, have been factored. The CPU has the instructions of `L`.
#[inline(always)]
unsafe fn factor_below<L: SimdScalar, const R: usize, const C: usize>(
    matrix: &Matrix<L>,
    i: usize,
    j: usize,
) {
    let Matrix { a, inverses, .. } = *matrix;
    // SAFETY: i + R ≤ n, j + C ≤ i.
    unsafe {
        let mut tile = [[L::real(constant::<L>(0.0)); R]; C];
        for c in 0..C {
            for r in 0..R {
                tile[c][r] = *a.at(i + r, j + c);
            }
        }
        subtract::<L, R, C, false>(a, (i, j), 0..j, &mut tile);
        for c in 0..C {
            for before in 0..c {
                let factor = *a.at(j + before, j + c);
                for r in 0..R {
                    tile[c][r] = tile[c][r].neg_mul_add(tile[before][r], factor);
                }
            }
            let inverse = *inverses.add(j + c);
            for r in 0..R {
                a.at(j + c, i + r).write(tile[c][r].conj());
                tile[c][r] = tile[c][r].times(inverse);
                a.at(i + r, j + c).write(tile[c][r]);
            }
        }
    }
}
