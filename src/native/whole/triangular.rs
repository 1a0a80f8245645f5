//! Lower triangular matrices: inverses, solutions, and the product that ends an inversion.
//!
//! Higham, *Accuracy and Stability of Numerical Algorithms*, 2nd ed., section 14.2: by block
//! columns from the last one on, with substitution (not an inverse) for the block on the diagonal.

use super::update::{
    add_product, set_product, subtract_product, subtract_scaled, two_columns, view, view_mut,
};
use super::{BLOCK, Divisor, room};
use crate::element::Scalar;
use crate::native::set::vectorized;
use ndarray::{ArrayView2, ArrayViewMut2, Axis, s};

/// Below this order substitution goes column by column.
const LEAF: usize = 16;

/// Replaces the lower triangle of a matrix of order `n` by its inverse; the strictly upper one is
/// not touched. The diagonal has no zero.
pub(super) fn invert_lower<T: Scalar>(blocks: &mut Vec<T>, n: usize, a: &mut [T]) {
    let buffer = room(blocks, n * BLOCK + BLOCK * BLOCK);
    let (copy, corner) = buffer.split_at_mut(n * BLOCK);
    for start in (0..n).step_by(BLOCK).rev() {
        let end = n.min(start + BLOCK);
        let width = end - start;
        let (columns, inverted) = a.split_at_mut(end * n);
        let columns = &mut columns[start * n..];
        let below = n - end;
        if below > 0 {
            // X₂₁ = −X₂₂ L₂₁ L₁₁⁻¹, with X₂₂ = L₂₂⁻¹ there already.
            let copy = &mut copy[..below * width];
            view_mut(copy, below, below, width)
                .assign(&view(columns, n, n, width).slice(s![end.., ..]));
            let copy = view(copy, below, below, width);
            for first in (0..below).step_by(BLOCK) {
                let last = below.min(first + BLOCK);
                let rows = s![end + first..end + last, ..];
                let factor = view(&inverted[end + first..], n, last - first, first);
                let triangle = lower_of(
                    corner,
                    &view(&inverted[first * n + end + first..], n, last - first, last - first),
                );
                let mut target = view_mut(columns, n, n, width).slice_move(rows);
                set_product(&mut target, &triangle, &copy.slice(s![first..last, ..]));
                add_product(&mut target, &factor, &copy.slice(s![..first, ..]));
            }
        }
        let block = view_mut(&mut columns[start..], n, n - start, width);
        let (mut diagonal, mut rest) = block.split_at(Axis(0), width);
        rest.mapv_inplace(|x| -x);
        solve_lower(rest, &diagonal.view());
        vectorized(|| invert_small(&mut diagonal));
    }
}

/// A square block without what is above its diagonal.
fn lower_of<'a, T: Scalar>(memory: &'a mut [T], block: &ArrayView2<'_, T>) -> ArrayView2<'a, T> {
    let order = block.nrows();
    let memory = &mut memory[..order * order];
    for ((to, from), j) in memory.chunks_exact_mut(order).zip(block.columns()).zip(0..) {
        to[..j].fill(T::zero());
        for (to, &from) in to[j..].iter_mut().zip(from.iter().skip(j)) {
            *to = from;
        }
    }
    view(memory, order, order, order)
}

/// Column by column, for one block.
#[inline(always)]
fn invert_small<T: Scalar>(a: &mut ArrayViewMut2<'_, T>) {
    let n = a.nrows();
    for j in (0..n).rev() {
        let divisor = Divisor::new(a[[j, j]]);
        // The rest of the column is X₂₂ l, in its place.
        for k in (j + 1..n).rev() {
            let (to, from) = two_columns(a, j, k);
            let factor = -to[k];
            subtract_scaled(&mut to[k + 1..], &from[k + 1..], factor);
            to[k] = -factor * from[k];
        }
        a[[j, j]] = divisor.of(T::one());
        for i in j + 1..n {
            a[[i, j]] = divisor.of(-a[[i, j]]);
        }
    }
}

/// Replaces B by the X of X L = B.
pub(super) fn solve_lower<T: Scalar>(mut b: ArrayViewMut2<'_, T>, l: &ArrayView2<'_, T>) {
    let n = l.nrows();
    if b.is_empty() {
        return;
    }
    if n > LEAF {
        let half = n / 2;
        let (mut first, mut last) = b.split_at(Axis(1), half);
        solve_lower(last.view_mut(), &l.slice(s![half.., half..]));
        subtract_product(&mut first, &last.view(), &l.slice(s![half.., ..half]));
        return solve_lower(first, &l.slice(s![..half, ..half]));
    }
    vectorized(|| {
        for j in (0..n).rev() {
            for k in j + 1..n {
                let (to, from) = two_columns(&mut b, j, k);
                subtract_scaled(to, from, l[[k, j]]);
            }
            divide(&mut b, j, l[[j, j]]);
        }
    });
}

