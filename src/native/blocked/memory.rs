//! The memory of the two sweeps, and which part of it is whose.

use super::exchange::Room;
use super::kernel::Kernel;
use super::matrix::Matrix;
use super::sizes::Sizes;
use crate::element::Scalar;
use std::ops::Range;

/// What to find out of the rows of the inverse.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Of {
    Nothing,
    /// A number for some of them, which is NaN if they are not finite.
    Finite,
    /// The sum of the sizes in each.
    Sums,
}

/// The memory of an inversion.
#[derive(Clone, Copy)]
pub(super) struct Memory<T> {
    /// The matrix, if it is not in `a` yet; only read.
    pub(super) source: Option<Matrix<T>>,
    /// The matrix; then U⁻¹ above the diagonal and L below; then the inverse.
    pub(super) a: Matrix<T>,
    /// A block of columns, where those of `a` lie badly.
    pub(super) aside: Option<Matrix<T>>,
    /// L and U of the block under way.
    pub(super) factors: Matrix<T>,
    /// The same of every block, in strips of columns.
    pub(super) diagonal: Matrix<T>,
    /// Inverses of the pivots of the block under way.
    pub(super) inverses: Matrix<T>,
    /// Strips of columns of a block that is being factored.
    pub(super) squares: Matrix<T>,
    /// Strips of rows: for every chunk if a team shares them, and for every thread.
    pub(super) rows: Matrix<T>,
    /// Strips of columns: rows of U, then rows of L.
    pub(super) columns: Matrix<T>,
    /// The pivots.
    pub(super) pivots: Matrix<T>,
    /// The row with which each one was exchanged, counted from the first row of its block.
    pub(super) exchanged: Matrix<usize>,
    /// The row of a block of columns of L that ends up in each place.
    pub(super) order: Matrix<usize>,
    /// The row that the last block has exchanged to each place; before that, see
    /// [`room`](Memory::room).
    pub(super) place: Matrix<usize>,
    /// The column of X that comes to each place of the inverse; before that, see
    /// [`room`](Memory::room).
    pub(super) columns_order: Matrix<usize>,
    /// The cycles of that, or its inverse; before that, see
    /// [`room`](Memory::room).
    pub(super) cycles: Matrix<usize>,
    /// Where the inverse is to be: in `a`, or in another matrix.
    pub(super) result: Matrix<T>,
    /// If asked for: the largest size above the diagonal in every column of U.
    pub(super) above: Option<Matrix<T>>,
    /// What is asked of the rows of the inverse: see [`Of`].
    pub(super) sums: Matrix<f64>,
    pub(super) of_rows: Of,
}

impl<T: Scalar> Memory<T> {
    /// Memory for an [`Exchange`](super::exchange::Exchange), during the first sweep: the indices
    /// that only the second one needs.
    ///
    /// # Safety
    ///
    /// It is used up before anybody gets it again.
    pub(super) unsafe fn room(&self) -> Room<'_> {
        // SAFETY: three parts of memory; for the rest, the caller's promise.
        unsafe {
            Room {
                place: self.place.column(0),
                from: self.columns_order.column(0),
                to: self.cycles.column(0),
            }
        }
    }

    /// The columns of a block from its first row on, or the place where it is factored.
    pub(super) fn panel(&self, sizes: &Sizes, block: usize) -> Matrix<T> {
        let columns = sizes.columns_of(block);
        match self.aside {
            Some(aside) => aside.part(0..sizes.n - columns.start, 0..columns.len()),
            None => self.a.part(columns.start..sizes.n, columns),
        }
    }

    /// Brings columns from the source, if there is one.
    pub(super) fn bring(&self, columns: Range<usize>) {
        let n = self.a.rows();
        if let Some(source) = self.source {
            self.a.part(0..n, columns.clone()).copy_from(source.part(0..n, columns));
        }
    }

    /// Strips of rows of a thread or a chunk.
    pub(super) fn rows_of(&self, index: usize, sizes: &Sizes, kernel: &Kernel<T>) -> Matrix<T> {
        let each = sizes.columns_of_rows(kernel);
        self.rows.part(0..kernel.high(), index * each..(index + 1) * each)
    }

    /// Strips of columns with L and U of a block.
    pub(super) fn diagonal_of(&self, block: usize, sizes: &Sizes, kernel: &Kernel<T>) -> Matrix<T> {
        let each = sizes.block * sizes.block / kernel.wide();
        self.diagonal.part(0..kernel.wide(), block * each..(block + 1) * each)
    }

    /// Strips of columns with the rows that a block has in L, of the columns of a span of blocks to
    /// its left.
    pub(super) fn l_of(
        &self,
        block: usize,
        span: &Range<usize>,
        sizes: &Sizes,
        kernel: &Kernel<T>,
    ) -> Matrix<T> {
        let wide = kernel.wide();
        let (start, end) = (sizes.l_until(span, block), sizes.l_until(span, block + 1));
        self.columns.part(0..wide, start / wide..end / wide)
    }
}
