//! Norms of matrices in lanes: sums of moduli, times [`SHRINK`].
//!
//! A complex modulus is the root of a plain sum of squares, unless squares over- or underflow. The
//! norm itself tells: in such a lane, the moduli are found once more, scaled.

use crate::contract::Norm;
use crate::interleaved::args::{GroupArgs, SHRINK};
use crate::scalar::Scalar;
use crate::simd::lanes::{RealOf, SimdScalar, constant};
use crate::simd::vector::{MAX_LANES, Vector};

/// How moduli are found.
pub(crate) trait Moduli<L: SimdScalar>: Copy {
    /// |x|.
    fn of(self, x: L) -> L::Vector;
}

/// By the root of a sum of squares, which may be an ulp off. Sums of such are right where
/// [`Largest::fits`] says so.
#[derive(Clone, Copy)]
pub(crate) struct Quick<V>(V);

/// As [`Quick`], but by a root that every vector has to the same bits.
#[derive(Clone, Copy)]
pub(crate) struct Plain<V>(V);

/// So that no square over- or underflows.
#[derive(Clone, Copy)]
pub(crate) struct Scaled<V>(V);

impl<L: SimdScalar> Moduli<L> for Quick<L::Vector> {
    #[inline(always)]
    fn of(self, x: L) -> L::Vector {
        if L::PARTS == 1 { x.abs1() } else { x.square(self.0).approx_sqrt() }
    }
}

impl<L: SimdScalar> Moduli<L> for Plain<L::Vector> {
    #[inline(always)]
    fn of(self, x: L) -> L::Vector {
        if L::PARTS == 1 { x.abs1() } else { x.square(self.0).sqrt() }
    }
}

impl<L: SimdScalar> Moduli<L> for Scaled<L::Vector> {
    #[inline(always)]
    fn of(self, x: L) -> L::Vector {
        x.modulus(self.0)
    }
}

/// The largest of some sums in each lane.
#[derive(Clone, Copy)]
pub(crate) struct Largest<V> {
    pub(crate) sum: V,
    /// Zero, or NaN if a sum was not finite.
    pub(crate) taint: V,
}

impl<V: Vector> Largest<V> {
    /// Of no sums.
    pub(crate) fn new(zero: V) -> Self {
        Largest { sum: zero, taint: zero }
    }

    /// Takes in one more.
    #[inline(always)]
    pub(crate) fn note(&mut self, sum: V, zero: V) {
        self.sum = self.sum.max(sum);
        self.taint = self.taint.add_mul(sum, zero);
    }

    /// The lanes in which squares have neither over- nor underflowed to harm.
    ///
    /// # Safety
    ///
    /// The CPU has the instructions.
    #[inline(always)]
    pub(crate) unsafe fn fits(&self) -> u32 {
        // SAFETY: the caller's promise.
        let (zero, least) = unsafe {
            (
                V::splat(V::Real::default()),
                V::splat(V::Real::from_f64(Limits::of::<V::Real>().norm)),
            )
        };
        V::mask_bits(self.taint.eq(zero)) & V::mask_bits(self.sum.max(least).eq(self.sum))
    }

    /// Whether squares have done no harm to the sum that is the largest of all lanes.
    ///
    /// # Safety
    ///
    /// The CPU has the instructions.
    #[inline(always)]
    pub(crate) unsafe fn fits_at_all(&self) -> bool {
        // SAFETY: the caller's promise.
        let zero = unsafe { V::splat(V::Real::default()) };
        let finite = V::mask_bits(self.taint.eq(zero)) == u32::MAX >> (32 - V::LANES);
        finite && self.sum.max_of_lanes().first().into() >= Limits::of::<V::Real>().norm
    }
}

/// What keeps sums of squares from underflow.
struct Limits {
    /// Is added to every square.
    square: f64,
    /// A norm from which on 64 roots of `square` are no more than its last digit.
    norm: f64,
}

impl Limits {
    const fn of<R: Scalar>() -> Self {
        // Of a sum, 2^6 of 2^-510 or 2^-62 must not be more than 2^-54 or 2^-25; SHRINK is 2^-10.
        if R::UNIT_ROUNDOFF < 1e-10 {
            Limits { square: half_to(1020), norm: half_to(510 - 6 - 54 + 10) }
        } else {
            Limits { square: half_to(124), norm: half_to(62 - 6 - 25 + 10) }
        }
    }
}

/// 2⁻ᵏ.
const fn half_to(k: u64) -> f64 {
    f64::from_bits((1023 - k) << 52)
}

/// The best root.
///
/// # Safety
///
/// The CPU has the instructions.
#[inline(always)]
pub(crate) unsafe fn quick<L: SimdScalar>() -> Quick<L::Vector> {
    // SAFETY: the caller's promise.
    Quick(unsafe { constant::<L>(Limits::of::<RealOf<L>>().square) })
}

