//! How a matrix is cut into blocks: for speed alone, but for the width of a block, on which the
//! order of the sums depends. It depends on nothing but the kernel and the order.

use crate::blocked::kernel::Kernel;
use crate::scalar::Scalar;
use std::ops::Range;

/// The cuts of a matrix.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Sizes {
    /// The order.
    pub(crate) n: usize,
    /// Rows of a strip of rows.
    pub(crate) mr: usize,
    /// Columns of a block, a multiple of every strip.
    pub(crate) block: usize,
    /// Blocks whose part of L is kept beside the matrix at once.
    pub(crate) span: usize,
    /// Chunks of all rows.
    pub(crate) chunks: usize,
    /// Rows that a thread updates at once, at most, whole strips.
    pub(crate) chunk: usize,
    /// Columns that a thread of a team updates at once, whole strips.
    pub(crate) share: usize,
    /// What is worked on beside the matrix.
    pub(crate) aside: Aside,
}

/// What is worked on beside the matrix, in columns that begin cache lines and have places of their
/// own in the cache.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Aside {
    /// Nothing.
    Nothing,
    /// A block while it is factored.
    Block,
    /// All of the matrix.
    Matrix,
}

/// Bytes of strips of rows that stay in the second level of the cache.
const CHUNK_BYTES: usize = 480 << 10;

/// Bytes of a matrix up to which it pays to work on it beside its place, for one thread; two have
/// two caches.
const ASIDE_BYTES: usize = 768 << 10;

/// The same where its columns share places in the cache.
const SHARED_PLACES_BYTES: usize = 4 << 20;

/// The order from which on it pays to factor a block beside a matrix whose columns share places in
/// the cache.
const ASIDE: usize = 1024;

/// Columns of L that are kept beside the matrix: as few as cost nothing measurable.
const SPAN: usize = 1024;

/// Columns that a thread of a team updates at once.
const SHARE: usize = 256;

/// Rows of a task of the first sweep: above the block, its own, below it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Above,
    Diagonal,
    Below,
}

impl Sizes {
    /// The most columns of a block.
    pub(crate) const WIDEST: usize = 240;

    /// Those of a matrix with two triangles.
    pub(crate) fn of<T: Scalar>(kernel: &Kernel<T>, n: usize, threads: usize) -> Self {
        Self::with(kernel, block(kernel, n), n, threads)
    }

    /// Those of a triangle.
    pub(crate) fn of_half<T: Scalar>(kernel: &Kernel<T>, n: usize, threads: usize) -> Self {
        let sizes = Self::with(kernel, block_of_half(kernel, n), n, threads);
        // Tiles on the diagonal begin where strips of rows do.
        Sizes { share: SHARE / sizes.mr * sizes.mr, ..sizes }
    }

    fn with<T: Scalar>(kernel: &Kernel<T>, block: usize, n: usize, threads: usize) -> Self {
        let mr = kernel.mr();
        let strip = block * mr * size_of::<T>();
        let strips = (CHUNK_BYTES / strip).max(1);
        // Some chunks for every thread, where there are that many, and as many for each.
        let all = n.div_ceil(mr);
        let fair = if threads == 1 { 1 } else { 4 * threads };
        let chunks = all.div_ceil(strips).max(fair).next_multiple_of(threads).min(all);
        let chunk = all.div_ceil(chunks) * mr;
        let span = (SPAN / block).max(1);
        let bytes = n * n * size_of::<T>();
        let shares_places = (n * size_of::<T>()).is_multiple_of(1024);
        let most = if shares_places { SHARED_PLACES_BYTES } else { ASIDE_BYTES * threads.min(2) };
        let aside = if bytes <= most {
            Aside::Matrix
        } else if n >= ASIDE && shares_places {
            Aside::Block
        } else {
            Aside::Nothing
        };
        Sizes { n, block, span, mr, chunks, chunk, share: SHARE, aside }
    }

    /// The rows of a chunk of all rows.
    pub(crate) fn chunk_of_rows(&self, index: usize) -> Range<usize> {
        let strips = self.n.div_ceil(self.mr);
        let until = |index: usize| (strips * index / self.chunks * self.mr).min(self.n);
        until(index)..until(index + 1)
    }

    pub(crate) fn blocks(&self) -> usize {
        self.n.div_ceil(self.block)
    }

    pub(crate) fn columns_of(&self, block: usize) -> Range<usize> {
        let first = block * self.block;
        first..(first + self.block).min(self.n)
    }

    /// Scalars of each part of the memory, in the order in which they are taken.
    pub(crate) fn lengths<T: Scalar>(
        &self,
        kernel: &Kernel<T>,
        threads: usize,
        above: bool,
    ) -> [usize; 9] {
        let Sizes { n, block, .. } = *self;
        // The tasks of a step, and two more where they do not fill their chunks.
        let shared = if threads == 1 { 1 } else { n.div_ceil(self.chunk) + 2 };
        let chunks = threads.max(shared);
        let across = n.next_multiple_of(kernel.nr());
        let l = self.spans().map(|span| self.l_until(&span, self.blocks())).max().unwrap_or(0);
        [
            chunks * self.chunk * block,
            l.max(across * block),
            self.blocks() * block * block,
            block * block,
            block * block,
            block,
            n,
            self.stride::<T>() * self.columns_aside(),
            if above { across } else { 0 },
        ]
    }

