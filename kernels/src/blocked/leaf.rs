//! LU with partial pivoting of a few columns of any height: the leaf of a panel.

use crate::blocked::trsm::{neg_mul_add, times, times_i};
use crate::scalar::Scalar;
use crate::simd::rows::RowVector;
use crate::simd::vector::Vector;

/// The most columns of a leaf.
pub(crate) const WIDTH: usize = 8;

/// A column whose pivots are used up: it is not divided yet where this says by what.
#[derive(Clone, Copy)]
enum Pending<T> {
    Nothing,
    /// To be multiplied by the inverse of its pivot.
    Times(T),
}

/// Factors `columns` columns in place, one after the other; the rows exchanged are noted, counted
/// from the first. The column without a pivot that is not zero is returned, if there is one.
///
/// # Safety
///
/// `a` points to `rows ≥ columns` rows and at most [`WIDTH`] columns, `stride` numbers apart,
/// `exchanged` to as many indices. Nobody else has them meanwhile. The CPU has the instructions.
#[inline(always)]
pub(crate) unsafe fn factor<V: RowVector, T: Scalar, const PARTS: usize>(
    rows: usize,
    columns: usize,
    a: *mut T,
    stride: usize,
    ipiv: *mut usize,
) -> Option<usize> {
    // SAFETY: all is inside of the `rows` by `columns` that the caller promises.
    unsafe {
        let mut pending = Pending::Nothing;
        for c in 0..columns {
            let column = a.add(c * stride);
            let mut above = [T::zero(); WIDTH];
            for i in 0..c {
                above[i] = *column.add(i);
            }
            for k in 0..c {
                for i in k + 1..c {
                    above[i] = above[i] - *a.add(i + k * stride) * above[k];
                }
                *column.add(k) = above[k];
            }
            let task = Pass { rows, a, stride, above: &above, pending };
            let (largest, first) = match c {
                0 => task.run::<V, PARTS, 0>(),
                1 => task.run::<V, PARTS, 1>(),
                2 => task.run::<V, PARTS, 2>(),
                3 => task.run::<V, PARTS, 3>(),
                4 => task.run::<V, PARTS, 4>(),
                5 => task.run::<V, PARTS, 5>(),
                6 => task.run::<V, PARTS, 6>(),
                _ => task.run::<V, PARTS, 7>(),
            };
            let pivot = if largest > 0.0 {
                Some(first)
            } else {
                // Nothing but zeros, or something that is not a number and wants to be seen.
                (c..rows).find(|&i| !Scalar::is_finite(*column.add(i)))
            };
            let Some(pivot) = pivot else { return Some(c) };
            *ipiv.add(c) = pivot;
            if pivot != c {
                for k in 0..columns {
                    let column = a.add(k * stride);
                    std::ptr::swap(column.add(c), column.add(pivot));
                }
            }
            pending = scale::<T>(rows, c, column);
        }
        if let Pending::Times(inverse) = pending {
            let last = a.add((columns - 1) * stride);
            for i in columns..rows {
                *last.add(i) = *last.add(i) * inverse;
            }
        }
        None
    }
}

/// How the column below its pivot is to be divided by it; done here where the inverse of the pivot
/// is not a number that one can multiply by.
///
/// # Safety
///
/// The column has that many rows.
#[inline(always)]
unsafe fn scale<T: Scalar>(rows: usize, c: usize, column: *mut T) -> Pending<T> {
    // SAFETY: the caller's promise.
    unsafe {
        let pivot = *column.add(c);
        let inverse = reciprocal(pivot);
        let least =
            if T::UNIT_ROUNDOFF > 1e-10 { f64::from(f32::MIN_POSITIVE) } else { f64::MIN_POSITIVE };
        // A denormal inverse has lost digits.
        if Scalar::is_finite(inverse) && inverse.modulus() >= least {
            return Pending::Times(inverse);
        }
        for i in c + 1..rows {
            let x = &mut *column.add(i);
            *x = divide(*x, pivot);
        }
        Pending::Nothing
    }
}

/// 1/x, without overflow on the way.
pub(crate) fn reciprocal<T: Scalar>(x: T) -> T {
    if !T::COMPLEX {
        return T::one() / x;
    }
    let by = exponent(x);
    let unit = times_power(x, -by);
    let squares: f64 = (unit * unit.conj()).re().into();
    times_power(unit.conj().over(squares), -by)
}

/// x/y with |x| no larger than a few |y|, without overflow on the way.
fn divide<T: Scalar>(x: T, y: T) -> T {
    if !T::COMPLEX {
        return x / y;
    }
    let by = exponent(y);
    let (x, unit) = (times_power(x, -by), times_power(y, -by));
    let squares: f64 = (unit * unit.conj()).re().into();
    (x * unit.conj()).over(squares)
}

/// An exponent that makes a number of modulus 1, or nearly so, of x: scaled by a power of two, x has
/// the same quotients to the last bit.
fn exponent<T: Scalar>(x: T) -> i32 {
    let modulus = x.scale(0.25).modulus();
    if modulus.is_normal() {
        // Between −1022 and 1023, as the exponent of a number that is normal is.
        2 + i32::try_from(modulus.to_bits() >> 52).map_or(0, |biased| biased - 1023)
    } else {
        0
    }
}

