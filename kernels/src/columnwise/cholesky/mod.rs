//! A = L D Lᴴ and the inverse from it, one positive definite matrix at a time: each vector holds rows
//! of a column.
//!
//! The arithmetic of every element, and the order of its terms, is that of
//! [`cholesky`](crate::interleaved::cholesky), so that a matrix has the same bits alone and in lanes. Rows
//! above the diagonal come along in the vectors; what becomes of them does not matter.

mod norm;

use crate::columnwise::solve::subtract;
use crate::columnwise::{all_zero, place, stride};
use crate::contract::Triangle;
use crate::interleaved::args::{GroupArgs, empty, reciprocal};
use crate::interleaved::load_store::write_on;
use crate::interleaved::square::Blocks;
use crate::scalar::Scalar;
use crate::simd::lanes::{RealOf, SimdScalar, constant};
use crate::simd::vector::{MAX_LANES, Vector};
use crate::structure::{Found, detect};
use norm::norm;

/// A matrix under way.
///
/// It is sound if `a` and `x` have n columns of `blocks` vectors, `stride` apart, `u` as many rows, and `inverses` n
/// vectors, none of which anybody else has.
pub(crate) struct Definite<L: SimdScalar> {
    n: usize,
    /// Vectors of a column, and from column to column.
    blocks: usize,
    stride: usize,
    /// The lower triangle of A or of its transpose by columns, then L.
    a: *mut L,
    /// D Lᴴ by rows.
    u: *mut L,
    /// X by columns.
    x: *mut L,
    /// 1 / D, each in every lane.
    inverses: *mut L::Vector,
}

impl<L: SimdScalar> Definite<L> {
    /// Column `j` of one of the squares, from a block on.
    #[inline(always)]
    fn column(&self, square: *mut L, j: usize, block: usize) -> *mut L {
        square.wrapping_add(j * self.stride + block)
    }

    /// Row `i` of its column `j`.
    #[inline(always)]
    fn at(&self, square: *mut L, i: usize, j: usize) -> *mut RealOf<L> {
        self.column(square, j, 0).cast::<RealOf<L>>().wrapping_add(place::<L>(i))
    }

    /// Rows of a block.
    #[inline(always)]
    fn rows(&self, block: usize) -> usize {
        L::Vector::LANES.min(self.n - block * L::Vector::LANES)
    }
}

/// [`factor`], compiled for a set.
///
/// # Safety
///
/// The matrix is loaded; the task is sound. The CPU has the set.
type Factor<L, T> = unsafe fn(&Definite<L>, &GroupArgs<'_, T>, usize);

/// [`solve`], compiled for a set.
///
/// # Safety
///
/// The matrix is factored. The CPU has the set.
type Solve<L> = unsafe fn(&Definite<L>);

/// Inverts the matrix of one lane, of an order that [`Blocks`] has.
///
/// # Safety
///
/// As [`single::invert`](crate::columnwise::invert).
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
    // SAFETY: the memory holds three times `n` columns of `stride` blocks, and n scalars more; the
    // matrix of a lane is n² scalars.
    unsafe {
        if task.request.detect {
            let a = std::slice::from_raw_parts(task.from(lane), n * n);
            if detect(n, a) != Found::Hermitian {
                return;
            }
        }
        let a = task.memory.cast::<L>();
        let u = a.add(stride * n);
        let x = u.add(stride * n);
        let m = Definite { n, blocks, stride, a, u, x, inverses: x.add(stride * n).cast() };
        let upper = task.triangle == Triangle::Upper;
        if upper {
            load_transposed(&m, task.from(lane).cast());
        } else {
            load(&m, task.from(lane).cast());
        }
        let norm_of_a = task.request.rcond.map(|_| norm::<L, true>(&m));
        factor(&m, task, lane);
        if !positive(task, lane, &m) {
            return;
        }
        solve(&m);
        if !first_column_is_finite(&m) {
            return;
        }
        if let Some(norm_of_a) = norm_of_a {
            let rcond = reciprocal(norm_of_a, norm::<L, false>(&m));
            task.found.rcond[lane] = rcond;
            if !task.request.min_rcond.is_none_or(|limit| rcond >= limit.rcond) {
                return;
            }
        }
        if task.request.determinant {
            for k in 0..n {
                let to = task.pivots.add(k * L::Vector::LANES + lane).cast::<RealOf<L>>();
                to.write(*m.at(m.u, k, k));
                if L::PARTS == 2 {
                    to.add(1).write(RealOf::<L>::default());
                }
            }
        }
        if task.request.stream {
            // Nobody asks for D any more.
            let (from, to) = (m.u.cast(), task.to_lane(lane));
            store(&m, upper, from);
            write_on::<L::Vector, T>(task, from, to, n * n * L::PARTS);
            L::Vector::flush_stream();
        } else {
            store(&m, upper, task.to_lane(lane));
        }
        task.found.inverted |= 1 << lane;
    }
}

