//! LU with partial pivoting and the inverse from it, one matrix at a time: each vector holds rows
//! of a column.
//!
//! The arithmetic of every element, and the order of its terms, is that of [`lu`](super::lu), so
//! that a matrix has the same bits alone and in lanes. What differs is that rows stay where they
//! are: a step notes its pivot's row, and takes it out of the active ones. Rows of U are kept
//! apart, so that what becomes of a row that is no longer active does not matter.
//!
//! A step's search is a chain of latencies. Elimination by a panel of `P` columns is therefore
//! done first in the next panel, whose steps then alternate with the rest of it.

use super::lanes::{Lanes, RealOf, constant};
use super::task::{SHRINK, Task, empty, reciprocal};
use super::vector::Vector;
use super::{MAX_ORDER, checks};
use crate::element::Scalar;
use crate::engine::Norm;
use crate::structure::{Found, detect};

/// Vectors of memory for order `n`, `parts` vectors of `lanes` numbers per scalar.
pub(super) fn vectors(n: usize, parts: usize, lanes: usize) -> usize {
    (3 * stride(n.div_ceil(lanes)) * n + n) * parts
}

/// From column to column: an odd number of blocks, so that the columns do not fall on the same few
/// lines of the cache.
fn stride(blocks: usize) -> usize {
    blocks | 1
}

/// A matrix under way. A block is as many rows of a column as there are lanes.
struct Single<L: Lanes> {
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
    active: u64,
    /// The row of A that stands at each position, as if rows were exchanged.
    rows: [u8; MAX_ORDER],
    /// The position of each row: the reverse.
    positions: [u8; MAX_ORDER],
    /// Where, in a column, each position's row is.
    places: [usize; MAX_ORDER],
}

/// What a step finds.
#[derive(Clone, Copy, PartialEq)]
enum Pivot {
    Found,
    /// There is none in the column.
    Missing,
    /// Something before was not finite, or its inverse.
    Lost,
}

impl<L: Lanes> Single<L> {
    /// Column `j` of A or L.
    #[inline(always)]
    fn column(&self, j: usize) -> *mut L {
        self.a.wrapping_add(j * self.stride)
    }

    /// Element (`position`, `j`) of L.
    #[inline(always)]
    fn lower(&self, position: usize, j: usize) -> *const RealOf<L> {
        self.column(j).cast::<RealOf<L>>().wrapping_add(self.places[position])
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
fn place<L: Lanes>(row: usize) -> usize {
    let lanes = L::Vector::LANES;
    row / lanes * lanes * L::PARTS + row % lanes
}

/// The bits of the rows of a block.
#[inline(always)]
#[allow(clippy::cast_possible_truncation)] // as many as there are lanes
fn bits_of<L: Lanes>(rows: u64, block: usize) -> u32 {
    (rows >> (block * L::Vector::LANES)) as u32 & (u32::MAX >> (32 - L::Vector::LANES))
}

/// Calls a function with a number of columns or blocks as a constant: as many as there are left,
/// up to its most.
macro_rules! sized {
    ($count:expr, $most:expr, $call:ident::<[$($before:tt)*] _ [$($after:tt)*]>($($argument:expr),*)) => {
        match $count {
            1 => $call::<$($before)* 1 $($after)*>($($argument),*),
            2 => $call::<$($before)* 2 $($after)*>($($argument),*),
            3 if $most > 2 => $call::<$($before)* 3 $($after)*>($($argument),*),
            _ => $call::<$($before)* $most $($after)*>($($argument),*),
        }
    };
}

/// Inverts the matrix of one lane. `R` blocks and `C` columns are a tile that fits the registers;
/// elimination takes `P` steps in one pass, over `E` columns.
///
/// # Safety
///
/// The task is sound: see [`Task`]. The CPU has the instructions. The memory has [`vectors`].
#[inline(always)]
pub(super) unsafe fn invert<
    L: Lanes,
    T: Scalar,
    const R: usize,
    const C: usize,
    const P: usize,
    const E: usize,
>(
    task: &mut Task<'_, T>,
    lane: usize,
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
            active: u64::MAX >> (64 - n),
            rows: [0; MAX_ORDER],
            positions: [0; MAX_ORDER],
            places: [0; MAX_ORDER],
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
        if !factor::<L, P, E>(&mut m, task, lane) {
            return;
        }
        if task.request.wary && !trusted::<L, T>(&m) {
            return;
        }
        forward_all::<L, R, C>(&m);
        if !backward_all::<L, R, C>(&m) {
            return;
        }
        if let (Some(which), Some(norm_of_a)) = (task.request.rcond, norm_of_a) {
            let rcond = reciprocal(norm_of_a, norm(which, &m, m.x));
            task.found.rcond[lane] = rcond;
            if !task.request.min_rcond.is_none_or(|limit| rcond >= limit) {
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
        store::<L>(&m, task.to_lane(lane));
        task.found.inverted |= 1 << lane;
    }
}

/// Reads the matrix. Are all its numbers finite?
#[inline(always)]
unsafe fn load<L: Lanes>(m: &Single<L>, from: *const RealOf<L>) -> bool {
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
                of_column = block.taint(of_column, zero);
                m.column(j).add(b).write(block);
            }
            let rest = m.n % lanes;
            if rest > 0 {
                let b = m.n / lanes;
                let block = L::load_scalars(column.add(b * lanes * L::PARTS), rest);
                of_column = block.taint(of_column, zero);
                m.column(j).add(b).write(block);
            }
            taint = taint.add(of_column);
        }
        all_zero::<L>(taint)
    }
}

