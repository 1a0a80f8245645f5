//! What this program runs on, for people who report or compare.

use crate::blas::guard;
use crate::blas::{self, Threading};
use crate::engine;
use matinv_kernels::set;

/// Instruction sets and BLAS of the running program.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Platform {
    /// Version of this crate.
    pub version: &'static str,
    /// The vector instruction sets that the processor has, widest first.
    pub instruction_sets: Vec<&'static str>,
    /// The instruction set of the native engine's kernels.
    pub native_set: &'static str,
    /// The OpenBLAS that LAPACK's routines come from; `None` in a build without LAPACK.
    pub blas: Option<Blas>,
}

/// What OpenBLAS says of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Blas {
    /// Version and build options.
    pub config: String,
    /// The kernels that it chose for this processor.
    pub core: String,
    /// How it was built to run in parallel.
    pub threading: Threading,
    /// Threads that it would use if left alone.
    pub threads: usize,
    /// Whether it is part of this program (`static`) or loaded with it (`dynamic`).
    pub linked: &'static str,
    /// Whether it passes the test at its first use. Where it does not, the native engine takes what
    /// [`Engine::Auto`](crate::Engine::Auto) would have left to it, and
    /// [`Engine::Lapack`](crate::Engine::Lapack) is an error.
    pub sound: bool,
}

/// Looks at the running program and its machine.
pub fn platform() -> Platform {
    Platform {
        version: env!("CARGO_PKG_VERSION"),
        instruction_sets: instruction_sets(),
        native_set: set::best().name(),
        blas: blas::names().map(|[config, core]| Blas {
            config,
            core,
            threading: blas::threading(),
            threads: guard::users_setting(),
            linked: option_env!("MATINV_OPENBLAS_LINK").unwrap_or("unknown"),
            sound: engine::has_sound_lapack(),
        }),
    }
}

fn instruction_sets() -> Vec<&'static str> {
    let mut sets = Vec::new();
    #[cfg(target_arch = "x86_64")]
    {
        macro_rules! detect {
            ($($set:tt),*) => {$(
                if std::arch::is_x86_feature_detected!($set) {
                    sets.push($set);
                }
            )*};
        }
        detect!("avx512f", "avx2", "fma", "avx", "sse4.2", "sse2");
    }
    #[cfg(target_arch = "aarch64")]
    {
        if std::arch::is_aarch64_feature_detected!("neon") {
            sets.push("neon");
        }
    }
    sets
}
