//! Which engine inverts, and what every engine has to offer.
//!
//! Engines see a slice without gaps in column-major order and its order n; never an array, an
//! [`Error`](crate::Error) or a thread pool. A row-major matrix reaches them as its transpose:
//! (A⁻¹)ᵀ = (Aᵀ)⁻¹. What depends on the side (the norm behind rcond) is told by [`Norm`].

use crate::element::Scalar;
use crate::native::set::{self, Set};
use crate::native::{self, Kind};
use crate::structure::Triangle;
use crate::workspace::{Pool, Pools};
use std::fmt;

/// The implementation that inverts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum Engine {
    /// The fastest for the scalar, the structure, the order and the CPU.
    #[default]
    Auto,
    /// LAPACK's own routines, from the OpenBLAS that the program is linked with.
    Lapack,
    /// Kernels of this crate, in SIMD instructions found out at run time: general, positive
    /// definite and triangular matrices up to order 64, alone or many at once. What there is no
    /// kernel for, LAPACK inverts; the verdict says who did.
    Native,
}

impl Engine {
    /// The engine for general matrices of order `n`, if this one is wanted: never `Auto`.
    ///
    /// It depends on nothing else, so that a matrix has the same inverse in any stack.
    pub(crate) fn for_general<T: Scalar>(self, n: usize) -> Engine {
        let up_to = match self {
            Engine::Lapack => 0,
            Engine::Native => native::MAX_ORDER,
            Engine::Auto => native_up_to::<T>(set::best()),
        };
        if (1..=up_to).contains(&n) { Engine::Native } else { Engine::Lapack }
    }

    /// The engine for matrices of order `n` and of this kind; see
    /// [`for_general`](Self::for_general).
    pub(crate) fn for_kind<T: Scalar>(self, kind: Kind, n: usize) -> Engine {
        let up_to = match (self, kind) {
            (_, Kind::General) => return self.for_general::<T>(n),
            (Engine::Lapack, _) => 0,
            (Engine::Native, _) => native::MAX_ORDER,
            (Engine::Auto, Kind::PositiveDefinite(_)) => cholesky_up_to::<T>(set::best()),
            (Engine::Auto, Kind::Triangular(_)) => triangular_up_to::<T>(set::best()),
        };
        if (1..=up_to).contains(&n) { Engine::Native } else { Engine::Lapack }
    }
}

/// [`native_up_to`] for positive definite matrices.
fn cholesky_up_to<T: Scalar>(set: Set) -> usize {
    match (set, T::COMPLEX) {
        (Set::Portable, _) => 8,
        #[cfg(target_arch = "x86_64")]
        (Set::Avx2 | Set::Avx512, false) => 32,
        #[cfg(target_arch = "x86_64")]
        (Set::Avx2 | Set::Avx512, true) => 16,
        #[cfg(target_arch = "aarch64")]
        (Set::Neon, _) => 8,
    }
}

/// [`native_up_to`] for triangular matrices.
fn triangular_up_to<T: Scalar>(set: Set) -> usize {
    match (set, T::COMPLEX) {
        (Set::Portable, _) => 8,
        #[cfg(target_arch = "x86_64")]
        (Set::Avx2 | Set::Avx512, false) => 16,
        #[cfg(target_arch = "x86_64")]
        (Set::Avx2 | Set::Avx512, true) => 8,
        #[cfg(target_arch = "aarch64")]
        (Set::Neon, _) => 8,
    }
}

/// The choice table of [`Engine::Auto`]: the largest order at which the native engine inverts
/// general matrices, by scalar and instruction set.
///
/// A matrix and a stack have one limit: both have to be inverted by the same engine, to have the
/// same bits.
fn native_up_to<T: Scalar>(set: Set) -> usize {
    match (set, T::COMPLEX) {
        (Set::Portable, false) => 16,
        (Set::Portable, true) => 8,
        #[cfg(target_arch = "x86_64")]
        (Set::Avx2 | Set::Avx512, _) => native::MAX_ORDER,
        // Measured on no machine, so as for one lane.
        #[cfg(target_arch = "aarch64")]
        (Set::Neon, false) => 16,
        #[cfg(target_arch = "aarch64")]
        (Set::Neon, true) => 8,
    }
}

