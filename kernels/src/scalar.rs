//! What may be put in ([`Element`]) and what is computed ([`Scalar`]).

use half::{bf16, f16};
use num_complex::{Complex32, Complex64};
use num_traits::{One, Zero};
use std::fmt::{Debug, Display};
use std::ops::{Add, Div, Mul, Neg, Range, Sub};

/// Where re² + im² has neither over- nor underflown, nor one of its terms in a way that matters.
pub(crate) const SQUARES_IN_RANGE: Range<f64> = 1e-280..1e300;

/// An element type that an input array may have, and the scalar its inverse is computed in.
///
/// | element | [`Scalar`](Element::Scalar) |
/// |---|---|
/// | `f32`, `f64`, `Complex32`, `Complex64` | itself |
/// | `f16`, `bf16` (crate `half`) | `f32` |
/// | `bool` and integers of every width | `f64` |
///
/// Integers beyond 2⁵³ are rounded to the nearest `f64`, as numpy does.
pub trait Element: Copy + Send + Sync + 'static {
    /// The scalar in which the inverse is computed and returned.
    type Scalar: Scalar;

    /// This element as a scalar. Called on any worker, while others wait: it must not itself
    /// invert.
    fn to_scalar(self) -> Self::Scalar;

    /// A slice as scalars, if its elements are just these; else `None`, as by default.
    fn as_scalars(slice: &[Self]) -> Option<&[Self::Scalar]> {
        let _ = slice;
        None
    }
}

/// A scalar that inverses are computed in: `f32`, `f64`, `Complex32` or `Complex64`.
///
/// Sealed: the engines know just these four.
pub trait Scalar:
    sealed::Sealed
    + Element<Scalar = Self>
    + Zero
    + One
    + Add<Output = Self>
    + Sub<Output = Self>
    + Mul<Output = Self>
    + Div<Output = Self>
    + Neg<Output = Self>
    + PartialEq
    + Debug
    + Display
    + Default
{
    /// That of four values which belongs to this scalar.
    #[doc(hidden)]
    fn choose<F: PerScalar>(of: Each<F>) -> F::Of<Self>;

    /// The real scalar of the same precision.
    type Real: Scalar<Real = Self::Real> + PartialOrd + Into<f64>;

    /// Whether the scalar is complex.
    const COMPLEX: bool;

    /// LAPACK's "epsilon": half the distance from 1 to the next larger number (2⁻⁵³ for `f64`).
    const UNIT_ROUNDOFF: f64;

    /// Name of the type in numpy's words, such as `float64`.
    const NAME: &'static str;

    /// The scalar nearest to a real number.
    fn from_f64(value: f64) -> Self;

    /// Not a number, in every part.
    fn nan() -> Self;

    /// The complex conjugate; the number itself if it is real.
    #[must_use]
    fn conj(self) -> Self;

    /// The real part.
    fn re(self) -> Self::Real;

    /// The imaginary part; zero if the number is real.
    fn im(self) -> Self::Real;

    /// The modulus |z|, in double precision (so that an `f32` does not overflow).
    fn modulus(self) -> f64;

    /// Whether no part is NaN or infinite.
    fn is_finite(self) -> bool;

    /// The number times a real one.
    #[must_use]
    fn scale(self, factor: f64) -> Self;

    /// The number divided by a real one.
    #[must_use]
    fn over(self, divisor: f64) -> Self;
}

mod sealed {
    pub trait Sealed {}
}

/// A type for each scalar: what [`Scalar::choose`] chooses from.
#[doc(hidden)]
pub trait PerScalar {
    /// That of a scalar.
    type Of<T: Scalar>;
}

/// A value for each scalar.
#[doc(hidden)]
#[allow(missing_docs)]
pub struct Each<F: PerScalar> {
    pub f32: F::Of<f32>,
    pub f64: F::Of<f64>,
    pub complex32: F::Of<Complex32>,
    pub complex64: F::Of<Complex64>,
}