/// Reads the lower triangle.
///
/// # Safety
///
/// `m` is sound (see [`Definite`]); n² scalars can be read at `from`. The CPU has the instructions of `L`.
#[inline(always)]
unsafe fn load<L: SimdScalar>(m: &Definite<L>, from: *const RealOf<L>) {
    let lanes = L::Vector::LANES;
    // SAFETY: there are n² scalars at `from`, and n columns of `blocks` blocks.
    unsafe {
        for j in 0..m.n {
            let column = from.add(j * m.n * L::PARTS);
            for block in j / lanes..m.blocks {
                let numbers = column.add(block * lanes * L::PARTS);
                m.column(m.a, j, block).write(L::load_scalars(numbers, m.rows(block)));
            }
        }
    }
}

/// Reads the upper triangle as the lower one of the transpose.
///
/// # Safety
///
/// `m` is sound (see [`Definite`]); n² scalars can be read at `from`. The CPU has the instructions of `L`.
#[inline(always)]
unsafe fn load_transposed<L: SimdScalar>(m: &Definite<L>, from: *const RealOf<L>) {
    let lanes = L::Vector::LANES;
    // SAFETY: as for `load`; a scalar is its vectors, one behind the other.
    unsafe {
        let zero = L::real(constant::<L>(0.0));
        for block in 0..m.blocks {
            for before in 0..=block {
                let columns = m.rows(before);
                let mut rows = [zero; MAX_LANES];
                for r in 0..m.rows(block) {
                    let column = from.add((block * lanes + r) * m.n * L::PARTS);
                    rows[r] = L::load_scalars(column.add(before * lanes * L::PARTS), columns);
                }
                for part in 0..L::PARTS {
                    let from = rows.as_ptr().cast::<L::Vector>();
                    let mut tile = empty::<L::Vector>();
                    for r in 0..L::Vector::LANES {
                        tile[r] = from.add(r * L::PARTS + part).read();
                    }
                    L::Vector::transpose(&mut tile);
                    for c in 0..columns {
                        let to = m.column(m.a, before * lanes + c, block).cast::<L::Vector>();
                        to.add(part).write(tile[c]);
                    }
                }
            }
        }
    }
}

/// L and D Lᴴ. `R` blocks of four columns are a tile that fits the registers.
///
/// # Safety
///
/// As [`Factor`].
#[inline(always)]
pub(crate) unsafe fn factor<L: SimdScalar, T: Scalar, const R: usize>(
    m: &Definite<L>,
    task: &GroupArgs<'_, T>,
    lane: usize,
) {
    let parts = Blocks::of(m.n);
    let mut j = 0;
    while parts.size(j) > 0 {
        // SAFETY: the columns before have been done.
        unsafe {
            match parts.size(j) {
                4 => factor_columns::<L, R, 4>(m, j),
                _ => factor_columns::<L, R, 3>(m, j),
            }
        }
        for k in j..j + parts.size(j) {
            task.prefetch_column::<L::Vector>(lane, k);
        }
        j += parts.size(j);
    }
}

