//! Squares of scalars in lanes, worked on in tiles of 3 and 4 rows and columns.

use crate::interleaved::args::{GroupArgs, empty, load};
use crate::interleaved::checks::{note_taint, untainted};
use crate::interleaved::load_store::{Columns, Route, before_aligned, store_as, write_on};
use crate::scalar::Scalar;
use crate::simd::lanes::{RealOf, SimdScalar, constant};
use crate::simd::vector::{MAX_LANES, Vector};

/// Up to this order a matrix is one block, and everything about it is unrolled; above, it is
/// [`Blocks`].
pub(crate) const MAX_BLOCK: usize = 5;

/// A square of scalars, by columns, seen from one of its sides.
#[derive(Clone, Copy)]
pub(crate) struct Square<L> {
    first: *mut L,
    /// From row to row and from column to column: strides that wrap, since they may be negative.
    down: usize,
    right: usize,
}

impl<L> Square<L> {
    /// As it lies, with columns this far apart.
    #[inline(always)]
    pub(crate) fn new(column: usize, a: *mut L) -> Self {
        Square { first: a, down: 1, right: column }
    }

    /// From the last element to the first: the lower triangle is the upper one.
    #[inline(always)]
    pub(crate) fn reversed(self, n: usize) -> Self {
        let (down, right) = (self.down.wrapping_neg(), self.right.wrapping_neg());
        Square { first: self.at(n - 1, n - 1), down, right }
    }

    /// Where row i, column j is.
    #[inline(always)]
    pub(crate) fn at(self, i: usize, j: usize) -> *mut L {
        let offset = i.wrapping_mul(self.down).wrapping_add(j.wrapping_mul(self.right));
        self.first.wrapping_add(offset)
    }
}

/// An order of more than [`MAX_BLOCK`] as a sum of fours and then threes. Whatever the order, no
/// tile is narrow.
#[derive(Clone, Copy)]
pub(crate) struct Blocks {
    n: usize,
    /// Where the threes begin.
    threes: usize,
}

impl Blocks {
    #[inline(always)]
    pub(crate) fn of(n: usize) -> Self {
        debug_assert!(n > MAX_BLOCK);
        Blocks { n, threes: n - 3 * ((4 - n % 4) % 4) }
    }

