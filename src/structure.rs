//! Structures that make an inverse cheaper.

use std::fmt;

pub use matinv_kernels::Triangle;

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
