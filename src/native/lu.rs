//! LU with partial pivoting and the inverse from it, in lanes: every order.
//!
//! With P A = L U, the inverse X solves X L = U⁻¹ and then has its columns permuted, as LAPACK's
//! `getri`: ‖I − XA‖ stays small. Each row of X is found alone, from left to right through U and
//! from right to left through L, so that tiles of rows stay in registers. In each lane rows are
//! exchanged by blends; the permutation of the columns of X is the address at which they are
//! stored.

use super::lanes::{Lanes, RealOf, constant};
use super::task::{SHRINK, Task, load, numbers, rcond, store};
use super::vector::Vector;
use crate::element::Scalar;
use crate::engine::Norm;

/// Vectors of memory for order `n` and `parts` vectors per scalar.
pub(super) fn vectors(n: usize, parts: usize) -> usize {
    (n * n + stride(n) * n + n) * parts + 2 * n
}

/// From column to column of X: room for tiles of up to 8 rows, and an odd number of them, so that
/// the columns do not fall on the same few lines of the cache.
fn stride(n: usize) -> usize {
    (n.div_ceil(8) | 1) * 8
}

/// The parts of a kernel's memory.
struct Memory<L: Lanes> {
    /// A, then L and U, by columns.
    a: *mut L,
    /// X, by columns that are [`stride`] apart.
    x: *mut L,
    /// Inverses of the pivots.
    inverses: *mut L,
    /// The row of A that stands at each place.
    rows: *mut L::Vector,
    /// 0, 1, …, n − 1.
    index: *mut L::Vector,
}

/// Inverts a group. `R`, a power of two up to 8, and `C` are the rows and columns of a tile that
/// fits the registers.
///
/// # Safety
///
/// The task is sound: see [`Task`]. The CPU has the instructions.
#[inline(always)]
pub(super) unsafe fn invert<L: Lanes, T: Scalar, const R: usize, const C: usize>(
    task: &mut Task<'_, T>,
) {
    let n = task.n;
    // SAFETY: the memory holds `vectors(n, PARTS)` vectors; these parts are as many.
    unsafe {
        let a = task.memory.cast::<L>();
        let x = a.add(n * n);
        let inverses = x.add(stride(n) * n);
        let rows = inverses.add(n).cast::<L::Vector>();
        let memory = Memory { a, x, inverses, rows, index: rows.add(n) };

        load::<L, T>(task, n * n * L::PARTS, a.cast());
        let mut keep = task.all() & finite(n, a);
        if task.request.detect {
            keep &= general(n, a, keep);
        }
        if keep == 0 {
            return;
        }
        let mut norm_of_a = constant::<L>(0.0);
        if let Some(which) = task.request.rcond {
            norm_of_a = norm(which, n, n, a);
        }
        factor::<L, T>(task, n, &memory);
        keep &= finite_pivots(n, a);
        if task.request.wary {
            keep &= trusted::<L, T>(n, a);
        }
        if task.request.determinant {
            let lanes = L::Vector::LANES;
            for k in 0..n {
                store_pivots::<L, T>(task, k * lanes, *a.add(k * n + k));
            }
        }
        let mut taint = constant::<L>(0.0);
        let mut row = 0;
        while row < n {
            taint = solve::<L, R, C>(n, row, &memory, taint);
            row += R;
        }
        keep &= L::Vector::bits(taint.eq(constant::<L>(0.0)));
        keep &= !task.found.singular;
        if let Some(which) = task.request.rcond {
            let norm_of_x = norm(which, n, stride(n), x);
            let limit = task.request.min_rcond;
            keep &= rcond(norm_of_a, norm_of_x, limit, &mut task.found.rcond);
        }
        store_columns::<L, T>(task, n, &memory, keep);
        task.found.inverted = keep;
    }
}

