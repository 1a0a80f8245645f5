//! What is looked at beside the elimination: finite numbers, structure, pivots.

use crate::interleaved::args::{GroupArgs, numbers};
use crate::scalar::Scalar;
use crate::simd::lanes::{RealOf, SimdScalar, constant};
use crate::simd::vector::Vector;

/// The lanes in which each of `len` scalars is finite.
///
/// # Safety
///
/// `at` may be called with every index below `len`. The CPU has the instructions of `L`.
#[inline(always)]
pub(crate) unsafe fn finite<L: SimdScalar>(len: usize, at: impl Fn(usize) -> L) -> u32 {
    // SAFETY: the caller has the CPU's promise.
    unsafe {
        let mut taint = [constant::<L>(0.0); 4];
        note_taint(len, at, &mut taint);
        untainted::<L>(taint)
    }
}

/// Notes whether `len` scalars are finite, in four sums that [`untainted`] looks at.
///
/// # Safety
///
/// `at` may be called with every index below `len`. The CPU has the instructions of `L`.
#[inline(always)]
pub(crate) unsafe fn note_taint<L: SimdScalar>(
    len: usize,
    at: impl Fn(usize) -> L,
    taint: &mut [L::Vector; 4],
) {
    // SAFETY: the caller has the CPU's promise.
    let zero = unsafe { constant::<L>(0.0) };
    // Each sum has a place that the compiler knows, so that it stays in a register.
    let fours = len / 4 * 4;
    for e in (0..fours).step_by(4) {
        for k in 0..4 {
            taint[k] = at(e + k).nan_accumulate(taint[k], zero);
        }
    }
    for k in 0..3 {
        if fours + k < len {
            taint[k] = at(fours + k).nan_accumulate(taint[k], zero);
        }
    }
}

/// The lanes in which nothing but finite scalars was noted.
///
/// # Safety
///
/// The CPU has the instructions of `L`.
#[inline(always)]
pub(crate) unsafe fn untainted<L: SimdScalar>(taint: [L::Vector; 4]) -> u32 {
    let taint = taint[0].add(taint[1]).add(taint[2].add(taint[3]));
    // SAFETY: the caller has the CPU's promise.
    L::Vector::mask_bits(taint.eq(unsafe { constant::<L>(0.0) }))
}

/// The lanes whose matrix of the group is finite, as it lies in memory.
///
/// # Safety
///
/// `task` is sound: n² scalars can be read for each of its matrices. The CPU has the instructions of `L`.
#[inline(always)]
pub(crate) unsafe fn finite_input<L: SimdScalar, T: Scalar>(
    task: &GroupArgs<'_, T>,
    n: usize,
) -> u32 {
    // SAFETY: the caller has the CPU's promise, and the task its matrices.
    unsafe {
        let places = task.bases::<L>().places();
        finite(n * n, |at| L::gather(task.numbers(at), places))
    }
}

/// The lanes whose pivots are finite. The reciprocal of another is zero, and what comes of it may
/// look like an inverse. The columns of `lu` are `stride` apart.
///
/// # Safety
///
/// `lu` has n columns of n scalars, `stride` scalars apart. The CPU has the instructions of `L`.
#[inline(always)]
pub(crate) unsafe fn finite_pivots<L: SimdScalar>(n: usize, stride: usize, lu: *const L) -> u32 {
    // SAFETY: the caller has n columns of n scalars there.
    unsafe {
        let zero = constant::<L>(0.0);
        let mut taint = zero;
        for k in 0..n {
            taint = (*lu.add(k * stride + k)).nan_accumulate(taint, zero);
        }
        L::Vector::mask_bits(taint.eq(zero))
    }
}

/// What pivots are compared with, as a part of the largest element above them.
pub(crate) fn rounding<T: Scalar>(n: usize) -> f64 {
    8.0 * n as f64 * T::UNIT_ROUNDOFF
}

