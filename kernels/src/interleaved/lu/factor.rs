//! P A = L U in lanes, a panel of columns at a time, from left to right.
//!
//! A panel's rows are gathered in the order that the steps before have brought them into, so the
//! exchanges of rows cost nothing there; what is left of the panel has its rows exchanged by
//! blends. Tiles of a panel stay in registers while the columns before it are subtracted. Every
//! element has its terms subtracted one by one, from the first step to the last.

use crate::interleaved::args::{GroupArgs, load};
use crate::interleaved::checks::note_zero_pivot;
use crate::interleaved::lu::Memory;
use crate::scalar::Scalar;
use crate::simd::lanes::{SimdScalar, constant};
use crate::simd::vector::Vector;

/// Factorizes a group. `R` and `C` are the rows and columns of a tile that fits the registers.
/// Where the order is known to the compiler, `UNROLL`: there are at most three panels then, and
/// the group has been read.
///
/// # Safety
///
/// The task is sound, and the memory has room for order n. The CPU has the instructions.
#[inline(always)]
pub(crate) unsafe fn factor<
    L: SimdScalar,
    T: Scalar,
    const UNROLL: bool,
    const R: usize,
    const C: usize,
>(
    task: &mut GroupArgs<'_, T>,
    n: usize,
    memory: &Memory<L>,
) {
    // SAFETY: there are n places and n labels.
    unsafe {
        let part = constant::<L>(L::PARTS as f64);
        let mut label = task.bases::<L>();
        for i in 0..n {
            memory.index.add(i).write(constant::<L>(i as f64));
            memory.labels.add(i).write(label);
            label = label.add(part);
        }
        if UNROLL {
            if C <= n {
                panel::<L, T, UNROLL, R, C>(task, n, 0, memory);
            }
            if 2 * C <= n {
                panel::<L, T, UNROLL, R, C>(task, n, C, memory);
            }
            if 3 * C <= n {
                panel::<L, T, UNROLL, R, C>(task, n, 2 * C, memory);
            }
        } else {
            let mut k = 0;
            while k + C <= n {
                panel::<L, T, UNROLL, R, C>(task, n, k, memory);
                k += C;
            }
        }
        let mut k = n / C * C;
        if C > 2 && k + 2 <= n {
            panel::<L, T, UNROLL, R, 2>(task, n, k, memory);
            k += 2;
        }
        if k < n {
            panel::<L, T, UNROLL, R, 1>(task, n, k, memory);
        }
    }
}

/// Columns `k` to `k + C` of U and L; `C` is 1, 2 or 4.
///
/// # Safety
///
/// `memory` is that of a kernel for order n, `task` is sound; k + C ≤ n, and the columns before k have been
/// factored. The CPU has the instructions of `L`.
#[inline(always)]
unsafe fn panel<L: SimdScalar, T: Scalar, const READ: bool, const R: usize, const C: usize>(
    task: &mut GroupArgs<'_, T>,
    n: usize,
    k: usize,
    memory: &Memory<L>,
) {
    // SAFETY: k + C ≤ n.
    unsafe {
        if k == 0 {
            // No row was exchanged yet: they are read as they lie.
            if !READ {
                for c in 0..C {
                    let column = memory.a.add(c * memory.column).cast();
                    load::<L, T>(task, c * n, n * L::PARTS, column);
                }
            }
        } else {
            tiles::<L, T, READ, R, C, true>(task, n, k, 0, k, memory);
            tiles::<L, T, READ, R, C, false>(task, n, k, k, n, memory);
        }
        let mut pivots = [constant::<L>(0.0); C];
        let mut sizes = [constant::<L>(0.0); 4];
        for i in k..n {
            let size = (*memory.a.add(k * memory.column + i)).abs1();
            sizes[i % 4] = size.max(sizes[i % 4]);
        }
        pivots[0] = step::<L, T, C, 0>(task, n, k, memory, &mut sizes);
        if C > 1 {
            pivots[1] = step::<L, T, C, 1>(task, n, k, memory, &mut sizes);
        }
        if C > 2 {
            pivots[2] = step::<L, T, C, 2>(task, n, k, memory, &mut sizes);
            pivots[3] = step::<L, T, C, 3>(task, n, k, memory, &mut sizes);
        }
        exchanges::<L, R, C>(n, k, 0, k, memory, &pivots);
        if READ {
            exchanges::<L, R, C>(n, k, k + C, n, memory, &pivots);
        }
    }
}

