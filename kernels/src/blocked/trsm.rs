//! Triangular systems of the order of a block, within strips: the leaves beside the updates.

use crate::blocked::microkernel::{Tile, joined};
use crate::simd::rows::{RowVector, load_row, store_row};

/// Rows that [`left`] solves at once, and a divisor of every depth in a strip.
pub(crate) const GROUP: usize = 8;

/// self − x·y with a number y = `y[..PARTS]`, given i·x too.
///
/// # Safety
///
/// `y` can be read. The CPU has the instructions.
#[inline(always)]
pub(crate) unsafe fn neg_mul_add<V: RowVector, const PARTS: usize>(
    sum: V,
    x: V,
    i_x: V,
    y: *const V::Real,
) -> V {
    // SAFETY: the caller's promise.
    unsafe {
        let sum = sum.neg_mul_add(x, V::splat_from(y));
        if PARTS == 1 { sum } else { sum.neg_mul_add(i_x, V::splat_from(y.add(1))) }
    }
}

/// i·x where numbers are complex.
#[inline(always)]
pub(crate) fn times_i<V: RowVector, const PARTS: usize>(x: V) -> V {
    if PARTS == 1 { x } else { x.times_i() }
}

/// Y := L⁻¹ Y in strips of columns, one behind the other, with ones on the diagonal of L.
///
/// # Safety
///
/// Each of `count` strips holds `depth` rows, a multiple of [`GROUP`], of `WIDTH` real numbers, a
/// vector or half of one; `l` that many rows and columns, `stride` numbers apart. Nobody writes them
/// meanwhile. The CPU has the instructions.
#[inline(always)]
pub(crate) unsafe fn left<V: RowVector, T, const WIDTH: usize, const PARTS: usize>(
    depth: usize,
    l: *const T,
    stride: usize,
    strips: *mut T,
    count: usize,
) {
    let strip = |index: usize| strips.cast::<V::Real>().wrapping_add(index * depth * WIDTH);
    let mut index = 0;
    // SAFETY: the strips are there, and two rows fill a vector where they are taken together.
    unsafe {
        while V::LANES == 2 * WIDTH && index + 2 <= count {
            let rows = [strip(index), strip(index + 1)];
            let load = |i: usize| V::load_two(rows[0].add(i * WIDTH), rows[1].add(i * WIDTH));
            let store =
                |y: V, i: usize| y.store_two(rows[0].add(i * WIDTH), rows[1].add(i * WIDTH));
            solve_left::<V, T, PARTS>(depth, l, stride, load, store);
            index += 2;
        }
        while index < count {
            let row = |i: usize| strip(index).add(i * WIDTH);
            let load = |i: usize| load_row::<V, WIDTH>(row(i));
            let store = |y: V, i: usize| store_row::<V, WIDTH>(y, row(i));
            solve_left::<V, T, PARTS>(depth, l, stride, load, store);
            index += 1;
        }
    }
}

/// [`left`] for the columns in a vector, whose rows are loaded and stored.
///
/// # Safety
///
/// As [`left`]; rows up to `depth` can be loaded and stored.
#[inline(always)]
unsafe fn solve_left<V: RowVector, T, const PARTS: usize>(
    depth: usize,
    l: *const T,
    stride: usize,
    load: impl Fn(usize) -> V,
    store: impl Fn(V, usize),
) {
    // SAFETY: rows and elements inside of what the caller promises.
    unsafe {
        let of_l = |i: usize, k: usize| l.add(i + k * stride).cast::<V::Real>();
        for first in (0..depth).step_by(GROUP) {
            let mut y = [V::zero(); GROUP];
            for i in 0..GROUP {
                y[i] = load(first + i);
            }
            for k in 0..first {
                let x = load(k);
                let i_x = times_i::<V, PARTS>(x);
                for i in 0..GROUP {
                    y[i] = neg_mul_add::<V, PARTS>(y[i], x, i_x, of_l(first + i, k));
                }
            }
            for k in 0..GROUP {
                let i_x = times_i::<V, PARTS>(y[k]);
                for i in k + 1..GROUP {
                    y[i] = neg_mul_add::<V, PARTS>(y[i], y[k], i_x, of_l(first + i, first + k));
                }
                store(y[k], first + k);
            }
        }
    }
}

/// X := X T⁻¹ in a strip of rows, with a triangle T whose strips of columns have `depth` rows.
///
/// Upper: the columns from `first` on, a multiple of the width of a strip; the ones before are
/// zero. `inverses` are those of the diagonal. Lower, if there are none: there are ones on the
/// diagonal.
///
/// # Safety
///
/// `strip` holds `depth` columns, `triangle` as many rows and columns, `inverses` as many numbers.
/// Nobody writes them meanwhile. The CPU has the instructions.
#[inline(always)]
pub(crate) unsafe fn right<
    V: RowVector,
    T,
    const HEIGHT: usize,
    const WIDTH: usize,
    const PARTS: usize,
