//! The four scalars, as the tests want to see them.

use matinv::Scalar;
use matinv::num_complex::{Complex32, Complex64};

/// A scalar that can be made from its parts and taken apart again.
pub(crate) trait Field: Scalar {
    /// The smallest positive number with all its digits (LAPACK's "safe minimum").
    const SAFE_MINIMUM: f64;

    /// The scalar nearest to re + i·im; reals drop `im`.
    fn of(re: f64, im: f64) -> Self;

    /// Real and imaginary part.
    fn parts(self) -> (f64, f64);

    /// The bits of both parts (widened to `f64`, which loses none and merges none).
    fn bits(self) -> [u64; 2] {
        let (re, im) = self.parts();
        [re.to_bits(), im.to_bits()]
    }
}

macro_rules! real_field {
    ($($real:ident),*) => {$(
        impl Field for $real {
            const SAFE_MINIMUM: f64 = $real::MIN_POSITIVE as f64;
            fn of(re: f64, _: f64) -> Self {
                Scalar::from_f64(re)
            }
            fn parts(self) -> (f64, f64) {
                (self.into(), 0.0)
            }
        }
    )*};
}

macro_rules! complex_field {
    ($($complex:ident: $real:ident),*) => {$(
        impl Field for $complex {
            const SAFE_MINIMUM: f64 = $real::MIN_POSITIVE as f64;
            fn of(re: f64, im: f64) -> Self {
                Self::new(Scalar::from_f64(re), Scalar::from_f64(im))
            }
            fn parts(self) -> (f64, f64) {
                (self.re.into(), self.im.into())
            }
        }
    )*};
}

real_field!(f32, f64);
complex_field!(Complex32: f32, Complex64: f64);

/// Calls a function that is generic over the scalar with each of the four.
macro_rules! for_every_scalar {
    ($function:ident($($argument:expr),*)) => {{
        $function::<f32>($($argument),*);
        $function::<f64>($($argument),*);
        $function::<matinv::num_complex::Complex32>($($argument),*);
        $function::<matinv::num_complex::Complex64>($($argument),*);
    }};
}
pub(crate) use for_every_scalar;
