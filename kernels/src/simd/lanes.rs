//! The scalar of each of several matrices, real or complex, in one or two vectors.

use crate::scalar::Scalar;
use crate::simd::vector::Vector;

/// One scalar per lane. In memory it is its vectors, one behind the other.
pub(crate) trait SimdScalar: Copy {
    /// The vector that its parts are.
    type Vector: Vector;
    /// Vectors per scalar: 1 or 2.
    const PARTS: usize;

    /// The scalars at these places behind `from`, counted in real numbers.
    ///
    /// # Safety
    ///
    /// They can be read there.
    unsafe fn gather(from: *const RealOf<Self>, places: <Self::Vector as Vector>::Places) -> Self;
    /// A real number in every lane.
    fn real(value: Self::Vector) -> Self;
    /// self − x·y.
    fn neg_mul_add(self, x: Self, y: Self) -> Self;
    /// self · x.
    fn mul(self, x: Self) -> Self;
    /// self · x, for a real x.
    fn times(self, x: Self::Vector) -> Self;
    /// The real part.
    fn re(self) -> Self::Vector;
    /// 1 / self, each part of it, if the vector `one` is 1.
    fn inverse(self, one: Self::Vector) -> Self;
    /// 1 / self, as [`inverse`](Self::inverse) has it, if `size` is that of self; of a real number
    /// it can begin as soon as the size is known. Where the size is another one, NaN or whatever.
    fn inverse_of_size(self, size: Self::Vector, one: Self::Vector) -> Self;
    /// What partial pivoting compares: |re| + |im|, as LAPACK.
    fn abs1(self) -> Self::Vector;
    /// re² + im² + least.
    fn square(self, least: Self::Vector) -> Self::Vector;
    /// √(re² + im²), if the vector `one` is 1; no square over- or underflows.
    fn modulus(self, one: Self::Vector) -> Self::Vector;
    /// sum + 0·self: stays what it is for finite numbers, becomes NaN for others.
    fn nan_accumulate(self, sum: Self::Vector, zero: Self::Vector) -> Self::Vector;
    /// `other` where the mask holds, else self.
    fn if_then_else(self, mask: <Self::Vector as Vector>::Mask, other: Self) -> Self;
    /// The lanes in which self = x.
    fn equal(self, x: Self) -> u32;
    /// The complex conjugate.
    fn conj(self) -> Self;

    /// The scalar of a lane of one that is in memory, in every lane. `at` points to its real part.
    ///
    /// # Safety
    ///
    /// It can be read, and the CPU has the instructions.
    unsafe fn broadcast(at: *const RealOf<Self>) -> Self;
    /// Writes the scalar of lane 0 as the one of a lane in memory: the reverse of
    /// [`broadcast`](Self::broadcast).
    ///
    /// # Safety
    ///
    /// It can be written.
    unsafe fn put(self, at: *mut RealOf<Self>);
    /// `other` in the lanes whose bit is set, else self.
    fn select(self, bits: u32, other: Self) -> Self;
    /// The first `count ≤ LANES` of the scalars at `from`, one per lane, then zeros.
    ///
    /// # Safety
    ///
    /// As many can be read, and the CPU has the instructions.
    unsafe fn load_scalars(from: *const RealOf<Self>, count: usize) -> Self;
    /// Writes the scalars of the first `count ≤ LANES` lanes, one behind the other.
    ///
    /// # Safety
    ///
    /// As many can be written.
    unsafe fn store_scalars(self, to: *mut RealOf<Self>, count: usize);
}

/// The real number that a vector of some lanes holds in each.
pub(crate) type RealOf<L> = <<L as SimdScalar>::Vector as Vector>::Real;

/// 1 or 0 and the like, in every lane.
///
/// # Safety
///
/// The CPU has the instructions of the vector.
#[inline(always)]
pub(crate) unsafe fn constant<L: SimdScalar>(value: f64) -> L::Vector {
    // SAFETY: the caller's promise.
    unsafe { L::Vector::splat(RealOf::<L>::from_f64(value)) }
}

/// The first `count` numbers at `from`, then zeros; no more than there are lanes.
///
/// # Safety
///
/// `count` numbers, or as many as there are lanes, can be read at `from`. The CPU has the instructions of `V`.
#[inline(always)]
unsafe fn load_up_to<V: Vector>(from: *const V::Real, count: usize) -> V {
    // SAFETY: the caller's promise.
    unsafe {
        match count {
            0 => V::splat(V::Real::default()),
            count if count < V::LANES => V::load_n(from, count),
            _ => V::load(from),
        }
    }
}

