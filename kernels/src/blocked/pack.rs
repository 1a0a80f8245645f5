//! Between matrices by columns and strips, which tiles read from front to back.

use crate::blocked::leaf::size;
use crate::simd::rows::{RowVector, load_row, store_row};
use crate::simd::vector::MAX_LANES;

/// Copies rows of a matrix to a strip of rows, and fills the strip up with zeros.
///
/// # Safety
///
/// `from` holds `rows` rows, at most those of a strip, and `columns` columns, `stride` numbers
/// apart; `strip` that many columns. Nobody writes them meanwhile. The CPU has the instructions.
#[inline(always)]
pub(crate) unsafe fn rows<V: RowVector, T, const HEIGHT: usize, const PARTS: usize>(
    rows: usize,
    columns: usize,
    from: *const T,
    stride: usize,
    strip: *mut T,
) {
    let (from, strip) = (from.cast::<V::Real>(), strip.cast::<V::Real>());
    let (rows, stride) = (rows * PARTS, stride * PARTS);
    // SAFETY: whole vectors of a column, or the first lanes of one, as the caller promises.
    unsafe {
        for j in 0..columns {
            let (from, to) = (from.add(j * stride), strip.add(j * HEIGHT * V::LANES));
            for i in 0..HEIGHT {
                let at = i * V::LANES;
                let x = if at + V::LANES <= rows {
                    V::load(from.add(at))
                } else if at < rows {
                    V::load_n(from.add(at), rows - at)
                } else {
                    V::zero()
                };
                x.store(to.add(at));
            }
        }
    }
}

/// Copies a strip of rows to rows of a matrix, its columns to these places.
///
/// # Safety
///
/// As [`rows`], and every place is a column of the matrix.
#[inline(always)]
pub(crate) unsafe fn unpack_rows<V: RowVector, T, const HEIGHT: usize, const PARTS: usize>(
    rows: usize,
    places: impl Iterator<Item = usize>,
    strip: *const T,
    to: *mut T,
    stride: usize,
) {
    let (to, strip) = (to.cast::<V::Real>(), strip.cast::<V::Real>());
    let (rows, stride) = (rows * PARTS, stride * PARTS);
    // SAFETY: as in `rows`.
    unsafe {
        for (j, place) in places.enumerate() {
            let (from, to) = (strip.add(j * HEIGHT * V::LANES), to.add(place * stride));
            for i in 0..HEIGHT {
                let at = i * V::LANES;
                let x = V::load(from.add(at));
                if at + V::LANES <= rows {
                    x.store(to.add(at));
                } else if at < rows {
                    x.store_n(to.add(at), rows - at);
                }
            }
        }
    }
}

/// Copies columns of a matrix to a strip of columns, and fills the strip up with zeros, also below.
///
/// # Safety
///
/// `from` holds `rows` rows and `columns` columns, at most those of a strip, `stride` numbers
/// apart; `strip` holds `depth ≥ rows` rows. Nobody writes them meanwhile. The CPU has the
/// instructions.
#[inline(always)]
pub(crate) unsafe fn columns<V: RowVector, T: Copy, const WIDTH: usize, const PARTS: usize>(
    rows: usize,
    columns: usize,
    depth: usize,
    from: *const T,
    stride: usize,
    strip: *mut T,
) {
    let nr = WIDTH / PARTS;
    // SAFETY: all is inside of what the caller promises.
    unsafe {
        let mut first = 0;
        if PARTS == 1 && columns == nr {
            let (from, strip) = (from.cast::<V::Real>(), strip.cast::<V::Real>());
            while first + V::LANES <= rows {
                let mut tile = [V::zero(); MAX_LANES];
                for j in 0..WIDTH {
                    tile[j] = V::load(from.add(first + j * stride));
                    // The next strip, if there is one: a few rows are too short for the processor
                    // to see that it will be read.
                    V::prefetch(from.wrapping_add(first + (j + WIDTH) * stride).cast(), true);
                }
                V::transpose(&mut tile);
                for i in 0..V::LANES {
                    store_row::<V, WIDTH>(tile[i], strip.add((first + i) * WIDTH));
                }
                first += V::LANES;
            }
        } else if columns < nr {
            std::ptr::write_bytes(strip, 0, rows * nr);
        }
        for j in 0..columns {
            for i in first..rows {
                *strip.add(i * nr + j) = *from.add(i + j * stride);
            }
        }
        std::ptr::write_bytes(strip.add(rows * nr), 0, (depth - rows) * nr);
    }
}

