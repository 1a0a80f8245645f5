//! What a kernel needs of a SIMD register: one real number per lane, one matrix per lane.
//!
//! As in memchr's trait of the same name, nothing here is marked with `#[target_feature]`: every
//! method is `inline(always)`, so that it is compiled with the features of the kernel's entry.
//!
//! Whoever makes the first vector ([`splat`](Vector::splat), [`load`](Vector::load)) promises that
//! the CPU has its instructions. From then on a vector is the proof of that, and arithmetic is
//! safe.

use crate::scalar::Scalar;

/// The most lanes that any set has.
pub const MAX_LANES: usize = 16;

/// factor / (x·y), but no more than 1: NaN stays NaN.
pub(crate) fn reciprocal_of_product(x: f64, y: f64, factor: f64) -> f64 {
    let found = factor / (x * y);
    if found > 1.0 { 1.0 } else { found }
}

/// A square of numbers that is to be transposed; only the first `LANES` rows are used.
pub(crate) type Tile<V> = [V; MAX_LANES];

/// One real number per lane.
pub(crate) trait Vector: Copy {
    /// The number in a lane.
    type Real: Scalar + Into<f64>;
    /// One truth value per lane.
    type Mask: Copy;
    /// One place in memory per lane.
    type Places: Copy;
    /// How many there are.
    const LANES: usize;

    /// The same number in every lane.
    ///
    /// # Safety
    ///
    /// The CPU has the instructions of this vector.
    unsafe fn splat(value: Self::Real) -> Self;

    /// The numbers at `from`, and those behind it.
    ///
    /// # Safety
    ///
    /// As [`splat`](Self::splat), and `LANES` numbers can be read there.
    unsafe fn load(from: *const Self::Real) -> Self;

    /// The first `count < LANES` numbers at `from`, then zeros.
    ///
    /// # Safety
    ///
    /// As [`splat`](Self::splat), and `count` numbers can be read there.
    unsafe fn load_n(from: *const Self::Real, count: usize) -> Self;

    /// The numbers at four places, in the first lanes, then zeros.
    ///
    /// # Safety
    ///
    /// As [`splat`](Self::splat), they can be read there, and there are four lanes or more.
    #[inline(always)]
    unsafe fn four(at: [*const Self::Real; 4]) -> Self {
        // SAFETY: the caller's promise; there are four numbers.
        unsafe {
            let numbers = [*at[0], *at[1], *at[2], *at[3]];
            if Self::LANES == 4 {
                Self::load(numbers.as_ptr())
            } else {
                Self::load_n(numbers.as_ptr(), 4)
            }
        }
    }

    /// Writes the first four lanes.
    ///
    /// # Safety
    ///
    /// As many numbers can be written there, and there are four lanes or more.
    #[inline(always)]
    unsafe fn store_four(self, to: *mut Self::Real) {
        // SAFETY: the caller's promise.
        unsafe {
            if Self::LANES == 4 {
                self.store(to);
            } else {
                self.store_n(to, 4);
            }
        }
    }

    /// The number at each of these places behind `from`, counted in numbers.
    ///
    /// # Safety
    ///
    /// They can be read there.
    unsafe fn gather(from: *const Self::Real, places: Self::Places) -> Self;

    /// As places: each is a whole number from 0 on, below 2²⁴.
    fn places(self) -> Self::Places;

    /// The whole number in each lane, from 0 on and below 2²⁴.
    fn whole(self) -> [u32; MAX_LANES];

    /// Writes every lane.
    ///
    /// # Safety
    ///
    /// `LANES` numbers can be written there.
    unsafe fn store(self, to: *mut Self::Real);

    /// Writes every lane past the cache. Others see it behind a [`flush_stream`](Self::flush_stream).
    ///
    /// # Safety
    ///
    /// As [`store`](Self::store), and `to` is aligned to the vector.
    unsafe fn stream(self, to: *mut Self::Real);

    /// What was streamed before is written before what comes then.
    ///
    /// # Safety
    ///
    /// As [`splat`](Self::splat).
    unsafe fn flush_stream();

    /// Asks for the cache line at an address, which need not be one that may be read: `near` for
    /// the first cache, else for the second.
    ///
    /// # Safety
    ///
    /// As [`splat`](Self::splat).
    unsafe fn prefetch(address: *const u8, near: bool);

    /// Writes the first `count < LANES` lanes.
    ///
    /// # Safety
    ///
    /// `count` numbers can be written there.
    unsafe fn store_n(self, to: *mut Self::Real, count: usize);