>(
    depth: usize,
    first: usize,
    triangle: *const T,
    inverses: Option<*const T>,
    strip: *mut T,
) {
    let (mr, nr) = (HEIGHT * V::LANES, WIDTH / PARTS);
    // SAFETY: columns and elements inside of what the caller promises.
    unsafe {
        let column = |j: usize| strip.cast::<V::Real>().add(j * mr);
        let of_triangle = |i: usize, j: usize| triangle.add(j / nr * nr * depth + i * nr + j % nr);
        for at in (first..depth).step_by(nr) {
            let j = if inverses.is_some() { at } else { depth - nr - (at - first) };
            // Earlier columns: to the left, or to the right.
            let (from, count) =
                if inverses.is_some() { (first, j - first) } else { (j + nr, depth - j - nr) };
            let tile = Tile {
                fresh: false,
                depth: count,
                columns: nr,
                a: column(from).cast_const(),
                a_stride: mr,
                b: of_triangle(from, j).cast(),
                b_ahead: 0,
                c: column(j),
                c_stride: mr,
                last: V::LANES,
            };
            let sums = tile.sums::<V, HEIGHT, WIDTH, false, false>();
            const { assert!(HEIGHT <= 3, "the vectors of rows below") };
            let diagonal = Diagonal {
                x: column(j),
                mr,
                product: count > 0,
                triangle: of_triangle(j, j).cast::<V::Real>(),
                inverses: inverses.map(|inverses| inverses.add(j).cast()),
            };
            // The vector of rows as a constant, for the sums to stay in registers.
            diagonal.solve::<V, HEIGHT, WIDTH, PARTS, 0>(&sums);
            if HEIGHT > 1 {
                diagonal.solve::<V, HEIGHT, WIDTH, PARTS, 1>(&sums);
            }
            if HEIGHT > 2 {
                diagonal.solve::<V, HEIGHT, WIDTH, PARTS, 2>(&sums);
            }
        }
    }
}

/// The square on the diagonal of a triangle, and the strip's rows in its columns.
struct Diagonal<R> {
    x: *mut R,
    /// From column to column.
    mr: usize,
    /// Whether there is something to be added.
    product: bool,
    triangle: *const R,
    /// Inverses of the diagonal, if the triangle is an upper one.
    inverses: Option<*const R>,
}

impl<R> Diagonal<R> {
    /// X := (X + sums) T⁻¹ in vector `I` of the rows.
    ///
    /// # Safety
    ///
    /// As [`right`], with more than `I` vectors of rows.
    #[inline(always)]
    unsafe fn solve<
        V: RowVector<Real = R>,
        const HEIGHT: usize,
        const WIDTH: usize,
        const PARTS: usize,
        const I: usize,
    >(
        &self,
        sums: &[[V; HEIGHT]; WIDTH],
    ) {
        let nr = WIDTH / PARTS;
        // SAFETY: a vector in each column, and a square, as the caller promises.
        unsafe {
            let lanes = |k: usize| self.x.add(k * self.mr + I * V::LANES);
            let t = |i: usize, k: usize| self.triangle.add((i * nr + k) * PARTS);
            let mut x = [V::zero(); WIDTH];
            for k in 0..nr {
                x[k] = V::load(lanes(k));
                if self.product {
                    x[k] = x[k].add(joined::<V, HEIGHT, PARTS>(sums, k, I));
                }
            }
            if let Some(inverses) = self.inverses {
                for k in 0..nr {
                    x[k] = times::<V, PARTS>(x[k], inverses.add(k * PARTS));
                    let i_x = times_i::<V, PARTS>(x[k]);
                    for q in k + 1..nr {
                        x[q] = neg_mul_add::<V, PARTS>(x[q], x[k], i_x, t(k, q));
                    }
                }
            } else {
                for k in (0..nr).rev() {
                    let i_x = times_i::<V, PARTS>(x[k]);
                    for q in 0..k {
                        x[q] = neg_mul_add::<V, PARTS>(x[q], x[k], i_x, t(k, q));
                    }
                }
            }
            for k in 0..nr {
                x[k].store(lanes(k));
            }
        }
    }
}

/// x·y.
///
/// # Safety
///
/// As [`neg_mul_add`].
#[inline(always)]
pub(crate) unsafe fn times<V: RowVector, const PARTS: usize>(x: V, y: *const V::Real) -> V {
    // SAFETY: the caller's promise.
    unsafe {
        let product = x.mul(V::splat_from(y));
        if PARTS == 1 { product } else { product.add_mul(x.times_i(), V::splat_from(y.add(1))) }
    }
}
