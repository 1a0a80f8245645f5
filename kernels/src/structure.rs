//! How structures are found.

use crate::contract::Triangle;
use crate::scalar::Scalar;

/// What `Auto` finds in a slice, before any factorization is tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Found {
    /// Nothing off the diagonal differs from zero.
    Diagonal,
    /// Nothing outside this triangle of the slice differs from zero.
    Triangular(Triangle),
    /// A = Aᴴ, so also every real A = Aᵀ.
    Hermitian,
    /// Complex A = Aᵀ, not Hermitian.
    Symmetric,
    /// None of these.
    General,
}

/// Looks at a matrix of order `n`, stored without gaps in column-major order.
///
/// The tests are exact (no tolerance), and stop at their first counterexample.
pub fn detect<T: Scalar>(n: usize, a: &[T]) -> Found {
    detect_while(n, a, || true)
}

/// [`detect`], as long as `goes_on` says so; what is found then means nothing.
pub fn detect_while<T: Scalar>(n: usize, a: &[T], goes_on: impl Fn() -> bool) -> Found {
    let zero = T::zero();
    let column = |j: usize| &a[j * n..(j + 1) * n];
    let lower = (0..n).all(|j| goes_on() && column(j)[..j].iter().all(|&x| x == zero));
    let upper = (0..n).all(|j| goes_on() && column(j)[j + 1..].iter().all(|&x| x == zero));
    let real_diagonal = || a.iter().step_by(n + 1).all(|&d| d == d.conj());
    match (lower, upper) {
        (true, true) => Found::Diagonal,
        (true, false) => Found::Triangular(Triangle::Lower),
        (false, true) => Found::Triangular(Triangle::Upper),
        _ if real_diagonal()
            && all_pairs(n, &goes_on, |i, j| a[j * n + i] == a[i * n + j].conj()) =>
        {
            Found::Hermitian
        }
        _ if T::COMPLEX && all_pairs(n, &goes_on, |i, j| a[j * n + i] == a[i * n + j]) => {
            Found::Symmetric
        }
        _ => Found::General,
    }
}

/// The order of a tile that fits the cache.
const TILE: usize = 32;

/// Whether `holds(i, j)` for every i < j, in tiles that fit the cache; stops at the first
/// counterexample, and where it is not to go on.
fn all_pairs(
    n: usize,
    goes_on: impl Fn() -> bool,
    mut holds: impl FnMut(usize, usize) -> bool,
) -> bool {
    (0..n).step_by(TILE).all(|column| {
        goes_on()
            && (0..column + TILE).step_by(TILE).all(|row| {
                (column..n.min(column + TILE))
                    .all(|j| (row..j.min(row + TILE)).all(|i| holds(i, j)))
            })
    })
}
