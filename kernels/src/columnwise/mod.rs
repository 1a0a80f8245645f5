//! LU with partial pivoting and the inverse from it, one matrix at a time: each vector holds rows
//! of a column.
//!
//! The arithmetic of every element, and the order of its terms, is that of [`lu`](crate::interleaved::lu), so
//! that a matrix has the same bits alone and in lanes. What differs is that rows stay where they
//! are: a step notes its pivot's row, and takes it out of the active ones. Rows of U are kept
//! apart, so that what becomes of a row that is no longer active does not matter.

/// Calls a function with a number of columns or blocks as a constant: as many as there are left,
/// up to its most.
macro_rules! sized {
    ($count:expr, $most:expr, $call:ident::<[$($before:tt)*] _ [$($after:tt)*]>($($argument:expr),*)) => {
        match $count {
            1 => $call::<$($before)* 1 $($after)*>($($argument),*),
            2 => $call::<$($before)* 2 $($after)*>($($argument),*),
            3 if $most > 2 => $call::<$($before)* 3 $($after)*>($($argument),*),
        4 if $most > 3 => $call::<$($before)* 4 $($after)*>($($argument),*),
            _ => $call::<$($before)* $most $($after)*>($($argument),*),
        }
    };
}

pub(crate) mod cholesky;
pub(crate) mod factor;
pub(crate) mod solve;

use crate::contract::Norm;
use crate::interleaved::args::{GroupArgs, SHRINK, empty, reciprocal};
use crate::interleaved::load_store::write_on;
use crate::interleaved::norms::{Largest, Moduli, quick, scaled};
use crate::scalar::Scalar;
use crate::simd::lanes::{RealOf, SimdScalar, constant};
use crate::simd::vector::Vector;
use crate::structure::{Found, detect};
pub(crate) use factor::factor;
use factor::{lower, trusted};
use solve::{backward, forward};

/// Vectors of memory for order `n`, `parts` vectors of `lanes` numbers per scalar.
pub(crate) fn vectors(n: usize, parts: usize, lanes: usize) -> usize {
    (3 * stride(n.div_ceil(lanes)) * n + n) * parts
}

/// From column to column: an odd number of blocks, so that the columns do not fall on the same few
/// lines of the cache.
fn stride(blocks: usize) -> usize {
    blocks | 1
}

/// A matrix under way. A block is as many rows of a column as there are lanes.
///
/// It is sound if `a` and `x` have n columns of `blocks` blocks, `stride` blocks apart, `u` as many rows, `inverses`
/// n numbers, none of which anybody else has, and `rows`, `positions` and `places` are those of its rows.
pub(crate) struct Single<L: SimdScalar> {
    n: usize,
    /// Blocks of a column.
    blocks: usize,
    /// Blocks from column to column.
    stride: usize,
    /// A by columns, then L: each row where it was in A.
    a: *mut L,
    /// U by rows.
    u: *mut L,
    /// W = U⁻¹, then X, by columns.
    x: *mut L,
    /// Inverses of the pivots, in every lane.
    inverses: *mut L,
    /// The rows that have not been pivots.
    active: u128,
    /// The row of A that stands at each position, as if rows were exchanged.
    rows: [u8; MAX_SINGLE],
    /// The position of each row: the reverse.
    positions: [u8; MAX_SINGLE],
    /// Where, in a column, each position's row is.
    places: [usize; MAX_SINGLE],
}

impl<L: SimdScalar> Single<L> {
    /// Column `j` of A or L.
    #[inline(always)]
    fn column(&self, j: usize) -> *mut L {
        self.a.wrapping_add(j * self.stride)
    }

    /// Element (`position`, `j`) of L.
    #[inline(always)]
    fn lower(&self, position: usize, j: usize) -> *const RealOf<L> {
        lower(self.column(j), self.places[position])
    }

    /// Element (`k`, `j`) of U.
    #[inline(always)]
    fn upper(&self, k: usize, j: usize) -> *mut RealOf<L> {
        self.u.wrapping_add(k * self.stride).cast::<RealOf<L>>().wrapping_add(place::<L>(j))
    }

    /// Column `j` of W or X, from a block on.
    #[inline(always)]
    fn x(&self, j: usize, block: usize) -> *mut L {
        self.x.wrapping_add(j * self.stride + block)
    }
}

/// Where the real part of a row's element is in its column.
#[inline(always)]
fn place<L: SimdScalar>(row: usize) -> usize {
    let lanes = L::Vector::LANES;
    row / lanes * lanes * L::PARTS + row % lanes
}