impl fmt::Display for Engine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Engine::Auto => "auto",
            Engine::Lapack => "lapack",
            Engine::Native => "native",
        })
    }
}

/// Which norm of the slice that the engine is given is the 1-norm of A.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Norm {
    /// The slice holds A: largest column sum.
    One,
    /// The slice holds Aᵀ: largest row sum.
    Infinity,
}

/// Symmetry of an indefinite matrix.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Symmetry {
    /// A = Aᵀ.
    Symmetric,
    /// A = Aᴴ.
    Hermitian,
}

/// What to find out beside the inverse.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Ask {
    /// Estimate the reciprocal condition number?
    pub(crate) rcond: Option<Norm>,
    /// Compute sign and log |det|?
    pub(crate) determinant: bool,
    /// Stop at a pivot that is nothing but rounding ([`Breakdown::TinyPivot`])? Only `general`
    /// looks.
    pub(crate) wary: bool,
}

/// What a factorization tells of its matrix beside the inverse.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Facts<T> {
    /// Reciprocal condition number in the 1-norm of A, if asked for.
    pub(crate) rcond: Option<f64>,
    /// det / |det| and log |det|, if asked for.
    pub(crate) determinant: Option<(T, f64)>,
    /// The first step whose pivot is not finite. The inverse is wrong then, whatever it looks
    /// like.
    pub(crate) overflow: Option<usize>,
}

/// Why a factorization stopped. Counted from 0, in terms of the slice the engine was given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Breakdown {
    /// No non-zero pivot at this step.
    ZeroPivot(usize),
    /// The leading minor of order `.0 + 1` is not positive.
    NotPositive(usize),
    /// The pivot of this step may be the rounding error of a zero.
    TinyPivot(usize),
}

/// The largest order that the LAPACK engine takes: the largest n with n² elements countable in
/// an `i32`, since `lax` computes that product in `i32`.
pub(crate) const MAX_ORDER: usize = 46_340;

/// A factorized matrix UΣVᴴ, all three without gaps in column-major order.
pub(crate) struct Svd<T> {
    /// Left singular vectors, n × n.
    pub(crate) u: Vec<T>,
    /// Singular values, descending.
    pub(crate) s: Vec<f64>,
    /// Right singular vectors, conjugate-transposed, n × n.
    pub(crate) vt: Vec<T>,
}

/// What an engine does for one scalar. `a` holds the matrix of order `n ≥ 1` and then its
/// inverse; `a.len()` must be `n * n` (checked, in release too). After a [`Breakdown`] `a` holds
/// a partial factorization.
///
/// The routines that work on one triangle leave the other one untouched.
pub(crate) trait EngineScalar: Sized {
    /// Memory that is kept from call to call, so that equal orders allocate once.
    type Workspace: Default + Send;

    /// Where an inverter keeps the workspaces of this scalar.
    fn pool(pools: &Pools) -> &Pool<Self>
    where
        Self: Scalar;

    /// Inverts by LU with partial pivoting.
    fn general(
        work: &mut Self::Workspace,
        n: usize,
        a: &mut [Self],
        ask: Ask,
    ) -> Result<Facts<Self>, Breakdown>
    where
        Self: Scalar;

    /// Inverts by Cholesky, in one triangle.
    fn positive_definite(
        work: &mut Self::Workspace,
        n: usize,
        a: &mut [Self],
        triangle: Triangle,
        ask: Ask,
    ) -> Result<Facts<Self>, Breakdown>
    where
        Self: Scalar;

    /// Inverts by the diagonal pivoting method of Bunch and Kaufman, in one triangle.
    fn indefinite(
        work: &mut Self::Workspace,
        n: usize,
        a: &mut [Self],
        symmetry: Symmetry,
        triangle: Triangle,
        ask: Ask,
    ) -> Result<Facts<Self>, Breakdown>
    where
        Self: Scalar;

    /// Inverts a triangular matrix in its triangle. After a [`Breakdown`] `a` is as it was.
    fn triangular(
        work: &mut Self::Workspace,
        n: usize,
        a: &mut [Self],
        triangle: Triangle,
        ask: Ask,
    ) -> Result<Facts<Self>, Breakdown>
    where
        Self: Scalar;

    /// The singular value decomposition; `None` if it does not converge. Destroys `a`.
    fn svd(n: usize, a: &mut [Self]) -> Option<Svd<Self>>;
}
