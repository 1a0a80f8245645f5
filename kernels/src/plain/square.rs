//! Products with transposed blocks: the one that ends an inversion, and its operands.

use crate::contract::Team;
use crate::plain::gemm::{Block, set_product};
use crate::plain::{BLOCK, room};
use crate::scalar::Scalar;

/// The transpose of a block with leading dimension `ld`, conjugated or not.
pub(crate) fn transpose_of<'a, T: Scalar>(
    memory: &'a mut [T],
    block: &[T],
    ld: usize,
    rows: usize,
    columns: usize,
    conjugated: bool,
) -> Block<'a, T> {
    let memory = &mut memory[..rows * columns];
    let conjugated = conjugated && T::COMPLEX;
    for (i, to) in memory.chunks_exact_mut(columns).enumerate() {
        for (j, to) in to.iter_mut().enumerate() {
            let from = block[j * ld + i];
            *to = if conjugated { from.conj() } else { from };
        }
    }
    Block::new(memory, columns, columns, rows)
}

/// Columns of a product between two looks whether the work is to go on.
const BETWEEN_LOOKS: usize = 512;

/// Replaces the lower triangle, that of X, by that of Xᴴ W X (or Xᵀ W X), where W is the
/// Hermitian (symmetric) matrix by which `weigh` multiplies some rows of X from the left. `cuts`
/// are the ends of blocks of at most `BLOCK + 1` rows that W does not join. Left unfinished if the team is
/// cancelled.
pub(crate) fn weighed_square<T: Scalar>(
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
        let factor = Block::new(weighed, height, height, width).transposed();
        let left = &mut product[..width * end];
        let here = &mut left[start * width..];
        set_product(here, width, factor, Block::new(plain, height, height, width));
        for first in (0..start).step_by(BETWEEN_LOOKS) {
            if team.is_cancelled() {
                return;
            }
            let columns = start.min(first + BETWEEN_LOOKS) - first;
            let x = Block::new(&a[first * n + start..], n, height, columns);
            set_product(&mut left[first * width..], width, factor, x);
        }
        for j in 0..end {
            for i in start.max(j)..end {
                a[j * n + i] = left[j * width + i - start];
            }
            if conjugated && j >= start {
                let diagonal = &mut a[j * n + j];
                *diagonal = T::from_f64(diagonal.re().into());
            }
        }
        start = end;
    }
}