/// Writes the first `count` lanes, or all if there are no more.
///
/// # Safety
///
/// As many numbers can be written at `to`. The CPU has the instructions of `V`.
#[inline(always)]
unsafe fn store_up_to<V: Vector>(vector: V, to: *mut V::Real, count: usize) {
    // SAFETY: the caller's promise.
    unsafe {
        match count {
            0 => {}
            count if count < V::LANES => vector.store_n(to, count),
            _ => vector.store(to),
        }
    }
}

/// A real number per lane.
#[derive(Clone, Copy)]
#[repr(transparent)]
pub(crate) struct Real<V>(V);

impl<V: Vector> SimdScalar for Real<V> {
    type Vector = V;
    const PARTS: usize = 1;

    #[inline(always)]
    unsafe fn gather(from: *const V::Real, places: V::Places) -> Self {
        // SAFETY: the caller's promise.
        Real(unsafe { V::gather(from, places) })
    }
    #[inline(always)]
    fn real(value: V) -> Self {
        Real(value)
    }
    #[inline(always)]
    fn neg_mul_add(self, x: Self, y: Self) -> Self {
        Real(self.0.neg_mul_add(x.0, y.0))
    }
    #[inline(always)]
    fn mul(self, x: Self) -> Self {
        Real(self.0.mul(x.0))
    }
    #[inline(always)]
    fn times(self, x: V) -> Self {
        Real(self.0.mul(x))
    }
    #[inline(always)]
    fn re(self) -> V {
        self.0
    }
    #[inline(always)]
    fn inverse(self, one: V) -> Self {
        Real(one.div(self.0))
    }
    #[inline(always)]
    fn inverse_of_size(self, size: V, one: V) -> Self {
        Real(one.div(size).signed_as(self.0))
    }
    #[inline(always)]
    fn abs1(self) -> V {
        self.0.abs()
    }
    #[inline(always)]
    fn square(self, least: V) -> V {
        least.add_mul(self.0, self.0)
    }
    #[inline(always)]
    fn modulus(self, _: V) -> V {
        self.0.abs()
    }
    #[inline(always)]
    fn nan_accumulate(self, sum: V, zero: V) -> V {
        sum.add_mul(self.0, zero)
    }
    #[inline(always)]
    fn if_then_else(self, mask: V::Mask, other: Self) -> Self {
        Real(self.0.if_then_else(mask, other.0))
    }
    #[inline(always)]
    fn equal(self, x: Self) -> u32 {
        V::mask_bits(self.0.eq(x.0))
    }
    #[inline(always)]
    fn conj(self) -> Self {
        self
    }
    #[inline(always)]
    unsafe fn broadcast(at: *const V::Real) -> Self {
        // SAFETY: the caller's promise.
        Real(unsafe { V::splat(at.read()) })
    }
    #[inline(always)]
    unsafe fn put(self, at: *mut V::Real) {
        // SAFETY: the caller's promise.
        unsafe { at.write(self.0.first()) }
    }
    #[inline(always)]
    fn select(self, bits: u32, other: Self) -> Self {
        Real(self.0.select(bits, other.0))
    }
    #[inline(always)]
    unsafe fn load_scalars(from: *const V::Real, count: usize) -> Self {
        // SAFETY: the caller's promise.
        Real(unsafe { load_up_to(from, count) })
    }
    #[inline(always)]
    unsafe fn store_scalars(self, to: *mut V::Real, count: usize) {
        // SAFETY: the caller's promise.
        unsafe { store_up_to(self.0, to, count) }
    }
}

/// A complex number per lane.
#[derive(Clone, Copy)]
#[repr(C)]
pub(crate) struct Complex<V> {
    re: V,
    im: V,
}

impl<V: Vector> SimdScalar for Complex<V> {
    type Vector = V;
    const PARTS: usize = 2;

