//! The matrix products that carry the work, and loops over columns for what is left.
//!
//! The products are those of the `matrixmultiply` crate, through ndarray: they have a kernel for
//! every scalar and run on one thread.

use crate::element::Scalar;
use ndarray::linalg::general_mat_mul;
use ndarray::{ArrayView2, ArrayViewMut2, ShapeBuilder};

/// Rows × columns of a column-major slice with this leading dimension.
pub(super) fn view<T>(slice: &[T], ld: usize, rows: usize, cols: usize) -> ArrayView2<'_, T> {
    ArrayView2::from_shape((rows, cols).strides(strides(ld, rows, cols)), slice).expect(IN_SLICE)
}

/// As [`view`].
pub(super) fn view_mut<T>(
    slice: &mut [T],
    ld: usize,
    rows: usize,
    cols: usize,
) -> ArrayViewMut2<'_, T> {
    let strides = strides(ld, rows, cols);
    ArrayViewMut2::from_shape((rows, cols).strides(strides), slice).expect(IN_SLICE)
}

const IN_SLICE: &str = "the block is in the slice";

/// What is empty lies nowhere.
fn strides(ld: usize, rows: usize, cols: usize) -> (usize, usize) {
    if rows == 0 || cols == 0 { (0, 0) } else { (1, ld) }
}

/// c = a b.
pub(super) fn set_product<T: Scalar>(
    c: &mut ArrayViewMut2<'_, T>,
    a: &ArrayView2<'_, T>,
    b: &ArrayView2<'_, T>,
) {
    general_mat_mul(T::one(), a, b, T::zero(), c);
}

/// c = c − a b.
pub(super) fn subtract_product<T: Scalar>(
    c: &mut ArrayViewMut2<'_, T>,
    a: &ArrayView2<'_, T>,
    b: &ArrayView2<'_, T>,
) {
    if !c.is_empty() && !b.is_empty() {
        general_mat_mul(-T::one(), a, b, T::one(), c);
    }
}

/// y = y − x·factor.
#[inline(always)]
pub(super) fn subtract_scaled<T: Scalar>(y: &mut [T], x: &[T], factor: T) {
    for (y, &x) in y.iter_mut().zip(x) {
        *y = *y - x * factor;
    }
}