/// Is it zero in every lane, and nowhere NaN?
#[inline(always)]
unsafe fn all_zero<L: Lanes>(vector: L::Vector) -> bool {
    // SAFETY: the CPU has the instructions.
    let zero = unsafe { constant::<L>(0.0) };
    L::Vector::bits(vector.eq(zero)) == u32::MAX >> (32 - L::Vector::LANES)
}

/// The norm of a matrix by columns, times [`SHRINK`]: sums from the first to the last, as in lanes.
#[inline(always)]
unsafe fn norm<L: Lanes>(which: Norm, m: &Single<L>, a: *const L) -> f64 {
    let lanes = L::Vector::LANES;
    // SAFETY: there are n columns of `blocks` blocks; rows behind the last one are zero.
    unsafe {
        let (zero, one) = (constant::<L>(0.0), constant::<L>(1.0));
        let shrink = constant::<L>(SHRINK);
        let mut largest = zero;
        for outer in 0..m.blocks {
            let mut sum = zero;
            match which {
                Norm::Infinity => {
                    for j in 0..m.n {
                        sum = sum.add_mul((*a.add(j * m.stride + outer)).modulus(one), shrink);
                    }
                }
                Norm::One => {
                    let columns = lanes.min(m.n - outer * lanes);
                    for b in 0..m.blocks {
                        let mut tile = empty::<L::Vector>();
                        for c in 0..columns {
                            let block = a.add((outer * lanes + c) * m.stride + b);
                            tile[c] = (*block).modulus(one);
                        }
                        L::Vector::transpose(&mut tile);
                        for row in 0..L::Vector::LANES {
                            sum = sum.add_mul(tile[row], shrink);
                        }
                    }
                }
            }
            largest = largest.max(sum);
        }
        largest.spread_max().first().into()
    }
}

/// P A = L U, if every column has a pivot that is finite.
#[inline(always)]
unsafe fn factor<L: Lanes, const P: usize, const E: usize>(
    m: &mut Single<L>,
    task: &mut Task<'_, impl Scalar>,
    lane: usize,
) -> bool {
    let n = m.n;
    #[allow(clippy::cast_possible_truncation)] // n ≤ 64
    for i in 0..n {
        (m.rows[i], m.positions[i]) = (i as u8, i as u8);
    }
    // SAFETY: steps and columns are less than n.
    unsafe {
        let mut odd = false;
        // The panel before, whose steps the columns from `rest` on still have to take.
        let mut before = None;
        for k in (0..n).step_by(P) {
            let end = n.min(k + P);
            let mut rest = end;
            if let Some(before) = before {
                sized!(end - k, P, eliminate::<[L, P,] _ []>(m, before, k));
            }
            for step in k..end {
                match pivot(m, step, &mut odd) {
                    Pivot::Found => {}
                    Pivot::Missing => {
                        task.found.note_zero_pivot(1 << lane, step);
                        return false;
                    }
                    Pivot::Lost => return false,
                }
                for j in step + 1..end {
                    eliminate::<L, 1, 1>(m, step, j);
                }
                if let Some(before) = before {
                    let share = if step + 1 == end { n } else { rest + (n - rest) / (end - step) };
                    while rest < share {
                        let columns = E.min(n - rest);
                        sized!(columns, E, eliminate::<[L, P,] _ []>(m, before, rest));
                        rest += columns;
                    }
                }
            }
            before = Some(k);
        }
        if odd {
            task.found.odd ^= 1 << lane;
        }
    }
    true
}

