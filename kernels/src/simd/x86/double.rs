//! Vectors of `f64`.

use crate::simd::vector::{MAX_LANES, Tile, Vector};
use crate::simd::x86::first_of_4;
#[allow(clippy::wildcard_imports)] // dozens of intrinsics
use std::arch::x86_64::*;

/// Four `f64`, AVX2.
#[derive(Clone, Copy)]
#[repr(transparent)]
pub(crate) struct F64x4(pub(crate) __m256d);

/// Eight `f64`, AVX-512.
#[derive(Clone, Copy)]
#[repr(transparent)]
pub(crate) struct F64x8(pub(crate) __m512d);

/// Numbers `AT`, `AT` + 4 of `a` and of `b`, then those behind each.
#[inline(always)]
fn pairs_of_8<const AT: i64>(a: __m512d, b: __m512d) -> __m512d {
    proved!({
        let from = _mm512_setr_epi64(AT, AT + 4, AT + 8, AT + 12, AT + 1, AT + 5, AT + 9, AT + 13);
        _mm512_permutex2var_pd(a, from, b)
    })
}

/// `reciprocal_of_product` of four numbers each.
#[inline(always)]
pub(crate) fn reciprocals_of_4(x: __m256d, y: __m256d, factor: f64, to: &mut [f64; 4]) {
    proved!({
        let found = _mm256_div_pd(_mm256_set1_pd(factor), _mm256_mul_pd(x, y));
        // The second one where there is a NaN.
        _mm256_storeu_pd(to.as_mut_ptr(), _mm256_min_pd(_mm256_set1_pd(1.0), found));
    });
}

/// `reciprocal_of_product` of eight numbers each.
#[inline(always)]
pub(crate) fn reciprocals_of_8(x: __m512d, y: __m512d, factor: f64, to: &mut [f64; 8]) {
    proved!({
        let found = _mm512_div_pd(_mm512_set1_pd(factor), _mm512_mul_pd(x, y));
        // The second one where there is a NaN.
        _mm512_storeu_pd(to.as_mut_ptr(), _mm512_min_pd(_mm512_set1_pd(1.0), found));
    });
}

/// `products_within` of four numbers each.
#[inline(always)]
pub(crate) fn within_of_4(x: __m256d, y: __m256d, limit: f64) -> u32 {
    proved!({
        let within = _mm256_cmp_pd::<_CMP_LE_OQ>(_mm256_mul_pd(x, y), _mm256_set1_pd(limit));
        _mm256_movemask_pd(within).cast_unsigned()
    })
}

