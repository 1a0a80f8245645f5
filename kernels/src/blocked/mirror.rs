//! A triangle of a matrix that becomes the image of the other one.

use crate::blocked::kernel::Kernel;
use crate::blocked::strips::{strip_at, strips_of};
use crate::contract::{Team, Triangle};
use crate::scalar::Scalar;
use crate::shared_matrix::Matrix;
use crate::simd::set::vectorized;
use std::ops::Range;

/// The order of a tile, which fits the cache wherever its columns lie in memory.
const TILE: usize = 32;
/// From column to column of a tile: odd, for a row not to lie in few places of the cache.
const STRIDE: usize = TILE + 1;

/// Makes the other triangle of the matrix of order `n` in `a` the mirror of this one, conjugated if
/// `hermitian` (and then the diagonal real), on the threads of a team.
///
/// # Panics
///
/// If there are not n² scalars.
pub fn mirror<T: Scalar>(team: &dyn Team, n: usize, a: &mut [T], from: Triangle, hermitian: bool) {
    assert!(n.checked_mul(n) == Some(a.len()), "{} scalars, order {n}", a.len());
    let both = Matrix::new(a, n, n, n);
    if T::COMPLEX && hermitian {
        by_tiles(team, both, both, from, T::conj);
        make_diagonal_real(n, a);
    } else {
        by_tiles(team, both, both, from, |x| x);
    }
}

/// Makes the lower triangle of `a` that of the Hermitian matrix of order `n` of which `from` is in
/// `source`, on the threads of a team. What is above the diagonal of `a` stays as it is.
///
/// # Panics
///
/// If there are not n² scalars.
pub fn copy_in_lower<T: Scalar>(
    team: &dyn Team,
    n: usize,
    source: &[T],
    a: &mut [T],
    from: Triangle,
) {
    assert!(n.checked_mul(n) == Some(a.len()), "{} scalars, order {n}", a.len());
    // SAFETY: it is only read, and outlives the call.
    let source = unsafe { Matrix::to_read(source, n) };
    let a = Matrix::new(a, n, n, n);
    match from {
        Triangle::Upper => by_tiles(team, source, a, from, T::conj),
        Triangle::Lower => team.each(n.div_ceil(TILE), &|_, index| {
            for j in index * TILE..n.min((index + 1) * TILE) {
                a.part(j..n, j..j + 1).copy_from(source.part(j..n, j..j + 1));
            }
        }),
    }
}

/// Drops the imaginary parts of the diagonal.
pub fn make_diagonal_real<T: Scalar>(n: usize, a: &mut [T]) {
    for d in a.iter_mut().step_by(n + 1) {
        *d = T::from_f64(d.re().into());
    }
}

/// Makes the other triangle of a matrix, with the diagonal, the image of one of `source`, which may be
/// the same matrix.
fn by_tiles<T: Scalar>(
    team: &dyn Team,
    source: Matrix<T>,
    a: Matrix<T>,
    from: Triangle,
    image: impl Fn(T) -> T + Sync,
) {
    let kernel = Kernel::best();
    // A thread's tiles are those with one range of numbers as their rows below the diagonal, and as
    // their columns above it: nobody else has any of them.
    each_tile(team, a.rows(), |here, before| {
        let mut tile = Tile::new(&kernel);
        for before in before {
            let (rows, columns) = match from {
                Triangle::Lower => (here.clone(), before),
                Triangle::Upper => (before, here.clone()),
            };
            tile.take(source.part(rows.clone(), columns.clone()));
            tile.put(a.part(columns, rows), &image);
        }
        for j in here.clone() {
            for i in here.start..=j {
                match from {
                    Triangle::Lower => a.set(i, j, image(source.get(j, i))),
                    Triangle::Upper => a.set(j, i, image(source.get(i, j))),
                }
            }
        }
    });
}

/// Transposes the matrix of order `n` in `a` in its place, on the threads of a team.
///
/// # Panics
///
/// If there are not n² scalars.
pub fn transpose<T: Scalar>(team: &dyn Team, n: usize, a: &mut [T]) {
    assert!(n.checked_mul(n) == Some(a.len()), "{} scalars, order {n}", a.len());
    let a = Matrix::new(a, n, n, n);
    let kernel = Kernel::best();
    // As in `by_tiles`, nobody else has any of a thread's tiles.
    each_tile(team, n, |here, before| {
        let (mut first, mut second) = (Tile::new(&kernel), Tile::new(&kernel));
        for before in before {
            let below = a.part(here.clone(), before.clone());
            let above = a.part(before, here.clone());
            first.take(below);
            second.take(above);
            first.put(above, |x| x);
            second.put(below, |x| x);
        }
        let own = a.part(here.clone(), here);
        first.take(own);
        first.put(own, |x| x);
    });
}

