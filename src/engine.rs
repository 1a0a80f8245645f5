//! Which engine inverts, and what every engine has to offer.
//!
//! Engines see a slice without gaps in column-major order and its order n; never an array, an
//! [`Error`](crate::Error) or a thread pool. A row-major matrix reaches them as its transpose:
//! (A⁻¹)ᵀ = (Aᵀ)⁻¹. What depends on the side (the norm behind rcond) is told by [`Norm`].

use crate::element::Scalar;
use crate::error::Result;
use crate::inverse::Matrix;
use crate::native::blocked::{Half, Team};
use crate::native::set::{self, Set};
use crate::native::{self, Kind};
use crate::structure::Triangle;
use crate::verdict::Verdict;
use crate::workspace::{Pool, Pools};
use num_complex::{Complex32, Complex64};
use std::fmt;

/// The implementation that inverts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum Engine {
    /// The fastest for the scalar, the structure, the order and the CPU.
    #[default]
    Auto,
    /// LAPACK's own routines, from the OpenBLAS that the program is linked with. A build without
    /// LAPACK answers [`Error::NoLapack`](crate::Error::NoLapack), and where the library fails a test at
    /// its first use, the answer is [`Error::UnsoundLapack`](crate::Error::UnsoundLapack).
    Lapack,
    /// This crate's own code, for every structure and order: kernels in SIMD instructions found
    /// out at run time for small matrices of every structure, many at once, and for general, positive
    /// definite and triangular ones of every order; plain factorizations for the rest. All that there is in a build
    /// without LAPACK (`--no-default-features`).
    Native,
}

/// Whether this build has LAPACK.
pub(crate) const HAS_LAPACK: bool = cfg!(feature = "openblas");

/// Whether there is a LAPACK whose results can be relied on. To be asked last, and before BLAS is let
/// have several threads: the first answer takes a test of some milliseconds.
pub(crate) fn has_sound_lapack() -> bool {
    #[cfg(feature = "openblas")]
    return crate::lapack::self_test::is_passed();
    #[cfg(not(feature = "openblas"))]
    false
}

impl Engine {
    /// Whether matrices of order `n` and of this kind go to the native engine's kernels for small
    /// ones.
    ///
    /// It depends on nothing else, so that a matrix has the same inverse in any stack.
    pub(crate) fn in_kernels<T: Scalar>(self, kind: Kind, n: usize) -> bool {
        let up_to = match (self, kind) {
            (Engine::Lapack, _) => 0,
            (Engine::Auto, Kind::General)
                if n > native_up_to::<T>(set::best())
                    && n <= kernels_up_to::<T>(set::best())
                    && has_sound_lapack() =>
            {
                0
            }
            // A single one without lanes takes no longer than in LAPACK, or not much; see the bench
            // `structured`.
            (Engine::Native | Engine::Auto, Kind::General | Kind::PositiveDefinite(_)) => {
                kernels_up_to::<T>(set::best())
            }
            (Engine::Native | Engine::Auto, _) => native::MAX_ORDER,
        };
        (1..=up_to).contains(&n)
    }

    /// Who inverts general matrices of order `n ≥ 1`, if this engine is wanted: by `n` alone, as
    /// [`in_kernels`](Self::in_kernels).
    pub(crate) fn for_general<T: Scalar>(self, n: usize) -> General {
        match self {
            _ if self.in_kernels::<T>(Kind::General, n) => General::Lanes,
            Engine::Lapack => General::Lapack,
            Engine::Auto if !blocks_are_fast(set::best()) && has_sound_lapack() => General::Lapack,
            Engine::Native | Engine::Auto => General::Blocked,
        }
    }

    /// The engine for triangular and positive definite matrices that are not in the kernels for small
    /// ones, if this one is wanted: never `Auto`. By nothing else, as
    /// [`in_kernels`](Self::in_kernels).
    pub(crate) fn for_halves(self, n: usize) -> Engine {
        match self {
            // Small ones that a kernel has left alone are beyond plain arithmetic.
            Engine::Auto
                if (!blocks_are_fast(set::best()) || n <= native::MAX_ORDER)
                    && has_sound_lapack() =>
            {
                Engine::Lapack
            }
            Engine::Auto | Engine::Native => Engine::Native,
            Engine::Lapack => Engine::Lapack,
        }
    }

    /// The engine for symmetric and Hermitian matrices that are not in the kernels for small ones, if
    /// this one is wanted: never `Auto`.
    pub(crate) fn for_indefinite(self, n: usize) -> Engine {
        match self {
            // What a kernel has left alone is left to pivoting that bounds L; LAPACK's does not.
            Engine::Auto if n <= native::MAX_ORDER => Engine::Native,
            _ => self.beyond_kernels(),
        }
    }

    /// The engine for what has no other choice, if this one is wanted: never `Auto`.
    pub(crate) fn beyond_kernels(self) -> Engine {
        match self {
            Engine::Auto if has_sound_lapack() => Engine::Lapack,
            Engine::Auto | Engine::Native => Engine::Native,
            Engine::Lapack => Engine::Lapack,
        }
    }