/// X from the factors. `R` blocks of four columns are a tile that fits the registers.
///
/// # Safety
///
/// As [`Solve`].
#[inline(always)]
pub(crate) unsafe fn solve<L: SimdScalar, const R: usize>(m: &Definite<L>) {
    let parts = Blocks::of(m.n);
    // SAFETY: X has n columns of `stride` blocks; those behind a column have been done before it.
    unsafe {
        for block in 0..m.n * m.stride {
            m.x.add(block).write(L::real(constant::<L>(0.0)));
        }
        let mut j = m.n;
        while parts.size_before(j) > 0 {
            let columns = parts.size_before(j);
            j -= columns;
            match columns {
                4 => solve_columns::<L, R, 4>(m, j),
                _ => solve_columns::<L, R, 3>(m, j),
            }
        }
    }
}

/// Columns `j` to `j + C` of L, and the rows of D Lᴴ that they are.
///
/// # Safety
///
/// `m` is sound (see [`Definite`]); j + C ≤ n, and the columns before `j` of L and the rows before it of D Lᴴ
/// have been written. The CPU has the instructions of `L`.
#[inline(always)]
unsafe fn factor_columns<L: SimdScalar, const R: usize, const C: usize>(m: &Definite<L>, j: usize) {
    let lanes = L::Vector::LANES;
    // SAFETY: as for `factor_tile`. Fours begin where a block does not end; threes may be in two.
    unsafe {
        let mut block = j / lanes;
        let on_diagonal = (j + C - 1) / lanes - block + 1;
        let height = R.min(m.blocks - block).max(on_diagonal);
        sized!(height, R, factor_tile::<[L,] _ [, C, true]>(m, block, j));
        block += height;
        while block < m.blocks {
            let height = (m.blocks - block).div_ceil((m.blocks - block).div_ceil(R));
            sized!(height, R, factor_tile::<[L,] _ [, C, false]>(m, block, j));
            block += height;
        }
    }
}

/// These columns in `R` blocks, those with the diagonal first.
///
/// # Safety
///
/// `m` is sound (see [`Definite`]); j + C ≤ n; the `R` blocks from `block` on are in the column, and the
/// columns before `j` have been written. The CPU has the instructions of `L`.
#[inline(always)]
unsafe fn factor_tile<L: SimdScalar, const R: usize, const C: usize, const DIAGONAL: bool>(
    m: &Definite<L>,
    block: usize,
    j: usize,
) {
    // SAFETY: j + C ≤ n; the blocks are inside, and L and D Lᴴ have been written in the columns
    // before, and for these columns in the rows before.
    unsafe {
        let one = constant::<L>(1.0);
        let mut tile = [[L::real(one); R]; C];
        for c in 0..C {
            for r in 0..R {
                tile[c][r] = *m.column(m.a, j + c, block + r);
            }
        }
        for k in 0..j {
            subtract(&mut tile, m.column(m.a, k, block), |c| m.at(m.u, j + c, k));
        }
        for c in 0..C {
            for r in 0..R {
                m.column(m.u, j + c, block + r).write(tile[c][r].conj());
            }
            if DIAGONAL {
                let pivot = L::broadcast(m.at(m.u, j + c, j + c)).re();
                m.inverses.add(j + c).write(one.div(pivot));
            }
            let inverse = *m.inverses.add(j + c);
            for r in 0..R {
                tile[c][r] = tile[c][r].times(inverse);
                m.column(m.a, j + c, block + r).write(tile[c][r]);
            }
            for later in c + 1..C {
                let factor = L::broadcast(m.at(m.u, j + later, j + c));
                for r in 0..R {
                    tile[later][r] = tile[later][r].neg_mul_add(tile[c][r], factor);
                }
            }
        }
    }
}

/// Whether every number of D is positive, and no inverse of one over- or underflows. If not, notes
/// the first that is not positive, unless that may be a trick of an over- or underflow before it.
///
/// # Safety
///
/// `m` is sound (see [`Definite`]), and all inverses of D have been written; `task` is sound, and `lane` one of
/// its lanes. The CPU has the instructions of `L`.
#[inline(always)]
unsafe fn positive<L: SimdScalar, T: Scalar>(
    task: &mut GroupArgs<'_, T>,
    lane: usize,
    m: &Definite<L>,
) -> bool {
    // SAFETY: n inverses and rows of D Lᴴ.
    unsafe {
        let fits = |k: usize| {
            let inverse: f64 = (*m.inverses.add(k)).first().into();
            inverse > 0.0 && inverse.is_finite()
        };
        if (0..m.n).all(fits) {
            return true;
        }
        if finite_input(task, lane) {
            let pivot = |k: usize| -> f64 { (*m.at(m.u, k, k)).into() };
            let first = (0..m.n).find(|&k| !(pivot(k) > 0.0 && fits(k)));
            if let Some(k) = first.filter(|&k| pivot(k) <= 0.0 && pivot(k).is_finite()) {
                task.found.note_zero_pivot(1 << lane, k);
            }
        }
        false
    }
}