/// The lanes whose `n²` scalars are finite.
#[inline(always)]
pub(super) unsafe fn finite<L: Lanes>(n: usize, a: *const L) -> u32 {
    // SAFETY: the caller has loaded n² scalars there.
    unsafe {
        let zero = constant::<L>(0.0);
        let mut taint = [zero; 4];
        for e in 0..n * n {
            taint[e % 4] = (*a.add(e)).taint(taint[e % 4], zero);
        }
        let taint = taint[0].add(taint[1]).add(taint[2].add(taint[3]));
        L::Vector::bits(taint.eq(zero))
    }
}

/// The lanes whose pivots are finite. The reciprocal of another is zero, and what comes of it may
/// look like an inverse.
#[inline(always)]
pub(super) unsafe fn finite_pivots<L: Lanes>(n: usize, lu: *const L) -> u32 {
    // SAFETY: as for `finite`.
    unsafe {
        let zero = constant::<L>(0.0);
        let mut taint = zero;
        for k in 0..n {
            taint = (*lu.add(k * n + k)).taint(taint, zero);
        }
        L::Vector::bits(taint.eq(zero))
    }
}

/// What pivots are compared with, as a part of the largest element above them.
pub(super) fn rounding<T: Scalar>(n: usize) -> f64 {
    8.0 * n as f64 * T::UNIT_ROUNDOFF
}

/// The lanes in which every pivot of U is larger than the rounding errors of its own computation:
/// as the LAPACK engine judges it, but that here a size may be up to √2 too large.
#[inline(always)]
pub(super) unsafe fn trusted<L: Lanes, T: Scalar>(n: usize, lu: *const L) -> u32 {
    // SAFETY: as for `finite`.
    unsafe {
        let rounding = constant::<L>(rounding::<T>(n));
        let mut tiny = 0;
        for k in 1..n {
            let mut above = constant::<L>(0.0);
            for i in 0..k {
                above = above.max((*lu.add(k * n + i)).size());
            }
            let limit = above.mul(rounding);
            let pivot = (*lu.add(k * n + k)).size();
            tiny |= L::Vector::bits(pivot.max(limit).eq(limit));
        }
        !tiny
    }
}

/// The lanes among `all` whose matrix has no structure: see `structure::detect`. The first pair
/// of elements tells, unless a matrix has one.
#[inline(always)]
pub(super) unsafe fn general<L: Lanes>(n: usize, a: *const L, all: u32) -> u32 {
    // SAFETY: as for `finite`.
    unsafe {
        let zero = L::real(constant::<L>(0.0));
        let (mut below, mut above, mut adjoint, mut transpose) = (0, 0, 0, 0);
        if L::PARTS == 1 {
            transpose = all;
        } else {
            for i in 0..n {
                let d = *a.add(i * n + i);
                adjoint |= !d.equal(d.conj());
            }
        }
        for j in 1..n {
            for i in 0..j {
                let (x, y) = (*a.add(j * n + i), *a.add(i * n + j));
                above |= !x.equal(zero);
                below |= !y.equal(zero);
                adjoint |= !x.equal(y.conj());
                if L::PARTS == 2 {
                    transpose |= !x.equal(y);
                }
                if above & below & adjoint & transpose & all == all {
                    return all;
                }
            }
        }
        above & below & adjoint & transpose & all
    }
}

/// The norm of a matrix, whose columns are `stride` apart, times [`SHRINK`].
#[inline(always)]
pub(super) unsafe fn norm<L: Lanes>(
    which: Norm,
    n: usize,
    stride: usize,
    a: *const L,
) -> L::Vector {
    // SAFETY: as for `finite`.
    unsafe {
        let (zero, one) = (constant::<L>(0.0), constant::<L>(1.0));
        let shrink = constant::<L>(SHRINK);
        let mut largest = zero;
        for outer in 0..n {
            let mut sum = zero;
            for inner in 0..n {
                let (i, j) = if which == Norm::One { (inner, outer) } else { (outer, inner) };
                sum = sum.add_mul((*a.add(j * stride + i)).modulus(one), shrink);
            }
            largest = largest.max(sum);
        }
        largest
    }
}