    /// The engine of what needs none, such as a diagonal matrix: never `Auto`.
    pub(crate) fn of_nothing(self) -> Engine {
        match self {
            Engine::Lapack => Engine::Lapack,
            Engine::Auto | Engine::Native => Engine::Native,
        }
    }
}

/// Who inverts a general matrix.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum General {
    /// The LAPACK engine.
    Lapack,
    /// The native engine, one matrix per lane.
    Lanes,
    /// The native engine, one matrix after the other.
    Blocked,
}

/// The choice table of the native engine: the largest order at which a general or positive definite
/// matrix is inverted by the kernels for small ones, and not by blocks, by scalar and instruction set.
fn kernels_up_to<T: Scalar>(set: Set) -> usize {
    match (set, T::COMPLEX) {
        #[cfg(target_arch = "x86_64")]
        (Set::Avx2 | Set::Avx512, _) => native::MAX_SINGLE,
        _ => native::MAX_ORDER,
    }
}

/// The choice table of [`Engine::Auto`]: the largest order at which general matrices are inverted
/// one per lane, by scalar and instruction set.
///
/// A matrix and a stack have one limit: both have to be inverted by the same engine, to have the
/// same bits.
fn native_up_to<T: Scalar>(set: Set) -> usize {
    match (set, T::COMPLEX) {
        (Set::Portable, false) => 16,
        (Set::Portable, true) => 8,
        #[cfg(target_arch = "x86_64")]
        (Set::Avx2 | Set::Avx512, _) => kernels_up_to::<T>(set),
        // Measured on no machine, so as for one lane.
        #[cfg(target_arch = "aarch64")]
        (Set::Neon, false) => 16,
        #[cfg(target_arch = "aarch64")]
        (Set::Neon, true) => 8,
    }
}