/// `products_within` of eight numbers each.
#[inline(always)]
pub(crate) fn within_of_8(x: __m512d, y: __m512d, limit: f64) -> u32 {
    proved!({
        let product = _mm512_mul_pd(x, y);
        u32::from(_mm512_cmp_pd_mask::<_CMP_LE_OQ>(product, _mm512_set1_pd(limit)))
    })
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
    unsafe fn load_n(from: *const f64, count: usize) -> Self {
        F64x4(proved!(_mm256_maskload_pd(from, first_of_4(count))))
    }
    #[inline(always)]
    unsafe fn four(at: [*const f64; 4]) -> Self {
        // In registers: what is read of a vector that was just written in parts has to wait.
        F64x4(proved!(_mm256_setr_pd(*at[0], *at[1], *at[2], *at[3])))
    }
    #[inline(always)]
    unsafe fn store_four(self, to: *mut f64) {
        proved!(_mm256_storeu_pd(to, self.0));
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
    fn whole(self) -> [u32; MAX_LANES] {
        let mut whole = [0; MAX_LANES];
        proved!(_mm_storeu_si128(whole.as_mut_ptr().cast(), self.places()));
        whole
    }
    #[inline(always)]
    unsafe fn store_n(self, to: *mut f64, count: usize) {
        proved!(_mm256_maskstore_pd(to, first_of_4(count), self.0));
    }
    #[inline(always)]
    fn neg(self) -> Self {
        F64x4(proved!(_mm256_xor_pd(self.0, _mm256_set1_pd(-0.0))))
    }
    #[inline(always)]
    fn signed_as(self, x: Self) -> Self {
        let sign = proved!(_mm256_and_pd(x.0, _mm256_set1_pd(-0.0)));
        F64x4(proved!(_mm256_or_pd(self.0, sign)))
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
    fn if_then_else(self, mask: __m256d, other: Self) -> Self {
        F64x4(proved!(_mm256_blendv_pd(self.0, other.0, mask)))
    }
    #[inline(always)]
    fn mask_or(mask: __m256d, other: __m256d) -> __m256d {
        proved!(_mm256_or_pd(mask, other))
    }
    #[inline(always)]
    fn mask_andnot(mask: __m256d, other: __m256d) -> __m256d {
        proved!(_mm256_andnot_pd(other, mask))
    }
    #[inline(always)]
    fn mask_bits(mask: __m256d) -> u32 {
        proved!(_mm256_movemask_pd(mask)).cast_unsigned()
    }
    #[inline(always)]
    fn select(self, bits: u32, other: Self) -> Self {
        proved!({
            let lane = _mm256_setr_epi64x(1, 2, 4, 8);
            let set = _mm256_and_si256(_mm256_set1_epi64x(i64::from(bits)), lane);
            self.if_then_else(_mm256_castsi256_pd(_mm256_cmpeq_epi64(set, lane)), other)
        })
    }
    #[inline(always)]
    fn max_of_lanes(self) -> Self {
        proved!({
            let half = self.max(F64x4(_mm256_permute2f128_pd::<0x01>(self.0, self.0)));
            half.max(F64x4(_mm256_permute_pd::<0x5>(half.0)))
        })
    }
    #[inline(always)]
    fn reciprocals(self, x: Self, factor: f64, to: &mut [f64; MAX_LANES]) {
        reciprocals_of_4(self.0, x.0, factor, &mut to.as_chunks_mut().0[0]);
    }
    #[inline(always)]
    fn products_within(self, x: Self, limit: f64) -> u32 {
        within_of_4(self.0, x.0, limit)
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
    #[inline(always)]
    fn deinterleave_4(fours: [Self; 4]) -> [Self; 4] {
        // As many lanes as numbers.
        let [a, b, c, d] = fours;
        let mut tile = [a; MAX_LANES];
        (tile[1], tile[2], tile[3]) = (b, c, d);
        Self::transpose(&mut tile);
        [tile[0], tile[1], tile[2], tile[3]]
    }
    #[inline(always)]
    fn interleave_4(numbers: [Self; 4]) -> [Self; 4] {
        Self::deinterleave_4(numbers)
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
    unsafe fn load_n(from: *const f64, count: usize) -> Self {
        F64x8(proved!(_mm512_maskz_loadu_pd(0xff >> (8 - count), from)))
    }
    #[inline(always)]
    unsafe fn four(at: [*const f64; 4]) -> Self {
        // In registers: what is read of a vector that was just written in parts has to wait.
        F64x8(proved!(_mm512_zextpd256_pd512(_mm256_setr_pd(*at[0], *at[1], *at[2], *at[3]))))
    }
    #[inline(always)]
    unsafe fn store_four(self, to: *mut f64) {
        proved!(_mm256_storeu_pd(to, _mm512_castpd512_pd256(self.0)));
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
    fn whole(self) -> [u32; MAX_LANES] {
        let mut whole = [0; MAX_LANES];
        proved!(_mm256_storeu_si256(whole.as_mut_ptr().cast(), self.places()));
        whole
    }
    #[inline(always)]
    unsafe fn store_n(self, to: *mut f64, count: usize) {
        proved!(_mm512_mask_storeu_pd(to, 0xff >> (8 - count), self.0));
    }
    #[inline(always)]
    fn neg(self) -> Self {
        F64x8(proved!(_mm512_xor_pd(self.0, _mm512_set1_pd(-0.0))))
    }
    #[inline(always)]
    fn signed_as(self, x: Self) -> Self {
        let sign = proved!(_mm512_and_pd(x.0, _mm512_set1_pd(-0.0)));
        F64x8(proved!(_mm512_or_pd(self.0, sign)))
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
    fn if_then_else(self, mask: __mmask8, other: Self) -> Self {
        F64x8(proved!(_mm512_mask_blend_pd(mask, self.0, other.0)))
    }
    #[inline(always)]
    #[allow(clippy::cast_possible_truncation)] // as many bits as lanes
    fn mask_or(mask: __mmask8, other: __mmask8) -> __mmask8 {
        (u32::from(mask) | u32::from(other)) as __mmask8
    }
    #[inline(always)]
    #[allow(clippy::cast_possible_truncation)] // as many bits as lanes
    fn mask_andnot(mask: __mmask8, other: __mmask8) -> __mmask8 {
        (u32::from(mask) & !u32::from(other)) as __mmask8
    }
    #[inline(always)]
    fn mask_bits(mask: __mmask8) -> u32 {
        u32::from(mask)
    }
    #[inline(always)]
    #[allow(clippy::cast_possible_truncation)] // as many bits as lanes
    fn select(self, bits: u32, other: Self) -> Self {
        self.if_then_else(bits as __mmask8, other)
    }
    #[inline(always)]
    fn max_of_lanes(self) -> Self {
        proved!({
            let half = self.max(F64x8(_mm512_shuffle_f64x2::<0x4e>(self.0, self.0)));
            let quarter = half.max(F64x8(_mm512_shuffle_f64x2::<0xb1>(half.0, half.0)));
            quarter.max(F64x8(_mm512_permute_pd::<0x55>(quarter.0)))
        })
    }
    #[inline(always)]
    fn approx_sqrt(self) -> Self {
        proved!({
            let inverse = _mm512_rsqrt14_pd(self.0);
            let root = _mm512_mul_pd(self.0, inverse);
            // With e = 1 − root² / x, below 2⁻¹³: root · (1 − e)^−½, to the third power of e.
            let e = _mm512_fnmadd_pd(root, inverse, _mm512_set1_pd(1.0));
            let series = _mm512_fmadd_pd(e, _mm512_set1_pd(0.3125), _mm512_set1_pd(0.375));
            let series = _mm512_fmadd_pd(e, series, _mm512_set1_pd(0.5));
            F64x8(_mm512_fmadd_pd(root, _mm512_mul_pd(e, series), root))
        })
    }
    #[inline(always)]
    fn reciprocals(self, x: Self, factor: f64, to: &mut [f64; MAX_LANES]) {
        reciprocals_of_8(self.0, x.0, factor, &mut to.as_chunks_mut().0[0]);
    }
    #[inline(always)]
    fn products_within(self, x: Self, limit: f64) -> u32 {
        within_of_8(self.0, x.0, limit)
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
    #[inline(always)]
    fn deinterleave_4(fours: [Self; 4]) -> [Self; 4] {
        proved!({
            let [a, b, c, d] = fours.map(|x| x.0);
            let (low, high) = (pairs_of_8::<0>(a, b), pairs_of_8::<2>(a, b));
            let (low2, high2) = (pairs_of_8::<0>(c, d), pairs_of_8::<2>(c, d));
            [
                F64x8(_mm512_shuffle_f64x2::<0x44>(low, low2)),
                F64x8(_mm512_shuffle_f64x2::<0xee>(low, low2)),
                F64x8(_mm512_shuffle_f64x2::<0x44>(high, high2)),
                F64x8(_mm512_shuffle_f64x2::<0xee>(high, high2)),
            ]
        })
    }
    #[inline(always)]
    fn interleave_4(numbers: [Self; 4]) -> [Self; 4] {
        proved!({
            let [a, b, c, d] = numbers.map(|x| x.0);
            let (low, high) =
                (_mm512_shuffle_f64x2::<0x44>(a, b), _mm512_shuffle_f64x2::<0xee>(a, b));
            let (low2, high2) =
                (_mm512_shuffle_f64x2::<0x44>(c, d), _mm512_shuffle_f64x2::<0xee>(c, d));
            [
                F64x8(pairs_of_8::<0>(low, low2)),
                F64x8(pairs_of_8::<2>(low, low2)),
                F64x8(pairs_of_8::<0>(high, high2)),
                F64x8(pairs_of_8::<2>(high, high2)),
            ]
        })
    }
}
