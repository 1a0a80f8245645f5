//! LU with partial pivoting of a block of columns: halves of halves, down to a leaf.

use crate::blocked::exchange::{Exchange, Room};
use crate::blocked::kernel::{GROUP, Kernel};
use crate::blocked::leaf;
use crate::blocked::strips::{strip_at, strips_of};
use crate::scalar::Scalar;
use crate::shared_matrix::Matrix;

/// What factors a few columns.
pub(crate) type Leaf<'a, T> = dyn Fn(Matrix<T>, &mut [usize]) -> Option<usize> + 'a;

/// Factors a block of columns in place. `exchanged` says for each of its columns which row was
/// exchanged with that of its number, in this order. `strips` is memory for strips of columns, a
/// square of the width of the block, `room` that for the exchanges. `leaf` factors a few columns and
/// tells the rows exchanged, or the column that has no pivot.
///
/// # Errors
///
/// The first column without a pivot.
pub(crate) fn factor<T: Scalar>(
    kernel: &Kernel<T>,
    a: Matrix<T>,
    ipiv: &mut [usize],
    strips: Matrix<T>,
    room: &mut Room<'_>,
    leaf: &Leaf<'_, T>,
) -> Result<(), usize> {
    let (rows, columns) = (a.rows(), a.columns());
    if columns <= leaf::WIDTH {
        return leaf(a, ipiv).map_or(Ok(()), Err);
    }
    let half = (columns / 2).next_multiple_of(GROUP);
    let (first, second) = ipiv.split_at_mut(half);
    let left = a.part(0..rows, 0..half);
    let right = a.part(0..rows, half..columns);
    factor(kernel, left, first, strips, room, leaf)?;
    let (l, l_below) = (left.part(0..half, 0..half), left.part(half..rows, 0..half));
    let (u, below) =
        (right.part(0..half, 0..columns - half), right.part(half..rows, 0..columns - half));
    let nr = kernel.nr();
    let each_strip = || strips_of(0..columns - half, nr).enumerate();
    let exchange = Exchange::new(first, rows, room);
    for (at, here) in each_strip() {
        exchange.take(kernel, right.part(0..rows, here), strip_at(strips, at, half), half);
    }
    kernel.solve_left(l, strips, half, (columns - half).div_ceil(nr));
    for (at, here) in each_strip() {
        kernel.unpack_columns(strip_at(strips, at, half), u.part(0..half, here));
    }
    kernel.update_from(l_below, strips, half, below);
    factor(kernel, below, second, strips, room, leaf).map_err(|column| half + column)?;
    swap_rows(l_below, second);
    for row in second {
        *row += half;
    }
    Ok(())
}

/// Exchanges row i with row `exchanged[i]`, for i = 0, 1, …
fn swap_rows<T: Scalar>(a: Matrix<T>, ipiv: &[usize]) {
    assert!(ipiv.len() <= a.rows() && ipiv.iter().all(|&row| row < a.rows()), "rows");
    for j in 0..a.columns() {
        let column = a.pointer().wrapping_add(j * a.stride());
        for (i, &other) in ipiv.iter().enumerate() {
            // SAFETY: rows of a column of `a`, as was looked at.
            unsafe { std::ptr::swap(column.add(i), column.add(other)) };
        }
    }
}
