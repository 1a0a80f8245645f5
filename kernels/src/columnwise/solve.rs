//! X from the factors: W U = I, then X L = W. Tiles of rows and columns stay in registers.

use crate::columnwise::{Single, all_zero, bits_of};
use crate::simd::lanes::{RealOf, SimdScalar, constant};
use crate::simd::vector::Vector;

/// Blocks of a tile of W: in higher ones more of the zeros below the diagonal would come along.
const HEIGHT: usize = 2;

/// W U = I.
///
/// # Safety
///
/// `m` is sound (see [`Single`]), and U and the inverses of its diagonal have been written. The CPU has the
/// instructions of `L`.
#[inline(always)]
pub(crate) unsafe fn forward<L: SimdScalar, const C: usize>(m: &Single<L>) {
    // SAFETY: columns and blocks are inside the matrix.
    unsafe {
        let mut j = 0;
        while j < m.n {
            let columns = C.min(m.n - j);
            sized!(columns, C, forward_columns::<[L,] _ []>(m, j));
            j += columns;
        }
    }
}

/// Columns `j` to `j + C` of W.
///
/// # Safety
///
/// `m` is sound (see [`Single`]), and U has been written; j + C ≤ n, and the columns of W before `j` have been
/// written. The CPU has the instructions of `L`.
#[inline(always)]
unsafe fn forward_columns<L: SimdScalar, const C: usize>(m: &Single<L>, j: usize) {
    // SAFETY: as for `forward_tile`.
    unsafe {
        let end = (j + C).div_ceil(L::Vector::LANES);
        let mut block = 0;
        while block < end {
            let height = HEIGHT.min(end - block);
            sized!(height, HEIGHT, forward_tile::<[L,] _ [, C]>(m, block, j));
            block += height;
        }
        let zero = L::real(constant::<L>(0.0));
        for c in 0..C {
            for b in end..m.blocks {
                m.x(j + c, b).write(zero);
            }
        }
    }
}

/// These columns in `R` blocks. W is zero below the diagonal.
///
/// # Safety
///
/// `m` is sound (see [`Single`]), and U has been written; j + C ≤ n; the `R` blocks from `block` on are in the
/// column, and the columns of W before `j` have been written. The CPU has the instructions of `L`.
#[inline(always)]
unsafe fn forward_tile<L: SimdScalar, const R: usize, const C: usize>(
    m: &Single<L>,
    block: usize,
    j: usize,
) {
    let lanes = L::Vector::LANES;
    // SAFETY: j + C ≤ n; the blocks are inside, and have been written in the columns before.
    unsafe {
        let zero = L::real(constant::<L>(0.0));
        let one = L::real(constant::<L>(1.0));
        let mut tile = [[zero; R]; C];
        let diagonal = (block + R) * lanes > j;
        if diagonal {
            for c in 0..C {
                for r in 0..R {
                    if (j + c) / lanes == block + r {
                        tile[c][r] = zero.select(1 << ((j + c) % lanes), one);
                    }
                }
            }
        }
        // Rows of its second block are zero in these columns.
        let first = if R > 1 { j.min((block + 1) * lanes) } else { block * lanes };
        for k in block * lanes..first {
            subtract_first::<L, R, C, 1>(&mut tile, m.x(k, block), |c| m.upper(k, j + c));
        }
        for k in first..j {
            subtract(&mut tile, m.x(k, block), |c| m.upper(k, j + c));
        }
        for c in 0..C {
            for before in 0..c {
                let factor = L::broadcast(m.upper(j + before, j + c));
                for r in 0..R {
                    tile[c][r] = tile[c][r].neg_mul_add(tile[before][r], factor);
                }
            }
            let inverse = *m.inverses.add(j + c);
            for r in 0..R {
                tile[c][r] = tile[c][r].mul(inverse);
                if diagonal {
                    let below = u128::MAX << (j + c) << 1;
                    tile[c][r] = tile[c][r].select(bits_of::<L>(below, block + r), zero);
                }
                m.x(j + c, block).add(r).write(tile[c][r]);
            }
        }
    }
}

