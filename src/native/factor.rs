//! P A = L U in lanes, a panel of columns at a time, from left to right.
//!
//! A panel's rows are gathered in the order that the steps before have brought them into, so the
//! exchanges of rows cost nothing there; what is left of the panel has its rows exchanged by
//! blends. Tiles of a panel stay in registers while the columns before it are subtracted. Every
//! element has its terms subtracted one by one, from the first step to the last.

use super::checks::note_zero_pivot;
use super::lanes::{Lanes, constant};
use super::lu::Memory;
use super::task::Task;
use super::vector::Vector;
use crate::element::Scalar;

/// Factorizes a group. `R` and `C` are the rows and columns of a tile that fits the registers.
/// Returns 0 in the lanes whose matrix is finite.
///
/// # Safety
///
/// The task is sound, and the memory has room for order n. The CPU has the instructions.
#[inline(always)]
pub(super) unsafe fn factor<L: Lanes, T: Scalar, const R: usize, const C: usize>(
    task: &mut Task<'_, T>,
    n: usize,
    memory: &Memory<L>,
) -> L::Vector {
    // SAFETY: there are n places and n labels.
    unsafe {
        let mut taint = constant::<L>(0.0);
        let part = constant::<L>(L::PARTS as f64);
        let mut label = task.bases::<L>();
        for i in 0..n {
            memory.index.add(i).write(constant::<L>(i as f64));
            memory.labels.add(i).write(label);
            label = label.add(part);
        }
        let mut k = 0;
        while k + C <= n {
            taint = panel::<L, T, R, C>(task, n, k, memory, taint);
            k += C;
        }
        if C > 2 && k + 2 <= n {
            taint = panel::<L, T, R, 2>(task, n, k, memory, taint);
            k += 2;
        }
        if k < n {
            taint = panel::<L, T, R, 1>(task, n, k, memory, taint);
        }
        taint
    }
}

/// Columns `k` to `k + C` of U and L.
#[inline(always)]
unsafe fn panel<L: Lanes, T: Scalar, const R: usize, const C: usize>(
    task: &mut Task<'_, T>,
    n: usize,
    k: usize,
    memory: &Memory<L>,
    mut taint: L::Vector,
) -> L::Vector {
    // SAFETY: k + C ≤ n.
    unsafe {
        taint = tiles::<L, T, R, C, true>(task, n, k, 0, k, memory, taint);
        taint = tiles::<L, T, R, C, false>(task, n, k, k, n, memory, taint);
        let mut pivots = [constant::<L>(0.0); C];
        for t in 0..C {
            pivots[t] = step::<L, T, C>(task, n, k, t, memory);
        }
        let mut j = 0;
        while j + R <= k {
            exchange::<L, R, C>(n, k, j, memory, &pivots);
            j += R;
        }
        while j < k {
            exchange::<L, 1, C>(n, k, j, memory, &pivots);
            j += 1;
        }
        taint
    }
}

/// Rows `row` to `end` of the panel at column `k`, in tiles. `UPPER`: they are rows of U.
#[inline(always)]
unsafe fn tiles<L: Lanes, T: Scalar, const R: usize, const C: usize, const UPPER: bool>(
    task: &mut Task<'_, T>,
    n: usize,
    k: usize,
    mut row: usize,
    end: usize,
    memory: &Memory<L>,
    mut taint: L::Vector,
) -> L::Vector {
    // SAFETY: end ≤ n.
    unsafe {
        while row + R <= end {
            taint = tile::<L, T, R, C, UPPER>(task, n, k, row, memory, taint);
            row += R;
        }
        if R > 2 && row + 2 <= end {
            taint = tile::<L, T, 2, C, UPPER>(task, n, k, row, memory, taint);
            row += 2;
        }
        if row < end {
            taint = tile::<L, T, 1, C, UPPER>(task, n, k, row, memory, taint);
        }
        taint
    }
}