/// Whether the blocked engine is faster than LAPACK with this set. It has no kernels of its own for NEON
/// and takes the portable ones there.
fn blocks_are_fast(set: Set) -> bool {
    match set {
        Set::Portable => false,
        #[cfg(target_arch = "x86_64")]
        Set::Avx2 | Set::Avx512 => true,
        #[cfg(target_arch = "aarch64")]
        Set::Neon => false,
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
    /// Look whether the inverse is finite ([`Facts::finite`]), where that is cheaper than to do it
    /// afterwards?
    pub(crate) finite: bool,
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
    /// Whether every element of the inverse is known to be finite. If not, nothing is said.
    pub(crate) finite: bool,
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
    /// A workspace of that many bytes was refused; the matrix is as it was.
    OutOfMemory(usize),
    /// The team has left out work, as the call was cancelled.
    Cancelled,
}

/// The largest order that the engines of this build take: the largest n with n² elements countable
/// in an `i32` with LAPACK, since `lax` computes that product in `i32`; else in an `isize`, as every
/// slice has to be.
pub(crate) const MAX_ORDER: usize = if HAS_LAPACK { 46_340 } else { (usize::MAX / 2).isqrt() };

/// A factorized matrix UΣVᴴ, all three without gaps in column-major order.
pub(crate) struct Svd<T> {
    /// Left singular vectors, n × n; anything for singular values of zero.
    pub(crate) u: Vec<T>,
    /// Singular values, descending.
    pub(crate) s: Vec<f64>,
    /// Right singular vectors, conjugate-transposed, n × n; as `u`.
    pub(crate) vt: Vec<T>,
}

/// What an engine does for one scalar. `a` holds the matrix of order `n ≥ 1` and then its
/// inverse; `a.len()` must be `n * n` (checked, in release too). After a [`Breakdown`] `a` holds
/// a partial factorization.
///
/// The routines that work on one triangle leave the other one untouched. The implementor is the
/// memory that is kept from call to call, so that equal orders allocate once.
pub(crate) trait Invert<T> {
    /// Inverts by LU with partial pivoting.
    fn general(&mut self, n: usize, a: &mut [T], ask: Ask) -> Result<Facts<T>, Breakdown>;

    /// Inverts by Cholesky, in one triangle.
    fn positive_definite(
        &mut self,
        n: usize,
        a: &mut [T],
        triangle: Triangle,
        ask: Ask,
    ) -> Result<Facts<T>, Breakdown>;

    /// Inverts by the diagonal pivoting method of Bunch and Kaufman, in one triangle.
    fn indefinite(
        &mut self,
        n: usize,
        a: &mut [T],
        symmetry: Symmetry,
        triangle: Triangle,
        ask: Ask,
    ) -> Result<Facts<T>, Breakdown>;

    /// Inverts a triangular matrix in its triangle. After a [`Breakdown`] `a` is as it was.
    fn triangular(
        &mut self,
        n: usize,
        a: &mut [T],
        triangle: Triangle,
        ask: Ask,
    ) -> Result<Facts<T>, Breakdown>;

    /// The singular value decomposition; `None` if it does not converge. Destroys `a`.
    fn svd(&mut self, n: usize, a: &mut [T]) -> Option<Svd<T>>;
}

/// A scalar that the engines know.
pub(crate) trait EngineScalar: Sized {
    /// LAPACK's routines for it.
    #[cfg(feature = "openblas")]
    type Lapack: Invert<Self> + Default + Send;

    /// Where an inverter keeps the workspaces of this scalar.
    fn pool(pools: &Pools) -> &Pool<Self>
    where
        Self: Scalar;

    /// Inverts a matrix: [`Matrix::invert`]. All that is behind it is compiled once, here, and not
    /// again in every crate that calls it.
    fn invert(matrix: Matrix<'_, Self>) -> Result<Verdict<Self>>
    where
        Self: Scalar;
}

macro_rules! engine_scalars {
    ($($scalar:ty: $pool:ident),*) => {$(
        impl EngineScalar for $scalar {
            #[cfg(feature = "openblas")]
            type Lapack = crate::lapack::Work<$scalar>;

            fn pool(pools: &Pools) -> &Pool<Self> {
                &pools.$pool
            }

            #[inline(never)]
            fn invert(matrix: Matrix<'_, Self>) -> Result<Verdict<Self>> {
                matrix.invert()
            }
        }
    )*};
}

engine_scalars!(f32: f32, f64: f64, Complex32: complex32, Complex64: complex64);

/// The engines of this build, each with the memory that it keeps.
pub(crate) struct Engines<T: Scalar> {
    native: native::whole::Work<T>,
    #[cfg(feature = "openblas")]
    lapack: T::Lapack,
}

impl<T: Scalar> Default for Engines<T> {
    fn default() -> Self {
        Engines {
            native: native::whole::Work::default(),
            #[cfg(feature = "openblas")]
            lapack: T::Lapack::default(),
        }
    }
}

impl<T: Scalar> Engines<T> {
    /// Inverts a general matrix, the one in `source` if it is not in `a`, by the native engine, on the
    /// threads of a team.
    pub(crate) fn general_by(
        &mut self,
        team: &dyn Team,
        n: usize,
        source: Option<&[T]>,
        a: &mut [T],
        ask: Ask,
    ) -> Result<Facts<T>, Breakdown> {
        self.native.general_by(team, n, source, a, ask)
    }

    /// Inverts a general matrix by an engine, the native one on the threads of a team.
    pub(crate) fn general_of(
        &mut self,
        engine: Engine,
        team: &dyn Team,
        n: usize,
        a: &mut [T],
        ask: Ask,
    ) -> Result<Facts<T>, Breakdown> {
        match engine {
            Engine::Native => self.general_by(team, n, None, a, ask),
            _ => self.of(engine).general(n, a, ask),
        }
    }

    /// Inverts an indefinite matrix in its lower triangle by an engine, the native one on the threads
    /// of a team.
    pub(crate) fn indefinite_by(
        &mut self,
        engine: Engine,
        team: &dyn Team,
        n: usize,
        a: &mut [T],
        symmetry: Symmetry,
        ask: Ask,
    ) -> Result<Facts<T>, Breakdown> {
        match engine {
            Engine::Native => self.native.indefinite_by(team, n, a, symmetry, Triangle::Lower, ask),
            _ => self.of(engine).indefinite(n, a, symmetry, Triangle::Lower, ask),
        }
    }

    /// The singular value decomposition by an engine; see [`Invert::svd`]. None either if the team is
    /// cancelled.
    pub(crate) fn svd_by(
        &mut self,
        engine: Engine,
        team: &dyn Team,
        n: usize,
        a: &mut [T],
    ) -> Option<Svd<T>> {
        match engine {
            Engine::Native => self.native.svd_by(team, n, a),
            _ => self.of(engine).svd(n, a),
        }
    }

    /// Inverts half of a matrix by an engine, the native one on the threads of a team.
    #[allow(clippy::too_many_arguments)] // what `Invert` asks for, and who does it
    pub(crate) fn half_by(
        &mut self,
        engine: Engine,
        team: &dyn Team,
        n: usize,
        a: &mut [T],
        triangle: Triangle,
        half: Half,
        ask: Ask,
    ) -> Result<Facts<T>, Breakdown> {
        if engine == Engine::Native {
            return self.native.half_by(team, n, a, triangle, half, ask);
        }
        let engine = self.of(engine);
        match half {
            Half::Triangular => engine.triangular(n, a, triangle, ask),
            Half::Definite => engine.positive_definite(n, a, triangle, ask),
        }
    }

    /// The one that [`Engine::beyond_kernels`] named, on the calling thread.
    pub(crate) fn of(&mut self, engine: Engine) -> &mut dyn Invert<T> {
        match engine {
            #[cfg(feature = "openblas")]
            Engine::Lapack => &mut self.lapack,
            _ => &mut self.native,
        }
    }
}
