//! The vectors of x86-64: AVX2 with FMA, and AVX-512.

use std::arch::x86_64::{__m256i, _mm_loadu_si128, _mm256_cvtepi32_epi64, _mm256_loadu_si256};

/// An expression of intrinsics, inside a method of a vector.
macro_rules! proved {
    ($intrinsics:expr) => {
        // SAFETY: a vector is there, so the CPU has its instructions (see `Vector`); pointers are
        // the caller's promise.
        unsafe { $intrinsics }
    };
}

/// The methods that are one intrinsic in every set, named by its prefix and suffix.
macro_rules! plain {
    ($vector:ident, $real:ty, $set1:ident, $load:ident, $store:ident, $stream:ident, $add:ident, $mul:ident,
     $div:ident, $fmadd:ident, $fnmadd:ident, $sqrt:ident, $max:ident) => {
        #[inline(always)]
        unsafe fn splat(value: $real) -> Self {
            $vector(proved!($set1(value)))
        }
        #[inline(always)]
        unsafe fn load(from: *const $real) -> Self {
            $vector(proved!($load(from)))
        }
        #[inline(always)]
        unsafe fn store(self, to: *mut $real) {
            proved!($store(to, self.0))
        }
        #[inline(always)]
        unsafe fn stream(self, to: *mut $real) {
            proved!($stream(to, self.0))
        }
        #[inline(always)]
        unsafe fn flush_stream() {
            proved!(_mm_sfence());
        }
        #[inline(always)]
        unsafe fn prefetch(address: *const u8, near: bool) {
            if near {
                proved!(_mm_prefetch::<_MM_HINT_T0>(address.cast()));
            } else {
                proved!(_mm_prefetch::<_MM_HINT_T1>(address.cast()));
            }
        }
        #[inline(always)]
        fn add(self, x: Self) -> Self {
            $vector(proved!($add(self.0, x.0)))
        }
        #[inline(always)]
        fn mul(self, x: Self) -> Self {
            $vector(proved!($mul(self.0, x.0)))
        }
        #[inline(always)]
        fn div(self, x: Self) -> Self {
            $vector(proved!($div(self.0, x.0)))
        }
        #[inline(always)]
        fn add_mul(self, x: Self, y: Self) -> Self {
            $vector(proved!($fmadd(x.0, y.0, self.0)))
        }
        #[inline(always)]
        fn neg_mul_add(self, x: Self, y: Self) -> Self {
            $vector(proved!($fnmadd(x.0, y.0, self.0)))
        }
        #[inline(always)]
        fn sqrt(self) -> Self {
            $vector(proved!($sqrt(self.0)))
        }
        #[inline(always)]
        fn max(self, x: Self) -> Self {
            $vector(proved!($max(self.0, x.0)))
        }
    };
}

mod double;
mod single;

pub(crate) use double::{F64x4, F64x8};
pub(crate) use single::{F32x8, F32x16};

/// Ones in the first eight places, then zeros: read from place 8 − count on, it is the mask of
/// the first `count` lanes.
static FIRST: [i32; 16] = [-1, -1, -1, -1, -1, -1, -1, -1, 0, 0, 0, 0, 0, 0, 0, 0];

#[inline(always)]
fn first_of_8(count: usize) -> __m256i {
    // SAFETY: 8 − min(count, 8) + 8 ≤ 16. AVX2 as for every vector of this file.
    unsafe { _mm256_loadu_si256(FIRST.as_ptr().add(8 - count.min(8)).cast()) }
}

#[inline(always)]
fn first_of_4(count: usize) -> __m256i {
    // SAFETY: AVX2 as for every vector of this file.
    unsafe { _mm256_cvtepi32_epi64(_mm_loadu_si128(FIRST.as_ptr().add(8 - count.min(8)).cast())) }
}
