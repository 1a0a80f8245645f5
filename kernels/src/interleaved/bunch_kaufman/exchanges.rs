//! The choice of pivots, and the exchanges of rows and columns that it asks for.

use crate::interleaved::MAX_ORDER;
use crate::interleaved::bunch_kaufman::Matrix;
use crate::interleaved::ldl_inverse::Middle;
use crate::scalar::Scalar;
use crate::simd::lanes::{RealOf, SimdScalar, constant};
use crate::simd::vector::{MAX_LANES, Vector};

/// (1 + √17) / 8: no pivot lets the elements grow by more than is the price of the best ones.
const ALPHA: f64 = 0.640_388_203_202_208;

/// The row and column that was exchanged with each, in every lane; 0 for none.
pub(crate) type Exchanges = [[u8; MAX_LANES]; MAX_ORDER];

/// Chooses the pivots of step `k` in these lanes, and brings them to their places. Returns the lanes
/// in which it is a pair, of columns k and k + 1.
///
/// # Safety
///
/// `matrix` is sound (its square has n² elements, and what has one per row has n); k < n, and the steps before
/// have been made. The CPU has the instructions of `L`.
#[inline(always)]
pub(crate) unsafe fn choose<L: SimdScalar>(
    matrix: &Matrix<L>,
    k: usize,
    lanes: u32,
    exchanges: &mut Exchanges,
) -> u32 {
    // SAFETY: elements of the square.
    unsafe {
        let column = matrix.at(0, k);
        let mut largest = constant::<L>(0.0);
        for i in k + 1..matrix.n {
            largest = (*column.add(i)).abs1().max(largest);
        }
        let here = (*column.add(k)).abs1();
        let limit = largest.mul(constant::<L>(ALPHA));
        let mut unsure = lanes & !L::Vector::mask_bits(here.max(limit).eq(here));
        if unsure == 0 {
            return 0;
        }
        // The last of those that are as large, from below: the first.
        let mut rows = constant::<L>(0.0);
        for i in (k + 1..matrix.n).rev() {
            rows = rows.if_then_else((*column.add(i)).abs1().eq(largest), constant::<L>(i as f64));
        }
        let rows = rows.whole();
        let mut pairs = 0;
        while unsure != 0 {
            let lane = unsure.trailing_zeros() as usize;
            unsure &= unsure - 1;
            let row = rows[lane] as usize;
            // Else it is NaN.
            if row > k {
                let (row, pair) = pivot(matrix, k, row, lane);
                let to = k + usize::from(pair);
                if row > to {
                    exchange(matrix, lane, to, row);
                    #[allow(clippy::cast_possible_truncation)] // below MAX_ORDER
                    let row = row as u8;
                    exchanges[to][lane] = row;
                }
                pairs |= u32::from(pair) << lane;
            }
        }
        pairs
    }
}

/// The row of a lane that is to be exchanged with row `k`, or, where it is a pair, with the one
/// behind: itself or `row`, which has the largest element of column k.
///
/// # Safety
///
/// `matrix` is sound (its square has n² elements, and what has one per row has n); k ≤ row < n; `lane` is below
/// the number of lanes. The CPU has the instructions of `L`.
#[inline(always)]
unsafe fn pivot<L: SimdScalar>(
    matrix: &Matrix<L>,
    k: usize,
    row: usize,
    lane: usize,
) -> (usize, bool) {
    // SAFETY: elements of the square.
    unsafe {
        let mut largest = constant::<L>(0.0);
        for j in k..row {
            largest = matrix.size(lane, row, j).max(largest);
        }
        for i in row + 1..matrix.n {
            largest = matrix.size(lane, i, row).max(largest);
        }
        let size = |i, j| -> f64 { matrix.size(lane, i, j).first().into() };
        let (of_row, of_column): (f64, f64) = (largest.first().into(), size(row, k));
        if size(k, k) >= ALPHA * of_column * (of_column / of_row) {
            (k, false)
        } else {
            (row, size(row, row) < ALPHA * of_row)
        }
    }
}

