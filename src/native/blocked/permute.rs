//! The columns of the inverse, brought to their places.

use super::matrix::Matrix;
use super::sizes::Sizes;
use super::team::Team;
use crate::element::Scalar;

/// Exchanges the columns of X as the rows of A were, last first: X := X P.
///
/// `order` and `place` are memory; `rows` has at least a chunk of elements for every thread.
pub(super) fn columns<T: Scalar>(
    sizes: &Sizes,
    team: &dyn Team,
    a: Matrix<T>,
    exchanged: &[usize],
    order: &mut [usize],
    place: &mut [usize],
    rows: Matrix<T>,
) {
    let n = sizes.n;
    // The column that goes to each place.
    order.iter_mut().enumerate().for_each(|(j, from)| *from = j);
    for j in (0..n).rev() {
        order.swap(j, j / sizes.block * sizes.block + exchanged[j]);
    }
    // Cycles of more than one, one behind the other: each place, and then the one that its column
    // comes from; n is added to the first place of each cycle.
    let mut length = 0;
    for start in 0..n {
        let mut at = start;
        while order[at] != at {
            place[length] = if at == start { n + at } else { at };
            length += 1;
            at = std::mem::replace(&mut order[at], at);
        }
    }
    let cycles = &place[..length];
    team.each(sizes.chunks, &|worker, index| {
        let here = sizes.chunk_of_rows(index);
        let a = a.part(here.clone(), 0..n);
        let spare = rows.part(0..here.len(), worker..worker + 1);
        for cycle in cycles.chunk_by(|_, &next| next < n) {
            let column = |at: usize| a.part(0..here.len(), at % n..at % n + 1);
            spare.copy_from(column(cycle[0]));
            for pair in cycle.windows(2) {
                column(pair[0]).copy_from(column(pair[1]));
            }
            column(cycle[cycle.len() - 1]).copy_from(spare);
        }
    });
}
