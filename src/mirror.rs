//! Square matrices in a slice without gaps, transposed and compared with their transposes.

use std::ops::Range;

/// Transposes a square matrix in its place, in tiles that fit the cache.
pub(crate) fn transpose<T: Copy>(n: usize, a: &mut [T]) {
    for (rows, columns) in tiles_below(n) {
        let below = Tile::of(n, a, &rows, &columns);
        let above = Tile::of(n, a, &columns, &rows);
        above.put(n, a, &rows, &columns);
        below.put(n, a, &columns, &rows);
    }
    for_diagonal_tiles(n, |i, j| a.swap(j * n + i, i * n + j));
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

    /// Makes some rows of some columns of a slice this tile, transposed.
    fn put(&self, n: usize, a: &mut [T], rows: &Range<usize>, columns: &Range<usize>) {
        for (i, j) in columns.clone().enumerate() {
            let from = self.0[i..].iter().step_by(STRIDE);
            for (to, &from) in a[j * n..][rows.clone()].iter_mut().zip(from) {
                *to = from;
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
}