/// [`exchange`] in the columns from `j` to `end`.
///
/// # Safety
///
/// `memory` is that of a kernel for order n; k + C ≤ n and end ≤ n; `pivots` are rows from k to n. The CPU has
/// the instructions of `L`.
#[inline(always)]
unsafe fn exchanges<L: SimdScalar, const R: usize, const C: usize>(
    n: usize,
    k: usize,
    mut j: usize,
    end: usize,
    memory: &Memory<L>,
    pivots: &[L::Vector; C],
) {
    // SAFETY: end ≤ n, and k + C ≤ n.
    unsafe {
        while j + R <= end {
            exchange::<L, R, C>(n, k, j, memory, pivots);
            j += R;
        }
        while j < end {
            exchange::<L, 1, C>(n, k, j, memory, pivots);
            j += 1;
        }
    }
}

/// Rows `row` to `end` of the panel at column `k`, in tiles. `UPPER`: they are rows of U.
///
/// # Safety
///
/// `memory` is that of a kernel for order n, `task` is sound; k + C ≤ n and end ≤ n, at most k for rows of U.
/// The CPU has the instructions of `L`.
#[inline(always)]
unsafe fn tiles<
    L: SimdScalar,
    T: Scalar,
    const READ: bool,
    const R: usize,
    const C: usize,
    const UPPER: bool,
>(
    task: &mut GroupArgs<'_, T>,
    n: usize,
    k: usize,
    mut row: usize,
    end: usize,
    memory: &Memory<L>,
) {
    // SAFETY: end ≤ n.
    unsafe {
        while row + R <= end {
            tile::<L, T, READ, R, C, UPPER>(task, n, k, row, memory);
            row += R;
        }
        if R > 2 && row + 2 <= end {
            tile::<L, T, READ, 2, C, UPPER>(task, n, k, row, memory);
            row += 2;
        }
        if row < end {
            tile::<L, T, READ, 1, C, UPPER>(task, n, k, row, memory);
        }
    }
}

/// Reads `R` rows of the panel at column `k`, if that is not done, and subtracts what the columns before it say.
///
/// # Safety
///
/// `memory` is that of a kernel for order n, `task` is sound; row + R ≤ n, at most k for rows of U; k + C ≤ n.
/// The CPU has the instructions of `L`.
#[inline(always)]
unsafe fn tile<
    L: SimdScalar,
    T: Scalar,
    const READ: bool,
    const R: usize,
    const C: usize,
    const UPPER: bool,
>(
    task: &mut GroupArgs<'_, T>,
    n: usize,
    k: usize,
    row: usize,
    memory: &Memory<L>,
) {
    // SAFETY: row + R ≤ n, and to k for rows of U; k + C ≤ n. A label is a place of the group.
    unsafe {
        let zero = constant::<L>(0.0);
        let (stride, column) = (memory.column, memory.a.add(k * memory.column));
        let mut tile = [[L::real(zero); R]; C];
        for r in 0..R {
            if READ {
                for c in 0..C {
                    tile[c][r] = *column.add(c * stride + row + r);
                }
                continue;
            }
            let places = (*memory.labels.add(row + r)).places();
            for c in 0..C {
                tile[c][r] = L::gather(task.numbers((k + c) * n), places);
            }
        }
        for before in 0..if UPPER { row } else { k } {
            let multipliers = memory.a.add(before * stride + row);
            let mut above = [*column.add(before); C];
            for c in 1..C {
                above[c] = *column.add(c * stride + before);
            }
            for r in 0..R {
                let multiplier = *multipliers.add(r);
                for c in 0..C {
                    tile[c][r] = tile[c][r].neg_mul_add(multiplier, above[c]);
                }
            }
        }
        if UPPER {
            for above in 0..R {
                for r in above + 1..R {
                    let multiplier = *memory.a.add((row + above) * stride + row + r);
                    for c in 0..C {
                        tile[c][r] = tile[c][r].neg_mul_add(multiplier, tile[c][above]);
                    }
                }
            }
        }
        for c in 0..C {
            for r in 0..R {
                column.add(c * stride + row + r).write(tile[c][r]);
            }
        }
    }
}

