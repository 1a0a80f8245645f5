//! Strips of a matrix: of rows and of columns, each stored behind the other.

use super::kernel::Kernel;
use super::matrix::Matrix;
use crate::element::Scalar;
use std::ops::Range;

/// Keeps L and U of a block, filled up with the identity, as they are and in strips of columns.
pub(super) fn keep_factors<T: Scalar>(
    kernel: &Kernel<T>,
    block: Matrix<T>,
    factors: Matrix<T>,
    strips: Matrix<T>,
) {
    let (width, depth, wide) = (block.columns(), factors.columns(), kernel.wide());
    zero(factors.part(width..depth, 0..width), 0..width);
    zero(factors.part(0..depth, width..depth), 0..depth - width);
    for k in width..depth {
        factors.set(k, k, T::one());
    }
    factors.part(0..width, 0..width).copy_from(block);
    for (index, here) in strips_of(0..depth, wide).enumerate() {
        kernel.pack_columns(factors.part(0..depth, here), nth(strips, index, depth), depth);
    }
}

/// Columns that are packed for all strips before the next ones: a column is read from front to back
/// then, as far as the strips reach.
const TOGETHER: usize = 24;

/// Copies rows of a matrix to strips of `depth` columns.
pub(super) fn pack_rows<T: Scalar>(
    kernel: &Kernel<T>,
    from: Matrix<T>,
    strips: Matrix<T>,
    depth: usize,
) {
    for columns in strips_of(0..from.columns(), TOGETHER) {
        for (at, here) in strips_of(0..from.rows(), kernel.high()).enumerate() {
            let strip = nth(strips, at, depth).part(0..kernel.high(), columns.clone());
            kernel.pack_rows(from.part(here, columns.clone()), strip);
        }
    }
}

/// A strip of some that are `depth` deep each.
pub(super) fn nth<T: Copy>(strips: Matrix<T>, index: usize, depth: usize) -> Matrix<T> {
    strips.part(0..strips.rows(), index * depth..(index + 1) * depth)
}

/// The ranges of strips of `size`.
pub(super) fn strips_of(all: Range<usize>, size: usize) -> impl Iterator<Item = Range<usize>> {
    (0..all.len().div_ceil(size)).map(move |index| strip_of(all.clone(), size, index))
}

/// The range of a strip of `size`.
pub(super) fn strip_of(all: Range<usize>, size: usize, index: usize) -> Range<usize> {
    let first = all.start + index * size;
    first..(first + size).min(all.end)
}

/// Makes columns zero.
pub(super) fn zero<T: Scalar>(a: Matrix<T>, columns: Range<usize>) {
    for j in columns {
        // SAFETY: used up at once.
        unsafe { a.column(j) }.fill(T::zero());
    }
}
