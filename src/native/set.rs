//! Which instruction sets there are kernels for, and which this machine has.

use std::sync::LazyLock;

/// The list and the enum come from one source, so that no set can be left out of a test.
macro_rules! sets {
    ($($(#[$attribute:meta])* $set:ident: $name:literal, $available:expr;)*) => {
        /// An instruction set, in the order of preference, best last.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub(crate) enum Set {
            $($(#[$attribute])* $set,)*
        }

        impl Set {
            /// All that kernels are compiled for here.
            pub(crate) const ALL: &[Set] = &[$($(#[$attribute])* Set::$set,)*];

            /// Whether this machine has it.
            pub(crate) fn is_available(self) -> bool {
                match self {
                    $($(#[$attribute])* Set::$set => $available,)*
                }
            }

            /// Its name for people.
            pub(crate) fn name(self) -> &'static str {
                match self {
                    $($(#[$attribute])* Set::$set => $name,)*
                }
            }
        }
    };
}

sets! {
    Portable: "portable", true;
    #[cfg(target_arch = "x86_64")]
    Avx2: "AVX2", is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma");
    #[cfg(target_arch = "x86_64")]
    Avx512: "AVX-512", is_x86_feature_detected!("avx512f")
        && is_x86_feature_detected!("avx512dq")
        && is_x86_feature_detected!("avx512vl")
        && is_x86_feature_detected!("avx512bw")
        && is_x86_feature_detected!("fma");
    #[cfg(target_arch = "aarch64")]
    Neon: "NEON", std::arch::is_aarch64_feature_detected!("neon");
}

/// The best set that this machine has.
pub(crate) fn best() -> Set {
    static BEST: LazyLock<Set> = LazyLock::new(|| {
        let mut available = Set::ALL.iter().copied().rev().filter(|set| set.is_available());
        available.next().expect("the portable set is always available")
    });
    #[cfg(fuzzing)]
    if let Some(set) = forced::set() {
        return set;
    }
    *BEST
}

/// Runs plain loops compiled for the best instruction set of this machine. They have no fused
/// multiplication, so every set gives the same bits.
///
/// What `work` calls has to be inlined to gain from it; nothing else depends on that.
pub(crate) fn vectorized<R>(work: impl FnOnce() -> R) -> R {
    #[cfg(target_arch = "x86_64")]
    {
        #[target_feature(enable = "avx512f,avx512dq,avx512vl,avx512bw")]
        fn avx512<R>(work: impl FnOnce() -> R) -> R {
            work()
        }
        #[target_feature(enable = "avx2")]
        fn avx2<R>(work: impl FnOnce() -> R) -> R {
            work()
        }
        match best() {
            // SAFETY: the CPU has what `best` names.
            Set::Avx512 => return unsafe { avx512(work) },
            // SAFETY: as above.
            Set::Avx2 => return unsafe { avx2(work) },
            Set::Portable => {}
        }
    }
    work()
}

/// For the fuzz targets: some other set than the best one.
#[cfg(fuzzing)]
pub(crate) mod forced {
    use super::Set;
    use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

    static FORCED: AtomicUsize = AtomicUsize::new(usize::MAX);

    /// Makes a set the best one, by its place in the list; `None` if this machine lacks it.
    pub(crate) fn force(place: usize) -> Option<&'static str> {
        let set = Set::ALL.get(place).filter(|set| set.is_available())?;
        FORCED.store(place, Relaxed);
        Some(set.name())
    }

    pub(super) fn set() -> Option<Set> {
        Set::ALL.get(FORCED.load(Relaxed)).copied()
    }
}
