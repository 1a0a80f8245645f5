//! Strips of a matrix: of rows and of columns, each stored behind the other.

use crate::blocked::kernel::Kernel;
use crate::scalar::Scalar;
use crate::shared_matrix::Matrix;
use crate::simd::set::vectorized;
use std::ops::Range;

/// Keeps L and U of a block, filled up with the identity, as they are and in strips of columns.
pub(crate) fn keep_factors<T: Scalar>(
    kernel: &Kernel<T>,
    block: Matrix<T>,
    factors: Matrix<T>,
    strips: Matrix<T>,
) {
    let (width, depth, nr) = (block.columns(), factors.columns(), kernel.nr());
    zero(factors.part(width..depth, 0..width), 0..width);
    zero(factors.part(0..depth, width..depth), 0..depth - width);
    for k in width..depth {
        factors.set(k, k, T::one());
    }
    factors.part(0..width, 0..width).copy_from(block);
    for (index, here) in strips_of(0..depth, nr).enumerate() {
        kernel.pack_columns(factors.part(0..depth, here), strip_at(strips, index, depth), depth);
    }
}

/// Columns that are packed for all strips before the next ones: a column is read from front to back
/// then, as far as the strips reach.
const TOGETHER: usize = 24;

/// Copies rows of a matrix to strips of `depth` columns.
pub(crate) fn pack_rows<T: Scalar>(
    kernel: &Kernel<T>,
    from: Matrix<T>,
    strips: Matrix<T>,
    depth: usize,
) {
    for columns in strips_of(0..from.columns(), TOGETHER) {
        for (at, here) in strips_of(0..from.rows(), kernel.mr()).enumerate() {
            let strip = strip_at(strips, at, depth).part(0..kernel.mr(), columns.clone());
            kernel.pack_rows(from.part(here, columns.clone()), strip);
        }
    }
}

/// Turns a part of a strip, of as many numbers as a strip of columns has: column k of `to`, from row
/// `to_first` on, becomes that of `from`, from row `first` on, conjugated and times `by[k]`.
pub(crate) fn pack_conj_scaled<T: Scalar>(
    nr: usize,
    from: Matrix<T>,
    first: usize,
    to: Matrix<T>,
    to_first: usize,
    by: &[T],
) {
    assert!(first + nr <= from.rows() && to_first + nr <= to.rows(), "{nr} numbers");
    let (from_size, to_size) = (from.rows(), to.rows());
    let count = by.len();
    assert!(count <= from.columns() && count <= to.columns(), "{count} columns");
    let whole = |strip: Matrix<T>| strip.part(0..strip.rows(), 0..count);
    // SAFETY: two different strips, which nobody else has meanwhile, used up here.
    let (from, to) = unsafe {
        (
            whole(from).reshaped(count * from_size, 1).column(0),
            whole(to).reshaped(count * to_size, 1).column(0),
        )
    };
    let columns = from.chunks_exact(from_size).zip(to.chunks_exact_mut(to_size)).zip(by);
    let columns = columns.map(|((from, to), &by)| (&from[first..], &mut to[to_first..], by));
    turn_columns(nr, columns);
}

/// The numbers of a column, where they go, and times what.
type Turned<'a, T> = (&'a [T], &'a mut [T], T);

vectorized! {
    /// The first `wide` numbers of each.
    fn turn_columns['a, T: Scalar](
        nr: usize,
        columns: impl Iterator<Item = Turned<'a, T>>,
    ) -> () {
        match nr {
            8 => turn_each::<T, 8>(columns),
            4 => turn_each::<T, 4>(columns),
            2 => turn_each::<T, 2>(columns),
            _ => unreachable!("no kernel has strips of {nr} columns"),
        }
    }
}

/// [`turn_columns`] with the number of columns as a constant.
#[inline(always)]
fn turn_each<'a, T: Scalar, const WIDE: usize>(columns: impl Iterator<Item = Turned<'a, T>>) {
    for (from, to, by) in columns {
        let (from, to) = (&from[..WIDE], &mut to[..WIDE]);
        // All before any is written: for all the compiler knows, both are in one place.
        let mut times_i = [T::zero(); WIDE];
        for i in 0..WIDE {
            times_i[i] = from[i].conj() * by;
        }
        to.copy_from_slice(&times_i);
    }
}

/// A strip of some that are `depth` deep each.
pub(crate) fn strip_at<T: Copy>(strips: Matrix<T>, index: usize, depth: usize) -> Matrix<T> {
    strips.part(0..strips.rows(), index * depth..(index + 1) * depth)
}

/// The ranges of strips of `size`.
pub(crate) fn strips_of(all: Range<usize>, size: usize) -> impl Iterator<Item = Range<usize>> {
    (0..all.len().div_ceil(size)).map(move |index| strip_of(all.clone(), size, index))
}

/// The range of a strip of `size`.
pub(crate) fn strip_of(all: Range<usize>, size: usize, index: usize) -> Range<usize> {
    let first = all.start + index * size;
    first..(first + size).min(all.end)
}

/// Makes columns zero.
pub(crate) fn zero<T: Scalar>(a: Matrix<T>, columns: Range<usize>) {
    for j in columns {
        // SAFETY: used up at once.
        unsafe { a.column(j) }.fill(T::zero());
    }
}
