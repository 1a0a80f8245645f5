//! The memory of the two sweeps, and which part of it is whose.

use crate::blocked::exchange::Room;
use crate::blocked::kernel::Kernel;
use crate::blocked::sizes::Sizes;
use crate::scalar::Scalar;
use crate::shared_matrix::Matrix;
use std::ops::Range;

/// What to find out of the rows of the inverse.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Of {
    Nothing,
    /// A number for some of them, which is NaN if they are not finite.
    Finite,
    /// The sum of the sizes in each.
    Sums,
}

/// The memory of an inversion.
#[derive(Clone, Copy)]
pub(crate) struct Memory<T> {
    /// The matrix, if it is not in `a` yet; only read.
    pub(crate) source: Option<Matrix<T>>,
    /// The matrix; then U⁻¹ above the diagonal and L below; then the inverse.
    pub(crate) a: Matrix<T>,
    /// A block of columns, where those of `a` lie badly.
    pub(crate) aside: Option<Matrix<T>>,
    /// L and U of the block under way.
    pub(crate) factors: Matrix<T>,
    /// The same of every block, in strips of columns.
    pub(crate) diagonal: Matrix<T>,
    /// Inverses of the pivots of the block under way.
    pub(crate) inverses: Matrix<T>,
    /// Strips of columns of a block that is being factored.
    pub(crate) squares: Matrix<T>,
    /// Strips of rows: for every chunk if a team shares them, and for every thread.
    pub(crate) rows: Matrix<T>,
    /// Strips of columns: rows of U, then rows of L.
    pub(crate) columns: Matrix<T>,
    /// The pivots.
    pub(crate) pivots: Matrix<T>,
    /// The row with which each one was exchanged, counted from the first row of its block.
    pub(crate) ipiv: Matrix<usize>,
    /// The row of a block of columns of L that ends up in each place.
    pub(crate) order: Matrix<usize>,
    /// The row that the last block has exchanged to each place; before that, see
    /// [`room`](Memory::room).
    pub(crate) place: Matrix<usize>,
    /// The column of X that comes to each place of the inverse; before that, see
    /// [`room`](Memory::room).
    pub(crate) columns_order: Matrix<usize>,
    /// The cycles of that, or its inverse; before that, see
    /// [`room`](Memory::room).
    pub(crate) cycles: Matrix<usize>,
    /// Where the inverse is to be: in `a`, or in another matrix.
    pub(crate) result: Matrix<T>,
    /// If asked for: the largest size above the diagonal in every column of U.
    pub(crate) above: Option<Matrix<T>>,
    /// What is asked of the rows of the inverse: see [`Of`].
    pub(crate) sums: Matrix<f64>,
    pub(crate) of_rows: Of,
}

impl<T: Scalar> Memory<T> {
    /// Memory for an [`Exchange`](crate::blocked::exchange::Exchange), during the first sweep: the indices
    /// that only the second one needs.
    ///
    /// # Safety
    ///
    /// It is used up before anybody gets it again.
    pub(crate) unsafe fn room(&self) -> Room<'_> {
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
    pub(crate) fn panel(&self, sizes: &Sizes, block: usize) -> Matrix<T> {
        let columns = sizes.columns_of(block);
        match self.aside {
            Some(aside) => aside.part(0..sizes.n - columns.start, 0..columns.len()),
            None => self.a.part(columns.start..sizes.n, columns),
        }
    }

    /// Brings columns from the source, if there is one.
    pub(crate) fn copy_in(&self, columns: Range<usize>) {
        let n = self.a.rows();
        if let Some(source) = self.source {
            self.a.part(0..n, columns.clone()).copy_from(source.part(0..n, columns));
        }
    }

    /// Strips of rows of a thread or a chunk.
    pub(crate) fn rows_of(&self, index: usize, sizes: &Sizes, kernel: &Kernel<T>) -> Matrix<T> {
        let each = sizes.columns_of_rows(kernel);
        self.rows.part(0..kernel.mr(), index * each..(index + 1) * each)
    }

    /// Strips of columns with L and U of a block.
    pub(crate) fn diagonal_of(&self, block: usize, sizes: &Sizes, kernel: &Kernel<T>) -> Matrix<T> {
        let each = sizes.block * sizes.block / kernel.nr();
        self.diagonal.part(0..kernel.nr(), block * each..(block + 1) * each)
    }

    /// Strips of columns with the rows that a block has in L, of the columns of a span of blocks to
    /// its left.
    pub(crate) fn l_of(
        &self,
        block: usize,
        span: &Range<usize>,
        sizes: &Sizes,
        kernel: &Kernel<T>,
    ) -> Matrix<T> {
        let nr = kernel.nr();
        let (start, end) = (sizes.l_until(span, block), sizes.l_until(span, block + 1));
        self.columns.part(0..nr, start / nr..end / nr)
    }
}