/// Step `k`: searches its column for the first largest element, and divides the column by it.
#[inline(always)]
unsafe fn pivot<L: Lanes>(m: &mut Single<L>, k: usize, odd: &mut bool) -> Pivot {
    let lanes = L::Vector::LANES;
    // SAFETY: k < n; places are those of rows.
    unsafe {
        let (zero, one) = (constant::<L>(0.0), constant::<L>(1.0));
        let column = m.column(k);
        let mut largest = zero;
        for b in 0..m.blocks {
            let size = zero.select(bits_of::<L>(m.active, b), (*column.add(b)).size());
            largest = size.max(largest);
        }
        let largest = largest.spread_max();
        let mut candidates = 0;
        for b in 0..m.blocks {
            let here = L::Vector::bits((*column.add(b)).size().eq(largest));
            candidates |= u64::from(here) << (b * lanes);
        }
        candidates &= m.active;
        if candidates == 0 || L::Vector::bits(largest.eq(zero)) & 1 == 1 {
            return missing(m, k);
        }
        let mut row = candidates.trailing_zeros() as usize;
        // Of several, the first one by position.
        candidates &= candidates - 1;
        while candidates != 0 {
            let other = candidates.trailing_zeros() as usize;
            if m.positions[other] < m.positions[row] {
                row = other;
            }
            candidates &= candidates - 1;
        }
        m.active &= !(1 << row);
        let at = usize::from(m.positions[row]);
        *odd ^= at != k;
        let old = m.rows[k];
        m.rows[at] = old;
        m.positions[usize::from(old)] = m.positions[row];
        m.places[k] = place::<L>(row);

        let pivot = L::spread(m.lower(k, k));
        pivot.put(m.upper(k, k));
        let inverse = pivot.inverse(one);
        m.inverses.add(k).write(inverse);
        for b in 0..m.blocks {
            let multipliers = (*column.add(b)).mul(inverse);
            let none = L::real(zero);
            column.add(b).write(none.select(bits_of::<L>(m.active, b), multipliers));
        }
        #[allow(clippy::cast_possible_truncation)] // n ≤ 64
        {
            m.rows[k] = row as u8;
        }
        if L::Vector::bits(pivot.taint(zero, zero).eq(zero)) & 1 == 0 {
            return Pivot::Lost;
        }
        Pivot::Found
    }
}

/// A column in which no pivot was found: is that no trick of a NaN, or of a pivot before it whose
/// inverse over- or underflowed?
#[cold]
#[inline(always)]
unsafe fn missing<L: Lanes>(m: &Single<L>, k: usize) -> Pivot {
    // SAFETY: k inverses have been written; k < n.
    unsafe {
        let zero = constant::<L>(0.0);
        for b in 0..m.blocks {
            let active = bits_of::<L>(m.active, b);
            if active & !(*m.column(k).add(b)).equal(L::real(zero)) != 0 {
                return Pivot::Lost;
            }
        }
        for i in 0..k {
            let inverse = *m.inverses.add(i);
            if !all_zero::<L>(inverse.taint(zero, zero)) || inverse.equal(L::real(zero)) != 0 {
                return Pivot::Lost;
            }
        }
        Pivot::Missing
    }
}

/// Subtracts the multiples of the pivots' rows of `P` steps from `k` on, in `C` columns from `j`
/// on, and keeps these columns of these rows of U.
#[inline(always)]
unsafe fn eliminate<L: Lanes, const P: usize, const C: usize>(m: &Single<L>, k: usize, j: usize) {
    // SAFETY: k + P ≤ j, j + C ≤ n.
    unsafe {
        let none = L::real(constant::<L>(0.0));
        let mut u = [[none; C]; P];
        for p in 0..P {
            for c in 0..C {
                u[p][c] = L::spread(m.lower(k + p, j + c));
            }
            for q in 0..p {
                let multiplier = L::spread(m.lower(k + p, k + q));
                for c in 0..C {
                    u[p][c] = u[p][c].sub_mul(multiplier, u[q][c]);
                }
            }
            for c in 0..C {
                u[p][c].put(m.upper(k + p, j + c));
            }
        }
        for b in 0..m.blocks {
            let mut multipliers = [none; P];
            for p in 0..P {
                multipliers[p] = *m.column(k + p).add(b);
            }
            for c in 0..C {
                let at = m.column(j + c).add(b);
                let mut x = *at;
                for p in 0..P {
                    x = x.sub_mul(multipliers[p], u[p][c]);
                }
                at.write(x);
            }
        }
    }
}

