//! Which engine inverts, and what every engine has to offer.
//!
//! Engines see a slice without gaps in column-major order and its order n; never an array, an
//! [`Error`](crate::Error) or a thread pool. A row-major matrix reaches them as its transpose:
//! (A⁻¹)ᵀ = (Aᵀ)⁻¹. What depends on the side (the norm behind rcond) is told by [`Norm`](matinv_kernels::Norm).

use matinv_kernels::set::{self, Set};
use matinv_kernels::{Invert, Kind, Native, Scalar};
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
            (Engine::Native | Engine::Auto, _) => matinv_kernels::MAX_ORDER,
        };
        (1..=up_to).contains(&n)
    }

    /// Who inverts general matrices of order `n ≥ 1`, if this engine is wanted: by `n` alone, as
    /// [`in_kernels`](Self::in_kernels).
    pub(crate) fn for_general<T: Scalar>(self, n: usize) -> Method {
        match self {
            _ if self.in_kernels::<T>(Kind::General, n) => Method::Interleaved,
            Engine::Lapack => Method::Lapack,
            Engine::Auto if !blocks_are_fast(set::best()) && has_sound_lapack() => Method::Lapack,
            Engine::Native | Engine::Auto => Method::Blocked,
        }
    }

    /// The engine for triangular and positive definite matrices that are not in the kernels for small
    /// ones, if this one is wanted: never `Auto`. By nothing else, as
    /// [`in_kernels`](Self::in_kernels).
    pub(crate) fn for_triangles(self, n: usize) -> Engine {
        match self {
            // Small ones that a kernel has left alone are beyond plain arithmetic.
            Engine::Auto
                if (!blocks_are_fast(set::best()) || n <= matinv_kernels::MAX_ORDER)
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
            Engine::Auto if n <= matinv_kernels::MAX_ORDER => Engine::Native,
            _ => self.fallback(),
        }
    }

    /// The engine for what has no other choice, if this one is wanted: never `Auto`.
    pub(crate) fn fallback(self) -> Engine {
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

/// How a matrix is inverted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Method {
    /// By LAPACK, or otherwise one by one on the calling thread.
    Lapack,
    /// By the native engine, one matrix per lane.
    Interleaved,
    /// By the native engine, one matrix after the other, each by blocks that threads share.
    Blocked,
}

/// The choice table of the native engine: the largest order at which a general or positive definite
/// matrix is inverted by the kernels for small ones, and not by blocks, by scalar and instruction set.
fn kernels_up_to<T: Scalar>(set: Set) -> usize {
    match (set, T::COMPLEX) {
        #[cfg(target_arch = "x86_64")]
        (Set::Avx2 | Set::Avx512, _) => matinv_kernels::MAX_SINGLE,
        _ => matinv_kernels::MAX_ORDER,
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

/// The largest order that the engines of this build take: as many elements as LAPACK counts, or else a slice
/// can have.
#[cfg(feature = "openblas")]
pub(crate) use crate::lapack::MAX_ORDER;
#[cfg(not(feature = "openblas"))]
pub(crate) const MAX_ORDER: usize = (usize::MAX / 2).isqrt();

/// The engines of this build, each with the memory that it keeps.
pub(crate) struct Engines<T: Scalar> {
    native: Native<T>,
    /// Made when it is first called for.
    #[cfg(feature = "openblas")]
    lapack: Option<Box<dyn Invert<T> + Send>>,
}

impl<T: Scalar> Default for Engines<T> {
    fn default() -> Self {
        Engines {
            native: Native::default(),
            #[cfg(feature = "openblas")]
            lapack: None,
        }
    }
}

impl<T: Scalar> Engines<T> {
    /// An engine by its name: the native one for all but [`Engine::Lapack`].
    pub(crate) fn of(&mut self, engine: Engine) -> &mut dyn Invert<T> {
        match engine {
            #[cfg(feature = "openblas")]
            Engine::Lapack => &mut **self.lapack.get_or_insert_with(crate::lapack::engine),
            _ => &mut self.native,
        }
    }
}
