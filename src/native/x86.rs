//! The vectors of x86-64: AVX2 with FMA, and AVX-512.

use super::vector::{MAX_LANES, Tile, Vector};
#[allow(clippy::wildcard_imports)] // 90 intrinsics
use std::arch::x86_64::*;

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
        unsafe fn fence() {
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
        fn sub_mul(self, x: Self, y: Self) -> Self {
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

/// Four `f64`, AVX2.
#[derive(Clone, Copy)]
#[repr(transparent)]
pub(super) struct F64x4(__m256d);

/// Eight `f32`, AVX2.
#[derive(Clone, Copy)]
#[repr(transparent)]
pub(super) struct F32x8(__m256);

/// Eight `f64`, AVX-512.
#[derive(Clone, Copy)]
#[repr(transparent)]
pub(super) struct F64x8(__m512d);

/// Sixteen `f32`, AVX-512.
#[derive(Clone, Copy)]
#[repr(transparent)]
pub(super) struct F32x16(__m512);

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

impl Vector for F64x4 {
    type Real = f64;
    type Mask = __m256d;
    type Places = __m128i;
    const LANES: usize = 4;

    plain!(
        F64x4,
        f64,
        _mm256_set1_pd,
        _mm256_loadu_pd,
        _mm256_storeu_pd,
        _mm256_stream_pd,
        _mm256_add_pd,
        _mm256_mul_pd,
        _mm256_div_pd,
        _mm256_fmadd_pd,
        _mm256_fnmadd_pd,
        _mm256_sqrt_pd,
        _mm256_max_pd
    );

    #[inline(always)]
    unsafe fn load_first(from: *const f64, count: usize) -> Self {
        F64x4(proved!(_mm256_maskload_pd(from, first_of_4(count))))
    }
    #[inline(always)]
    unsafe fn gather(from: *const f64, places: __m128i) -> Self {
        F64x4(proved!(_mm256_i32gather_pd::<8>(from, places)))
    }
    #[inline(always)]
    fn places(self) -> __m128i {
        proved!(_mm256_cvttpd_epi32(self.0))
    }
    #[inline(always)]
    unsafe fn store_first(self, to: *mut f64, count: usize) {
        proved!(_mm256_maskstore_pd(to, first_of_4(count), self.0));
    }
    #[inline(always)]
    fn neg(self) -> Self {
        F64x4(proved!(_mm256_xor_pd(self.0, _mm256_set1_pd(-0.0))))
    }
    #[inline(always)]
    fn abs(self) -> Self {
        F64x4(proved!(_mm256_andnot_pd(_mm256_set1_pd(-0.0), self.0)))
    }
    #[inline(always)]
    fn eq(self, x: Self) -> __m256d {
        proved!(_mm256_cmp_pd::<_CMP_EQ_OQ>(self.0, x.0))
    }
    #[inline(always)]
    fn blend(self, mask: __m256d, other: Self) -> Self {
        F64x4(proved!(_mm256_blendv_pd(self.0, other.0, mask)))
    }
    #[inline(always)]
    fn bits(mask: __m256d) -> u32 {
        proved!(_mm256_movemask_pd(mask)).cast_unsigned()
    }
    #[inline(always)]
    fn select(self, bits: u32, other: Self) -> Self {
        proved!({
            let lane = _mm256_setr_epi64x(1, 2, 4, 8);
            let set = _mm256_and_si256(_mm256_set1_epi64x(i64::from(bits)), lane);
            self.blend(_mm256_castsi256_pd(_mm256_cmpeq_epi64(set, lane)), other)
        })
    }
    #[inline(always)]
    fn spread_max(self) -> Self {
        proved!({
            let half = self.max(F64x4(_mm256_permute2f128_pd::<0x01>(self.0, self.0)));
            half.max(F64x4(_mm256_permute_pd::<0x5>(half.0)))
        })
    }
    #[inline(always)]
    fn first(self) -> f64 {
        proved!(_mm256_cvtsd_f64(self.0))
    }
    #[inline(always)]
    fn deinterleave(self, x: Self) -> (Self, Self) {
        proved!({
            let (even, odd) = (_mm256_unpacklo_pd(self.0, x.0), _mm256_unpackhi_pd(self.0, x.0));
            let (even, odd) =
                (_mm256_permute4x64_pd::<0xd8>(even), _mm256_permute4x64_pd::<0xd8>(odd));
            (F64x4(even), F64x4(odd))
        })
    }
    #[inline(always)]
    fn interleave(self, x: Self) -> (Self, Self) {
        proved!({
            let (even, odd) =
                (_mm256_permute4x64_pd::<0xd8>(self.0), _mm256_permute4x64_pd::<0xd8>(x.0));
            (F64x4(_mm256_unpacklo_pd(even, odd)), F64x4(_mm256_unpackhi_pd(even, odd)))
        })
    }
    #[inline(always)]
    fn transpose(tile: &mut Tile<Self>) {
        proved!({
            let [a, b, c, d] = [tile[0].0, tile[1].0, tile[2].0, tile[3].0];
            let (even, odd) = (_mm256_unpacklo_pd(a, b), _mm256_unpackhi_pd(a, b));
            let (even2, odd2) = (_mm256_unpacklo_pd(c, d), _mm256_unpackhi_pd(c, d));
            tile[0] = F64x4(_mm256_permute2f128_pd::<0x20>(even, even2));
            tile[1] = F64x4(_mm256_permute2f128_pd::<0x20>(odd, odd2));
            tile[2] = F64x4(_mm256_permute2f128_pd::<0x31>(even, even2));
            tile[3] = F64x4(_mm256_permute2f128_pd::<0x31>(odd, odd2));
        });
    }
}

impl Vector for F32x8 {
    type Real = f32;
    type Mask = __m256;
    type Places = __m256i;
    const LANES: usize = 8;

    plain!(
        F32x8,
        f32,
        _mm256_set1_ps,
        _mm256_loadu_ps,
        _mm256_storeu_ps,
        _mm256_stream_ps,
        _mm256_add_ps,
        _mm256_mul_ps,
        _mm256_div_ps,
        _mm256_fmadd_ps,
        _mm256_fnmadd_ps,
        _mm256_sqrt_ps,
        _mm256_max_ps
    );

    #[inline(always)]
    unsafe fn load_first(from: *const f32, count: usize) -> Self {
        F32x8(proved!(_mm256_maskload_ps(from, first_of_8(count))))
    }
    #[inline(always)]
    unsafe fn gather(from: *const f32, places: __m256i) -> Self {
        F32x8(proved!(_mm256_i32gather_ps::<4>(from, places)))
    }
    #[inline(always)]
    fn places(self) -> __m256i {
        proved!(_mm256_cvttps_epi32(self.0))
    }
    #[inline(always)]
    unsafe fn store_first(self, to: *mut f32, count: usize) {
        proved!(_mm256_maskstore_ps(to, first_of_8(count), self.0));
    }
    #[inline(always)]
    fn neg(self) -> Self {
        F32x8(proved!(_mm256_xor_ps(self.0, _mm256_set1_ps(-0.0))))
    }
    #[inline(always)]
    fn abs(self) -> Self {
        F32x8(proved!(_mm256_andnot_ps(_mm256_set1_ps(-0.0), self.0)))
    }
    #[inline(always)]
    fn eq(self, x: Self) -> __m256 {
        proved!(_mm256_cmp_ps::<_CMP_EQ_OQ>(self.0, x.0))
    }
    #[inline(always)]
    fn blend(self, mask: __m256, other: Self) -> Self {
        F32x8(proved!(_mm256_blendv_ps(self.0, other.0, mask)))
    }
    #[inline(always)]
    fn bits(mask: __m256) -> u32 {
        proved!(_mm256_movemask_ps(mask)).cast_unsigned()
    }
    #[inline(always)]
    fn select(self, bits: u32, other: Self) -> Self {
        proved!({
            let lane = _mm256_setr_epi32(1, 2, 4, 8, 16, 32, 64, 128);
            let set = _mm256_and_si256(_mm256_set1_epi32(bits.cast_signed()), lane);
            self.blend(_mm256_castsi256_ps(_mm256_cmpeq_epi32(set, lane)), other)
        })
    }
    #[inline(always)]
    fn spread_max(self) -> Self {
        proved!({
            let half = self.max(F32x8(_mm256_permute2f128_ps::<0x01>(self.0, self.0)));
            let quarter = half.max(F32x8(_mm256_permute_ps::<0x4e>(half.0)));
            quarter.max(F32x8(_mm256_permute_ps::<0xb1>(quarter.0)))
        })
    }
    #[inline(always)]
    fn first(self) -> f32 {
        proved!(_mm256_cvtss_f32(self.0))
    }
    #[inline(always)]
    fn deinterleave(self, x: Self) -> (Self, Self) {
        proved!({
            let even = _mm256_castps_pd(_mm256_shuffle_ps::<0x88>(self.0, x.0));
            let odd = _mm256_castps_pd(_mm256_shuffle_ps::<0xdd>(self.0, x.0));
            let even = _mm256_castpd_ps(_mm256_permute4x64_pd::<0xd8>(even));
            let odd = _mm256_castpd_ps(_mm256_permute4x64_pd::<0xd8>(odd));
            (F32x8(even), F32x8(odd))
        })
    }
    #[inline(always)]
    fn interleave(self, x: Self) -> (Self, Self) {
        proved!({
            let even = _mm256_permute4x64_pd::<0xd8>(_mm256_castps_pd(self.0));
            let odd = _mm256_permute4x64_pd::<0xd8>(_mm256_castps_pd(x.0));
            let (even, odd) = (_mm256_castpd_ps(even), _mm256_castpd_ps(odd));
            (F32x8(_mm256_unpacklo_ps(even, odd)), F32x8(_mm256_unpackhi_ps(even, odd)))
        })
    }
    #[inline(always)]
    fn transpose(tile: &mut Tile<Self>) {
        proved!({
            // Squares of 4 by 4 in each half of a register, then the halves.
            let mut half = [_mm256_setzero_ps(); 8];
            for group in 0..2 {
                let at = 4 * group;
                let [a, b, c, d] = [tile[at].0, tile[at + 1].0, tile[at + 2].0, tile[at + 3].0];
                let ab = _mm256_castps_pd(_mm256_unpacklo_ps(a, b));
                let cd = _mm256_castps_pd(_mm256_unpacklo_ps(c, d));
                half[at] = _mm256_castpd_ps(_mm256_unpacklo_pd(ab, cd));
                half[at + 1] = _mm256_castpd_ps(_mm256_unpackhi_pd(ab, cd));
                let ab = _mm256_castps_pd(_mm256_unpackhi_ps(a, b));
                let cd = _mm256_castps_pd(_mm256_unpackhi_ps(c, d));
                half[at + 2] = _mm256_castpd_ps(_mm256_unpacklo_pd(ab, cd));
                half[at + 3] = _mm256_castpd_ps(_mm256_unpackhi_pd(ab, cd));
            }
            for i in 0..4 {
                tile[i] = F32x8(_mm256_permute2f128_ps::<0x20>(half[i], half[4 + i]));
                tile[4 + i] = F32x8(_mm256_permute2f128_ps::<0x31>(half[i], half[4 + i]));
            }
        });
    }
}

impl Vector for F64x8 {
    type Real = f64;
    type Mask = __mmask8;
    type Places = __m256i;
    const LANES: usize = 8;

    plain!(
        F64x8,
        f64,
        _mm512_set1_pd,
        _mm512_loadu_pd,
        _mm512_storeu_pd,
        _mm512_stream_pd,
        _mm512_add_pd,
        _mm512_mul_pd,
        _mm512_div_pd,
        _mm512_fmadd_pd,
        _mm512_fnmadd_pd,
        _mm512_sqrt_pd,
        _mm512_max_pd
    );

    #[inline(always)]
    unsafe fn load_first(from: *const f64, count: usize) -> Self {
        F64x8(proved!(_mm512_maskz_loadu_pd(0xff >> (8 - count), from)))
    }
    #[inline(always)]
    unsafe fn gather(from: *const f64, places: __m256i) -> Self {
        F64x8(proved!(_mm512_i32gather_pd::<8>(places, from)))
    }
    #[inline(always)]
    fn places(self) -> __m256i {
        proved!(_mm512_cvttpd_epi32(self.0))
    }
    #[inline(always)]
    unsafe fn store_first(self, to: *mut f64, count: usize) {
        proved!(_mm512_mask_storeu_pd(to, 0xff >> (8 - count), self.0));
    }
    #[inline(always)]
    fn neg(self) -> Self {
        F64x8(proved!(_mm512_xor_pd(self.0, _mm512_set1_pd(-0.0))))
    }
    #[inline(always)]
    fn abs(self) -> Self {
        F64x8(proved!(_mm512_abs_pd(self.0)))
    }
    #[inline(always)]
    fn eq(self, x: Self) -> __mmask8 {
        proved!(_mm512_cmp_pd_mask::<_CMP_EQ_OQ>(self.0, x.0))
    }
    #[inline(always)]
    fn blend(self, mask: __mmask8, other: Self) -> Self {
        F64x8(proved!(_mm512_mask_blend_pd(mask, self.0, other.0)))
    }
    #[inline(always)]
    fn bits(mask: __mmask8) -> u32 {
        u32::from(mask)
    }
    #[inline(always)]
    #[allow(clippy::cast_possible_truncation)] // as many bits as lanes
    fn select(self, bits: u32, other: Self) -> Self {
        self.blend(bits as __mmask8, other)
    }
    #[inline(always)]
    fn spread_max(self) -> Self {
        proved!({
            let half = self.max(F64x8(_mm512_shuffle_f64x2::<0x4e>(self.0, self.0)));
            let quarter = half.max(F64x8(_mm512_shuffle_f64x2::<0xb1>(half.0, half.0)));
            quarter.max(F64x8(_mm512_permute_pd::<0x55>(quarter.0)))
        })
    }
    #[inline(always)]
    fn first(self) -> f64 {
        proved!(_mm512_cvtsd_f64(self.0))
    }
    #[inline(always)]
    fn deinterleave(self, x: Self) -> (Self, Self) {
        proved!({
            let even = _mm512_setr_epi64(0, 2, 4, 6, 8, 10, 12, 14);
            let odd = _mm512_setr_epi64(1, 3, 5, 7, 9, 11, 13, 15);
            let even = _mm512_permutex2var_pd(self.0, even, x.0);
            (F64x8(even), F64x8(_mm512_permutex2var_pd(self.0, odd, x.0)))
        })
    }
    #[inline(always)]
    fn interleave(self, x: Self) -> (Self, Self) {
        proved!({
            let low = _mm512_setr_epi64(0, 8, 1, 9, 2, 10, 3, 11);
            let high = _mm512_setr_epi64(4, 12, 5, 13, 6, 14, 7, 15);
            let low = _mm512_permutex2var_pd(self.0, low, x.0);
            (F64x8(low), F64x8(_mm512_permutex2var_pd(self.0, high, x.0)))
        })
    }
    #[inline(always)]
    fn transpose(tile: &mut Tile<Self>) {
        proved!({
            // Pairs of rows, even and odd columns apart; then 4 by 4 blocks of 128 bits.
            let [a0, b0, a1, b1] = [tile[0].0, tile[1].0, tile[2].0, tile[3].0];
            let [a2, b2, a3, b3] = [tile[4].0, tile[5].0, tile[6].0, tile[7].0];
            let even = [
                _mm512_unpacklo_pd(a0, b0),
                _mm512_unpacklo_pd(a1, b1),
                _mm512_unpacklo_pd(a2, b2),
                _mm512_unpacklo_pd(a3, b3),
            ];
            let odd = [
                _mm512_unpackhi_pd(a0, b0),
                _mm512_unpackhi_pd(a1, b1),
                _mm512_unpackhi_pd(a2, b2),
                _mm512_unpackhi_pd(a3, b3),
            ];
            for (parity, [a, b, c, d]) in [even, odd].into_iter().enumerate() {
                let (low, low2) =
                    (_mm512_shuffle_f64x2::<0x44>(a, b), _mm512_shuffle_f64x2::<0x44>(c, d));
                let (high, high2) =
                    (_mm512_shuffle_f64x2::<0xee>(a, b), _mm512_shuffle_f64x2::<0xee>(c, d));
                tile[parity] = F64x8(_mm512_shuffle_f64x2::<0x88>(low, low2));
                tile[2 + parity] = F64x8(_mm512_shuffle_f64x2::<0xdd>(low, low2));
                tile[4 + parity] = F64x8(_mm512_shuffle_f64x2::<0x88>(high, high2));
                tile[6 + parity] = F64x8(_mm512_shuffle_f64x2::<0xdd>(high, high2));
            }
        });
    }
}

impl Vector for F32x16 {
    type Real = f32;
    type Mask = __mmask16;
    type Places = __m512i;
    const LANES: usize = 16;

    plain!(
        F32x16,
        f32,
        _mm512_set1_ps,
        _mm512_loadu_ps,
        _mm512_storeu_ps,
        _mm512_stream_ps,
        _mm512_add_ps,
        _mm512_mul_ps,
        _mm512_div_ps,
        _mm512_fmadd_ps,
        _mm512_fnmadd_ps,
        _mm512_sqrt_ps,
        _mm512_max_ps
    );

    #[inline(always)]
    unsafe fn load_first(from: *const f32, count: usize) -> Self {
        F32x16(proved!(_mm512_maskz_loadu_ps(0xffff >> (16 - count), from)))
    }
    #[inline(always)]
    unsafe fn gather(from: *const f32, places: __m512i) -> Self {
        F32x16(proved!(_mm512_i32gather_ps::<4>(places, from)))
    }
    #[inline(always)]
    fn places(self) -> __m512i {
        proved!(_mm512_cvttps_epi32(self.0))
    }
    #[inline(always)]
    unsafe fn store_first(self, to: *mut f32, count: usize) {
        proved!(_mm512_mask_storeu_ps(to, 0xffff >> (16 - count), self.0));
    }
    #[inline(always)]
    fn neg(self) -> Self {
        F32x16(proved!(_mm512_xor_ps(self.0, _mm512_set1_ps(-0.0))))
    }
    #[inline(always)]
    fn abs(self) -> Self {
        F32x16(proved!(_mm512_abs_ps(self.0)))
    }
    #[inline(always)]
    fn eq(self, x: Self) -> __mmask16 {
        proved!(_mm512_cmp_ps_mask::<_CMP_EQ_OQ>(self.0, x.0))
    }
    #[inline(always)]
    fn blend(self, mask: __mmask16, other: Self) -> Self {
        F32x16(proved!(_mm512_mask_blend_ps(mask, self.0, other.0)))
    }
    #[inline(always)]
    fn bits(mask: __mmask16) -> u32 {
        u32::from(mask)
    }
    #[inline(always)]
    #[allow(clippy::cast_possible_truncation)] // as many bits as lanes
    fn select(self, bits: u32, other: Self) -> Self {
        self.blend(bits as __mmask16, other)
    }
    #[inline(always)]
    fn spread_max(self) -> Self {
        proved!({
            let half = self.max(F32x16(_mm512_shuffle_f32x4::<0x4e>(self.0, self.0)));
            let quarter = half.max(F32x16(_mm512_shuffle_f32x4::<0xb1>(half.0, half.0)));
            let eighth = quarter.max(F32x16(_mm512_permute_ps::<0x4e>(quarter.0)));
            eighth.max(F32x16(_mm512_permute_ps::<0xb1>(eighth.0)))
        })
    }
    #[inline(always)]
    fn first(self) -> f32 {
        proved!(_mm512_cvtss_f32(self.0))
    }
    #[inline(always)]
    fn deinterleave(self, x: Self) -> (Self, Self) {
        proved!({
            let even = _mm512_setr_epi32(0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30);
            let odd = _mm512_add_epi32(even, _mm512_set1_epi32(1));
            let even = _mm512_permutex2var_ps(self.0, even, x.0);
            (F32x16(even), F32x16(_mm512_permutex2var_ps(self.0, odd, x.0)))
        })
    }
    #[inline(always)]
    fn interleave(self, x: Self) -> (Self, Self) {
        proved!({
            let low = _mm512_setr_epi32(0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
            let high = _mm512_add_epi32(low, _mm512_set1_epi32(8));
            let low = _mm512_permutex2var_ps(self.0, low, x.0);
            (F32x16(low), F32x16(_mm512_permutex2var_ps(self.0, high, x.0)))
        })
    }
    #[inline(always)]
    fn transpose(tile: &mut Tile<Self>) {
        proved!({
            // Squares of 4 by 4 in each quarter of a register, then 4 by 4 quarters.
            let mut quarter = [_mm512_setzero_ps(); MAX_LANES];
            for group in 0..4 {
                let at = 4 * group;
                let [a, b, c, d] = [tile[at].0, tile[at + 1].0, tile[at + 2].0, tile[at + 3].0];
                let ab = _mm512_castps_pd(_mm512_unpacklo_ps(a, b));
                let cd = _mm512_castps_pd(_mm512_unpacklo_ps(c, d));
                quarter[at] = _mm512_castpd_ps(_mm512_unpacklo_pd(ab, cd));
                quarter[at + 1] = _mm512_castpd_ps(_mm512_unpackhi_pd(ab, cd));
                let ab = _mm512_castps_pd(_mm512_unpackhi_ps(a, b));
                let cd = _mm512_castps_pd(_mm512_unpackhi_ps(c, d));
                quarter[at + 2] = _mm512_castpd_ps(_mm512_unpacklo_pd(ab, cd));
                quarter[at + 3] = _mm512_castpd_ps(_mm512_unpackhi_pd(ab, cd));
            }
            for i in 0..4 {
                let [a, b, c, d] = [quarter[i], quarter[4 + i], quarter[8 + i], quarter[12 + i]];
                let (low, low2) =
                    (_mm512_shuffle_f32x4::<0x44>(a, b), _mm512_shuffle_f32x4::<0x44>(c, d));
                let (high, high2) =
                    (_mm512_shuffle_f32x4::<0xee>(a, b), _mm512_shuffle_f32x4::<0xee>(c, d));
                tile[i] = F32x16(_mm512_shuffle_f32x4::<0x88>(low, low2));
                tile[4 + i] = F32x16(_mm512_shuffle_f32x4::<0xdd>(low, low2));
                tile[8 + i] = F32x16(_mm512_shuffle_f32x4::<0x88>(high, high2));
                tile[12 + i] = F32x16(_mm512_shuffle_f32x4::<0xdd>(high, high2));
            }
        });
    }
}
