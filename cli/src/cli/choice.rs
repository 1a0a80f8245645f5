//! What can be chosen from a list of words.

use crate::format::Format;
use clap::ValueEnum;
use matinv::{Engine, OnFailure, Structure};

/// [`Structure`] on the command line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub(crate) enum StructureArg {
    /// Find out, matrix by matrix
    #[default]
    Auto,
    /// No structure
    General,
    /// Only the diagonal is read
    Diagonal,
    /// Upper triangular: the rest is not read
    Upper,
    /// Lower triangular: the rest is not read
    Lower,
    /// Symmetric or Hermitian, positive definite
    Pos,
    /// Symmetric
    Sym,
    /// Hermitian
    Her,
}

impl StructureArg {
    /// Whether one triangle is read and the other is its mirror.
    pub(crate) fn mirrors(self) -> bool {
        matches!(self, Self::Pos | Self::Sym | Self::Her)
    }
}

impl From<StructureArg> for Structure {
    fn from(structure: StructureArg) -> Self {
        match structure {
            StructureArg::Auto => Structure::Auto,
            StructureArg::General => Structure::General,
            StructureArg::Diagonal => Structure::Diagonal,
            StructureArg::Upper => Structure::UpperTriangular,
            StructureArg::Lower => Structure::LowerTriangular,
            StructureArg::Pos => Structure::PositiveDefinite,
            StructureArg::Sym => Structure::Symmetric,
            StructureArg::Her => Structure::Hermitian,
        }
    }
}

/// [`OnFailure`] on the command line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub(crate) enum OnFailureArg {
    /// Nothing: one failure, and no output is written at all
    #[default]
    Fail,
    /// NaN throughout
    Nan,
    /// The matrix itself
    Keep,
    /// The Moore–Penrose pseudo-inverse
    Pinv,
}

impl From<OnFailureArg> for OnFailure {
    fn from(policy: OnFailureArg) -> Self {
        match policy {
            OnFailureArg::Fail => OnFailure::Fail,
            OnFailureArg::Nan => OnFailure::FillNan,
            OnFailureArg::Keep => OnFailure::Keep,
            OnFailureArg::Pinv => OnFailure::PseudoInverse,
        }
    }
}

/// [`Engine`] on the command line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub(crate) enum EngineArg {
    /// The fastest for the matrix
    #[default]
    Auto,
    /// This program's own code: SIMD kernels for small matrices, many at once
    Native,
    /// LAPACK's own routines, in builds that have them
    Lapack,
}

impl From<EngineArg> for Engine {
    fn from(engine: EngineArg) -> Self {
        match engine {
            EngineArg::Auto => Engine::Auto,
            EngineArg::Native => Engine::Native,
            EngineArg::Lapack => Engine::Lapack,
        }
    }
}

/// [`Format`] on the command line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum FormatArg {
    /// numpy's array
    Npy,
    /// numpy's archive, with one array named `inverse` or `matrix`
    Npz,
    /// Matrix Market
    Mtx,
    /// Numbers separated by commas
    Csv,
    /// Numbers separated by tabs
    Tsv,
    /// Numbers separated by blanks
    Text,
}

impl From<FormatArg> for Format {
    fn from(format: FormatArg) -> Self {
        match format {
            FormatArg::Npy => Format::Npy,
            FormatArg::Npz => Format::Npz,
            FormatArg::Mtx => Format::MatrixMarket,
            FormatArg::Csv => Format::Csv,
            FormatArg::Tsv => Format::Tsv,
            FormatArg::Text => Format::Text,
        }
    }
}

/// The type of generated elements.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub(crate) enum ScalarArg {
    /// float32
    F32,
    /// float64
    #[default]
    F64,
    /// complex64
    C64,
    /// complex128
    C128,
}

/// What `gen` can make.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Kind {
    /// Independent normal numbers
    Random,
    /// Symmetric (complex: Hermitian) positive definite: GGᴴ/n + I, G random
    Spd,
    /// Symmetric, also if complex: (G + Gᵀ)/2, G random
    Symmetric,
    /// Hermitian: (G + Gᴴ)/2, G random
    Hermitian,
    /// Upper triangular, random, well-conditioned
    Upper,
    /// Lower triangular, random, well-conditioned
    Lower,
    /// Diagonal, random, no element near zero
    Diagonal,
    /// Orthogonal (complex: unitary), uniformly distributed
    Orthogonal,
    /// Random with one column of zeros: of rank n − 1
    Singular,
    /// Random with the condition number --cond: singular values in geometric progression
    Ill,
    /// 1 / (i + j + 1): positive definite, its condition grows as 33ⁿ
    Hilbert,
    /// Binomial coefficients (i + j over i): positive definite, its inverse has whole numbers
    Pascal,
    /// min / max of i + 1 and j + 1: positive definite, its inverse is tridiagonal
    Lehmer,
    /// min(i, j) + 1: positive definite, its inverse is tridiagonal
    Minij,
    /// Frank's: upper Hessenberg, determinant 1
    Frank,
    /// Kahan's upper triangular one, angle 1.2
    Kahan,
    /// Moler's: positive definite with one tiny eigenvalue
    Moler,
    /// Powers xʲ of the points x = 1/n, 2/n, … 1
    Vandermonde,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_structure_of_the_library_can_be_declared() {
        let mut found: Vec<Structure> =
            StructureArg::value_variants().iter().map(|&s| s.into()).collect();
        assert_eq!(found.len(), Structure::ALL.len());
        found.retain(|structure| !Structure::ALL.contains(structure));
        assert_eq!(found, []);
    }

    #[test]
    fn every_format_can_be_asked_for_by_its_own_word() {
        for &format in &Format::ALL {
            let arg = FormatArg::from_str(format.word(), false);
            assert_eq!(arg.map(Format::from), Ok(format));
        }
    }
}