/// x·2ᵇʸ, in two steps where one factor would be out of range.
fn times_power<T: Scalar>(x: T, by: i32) -> T {
    x.scale(2f64.powi(by / 2)).scale(2f64.powi(by - by / 2))
}

/// The update of a column by those before it.
struct Pass<'a, T> {
    rows: usize,
    a: *mut T,
    stride: usize,
    /// The column's part above the diagonal.
    above: &'a [T; WIDTH],
    /// What the column before it waits for.
    pending: Pending<T>,
}

impl<T: Scalar> Pass<'_, T> {
    /// Column `C`, from row `C` on: the largest size (|re| + |im|, as LAPACK) and its first row.
    ///
    /// # Safety
    ///
    /// As [`factor`].
    #[inline(always)]
    unsafe fn run<V: RowVector, const PARTS: usize, const C: usize>(&self) -> (f64, usize) {
        let Pass { rows, stride, .. } = *self;
        // SAFETY: rows C.. of columns ..= C, whole vectors of them or the first lanes of one.
        unsafe {
            let column = self.a.add(C * stride).cast::<V::Real>();
            let end = rows * PARTS;
            let mut largest = [V::zero(); 2];
            let mut at = C * PARTS;
            while at + 2 * V::LANES <= end {
                largest[0] = self.step::<V, PARTS, C>(at, V::LANES).max(largest[0]);
                largest[1] = self.step::<V, PARTS, C>(at + V::LANES, V::LANES).max(largest[1]);
                at += 2 * V::LANES;
            }
            if at + V::LANES <= end {
                largest[0] = self.step::<V, PARTS, C>(at, V::LANES).max(largest[0]);
                at += V::LANES;
            }
            if at < end {
                largest[1] = self.step::<V, PARTS, C>(at, end - at).max(largest[1]);
            }
            let wanted = largest[0].max(largest[1]).max_of_lanes();
            let mut at = C * PARTS;
            let mut found = end;
            while at + V::LANES <= end {
                let bits = V::mask_bits(size::<V, PARTS>(V::load(column.add(at))).eq(wanted));
                if bits != 0 {
                    found = at + bits.trailing_zeros() as usize;
                    break;
                }
                at += V::LANES;
            }
            if found == end && at < end {
                let x = V::load_n(column.add(at), end - at);
                let bits = V::mask_bits(size::<V, PARTS>(x).eq(wanted));
                if bits != 0 {
                    found = at + bits.trailing_zeros() as usize;
                }
            }
            let largest: f64 = wanted.first().into();
            // What is not a number can hide the largest: then no row is equal to it.
            if found < end { (largest, found / PARTS) } else { (0.0, C) }
        }
    }
}

impl<T> Pass<'_, T> {
    /// Some lanes of rows of column `C`: their sizes.
    ///
    /// # Safety
    ///
    /// As [`factor`]; `count` lanes, at most a vector, from the lane `at` on are in the column.
    #[inline(always)]
    unsafe fn step<V: RowVector, const PARTS: usize, const C: usize>(
        &self,
        at: usize,
        count: usize,
    ) -> V {
        // SAFETY: a vector of rows, or the first lanes of one, as the caller promises.
        unsafe {
            let column = |k: usize| self.a.add(k * self.stride).cast::<V::Real>().add(at);
            let mut x = load::<V>(column(C), count);
            for k in 0..C {
                let mut l = load::<V>(column(k), count);
                if k + 1 == C
                    && let Pending::Times(inverse) = &self.pending
                {
                    l = times::<V, PARTS>(l, (&raw const *inverse).cast());
                    store(l, column(k), count);
                }
                let above = self.above.as_ptr().add(k).cast();
                x = neg_mul_add::<V, PARTS>(x, l, times_i::<V, PARTS>(l), above);
            }
            if C > 0 {
                store(x, column(C), count);
            }
            size::<V, PARTS>(x)
        }
    }
}

/// A vector, or its first lanes.
///
/// # Safety
///
/// As [`Vector::load`] and [`Vector::load_n`].
#[inline(always)]
unsafe fn load<V: Vector>(from: *const V::Real, count: usize) -> V {
    // SAFETY: the caller's promise.
    unsafe { if count == V::LANES { V::load(from) } else { V::load_n(from, count) } }
}

/// Stores a vector, or its first lanes.
///
/// # Safety
///
/// As [`Vector::store`] and [`Vector::store_n`].
#[inline(always)]
unsafe fn store<V: Vector>(x: V, to: *mut V::Real, count: usize) {
    // SAFETY: the caller's promise.
    unsafe { if count == V::LANES { x.store(to) } else { x.store_n(to, count) } }
}

/// |re| + |im| in both lanes of a number.
#[inline(always)]
pub(crate) fn size<V: RowVector, const PARTS: usize>(x: V) -> V {
    if PARTS == 1 { x.abs() } else { x.abs().add(x.abs().swap()) }
}