/// Is every pivot of U larger than the rounding errors of its own computation? As
/// [`checks::trusted`] judges it.
#[inline(always)]
unsafe fn trusted<L: Lanes, T: Scalar>(m: &Single<L>) -> bool {
    let lanes = L::Vector::LANES;
    // SAFETY: n rows of U of `blocks` blocks.
    unsafe {
        let zero = constant::<L>(0.0);
        let rounding = constant::<L>(checks::rounding::<T>(m.n));
        for b in 0..m.blocks {
            let mut above = zero;
            let row = |k: usize| (*m.u.add(k * m.stride + b)).size();
            for k in 0..b * lanes {
                above = above.max(row(k));
            }
            // Here the row begins within the block.
            let mut pivots = zero;
            let count = lanes.min(m.n - b * lanes);
            for i in 0..count {
                let size = row(b * lanes + i);
                pivots = pivots.select(1 << i, size);
                above = above.max(zero.select(u32::MAX << i << 1, size));
            }
            let limit = above.mul(rounding);
            let tiny = L::Vector::bits(pivots.max(limit).eq(limit));
            // Nothing is above the first one.
            let judged = bits_of::<L>((u64::MAX >> (64 - m.n)) & !1, b);
            if tiny & judged != 0 {
                return false;
            }
        }
        true
    }
}

/// W U = I.
#[inline(always)]
unsafe fn forward_all<L: Lanes, const R: usize, const C: usize>(m: &Single<L>) {
    // SAFETY: columns and blocks are inside the matrix.
    unsafe {
        let mut j = 0;
        while j < m.n {
            let columns = C.min(m.n - j);
            sized!(columns, C, forward_columns::<[L, R,] _ []>(m, j));
            j += columns;
        }
    }
}

/// Columns `j` to `j + C` of W.
#[inline(always)]
unsafe fn forward_columns<L: Lanes, const R: usize, const C: usize>(m: &Single<L>, j: usize) {
    // SAFETY: as for `forward`.
    unsafe {
        let end = (j + C).div_ceil(L::Vector::LANES);
        let mut block = 0;
        while block < end {
            let height = (end - block).div_ceil((end - block).div_ceil(R));
            sized!(height, R, forward::<[L,] _ [, C]>(m, block, j));
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
#[inline(always)]
unsafe fn forward<L: Lanes, const R: usize, const C: usize>(m: &Single<L>, block: usize, j: usize) {
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
        for k in block * lanes..j {
            subtract(&mut tile, m.x(k, block), |c| m.upper(k, j + c));
        }
        for c in 0..C {
            for before in 0..c {
                let factor = L::spread(m.upper(j + before, j + c));
                for r in 0..R {
                    tile[c][r] = tile[c][r].sub_mul(tile[before][r], factor);
                }
            }
            let inverse = *m.inverses.add(j + c);
            for r in 0..R {
                tile[c][r] = tile[c][r].mul(inverse);
                if diagonal {
                    let below = u64::MAX << (j + c) << 1;
                    tile[c][r] = tile[c][r].select(bits_of::<L>(below, block + r), zero);
                }
                m.x(j + c, block).add(r).write(tile[c][r]);
            }
        }
    }
}

/// Subtracts the products of a column's blocks at `x` and of a factor for each column of the tile.
#[inline(always)]
unsafe fn subtract<L: Lanes, const R: usize, const C: usize>(
    tile: &mut [[L; R]; C],
    x: *const L,
    factor: impl Fn(usize) -> *const RealOf<L>,
) {
    // SAFETY: the callers'.
    unsafe {
        let mut column = [*x; R];
        for r in 1..R {
            column[r] = *x.add(r);
        }
        for c in 0..C {
            let factor = L::spread(factor(c));
            for r in 0..R {
                tile[c][r] = tile[c][r].sub_mul(column[r], factor);
            }
        }
    }
}

/// X L = W. Is all of X finite?
#[inline(always)]
unsafe fn backward_all<L: Lanes, const R: usize, const C: usize>(m: &Single<L>) -> bool {
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
#[inline(always)]
unsafe fn backward_columns<L: Lanes, const R: usize, const C: usize>(
    m: &Single<L>,
    j: usize,
    mut taint: L::Vector,
) -> L::Vector {
    // SAFETY: as for `backward`.
    unsafe {
        let mut block = 0;
        while block < m.blocks {
            let height = (m.blocks - block).div_ceil((m.blocks - block).div_ceil(R));
            taint = sized!(height, R, backward::<[L,] _ [, C]>(m, block, j, taint));
            block += height;
        }
        taint
    }
}

/// These columns in `R` blocks.
#[inline(always)]
unsafe fn backward<L: Lanes, const R: usize, const C: usize>(
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
                let factor = L::spread(m.lower(j + after, j + c));
                for r in 0..R {
                    tile[c][r] = tile[c][r].sub_mul(tile[after][r], factor);
                }
            }
            for r in 0..R {
                m.x(j + c, block).add(r).write(tile[c][r]);
                taint = tile[c][r].taint(taint, vector_zero);
            }
        }
        taint
    }
}

/// Writes column j of X as column `rows[j]` of the inverse.
#[inline(always)]
unsafe fn store<L: Lanes>(m: &Single<L>, to: *mut RealOf<L>) {
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
