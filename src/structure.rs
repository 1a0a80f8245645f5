//! Structures that make an inverse cheaper, and how they are found.

use crate::element::Scalar;
use std::fmt;

/// What is known of a matrix, and so which factorization inverts it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum Structure {
    /// Find out, matrix by matrix: diagonal, triangular, then Hermitian (or real symmetric:
    /// Cholesky first, then Bunch–Kaufman), then complex symmetric, else general. Each test
    /// stops at its first counterexample, so a general matrix pays next to nothing.
    #[default]
    Auto,
    /// No structure: LU with partial pivoting (`getrf`, `getri`).
    General,
    /// Only the diagonal is read; the rest of the inverse is zero.
    Diagonal,
    /// Only the upper triangle is read (`trtri`); the strictly lower part of the inverse is zero.
    UpperTriangular,
    /// Only the lower triangle is read (`trtri`); the strictly upper part of the inverse is zero.
    LowerTriangular,
    /// Symmetric (real) or Hermitian (complex) positive definite: Cholesky (`potrf`, `potri`).
    /// One triangle is read.
    PositiveDefinite,
    /// A = Aᵀ, real or complex: L D Lᵀ by Bunch–Kaufman pivoting (`sytrf`, `sytri`). One triangle
    /// is read. The native engine bounds L by rook pivoting where elements are of very different
    /// sizes, and above order 64.
    Symmetric,
    /// A = Aᴴ: L D Lᴴ as for [`Symmetric`](Structure::Symmetric) (`hetrf`, `hetri`). One triangle
    /// is read, and the imaginary part of the diagonal is taken as zero.
    Hermitian,
}

impl Structure {
    /// The structures that can be declared, `Auto` first.
    pub const ALL: [Structure; 8] = [
        Structure::Auto,
        Structure::General,
        Structure::Diagonal,
        Structure::UpperTriangular,
        Structure::LowerTriangular,
        Structure::PositiveDefinite,
        Structure::Symmetric,
        Structure::Hermitian,
    ];
}

impl fmt::Display for Structure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Structure::Auto => "auto",
            Structure::General => "general",
            Structure::Diagonal => "diagonal",
            Structure::UpperTriangular => "upper triangular",
            Structure::LowerTriangular => "lower triangular",
            Structure::PositiveDefinite => "positive definite",
            Structure::Symmetric => "symmetric",
            Structure::Hermitian => "Hermitian",
        })
    }
}

/// Which half of a symmetric, Hermitian or positive definite matrix is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Triangle {
    /// The diagonal and what is below it.
    #[default]
    Lower,
    /// The diagonal and what is above it.
    Upper,
}

impl Triangle {
    /// The other half.
    #[must_use]
    pub fn flipped(self) -> Self {
        match self {
            Triangle::Lower => Triangle::Upper,
            Triangle::Upper => Triangle::Lower,
        }
    }
}

/// What `Auto` finds in a slice, before any factorization is tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Found {
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
pub(crate) fn detect<T: Scalar>(n: usize, a: &[T]) -> Found {
    detect_while(n, a, || true)
}

/// [`detect`], as long as `goes_on` says so; what is found then means nothing.
pub(crate) fn detect_while<T: Scalar>(n: usize, a: &[T], goes_on: impl Fn() -> bool) -> Found {
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