/// Exchanges rows and columns p < q of a lane, in the lower triangle.
///
/// # Safety
///
/// `matrix` is sound (its square has n² elements, and what has one per row has n); p < q < n; `lane` is below
/// the number of lanes. The CPU has the instructions of `L`.
#[inline(always)]
unsafe fn exchange<L: SimdScalar>(matrix: &Matrix<L>, lane: usize, p: usize, q: usize) {
    // SAFETY: elements of the square.
    unsafe {
        for j in 0..p {
            swap(matrix, matrix.in_lane(lane, p, j), matrix.in_lane(lane, q, j), false);
        }
        swap(matrix, matrix.in_lane(lane, p, p), matrix.in_lane(lane, q, q), false);
        for m in p + 1..q {
            swap(matrix, matrix.in_lane(lane, m, p), matrix.in_lane(lane, q, m), true);
        }
        swap(matrix, matrix.in_lane(lane, q, p), matrix.in_lane(lane, q, p), true);
        for i in q + 1..matrix.n {
            swap(matrix, matrix.in_lane(lane, i, p), matrix.in_lane(lane, i, q), false);
        }
    }
}

/// Exchanges two elements of a lane, or the `images` of both.
///
/// # Safety
///
/// `matrix` is sound (its square has n² elements, and what has one per row has n); `x` and `y` are elements of
/// its square. The CPU has the instructions of `L`.
#[inline(always)]
unsafe fn swap<L: SimdScalar>(
    matrix: &Matrix<L>,
    x: *mut RealOf<L>,
    y: *mut RealOf<L>,
    images: bool,
) {
    // SAFETY: the caller's elements of the square.
    unsafe {
        let (mut to_x, mut to_y) = (L::broadcast(y), L::broadcast(x));
        if images {
            (to_x, to_y) = (matrix.image(to_x), matrix.image(to_y));
        }
        to_x.put(x);
        to_y.put(y);
    }
}

/// X with its rows and columns where those of A were. That is where it was, if none was exchanged.
///
/// # Safety
///
/// `matrix` is sound (its square has n² elements, and what has one per row has n); the inverse has been
/// written, and `exchanges` are those of the factorization. The CPU has the instructions of `L`.
#[inline(always)]
pub(crate) unsafe fn undo<L: SimdScalar>(matrix: &Matrix<L>, exchanges: &Exchanges) -> *mut L {
    let Matrix { n, a, across, room, .. } = *matrix;
    let lanes = L::Vector::LANES;
    // What was multiplied by is not needed any more: the place of each row, in every lane.
    let places = across.cast::<L::Vector>();
    // SAFETY: the elements of two squares, and n places.
    unsafe {
        for i in 0..n {
            places.add(i).write(constant::<L>(i as f64));
        }
        let mut some = false;
        for k in (0..n).rev() {
            for lane in 0..lanes {
                let row = usize::from(exchanges[k][lane]);
                if row != 0 {
                    some = true;
                    let place = |row| places.add(row).cast::<RealOf<L>>().add(lane);
                    std::ptr::swap(place(k), place(row));
                }
            }
        }
        if !some {
            return a;
        }
        let mut numbers = [RealOf::<L>::default(); MAX_LANES];
        for lane in 0..lanes {
            numbers[lane] = RealOf::<L>::from_f64(lane as f64);
        }
        let lane = L::Vector::load(numbers.as_ptr());
        let down = constant::<L>((lanes * L::PARTS) as f64);
        let right = constant::<L>((n * lanes * L::PARTS) as f64);
        for j in 0..n {
            let column = lane.add_mul(*places.add(j), right);
            for i in j..n {
                let from = column.add_mul(*places.add(i), down).places();
                let to = room.add(j * n + i);
                for part in 0..L::PARTS {
                    let numbers = a.cast::<RealOf<L>>().add(part * lanes);
                    to.cast::<L::Vector>().add(part).write(L::Vector::gather(numbers, from));
                }
                if i > j {
                    room.add(i * n + j).write(matrix.image(*to));
                }
            }
        }
        room
    }
}
