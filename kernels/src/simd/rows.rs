//! What the blocked engine needs of a register beyond [`Vector`]: here the lanes of a register are
//! rows of one matrix, and a complex number takes two of them, one beside the other.

mod array;

use crate::scalar::Scalar;
use crate::simd::vector::{MAX_LANES, Vector};
#[cfg(target_arch = "x86_64")]
use crate::simd::x86::F32x8;
use crate::simd::x86::{F32x16, F64x4, F64x8};
pub(crate) use array::Array;
#[cfg(target_arch = "x86_64")]
use std::arch::x86_64 as arch;

/// A register of neighbours in memory.
pub(crate) trait RowVector: Vector {
    /// Each pair of lanes exchanged.
    fn swap(self) -> Self;

    /// Each pair of lanes, as a complex number, times the imaginary unit.
    fn times_i(self) -> Self;

    /// Two halves of a vector, from two places.
    ///
    /// # Safety
    ///
    /// Half a vector can be read at each. The CPU has the instructions.
    #[inline(always)]
    unsafe fn load_two(first: *const Self::Real, second: *const Self::Real) -> Self {
        let half = Self::LANES / 2;
        let mut both = [Self::Real::from_f64(0.0); MAX_LANES];
        // SAFETY: the caller's promise; there is room for a vector.
        unsafe {
            both.as_mut_ptr().copy_from_nonoverlapping(first, half);
            both.as_mut_ptr().add(half).copy_from_nonoverlapping(second, half);
            Self::load(both.as_ptr())
        }
    }

    /// Stores the two halves of a vector to two places.
    ///
    /// # Safety
    ///
    /// Half a vector can be written at each. The CPU has the instructions.
    #[inline(always)]
    unsafe fn store_two(self, first: *mut Self::Real, second: *mut Self::Real) {
        let half = Self::LANES / 2;
        let mut both = [Self::Real::from_f64(0.0); MAX_LANES];
        // SAFETY: the caller's promise; there is room for a vector.
        unsafe {
            self.store(both.as_mut_ptr());
            first.copy_from_nonoverlapping(both.as_ptr(), half);
            second.copy_from_nonoverlapping(both.as_ptr().add(half), half);
        }
    }

    /// Half a vector, then zeros.
    ///
    /// # Safety
    ///
    /// It can be read there. The CPU has the instructions.
    #[inline(always)]
    unsafe fn load_half(from: *const Self::Real) -> Self {
        // SAFETY: the caller's promise.
        unsafe { Self::load_n(from, Self::LANES / 2) }
    }

    /// Stores the first half of a vector.
    ///
    /// # Safety
    ///
    /// It can be written there. The CPU has the instructions.
    #[inline(always)]
    unsafe fn store_half(self, to: *mut Self::Real) {
        // SAFETY: the caller's promise.
        unsafe { self.store_n(to, Self::LANES / 2) }
    }

    /// Zero in every lane.
    ///
    /// # Safety
    ///
    /// As [`splat`](Vector::splat).
    #[inline(always)]
    unsafe fn zero() -> Self {
        // SAFETY: the caller's promise.
        unsafe { Self::splat(Self::Real::from_f64(0.0)) }
    }

    /// The number there, in every lane.
    ///
    /// # Safety
    ///
    /// As [`splat`](Vector::splat), and it can be read.
    #[inline(always)]
    unsafe fn splat_from(at: *const Self::Real) -> Self {
        // SAFETY: the caller's promise.
        unsafe { Self::splat(at.read()) }
    }
}