/// Replaces B by the X of X Lᴴ = B.
pub(super) fn solve_adjoint<T: Scalar>(
    mut b: ArrayViewMut2<'_, T>,
    l: &ArrayView2<'_, T>,
    corner: &mut [T],
) {
    let n = l.nrows();
    if b.is_empty() {
        return;
    }
    if n > LEAF {
        let half = n / 2;
        let (mut first, mut last) = b.split_at(Axis(1), half);
        solve_adjoint(first.view_mut(), &l.slice(s![..half, ..half]), corner);
        let adjoint = adjoint_of(corner, &l.slice(s![half.., ..half]));
        subtract_product(&mut last, &first.view(), &adjoint);
        return solve_adjoint(last, &l.slice(s![half.., half..]), corner);
    }
    vectorized(|| {
        for j in 0..n {
            for k in 0..j {
                let (to, from) = two_columns(&mut b, j, k);
                subtract_scaled(to, from, l[[j, k]].conj());
            }
            divide(&mut b, j, l[[j, j]]);
        }
    });
}

#[inline(always)]
fn divide<T: Scalar>(b: &mut ArrayViewMut2<'_, T>, j: usize, by: T) {
    if by != T::one() {
        let divisor = Divisor::new(by);
        b.column_mut(j).iter_mut().for_each(|x| *x = divisor.of(*x));
    }
}

/// The conjugate transpose of a block.
pub(super) fn adjoint_of<'a, T: Scalar>(
    memory: &'a mut [T],
    block: &ArrayView2<'_, T>,
) -> ArrayView2<'a, T> {
    transpose_of(memory, block, true)
}

/// The transpose of a block, conjugated or not.
pub(super) fn transpose_of<'a, T: Scalar>(
    memory: &'a mut [T],
    block: &ArrayView2<'_, T>,
    conjugated: bool,
) -> ArrayView2<'a, T> {
    let (rows, cols) = block.dim();
    let memory = &mut memory[..rows * cols];
    let conjugated = conjugated && T::COMPLEX;
    view_mut(memory, cols, cols, rows).zip_mut_with(&block.t(), |to, &from| {
        *to = if conjugated { from.conj() } else { from };
    });
    view(memory, cols, cols, rows)
}

/// Replaces the lower triangle, that of X, by that of Xᴴ W X (or Xᵀ W X), where W is the
/// Hermitian (symmetric) matrix by which `weigh` multiplies some rows of X from the left. `cuts`
/// are the ends of blocks of at most `BLOCK + 1` rows that W does not join.
pub(super) fn weighed_square<T: Scalar>(
    blocks: &mut Vec<T>,
    n: usize,
    a: &mut [T],
    conjugated: bool,
    cuts: impl Iterator<Item = usize>,
    weigh: impl Fn(usize, &mut [T]),
) {
    let wide = BLOCK + 1;
    let buffer = room(blocks, 3 * n * wide);
    let (plain, buffer) = buffer.split_at_mut(n * wide);
    let (weighed, product) = buffer.split_at_mut(n * wide);
    let conjugated = conjugated && T::COMPLEX;
    let mut start = 0;
    for end in cuts {
        let (height, width) = (n - start, end - start);
        // Rows from `start` on of the block column, without what is above the diagonal.
        let (plain, weighed) = (&mut plain[..height * width], &mut weighed[..height * width]);
        for j in 0..width {
            let column = &mut plain[j * height..][..height];
            column[..j].fill(T::zero());
            column[j..].copy_from_slice(&a[(start + j) * n..][start + j..n]);
        }
        weighed.copy_from_slice(plain);
        for column in weighed.chunks_exact_mut(height) {
            weigh(start, column);
            if conjugated {
                for x in column {
                    *x = x.conj();
                }
            }
        }
        let factor = view(weighed, height, height, width);
        let mut left = view_mut(product, width, width, end);
        let (mut before, mut here) = left.view_mut().split_at(Axis(1), start);
        set_product(&mut here, &factor.t(), &view(plain, height, height, width));
        if start > 0 {
            set_product(&mut before, &factor.t(), &view(&a[start..], n, height, start));
        }
        for j in 0..end {
            for i in start.max(j)..end {
                a[j * n + i] = left[[i - start, j]];
            }
            if conjugated && j >= start {
                let diagonal = &mut a[j * n + j];
                *diagonal = T::from_f64(diagonal.re().into());
            }
        }
        start = end;
    }
}

/// The ends of blocks of [`BLOCK`] rows.
pub(super) fn cuts(n: usize) -> impl Iterator<Item = usize> {
    (0..n).step_by(BLOCK).map(move |start| n.min(start + BLOCK))
}
