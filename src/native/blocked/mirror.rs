//! A triangle of a matrix that becomes the image of the other one.

use super::matrix::Matrix;
use super::team::Team;
use crate::element::Scalar;
use crate::structure::Triangle;
use std::ops::Range;

/// The order of a tile, which fits the cache wherever its columns lie in memory.
const TILE: usize = 32;
/// From column to column of a tile: odd, for a row not to lie in few places of the cache.
const STRIDE: usize = TILE + 1;

/// Makes the other triangle of the matrix of order `n` in `a` the mirror of this one, conjugated if
/// `hermitian` (and then the diagonal real), on the threads of a team.
pub(crate) fn mirror<T: Scalar>(
    team: &dyn Team,
    n: usize,
    a: &mut [T],
    from: Triangle,
    hermitian: bool,
) {
    assert!(n.checked_mul(n) == Some(a.len()), "{} scalars, order {n}", a.len());
    if T::COMPLEX && hermitian {
        by_tiles(team, n, a, from, T::conj);
        make_diagonal_real(n, a);
    } else {
        by_tiles(team, n, a, from, |x| x);
    }
}

/// Drops the imaginary parts of the diagonal.
pub(crate) fn make_diagonal_real<T: Scalar>(n: usize, a: &mut [T]) {
    for d in a.iter_mut().step_by(n + 1) {
        *d = T::from_f64(d.re().into());
    }
}

fn by_tiles<T: Scalar>(
    team: &dyn Team,
    n: usize,
    a: &mut [T],
    from: Triangle,
    image: impl Fn(T) -> T + Sync,
) {
    let a = Matrix::new(a, n, n, n);
    let tile = |index: usize| index * TILE..n.min((index + 1) * TILE);
    let tiles = n.div_ceil(TILE);
    // A thread's tiles are those with one range of numbers as their rows below the diagonal, and as
    // their columns above it: nobody else has any of them.
    team.each(tiles, &|_, index| {
        // The long ones first.
        let here = tile(tiles - 1 - index);
        for before in (0..tiles - 1 - index).map(tile) {
            match from {
                Triangle::Lower => copy(a, here.clone(), before, &image),
                Triangle::Upper => copy(a, before, here.clone(), &image),
            }
        }
        for j in here.clone() {
            for i in here.start..j {
                match from {
                    Triangle::Lower => a.set(i, j, image(a.get(j, i))),
                    Triangle::Upper => a.set(j, i, image(a.get(i, j))),
                }
            }
        }
    });
}

/// Copies some rows of some columns to the columns and rows of these numbers.
fn copy<T: Scalar>(
    a: Matrix<T>,
    rows: Range<usize>,
    columns: Range<usize>,
    image: impl Fn(T) -> T,
) {
    let (from, to) = (a.part(rows.clone(), columns.clone()), a.part(columns, rows));
    let mut tile = [T::zero(); TILE * STRIDE];
    for j in 0..from.columns() {
        // SAFETY: used up at once; the caller has both tiles for itself.
        let column = unsafe { from.column(j) };
        let to = &mut tile[j * STRIDE..][..column.len()];
        match <[T; TILE]>::try_from(&*column) {
            // A length that the compiler knows needs no call.
            Ok(whole) => to.copy_from_slice(&whole),
            Err(_) => to.copy_from_slice(column),
        }
    }
    for i in 0..to.columns() {
        // SAFETY: as above.
        let column = unsafe { to.column(i) };
        for (to, &from) in column.iter_mut().zip(tile[i..].iter().step_by(STRIDE)) {
            *to = image(from);
        }
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::super::{Alone, Crew};
    use super::*;
    use num_complex::Complex64;

    #[test]
    fn a_mirrored_triangle_is_the_other_one_transposed() {
        let number = |i: usize, j: usize| Complex64::new((100 * i + j) as f64, (i + 3 * j) as f64);
        let check = |team: &dyn Team, n: usize, from: Triangle, hermitian: bool| {
            let mut mirrored: Vec<_> = (0..n * n).map(|at| number(at % n, at / n)).collect();
            mirror(team, n, &mut mirrored, from, hermitian);
            let lower = from == Triangle::Lower;
            for i in 0..n {
                for j in 0..n {
                    let x = if (i > j) == lower { number(i, j) } else { number(j, i) };
                    let expected = match (i == j, hermitian) {
                        (true, true) => Complex64::from(x.re),
                        (true, false) => x,
                        _ if hermitian && (i > j) != lower => x.conj(),
                        _ => x,
                    };
                    assert_eq!(mirrored[j * n + i], expected, "({i}, {j}) of {n}");
                }
            }
        };
        let crew = Crew::new(3);
        std::thread::scope(|scope| {
            for thread in 1..3 {
                let crew = &crew;
                scope.spawn(move || crew.help(thread));
            }
            let _end = crew.end_of_work();
            for n in [0, 1, 2, 31, 32, 33, 64, 70, 200] {
                for from in [Triangle::Lower, Triangle::Upper] {
                    for hermitian in [true, false] {
                        check(&Alone, n, from, hermitian);
                        check(&crew, n, from, hermitian);
                    }
                }
            }
        });
    }
}