    /// self + x.
    fn add(self, x: Self) -> Self;
    /// self · x.
    fn mul(self, x: Self) -> Self;
    /// self / x.
    fn div(self, x: Self) -> Self;
    /// self + x·y, with one rounding or two: the same in every lane.
    fn add_mul(self, x: Self, y: Self) -> Self;
    /// self − x·y, with one rounding or two: the same in every lane.
    fn neg_mul_add(self, x: Self, y: Self) -> Self;
    /// −self.
    fn neg(self) -> Self;
    /// |self|.
    fn abs(self) -> Self;
    /// self, which is not negative, with the sign of x.
    fn signed_as(self, x: Self) -> Self;
    /// √self.
    fn sqrt(self) -> Self;
    /// √self of a normal number, perhaps an ulp off; NaN of what is not finite, or infinity.
    #[inline(always)]
    fn approx_sqrt(self) -> Self {
        self.sqrt()
    }
    /// The larger one; unspecified in lanes with a NaN.
    fn max(self, x: Self) -> Self;
    /// Where self = x.
    fn eq(self, x: Self) -> Self::Mask;
    /// `other` where the mask holds, else self.
    fn if_then_else(self, mask: Self::Mask, other: Self) -> Self;
    /// Where one mask holds or the other, or both.
    fn mask_or(mask: Self::Mask, other: Self::Mask) -> Self::Mask;
    /// Where the mask holds and the other does not.
    fn mask_andnot(mask: Self::Mask, other: Self::Mask) -> Self::Mask;
    /// The lanes in which the mask holds, lane 0 in the lowest bit.
    fn mask_bits(mask: Self::Mask) -> u32;
    /// `other` in the lanes whose bit is set, lane 0 being the lowest one; else self.
    fn select(self, bits: u32, other: Self) -> Self;
    /// The largest number of all lanes, in every lane; unspecified if there is a NaN.
    fn max_of_lanes(self) -> Self;
    /// [`reciprocal_of_product`] of self and x in every lane.
    #[inline(always)]
    fn reciprocals(self, x: Self, factor: f64, to: &mut [f64; MAX_LANES]) {
        let (mut own, mut other) =
            ([Self::Real::default(); MAX_LANES], [Self::Real::default(); MAX_LANES]);
        // SAFETY: there is room for the most lanes of any vector.
        unsafe {
            self.store(own.as_mut_ptr());
            x.store(other.as_mut_ptr());
        }
        for lane in 0..Self::LANES {
            to[lane] = reciprocal_of_product(own[lane].into(), other[lane].into(), factor);
        }
    }
    /// The lanes in which self · x, none negative, is no larger than a limit, as `f64` has it; not
    /// those in which it is NaN.
    #[inline(always)]
    fn products_within(self, x: Self, limit: f64) -> u32 {
        let (mut own, mut other) =
            ([Self::Real::default(); MAX_LANES], [Self::Real::default(); MAX_LANES]);
        // SAFETY: there is room for the most lanes of any vector.
        unsafe {
            self.store(own.as_mut_ptr());
            x.store(other.as_mut_ptr());
        }
        let mut within = 0;
        for lane in 0..Self::LANES {
            within |= u32::from(own[lane].into() * other[lane].into() <= limit) << lane;
        }
        within
    }
    /// The number in lane 0.
    fn first(self) -> Self::Real;
    /// The numbers of even and of odd places in self followed by x.
    fn deinterleave(self, x: Self) -> (Self, Self);
    /// The reverse of [`deinterleave`](Self::deinterleave).
    fn interleave(self, x: Self) -> (Self, Self);
    /// Row i, lane j becomes row j, lane i.
    fn transpose(tile: &mut Tile<Self>);
    /// Four numbers for each lane, lane after lane, become the first of every lane, the second,
    /// and so on.
    fn deinterleave_4(fours: [Self; 4]) -> [Self; 4];
    /// The reverse of [`deinterleave_4`](Self::deinterleave_4).
    fn interleave_4(numbers: [Self; 4]) -> [Self; 4];
}

/// One lane, in plain Rust: the reference, and what runs where nothing better is.
#[derive(Clone, Copy)]
#[repr(transparent)]
pub(crate) struct One<R>(R);

/// One lane that multiplies and adds with one rounding, as vectors do: for a single matrix, to the
/// bits that it has among others. In whose entry the CPU has no such instruction, it is slow.
#[derive(Clone, Copy)]
#[repr(transparent)]
pub(crate) struct Fused<R>(R);

macro_rules! two_roundings {
    ($sum:expr, $x:expr, $y:expr) => {
        $sum + $x * $y
    };
}

macro_rules! one_rounding {
    ($sum:expr, $x:expr, $y:expr) => {
        $x.mul_add($y, $sum)
    };
}