#[cfg(target_arch = "x86_64")]
macro_rules! x86 {
    ($($vector:ident: $swap:expr, $negate:expr
        $(, $load:expr, $store:expr, $load_half:expr, $store_half:expr)?);*) => {$(
        impl RowVector for $vector {
            #[inline(always)]
            fn swap(self) -> Self {
                // SAFETY: a vector is there, so the CPU has its instructions.
                unsafe { $vector($swap(self.0)) }
            }

            #[inline(always)]
            fn times_i(self) -> Self {
                // SAFETY: a vector is there, so the CPU has its instructions.
                unsafe { $vector($negate($swap(self.0))) }
            }
            $(
                #[inline(always)]
                unsafe fn load_two(first: *const Self::Real, second: *const Self::Real) -> Self {
                    // SAFETY: the caller's promise.
                    unsafe { $vector($load(first, second)) }
                }

                #[inline(always)]
                unsafe fn store_two(self, first: *mut Self::Real, second: *mut Self::Real) {
                    // SAFETY: the caller's promise.
                    unsafe { $store(self.0, first, second) }
                }

                #[inline(always)]
                unsafe fn load_half(from: *const Self::Real) -> Self {
                    // SAFETY: the caller's promise.
                    unsafe { $vector($load_half(from)) }
                }

                #[inline(always)]
                unsafe fn store_half(self, to: *mut Self::Real) {
                    // SAFETY: the caller's promise.
                    unsafe { $store_half(self.0, to) }
                }
            )?
        }
    )*};
}

#[cfg(target_arch = "x86_64")]
x86! {
    F64x4: |x| arch::_mm256_permute_pd::<0b0101>(x),
        |x| arch::_mm256_xor_pd(x, arch::_mm256_setr_pd(-0.0, 0.0, -0.0, 0.0));
    F32x8: |x| arch::_mm256_permute_ps::<0b1011_0001>(x),
        |x| arch::_mm256_xor_ps(x, arch::_mm256_castpd_ps(
            arch::_mm256_castsi256_pd(arch::_mm256_set1_epi64x(0x8000_0000)))),
        |first, second| arch::_mm256_set_m128(arch::_mm_loadu_ps(second), arch::_mm_loadu_ps(first)),
        |x, first, second| {
            arch::_mm_storeu_ps(first, arch::_mm256_castps256_ps128(x));
            arch::_mm_storeu_ps(second, arch::_mm256_extractf128_ps::<1>(x));
        },
        |from| arch::_mm256_zextps128_ps256(arch::_mm_loadu_ps(from)),
        |x, to| arch::_mm_storeu_ps(to, arch::_mm256_castps256_ps128(x));
    F64x8: |x| arch::_mm512_permute_pd::<0b0101_0101>(x),
        |x| arch::_mm512_xor_pd(
            x, arch::_mm512_setr_pd(-0.0, 0.0, -0.0, 0.0, -0.0, 0.0, -0.0, 0.0));
    F32x16: |x| arch::_mm512_permute_ps::<0b1011_0001>(x),
        |x| arch::_mm512_xor_ps(
            x, arch::_mm512_castsi512_ps(arch::_mm512_set1_epi64(0x8000_0000))),
        |first, second| arch::_mm512_insertf32x8::<1>(
            arch::_mm512_castps256_ps512(arch::_mm256_loadu_ps(first)),
            arch::_mm256_loadu_ps(second)),
        |x, first, second| {
            arch::_mm256_storeu_ps(first, arch::_mm512_castps512_ps256(x));
            arch::_mm256_storeu_ps(second, arch::_mm512_extractf32x8_ps::<1>(x));
        },
        |from| arch::_mm512_zextps256_ps512(arch::_mm256_loadu_ps(from)),
        |x, to| arch::_mm256_storeu_ps(to, arch::_mm512_castps512_ps256(x))
}

/// A row of a strip of columns, which fills a vector or half of one.
///
/// # Safety
///
/// As [`Vector::load`], for `WIDTH` numbers.
#[inline(always)]
pub(crate) unsafe fn load_row<V: RowVector, const WIDTH: usize>(from: *const V::Real) -> V {
    const { assert!(WIDTH == V::LANES || 2 * WIDTH == V::LANES, "vectors or halves") };
    // SAFETY: the caller's promise.
    unsafe { if WIDTH == V::LANES { V::load(from) } else { V::load_half(from) } }
}

/// Stores a row of a strip of columns.
///
/// # Safety
///
/// As [`Vector::store`], for `WIDTH` numbers.
#[inline(always)]
pub(crate) unsafe fn store_row<V: RowVector, const WIDTH: usize>(row: V, to: *mut V::Real) {
    const { assert!(WIDTH == V::LANES || 2 * WIDTH == V::LANES, "vectors or halves") };
    // SAFETY: the caller's promise.
    unsafe {
        if WIDTH == V::LANES {
            row.store(to);
        } else {
            row.store_half(to);
        }
    }
}
