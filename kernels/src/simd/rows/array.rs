//! Registers in plain Rust.

use crate::simd::rows::RowVector;
use crate::simd::vector::{MAX_LANES, Tile, Vector};

/// Some numbers in plain Rust, for the compiler to put in the registers that every CPU has.
#[derive(Clone, Copy)]
pub(crate) struct Array<R, const N: usize>([R; N]);

macro_rules! few {
    ($real:ty, $lanes:literal) => {
        impl Array<$real, $lanes> {
            #[inline(always)]
            fn each(self, f: impl Fn($real) -> $real) -> Self {
                Array(std::array::from_fn(|i| f(self.0[i])))
            }

            #[inline(always)]
            fn both(self, x: Self, f: impl Fn($real, $real) -> $real) -> Self {
                Array(std::array::from_fn(|i| f(self.0[i], x.0[i])))
            }
        }

        impl Vector for Array<$real, $lanes> {
            type Real = $real;
            type Mask = [bool; $lanes];
            type Places = [usize; $lanes];
            const LANES: usize = $lanes;

            #[inline(always)]
            unsafe fn splat(value: $real) -> Self {
                Array([value; $lanes])
            }
            #[inline(always)]
            unsafe fn load(from: *const $real) -> Self {
                // SAFETY: the caller's promise.
                Array(unsafe { from.cast::<[$real; $lanes]>().read_unaligned() })
            }
            #[inline(always)]
            unsafe fn load_n(from: *const $real, count: usize) -> Self {
                Array(std::array::from_fn(|i| {
                    // SAFETY: the caller's promise.
                    if i < count { unsafe { from.add(i).read() } } else { 0.0 }
                }))
            }
            #[inline(always)]
            unsafe fn gather(from: *const $real, places: Self::Places) -> Self {
                // SAFETY: the caller's promise.
                Array(places.map(|place| unsafe { from.add(place).read() }))
            }
            #[inline(always)]
            #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // by contract
            fn places(self) -> Self::Places {
                self.0.map(|place| place as usize)
            }
            #[inline(always)]
            #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // by contract
            fn whole(self) -> [u32; MAX_LANES] {
                std::array::from_fn(|i| self.0.get(i).map_or(0, |whole| *whole as u32))
            }
            #[inline(always)]
            unsafe fn stream(self, to: *mut $real) {
                // SAFETY: the caller's promise.
                unsafe { self.store(to) }
            }
            #[inline(always)]
            unsafe fn flush_stream() {}
            #[inline(always)]
            unsafe fn prefetch(_: *const u8, _: bool) {}
            #[inline(always)]
            unsafe fn store(self, to: *mut $real) {
                // SAFETY: the caller's promise.
                unsafe { to.cast::<[$real; $lanes]>().write_unaligned(self.0) }
            }
            #[inline(always)]
            unsafe fn store_n(self, to: *mut $real, count: usize) {
                for i in 0..count {
                    // SAFETY: the caller's promise.
                    unsafe { to.add(i).write(self.0[i]) }
                }
            }
            #[inline(always)]
            fn add(self, x: Self) -> Self {
                self.both(x, |a, b| a + b)
            }
            #[inline(always)]
            fn mul(self, x: Self) -> Self {
                self.both(x, |a, b| a * b)
            }
            #[inline(always)]
            fn div(self, x: Self) -> Self {
                self.both(x, |a, b| a / b)
            }
            #[inline(always)]
            fn add_mul(self, x: Self, y: Self) -> Self {
                Array(std::array::from_fn(|i| self.0[i] + x.0[i] * y.0[i]))
            }
            #[inline(always)]
            fn neg_mul_add(self, x: Self, y: Self) -> Self {
                Array(std::array::from_fn(|i| self.0[i] - x.0[i] * y.0[i]))
            }
            #[inline(always)]
            fn neg(self) -> Self {
                self.each(|a| -a)
            }
            #[inline(always)]
            fn abs(self) -> Self {
                self.each(<$real>::abs)
            }
            #[inline(always)]
            fn signed_as(self, x: Self) -> Self {
                self.both(x, <$real>::copysign)
            }
            #[inline(always)]
            fn sqrt(self) -> Self {
                self.each(<$real>::sqrt)
            }
            #[inline(always)]
            fn max(self, x: Self) -> Self {
                self.both(x, |a, b| if a > b { a } else { b })
            }
            #[inline(always)]
            fn eq(self, x: Self) -> Self::Mask {
                std::array::from_fn(|i| self.0[i] == x.0[i])
            }
            #[inline(always)]
            fn if_then_else(self, mask: Self::Mask, other: Self) -> Self {
                Array(std::array::from_fn(|i| if mask[i] { other.0[i] } else { self.0[i] }))
            }
            #[inline(always)]
            fn mask_or(mask: Self::Mask, other: Self::Mask) -> Self::Mask {
                std::array::from_fn(|i| mask[i] | other[i])
            }
            #[inline(always)]
            fn mask_andnot(mask: Self::Mask, other: Self::Mask) -> Self::Mask {
                std::array::from_fn(|i| mask[i] & !other[i])
            }
            #[inline(always)]
            fn mask_bits(mask: Self::Mask) -> u32 {
                (0..$lanes).fold(0, |bits, i| bits | u32::from(mask[i]) << i)
            }
            #[inline(always)]
            fn select(self, bits: u32, other: Self) -> Self {
                self.if_then_else(std::array::from_fn(|i| bits >> i & 1 == 1), other)
            }
            #[inline(always)]
            fn max_of_lanes(self) -> Self {
                let largest = self.0.into_iter().reduce(|a, b| if a > b { a } else { b });
                Array([largest.unwrap_or_default(); $lanes])
            }
            #[inline(always)]
            fn first(self) -> $real {
                self.0[0]
            }
            #[inline(always)]
            fn deinterleave(self, x: Self) -> (Self, Self) {
                let at = |k: usize| if k < $lanes { self.0[k] } else { x.0[k - $lanes] };
                (
                    Array(std::array::from_fn(|i| at(2 * i))),
                    Array(std::array::from_fn(|i| at(2 * i + 1))),
                )
            }
            #[inline(always)]
            fn interleave(self, x: Self) -> (Self, Self) {
                let at = |k: usize| if k % 2 == 0 { self.0[k / 2] } else { x.0[k / 2] };
                (
                    Array(std::array::from_fn(|i| at(i))),
                    Array(std::array::from_fn(|i| at($lanes + i))),
                )
            }
            #[inline(always)]
            fn transpose(tile: &mut Tile<Self>) {
                for i in 0..$lanes {
                    for j in 0..i {
                        (tile[i].0[j], tile[j].0[i]) = (tile[j].0[i], tile[i].0[j]);
                    }
                }
            }
            #[inline(always)]
            fn deinterleave_4(fours: [Self; 4]) -> [Self; 4] {
                let at = |k: usize| fours[k / $lanes].0[k % $lanes];
                std::array::from_fn(|e| Array(std::array::from_fn(|lane| at(4 * lane + e))))
            }
            #[inline(always)]
            fn interleave_4(numbers: [Self; 4]) -> [Self; 4] {
                let at = |k: usize| numbers[k % 4].0[k / 4];
                std::array::from_fn(|v| Array(std::array::from_fn(|i| at($lanes * v + i))))
            }
        }

        impl RowVector for Array<$real, $lanes> {
            #[inline(always)]
            fn swap(self) -> Self {
                Array(std::array::from_fn(|i| self.0[i ^ 1]))
            }
            #[inline(always)]
            fn times_i(self) -> Self {
                Array(std::array::from_fn(
                    |i| if i % 2 == 0 { -self.0[i + 1] } else { self.0[i - 1] },
                ))
            }
        }

        const _: () = assert!($lanes <= MAX_LANES);
    };
}

few!(f64, 4);
few!(f32, 4);
