//! Squares of scalars in lanes, worked on in tiles of 3 and 4 rows and columns.

use super::lanes::{Lanes, RealOf, constant};
use super::task::{Task, load, store};
use super::vector::Vector;
use crate::element::Scalar;

/// Up to this order a matrix is one block, and everything about it is unrolled; above, it is
/// [`Blocks`].
pub(super) const MAX_BLOCK: usize = 5;

/// A square of scalars, by columns, seen from one of its sides.
#[derive(Clone, Copy)]
pub(super) struct Square<L> {
    first: *mut L,
    /// From row to row and from column to column: strides that wrap, since they may be negative.
    down: usize,
    right: usize,
}

impl<L> Square<L> {
    /// As it lies.
    #[inline(always)]
    pub(super) fn new(n: usize, a: *mut L) -> Self {
        Square { first: a, down: 1, right: n }
    }

    /// Rows as columns: the lower triangle is the upper one.
    #[inline(always)]
    pub(super) fn transposed(self) -> Self {
        Square { first: self.first, down: self.right, right: self.down }
    }

    /// From the last element to the first: the lower triangle is the upper one.
    #[inline(always)]
    pub(super) fn reversed(self, n: usize) -> Self {
        let (down, right) = (self.down.wrapping_neg(), self.right.wrapping_neg());
        Square { first: self.at(n - 1, n - 1), down, right }
    }

    /// Where row i, column j is.
    #[inline(always)]
    pub(super) fn at(self, i: usize, j: usize) -> *mut L {
        let offset = i.wrapping_mul(self.down).wrapping_add(j.wrapping_mul(self.right));
        self.first.wrapping_add(offset)
    }
}

/// An order of more than [`MAX_BLOCK`] as a sum of fours and then threes. Whatever the order, no
/// tile is narrow.
#[derive(Clone, Copy)]
pub(super) struct Blocks {
    n: usize,
    /// Where the threes begin.
    threes: usize,
}

impl Blocks {
    #[inline(always)]
    pub(super) fn of(n: usize) -> Self {
        debug_assert!(n > MAX_BLOCK);
        Blocks { n, threes: n - 3 * ((4 - n % 4) % 4) }
    }

    /// The size of the block that begins here; 0 at the end.
    #[inline(always)]
    pub(super) fn size(self, start: usize) -> usize {
        if start < self.threes {
            4
        } else if start < self.n {
            3
        } else {
            0
        }
    }

    /// The size of the block that ends here; 0 at the beginning.
    #[inline(always)]
    pub(super) fn size_before(self, end: usize) -> usize {
        if end > self.threes {
            3
        } else if end > 0 {
            4
        } else {
            0
        }
    }
}

/// The order if it is one block that no function of its own is compiled for: several lanes have one
/// for each.
#[inline(always)]
pub(super) fn one_block<L: Lanes>(n: usize) -> usize {
    if L::Vector::LANES == 1 && n <= MAX_BLOCK { n } else { 0 }
}

/// Reads a group: number e of every lane's matrix goes to vector e. One matrix alone goes to every
/// lane, number by number.
///
/// # Safety
///
/// As [`load`].
#[inline(always)]
pub(super) unsafe fn load_group<L: Lanes, T: Scalar>(
    task: &Task<'_, T>,
    len: usize,
    a: *mut L::Vector,
) {
    // SAFETY: the caller's promise.
    unsafe {
        if task.count > 1 {
            return load::<L, T>(task, 0, len, a);
        }
        let from = task.from.cast::<RealOf<L>>();
        for e in 0..len {
            a.add(e).write(L::Vector::splat(from.add(e).read()));
        }
    }
}

