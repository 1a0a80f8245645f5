//! LU with partial pivoting and the inverse from it, in lanes: every order.
//!
//! With P A = L U ([`factor`](mod@factor)), the inverse X solves X L = U⁻¹
//! ([`solve`](mod@solve)) and then has its columns permuted, as LAPACK's `getri`: ‖I − XA‖
//! stays small. The permutation of the columns of X is the address at which they are stored.

pub(crate) mod factor;
pub(crate) mod solve;
pub(crate) mod tiny;

use crate::contract::Norm;
use crate::interleaved::args::{GroupArgs, load, rcond};
use crate::interleaved::checks::{
    finite, finite_input, finite_pivots, general, store_pivots, trusted,
};
use crate::interleaved::load_store::{Route, before_aligned, store, write, write_on};
use crate::interleaved::lu::factor::factor;
use crate::interleaved::lu::solve::solve;
use crate::interleaved::norms::{norm, norm_over_rows};
use crate::scalar::Scalar;
use crate::simd::lanes::{RealOf, SimdScalar, constant};
use crate::simd::vector::Vector;

/// Vectors of memory for order `n` and `parts` vectors per scalar.
pub(crate) fn vectors(n: usize, parts: usize) -> usize {
    ((n | 1) * n + stride(n) * n + n + n * n) * parts + 2 * n
}

/// From column to column of A: an odd number, so that the columns do not fall on the same few
/// lines of the cache; but the order for a small matrix, and for one that is read as it lies.
fn column(n: usize, as_it_lies: bool) -> usize {
    if as_it_lies || n <= 8 { n } else { n | 1 }
}

/// From column to column of X: room for tiles of up to 8 rows, and an odd number of them.
pub(crate) fn stride(n: usize) -> usize {
    (n.div_ceil(8) | 1) * 8
}

/// The parts of a kernel's memory.
pub(crate) struct Memory<L: SimdScalar> {
    /// L and U, by columns.
    pub(crate) a: *mut L,
    /// From column to column of `a`.
    pub(crate) column: usize,
    /// X, by columns that are [`stride`] apart.
    pub(crate) x: *mut L,
    /// Inverses of the pivots.
    pub(crate) inverses: *mut L,
    /// Where the group has the first element of the row of A that stands at each place, counted in
    /// real numbers.
    pub(crate) labels: *mut L::Vector,
    /// 0, 1, …, n − 1.
    pub(crate) index: *mut L::Vector,
    /// The inverses as they are to be stored.
    staging: *mut RealOf<L>,
}

/// Inverts a group of order `N`, or, where that is 0, of any order. `R` and `C` are the rows and
/// columns of a tile of the factorization that fits the registers; `RX`, a power of two up to 8,
/// and `CX` those of a tile of the inverse.
///
/// # Safety
///
/// The task is sound: see [`GroupArgs`]. The CPU has the instructions.
#[inline(always)]
pub(crate) unsafe fn invert<
    L: SimdScalar,
    T: Scalar,
    const N: usize,
    const R: usize,
    const C: usize,
    const RX: usize,
    const CX: usize,
