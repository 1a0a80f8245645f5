//! Vectors of `f32`.

use crate::simd::vector::{MAX_LANES, Tile, Vector};
use crate::simd::x86::double::{reciprocals_of_4, reciprocals_of_8, within_of_4, within_of_8};
use crate::simd::x86::first_of_8;
#[allow(clippy::wildcard_imports)] // dozens of intrinsics
use std::arch::x86_64::*;

/// Eight `f32`, AVX2.
#[derive(Clone, Copy)]
#[repr(transparent)]
pub(crate) struct F32x8(pub(crate) __m256);

/// Sixteen `f32`, AVX-512.
#[derive(Clone, Copy)]
#[repr(transparent)]
pub(crate) struct F32x16(pub(crate) __m512);

/// Squares of 4 by 4 in each half of the registers, transposed.
#[inline(always)]
fn squares_of_8([a, b, c, d]: [__m256; 4]) -> [__m256; 4] {
    proved!({
        let low = _mm256_castps_pd(_mm256_unpacklo_ps(a, b));
        let low2 = _mm256_castps_pd(_mm256_unpacklo_ps(c, d));
        let high = _mm256_castps_pd(_mm256_unpackhi_ps(a, b));
        let high2 = _mm256_castps_pd(_mm256_unpackhi_ps(c, d));
        [
            _mm256_castpd_ps(_mm256_unpacklo_pd(low, low2)),
            _mm256_castpd_ps(_mm256_unpackhi_pd(low, low2)),
            _mm256_castpd_ps(_mm256_unpacklo_pd(high, high2)),
            _mm256_castpd_ps(_mm256_unpackhi_pd(high, high2)),
        ]
    })
}

/// Squares of 4 by 4 in each quarter of the registers, transposed.
#[inline(always)]
fn squares_of_16([a, b, c, d]: [__m512; 4]) -> [__m512; 4] {
    proved!({
        let low = _mm512_castps_pd(_mm512_unpacklo_ps(a, b));
        let low2 = _mm512_castps_pd(_mm512_unpacklo_ps(c, d));
        let high = _mm512_castps_pd(_mm512_unpackhi_ps(a, b));
        let high2 = _mm512_castps_pd(_mm512_unpackhi_ps(c, d));
        [
            _mm512_castpd_ps(_mm512_unpacklo_pd(low, low2)),
            _mm512_castpd_ps(_mm512_unpackhi_pd(low, low2)),
            _mm512_castpd_ps(_mm512_unpacklo_pd(high, high2)),
            _mm512_castpd_ps(_mm512_unpackhi_pd(high, high2)),
        ]
    })
}

