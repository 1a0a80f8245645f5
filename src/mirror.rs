//! The two triangles of a square matrix in a slice without gaps: each as the image of the other.

use crate::element::Scalar;
use std::ops::Range;

/// Transposes a square matrix in its place, in tiles that fit the cache.
pub(crate) fn transpose<T: Copy>(n: usize, a: &mut [T]) {
    for (rows, columns) in tiles_below(n) {
        let below = Tile::of(n, a, &rows, &columns);
        let above = Tile::of(n, a, &columns, &rows);
        above.put(n, a, &rows, &columns, |x| x);
        below.put(n, a, &columns, &rows, |x| x);
    }
    for_diagonal_tiles(n, |i, j| a.swap(j * n + i, i * n + j));
}

/// Makes the upper triangle of a column-major slice the mirror of the lower one, conjugated if
/// `hermitian` (and then the diagonal real).
pub(crate) fn lower<T: Scalar>(n: usize, a: &mut [T], hermitian: bool) {
    let conjugate = T::COMPLEX && hermitian;
    let image = |x: T| if conjugate { x.conj() } else { x };
    for (rows, columns) in tiles_below(n) {
        Tile::of(n, a, &rows, &columns).put(n, a, &columns, &rows, image);
    }
    for_diagonal_tiles(n, |i, j| a[j * n + i] = image(a[i * n + j]));
    if conjugate {
        make_diagonal_real(n, a);
    }
}

/// Makes the lower triangle of a column-major slice the mirror of the upper one; see
/// [`lower`].
pub(crate) fn upper<T: Scalar>(n: usize, a: &mut [T], hermitian: bool) {
    let conjugate = T::COMPLEX && hermitian;
    let image = |x: T| if conjugate { x.conj() } else { x };
    for (rows, columns) in tiles_below(n) {
        Tile::of(n, a, &columns, &rows).put(n, a, &rows, &columns, image);
    }
    for_diagonal_tiles(n, |i, j| a[i * n + j] = image(a[j * n + i]));
    if conjugate {
        make_diagonal_real(n, a);
    }
}

/// The order of a tile.
const TILE: usize = 32;
/// From column to column of a tile: odd, for a row not to lie in few places of the cache.
const STRIDE: usize = TILE + 1;

/// A part of a matrix that fits the cache, wherever its columns lie in memory.
struct Tile<T>([T; TILE * STRIDE]);

impl<T: Copy> Tile<T> {
    /// Some rows of some columns of a column-major slice.
    fn of(n: usize, a: &[T], rows: &Range<usize>, columns: &Range<usize>) -> Self {
        let mut tile = [a[0]; TILE * STRIDE];
        for (to, j) in tile.chunks_exact_mut(STRIDE).zip(columns.clone()) {
            to[..rows.len()].copy_from_slice(&a[j * n..][rows.clone()]);
        }
        Tile(tile)
    }

    /// Makes some rows of some columns of a slice the images of this tile, transposed.
    fn put(
        &self,
        n: usize,
        a: &mut [T],
        rows: &Range<usize>,
        columns: &Range<usize>,
        image: impl Fn(T) -> T,
    ) {
        for (i, j) in columns.clone().enumerate() {
            let from = self.0[i..].iter().step_by(STRIDE);
            for (to, &from) in a[j * n..][rows.clone()].iter_mut().zip(from) {
                *to = image(from);
            }
        }
    }
}

/// The rows and columns of every tile below those on the diagonal.
fn tiles_below(n: usize) -> impl Iterator<Item = (Range<usize>, Range<usize>)> {
    let tile = move |first: usize| first..n.min(first + TILE);
    let firsts = move |from: usize| (from..n).step_by(TILE);
    firsts(0).flat_map(move |j| firsts(j + TILE).map(move |i| (tile(i), tile(j))))
}

/// Calls `visit(i, j)` for every i < j in the tiles on the diagonal.
fn for_diagonal_tiles(n: usize, mut visit: impl FnMut(usize, usize)) {
    for first in (0..n).step_by(TILE) {
        for j in first..n.min(first + TILE) {
            (first..j).for_each(|i| visit(i, j));
        }
    }
}

/// Drops the imaginary parts of the diagonal.
pub(crate) fn make_diagonal_real<T: Scalar>(n: usize, a: &mut [T]) {
    for d in a.iter_mut().step_by(n + 1) {
        *d = T::from_f64(d.re().into());
    }
}

/// Whether `holds(i, j)` for every i < j, in tiles that fit the cache; stops at the first
/// counterexample.
pub(crate) fn all_pairs(n: usize, mut holds: impl FnMut(usize, usize) -> bool) -> bool {
    (0..n).step_by(TILE).all(|column| {
        (0..column + TILE).step_by(TILE).all(|row| {
            (column..n.min(column + TILE)).all(|j| (row..j.min(row + TILE)).all(|i| holds(i, j)))
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use num_complex::Complex64;

    #[test]
    fn transposing_twice_gives_the_matrix_back() {
        for n in [0, 1, 2, 31, 32, 33, 70] {
            let a: Vec<usize> = (0..n * n).collect();
            let mut t = a.clone();
            transpose(n, &mut t);
            assert!((0..n).all(|i| (0..n).all(|j| t[i * n + j] == a[j * n + i])), "order {n}");
            transpose(n, &mut t);
            assert_eq!(t, a);
        }
    }

    #[test]
    fn a_mirrored_triangle_is_the_other_one_transposed() {
        let number = |i: usize, j: usize| Complex64::new((100 * i + j) as f64, (i + 3 * j) as f64);
        for n in [0, 1, 2, 31, 32, 33, 64, 70] {
            let a: Vec<_> = (0..n * n).map(|at| number(at % n, at / n)).collect();
            for (from_lower, hermitian) in
                [(true, true), (true, false), (false, true), (false, false)]
            {
                let mut mirrored = a.clone();
                let mirror = if from_lower { lower } else { upper };
                mirror(n, &mut mirrored, hermitian);
                for i in 0..n {
                    for j in 0..n {
                        let from = if (i > j) == from_lower { number(i, j) } else { number(j, i) };
                        let expected = match (i == j, hermitian) {
                            (true, true) => Complex64::from(from.re),
                            (true, false) => from,
                            _ if hermitian && (i > j) != from_lower => from.conj(),
                            _ => from,
                        };
                        assert_eq!(mirrored[j * n + i], expected, "({i}, {j}) of {n}");
                    }
                }
            }
        }
    }
}