macro_rules! real_scalar {
    ($real:ident, $name:literal) => {
        impl sealed::Sealed for $real {}

        impl Element for $real {
            type Scalar = $real;
            #[inline]
            fn to_scalar(self) -> $real {
                self
            }
            fn as_scalars(slice: &[$real]) -> Option<&[$real]> {
                Some(slice)
            }
        }

        impl Scalar for $real {
            #[inline]
            fn choose<F: PerScalar>(of: Each<F>) -> F::Of<Self> {
                of.$real
            }
            type Real = $real;
            const COMPLEX: bool = false;
            // Half of the machine epsilon is exact in either type.
            const UNIT_ROUNDOFF: f64 = <$real>::EPSILON as f64 / 2.0;
            const NAME: &'static str = $name;

            #[inline]
            #[allow(clippy::cast_possible_truncation)] // rounding is what is asked for
            fn from_f64(value: f64) -> Self {
                value as $real
            }
            #[inline]
            fn nan() -> Self {
                <$real>::NAN
            }
            #[inline]
            fn conj(self) -> Self {
                self
            }
            #[inline]
            fn re(self) -> $real {
                self
            }
            #[inline]
            fn im(self) -> $real {
                0.0
            }
            #[inline]
            fn modulus(self) -> f64 {
                f64::from(self).abs()
            }
            #[inline]
            fn is_finite(self) -> bool {
                <$real>::is_finite(self)
            }
            #[inline]
            #[allow(clippy::cast_possible_truncation)]
            fn scale(self, factor: f64) -> Self {
                (f64::from(self) * factor) as $real
            }
            #[inline]
            #[allow(clippy::cast_possible_truncation)]
            fn over(self, divisor: f64) -> Self {
                (f64::from(self) / divisor) as $real
            }
        }
    };
}

real_scalar!(f32, "float32");
real_scalar!(f64, "float64");

macro_rules! complex_scalar {
    ($complex:ty, $field:ident, $real:ty, $name:literal) => {
        impl sealed::Sealed for $complex {}

        impl Element for $complex {
            type Scalar = $complex;
            #[inline]
            fn to_scalar(self) -> $complex {
                self
            }
            fn as_scalars(slice: &[$complex]) -> Option<&[$complex]> {
                Some(slice)
            }
        }

        impl Scalar for $complex {
            #[inline]
            fn choose<F: PerScalar>(of: Each<F>) -> F::Of<Self> {
                of.$field
            }
            type Real = $real;
            const COMPLEX: bool = true;
            const UNIT_ROUNDOFF: f64 = <$real as Scalar>::UNIT_ROUNDOFF;
            const NAME: &'static str = $name;

            #[inline]
            fn from_f64(value: f64) -> Self {
                Self::new(<$real as Scalar>::from_f64(value), 0.0)
            }
            #[inline]
            fn nan() -> Self {
                Self::new(<$real>::NAN, <$real>::NAN)
            }
            #[inline]
            fn conj(self) -> Self {
                Self::new(self.re, -self.im)
            }
            #[inline]
            fn re(self) -> $real {
                self.re
            }
            #[inline]
            fn im(self) -> $real {
                self.im
            }
            #[inline]
            fn modulus(self) -> f64 {
                let (re, im) = (f64::from(self.re), f64::from(self.im));
                let squares = re * re + im * im;
                // `hypot` is for squares that over- or underflow: it takes ten times as long.
                if SQUARES_IN_RANGE.contains(&squares) { squares.sqrt() } else { re.hypot(im) }
            }
            #[inline]
            fn is_finite(self) -> bool {
                self.re.is_finite() && self.im.is_finite()
            }
            #[inline]
            fn scale(self, factor: f64) -> Self {
                Self::new(Scalar::scale(self.re, factor), Scalar::scale(self.im, factor))
            }
            #[inline]
            fn over(self, divisor: f64) -> Self {
                Self::new(Scalar::over(self.re, divisor), Scalar::over(self.im, divisor))
            }
        }
    };
}

complex_scalar!(Complex32, complex32, f32, "complex64");
complex_scalar!(Complex64, complex64, f64, "complex128");

macro_rules! half_element {
    ($($half:ty),*) => {$(
        impl Element for $half {
            type Scalar = f32;
            #[inline]
            fn to_scalar(self) -> f32 {
                self.to_f32()
            }
        }
    )*};
}

half_element!(f16, bf16);

macro_rules! integer_element {
    ($($integer:ty),*) => {$(
        impl Element for $integer {
            type Scalar = f64;
            #[inline]
            #[allow(clippy::cast_lossless)] // lossless for some of the types only
            fn to_scalar(self) -> f64 {
                self as f64
            }
        }
    )*};
}

integer_element!(i8, i16, i32, i64, i128, isize, u8, u16, u32, u64, u128, usize);

impl Element for bool {
    type Scalar = f64;
    #[inline]
    fn to_scalar(self) -> f64 {
        f64::from(u8::from(self))
    }
}
