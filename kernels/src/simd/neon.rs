//! The vectors of aarch64: NEON, which every one of its CPUs for general use has.

// Where NEON is part of the target, as usual, only what takes a pointer is unsafe.
#![allow(unused_unsafe)]

use crate::simd::vector::{MAX_LANES, Tile, Vector};
#[allow(clippy::wildcard_imports)] // 50 intrinsics
use std::arch::aarch64::*;

/// An expression of intrinsics, inside a method of a vector.
macro_rules! proved {
    ($intrinsics:expr) => {
        // SAFETY: a vector is there, so the CPU has its instructions (see `Vector`); pointers are
        // the caller's promise.
        unsafe { $intrinsics }
    };
}

/// The methods that are the same but for the names of the intrinsics.
macro_rules! plain {
    ($vector:ident, $real:ty, $mask:ty, $places:ty, $lanes:literal, $dup:ident, $load:ident, $store:ident,
     $add:ident, $mul:ident, $div:ident, $fma:ident, $fms:ident, $neg:ident, $abs:ident,
     $sqrt:ident, $max:ident, $maxv:ident, $eq:ident, $blend:ident, $get:ident, $uzp1:ident,
     $uzp2:ident, $zip1:ident, $zip2:ident) => {
        type Real = $real;
        type Mask = $mask;
        type Places = $places;
        const LANES: usize = $lanes;

        #[inline(always)]
        unsafe fn splat(value: $real) -> Self {
            $vector(proved!($dup(value)))
        }
        #[inline(always)]
        unsafe fn load(from: *const $real) -> Self {
            $vector(proved!($load(from)))
        }
        #[inline(always)]
        unsafe fn load_n(from: *const $real, count: usize) -> Self {
            let mut numbers = [0.0; $lanes];
            for (i, number) in numbers.iter_mut().enumerate().take(count) {
                *number = proved!(from.add(i).read());
            }
            $vector(proved!($load(numbers.as_ptr())))
        }
        #[inline(always)]
        unsafe fn store(self, to: *mut $real) {
            proved!($store(to, self.0))
        }
        #[inline(always)]
        unsafe fn store_n(self, to: *mut $real, count: usize) {
            let mut numbers = [0.0; $lanes];
            proved!($store(numbers.as_mut_ptr(), self.0));
            for (i, number) in numbers.into_iter().enumerate().take(count) {
                proved!(to.add(i).write(number));
            }
        }
        #[inline(always)]
        #[allow(clippy::cast_possible_truncation)] // places in memory
        unsafe fn gather(from: *const $real, places: $places) -> Self {
            let numbers = places.map(|place| proved!(from.add(place as usize).read()));
            $vector(proved!($load(numbers.as_ptr())))
        }
        #[inline(always)]
        unsafe fn stream(self, to: *mut $real) {
            proved!($store(to, self.0))
        }
        #[inline(always)]
        unsafe fn flush_stream() {}
        #[inline(always)]
        unsafe fn prefetch(_: *const u8, _: bool) {}
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
            $vector(proved!($fma(self.0, x.0, y.0)))
        }
        #[inline(always)]
        fn neg_mul_add(self, x: Self, y: Self) -> Self {
            $vector(proved!($fms(self.0, x.0, y.0)))
        }
        #[inline(always)]
        fn neg(self) -> Self {
            $vector(proved!($neg(self.0)))
        }
        #[inline(always)]
        fn abs(self) -> Self {
            $vector(proved!($abs(self.0)))
        }
        #[inline(always)]
        fn sqrt(self) -> Self {
            $vector(proved!($sqrt(self.0)))
        }
        #[inline(always)]
        fn max(self, x: Self) -> Self {
            $vector(proved!($max(self.0, x.0)))
        }
        #[inline(always)]
        fn eq(self, x: Self) -> $mask {
            proved!($eq(self.0, x.0))
        }
        #[inline(always)]
        fn if_then_else(self, mask: $mask, other: Self) -> Self {
            $vector(proved!($blend(mask, other.0, self.0)))
        }
        #[inline(always)]
        fn max_of_lanes(self) -> Self {
            $vector(proved!($dup($maxv(self.0))))
        }
        #[inline(always)]
        fn first(self) -> $real {
            proved!($get::<0>(self.0))
        }
        #[inline(always)]
        fn deinterleave(self, x: Self) -> (Self, Self) {
            proved!(($vector($uzp1(self.0, x.0)), $vector($uzp2(self.0, x.0))))
        }
        #[inline(always)]
        fn interleave(self, x: Self) -> (Self, Self) {
            proved!(($vector($zip1(self.0, x.0)), $vector($zip2(self.0, x.0))))
        }
    };
}

/// Two `f64`.
#[derive(Clone, Copy)]
#[repr(transparent)]
pub(crate) struct F64x2(float64x2_t);

/// Four `f32`.
#[derive(Clone, Copy)]
#[repr(transparent)]
pub(crate) struct F32x4(float32x4_t);

/// The bit of each lane.
const BITS_OF_2: [u64; 2] = [1, 2];
const BITS_OF_4: [u32; 4] = [1, 2, 4, 8];

impl Vector for F64x2 {
    plain!(
        F64x2,
        f64,
        uint64x2_t,
        [u64; 2],
        2,
        vdupq_n_f64,
        vld1q_f64,
        vst1q_f64,
        vaddq_f64,
        vmulq_f64,
        vdivq_f64,
        vfmaq_f64,
        vfmsq_f64,
        vnegq_f64,
        vabsq_f64,
        vsqrtq_f64,
        vmaxq_f64,
        vmaxvq_f64,
        vceqq_f64,
        vbslq_f64,
        vgetq_lane_f64,
        vuzp1q_f64,
        vuzp2q_f64,
        vzip1q_f64,
        vzip2q_f64
    );

