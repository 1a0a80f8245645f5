//! General matrices: LU with partial pivoting by halves, U⁻¹, then X L = U⁻¹ from the last block
//! column on, and last the columns exchanged.
//!
//! Higham, *Accuracy and Stability of Numerical Algorithms*, 2nd ed., section 14.3, method B.

use super::triangular::{invert_lower, solve_lower};
use super::update::{subtract_product, subtract_scaled, two_columns, view, view_mut};
use super::{BLOCK, Divisor, Work, room, size};
use crate::determinant::Product;
use crate::element::Scalar;
use crate::engine::{Ask, Breakdown, Facts, overflown_pivot, tiny_pivot};
use crate::layout;
use crate::native::set::vectorized;
use ndarray::{ArrayView2, ArrayViewMut2, Axis, s};

/// Below this many columns elimination goes column by column.
const LEAF: usize = 16;

/// Inverts any matrix.
pub(super) fn invert<T: Scalar>(
    work: &mut Work<T>,
    n: usize,
    a: &mut [T],
    ask: Ask,
) -> Result<Facts<T>, Breakdown> {
    let Work { blocks, exchanges, .. } = work;
    exchanges.clear();
    exchanges.extend(0..n);
    factor(view_mut(a, n, n, n), exchanges).map_err(Breakdown::ZeroPivot)?;
    let overflow = overflown_pivot(n, a);
    if ask.wary
        && let Some(step) = tiny_pivot(n, a)
    {
        return Err(Breakdown::TinyPivot(step));
    }
    let determinant = ask.determinant.then(|| {
        let mut product = Product::new();
        for (k, &with) in exchanges.iter().enumerate() {
            product.times(a[k * n + k]);
            if with != k {
                product.flip();
            }
        }
        product.sign_and_log()
    });
    // (U⁻¹)ᵀ = (Uᵀ)⁻¹, beside which Lᵀ is not touched.
    layout::transpose(n, a);
    invert_lower(blocks, n, a);
    layout::transpose(n, a);
    let copy = room(blocks, n * BLOCK);
    for start in (0..n).step_by(BLOCK).rev() {
        let end = n.min(start + BLOCK);
        let width = end - start;
        let (columns, done) = a.split_at_mut(end * n);
        let columns = &mut columns[start * n..];
        let height = n - start;
        for (j, (column, copy)) in
            columns.chunks_exact_mut(n).zip(copy.chunks_exact_mut(height)).enumerate()
        {
            copy[..j].fill(T::zero());
            copy[j] = T::one();
            copy[j + 1..].copy_from_slice(&column[start + j + 1..]);
            column[start + j + 1..].fill(T::zero());
        }
        let l = view(copy, height, height, width);
        let mut target = view_mut(columns, n, n, width);
        let done = view(done, n, n, n - end);
        subtract_product(&mut target, &done, &l.slice(s![width.., ..]));
        solve_lower(target, &l.slice(s![..width, ..]));
    }
    for (k, &with) in exchanges.iter().enumerate().rev() {
        if k != with {
            let (left, right) = a.split_at_mut(with * n);
            left[k * n..][..n].swap_with_slice(&mut right[..n]);
        }
    }
    Ok(Facts { rcond: None, determinant, overflow })
}

/// LU of a matrix with at least as many rows as columns. `Err` is the first step without a pivot.
fn factor<T: Scalar>(mut a: ArrayViewMut2<'_, T>, exchanges: &mut [usize]) -> Result<(), usize> {
    let columns = a.ncols();
    if columns <= LEAF {
        return vectorized(|| factor_small(&mut a, exchanges));
    }
    let half = columns / 2;
    let (mut left, mut right) = a.split_at(Axis(1), half);
    let (first, last) = exchanges.split_at_mut(half);
    factor(left.view_mut(), first)?;
    exchange_rows(&mut right, first);
    let (mut above, mut below) = right.split_at(Axis(0), half);
    solve_unit(above.view_mut(), &left.slice(s![..half, ..]));
    subtract_product(&mut below, &left.slice(s![half.., ..]), &above.view());
    let (_, mut left_below) = left.split_at(Axis(0), half);
    // The rows of the right half count from `half` on.
    last.iter_mut().enumerate().for_each(|(k, with)| *with = k);
    factor(below, last).map_err(|step| half + step)?;
    exchange_rows(&mut left_below, last);
    for with in last {
        *with += half;
    }
    Ok(())
}

fn exchange_rows<T>(a: &mut ArrayViewMut2<'_, T>, exchanges: &[usize]) {
    for mut column in a.columns_mut() {
        let column = column.as_slice_mut().expect("columns have no gaps");
        exchanges.iter().enumerate().for_each(|(k, &with)| column.swap(k, with));
    }
}

#[inline(always)]
fn factor_small<T: Scalar>(
    a: &mut ArrayViewMut2<'_, T>,
    exchanges: &mut [usize],
) -> Result<(), usize> {
    for k in 0..a.ncols() {
        for j in 0..k {
            let (to, from) = two_columns(a, k, j);
            let factor = to[j];
            subtract_scaled(&mut to[j + 1..], &from[j + 1..], factor);
        }
        let column = a.column(k);
        let mut found = (k, size(column[k]));
        for (i, &x) in column.iter().enumerate().skip(k + 1) {
            if size(x) > found.1 {
                found = (i, size(x));
            }
        }
        if found.1 == 0.0 {
            return Err(k);
        }
        exchanges[k] = found.0;
        if found.0 != k {
            for mut column in a.columns_mut() {
                column.swap(k, found.0);
            }
        }
        let divisor = Divisor::new(a[[k, k]]);
        a.column_mut(k).iter_mut().skip(k + 1).for_each(|x| *x = divisor.of(*x));
    }
    Ok(())
}

/// Replaces B by the X of L X = B, where L has ones on its diagonal.
fn solve_unit<T: Scalar>(mut b: ArrayViewMut2<'_, T>, l: &ArrayView2<'_, T>) {
    let n = l.nrows();
    if n > LEAF {
        let half = n / 2;
        let (mut first, mut last) = b.split_at(Axis(0), half);
        solve_unit(first.view_mut(), &l.slice(s![..half, ..half]));
        subtract_product(&mut last, &l.slice(s![half.., ..half]), &first.view());
        return solve_unit(last, &l.slice(s![half.., half..]));
    }
    vectorized(|| {
        for mut column in b.columns_mut() {
            let column = column.as_slice_mut().expect("columns have no gaps");
            for k in 0..n {
                let factor = column[k];
                let l = l.column(k).to_slice().expect("columns have no gaps");
                subtract_scaled(&mut column[k + 1..], &l[k + 1..], factor);
            }
        }
    });
}