/// Reads `R` rows of the panel at column `k`, and subtracts what the columns before it say.
#[inline(always)]
unsafe fn tile<L: Lanes, T: Scalar, const R: usize, const C: usize, const UPPER: bool>(
    task: &mut Task<'_, T>,
    n: usize,
    k: usize,
    row: usize,
    memory: &Memory<L>,
    mut taint: L::Vector,
) -> L::Vector {
    // SAFETY: row + R ≤ n, and to k for rows of U; k + C ≤ n. A label is a place of the group.
    unsafe {
        let zero = constant::<L>(0.0);
        let (stride, column) = (memory.column, memory.a.add(k * memory.column));
        let mut tile = [[L::real(zero); R]; C];
        for r in 0..R {
            let places = (*memory.labels.add(row + r)).places();
            for c in 0..C {
                tile[c][r] = L::gather(task.numbers((k + c) * n), places);
                taint = tile[c][r].taint(taint, zero);
            }
        }
        task.prefetch::<L>(R * C);
        for before in 0..if UPPER { row } else { k } {
            let multipliers = memory.a.add(before * stride + row);
            let mut above = [*column.add(before); C];
            for c in 1..C {
                above[c] = *column.add(c * stride + before);
            }
            for r in 0..R {
                let multiplier = *multipliers.add(r);
                for c in 0..C {
                    tile[c][r] = tile[c][r].sub_mul(multiplier, above[c]);
                }
            }
        }
        if UPPER {
            for above in 0..R {
                for r in above + 1..R {
                    let multiplier = *memory.a.add((row + above) * stride + row + r);
                    for c in 0..C {
                        tile[c][r] = tile[c][r].sub_mul(multiplier, tile[c][above]);
                    }
                }
            }
        }
        for c in 0..C {
            for r in 0..R {
                column.add(c * stride + row + r).write(tile[c][r]);
            }
        }
        taint
    }
}

/// Step `t` of the panel at column `k`: the pivot, the exchange of rows in the panel, the
/// multipliers, the columns behind. Returns the row of the first largest element.
#[inline(always)]
unsafe fn step<L: Lanes, T: Scalar, const C: usize>(
    task: &mut Task<'_, T>,
    n: usize,
    k: usize,
    t: usize,
    memory: &Memory<L>,
) -> L::Vector {
    let Memory { inverses, labels, index, column: stride, .. } = *memory;
    // SAFETY: k + C ≤ n, t < C: all is inside `a`, or one of n.
    unsafe {
        let (zero, one) = (constant::<L>(0.0), constant::<L>(1.0));
        let panel = memory.a.add(k * stride);
        let k = k + t;
        let column = panel.add(t * stride);
        let mut largest = [(*column.add(k)).size(), zero, zero, zero];
        for i in k + 1..n {
            let size = (*column.add(i)).size();
            largest[i % 4] = size.max(largest[i % 4]);
        }
        let largest = largest[0].max(largest[1]).max(largest[2].max(largest[3]));
        let zeros = L::Vector::bits(largest.eq(zero));
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
            let found = (*column.add(i)).size().eq(largest);
            pivot = pivot.blend(found, *index.add(i));
            label = label.blend(found, *labels.add(i));
            for c in 0..C {
                new[c] = new[c].blend(found, *panel.add(c * stride + i));
            }
        }
        let found = old[t].size().eq(largest);
        pivot = pivot.blend(found, here);
        label = label.blend(found, old_label);
        for c in 0..C {
            new[c] = new[c].blend(found, old[c]);
            panel.add(c * stride + k).write(new[c]);
        }
        labels.add(k).write(label);
        task.found.odd ^= !L::Vector::bits(pivot.eq(here));
        let inverse = new[t].inverse(one);
        inverses.add(k).write(inverse);
        for i in k + 1..n {
            let exchanged = pivot.eq(*index.add(i));
            labels.add(i).write((*labels.add(i)).blend(exchanged, old_label));
            let multiplier = (*column.add(i)).blend(exchanged, old[t]).mul(inverse);
            column.add(i).write(multiplier);
            for c in 0..C {
                if c != t {
                    let at = panel.add(c * stride + i);
                    let x = (*at).blend(exchanged, old[c]);
                    at.write(if c > t { x.sub_mul(multiplier, new[c]) } else { x });
                }
            }
        }
        pivot
    }
}

/// Exchanges rows in `J` columns of L from `j` on, as the `C` steps from `k` on have.
#[inline(always)]
unsafe fn exchange<L: Lanes, const J: usize, const C: usize>(
    n: usize,
    k: usize,
    j: usize,
    memory: &Memory<L>,
    pivots: &[L::Vector; C],
) {
    // SAFETY: j + J ≤ k, k + C ≤ n.
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
                    top[t][c] = x.blend(here, y);
                    top[below][c] = y.blend(here, x);
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
                    top[t][c] = x.blend(here, y);
                    row[c] = y.blend(here, x);
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