/// The lanes in which every pivot of U is larger than the rounding errors of its own computation:
/// as the LAPACK engine judges it, but that here a size may be up to √2 too large.
///
/// # Safety
///
/// `lu` has n columns of n scalars, `stride` scalars apart, and holds U. The CPU has the instructions of `L`.
#[inline(always)]
pub(crate) unsafe fn trusted<L: SimdScalar, T: Scalar>(
    n: usize,
    stride: usize,
    lu: *const L,
) -> u32 {
    // SAFETY: the caller has n columns of n scalars there.
    unsafe {
        let rounding = constant::<L>(rounding::<T>(n));
        let mut tiny = 0;
        for k in 1..n {
            let mut above = constant::<L>(0.0);
            for i in 0..k {
                above = above.max((*lu.add(k * stride + i)).abs1());
            }
            let limit = above.mul(rounding);
            let pivot = (*lu.add(k * stride + k)).abs1();
            tiny |= L::Vector::mask_bits(pivot.max(limit).eq(limit));
        }
        !tiny
    }
}

/// The lanes among `all` whose matrix has no structure: see `structure::detect`. The first pair
/// of elements tells, unless a matrix has one. `at` has the elements, by columns.
///
/// # Safety
///
/// `at` may be called with every index below n². The CPU has the instructions of `L`.
#[inline(always)]
pub(crate) unsafe fn general<L: SimdScalar>(n: usize, at: impl Fn(usize) -> L, all: u32) -> u32 {
    // SAFETY: the caller has the CPU's promise.
    let zero = unsafe { L::real(constant::<L>(0.0)) };
    let (mut below, mut above, mut adjoint, mut transpose) = (0, 0, 0, 0);
    if L::PARTS == 1 {
        transpose = all;
    } else {
        for i in 0..n {
            let d = at(i * n + i);
            adjoint |= !d.equal(d.conj());
        }
    }
    for j in 1..n {
        for i in 0..j {
            let (x, y) = (at(j * n + i), at(i * n + j));
            above |= !x.equal(zero);
            below |= !y.equal(zero);
            adjoint |= !x.equal(y.conj());
            if L::PARTS == 2 {
                transpose |= !x.equal(y);
            }
            if above & below & adjoint & transpose & all == all {
                return all;
            }
        }
    }
    above & below & adjoint & transpose & all
}

/// Notes a column without a pivot, in the lanes in which that is no trick of a NaN, or of a pivot
/// before it whose inverse over- or underflowed.
///
/// # Safety
///
/// k < n; n elements can be read at `column`, and k inverses at `inverses`; `task` is sound. The CPU has the
/// instructions of `L`.
#[inline(always)]
pub(crate) unsafe fn note_zero_pivot<L: SimdScalar, T: Scalar>(
    task: &mut GroupArgs<'_, T>,
    mut lanes: u32,
    n: usize,
    k: usize,
    column: *const L,
    inverses: *const L,
) {
    // SAFETY: the column has n elements, and k inverses have been written.
    unsafe {
        let zero = constant::<L>(0.0);
        for i in k..n {
            lanes &= (*column.add(i)).equal(L::real(zero));
        }
        for i in 0..k {
            let inverse = *inverses.add(i);
            lanes &= L::Vector::mask_bits(inverse.nan_accumulate(zero, zero).eq(zero));
            lanes &= !inverse.equal(L::real(zero));
        }
    }
    task.found.note_zero_pivot(lanes, k);
}

/// Keeps the pivots of one step, lane after lane.
///
/// # Safety
///
/// `task` is sound, with room for `at` + 1 pivots per lane. The CPU has the instructions of `L`.
#[inline(always)]
pub(crate) unsafe fn store_pivots<L: SimdScalar, T: Scalar>(
    task: &GroupArgs<'_, T>,
    at: usize,
    pivot: L,
) {
    let vectors = std::ptr::from_ref(&pivot).cast::<L::Vector>();
    for part in 0..L::PARTS {
        // SAFETY: a scalar is its parts, one behind the other, in lanes as in memory; there is
        // room for n · LANES scalars.
        unsafe {
            let numbers = numbers(*vectors.add(part));
            let to = task.pivots.add(at).cast::<RealOf<L>>();
            for lane in 0..L::Vector::LANES {
                to.add(lane * L::PARTS + part).write(numbers[lane]);
            }
        }
    }
}
