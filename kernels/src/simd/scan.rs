//! Passes over many numbers.

use crate::scalar::Scalar;
use crate::simd::set::vectorized;

/// Numbers between two looks at what was found.
const RUN: usize = 4096;

/// Results that are kept apart, so that they fill registers and need not wait for each other.
const APART: usize = 32;

vectorized! {
    /// Whether no number is NaN or infinite.
    pub fn all_finite[T: Scalar](numbers: &[T]) -> bool {
        are_finite(numbers)
    }
}

vectorized! {
    /// A bound on the moduli of numbers, within a factor of two; infinite if there is a NaN.
    pub fn largest[T: Scalar](numbers: &[T]) -> f64 {
        bound(numbers)
    }
}

/// x − x is zero if x is finite, else NaN; and what was once NaN stays so.
#[allow(clippy::eq_op)]
#[inline(always)]
fn are_finite<T: Scalar>(numbers: &[T]) -> bool {
    for run in numbers.chunks(RUN) {
        let mut sums = [T::zero(); APART];
        let (whole, rest) = run.as_chunks::<APART>();
        for numbers in whole {
            for (sum, &x) in sums.iter_mut().zip(numbers) {
                *sum = *sum + (x - x);
            }
        }
        for (sum, &x) in sums.iter_mut().zip(rest) {
            *sum = *sum + (x - x);
        }
        let mut finite = true;
        for sum in sums {
            finite &= sum.is_finite();
        }
        if !finite {
            return false;
        }
    }
    true
}

/// The largest |re| + |im|.
#[inline(always)]
fn bound<T: Scalar>(numbers: &[T]) -> f64 {
    let mut most = [0.0; APART];
    let (whole, rest) = numbers.as_chunks::<APART>();
    for numbers in whole {
        for (most, &x) in most.iter_mut().zip(numbers) {
            *most = larger(*most, size(x));
        }
    }
    for (most, &x) in most.iter_mut().zip(rest) {
        *most = larger(*most, size(x));
    }
    let mut apart = APART;
    while apart > 1 {
        apart /= 2;
        for i in 0..apart {
            most[i] = larger(most[i], most[i + apart]);
        }
    }
    most[0]
}

#[inline(always)]
fn size<T: Scalar>(x: T) -> f64 {
    let size = x.re().into().abs() + x.im().into().abs();
    if size.is_nan() { f64::INFINITY } else { size }
}

#[inline(always)]
fn larger(x: f64, y: f64) -> f64 {
    if x > y { x } else { y }
}

#[cfg(test)]
mod tests {
    use super::*;
    use num_complex::Complex32;

    fn finds_every_place<T: Scalar>(bad: &[T]) {
        let small = 0..if cfg!(miri) { 20 } else { 100 };
        let large = [RUN - 1, RUN, RUN + 1, 2 * RUN + 77];
        for len in small.chain(large.into_iter().take(if cfg!(miri) { 0 } else { 4 })) {
            let mut numbers = vec![T::from_f64(f64::from(f32::MAX)); len];
            assert!(all_finite(&numbers), "{len}");
            for at in (0..len).step_by(1 + len / 100).chain(len.checked_sub(1)) {
                for &bad in bad {
                    let good = std::mem::replace(&mut numbers[at], bad);
                    assert!(!all_finite(&numbers), "{bad} at {at} of {len}");
                    assert!(!are_finite(&numbers), "{bad} at {at} of {len}");
                    numbers[at] = good;
                }
            }
        }
    }

    #[test]
    fn one_number_is_found_wherever_it_is() {
        finds_every_place(&[f64::NAN, f64::INFINITY, f64::NEG_INFINITY]);
        finds_every_place(&[f32::NAN, f32::INFINITY, f32::NEG_INFINITY]);
        let infinity = f32::INFINITY;
        finds_every_place(&[Complex32::new(1.0, infinity), Complex32::new(-infinity, 0.0)]);
    }

    fn bounds<T: Scalar>() {
        for len in 0..if cfg!(miri) { 20 } else { 100 } {
            let mut numbers = vec![T::from_f64(-1.0); len];
            assert_eq!(largest(&numbers), if len == 0 { 0.0 } else { 1.0 });
            for at in 0..len {
                numbers[at] = T::from_f64(-3.0);
                assert_eq!(largest(&numbers), 3.0, "{at} of {len}");
                numbers[at] = T::nan();
                assert_eq!(largest(&numbers), f64::INFINITY, "{at} of {len}");
                numbers[at] = T::from_f64(-1.0);
            }
        }
    }

    #[test]
    fn the_largest_is_found_wherever_it_is() {
        bounds::<f32>();
        bounds::<f64>();
        bounds::<Complex32>();
        let large = Complex32::new(f32::MAX, -f32::MAX);
        assert_eq!(largest(&[large]), 2.0 * f64::from(f32::MAX));
    }
}