    /// How many columns are beside the matrix.
    pub(crate) fn columns_aside(&self) -> usize {
        match self.aside {
            Aside::Nothing => 0,
            Aside::Block => self.block,
            Aside::Matrix => self.n,
        }
    }

    /// From column to column of what is beside the matrix: an odd number of cache lines.
    pub(crate) fn stride<T>(&self) -> usize {
        let line = (64 / size_of::<T>()).max(1);
        (self.n.div_ceil(line) | 1) * line
    }

    /// The spans of blocks of the second sweep, the last one first.
    pub(crate) fn spans(&self) -> impl Iterator<Item = Range<usize>> + use<> {
        let span = self.span;
        let mut end = self.blocks();
        std::iter::from_fn(move || {
            let first = end.saturating_sub(span);
            let here = first..std::mem::replace(&mut end, first);
            (!here.is_empty()).then_some(here)
        })
    }

    /// Columns of a span that are to the left of a block, whose L is kept for that block.
    pub(crate) fn l_columns(&self, span: &Range<usize>, block: usize) -> usize {
        // Blocks with others to their right are whole.
        (block.min(span.end) - span.start) * self.block
    }

    /// Scalars of L that are kept for a span, in the rows of the blocks before `block`.
    pub(crate) fn l_until(&self, span: &Range<usize>, block: usize) -> usize {
        let within = block.min(span.end) - span.start;
        let behind = block - block.min(span.end);
        // 0, 1, 2, … blocks to the left of those of the span, all of it to the left of those behind.
        let squares = within * within.saturating_sub(1) / 2 + behind * span.len();
        let missing = if block < self.blocks() {
            0
        } else {
            self.l_columns(span, block - 1) * (block * self.block - self.n)
        };
        squares * self.block * self.block - missing
    }

    /// Columns of the strips of rows of one thread.
    pub(crate) fn columns_of_rows<T: Scalar>(&self, kernel: &Kernel<T>) -> usize {
        self.chunk / kernel.mr() * self.block
    }

    /// How many tasks a step of the first sweep has.
    pub(crate) fn tasks(&self, block: usize) -> usize {
        let columns = self.columns_of(block);
        let parts = [columns.start, columns.len(), self.n - columns.end];
        parts.into_iter().map(|rows| rows.div_ceil(self.chunk)).sum()
    }

    /// The rows of a task of the first sweep.
    pub(crate) fn task(&self, block: usize, mut index: usize) -> (Kind, Range<usize>) {
        let columns = self.columns_of(block);
        let parts = [
            (Kind::Above, 0..columns.start),
            (Kind::Diagonal, columns.clone()),
            (Kind::Below, columns.end..self.n),
        ];
        for (kind, rows) in parts {
            let count = rows.len().div_ceil(self.chunk);
            if index < count {
                let first = rows.start + index * self.chunk;
                return (kind, first..(first + self.chunk).min(rows.end));
            }
            index -= count;
        }
        unreachable!("there are fewer tasks")
    }
}

/// An order as it counts for the width of a block: real numbers of single precision come to the
/// rate of products with narrower ones.
fn weight<T: Scalar>(n: usize) -> usize {
    if !T::COMPLEX && size_of::<T>() == size_of::<f32>() { n / 2 } else { n }
}

/// What the width of every block is a multiple of: every strip of rows is 24 or 48 numbers high, or
/// divides that.
fn unit<T: Scalar>(kernel: &Kernel<T>) -> usize {
    kernel.mr().max(24)
}

/// The columns of a block for an order, as measured.
fn block<T: Scalar>(kernel: &Kernel<T>, n: usize) -> usize {
    let wanted = match weight::<T>(n) {
        0..112 => 24,
        112..224 => 48,
        224..320 => 72,
        320..800 => 96,
        800..1500 => 144,
        _ => Sizes::WIDEST,
    };
    let unit = unit(kernel);
    ((wanted + unit / 2) / unit).max(1) * unit
}

/// The columns of a block of a triangle for an order, as measured: narrower, since the work on the
/// diagonal is a larger part of all.
fn block_of_half<T: Scalar>(kernel: &Kernel<T>, n: usize) -> usize {
    // Single precision again comes to its rate with narrower ones.
    let narrow = if weight::<T>(n) < n { 1100 } else { 800 };
    let wanted: usize = match n {
        0..300 => 24,
        _ if n < narrow => 48,
        300..3000 => 72,
        _ => 144,
    };
    wanted.next_multiple_of(unit(kernel))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn l_is_what_is_to_the_left_of_each_block() {
        let kernel = Kernel::<f64>::best();
        for n in [1, 23, 24, 25, 100, 400, 401, 1100, 2500] {
            let sizes = Sizes::of(&kernel, n, 1);
            for span in sizes.spans() {
                let mut sum = 0;
                for block in span.start..=sizes.blocks() {
                    assert_eq!(sizes.l_until(&span, block), sum, "order {n}, {span:?}, {block}");
                    if block < sizes.blocks() {
                        sum += sizes.l_columns(&span, block) * sizes.columns_of(block).len();
                    }
                }
            }
        }
    }
}