/// The bits of the rows of a block.
#[inline(always)]
#[allow(clippy::cast_possible_truncation)] // as many as there are lanes
fn bits_of<L: SimdScalar>(rows: u128, block: usize) -> u32 {
    (rows >> (block * L::Vector::LANES)) as u32 & (u32::MAX >> (32 - L::Vector::LANES))
}

/// [`factor`](fn@factor), compiled for a set.
///
/// # Safety
///
/// The matrix is loaded; the task is sound. The CPU has the set.
pub(crate) type Factor<L, T> = unsafe fn(&mut Single<L>, &mut GroupArgs<'_, T>, usize) -> bool;

/// [`solve`](fn@solve), compiled for a set.
///
/// # Safety
///
/// The matrix is factored. The CPU has the set.
pub(crate) type Solve<L> = unsafe fn(&Single<L>) -> bool;

/// Inverts the matrix of one lane. Its parts are functions of their own: the compiler makes better use
/// of registers there.
///
/// # Safety
///
/// The task is sound: see [`GroupArgs`]. The CPU has the instructions. The memory has [`vectors`].
#[inline(always)]
pub(crate) unsafe fn invert<L: SimdScalar, T: Scalar>(
    task: &mut GroupArgs<'_, T>,
    lane: usize,
    factor: Factor<L, T>,
    solve: Solve<L>,
) {
    let n = task.n;
    let blocks = n.div_ceil(L::Vector::LANES);
    let stride = stride(blocks);
    // SAFETY: the memory holds three times `n` columns of `stride` blocks, and n more; the matrix
    // of a lane is n² scalars. A scalar is its parts, as many as `L` says.
    unsafe {
        let a = task.memory.cast::<L>();
        let u = a.add(stride * n);
        let x = u.add(stride * n);
        let mut m = Single {
            n,
            blocks,
            stride,
            a,
            u,
            x,
            inverses: x.add(stride * n),
            active: u128::MAX >> (128 - n),
            rows: [0; MAX_SINGLE],
            positions: [0; MAX_SINGLE],
            places: [0; MAX_SINGLE],
        };
        if !load::<L>(&m, task.from(lane).cast()) {
            return;
        }
        if task.request.detect {
            let a = std::slice::from_raw_parts(task.from(lane), n * n);
            if detect(n, a) != Found::General {
                return;
            }
        }
        let norm_of_a = task.request.rcond.map(|which| norm(which, &m, m.a));
        if !factor(&mut m, task, lane) {
            return;
        }
        if task.request.reject_tiny_pivots && !trusted::<L, T>(&m) {
            return;
        }
        if !solve(&m) {
            return;
        }
        if let (Some(which), Some(norm_of_a)) = (task.request.rcond, norm_of_a) {
            let rcond = reciprocal(norm_of_a, norm(which, &m, m.x));
            task.found.rcond[lane] = rcond;
            if !task.request.min_rcond.is_none_or(|limit| rcond >= limit.rcond) {
                return;
            }
        }
        if task.request.determinant {
            for k in 0..n {
                let to = task.pivots.add(k * L::Vector::LANES + lane).cast::<RealOf<L>>();
                for part in 0..L::PARTS {
                    *to.add(part) = *m.upper(k, k).add(part * L::Vector::LANES);
                }
            }
        }
        if task.request.stream {
            // Nobody asks for U any more.
            store::<L>(&m, m.u.cast());
            let (from, to) = (m.u.cast(), task.to_lane(lane));
            write_on::<L::Vector, T>(task, from, to, n * n * L::PARTS);
            L::Vector::flush_stream();
        } else {
            store::<L>(&m, task.to_lane(lane));
        }
        task.found.inverted |= 1 << lane;
    }
}

/// Computes X from the factors. `R` blocks and `C` columns are a tile that fits the registers. Is all
/// of X finite?
///
/// # Safety
///
/// As [`Solve`].
#[inline(always)]
pub(crate) unsafe fn solve<L: SimdScalar, const R: usize, const C: usize>(m: &Single<L>) -> bool {
    // SAFETY: the caller's promise.
    unsafe {
        forward::<L, C>(m);
        backward::<L, R, C>(m)
    }
}

/// Reads the matrix. Are all its numbers finite?
///
/// # Safety
///
/// `m` is sound (see [`Single`]); n² scalars can be read at `from`. The CPU has the instructions of `L`.
#[inline(always)]
unsafe fn load<L: SimdScalar>(m: &Single<L>, from: *const RealOf<L>) -> bool {
    let lanes = L::Vector::LANES;
    // SAFETY: there are n² scalars at `from`, and n columns of `blocks` blocks.
    unsafe {
        let zero = constant::<L>(0.0);
        let mut taint = zero;
        for j in 0..m.n {
            let column = from.add(j * m.n * L::PARTS);
            let mut of_column = zero;
            for b in 0..m.n / lanes {
                let block = L::load_scalars(column.add(b * lanes * L::PARTS), lanes);
                of_column = block.nan_accumulate(of_column, zero);
                m.column(j).add(b).write(block);
            }
            let rest = m.n % lanes;
            if rest > 0 {
                let b = m.n / lanes;
                let block = L::load_scalars(column.add(b * lanes * L::PARTS), rest);
                of_column = block.nan_accumulate(of_column, zero);
                m.column(j).add(b).write(block);
            }
            taint = taint.add(of_column);
        }
        all_zero::<L>(taint)
    }
}

/// Is it zero in every lane, and nowhere NaN?
///
/// # Safety
///
/// The CPU has the instructions of `L`.
#[inline(always)]
unsafe fn all_zero<L: SimdScalar>(vector: L::Vector) -> bool {
    // SAFETY: the CPU has the instructions.
    let zero = unsafe { constant::<L>(0.0) };
    L::Vector::mask_bits(vector.eq(zero)) == u32::MAX >> (32 - L::Vector::LANES)
}

/// The norm of a matrix by columns, times [`SHRINK`].
///
/// # Safety
///
/// `m` is sound (see [`Single`]); `a` has n columns of its blocks. The CPU has the instructions of `L`.
#[inline(always)]
unsafe fn norm<L: SimdScalar>(which: Norm, m: &Single<L>, a: *const L) -> f64 {
    // SAFETY: there are n columns of `blocks` blocks.
    unsafe {
        let (quick, scaled) = (quick::<L>(), scaled::<L>());
        let mut largest = sums::<L, _>(quick, which, m, a);
        if L::PARTS == 2 && !largest.fits_at_all() {
            largest = sums::<L, _>(scaled, which, m, a);
        }
        largest.sum.max_of_lanes().first().into()
    }
}

/// The largest sums of a matrix by columns: each from the first element to the last, as in lanes.
///
/// # Safety
///
/// `m` is sound (see [`Single`]); `a` has n columns of its blocks, with zeros behind row n. The CPU has the
/// instructions of `L`.
#[inline(always)]
unsafe fn sums<L: SimdScalar, M: Moduli<L>>(
    moduli: M,
    which: Norm,
    m: &Single<L>,
    a: *const L,
) -> Largest<L::Vector> {
    let lanes = L::Vector::LANES;
    // SAFETY: there are n columns of `blocks` blocks; rows behind the last one are zero.
    unsafe {
        let (zero, shrink) = (constant::<L>(0.0), constant::<L>(SHRINK));
        let mut largest = Largest::new(zero);
        for outer in 0..m.blocks {
            let mut sum = zero;
            match which {
                Norm::Infinity => {
                    for j in 0..m.n {
                        let rows = *a.add(j * m.stride + outer);
                        sum = sum.add_mul(moduli.of(rows), shrink);
                    }
                }
                Norm::One => {
                    let columns = lanes.min(m.n - outer * lanes);
                    for b in 0..m.blocks {
                        let mut tile = empty::<L::Vector>();
                        for c in 0..columns {
                            tile[c] = moduli.of(*a.add((outer * lanes + c) * m.stride + b));
                        }
                        L::Vector::transpose(&mut tile);
                        for row in 0..L::Vector::LANES {
                            sum = sum.add_mul(tile[row], shrink);
                        }
                    }
                }
            }
            largest.note(sum, zero);
        }
        largest
    }
}

/// Writes column j of X as column `rows[j]` of the inverse.
///
/// # Safety
///
/// `m` is sound (see [`Single`]), and X has been written; n² scalars can be written at `to`, which nobody else
/// has. The CPU has the instructions of `L`.
#[inline(always)]
unsafe fn store<L: SimdScalar>(m: &Single<L>, to: *mut RealOf<L>) {
    let lanes = L::Vector::LANES;
    for j in 0..m.n {
        // SAFETY: n² scalars can be written at `to`; the row is one of 0 … n − 1.
        unsafe {
            let column = to.add(usize::from(m.rows[j]) * m.n * L::PARTS);
            for b in 0..m.n / lanes {
                (*m.x(j, b)).store_scalars(column.add(b * lanes * L::PARTS), lanes);
            }
            let rest = m.n % lanes;
            if rest > 0 {
                let b = m.n / lanes;
                (*m.x(j, b)).store_scalars(column.add(b * lanes * L::PARTS), rest);
            }
        }
    }
}

/// The largest order of a general or a positive definite matrix.
pub const MAX_SINGLE: usize = 128;
