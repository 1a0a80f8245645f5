//! Which instruction sets there are kernels for, and which this machine has.

use std::sync::LazyLock;

/// The list and the enum come from one source, so that no set can be left out of a test.
macro_rules! sets {
    ($($(#[$attribute:meta])* $set:ident: $name:literal, $available:expr;)*) => {
        /// An instruction set, in the order of preference, best last.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum Set {
            $(#[doc = $name] $(#[$attribute])* $set,)*
        }

        impl Set {
            /// All that kernels are compiled for here.
            pub const ALL: &[Set] = &[$($(#[$attribute])* Set::$set,)*];

            /// Whether this machine has it.
            pub fn is_available(self) -> bool {
                match self {
                    $($(#[$attribute])* Set::$set => $available,)*
                }
            }

            /// Its name for people.
            pub fn name(self) -> &'static str {
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
pub fn best() -> Set {
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

/// Functions of plain Rust that are compiled once per instruction set, since the registers that
/// every x86-64 has are a quarter of the best. Generic parameters stand in brackets, and follow from
/// the arguments. They have no fused multiplication, so every set gives the same bits.
///
/// What a body calls has to be `#[inline(always)]` to gain from it: a closure, or a function that
/// the compiler leaves where it is, is compiled for every x86-64.
macro_rules! vectorized {
    ($($(#[$meta:meta])* $public:vis fn $name:ident[$($generic:tt)*]($($arg:ident: $type:ty),* $(,)?)
        -> $result:ty $body:block)+) => {$(
        $(#[$meta])*
        #[allow(unsafe_code)] // the calls below
        $public fn $name<$($generic)*>($($arg: $type),*) -> $result {
            #[inline(always)]
            fn plain<$($generic)*>($($arg: $type),*) -> $result $body

            #[cfg(target_arch = "x86_64")]
            #[target_feature(enable = "avx512f,avx512dq,avx512vl,avx512bw")]
            fn with_avx512<$($generic)*>($($arg: $type),*) -> $result {
                plain($($arg),*)
            }
            #[cfg(target_arch = "x86_64")]
            #[target_feature(enable = "avx2")]
            fn with_avx2<$($generic)*>($($arg: $type),*) -> $result {
                plain($($arg),*)
            }
            match $crate::simd::set::best() {
                // SAFETY: `best` answers sets that this machine has.
                #[cfg(target_arch = "x86_64")]
                $crate::simd::set::Set::Avx512 => unsafe { with_avx512($($arg),*) },
                // SAFETY: as above.
                #[cfg(target_arch = "x86_64")]
                $crate::simd::set::Set::Avx2 => unsafe { with_avx2($($arg),*) },
                $crate::simd::set::Set::Portable => plain($($arg),*),
                // What the compiler makes of plain code there is NEON.
                #[cfg(target_arch = "aarch64")]
                $crate::simd::set::Set::Neon => plain($($arg),*),
            }
        }
    )+};
}
pub(crate) use vectorized;

/// For the fuzz targets: some other set than the best one.
#[cfg(fuzzing)]
pub mod forced {
    use super::Set;
    use std::sync::atomic::AtomicUsize;
    use std::sync::atomic::Ordering::Relaxed;

    static FORCED: AtomicUsize = AtomicUsize::new(usize::MAX);

    /// Makes a set the best one, by its place in the list; `None` if this machine lacks it.
    pub fn force(place: usize) -> Option<&'static str> {
        let set = Set::ALL.get(place).filter(|set| set.is_available())?;
        FORCED.store(place, Relaxed);
        Some(set.name())
    }

    pub(crate) fn set() -> Option<Set> {
        Set::ALL.get(FORCED.load(Relaxed)).copied()
    }
}