/// Writes what [`load_group`] reads, in the lanes that `keep` has.
///
/// # Safety
///
/// As [`store`].
#[inline(always)]
pub(super) unsafe fn store_group<L: Lanes, T: Scalar>(
    task: &Task<'_, T>,
    len: usize,
    a: *const L::Vector,
    keep: u32,
) {
    // SAFETY: the caller's promise. The first number of a vector is that of its first lane.
    unsafe {
        if task.count > 1 {
            return store::<L::Vector, false>(a, len, keep, |lane| task.to_lane(lane));
        }
        if keep & 1 == 1 {
            let to = task.to.cast::<RealOf<L>>();
            for e in 0..len {
                to.add(e).write(a.add(e).cast::<RealOf<L>>().read());
            }
        }
    }
}

/// Subtracts Σ a[i + r, k] · a[k, j + c] over k of a range from element r, c of a tile; with
/// `LOWER` only from those on and below its diagonal.
///
/// Every element has its terms in the order of k, whatever registers there are.
///
/// # Safety
///
/// Rows i to i + R, columns j to j + C and the range are inside the square, which can be read.
#[inline(always)]
pub(super) unsafe fn subtract<L: Lanes, const R: usize, const C: usize, const LOWER: bool>(
    a: Square<L>,
    (i, j): (usize, usize),
    range: std::ops::Range<usize>,
    tile: &mut [[L; R]; C],
) {
    // What registers hold of a tile of up to 4 by 4, with the rows and columns that meet in it: 32
    // registers of 64 bytes, else 16.
    let large = size_of::<L::Vector>() == 64;
    let height = if large || L::PARTS == 1 { 4 } else { 2 };
    let width = if large && L::PARTS == 1 { 4 } else { 2 };
    // SAFETY: the caller's promise.
    unsafe {
        part::<L, R, C, LOWER, 0, 0>(a, (i, j), range.clone(), tile, height, width);
        if width == 2 {
            part::<L, R, C, LOWER, 0, 2>(a, (i, j), range.clone(), tile, height, width);
        }
        if height == 2 {
            part::<L, R, C, LOWER, 2, 0>(a, (i, j), range.clone(), tile, height, width);
            if width == 2 {
                part::<L, R, C, LOWER, 2, 2>(a, (i, j), range, tile, height, width);
            }
        }
    }
}

/// The part of [`subtract`] that is `height` rows from `R0` and `width` columns from `C0`.
#[inline(always)]
unsafe fn part<
    L: Lanes,
    const R: usize,
    const C: usize,
    const LOWER: bool,
    const R0: usize,
    const C0: usize,
>(
    a: Square<L>,
    (i, j): (usize, usize),
    range: std::ops::Range<usize>,
    tile: &mut [[L; R]; C],
    height: usize,
    width: usize,
) {
    let (rows, columns) = (R0..R.min(R0 + height), C0..C.min(C0 + width));
    for k in range {
        // SAFETY: the caller's promise.
        unsafe {
            let zero = L::real(constant::<L>(0.0));
            let mut left = [zero; R];
            for r in rows.clone() {
                left[r] = *a.at(i + r, k);
            }
            for c in columns.clone() {
                let right = *a.at(k, j + c);
                for r in rows.clone() {
                    if !LOWER || r >= c {
                        tile[c][r] = tile[c][r].sub_mul(left[r], right);
                    }
                }
            }
        }
    }
}

/// The lanes whose numbers under and on the diagonal are finite; of the diagonal only the real
/// part, if `real_diagonal`.
///
/// # Safety
///
/// The square has n² scalars that can be read.
#[inline(always)]
pub(super) unsafe fn finite_below<L: Lanes>(n: usize, a: Square<L>, real_diagonal: bool) -> u32 {
    // SAFETY: the caller's promise.
    unsafe {
        let zero = constant::<L>(0.0);
        let mut taint = [zero; 4];
        for j in 0..n {
            let diagonal = *a.at(j, j);
            let diagonal = if real_diagonal { L::real(diagonal.re()) } else { diagonal };
            taint[j % 4] = diagonal.taint(taint[j % 4], zero);
            for i in j + 1..n {
                taint[i % 4] = (*a.at(i, j)).taint(taint[i % 4], zero);
            }
        }
        let taint = taint[0].add(taint[1]).add(taint[2].add(taint[3]));
        L::Vector::bits(taint.eq(zero))
    }
}