macro_rules! one_lane {
    ($one:ident, $real:ty, $add_mul:ident) => {
        impl Vector for $one<$real> {
            type Real = $real;
            type Mask = bool;
            type Places = usize;
            const LANES: usize = 1;

            #[inline(always)]
            unsafe fn splat(value: $real) -> Self {
                $one(value)
            }
            #[inline(always)]
            unsafe fn load(from: *const $real) -> Self {
                // SAFETY: the caller's promise.
                $one(unsafe { from.read() })
            }
            #[inline(always)]
            unsafe fn load_n(_: *const $real, _: usize) -> Self {
                $one(0.0)
            }
            #[inline(always)]
            unsafe fn gather(from: *const $real, place: usize) -> Self {
                // SAFETY: the caller's promise.
                $one(unsafe { from.add(place).read() })
            }
            #[inline(always)]
            #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // by contract
            fn places(self) -> usize {
                self.0 as usize
            }
            #[inline(always)]
            #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // by contract
            fn whole(self) -> [u32; MAX_LANES] {
                [self.0 as u32; MAX_LANES]
            }
            #[inline(always)]
            unsafe fn store(self, to: *mut $real) {
                // SAFETY: the caller's promise.
                unsafe { to.write(self.0) }
            }
            #[inline(always)]
            unsafe fn stream(self, to: *mut $real) {
                // SAFETY: the caller's promise.
                unsafe { to.write(self.0) }
            }
            #[inline(always)]
            unsafe fn flush_stream() {}
            #[inline(always)]
            unsafe fn prefetch(_: *const u8, _: bool) {}
            #[inline(always)]
            unsafe fn store_n(self, _: *mut $real, _: usize) {}
            #[inline(always)]
            fn add(self, x: Self) -> Self {
                $one(self.0 + x.0)
            }
            #[inline(always)]
            fn mul(self, x: Self) -> Self {
                $one(self.0 * x.0)
            }
            #[inline(always)]
            fn div(self, x: Self) -> Self {
                $one(self.0 / x.0)
            }
            #[inline(always)]
            fn add_mul(self, x: Self, y: Self) -> Self {
                $one($add_mul!(self.0, x.0, y.0))
            }
            #[inline(always)]
            fn neg_mul_add(self, x: Self, y: Self) -> Self {
                $one($add_mul!(self.0, (-x.0), y.0))
            }
            #[inline(always)]
            fn neg(self) -> Self {
                $one(-self.0)
            }
            #[inline(always)]
            fn abs(self) -> Self {
                $one(self.0.abs())
            }
            #[inline(always)]
            fn signed_as(self, x: Self) -> Self {
                $one(self.0.copysign(x.0))
            }
            #[inline(always)]
            fn sqrt(self) -> Self {
                $one(self.0.sqrt())
            }
            #[inline(always)]
            fn max(self, x: Self) -> Self {
                $one(if self.0 > x.0 { self.0 } else { x.0 })
            }
            #[inline(always)]
            fn eq(self, x: Self) -> bool {
                self.0 == x.0
            }
            #[inline(always)]
            fn if_then_else(self, mask: bool, other: Self) -> Self {
                if mask { other } else { self }
            }
            #[inline(always)]
            fn mask_or(mask: bool, other: bool) -> bool {
                mask | other
            }
            #[inline(always)]
            fn mask_andnot(mask: bool, other: bool) -> bool {
                mask & !other
            }
            #[inline(always)]
            fn mask_bits(mask: bool) -> u32 {
                u32::from(mask)
            }
            #[inline(always)]
            fn select(self, bits: u32, other: Self) -> Self {
                if bits & 1 == 1 { other } else { self }
            }
            #[inline(always)]
            fn max_of_lanes(self) -> Self {
                self
            }
            #[inline(always)]
            fn first(self) -> $real {
                self.0
            }
            #[inline(always)]
            fn deinterleave(self, x: Self) -> (Self, Self) {
                (self, x)
            }
            #[inline(always)]
            fn interleave(self, x: Self) -> (Self, Self) {
                (self, x)
            }
            #[inline(always)]
            fn transpose(_: &mut Tile<Self>) {}
            #[inline(always)]
            fn deinterleave_4(fours: [Self; 4]) -> [Self; 4] {
                fours
            }
            #[inline(always)]
            fn interleave_4(numbers: [Self; 4]) -> [Self; 4] {
                numbers
            }
        }
    };
}

one_lane!(One, f32, two_roundings);
one_lane!(One, f64, two_roundings);
one_lane!(Fused, f32, one_rounding);
one_lane!(Fused, f64, one_rounding);
