//! Factorizations in plain Rust, blocked so that nearly all the work is in matrix products ([`gemm`]):
//! symmetric indefinite ones ([`rook`]) and singular values ([`svd`]).
//!
//! They know the lower triangle only: an upper triangle is the lower one of the transposed slice.

pub(crate) mod gemm;
pub(crate) mod rook;
mod square;
pub(crate) mod svd;

use crate::scalar::Scalar;

/// Rows or columns that are worked on at a time.
pub(crate) const BLOCK: usize = 64;

/// `len` elements of a buffer, which is made large enough.
fn room<T: Scalar>(buffer: &mut Vec<T>, len: usize) -> &mut [T] {
    if buffer.len() < len {
        buffer.resize(len, T::zero());
    }
    &mut buffer[..len]
}

/// A divisor, prepared so that quotients over- and underflow only if they are out of range, and
/// scale exactly by powers of two.
#[derive(Clone, Copy)]
struct Divisor<T> {
    divisor: T,
    /// Complex: the reciprocal of the divisor times both powers of two, and these.
    scaled: Option<(T, [f64; 2])>,
}

impl<T: Scalar> Divisor<T> {
    #[allow(clippy::cast_possible_truncation)] // an exponent is small
    fn new(divisor: T) -> Self {
        let (re, im): (f64, f64) = (divisor.re().into(), divisor.im().into());
        let largest = re.abs().max(im.abs());
        if !T::COMPLEX || largest == 0.0 || re.is_nan() || im.is_nan() {
            return Divisor { divisor, scaled: None };
        }
        if largest == f64::INFINITY {
            // As for real numbers, the quotient is zero.
            return Divisor { divisor, scaled: Some((T::zero(), [1.0; 2])) };
        }
        let halves = |exponent: i32| [exponent / 2, exponent - exponent / 2].map(|e| 2f64.powi(e));
        let exponent = -(largest.log2().floor() as i32);
        let powers = halves(exponent);
        // Where the logarithm was rounded up, one less: products with the reciprocal must not grow.
        let powers =
            if largest * powers[0] * powers[1] < 1.0 { halves(exponent + 1) } else { powers };
        let near_one = divisor.scale(powers[0]).scale(powers[1]);
        let (re, im): (f64, f64) = (near_one.re().into(), near_one.im().into());
        Divisor { divisor, scaled: Some((near_one.conj().over(re * re + im * im), powers)) }
    }

    #[inline]
    fn of(self, x: T) -> T {
        match self.scaled {
            None => x / self.divisor,
            Some((reciprocal, powers)) => (x * reciprocal).scale(powers[0]).scale(powers[1]),
        }
    }
}

/// |re| + |im|: what pivoting compares, as LAPACK does.
#[inline]
fn size<T: Scalar>(x: T) -> f64 {
    let (re, im): (f64, f64) = (x.re().into(), x.im().into());
    re.abs() + im.abs()
}