/// P A = L U. Each step searches its column, exchanges rows, and subtracts.
#[inline(always)]
unsafe fn factor<L: Lanes, T: Scalar>(task: &mut Task<'_, T>, n: usize, memory: &Memory<L>) {
    let Memory { a, inverses, rows, index, .. } = *memory;
    // SAFETY: every place is one of the n² of `a` or one of n.
    unsafe {
        for i in 0..n {
            let number = constant::<L>(i as f64);
            index.add(i).write(number);
            rows.add(i).write(number);
        }
        let one = constant::<L>(1.0);
        for k in 0..n {
            let column = a.add(k * n);
            let pivot = search::<L, T>(task, n, k, column, index, inverses);
            // The column itself: exchange, then multipliers.
            let (old, old_row) = (*column.add(k), *rows.add(k));
            let (mut new, mut new_row) = (old, old_row);
            for i in k + 1..n {
                let here = pivot.eq(*index.add(i));
                let (x, row) = (*column.add(i), *rows.add(i));
                new = new.blend(here, x);
                new_row = new_row.blend(here, row);
                *column.add(i) = x.blend(here, old);
                *rows.add(i) = row.blend(here, old_row);
            }
            *column.add(k) = new;
            *rows.add(k) = new_row;
            let inverse = new.inverse(one);
            inverses.add(k).write(inverse);
            for i in k + 1..n {
                *column.add(i) = (*column.add(i)).mul(inverse);
            }
            let mut j = 0;
            while j + 4 <= k {
                step::<L, 4, false>(n, k, j, a, pivot, index);
                j += 4;
            }
            while j < k {
                step::<L, 1, false>(n, k, j, a, pivot, index);
                j += 1;
            }
            j = k + 1;
            while j + 4 <= n {
                step::<L, 4, true>(n, k, j, a, pivot, index);
                j += 4;
            }
            while j < n {
                step::<L, 1, true>(n, k, j, a, pivot, index);
                j += 1;
            }
        }
    }
}

/// The row of the first largest element of a column from row `k` on.
#[inline(always)]
unsafe fn search<L: Lanes, T: Scalar>(
    task: &mut Task<'_, T>,
    n: usize,
    k: usize,
    column: *const L,
    index: *const L::Vector,
    inverses: *const L,
) -> L::Vector {
    // SAFETY: the column has n elements, as has the index.
    unsafe {
        let zero = constant::<L>(0.0);
        let mut largest = [(*column.add(k)).size(), zero, zero, zero];
        for i in k + 1..n {
            let size = (*column.add(i)).size();
            largest[i % 4] = size.max(largest[i % 4]);
        }
        let largest = largest[0].max(largest[1]).max(largest[2].max(largest[3]));
        let mut pivot = *index.add(k);
        for i in (k + 1..n).rev() {
            pivot = pivot.blend((*column.add(i)).size().eq(largest), *index.add(i));
        }
        // The diagonal is the first of all.
        pivot = pivot.blend((*column.add(k)).size().eq(largest), *index.add(k));
        let zeros = L::Vector::bits(largest.eq(zero));
        if zeros != 0 {
            note_zero_pivot::<L, T>(task, zeros, n, k, column, inverses);
        }
        task.found.odd ^= !L::Vector::bits(pivot.eq(*index.add(k)));
        pivot
    }
}

/// Notes a column without a pivot, in the lanes in which that is no trick of a NaN, or of a pivot
/// before it whose inverse over- or underflowed.
#[inline(always)]
pub(super) unsafe fn note_zero_pivot<L: Lanes, T: Scalar>(
    task: &mut Task<'_, T>,
    mut lanes: u32,
    n: usize,
    k: usize,
    column: *const L,
    inverses: *const L,
) {
    // SAFETY: the column has n elements, and k inverses have been written.
    unsafe {
        let zero = constant::<L>(0.0);
        for i in k..n {
            lanes &= (*column.add(i)).equal(L::real(zero));
        }
        for i in 0..k {
            let inverse = *inverses.add(i);
            lanes &= L::Vector::bits(inverse.taint(zero, zero).eq(zero));
            lanes &= !inverse.equal(L::real(zero));
        }
    }
    task.found.note_zero_pivot(lanes, k);
}

