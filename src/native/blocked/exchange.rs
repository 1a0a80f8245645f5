//! Exchanges of rows as what they come to: which row ends up in each place.

use super::kernel::Kernel;
use super::matrix::Matrix;
use super::strips::zero;
use crate::element::Scalar;
use std::ops::Range;

/// Rows of a matrix in some order, each of them below `end`.
#[derive(Debug, Clone, Copy)]
pub(super) struct Rows<'a> {
    order: &'a [usize],
    end: usize,
}

impl<'a> Rows<'a> {
    /// Looks that all of them are below `end`.
    pub(super) fn new(order: &'a [usize], end: usize) -> Self {
        assert!(order.iter().all(|&row| row < end), "rows beyond {end}");
        Rows { order, end }
    }

    /// Some of them.
    pub(super) fn part(self, part: Range<usize>) -> Self {
        Rows { order: &self.order[part], ..self }
    }

    pub(super) fn order(self) -> &'a [usize] {
        self.order
    }

    /// What all of them are below.
    pub(super) fn end(self) -> usize {
        self.end
    }
}

/// Memory for an [`Exchange`].
pub(super) struct Room<'a> {
    /// As many as the matrix has rows, at least.
    pub(super) place: &'a mut [usize],
    /// As many as rows are exchanged, at least, as in the next one.
    pub(super) from: &'a mut [usize],
    pub(super) to: &'a mut [usize],
}

/// What the exchanges of the first rows of a matrix with rows further below come to.
#[derive(Debug, Clone, Copy)]
pub(super) struct Exchange<'a> {
    /// The rows that come to the first places.
    first: Rows<'a>,
    /// First rows that go to places behind them, and these places.
    from: Rows<'a>,
    to: Rows<'a>,
}

impl<'a> Exchange<'a> {
    /// Row i of `rows` is exchanged with row `exchanged[i] ≥ i`, for i = 0, 1, …
    pub(super) fn new(exchanged: &[usize], rows: usize, room: &'a mut Room<'_>) -> Self {
        let count = exchanged.len();
        let place = &mut room.place[..rows];
        for i in (0..count).chain(exchanged.iter().copied()) {
            place[i] = i;
        }
        for (i, &other) in exchanged.iter().enumerate() {
            place.swap(i, other);
        }
        let mut moves = 0;
        // A place comes twice if its row was exchanged twice; then so does its move.
        for &to in exchanged.iter().filter(|&&to| to >= count) {
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
    pub(super) fn take<T: Scalar>(
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
    use proptest::prelude::*;

    proptest! {
        /// As when the rows are exchanged one after the other.
        #[test]
        fn comes_to_the_exchanges_one_by_one(
            rows in 1..60usize,
            count in 1..20usize,
            below in prop::collection::vec(0..1000usize, 20),
        ) {
            let count = count.min(rows);
            let exchanged: Vec<usize> =
                (0..count).map(|i| i + below[i] % (rows - i)).collect();
            let columns = 3;
            let number = |i: usize, j: usize| (100 * j + i) as f64;
            let mut expected: Vec<f64> =
                (0..columns).flat_map(|j| (0..rows).map(move |i| number(i, j))).collect();
            let mut a = expected.clone();
            for column in expected.chunks_exact_mut(rows) {
                exchanged.iter().enumerate().for_each(|(i, &other)| column.swap(i, other));
            }
            let kernel = Kernel::<f64>::best();
            let (wide, depth) = (kernel.wide(), count.next_multiple_of(8));
            let mut strip = vec![f64::NAN; wide * depth];
            let [mut place, mut from, mut to] = [vec![0; rows], vec![0; count], vec![0; count]];
            let mut room = Room { place: &mut place, from: &mut from, to: &mut to };
            let exchange = Exchange::new(&exchanged, rows, &mut room);
            exchange.take(
                &kernel,
                Matrix::new(&mut a, rows, rows, columns),
                Matrix::new(&mut strip, wide, wide, depth),
                depth,
            );
            for j in 0..columns {
                for i in 0..depth {
                    let wanted = if i < count { expected[j * rows + i] } else { 0.0 };
                    prop_assert_eq!(strip[i * wide + j], wanted);
                }
                for i in count..rows {
                    prop_assert_eq!(a[j * rows + i], expected[j * rows + i]);
                }
            }
            for (i, row) in strip.chunks_exact(wide).enumerate() {
                prop_assert!(row[columns..].iter().all(|&x| x == 0.0), "row {}", i);
            }
        }
    }
}
