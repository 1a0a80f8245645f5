//! Matrices that are the image of themselves across the diagonal: norms, and the inverse from
//! L D Lᴴ or L D Lᵀ.
//!
//! D is diagonal, or has blocks of two rows on its diagonal, beside which L is zero. The inverse X is
//! known where X L = L⁻ᴴ D⁻¹ is known on and below the diagonal, and there the right side is D⁻¹
//! alone. That gives X from its last column to its first, each from those behind it.

use crate::interleaved::args::SHRINK;
use crate::interleaved::checks::finite;
use crate::interleaved::norms::{Largest, Moduli, only_some_fit, plain, scaled};
use crate::interleaved::square::{Blocks, Square, one_block, subtract};
use crate::simd::lanes::{SimdScalar, constant};
use crate::simd::vector::Vector;

/// D⁻¹, and what there is across the diagonal.
pub(crate) trait Middle<L: SimdScalar>: Copy {
    /// Whether D has blocks of two rows.
    const PAIRS: bool;

    /// The element across the diagonal from x.
    fn image(self, x: L) -> L;
    /// An element of the diagonal, without what the matrix cannot have there.
    fn on_diagonal(self, x: L) -> L;
    /// Element (j, j) of D⁻¹.
    ///
    /// # Safety
    ///
    /// j < n.
    unsafe fn inverse(self, j: usize) -> L;
    /// Element (j + 1, j) of D⁻¹.
    ///
    /// # Safety
    ///
    /// j + 1 < n.
    unsafe fn below(self, j: usize) -> L;
}

/// The norm of a matrix, from its lower triangle, times [`SHRINK`]. There is room for n sums.
///
/// # Safety
///
/// The square has n² scalars that can be read, and n sums can be written. The CPU has the
/// instructions.
#[inline(always)]
pub(crate) unsafe fn norm<L: SimdScalar>(
    n: usize,
    a: Square<L>,
    real_diagonal: bool,
    sums: *mut L::Vector,
) -> L::Vector {
    // SAFETY: the caller's promise.
    unsafe {
        let plain = largest(plain::<L>(), n, a, real_diagonal, sums);
        match only_some_fit::<L>(&plain) {
            None => plain.sum,
            Some(fits) => {
                let scaled = largest(scaled::<L>(), n, a, real_diagonal, sums);
                scaled.sum.select(fits, plain.sum)
            }
        }
    }
}

/// The largest sum of a matrix, from its lower triangle.
///
/// # Safety
///
/// `a` has n² elements, and `sums` room for n vectors, which nobody else has. The CPU has the instructions of
/// `L`.
#[inline(always)]
unsafe fn largest<L: SimdScalar, M: Moduli<L>>(
    moduli: M,
    n: usize,
    a: Square<L>,
    real_diagonal: bool,
    sums: *mut L::Vector,
) -> Largest<L::Vector> {
    // SAFETY: n sums, and the elements of the square.
    unsafe {
        let (zero, shrink) = (constant::<L>(0.0), constant::<L>(SHRINK));
        for j in 0..n {
            let d = *a.at(j, j);
            let size = if real_diagonal { d.re().abs() } else { moduli.of(d) };
            sums.add(j).write(size.mul(shrink));
        }
        for j in 0..n {
            let mut sum = *sums.add(j);
            for i in j + 1..n {
                let size = moduli.of(*a.at(i, j));
                sum = sum.add_mul(size, shrink);
                *sums.add(i) = (*sums.add(i)).add_mul(size, shrink);
            }
            sums.add(j).write(sum);
        }
        let mut largest = Largest::new(zero);
        for j in 0..n {
            largest.note(*sums.add(j), zero);
        }
        largest
    }
}

/// The lanes in which X, as [`solve`] has left it, is finite. Every column meets what is behind it
/// in the rows: what is not finite there makes the first column so, whatever it is multiplied by.
///
/// # Safety
///
/// The square has n² scalars that can be read, n ≥ 1; the CPU has the instructions.
#[inline(always)]
pub(crate) unsafe fn finite_inverse<L: SimdScalar>(n: usize, a: Square<L>) -> u32 {
    // SAFETY: the caller's promise.
    unsafe { finite(n, |i| *a.at(i, 0)) }
}

