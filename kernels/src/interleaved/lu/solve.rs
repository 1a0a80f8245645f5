//! X from P A = L U: W = U⁻¹ by rows, then X L = W, a tile of rows at a time.
//!
//! Each row of X is found alone, from left to right through U and from right to left through L, so
//! that tiles of rows stay in registers.

use crate::interleaved::lu::{Memory, stride};
use crate::simd::lanes::{SimdScalar, constant};

/// X, but for the permutation of the columns: W U = I, then X L = W. There are as few tiles of up to
/// `R` rows as there can be, of the same height or one less: a tile of a few rows waits for results
/// most of its time.
///
/// # Safety
///
/// `memory` is that of a kernel for order n, and L and U have been written. The CPU has the instructions of
/// `L`.
#[inline(always)]
pub(crate) unsafe fn solve<L: SimdScalar, const R: usize, const C: usize>(
    n: usize,
    memory: &Memory<L>,
) {
    let tiles = n.div_ceil(R);
    let mut row = 0;
    for tile in 0..tiles {
        let rows = (n - row).div_ceil(tiles - tile);
        // SAFETY: row + rows ≤ n.
        unsafe { rows_of::<L, R, C>(rows, n, row, memory) };
        row += rows;
    }
}

/// [`tile`] of `rows`. Of n ≥ `R` rows no tile has less than half of `R`; a lower order is known to
/// the compiler.
///
/// # Safety
///
/// `memory` is that of a kernel for order n, and L and U have been written; row + rows ≤ n and rows ≤ R. The
/// CPU has the instructions of `L`.
#[inline(always)]
unsafe fn rows_of<L: SimdScalar, const R: usize, const C: usize>(
    rows: usize,
    n: usize,
    row: usize,
    memory: &Memory<L>,
) {
    // SAFETY: the caller's promise.
    unsafe {
        match rows {
            1 if R <= 2 => tile::<L, 1, C>(n, row, memory),
            2 if R >= 2 && R <= 4 => tile::<L, 2, C>(n, row, memory),
            3 if R >= 3 && R <= 4 => tile::<L, 3, C>(n, row, memory),
            4 if R >= 4 => tile::<L, 4, C>(n, row, memory),
            5 if R >= 5 => tile::<L, 5, C>(n, row, memory),
            6 if R >= 6 => tile::<L, 6, C>(n, row, memory),
            7 if R >= 7 => tile::<L, 7, C>(n, row, memory),
            _ => tile::<L, R, C>(n, row, memory),
        }
    }
}

/// Rows `row` to `row + R` of X.
///
/// # Safety
///
/// `memory` is that of a kernel for order n, and L and U have been written; row < n. The CPU has the
/// instructions of `L`.
#[inline(always)]
unsafe fn tile<L: SimdScalar, const R: usize, const C: usize>(
    n: usize,
    row: usize,
    memory: &Memory<L>,
) {
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
        let mut end = n;
        while end >= C {
            backward::<L, R, C>(n, row, end - C, memory, x);
            end -= C;
        }
        while end > 0 {
            backward::<L, R, 1>(n, row, end - 1, memory, x);
            end -= 1;
        }
    }
}

/// Subtracts `x[k]·a[k, j + c]` for every k of a range from a tile, upwards or downwards. With what
/// the tiles do inside, every element has its terms in this one order, whatever the tile.
///
/// # Safety
///
/// `a` has columns of `column` scalars with rows in `range`, `C` of them; `x` has columns of `stride` scalars
/// with those in `range`, of `R` rows at least. The CPU has the instructions of `L`.
#[inline(always)]
unsafe fn subtract<L: SimdScalar, const R: usize, const C: usize, const DOWN: bool>(
    range: std::ops::Range<usize>,
    a: *const L,
    column: usize,
    x: *const L,
    stride: usize,
    tile: &mut [[L; R]; C],
) {
    let mut at = range.start;
    while at < range.end {
        let k = if DOWN { range.start + range.end - 1 - at } else { at };
        // SAFETY: `a` begins with column j, and j + C ≤ n, k < n; x has n columns.
        unsafe {
            let mut factor = [*a.add(k); C];
            for c in 1..C {
                factor[c] = *a.add(c * column + k);
            }
            for r in 0..R {
                let y = *x.add(k * stride + r);
                for c in 0..C {
                    tile[c][r] = tile[c][r].neg_mul_add(y, factor[c]);
                }
            }
        }
        at += 1;
    }
}

/// Columns `j` to `j + C` of these rows of W, where W U = I. W is zero left of `row`.
///
/// # Safety
///
/// `memory` is that of a kernel for order n, and U has been written; row < n, j + C ≤ n; `x` is the row `row`
/// of W, written in the columns before `j`. The CPU has the instructions of `L`.
#[inline(always)]
unsafe fn forward<L: SimdScalar, const R: usize, const C: usize>(
    n: usize,
    row: usize,
    j: usize,
    memory: &Memory<L>,
    x: *mut L,
) {
    // SAFETY: j + C ≤ n.
    unsafe {
        let a = memory.a.add(j * memory.column);
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
        subtract::<L, R, C, false>(row..j, a, memory.column, x, stride(n), &mut tile);
        for c in 0..C {
            for before in 0..c {
                let factor = *a.add(c * memory.column + j + before);
                for r in 0..R {
                    tile[c][r] = tile[c][r].neg_mul_add(tile[before][r], factor);
                }
            }
            let inverse = *memory.inverses.add(j + c);
            for r in 0..R {
                // Left of the diagonal W is zero, not 0 times something negative.
                tile[c][r] = if row + r > j + c { zero } else { tile[c][r].mul(inverse) };
                x.add((j + c) * stride(n) + r).write(tile[c][r]);
            }
        }
    }
}

/// Columns `j` to `j + C` of these rows of X, where X L = W.
///
/// # Safety
///
/// `memory` is that of a kernel for order n, and L has been written; row < n, j + C ≤ n; `x` is the row `row`
/// of X, written in the columns behind, and of W in these. The CPU has the instructions of `L`.
#[inline(always)]
unsafe fn backward<L: SimdScalar, const R: usize, const C: usize>(
    n: usize,
    row: usize,
    j: usize,
    memory: &Memory<L>,
    x: *mut L,
) {
    // SAFETY: j + C ≤ n; columns of W from `row` on have been written.
    unsafe {
        let a = memory.a.add(j * memory.column);
        let zero = L::real(constant::<L>(0.0));
        let mut tile = [[zero; R]; C];
        for c in 0..C {
            if j + c >= row {
                for r in 0..R {
                    tile[c][r] = *x.add((j + c) * stride(n) + r);
                }
            }
        }
        subtract::<L, R, C, true>(j + C..n, a, memory.column, x, stride(n), &mut tile);
        for c in (0..C).rev() {
            for after in (c + 1..C).rev() {
                let factor = *a.add(c * memory.column + j + after);
                for r in 0..R {
                    tile[c][r] = tile[c][r].neg_mul_add(tile[after][r], factor);
                }
            }
            for r in 0..R {
                x.add((j + c) * stride(n) + r).write(tile[c][r]);
            }
        }
    }
}