    #[inline(always)]
    unsafe fn gather(from: *const V::Real, places: V::Places) -> Self {
        // SAFETY: the caller's promise; a scalar is two numbers.
        unsafe {
            Complex { re: V::gather(from, places), im: V::gather(from.wrapping_add(1), places) }
        }
    }
    #[inline(always)]
    fn real(value: V) -> Self {
        // x − 1·x is zero: nobody asks for what is not finite.
        Complex { re: value, im: value.add(value.neg()) }
    }
    #[inline(always)]
    fn neg_mul_add(self, x: Self, y: Self) -> Self {
        Complex {
            re: self.re.neg_mul_add(x.re, y.re).add_mul(x.im, y.im),
            im: self.im.neg_mul_add(x.re, y.im).neg_mul_add(x.im, y.re),
        }
    }
    #[inline(always)]
    fn mul(self, x: Self) -> Self {
        Complex {
            re: self.re.mul(x.re).neg_mul_add(self.im, x.im),
            im: self.re.mul(x.im).add_mul(self.im, x.re),
        }
    }
    #[inline(always)]
    fn times(self, x: V) -> Self {
        Complex { re: self.re.mul(x), im: self.im.mul(x) }
    }
    #[inline(always)]
    fn re(self) -> V {
        self.re
    }
    #[inline(always)]
    fn inverse(self, one: V) -> Self {
        // Scaled by the larger part, so that no square over- or underflows to harm.
        let scale = one.div(self.re.abs().max(self.im.abs()));
        let (re, im) = (self.re.mul(scale), self.im.mul(scale));
        let factor = scale.div(re.mul(re).add_mul(im, im));
        Complex { re: re.mul(factor), im: im.mul(factor).neg() }
    }
    #[inline(always)]
    fn inverse_of_size(self, _: V, one: V) -> Self {
        self.inverse(one)
    }
    #[inline(always)]
    fn abs1(self) -> V {
        self.re.abs().add(self.im.abs())
    }
    #[inline(always)]
    fn square(self, least: V) -> V {
        least.add_mul(self.re, self.re).add_mul(self.im, self.im)
    }
    #[inline(always)]
    fn modulus(self, one: V) -> V {
        let (re, im) = (self.re.abs(), self.im.abs());
        let large = re.max(im);
        let small = re.neg().max(im.neg()).neg();
        let zero = large.add(large.neg());
        let ratio = small.div(large).if_then_else(large.eq(zero), zero);
        large.mul(one.add_mul(ratio, ratio).sqrt())
    }
    #[inline(always)]
    fn nan_accumulate(self, sum: V, zero: V) -> V {
        sum.add_mul(self.re, zero).add_mul(self.im, zero)
    }
    #[inline(always)]
    fn if_then_else(self, mask: V::Mask, other: Self) -> Self {
        Complex {
            re: self.re.if_then_else(mask, other.re),
            im: self.im.if_then_else(mask, other.im),
        }
    }
    #[inline(always)]
    fn equal(self, x: Self) -> u32 {
        V::mask_bits(self.re.eq(x.re)) & V::mask_bits(self.im.eq(x.im))
    }
    #[inline(always)]
    fn conj(self) -> Self {
        Complex { re: self.re, im: self.im.neg() }
    }
    #[inline(always)]
    unsafe fn broadcast(at: *const V::Real) -> Self {
        // SAFETY: the caller's promise; the imaginary parts are a vector behind the real ones.
        unsafe { Complex { re: V::splat(at.read()), im: V::splat(at.add(V::LANES).read()) } }
    }
    #[inline(always)]
    unsafe fn put(self, at: *mut V::Real) {
        // SAFETY: as for `spread`.
        unsafe {
            at.write(self.re.first());
            at.add(V::LANES).write(self.im.first());
        }
    }
    #[inline(always)]
    fn select(self, bits: u32, other: Self) -> Self {
        Complex { re: self.re.select(bits, other.re), im: self.im.select(bits, other.im) }
    }
    #[inline(always)]
    unsafe fn load_scalars(from: *const V::Real, count: usize) -> Self {
        // SAFETY: the caller's promise: `count` scalars are twice as many numbers. The second
        // address is used if there are more than one vector holds.
        unsafe {
            let behind = (2 * count).saturating_sub(V::LANES);
            let (re, im) = load_up_to::<V>(from, 2 * count)
                .deinterleave(load_up_to(from.wrapping_add(V::LANES), behind));
            Complex { re, im }
        }
    }
    #[inline(always)]
    unsafe fn store_scalars(self, to: *mut V::Real, count: usize) {
        // SAFETY: as for `load_scalars`.
        unsafe {
            let (here, behind) = self.re.interleave(self.im);
            store_up_to(here, to, 2 * count);
            store_up_to(behind, to.wrapping_add(V::LANES), (2 * count).saturating_sub(V::LANES));
        }
    }
}
