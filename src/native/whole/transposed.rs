//! Products with transposed blocks: the one that ends an inversion, and its operands.

use super::update::{set_product, view, view_mut};
use super::{BLOCK, room};
use crate::element::Scalar;
use crate::native::blocked::Team;
use ndarray::{ArrayView2, Axis, s};

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

/// Columns of a product between two looks whether the work is to go on.
const BETWEEN_LOOKS: usize = 512;

/// Replaces the lower triangle, that of X, by that of Xᴴ W X (or Xᵀ W X), where W is the
/// Hermitian (symmetric) matrix by which `weigh` multiplies some rows of X from the left. `cuts`
/// are the ends of blocks of at most `BLOCK + 1` rows that W does not join. Left unfinished if the team is
/// cancelled.
pub(super) fn weighed_square<T: Scalar>(
    team: &dyn Team,
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
        for first in (0..start).step_by(BETWEEN_LOOKS) {
            if team.is_cancelled() {
                return;
            }
            let columns = start.min(first + BETWEEN_LOOKS) - first;
            let mut before = before.slice_mut(s![.., first..first + columns]);
            let x = view(&a[first * n + start..], n, height, columns);
            set_product(&mut before, &factor.t(), &x);
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