/// The square of the registers' quarters, transposed.
#[inline(always)]
fn quarters_of_16([a, b, c, d]: [__m512; 4]) -> [__m512; 4] {
    proved!({
        let (low, low2) = (_mm512_shuffle_f32x4::<0x44>(a, b), _mm512_shuffle_f32x4::<0x44>(c, d));
        let (high, high2) =
            (_mm512_shuffle_f32x4::<0xee>(a, b), _mm512_shuffle_f32x4::<0xee>(c, d));
        [
            _mm512_shuffle_f32x4::<0x88>(low, low2),
            _mm512_shuffle_f32x4::<0xdd>(low, low2),
            _mm512_shuffle_f32x4::<0x88>(high, high2),
            _mm512_shuffle_f32x4::<0xdd>(high, high2),
        ]
    })
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
    unsafe fn load_n(from: *const f32, count: usize) -> Self {
        F32x8(proved!(_mm256_maskload_ps(from, first_of_8(count))))
    }
    #[inline(always)]
    unsafe fn four(at: [*const f32; 4]) -> Self {
        // In registers: what is read of a vector that was just written in parts has to wait.
        F32x8(proved!(_mm256_zextps128_ps256(_mm_setr_ps(*at[0], *at[1], *at[2], *at[3]))))
    }
    #[inline(always)]
    unsafe fn store_four(self, to: *mut f32) {
        proved!(_mm_storeu_ps(to, _mm256_castps256_ps128(self.0)));
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
    fn whole(self) -> [u32; MAX_LANES] {
        let mut whole = [0; MAX_LANES];
        proved!(_mm256_storeu_si256(whole.as_mut_ptr().cast(), self.places()));
        whole
    }
    #[inline(always)]
    unsafe fn store_n(self, to: *mut f32, count: usize) {
        proved!(_mm256_maskstore_ps(to, first_of_8(count), self.0));
    }
    #[inline(always)]
    fn neg(self) -> Self {
        F32x8(proved!(_mm256_xor_ps(self.0, _mm256_set1_ps(-0.0))))
    }
    #[inline(always)]
    fn signed_as(self, x: Self) -> Self {
        let sign = proved!(_mm256_and_ps(x.0, _mm256_set1_ps(-0.0)));
        F32x8(proved!(_mm256_or_ps(self.0, sign)))
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
    fn if_then_else(self, mask: __m256, other: Self) -> Self {
        F32x8(proved!(_mm256_blendv_ps(self.0, other.0, mask)))
    }
    #[inline(always)]
    fn mask_or(mask: __m256, other: __m256) -> __m256 {
        proved!(_mm256_or_ps(mask, other))
    }
    #[inline(always)]
    fn mask_andnot(mask: __m256, other: __m256) -> __m256 {
        proved!(_mm256_andnot_ps(other, mask))
    }
    #[inline(always)]
    fn mask_bits(mask: __m256) -> u32 {
        proved!(_mm256_movemask_ps(mask)).cast_unsigned()
    }
    #[inline(always)]
    fn select(self, bits: u32, other: Self) -> Self {
        proved!({
            let lane = _mm256_setr_epi32(1, 2, 4, 8, 16, 32, 64, 128);
            let set = _mm256_and_si256(_mm256_set1_epi32(bits.cast_signed()), lane);
            self.if_then_else(_mm256_castsi256_ps(_mm256_cmpeq_epi32(set, lane)), other)
        })
    }
    #[inline(always)]
    fn max_of_lanes(self) -> Self {
        proved!({
            let half = self.max(F32x8(_mm256_permute2f128_ps::<0x01>(self.0, self.0)));
            let quarter = half.max(F32x8(_mm256_permute_ps::<0x4e>(half.0)));
            quarter.max(F32x8(_mm256_permute_ps::<0xb1>(quarter.0)))
        })
    }
    #[inline(always)]
    fn reciprocals(self, x: Self, factor: f64, to: &mut [f64; MAX_LANES]) {
        let (low, high) = (
            |x| proved!(_mm256_cvtps_pd(_mm256_castps256_ps128(x))),
            |x| proved!(_mm256_cvtps_pd(_mm256_extractf128_ps::<1>(x))),
        );
        let to = to.as_chunks_mut().0;
        reciprocals_of_4(low(self.0), low(x.0), factor, &mut to[0]);
        reciprocals_of_4(high(self.0), high(x.0), factor, &mut to[1]);
    }
    #[inline(always)]
    fn products_within(self, x: Self, limit: f64) -> u32 {
        let (low, high) = (
            |x| proved!(_mm256_cvtps_pd(_mm256_castps256_ps128(x))),
            |x| proved!(_mm256_cvtps_pd(_mm256_extractf128_ps::<1>(x))),
        );
        let above = within_of_4(high(self.0), high(x.0), limit);
        above << 4 | within_of_4(low(self.0), low(x.0), limit)
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
            for at in [0, 4] {
                let rows = [tile[at].0, tile[at + 1].0, tile[at + 2].0, tile[at + 3].0];
                half[at..at + 4].copy_from_slice(&squares_of_8(rows));
            }
            for i in 0..4 {
                tile[i] = F32x8(_mm256_permute2f128_ps::<0x20>(half[i], half[4 + i]));
                tile[4 + i] = F32x8(_mm256_permute2f128_ps::<0x31>(half[i], half[4 + i]));
            }
        });
    }
    #[inline(always)]
    fn deinterleave_4(fours: [Self; 4]) -> [Self; 4] {
        proved!({
            let [a, b, c, d] = fours.map(|x| x.0);
            squares_of_8([
                _mm256_permute2f128_ps::<0x20>(a, c),
                _mm256_permute2f128_ps::<0x31>(a, c),
                _mm256_permute2f128_ps::<0x20>(b, d),
                _mm256_permute2f128_ps::<0x31>(b, d),
            ])
            .map(F32x8)
        })
    }
    #[inline(always)]
    fn interleave_4(numbers: [Self; 4]) -> [Self; 4] {
        proved!({
            let [a, b, c, d] = squares_of_8(numbers.map(|x| x.0));
            [
                F32x8(_mm256_permute2f128_ps::<0x20>(a, b)),
                F32x8(_mm256_permute2f128_ps::<0x20>(c, d)),
                F32x8(_mm256_permute2f128_ps::<0x31>(a, b)),
                F32x8(_mm256_permute2f128_ps::<0x31>(c, d)),
            ]
        })
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
    unsafe fn load_n(from: *const f32, count: usize) -> Self {
        F32x16(proved!(_mm512_maskz_loadu_ps(0xffff >> (16 - count), from)))
    }
    #[inline(always)]
    unsafe fn four(at: [*const f32; 4]) -> Self {
        // In registers: what is read of a vector that was just written in parts has to wait.
        F32x16(proved!(_mm512_zextps128_ps512(_mm_setr_ps(*at[0], *at[1], *at[2], *at[3]))))
    }
    #[inline(always)]
    unsafe fn store_four(self, to: *mut f32) {
        proved!(_mm_storeu_ps(to, _mm512_castps512_ps128(self.0)));
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
    fn whole(self) -> [u32; MAX_LANES] {
        let mut whole = [0; MAX_LANES];
        proved!(_mm512_storeu_si512(whole.as_mut_ptr().cast(), self.places()));
        whole
    }
    #[inline(always)]
    unsafe fn store_n(self, to: *mut f32, count: usize) {
        proved!(_mm512_mask_storeu_ps(to, 0xffff >> (16 - count), self.0));
    }
    #[inline(always)]
    fn neg(self) -> Self {
        F32x16(proved!(_mm512_xor_ps(self.0, _mm512_set1_ps(-0.0))))
    }
    #[inline(always)]
    fn signed_as(self, x: Self) -> Self {
        let sign = proved!(_mm512_and_ps(x.0, _mm512_set1_ps(-0.0)));
        F32x16(proved!(_mm512_or_ps(self.0, sign)))
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
    fn if_then_else(self, mask: __mmask16, other: Self) -> Self {
        F32x16(proved!(_mm512_mask_blend_ps(mask, self.0, other.0)))
    }
    #[inline(always)]
    #[allow(clippy::cast_possible_truncation)] // as many bits as lanes
    fn mask_or(mask: __mmask16, other: __mmask16) -> __mmask16 {
        (u32::from(mask) | u32::from(other)) as __mmask16
    }
    #[inline(always)]
    #[allow(clippy::cast_possible_truncation)] // as many bits as lanes
    fn mask_andnot(mask: __mmask16, other: __mmask16) -> __mmask16 {
        (u32::from(mask) & !u32::from(other)) as __mmask16
    }
    #[inline(always)]
    fn mask_bits(mask: __mmask16) -> u32 {
        u32::from(mask)
    }
    #[inline(always)]
    #[allow(clippy::cast_possible_truncation)] // as many bits as lanes
    fn select(self, bits: u32, other: Self) -> Self {
        self.if_then_else(bits as __mmask16, other)
    }
    #[inline(always)]
    fn max_of_lanes(self) -> Self {
        proved!({
            let half = self.max(F32x16(_mm512_shuffle_f32x4::<0x4e>(self.0, self.0)));
            let quarter = half.max(F32x16(_mm512_shuffle_f32x4::<0xb1>(half.0, half.0)));
            let eighth = quarter.max(F32x16(_mm512_permute_ps::<0x4e>(quarter.0)));
            eighth.max(F32x16(_mm512_permute_ps::<0xb1>(eighth.0)))
        })
    }
    #[inline(always)]
    fn approx_sqrt(self) -> Self {
        proved!({
            let inverse = _mm512_rsqrt14_ps(self.0);
            let root = _mm512_mul_ps(self.0, inverse);
            // As in double precision, to the first power.
            let e = _mm512_fnmadd_ps(root, inverse, _mm512_set1_ps(1.0));
            let half = _mm512_mul_ps(root, _mm512_set1_ps(0.5));
            F32x16(_mm512_fmadd_ps(half, e, root))
        })
    }
    #[inline(always)]
    fn reciprocals(self, x: Self, factor: f64, to: &mut [f64; MAX_LANES]) {
        let (low, high) = (
            |x| proved!(_mm512_cvtps_pd(_mm512_castps512_ps256(x))),
            |x| proved!(_mm512_cvtps_pd(_mm512_extractf32x8_ps::<1>(x))),
        );
        let to = to.as_chunks_mut().0;
        reciprocals_of_8(low(self.0), low(x.0), factor, &mut to[0]);
        reciprocals_of_8(high(self.0), high(x.0), factor, &mut to[1]);
    }
    #[inline(always)]
    fn products_within(self, x: Self, limit: f64) -> u32 {
        let (low, high) = (
            |x| proved!(_mm512_cvtps_pd(_mm512_castps512_ps256(x))),
            |x| proved!(_mm512_cvtps_pd(_mm512_extractf32x8_ps::<1>(x))),
        );
        let above = within_of_8(high(self.0), high(x.0), limit);
        above << 8 | within_of_8(low(self.0), low(x.0), limit)
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
            for at in [0, 4, 8, 12] {
                let rows = [tile[at].0, tile[at + 1].0, tile[at + 2].0, tile[at + 3].0];
                quarter[at..at + 4].copy_from_slice(&squares_of_16(rows));
            }
            for i in 0..4 {
                let rows = [quarter[i], quarter[4 + i], quarter[8 + i], quarter[12 + i]];
                let [a, b, c, d] = quarters_of_16(rows).map(F32x16);
                (tile[i], tile[4 + i], tile[8 + i], tile[12 + i]) = (a, b, c, d);
            }
        });
    }
    #[inline(always)]
    fn deinterleave_4(fours: [Self; 4]) -> [Self; 4] {
        squares_of_16(quarters_of_16(fours.map(|x| x.0))).map(F32x16)
    }
    #[inline(always)]
    fn interleave_4(numbers: [Self; 4]) -> [Self; 4] {
        quarters_of_16(squares_of_16(numbers.map(|x| x.0))).map(F32x16)
    }
}