/// Step `STEP` of the panel at column `k`: the pivot, the exchange of rows in the panel, the
/// multipliers, the columns behind. The largest size of each fourth element of the column is given,
/// and becomes that of the next one. Returns the row of the first largest element.
///
/// # Safety
///
/// `memory` is that of a kernel for order n, `task` is sound; k + C ≤ n, STEP < C, and the steps before have
/// been made. The CPU has the instructions of `L`.
#[inline(always)]
unsafe fn step<L: SimdScalar, T: Scalar, const C: usize, const STEP: usize>(
    task: &mut GroupArgs<'_, T>,
    n: usize,
    k: usize,
    memory: &Memory<L>,
    sizes: &mut [L::Vector; 4],
) -> L::Vector {
    let Memory { inverses, labels, index, column: stride, .. } = *memory;
    // SAFETY: k + C ≤ n: all is inside `a`, or one of n.
    unsafe {
        let (zero, one) = (constant::<L>(0.0), constant::<L>(1.0));
        let panel = memory.a.add(k * stride);
        // A little at a time, so that the processor can keep what it has asked for.
        task.prefetch::<L>(n, n);
        let k = k + STEP;
        let column = panel.add(STEP * stride);
        let largest = sizes[0].max(sizes[1]).max(sizes[2].max(sizes[3]));
        *sizes = [zero; 4];
        let zeros = L::Vector::mask_bits(largest.eq(zero));
        if zeros != 0 {
            note_zero_pivot::<L, T>(task, zeros, n, k, column, inverses);
        }
        // The last of those that are as large, from below: the first.
        let here = *index.add(k);
        let mut old = [*panel.add(k); C];
        for c in 1..C {
            old[c] = *panel.add(c * stride + k);
        }
        let old_label = *labels.add(k);
        let (mut new, mut label, mut pivot) = (old, old_label, here);
        for i in (k + 1..n).rev() {
            let found = (*column.add(i)).abs1().eq(largest);
            pivot = pivot.if_then_else(found, *index.add(i));
            label = label.if_then_else(found, *labels.add(i));
            for c in 0..C {
                new[c] = new[c].if_then_else(found, *panel.add(c * stride + i));
            }
        }
        let found = old[STEP].abs1().eq(largest);
        pivot = pivot.if_then_else(found, here);
        label = label.if_then_else(found, old_label);
        for c in 0..C {
            new[c] = new[c].if_then_else(found, old[c]);
            panel.add(c * stride + k).write(new[c]);
        }
        labels.add(k).write(label);
        task.found.odd ^= !L::Vector::mask_bits(pivot.eq(here));
        let inverse = new[STEP].inverse_of_size(largest, one);
        inverses.add(k).write(inverse);
        for i in k + 1..n {
            let exchanged = pivot.eq(*index.add(i));
            labels.add(i).write((*labels.add(i)).if_then_else(exchanged, old_label));
            let multiplier = (*column.add(i)).if_then_else(exchanged, old[STEP]).mul(inverse);
            column.add(i).write(multiplier);
            for c in 0..C {
                if c != STEP {
                    let at = panel.add(c * stride + i);
                    let x = (*at).if_then_else(exchanged, old[c]);
                    let x = if c > STEP { x.neg_mul_add(multiplier, new[c]) } else { x };
                    at.write(x);
                    if c == STEP + 1 {
                        sizes[i % 4] = x.abs1().max(sizes[i % 4]);
                    }
                }
            }
        }
        pivot
    }
}

/// Exchanges rows in `J` columns from `j` on, beside the panel, as the `C` steps from `k` on have.
///
/// # Safety
///
/// `memory` is that of a kernel for order n; j + J ≤ n, k + C ≤ n; `pivots` are rows from k to n. The CPU has
/// the instructions of `L`.
#[inline(always)]
unsafe fn exchange<L: SimdScalar, const J: usize, const C: usize>(
    n: usize,
    k: usize,
    j: usize,
    memory: &Memory<L>,
    pivots: &[L::Vector; C],
) {
    // SAFETY: j + J ≤ n, k + C ≤ n.
    unsafe {
        let stride = memory.column;
        let columns = memory.a.add(j * stride);
        let mut top = [[*columns.add(k); J]; C];
        for t in 0..C {
            for c in 0..J {
                top[t][c] = *columns.add(c * stride + k + t);
            }
        }
        for t in 0..C {
            for below in t + 1..C {
                let here = pivots[t].eq(*memory.index.add(k + below));
                for c in 0..J {
                    let (x, y) = (top[t][c], top[below][c]);
                    top[t][c] = x.if_then_else(here, y);
                    top[below][c] = y.if_then_else(here, x);
                }
            }
        }
        for i in k + C..n {
            let index = *memory.index.add(i);
            let mut row = [*columns.add(i); J];
            for c in 1..J {
                row[c] = *columns.add(c * stride + i);
            }
            for t in 0..C {
                let here = pivots[t].eq(index);
                for c in 0..J {
                    let (x, y) = (top[t][c], row[c]);
                    top[t][c] = x.if_then_else(here, y);
                    row[c] = y.if_then_else(here, x);
                }
            }
            for c in 0..J {
                columns.add(c * stride + i).write(row[c]);
            }
        }
        for t in 0..C {
            for c in 0..J {
                columns.add(c * stride + k + t).write(top[t][c]);
            }
        }
    }
}
