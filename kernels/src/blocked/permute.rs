//! The columns of the inverse, brought to their places: X P.

use crate::blocked::sizes::Sizes;
use crate::scalar::Scalar;
use crate::shared_matrix::Matrix;

/// Where the columns of X go.
#[derive(Clone, Copy)]
pub(crate) enum Columns<'a, T> {
    /// To other places of the matrix that they are in: cycles of places, one behind the other, each
    /// one before that from which its column comes. The order of the matrix is added to the first
    /// place of each cycle.
    Within(&'a [usize]),
    /// To another matrix, the place of each column there.
    To(&'a [usize], Matrix<T>),
}

/// The column that comes to each place when the columns are exchanged as the rows of A were, last
/// first.
pub(crate) fn order(sizes: &Sizes, ipiv: &[usize], order: &mut [usize]) {
    order.iter_mut().enumerate().for_each(|(j, from)| *from = j);
    for j in (0..sizes.n).rev() {
        order.swap(j, j / sizes.block * sizes.block + ipiv[j]);
    }
}

/// The cycles of an order, which is used up: see [`Columns::Within`]. There is room for them.
pub(crate) fn cycles<'a>(order: &mut [usize], cycles: &'a mut [usize]) -> &'a [usize] {
    let n = order.len();
    let mut length = 0;
    for start in 0..n {
        let mut at = start;
        while order[at] != at {
            cycles[length] = if at == start { n + at } else { at };
            length += 1;
            at = std::mem::replace(&mut order[at], at);
        }
    }
    &cycles[..length]
}

/// The place to which each column goes.
pub(crate) fn places<'a>(order: &[usize], places: &'a mut [usize]) -> &'a [usize] {
    for (place, &from) in order.iter().enumerate() {
        places[from] = place;
    }
    places
}

/// Brings some rows of all columns to their places within the matrix; see [`Columns::Within`].
/// `spare` is memory for a column of them.
pub(crate) fn within<T: Scalar>(cycles: &[usize], rows: Matrix<T>, spare: Matrix<T>) {
    let n = rows.columns();
    let column = |j: usize| rows.part(0..rows.rows(), j % n..j % n + 1);
    for cycle in cycles.chunk_by(|_, &next| next < n) {
        spare.copy_from(column(cycle[0]));
        for pair in cycle.windows(2) {
            column(pair[0]).copy_from(column(pair[1]));
        }
        column(cycle[cycle.len() - 1]).copy_from(spare);
    }
}