/// The root that is the same everywhere.
///
/// # Safety
///
/// The CPU has the instructions.
#[inline(always)]
pub(crate) unsafe fn plain<L: SimdScalar>() -> Plain<L::Vector> {
    // SAFETY: the caller's promise.
    Plain(unsafe { constant::<L>(Limits::of::<RealOf<L>>().square) })
}

/// The scaled moduli.
///
/// # Safety
///
/// The CPU has the instructions.
#[inline(always)]
pub(crate) unsafe fn scaled<L: SimdScalar>() -> Scaled<L::Vector> {
    // SAFETY: the caller's promise.
    Scaled(unsafe { constant::<L>(1.0) })
}

/// The lanes in which plain sums fit, if there are others, where scaled ones have to be taken.
///
/// No function takes what computes those: a closure that is not inlined is compiled without the
/// instructions of the set.
///
/// # Safety
///
/// The CPU has the instructions.
#[inline(always)]
pub(crate) unsafe fn only_some_fit<L: SimdScalar>(plain: &Largest<L::Vector>) -> Option<u32> {
    if L::PARTS == 1 {
        return None;
    }
    // SAFETY: the caller's promise.
    let fits = unsafe { plain.fits() };
    (fits != u32::MAX >> (32 - L::Vector::LANES)).then_some(fits)
}

/// The largest sum of a matrix, whose columns are `stride` apart. Each begins with 0 and goes
/// upwards, sum + modulus · [`SHRINK`] with one rounding where the vector has that: of A over rows
/// or columns as they lie, of X over its columns in the order of elimination.
///
/// # Safety
///
/// There are n columns of n scalars, and the CPU has the instructions.
#[inline(always)]
pub(crate) unsafe fn largest<L: SimdScalar, M: Moduli<L>>(
    moduli: M,
    which: Norm,
    n: usize,
    stride: usize,
    a: *const L,
) -> Largest<L::Vector> {
    // SAFETY: the caller's promise.
    unsafe {
        let (zero, shrink) = (constant::<L>(0.0), constant::<L>(SHRINK));
        let mut largest = Largest::new(zero);
        for outer in 0..n {
            let mut sum = zero;
            for inner in 0..n {
                let (i, j) = if which == Norm::One { (inner, outer) } else { (outer, inner) };
                sum = sum.add_mul(moduli.of(*a.add(j * stride + i)), shrink);
            }
            largest.note(sum, zero);
        }
        largest
    }
}

/// The norm of a matrix: of its [`largest`] sum.
///
/// # Safety
///
/// As for [`largest`].
#[inline(always)]
pub(crate) unsafe fn norm<L: SimdScalar>(
    which: Norm,
    n: usize,
    stride: usize,
    a: *const L,
) -> L::Vector {
    // SAFETY: the caller's promise.
    unsafe {
        let plain = largest(quick::<L>(), which, n, stride, a);
        match only_some_fit::<L>(&plain) {
            None => plain.sum,
            Some(fits) => largest(scaled::<L>(), which, n, stride, a).sum.select(fits, plain.sum),
        }
    }
}

/// The norm over rows of the matrices of a group, as they lie in memory: [`norm`] of their lanes
/// to the bit, but nothing has to be transposed.
///
/// # Safety
///
/// The task is sound, and the CPU has the instructions.
#[inline(always)]
pub(crate) unsafe fn norm_over_rows<L: SimdScalar, T: Scalar>(
    task: &GroupArgs<'_, T>,
    n: usize,
) -> L::Vector {
    let mut norms = [RealOf::<L>::default(); MAX_LANES];
    // SAFETY: a matrix is n² scalars; there are the most lanes of any vector.
    unsafe {
        let (quick, scaled) = (quick::<L>(), scaled::<L>());
        for lane in 0..L::Vector::LANES {
            let from = task.from(lane).cast();
            let mut largest = over_rows::<L, _>(quick, n, from);
            if L::PARTS == 2 && !largest.fits_at_all() {
                largest = over_rows::<L, _>(scaled, n, from);
            }
            norms[lane] = largest.sum.max_of_lanes().first();
        }
        L::Vector::load(norms.as_ptr())
    }
}

/// The largest sums over rows of one matrix, a row per lane, then those of the rows as many lanes
/// behind.
///
/// # Safety
///
/// n² scalars can be read at `from`. The CPU has the instructions of `L`.
#[inline(always)]
unsafe fn over_rows<L: SimdScalar, M: Moduli<L>>(
    moduli: M,
    n: usize,
    from: *const RealOf<L>,
) -> Largest<L::Vector> {
    let lanes = L::Vector::LANES;
    // SAFETY: there are n² scalars at `from`; none behind the last row is read.
    unsafe {
        let (zero, shrink) = (constant::<L>(0.0), constant::<L>(SHRINK));
        let mut largest = Largest::new(zero);
        for row in (0..n).step_by(lanes) {
            let count = lanes.min(n - row);
            let mut sum = zero;
            for j in 0..n {
                let rows = L::load_scalars(from.add((j * n + row) * L::PARTS), count);
                sum = sum.add_mul(moduli.of(rows), shrink);
            }
            largest.note(sum, zero);
        }
        largest
    }
}