/// Calls `work` with the numbers of every tile on the diagonal, and those of all tiles before it; the
/// last one, which has most before it, first.
fn each_tile(
    team: &dyn Team,
    n: usize,
    work: impl Fn(Range<usize>, &mut dyn Iterator<Item = Range<usize>>) + Sync,
) {
    let tile = |index: usize| index * TILE..n.min((index + 1) * TILE);
    let tiles = n.div_ceil(TILE);
    team.each(tiles, &|_, index| {
        let index = tiles - 1 - index;
        work(tile(index), &mut (0..index).map(tile));
    });
}

/// A copy of a tile: by columns, [`STRIDE`] apart; or of a whole one strips of columns, which the kernel
/// makes, and transposes in registers.
struct Tile<'a, T: Scalar> {
    kernel: &'a Kernel<T>,
    memory: [T; TILE * STRIDE],
    is_whole: bool,
}

impl<'a, T: Scalar> Tile<'a, T> {
    fn new(kernel: &'a Kernel<T>) -> Self {
        Tile { kernel, memory: [T::zero(); TILE * STRIDE], is_whole: false }
    }

    /// Copies a part of a matrix, to which nobody else writes.
    fn take(&mut self, from: Matrix<T>) {
        self.is_whole = from.rows() == TILE && from.columns() == TILE;
        if self.is_whole {
            let nr = self.kernel.nr();
            let strips = Matrix::new(&mut self.memory, nr, nr, TILE * TILE / nr);
            for (at, columns) in strips_of(0..TILE, nr).enumerate() {
                self.kernel.pack_columns(
                    from.part(0..TILE, columns),
                    strip_at(strips, at, TILE),
                    TILE,
                );
            }
            return;
        }
        for j in 0..from.columns() {
            // SAFETY: used up at once; nobody else writes to it.
            let column = unsafe { from.column_to_read(j) };
            self.memory[j * STRIDE..][..column.len()].copy_from_slice(column);
        }
    }

    /// Makes a part of a matrix, which the caller has for himself, the image of the transposed tile.
    fn put(&self, to: Matrix<T>, image: impl Fn(T) -> T) {
        if self.is_whole {
            return lay_out(self.kernel.nr(), &self.memory, to, image);
        }
        for i in 0..to.columns() {
            // SAFETY: used up at once; the caller has it for himself.
            let column = unsafe { to.column(i) };
            for (to, &from) in column.iter_mut().zip(self.memory[i..].iter().step_by(STRIDE)) {
                *to = image(from);
            }
        }
    }
}

vectorized! {
    /// Makes every column of a tile the row of that number in strips of `wide` columns.
    fn lay_out[T: Scalar](
        nr: usize,
        strips: &[T],
        to: Matrix<T>,
        image: impl Fn(T) -> T,
    ) -> () {
        match nr {
            8 => lay_out_by::<T, 8>(strips, to, image),
            4 => lay_out_by::<T, 4>(strips, to, image),
            2 => lay_out_by::<T, 2>(strips, to, image),
            _ => unreachable!("no kernel has strips of {nr} columns"),
        }
    }
}

/// [`lay_out`] with the number of columns as a constant.
#[inline(always)]
fn lay_out_by<T: Scalar, const WIDE: usize>(strips: &[T], to: Matrix<T>, image: impl Fn(T) -> T) {
    for i in 0..TILE {
        // SAFETY: used up at once; the caller has the tile for itself.
        let column = unsafe { to.column(i) };
        for (at, part) in column.chunks_exact_mut(WIDE).enumerate() {
            let from = &strips[(at * TILE + i) * WIDE..][..WIDE];
            for k in 0..WIDE {
                part[k] = image(from[k]);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::team::{Alone, Crew};
    use num_complex::{Complex32, Complex64};

    /// Runs `work` with nobody, and with a crew.
    fn teams(work: impl Fn(&dyn Team)) {
        work(&Alone);
        let crew = Crew::new(3);
        std::thread::scope(|scope| {
            for thread in 1..3 {
                let crew = &crew;
                scope.spawn(move || crew.help(thread));
            }
            let _end = crew.end_of_work();
            work(&crew);
        });
    }

    const ORDERS: &[usize] =
        if cfg!(miri) { &[0, 1, 2, 33] } else { &[0, 1, 2, 31, 32, 33, 64, 70, 200] };

    fn transposes<T: Scalar>(number: impl Fn(usize, usize) -> T) {
        teams(|team| {
            for &n in ORDERS {
                let mut a: Vec<_> = (0..n * n).map(|at| number(at % n, at / n)).collect();
                transpose(team, n, &mut a);
                assert!((0..n * n).all(|at| a[at] == number(at / n, at % n)), "{n}");
            }
        });
    }

    #[test]
    fn a_transposed_matrix_has_rows_for_columns() {
        transposes(|i, j| (1000 * i + j) as f64);
        transposes(|i, j| (1000 * i + j) as f32);
        transposes(|i, j| Complex64::new(i as f64, j as f64));
        transposes(|i, j| Complex32::new(i as f32, j as f32));
    }

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
        teams(|team| {
            for &n in ORDERS {
                for from in [Triangle::Lower, Triangle::Upper] {
                    for hermitian in [true, false] {
                        check(team, n, from, hermitian);
                    }
                }
            }
        });
    }
}
