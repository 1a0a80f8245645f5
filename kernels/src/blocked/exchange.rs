//! Exchanges of rows as what they come to: which row ends up in each place.

use crate::blocked::kernel::Kernel;
use crate::blocked::strips::zero;
use crate::scalar::Scalar;
use crate::shared_matrix::Matrix;
use std::ops::Range;

/// Rows of a matrix in some order, each of them below `end`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Rows<'a> {
    order: &'a [usize],
    end: usize,
}

impl<'a> Rows<'a> {
    /// Looks that all of them are below `end`.
    pub(crate) fn new(order: &'a [usize], end: usize) -> Self {
        assert!(order.iter().all(|&row| row < end), "rows beyond {end}");
        Rows { order, end }
    }

    /// Some of them.
    pub(crate) fn part(self, part: Range<usize>) -> Self {
        Rows { order: &self.order[part], ..self }
    }

    pub(crate) fn order(self) -> &'a [usize] {
        self.order
    }

    /// What all of them are below.
    pub(crate) fn end(self) -> usize {
        self.end
    }
}

/// Memory for an [`Exchange`].
pub(crate) struct Room<'a> {
    /// As many as the matrix has rows, at least.
    pub(crate) place: &'a mut [usize],
    /// As many as rows are exchanged, at least.
    pub(crate) from: &'a mut [usize],
    /// As many as in `from`.
    pub(crate) to: &'a mut [usize],
}

/// What the exchanges of the first rows of a matrix, each with itself or one below it, come to.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Exchange<'a> {
    /// The rows that come to the first places.
    first: Rows<'a>,
    /// First rows that go to places behind them, and these places.
    from: Rows<'a>,
    to: Rows<'a>,
}

impl<'a> Exchange<'a> {
    /// Of a matrix of `rows` rows, row i is exchanged with row `exchanged[i] ≥ i`, for i = 0, 1, …
    pub(crate) fn new(ipiv: &[usize], rows: usize, room: &'a mut Room<'_>) -> Self {
        let count = ipiv.len();
        let place = &mut room.place[..rows];
        for i in (0..count).chain(ipiv.iter().copied()) {
            place[i] = i;
        }
        for (i, &other) in ipiv.iter().enumerate() {
            place.swap(i, other);
        }
        let mut moves = 0;
        // A place comes twice if its row was exchanged twice; then so does its move.
        for &to in ipiv.iter().filter(|&&to| to >= count) {
            // Others come to the first places, to stay.
            assert!(place[to] < count, "only first rows leave for places behind");
            (room.from[moves], room.to[moves]) = (place[to], to);
            moves += 1;
        }
        // Every one of `exchanged` is a place, and what is there is one, too.
        Exchange {
            first: Rows { order: &place[..count], end: rows },
            from: Rows { order: &room.from[..moves], end: count },
            to: Rows { order: &room.to[..moves], end: rows },
        }
    }

    /// Copies the rows that come to the first places to a strip of `depth` rows, filled up with
    /// zeros, and brings the others to their places. What the first places hold then is of no use.
    pub(crate) fn take<T: Scalar>(
        &self,
        kernel: &Kernel<T>,
        a: Matrix<T>,
        strip: Matrix<T>,
        depth: usize,
    ) {
        let count = self.first.order.len();
        if self.to.order.is_empty() && self.first.order.is_sorted() {
            return kernel.pack_columns(a.part(0..count, 0..a.columns()), strip, depth);
        }
        kernel.gather(self.first, a, strip);
        zero(strip, count..depth);
        kernel.move_rows(self.from, self.to, a);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{Parts, for_every_scalar, sets};
    use proptest::prelude::*;

    /// As when the rows are exchanged one after the other, by every set.
    fn comes_to_the_exchanges<T: Parts>(rows: usize, ipiv: &[usize]) {
        let count = ipiv.len();
        let depth = count.next_multiple_of(8);
        for set in sets() {
            let kernel = Kernel::<T>::of(set);
            let nr = kernel.nr();
            for columns in [1, nr - 1, nr] {
                let what = format!("{} {}, {columns} columns", set.name(), T::NAME);
                let number = |at: usize| T::of((at + 1) as f64, at as f64);
                let mut a: Vec<T> = (0..columns * rows).map(number).collect();
                let mut expected = a.clone();
                for column in expected.chunks_exact_mut(rows) {
                    ipiv.iter().enumerate().for_each(|(i, &other)| column.swap(i, other));
                }
                let mut strip = vec![T::nan(); nr * depth];
                let [mut place, mut from, mut to] = [vec![0; rows], vec![0; count], vec![0; count]];
                let mut room = Room { place: &mut place, from: &mut from, to: &mut to };
                Exchange::new(ipiv, rows, &mut room).take(
                    &kernel,
                    Matrix::new(&mut a, rows, rows, columns),
                    Matrix::new(&mut strip, nr, nr, depth),
                    depth,
                );
                for (i, row) in strip.chunks_exact(nr).enumerate() {
                    for (j, &x) in row.iter().enumerate() {
                        let inside = i < count && j < columns;
                        let wanted = if inside { expected[j * rows + i] } else { T::zero() };
                        assert_eq!(x, wanted, "{what}: ({i}, {j})");
                    }
                }
                for (column, wanted) in a.chunks_exact(rows).zip(expected.chunks_exact(rows)) {
                    assert_eq!(column[count..], wanted[count..], "{what}");
                }
            }
        }
    }

    proptest! {
        #[test]
        fn comes_to_the_exchanges_one_by_one(
            rows in 1..60usize,
            count in 1..20usize,
            // None of them for some.
            below in prop::collection::vec(prop_oneof![Just(0), 0..1000usize], 20),
            none in prop::bool::weighted(0.1),
        ) {
            let ipiv: Vec<usize> = (0..count.min(rows))
                .map(|i| if none { i } else { i + below[i] % (rows - i) })
                .collect();
            for_every_scalar!(comes_to_the_exchanges(rows, &ipiv));
        }
    }
}