/// Copies a strip of columns to columns of a matrix.
///
/// # Safety
///
/// As [`columns`].
#[inline(always)]
pub(crate) unsafe fn unpack_columns<
    V: RowVector,
    T: Copy,
    const WIDTH: usize,
    const PARTS: usize,
>(
    rows: usize,
    columns: usize,
    strip: *const T,
    to: *mut T,
    stride: usize,
) {
    let nr = WIDTH / PARTS;
    // SAFETY: all is inside of what the caller promises.
    unsafe {
        let mut first = 0;
        if PARTS == 1 && columns == nr {
            let (strip, to) = (strip.cast::<V::Real>(), to.cast::<V::Real>());
            while first + V::LANES <= rows {
                let mut tile = [V::zero(); MAX_LANES];
                for i in 0..V::LANES {
                    tile[i] = load_row::<V, WIDTH>(strip.add((first + i) * WIDTH));
                }
                V::transpose(&mut tile);
                for j in 0..WIDTH {
                    tile[j].store(to.add(first + j * stride));
                }
                first += V::LANES;
            }
        }
        for j in 0..columns {
            for i in first..rows {
                *to.add(i + j * stride) = *strip.add(i * nr + j);
            }
        }
    }
}

/// Copies columns of a matrix to a strip of columns, its rows in the order of `order`.
///
/// # Safety
///
/// As [`columns`], and every row in `order` is one of the matrix; `strip` has as many as are in it.
#[inline(always)]
pub(crate) unsafe fn gather<V: RowVector, T: Copy, const WIDTH: usize, const PARTS: usize>(
    order: &[usize],
    columns: usize,
    from: *const T,
    stride: usize,
    strip: *mut T,
    zero: T,
) {
    let nr = WIDTH / PARTS;
    // SAFETY: inside of what the caller promises; a strip has four real columns, or twice as many.
    unsafe {
        for (k, &row) in order.iter().enumerate() {
            let (from, to) = (from.add(row), strip.add(k * nr));
            if PARTS == 1 && columns == nr {
                let at = |j: usize| from.add(j * stride).cast::<V::Real>();
                for j in (0..WIDTH).step_by(4) {
                    V::four([at(j), at(j + 1), at(j + 2), at(j + 3)]).store_four(to.add(j).cast());
                }
            } else {
                for j in 0..nr {
                    *to.add(j) = if j < columns { *from.add(j * stride) } else { zero };
                }
            }
        }
    }
}

/// Copies rows of a few columns to the places of others, one after the other.
///
/// # Safety
///
/// The matrix has these columns, `stride` numbers apart, and every row of both. Nobody else has them
/// meanwhile. The CPU has the instructions.
#[inline(always)]
pub(crate) unsafe fn move_rows<T: Copy, const WIDE: usize>(
    from: &[usize],
    to: &[usize],
    columns: usize,
    a: *mut T,
    stride: usize,
) {
    for (&from, &to) in from.iter().zip(to) {
        // SAFETY: rows of the matrix, as the caller promises.
        unsafe {
            let row = |j: usize| a.add(to + j * stride).write(a.add(from + j * stride).read());
            if columns == WIDE { (0..WIDE).for_each(row) } else { (0..columns).for_each(row) }
        }
    }
}

/// Raises `sizes` to the largest |re| + |im| in each column of a strip.
///
/// # Safety
///
/// `strip` holds `depth` rows, `sizes` one. Nobody else has them meanwhile. The CPU has the
/// instructions.
#[inline(always)]
pub(crate) unsafe fn largest<V: RowVector, T, const WIDTH: usize, const PARTS: usize>(
    depth: usize,
    strip: *const T,
    sizes: *mut T,
) {
    let (strip, sizes) = (strip.cast::<V::Real>(), sizes.cast::<V::Real>());
    // SAFETY: rows of the strip, as the caller promises.
    unsafe {
        let mut most = load_row::<V, WIDTH>(sizes);
        for k in 0..depth {
            let row = load_row::<V, WIDTH>(strip.add(k * WIDTH));
            most = size::<V, PARTS>(row).max(most);
        }
        store_row::<V, WIDTH>(most, sizes);
    }
}