>(
    task: &mut GroupArgs<'_, T>,
) {
    let n = if N == 0 { task.n } else { N };
    // SAFETY: the memory holds `vectors(n, PARTS)` vectors; these parts are as many.
    unsafe {
        let a = task.memory.cast::<L>();
        let column = column(n, N > 0);
        let x = a.add(column * n);
        let inverses = x.add(stride(n) * n);
        let labels = inverses.add(n).cast::<L::Vector>();
        let index = labels.add(n);
        let staging = index.add(n).cast();
        let memory = Memory { a, column, x, inverses, labels, index, staging };

        let mut keep = task.all();
        if task.request.detect {
            let places = task.bases::<L>().places();
            keep &= general(n, |at| L::gather(task.numbers(at), places), keep);
            if keep == 0 {
                return;
            }
        }
        // With few rows to exchange, blends are faster than reading them where they are.
        if N > 0 {
            load::<L, T>(task, 0, n * n * L::PARTS, a.cast());
        }
        let mut norm_of_a = constant::<L>(0.0);
        if let Some(which) = task.request.rcond {
            if N > 0 {
                norm_of_a = norm(which, n, n, a);
            } else if which == Norm::Infinity && 2 * n > L::Vector::LANES {
                norm_of_a = norm_over_rows::<L, T>(task, n);
            } else {
                load::<L, T>(task, 0, n * n * L::PARTS, x.cast());
                norm_of_a = norm(which, n, n, x);
            }
        }
        // What is not finite in A is not finite in L or U, then in each row of X that it meets,
        // and then in the first column of X, which is solved for last.
        if N == 0 {
            factor::<L, T, false, R, C>(task, n, &memory);
        } else {
            factor::<L, T, true, R, C>(task, n, &memory);
        }
        if task.found.singular != 0 {
            task.found.singular &= finite_input::<L, T>(task, n);
        }
        keep &= !task.found.singular & finite_pivots(n, memory.column, a);
        if task.request.reject_tiny_pivots {
            keep &= trusted::<L, T>(n, memory.column, a);
        }
        if task.request.determinant {
            let lanes = L::Vector::LANES;
            for k in 0..n {
                store_pivots::<L, T>(task, k * lanes, *a.add(k * memory.column + k));
            }
        }
        solve::<L, RX, CX>(n, &memory);
        keep &= finite(n, |i| *x.add(i));
        if let Some(which) = task.request.rcond {
            let norm_of_x = norm(which, n, stride(n), x);
            keep &= rcond(norm_of_a, norm_of_x, &task.request, &mut task.found.rcond);
        }
        store_columns::<L, T>(task, n, &memory, keep);
        task.found.inverted = keep;
    }
}

/// Writes column j of X as the column of the inverse that its label names, in the lanes that
/// `keep` has.
///
/// # Safety
///
/// `memory` is that of a kernel for order n, and X has been written; `task` is sound. The CPU has the
/// instructions of `L`.
#[inline(always)]
unsafe fn store_columns<L: SimdScalar, T: Scalar>(
    task: &mut GroupArgs<'_, T>,
    n: usize,
    memory: &Memory<L>,
    keep: u32,
) {
    let to = task.to::<RealOf<L>>();
    let len = n * L::PARTS;
    // SAFETY: there is room for a group in its place and in the staging.
    unsafe {
        match task.route::<L>(keep, len) {
            Route::Direct => columns_to::<L, T, false>(task, n, memory, keep, to),
            Route::PastTheCache => columns_to::<L, T, true>(task, n, memory, keep, to),
            Route::Staged => {
                columns_to::<L, T, false>(task, n, memory, keep, memory.staging);
                write_on::<L::Vector, T>(task, memory.staging, to, L::Vector::LANES * n * len);
            }
        }
    }
}

/// [`store_columns`] to a group at `to`. `STREAM`: past the cache; each column is whole vectors
/// then, and aligned.
///
/// # Safety
///
/// `memory` is that of a kernel for order n, X has been written, and its labels are rows of the group; a group
/// can be written at `to`, aligned to a vector if `STREAM`. The CPU has the instructions of `L`.
#[inline(always)]
unsafe fn columns_to<L: SimdScalar, T: Scalar, const STREAM: bool>(
    task: &GroupArgs<'_, T>,
    n: usize,
    memory: &Memory<L>,
    keep: u32,
    to: *mut RealOf<L>,
) {
    // SAFETY: each lane's label is that of a row of its matrix, which has n columns of n scalars:
    // from where the matrix begins, n times as far as the row is.
    unsafe {
        let bases = task.bases::<L>();
        let before = before_aligned::<L>(to, n * L::PARTS);
        for j in 0..n {
            let label = *memory.labels.add(j);
            // In this order no number is too large to be exact.
            let row = label.add(bases.neg());
            let places = row.mul(constant::<L>(n as f64)).add(bases).whole();
            let from = memory.x.add(j * stride(n)).cast::<L::Vector>();
            let place = |lane: usize| to.wrapping_add(places[lane] as usize);
            if STREAM {
                store::<L::Vector, true>(from, n * L::PARTS, keep, place);
            } else {
                write(from, n * L::PARTS, before, keep, place);
            }
        }
    }
}