/// Whether the triangle that is read is finite, but for the imaginary part of the diagonal.
///
/// # Safety
///
/// The task is sound: see [`GroupArgs`].
#[cold]
unsafe fn finite_input<T: Scalar>(task: &GroupArgs<'_, T>, lane: usize) -> bool {
    let n = task.n;
    // SAFETY: by the caller's promise the matrix of a lane is n² scalars that can be read.
    let a = unsafe { std::slice::from_raw_parts(task.from(lane), n * n) };
    (0..n).all(|j| {
        let column = &a[j * n..(j + 1) * n];
        let beside = match task.triangle {
            Triangle::Lower => &column[j + 1..],
            Triangle::Upper => &column[..j],
        };
        Scalar::is_finite(column[j].re()) && beside.iter().all(|&x| Scalar::is_finite(x))
    })
}

/// Columns `j` to `j + C` of X, those behind them being whole, and their images.
///
/// # Safety
///
/// `m` is sound (see [`Definite`]); j + C ≤ n, and the columns of X behind these have been written. The CPU has
/// the instructions of `L`.
#[inline(always)]
unsafe fn solve_columns<L: SimdScalar, const R: usize, const C: usize>(m: &Definite<L>, j: usize) {
    let end = j + C;
    // SAFETY: as for `solve_tile`; elements are inside.
    unsafe {
        // The rows that were written last come last.
        let (first, mut block) = (end / L::Vector::LANES, m.blocks);
        while block > first && end < m.n {
            let height = (block - first).div_ceil((block - first).div_ceil(R));
            block -= height;
            sized!(height, R, solve_tile::<[L,] _ [, C]>(m, block, j));
        }
        let mut tile = [[L::real(constant::<L>(0.0)); C]; C];
        if L::PARTS == 1 && C == 4 && L::Vector::LANES >= 4 {
            on_diagonal::<L, C>(m, j, &mut tile);
        } else {
            for c in 0..C {
                tile[c][c] = L::real(*m.inverses.add(j + c));
            }
            for k in end..m.n {
                let mut left = [tile[0][0]; C];
                for r in 0..C {
                    left[r] = L::broadcast(m.at(m.x, k, j + r)).conj();
                    left[r].put(m.at(m.x, j + r, k));
                }
                for c in 0..C {
                    let right = L::broadcast(m.at(m.a, k, j + c));
                    for r in c..C {
                        tile[c][r] = tile[c][r].neg_mul_add(left[r], right);
                    }
                }
            }
        }
        for c in (0..C).rev() {
            for r in (c..C).rev() {
                for after in c + 1..C {
                    let x = if r >= after { tile[after][r] } else { tile[r][after].conj() };
                    let factor = L::broadcast(m.at(m.a, j + after, j + c));
                    tile[c][r] = tile[c][r].neg_mul_add(x, factor);
                }
            }
            tile[c][c] = L::real(tile[c][c].re());
        }
        for c in 0..C {
            tile[c][c].put(m.at(m.x, j + c, j + c));
            for r in c + 1..C {
                tile[c][r].put(m.at(m.x, j + r, j + c));
                tile[c][r].conj().put(m.at(m.x, j + c, j + r));
            }
        }
    }
}