/// Subtracts the products of a column's blocks at `x` and of a factor for each column of the tile.
///
/// # Safety
///
/// `R` blocks can be read at `x`, and a number where `factor` says for each column of the tile. The CPU has the
/// instructions of `L`.
#[inline(always)]
pub(crate) unsafe fn subtract<L: SimdScalar, const R: usize, const C: usize>(
    tile: &mut [[L; R]; C],
    x: *const L,
    factor: impl Fn(usize) -> *const RealOf<L>,
) {
    // SAFETY: the callers'.
    unsafe { subtract_first::<L, R, C, R>(tile, x, factor) }
}

/// [`subtract`] in the first `ROWS` blocks of the tile.
///
/// # Safety
///
/// `ROWS` ≤ `R` blocks can be read at `x`, and a number where `factor` says for each column of the tile. The
/// CPU has the instructions of `L`.
#[inline(always)]
unsafe fn subtract_first<L: SimdScalar, const R: usize, const C: usize, const ROWS: usize>(
    tile: &mut [[L; R]; C],
    x: *const L,
    factor: impl Fn(usize) -> *const RealOf<L>,
) {
    // SAFETY: the callers'.
    unsafe {
        let mut column = [*x; ROWS];
        for r in 1..ROWS {
            column[r] = *x.add(r);
        }
        for c in 0..C {
            let factor = L::broadcast(factor(c));
            for r in 0..ROWS {
                tile[c][r] = tile[c][r].neg_mul_add(column[r], factor);
            }
        }
    }
}

/// X L = W. Is all of X finite?
///
/// # Safety
///
/// `m` is sound (see [`Single`]); L and W have been written. The CPU has the instructions of `L`.
#[inline(always)]
pub(crate) unsafe fn backward<L: SimdScalar, const R: usize, const C: usize>(
    m: &Single<L>,
) -> bool {
    // SAFETY: columns and blocks are inside the matrix.
    unsafe {
        let mut taint = constant::<L>(0.0);
        let mut end = m.n;
        while end > 0 {
            let columns = C.min(end);
            end -= columns;
            taint = sized!(columns, C, backward_columns::<[L, R,] _ []>(m, end, taint));
        }
        all_zero::<L>(taint)
    }
}

/// Columns `j` to `j + C` of X. Returns `taint` with them.
///
/// # Safety
///
/// `m` is sound (see [`Single`]); j + C ≤ n; L and W have been written, and X in the columns behind these. The
/// CPU has the instructions of `L`.
#[inline(always)]
unsafe fn backward_columns<L: SimdScalar, const R: usize, const C: usize>(
    m: &Single<L>,
    j: usize,
    mut taint: L::Vector,
) -> L::Vector {
    // SAFETY: as for `backward_tile`.
    unsafe {
        let mut block = 0;
        while block < m.blocks {
            let height = (m.blocks - block).div_ceil((m.blocks - block).div_ceil(R));
            taint = sized!(height, R, backward_tile::<[L,] _ [, C]>(m, block, j, taint));
            block += height;
        }
        taint
    }
}

/// These columns in `R` blocks.
///
/// # Safety
///
/// `m` is sound (see [`Single`]); j + C ≤ n; the `R` blocks from `block` on are in the column; L and W have
/// been written, and X in the columns behind these. The CPU has the instructions of `L`.
#[inline(always)]
unsafe fn backward_tile<L: SimdScalar, const R: usize, const C: usize>(
    m: &Single<L>,
    block: usize,
    j: usize,
    mut taint: L::Vector,
) -> L::Vector {
    // SAFETY: j + C ≤ n; the blocks are inside, and hold X in the columns behind, W in these.
    unsafe {
        let vector_zero = constant::<L>(0.0);
        let mut tile = [[L::real(vector_zero); R]; C];
        for c in 0..C {
            for r in 0..R {
                tile[c][r] = *m.x(j + c, block).add(r);
            }
        }
        for k in (j + C..m.n).rev() {
            subtract(&mut tile, m.x(k, block), |c| m.lower(k, j + c));
        }
        for c in (0..C).rev() {
            for after in (c + 1..C).rev() {
                let factor = L::broadcast(m.lower(j + after, j + c));
                for r in 0..R {
                    tile[c][r] = tile[c][r].neg_mul_add(tile[after][r], factor);
                }
            }
            for r in 0..R {
                m.x(j + c, block).add(r).write(tile[c][r]);
                taint = tile[c][r].nan_accumulate(taint, vector_zero);
            }
        }
        taint
    }
}