/// Exchanges rows `k` and `pivot` in `C` columns from `j` on; with `SUBTRACT`, subtracts the
/// multiples of row `k` from those below it.
#[inline(always)]
unsafe fn step<L: Lanes, const C: usize, const SUBTRACT: bool>(
    n: usize,
    k: usize,
    j: usize,
    a: *mut L,
    pivot: L::Vector,
    index: *const L::Vector,
) {
    // SAFETY: j + C ≤ n, k < n: all is inside `a`.
    unsafe {
        let multipliers = a.add(k * n);
        let columns = a.add(j * n);
        let mut old = [*columns.add(k); C];
        for c in 1..C {
            old[c] = *columns.add(c * n + k);
        }
        let mut new = old;
        for i in k + 1..n {
            let here = pivot.eq(*index.add(i));
            for c in 0..C {
                new[c] = new[c].blend(here, *columns.add(c * n + i));
            }
        }
        for c in 0..C {
            *columns.add(c * n + k) = new[c];
        }
        for i in k + 1..n {
            let here = pivot.eq(*index.add(i));
            let multiplier = *multipliers.add(i);
            for c in 0..C {
                let x = (*columns.add(c * n + i)).blend(here, old[c]);
                *columns.add(c * n + i) = if SUBTRACT { x.sub_mul(multiplier, new[c]) } else { x };
            }
        }
    }
}

/// Rows `row` to `row + R` of X, but for the permutation of the columns: W U = I, then X L = W.
/// Returns `taint` with them.
#[inline(always)]
unsafe fn solve<L: Lanes, const R: usize, const C: usize>(
    n: usize,
    row: usize,
    memory: &Memory<L>,
    taint: L::Vector,
) -> L::Vector {
    // SAFETY: row < n, and the columns of `x` have room for a last tile.
    unsafe {
        let x = memory.x.add(row);
        let mut j = row;
        while j + C <= n {
            forward::<L, R, C>(n, row, j, memory, x);
            j += C;
        }
        while j < n {
            forward::<L, R, 1>(n, row, j, memory, x);
            j += 1;
        }
        let mut taint = taint;
        let mut end = n;
        while end >= C {
            taint = backward::<L, R, C>(n, row, end - C, memory, x, taint);
            end -= C;
        }
        while end > 0 {
            taint = backward::<L, R, 1>(n, row, end - 1, memory, x, taint);
            end -= 1;
        }
        taint
    }
}

/// Subtracts x[k]·a[k, j + c] for every k of a range from a tile, upwards or downwards. With what
/// the tiles do inside, every element has its terms in this one order, whatever the tile.
#[inline(always)]
unsafe fn subtract<L: Lanes, const R: usize, const C: usize, const DOWN: bool>(
    n: usize,
    range: std::ops::Range<usize>,
    a: *const L,
    x: *const L,
    stride: usize,
    tile: &mut [[L; R]; C],
) {
    let mut at = range.start;
    while at < range.end {
        let k = if DOWN { range.start + range.end - 1 - at } else { at };
        // SAFETY: `a` begins with column j of n by n, j + C ≤ n, k < n; x has n columns, `stride` apart.
        unsafe {
            let mut factor = [*a.add(k); C];
            for c in 1..C {
                factor[c] = *a.add(c * n + k);
            }
            for r in 0..R {
                let y = *x.add(k * stride + r);
                for c in 0..C {
                    tile[c][r] = tile[c][r].sub_mul(y, factor[c]);
                }
            }
        }
        at += 1;
    }
}