    /// The size of the block that begins here; 0 at the end.
    #[inline(always)]
    pub(crate) fn size(self, start: usize) -> usize {
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
    pub(crate) fn size_before(self, end: usize) -> usize {
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
pub(crate) fn one_block<L: SimdScalar>(n: usize) -> usize {
    if L::Vector::LANES == 1 && n <= MAX_BLOCK { n } else { 0 }
}

/// Reads a group: scalar e of column j of every lane's matrix goes to scalar j · `column` + e. One
/// matrix alone goes to every lane, number by number.
///
/// # Safety
///
/// There is room for n columns, `column` ≥ n apart, at `a`; the CPU has the instructions.
#[inline(always)]
pub(crate) unsafe fn load_group<L: SimdScalar, T: Scalar>(
    task: &GroupArgs<'_, T>,
    n: usize,
    column: usize,
    a: *mut L::Vector,
) {
    let len = n * L::PARTS;
    // SAFETY: the caller's promise, and every matrix has n² scalars.
    unsafe {
        if task.count > 1 {
            if column == n {
                return load::<L, T>(task, 0, n * len, a);
            }
            for j in 0..n {
                load::<L, T>(task, j * n, len, a.add(j * column * L::PARTS));
            }
            return;
        }
        let from = task.from.cast::<RealOf<L>>();
        for j in 0..n {
            for e in 0..len {
                let number = from.add(j * len + e).read();
                a.add(j * column * L::PARTS + e).write(L::Vector::splat(number));
            }
        }
    }
}

/// [`load_group`] with rows as columns. A matrix of several lanes is a tile or more.
///
/// # Safety
///
/// As for [`load_group`].
#[inline(always)]
pub(crate) unsafe fn load_transposed<L: SimdScalar, T: Scalar>(
    task: &GroupArgs<'_, T>,
    n: usize,
    column: usize,
    a: *mut L::Vector,
) {
    let (lanes, len) = (L::Vector::LANES, n * n * L::PARTS);
    if task.count == 1 {
        let from = task.from.cast::<RealOf<L>>();
        for j in 0..n {
            for e in 0..n * L::PARTS {
                let to = (e / L::PARTS * column + j) * L::PARTS + e % L::PARTS;
                // SAFETY: the caller's promise, and the matrix has n² scalars.
                unsafe {
                    let number = from.add(j * n * L::PARTS + e).read();
                    a.add(to).write(L::Vector::splat(number));
                }
            }
        }
        return;
    }
    let mut from = [std::ptr::null::<RealOf<L>>(); MAX_LANES];
    for lane in 0..L::Vector::LANES {
        from[lane] = task.from(lane).cast();
    }
    // Where the next scalar of a matrix is to stand.
    let (mut row, mut to) = (0, 0);
    let mut start = 0;
    // SAFETY: the caller's promise: never more than `len` from the start, which is a tile or more.
    unsafe {
        loop {
            let mut tile = empty::<L::Vector>();
            for lane in 0..L::Vector::LANES {
                tile[lane] = L::Vector::load(from[lane].add(start));
            }
            L::Vector::transpose(&mut tile);
            for e in 0..L::Vector::LANES {
                let part = e % L::PARTS;
                a.add(to + part).write(tile[e]);
                if part + 1 == L::PARTS {
                    (row, to) = (row + 1, to + column * L::PARTS);
                    if row == n {
                        (row, to) = (0, to + L::PARTS - n * column * L::PARTS);
                    }
                }
            }
            if start + lanes == len {
                return;
            }
            start += lanes;
            if start + lanes > len {
                // The last tile reaches back over what was read before.
                start = len - lanes;
                let scalar = start / L::PARTS;
                row = scalar % n;
                to = (row * column + scalar / n) * L::PARTS;
            }
        }
    }
}

/// Writes what [`load_group`] reads, in the lanes that `keep` has: past the cache, if that is asked
/// for, and by way of a staging where the places are not aligned. `conjugated`: its conjugate.
///
/// # Safety
///
/// There are n columns, `column` ≥ n apart, at `a`, and room for n² scalars at `staging`, elsewhere.
#[inline(always)]
pub(crate) unsafe fn store_group<L: SimdScalar, T: Scalar>(
    task: &mut GroupArgs<'_, T>,
    n: usize,
    column: usize,
    a: *const L::Vector,
    keep: u32,
    conjugated: bool,
    staging: *mut L,
) {
    let len = n * L::PARTS;
    // SAFETY: the caller's promise.
    unsafe {
        if task.count > 1 {
            let to = task.to::<RealOf<L>>();
            let from = Columns { from: a, len, gap: (column - n) * L::PARTS };
            match task.route::<L>(keep, n * len) {
                Route::Direct => group_to::<L, T, false>(task, n, from, keep, conjugated, to),
                Route::PastTheCache => group_to::<L, T, true>(task, n, from, keep, conjugated, to),
                Route::Staged => {
                    let staging = staging.cast();
                    group_to::<L, T, false>(task, n, from, keep, conjugated, staging);
                    write_on::<L::Vector, T>(task, staging, to, L::Vector::LANES * n * len);
                }
            }
            return;
        }
        if keep & 1 == 1 {
            let to = task.to.cast::<RealOf<L>>();
            for j in 0..n {
                for e in 0..len {
                    let number = a.add(j * column * L::PARTS + e).read();
                    let opposite = L::PARTS == 2 && conjugated && e % 2 == 1;
                    let number = if opposite { number.neg() } else { number };
                    to.add(j * len + e).write(number.first());
                }
            }
        }
    }
}

/// [`store_group`] of more than one matrix, to a group at `to`. `STREAM`: past the cache; each matrix
/// is whole vectors then, and aligned.
///
/// # Safety
///
/// `from` has the columns of n² scalars, and a group can be written at `to`, aligned to a vector if `STREAM`;
/// `task` is sound. The CPU has the instructions of `L`.
#[inline(always)]
unsafe fn group_to<L: SimdScalar, T: Scalar, const STREAM: bool>(
    task: &GroupArgs<'_, T>,
    n: usize,
    from: Columns<L::Vector>,
    keep: u32,
    conjugated: bool,
    to: *mut RealOf<L>,
) {
    let len = n * n * L::PARTS;
    let before = if STREAM { 0 } else { before_aligned::<L>(to, len) };
    let place = |lane| to.wrapping_add(task.at(lane) * L::PARTS);
    // SAFETY: the caller has the columns, and room for a group at `to`.
    unsafe {
        if L::PARTS == 2 && conjugated {
            store_as::<L::Vector, STREAM, true>(from, len, before, keep, place);
        } else {
            store_as::<L::Vector, STREAM, false>(from, len, before, keep, place);
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
pub(crate) unsafe fn subtract<L: SimdScalar, const R: usize, const C: usize, const LOWER: bool>(
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
///
/// # Safety
///
/// The rows from `i` and the columns from `j`, `R` and `C` of them, and those in `range` are in the square; R0
/// + height ≤ R, C0 + width ≤ C. The CPU has the instructions of `L`.
#[inline(always)]
unsafe fn part<
    L: SimdScalar,
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
    // SAFETY: the caller's promise.
    unsafe {
        let zero = L::real(constant::<L>(0.0));
        // Sums of its own stay in registers: those of the whole tile would be written in each step.
        let mut sums = [[zero; R]; C];
        for c in columns.clone() {
            for r in rows.clone() {
                sums[c][r] = tile[c][r];
            }
        }
        for k in range {
            let mut left = [zero; R];
            for r in rows.clone() {
                left[r] = *a.at(i + r, k);
            }
            for c in columns.clone() {
                let right = *a.at(k, j + c);
                for r in rows.clone() {
                    if !LOWER || r >= c {
                        sums[c][r] = sums[c][r].neg_mul_add(left[r], right);
                    }
                }
            }
        }
        for c in columns {
            for r in rows.clone() {
                tile[c][r] = sums[c][r];
            }
        }
    }
}

/// The lanes whose numbers under and on the diagonal are finite.
///
/// # Safety
///
/// The square has n² scalars that can be read.
#[inline(always)]
pub(crate) unsafe fn finite_below<L: SimdScalar>(n: usize, a: Square<L>) -> u32 {
    // SAFETY: the caller's promise.
    unsafe {
        let mut taint = [constant::<L>(0.0); 4];
        for j in 0..n {
            note_taint(n - j, |i| *a.at(j + i, j), &mut taint);
        }
        untainted::<L>(taint)
    }
}