/// The square on the diagonal of these columns less what the rows below it come to, which are brought
/// across: of four columns of real numbers, with a row of the square in a vector.
///
/// # Safety
///
/// `m` is sound (see [`Definite`]); j + C ≤ n; a vector has four lanes or more; the columns of X behind these
/// have been written. The CPU has the instructions of `L`.
#[inline(always)]
unsafe fn on_diagonal<L: SimdScalar, const C: usize>(
    m: &Definite<L>,
    j: usize,
    tile: &mut [[L; C]; C],
) {
    // SAFETY: as for `solve_columns`, which has looked that a vector has four lanes or more and that
    // numbers are real, so that four of a column lie one behind the other.
    unsafe {
        let zero = constant::<L>(0.0);
        let mut rows = [zero; C];
        for r in 0..C {
            rows[r] = zero.select(1 << r, *m.inverses.add(j + r));
        }
        let (mut x, mut l) = ([std::ptr::null(); 4], [std::ptr::null(); 4]);
        for k in j + C..m.n {
            for c in 0..C {
                (x[c], l[c]) = (m.at(m.x, k, j + c).cast_const(), m.at(m.a, k, j + c).cast_const());
            }
            let right = L::Vector::four(l);
            for r in 0..C {
                rows[r] = rows[r].neg_mul_add(L::broadcast(x[r]).re(), right);
            }
            L::Vector::four(x).store_four(m.at(m.x, j, k));
        }
        let mut numbers = [[RealOf::<L>::default(); 4]; C];
        for r in 0..C {
            rows[r].store_four(numbers[r].as_mut_ptr());
            for c in 0..C {
                tile[c][r] = L::broadcast(&raw const numbers[r][c]);
            }
        }
    }
}

/// These columns in `R` blocks, below the square on the diagonal. What is zero in the columns behind
/// stays so.
///
/// # Safety
///
/// `m` is sound (see [`Definite`]); j + C ≤ n; the `R` blocks from `block` on are in the column, and the
/// columns of X behind these have been written. The CPU has the instructions of `L`.
#[inline(always)]
unsafe fn solve_tile<L: SimdScalar, const R: usize, const C: usize>(
    m: &Definite<L>,
    block: usize,
    j: usize,
) {
    // SAFETY: j + C ≤ n; the blocks are inside, and X has been written in the columns behind.
    unsafe {
        let mut tile = [[L::real(constant::<L>(0.0)); R]; C];
        for k in j + C..m.n {
            subtract(&mut tile, m.column(m.x, k, block), |c| m.at(m.a, k, j + c));
        }
        for c in (0..C).rev() {
            for after in c + 1..C {
                let factor = L::broadcast(m.at(m.a, j + after, j + c));
                for r in 0..R {
                    tile[c][r] = tile[c][r].neg_mul_add(tile[after][r], factor);
                }
            }
            for r in 0..R {
                m.column(m.x, j + c, block + r).write(tile[c][r]);
            }
        }
    }
}

/// Whether the first column of X is finite: it meets all others, as in
/// [`finite_inverse`](crate::interleaved::ldl_inverse::finite_inverse).
///
/// # Safety
///
/// `m` is sound (see [`Definite`]), and X has been written. The CPU has the instructions of `L`.
#[inline(always)]
unsafe fn first_column_is_finite<L: SimdScalar>(m: &Definite<L>) -> bool {
    // SAFETY: there are `blocks` blocks.
    unsafe {
        let zero = constant::<L>(0.0);
        let mut taint = zero;
        for block in 0..m.blocks {
            taint = (*m.column(m.x, 0, block)).nan_accumulate(taint, zero);
        }
        all_zero::<L>(taint)
    }
}

/// Writes X, or its conjugate.
///
/// # Safety
///
/// `m` is sound (see [`Definite`]), and X has been written; n² scalars can be written at `to`, which nobody
/// else has. The CPU has the instructions of `L`.
#[inline(always)]
unsafe fn store<L: SimdScalar>(m: &Definite<L>, conjugated: bool, to: *mut RealOf<L>) {
    let lanes = L::Vector::LANES;
    for j in 0..m.n {
        for block in 0..m.blocks {
            // SAFETY: n² scalars can be written at `to`.
            unsafe {
                let mut x = *m.column(m.x, j, block);
                if L::PARTS == 2 && conjugated {
                    // The diagonal keeps its positive zero.
                    let here = if j / lanes == block { 1 << (j % lanes) } else { 0 };
                    x = x.conj().select(here, x);
                }
                x.store_scalars(to.add((j * m.n + block * lanes) * L::PARTS), m.rows(block));
            }
        }
    }
}