/// Columns `j` to `j + C` of these rows of W, where W U = I. W is zero left of `row`.
#[inline(always)]
unsafe fn forward<L: Lanes, const R: usize, const C: usize>(
    n: usize,
    row: usize,
    j: usize,
    memory: &Memory<L>,
    x: *mut L,
) {
    // SAFETY: j + C ≤ n.
    unsafe {
        let a = memory.a.add(j * n);
        let zero = L::real(constant::<L>(0.0));
        let mut tile = [[zero; R]; C];
        if j < row + R {
            let one = L::real(constant::<L>(1.0));
            for c in 0..C {
                for r in 0..R {
                    if row + r == j + c {
                        tile[c][r] = one;
                    }
                }
            }
        }
        subtract::<L, R, C, false>(n, row..j, a, x, stride(n), &mut tile);
        for c in 0..C {
            for before in 0..c {
                let factor = *a.add(c * n + j + before);
                for r in 0..R {
                    tile[c][r] = tile[c][r].sub_mul(tile[before][r], factor);
                }
            }
            let inverse = *memory.inverses.add(j + c);
            for r in 0..R {
                tile[c][r] = tile[c][r].mul(inverse);
                // Below the diagonal W is zero, whose sign must not depend on the tile.
                if j < row + R && row + r > j + c {
                    tile[c][r] = zero;
                }
                x.add((j + c) * stride(n) + r).write(tile[c][r]);
            }
        }
    }
}

/// Columns `j` to `j + C` of these rows of X, where X L = W.
#[inline(always)]
unsafe fn backward<L: Lanes, const R: usize, const C: usize>(
    n: usize,
    row: usize,
    j: usize,
    memory: &Memory<L>,
    x: *mut L,
    mut taint: L::Vector,
) -> L::Vector {
    // SAFETY: j + C ≤ n; columns of W from `row` on have been written.
    unsafe {
        let a = memory.a.add(j * n);
        let vector_zero = constant::<L>(0.0);
        let zero = L::real(vector_zero);
        let mut tile = [[zero; R]; C];
        for c in 0..C {
            if j + c >= row {
                for r in 0..R {
                    tile[c][r] = *x.add((j + c) * stride(n) + r);
                }
            }
        }
        subtract::<L, R, C, true>(n, j + C..n, a, x, stride(n), &mut tile);
        for c in (0..C).rev() {
            for after in (c + 1..C).rev() {
                let factor = *a.add(c * n + j + after);
                for r in 0..R {
                    tile[c][r] = tile[c][r].sub_mul(tile[after][r], factor);
                }
            }
            for r in 0..R {
                x.add((j + c) * stride(n) + r).write(tile[c][r]);
                taint = tile[c][r].taint(taint, vector_zero);
            }
        }
        taint
    }
}

/// Writes column j of X as column `rows[j]` of the inverse, in the lanes that `keep` has.
#[inline(always)]
unsafe fn store_columns<L: Lanes, T: Scalar>(
    task: &Task<'_, T>,
    n: usize,
    memory: &Memory<L>,
    keep: u32,
) {
    let len = n * L::PARTS;
    for j in 0..n {
        // SAFETY: each lane's label is one of 0 … n − 1; its matrix has n columns of n scalars.
        unsafe {
            let labels = numbers(*memory.rows.add(j));
            let to = |lane: usize| {
                let label: f64 = labels[lane].into();
                let label = label.to_int_unchecked::<i32>().cast_unsigned() as usize;
                task.to::<RealOf<L>>(lane).wrapping_add(label * len)
            };
            store(memory.x.add(j * stride(n)).cast::<L::Vector>(), len, keep, to);
        }
    }
}

/// Keeps the pivots of one step, lane after lane.
#[inline(always)]
pub(super) unsafe fn store_pivots<L: Lanes, T: Scalar>(task: &Task<'_, T>, at: usize, pivot: L) {
    let vectors = std::ptr::from_ref(&pivot).cast::<L::Vector>();
    for part in 0..L::PARTS {
        // SAFETY: a scalar is its parts, one behind the other, in lanes as in memory; there is
        // room for n · LANES scalars.
        unsafe {
            let numbers = numbers(*vectors.add(part));
            let to = task.pivots.add(at).cast::<RealOf<L>>();
            for lane in 0..L::Vector::LANES {
                to.add(lane * L::PARTS + part).write(numbers[lane]);
            }
        }
    }
}