    #[inline(always)]
    fn places(self) -> [u64; 2] {
        let mut places = [0; 2];
        proved!(vst1q_u64(places.as_mut_ptr(), vcvtq_u64_f64(self.0)));
        places
    }
    #[inline(always)]
    fn signed_as(self, x: Self) -> Self {
        let sign = proved!(vdupq_n_u64(1 << 63));
        F64x2(proved!(vbslq_f64(sign, x.0, self.0)))
    }
    #[inline(always)]
    #[allow(clippy::cast_possible_truncation)] // by contract
    fn whole(self) -> [u32; MAX_LANES] {
        let mut whole = [0; MAX_LANES];
        (whole[0], whole[1]) = (self.places()[0] as u32, self.places()[1] as u32);
        whole
    }
    #[inline(always)]
    fn mask_or(mask: uint64x2_t, other: uint64x2_t) -> uint64x2_t {
        proved!(vorrq_u64(mask, other))
    }
    #[inline(always)]
    fn mask_andnot(mask: uint64x2_t, other: uint64x2_t) -> uint64x2_t {
        proved!(vbicq_u64(mask, other))
    }
    #[inline(always)]
    fn mask_bits(mask: uint64x2_t) -> u32 {
        let bits = proved!(vaddvq_u64(vandq_u64(mask, vld1q_u64(BITS_OF_2.as_ptr()))));
        u32::try_from(bits).unwrap_or(0)
    }
    #[inline(always)]
    fn select(self, bits: u32, other: Self) -> Self {
        let mask = proved!(vtstq_u64(vdupq_n_u64(bits.into()), vld1q_u64(BITS_OF_2.as_ptr())));
        self.if_then_else(mask, other)
    }
    #[inline(always)]
    fn transpose(tile: &mut Tile<Self>) {
        let (a, b) = tile[0].interleave(tile[1]);
        (tile[0], tile[1]) = (a, b);
    }
    #[inline(always)]
    fn deinterleave_4(fours: [Self; 4]) -> [Self; 4] {
        let [a, b, c, d] = fours;
        let ((first, second), (third, fourth)) = (a.interleave(c), b.interleave(d));
        [first, second, third, fourth]
    }
    #[inline(always)]
    fn interleave_4(numbers: [Self; 4]) -> [Self; 4] {
        let [a, b, c, d] = numbers;
        let ((first, third), (second, fourth)) = (a.interleave(b), c.interleave(d));
        [first, second, third, fourth]
    }
}

impl Vector for F32x4 {
    plain!(
        F32x4,
        f32,
        uint32x4_t,
        [u32; 4],
        4,
        vdupq_n_f32,
        vld1q_f32,
        vst1q_f32,
        vaddq_f32,
        vmulq_f32,
        vdivq_f32,
        vfmaq_f32,
        vfmsq_f32,
        vnegq_f32,
        vabsq_f32,
        vsqrtq_f32,
        vmaxq_f32,
        vmaxvq_f32,
        vceqq_f32,
        vbslq_f32,
        vgetq_lane_f32,
        vuzp1q_f32,
        vuzp2q_f32,
        vzip1q_f32,
        vzip2q_f32
    );

    #[inline(always)]
    fn places(self) -> [u32; 4] {
        let mut places = [0; 4];
        proved!(vst1q_u32(places.as_mut_ptr(), vcvtq_u32_f32(self.0)));
        places
    }
    #[inline(always)]
    fn signed_as(self, x: Self) -> Self {
        let sign = proved!(vdupq_n_u32(1 << 31));
        F32x4(proved!(vbslq_f32(sign, x.0, self.0)))
    }
    #[inline(always)]
    fn whole(self) -> [u32; MAX_LANES] {
        let mut whole = [0; MAX_LANES];
        proved!(vst1q_u32(whole.as_mut_ptr(), vcvtq_u32_f32(self.0)));
        whole
    }
    #[inline(always)]
    fn mask_or(mask: uint32x4_t, other: uint32x4_t) -> uint32x4_t {
        proved!(vorrq_u32(mask, other))
    }
    #[inline(always)]
    fn mask_andnot(mask: uint32x4_t, other: uint32x4_t) -> uint32x4_t {
        proved!(vbicq_u32(mask, other))
    }
    #[inline(always)]
    fn mask_bits(mask: uint32x4_t) -> u32 {
        proved!(vaddvq_u32(vandq_u32(mask, vld1q_u32(BITS_OF_4.as_ptr()))))
    }
    #[inline(always)]
    fn select(self, bits: u32, other: Self) -> Self {
        let mask = proved!(vtstq_u32(vdupq_n_u32(bits), vld1q_u32(BITS_OF_4.as_ptr())));
        self.if_then_else(mask, other)
    }
    #[inline(always)]
    fn transpose(tile: &mut Tile<Self>) {
        // Rows 0 and 2, 1 and 3 in turn; then what that gave in turn.
        let (a, b) = tile[0].interleave(tile[2]);
        let (c, d) = tile[1].interleave(tile[3]);
        (tile[0], tile[1]) = a.interleave(c);
        (tile[2], tile[3]) = b.interleave(d);
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
