//! A triangle of a matrix that becomes the image of the other one.

use super::kernel::Kernel;
use super::matrix::Matrix;
use super::strips::{nth, strips_of};
use super::team::Team;
use crate::element::Scalar;
use crate::native::set::vectorized;
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
pub(crate) fn bring_lower<T: Scalar>(
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
pub(crate) fn make_diagonal_real<T: Scalar>(n: usize, a: &mut [T]) {
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
    let n = a.rows();
    let kernel = Kernel::best();
    let tile = |index: usize| index * TILE..n.min((index + 1) * TILE);
    let tiles = n.div_ceil(TILE);
    // A thread's tiles are those with one range of numbers as their rows below the diagonal, and as
    // their columns above it: nobody else has any of them.
    team.each(tiles, &|_, index| {
        // The long ones first.
        let here = tile(tiles - 1 - index);
        for before in (0..tiles - 1 - index).map(tile) {
            match from {
                Triangle::Lower => copy(&kernel, source, a, here.clone(), before, &image),
                Triangle::Upper => copy(&kernel, source, a, before, here.clone(), &image),
            }
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

/// Copies some rows of some columns to the columns and rows of these numbers.
fn copy<T: Scalar>(
    kernel: &Kernel<T>,
    source: Matrix<T>,
    a: Matrix<T>,
    rows: Range<usize>,
    columns: Range<usize>,
    image: impl Fn(T) -> T,
) {
    let (from, to) = (source.part(rows.clone(), columns.clone()), a.part(columns, rows));
    if from.rows() == TILE && from.columns() == TILE {
        return copy_whole(kernel, from, to, image);
    }
    let mut tile = [T::zero(); TILE * STRIDE];
    for j in 0..from.columns() {
        // SAFETY: used up at once; the caller has both tiles for itself.
        let column = unsafe { from.column(j) };
        tile[j * STRIDE..][..column.len()].copy_from_slice(column);
    }
    for i in 0..to.columns() {
        // SAFETY: as above.
        let column = unsafe { to.column(i) };
        for (to, &from) in column.iter_mut().zip(tile[i..].iter().step_by(STRIDE)) {
            *to = image(from);
        }
    }
}

/// [`copy`] for a whole tile: by strips, which the kernel transposes in registers.
fn copy_whole<T: Scalar>(
    kernel: &Kernel<T>,
    from: Matrix<T>,
    to: Matrix<T>,
    image: impl Fn(T) -> T,
) {
    let mut memory = [T::zero(); TILE * TILE];
    let wide = kernel.wide();
    let strips = Matrix::new(&mut memory, wide, wide, TILE * TILE / wide);
    for (at, columns) in strips_of(0..TILE, wide).enumerate() {
        kernel.pack_columns(from.part(0..TILE, columns), nth(strips, at, TILE), TILE);
    }
    lay_out(wide, &memory, to, image);
}

vectorized! {
    /// Makes every column of a tile the row of that number in strips of `wide` columns.
    fn lay_out[T: Scalar](
        wide: usize,
        strips: &[T; TILE * TILE],
        to: Matrix<T>,
        image: impl Fn(T) -> T,
    ) -> () {
        match wide {
            8 => lay_out_by::<T, 8>(strips, to, image),
            4 => lay_out_by::<T, 4>(strips, to, image),
            2 => lay_out_by::<T, 2>(strips, to, image),
            _ => unreachable!("no kernel has strips of {wide} columns"),
        }
    }
}

/// [`lay_out`] with the number of columns as a constant.
#[inline(always)]
fn lay_out_by<T: Scalar, const WIDE: usize>(
    strips: &[T; TILE * TILE],
    to: Matrix<T>,
    image: impl Fn(T) -> T,
) {
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
