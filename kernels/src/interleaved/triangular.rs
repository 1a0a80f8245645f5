//! Triangular matrices, in lanes.
//!
//! X A = I, each row of X from its diagonal on: ‖I − XA‖ stays small, as with LAPACK's `trtri`.
//! An upper triangle is a lower one read from its end. What is beside the triangle is not read,
//! and zero in the inverse.

use crate::contract::{Norm, Triangle};
use crate::interleaved::args::{GroupArgs, SHRINK, rcond};
use crate::interleaved::checks::store_pivots;
use crate::interleaved::classify::triangular;
use crate::interleaved::norms::{Largest, Moduli, only_some_fit, plain, scaled};
use crate::interleaved::square::{
    Blocks, Square, finite_below, load_group, one_block, store_group, subtract,
};
use crate::scalar::Scalar;
use crate::simd::lanes::{SimdScalar, constant};
use crate::simd::vector::Vector;

/// A square under way.
struct Matrix<L> {
    n: usize,
    /// With its lower triangle as the one that is read.
    a: Square<L>,
    /// Inverses of the diagonal.
    inverses: *mut L,
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
    // SAFETY: the caller's promise. Small matrices have room of their own; else the memory of a
    // kernel holds these n² + n scalars, and a staging behind 2n².
    unsafe {
        let zero = constant::<L>(0.0);
        let mut small = [[L::real(zero); N]; N];
        let mut inverses = [L::real(zero); N];
        let (memory, inverses) = if N == 0 {
            let memory = task.memory.cast::<L>();
            (memory, memory.add(n * n))
        } else {
            (small.as_mut_ptr().cast(), inverses.as_mut_ptr())
        };
        load_group::<L, T>(task, n, n, memory.cast());
        let mut keep = task.all();
        if task.request.detect {
            keep &= triangular(n, memory, keep, task.triangle);
        }
        let a = match task.triangle {
            Triangle::Lower => Square::new(n, memory),
            Triangle::Upper => Square::new(n, memory).reversed(n),
        };
        keep &= finite_below(n, a);
        if keep == 0 {
            return;
        }
        for k in 0..n {
            let pivot = *memory.add(k * n + k);
            let zeros = pivot.equal(L::real(zero));
            if zeros != 0 {
                task.found.note_zero_pivot(zeros & keep, k);
            }
            if task.request.determinant {
                store_pivots::<L, T>(task, k * L::Vector::LANES, pivot);
            }
        }
        keep &= !task.found.singular;
        if keep == 0 {
            return;
        }
        let mut norm_of_a = zero;
        if let Some(which) = task.request.rcond {
            norm_of_a = norm(which, n, a);
        }
        let matrix = Matrix { n, a, inverses };
        let one = constant::<L>(1.0);
        for j in 0..n {
            inverses.add(j).write((*a.at(j, j)).inverse(one));
            for i in 0..j {
                a.at(i, j).write(L::real(zero));
            }
        }
        if N == 0 {
            solve(&matrix);
        } else {
            solve_diagonal::<L, N>(&matrix, 0);
        }
        keep &= finite_below(n, a);
        if let Some(which) = task.request.rcond {
            let norm_of_x = norm(which, n, a);
            keep &= rcond(norm_of_a, norm_of_x, &task.request, &mut task.found.rcond);
        }
        let staging = task.memory.cast::<L>().add(2 * n * n);
        store_group::<L, T>(task, n, n, memory.cast(), keep, false, staging);
        task.found.inverted = keep;
    }
}

/// The norm of a lower triangle, times [`SHRINK`].
///
/// # Safety
///
/// `a` has n² elements. The CPU has the instructions of `L`.
#[inline(always)]
unsafe fn norm<L: SimdScalar>(which: Norm, n: usize, a: Square<L>) -> L::Vector {
    // SAFETY: the elements of the square.
    unsafe {
        let plain = sums(plain::<L>(), which, n, a);
        match only_some_fit::<L>(&plain) {
            None => plain.sum,
            Some(fits) => sums(scaled::<L>(), which, n, a).sum.select(fits, plain.sum),
        }
    }
}

/// The largest sum of a lower triangle.
///
/// # Safety
///
/// `a` has n² elements. The CPU has the instructions of `L`.
#[inline(always)]
unsafe fn sums<L: SimdScalar, M: Moduli<L>>(
    moduli: M,
    which: Norm,
    n: usize,
    a: Square<L>,
) -> Largest<L::Vector> {
    // SAFETY: the elements of the square.
    unsafe {
        let (zero, shrink) = (constant::<L>(0.0), constant::<L>(SHRINK));
        let mut largest = Largest::new(zero);
        for outer in 0..n {
            let inner = if which == Norm::One { outer..n } else { 0..outer + 1 };
            let mut sum = zero;
            for inner in inner {
                let (i, j) = if which == Norm::One { (inner, outer) } else { (outer, inner) };
                sum = sum.add_mul(moduli.of(*a.at(i, j)), shrink);
            }
            largest.note(sum, zero);
        }
        largest
    }
}