/// X, in the place of L, which is below the diagonal, and of anything on and above it. `next` is told
/// of each block how many columns it has.
///
/// # Safety
///
/// The square has n² scalars, n ≥ 1; the CPU has the instructions.
#[inline(always)]
pub(crate) unsafe fn solve<L: SimdScalar, M: Middle<L>>(
    n: usize,
    a: Square<L>,
    middle: M,
    mut next: impl FnMut(usize),
) {
    // SAFETY: one block is the order, or blocks make it up.
    unsafe {
        // Where D has no pairs, an order that is one block has a function of its own.
        match if M::PAIRS { n } else { one_block::<L>(n) } {
            1 => return solve_diagonal::<L, M, 1>(n, a, middle, 0),
            2 => return solve_diagonal::<L, M, 2>(n, a, middle, 0),
            3 => return solve_diagonal::<L, M, 3>(n, a, middle, 0),
            4 => return solve_diagonal::<L, M, 4>(n, a, middle, 0),
            5 => return solve_diagonal::<L, M, 5>(n, a, middle, 0),
            _ => {}
        }
        let blocks = Blocks::of(n);
        let mut end = n;
        while blocks.size_before(end) > 0 {
            let columns = blocks.size_before(end);
            next(columns);
            let j = end - columns;
            let mut i = end;
            while blocks.size(i) > 0 {
                let rows = blocks.size(i);
                match (rows, columns) {
                    (4, _) => solve_below::<L, M, 4, 4>(n, a, middle, i, j),
                    (_, 4) => solve_below::<L, M, 3, 4>(n, a, middle, i, j),
                    _ => solve_below::<L, M, 3, 3>(n, a, middle, i, j),
                }
                i += rows;
            }
            match columns {
                4 => solve_diagonal::<L, M, 4>(n, a, middle, j),
                _ => solve_diagonal::<L, M, 3>(n, a, middle, j),
            }
            // L is not needed any more.
            for column in j..end {
                for row in end..n {
                    *a.at(row, column) = middle.image(*a.at(column, row));
                }
            }
            end = j;
        }
    }
}

/// The block of X that begins at row `i`, column `j`: written where its mirror is, since L is
/// still needed. The square from row and column j + C on is X.
///
/// # Safety
///
/// `a` has n² elements, which nobody else has; i + R ≤ n, j + C ≤ i; X has been written from row and column j +
/// C on. The CPU has the instructions of `L`.
#[inline(always)]
unsafe fn solve_below<L: SimdScalar, M: Middle<L>, const R: usize, const C: usize>(
    n: usize,
    a: Square<L>,
    middle: M,
    i: usize,
    j: usize,
) {
    // SAFETY: i + R ≤ n, j + C ≤ i.
    unsafe {
        let zero = constant::<L>(0.0);
        let mut tile = [[L::real(zero); R]; C];
        if M::PAIRS && i == j + C {
            tile[C - 1][0] = middle.below(i - 1);
        }
        subtract::<L, R, C, false>(a, (i, j), j + C..n, &mut tile);
        for c in (0..C).rev() {
            for after in c + 1..C {
                let factor = *a.at(j + after, j + c);
                for r in 0..R {
                    tile[c][r] = tile[c][r].neg_mul_add(tile[after][r], factor);
                }
            }
            for r in 0..R {
                a.at(j + c, i + r).write(middle.image(tile[c][r]));
            }
        }
    }
}

/// The block of X that begins at row and column `j`.
///
/// # Safety
///
/// As for [`solve`]; j + B ≤ n.
#[inline(always)]
pub(crate) unsafe fn solve_diagonal<L: SimdScalar, M: Middle<L>, const B: usize>(
    n: usize,
    a: Square<L>,
    middle: M,
    j: usize,
) {
    // SAFETY: j + B ≤ n.
    unsafe {
        let zero = constant::<L>(0.0);
        let mut tile = [[L::real(zero); B]; B];
        for c in 0..B {
            tile[c][c] = middle.inverse(j + c);
            if M::PAIRS && c + 1 < B {
                tile[c][c + 1] = middle.below(j + c);
            }
        }
        subtract::<L, B, B, true>(a, (j, j), j + B..n, &mut tile);
        for c in (0..B).rev() {
            for r in (c..B).rev() {
                for after in c + 1..B {
                    // Below the diagonal as it is, above it as the mirror of what is below.
                    let x = if r >= after { tile[after][r] } else { middle.image(tile[r][after]) };
                    tile[c][r] = tile[c][r].neg_mul_add(x, *a.at(j + after, j + c));
                }
            }
            tile[c][c] = middle.on_diagonal(tile[c][c]);
        }
        for c in 0..B {
            a.at(j + c, j + c).write(tile[c][c]);
            for r in c + 1..B {
                a.at(j + r, j + c).write(tile[c][r]);
                a.at(j + c, j + r).write(middle.image(tile[c][r]));
            }
        }
    }
}