/// X in the place of A, from the last rows to the first.
///
/// # Safety
///
/// `matrix` is sound (its square has n² elements, and what has one per row has n), and has been read. The CPU
/// has the instructions of `L`.
#[inline(always)]
unsafe fn solve<L: SimdScalar>(matrix: &Matrix<L>) {
    // SAFETY: one block is the order.
    unsafe {
        match one_block::<L>(matrix.n) {
            1 => return solve_diagonal::<L, 1>(matrix, 0),
            2 => return solve_diagonal::<L, 2>(matrix, 0),
            3 => return solve_diagonal::<L, 3>(matrix, 0),
            4 => return solve_diagonal::<L, 4>(matrix, 0),
            5 => return solve_diagonal::<L, 5>(matrix, 0),
            _ => {}
        }
    }
    let blocks = Blocks::of(matrix.n);
    let mut bottom = matrix.n;
    while blocks.size_before(bottom) > 0 {
        let rows = blocks.size_before(bottom);
        let i = bottom - rows;
        // SAFETY: the blocks make up the order.
        unsafe {
            match rows {
                4 => solve_diagonal::<L, 4>(matrix, i),
                _ => solve_diagonal::<L, 3>(matrix, i),
            }
            let mut end = i;
            while blocks.size_before(end) > 0 {
                let columns = blocks.size_before(end);
                let j = end - columns;
                match (rows, columns) {
                    (4, _) => solve_left::<L, 4, 4>(matrix, i, j),
                    (_, 4) => solve_left::<L, 3, 4>(matrix, i, j),
                    _ => solve_left::<L, 3, 3>(matrix, i, j),
                }
                end = j;
            }
        }
        bottom = i;
    }
}

/// The block of X that begins at row and column `i`.
///
/// # Safety
///
/// `matrix` is sound (its square has n² elements, and what has one per row has n); i + B ≤ n. The CPU has the
/// instructions of `L`.
#[inline(always)]
unsafe fn solve_diagonal<L: SimdScalar, const B: usize>(matrix: &Matrix<L>, i: usize) {
    let Matrix { a, inverses, .. } = *matrix;
    // SAFETY: i + B ≤ n.
    unsafe {
        let mut tile = [[L::real(constant::<L>(0.0)); B]; B];
        for c in (0..B).rev() {
            let inverse = *inverses.add(i + c);
            for after in c + 1..B {
                let factor = *a.at(i + after, i + c);
                for r in after..B {
                    tile[c][r] = tile[c][r].neg_mul_add(tile[after][r], factor);
                }
            }
            for r in c + 1..B {
                tile[c][r] = tile[c][r].mul(inverse);
            }
            tile[c][c] = inverse;
        }
        for c in 0..B {
            for r in c..B {
                a.at(i + r, i + c).write(tile[c][r]);
            }
        }
    }
}

/// The block of X that begins at row `i`, column `j`. Behind it these rows are X, zeros above the
/// diagonal included; the rows before them are A.
///
/// # Safety
///
/// `matrix` is sound (its square has n² elements, and what has one per row has n); i + R ≤ n, j + C ≤ i, and
/// the rows behind are X. The CPU has the instructions of `L`.
#[inline(always)]
unsafe fn solve_left<L: SimdScalar, const R: usize, const C: usize>(
    matrix: &Matrix<L>,
    i: usize,
    j: usize,
) {
    let Matrix { a, inverses, .. } = *matrix;
    // SAFETY: i + R ≤ n, j + C ≤ i.
    unsafe {
        let mut tile = [[L::real(constant::<L>(0.0)); R]; C];
        subtract::<L, R, C, false>(a, (i, j), j + C..i + R, &mut tile);
        for c in (0..C).rev() {
            for after in c + 1..C {
                let factor = *a.at(j + after, j + c);
                for r in 0..R {
                    tile[c][r] = tile[c][r].neg_mul_add(tile[after][r], factor);
                }
            }
            let inverse = *inverses.add(j + c);
            for r in 0..R {
                tile[c][r] = tile[c][r].mul(inverse);
                a.at(i + r, j + c).write(tile[c][r]);
            }
        }
    }
}
