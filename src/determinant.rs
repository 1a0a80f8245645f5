//! Sign and logarithm of determinants: a product that neither over- nor underflows.
//!
//! The sign of a complex determinant is det / |det|. Logarithms are summed in double precision.

use crate::element::Scalar;

/// A product kept as sign and log of modulus.
pub(crate) struct Product<T> {
    sign: T,
    log: f64,
}

impl<T: Scalar> Product<T> {
    /// 1.
    pub(crate) fn new() -> Self {
        Product { sign: T::one(), log: 0.0 }
    }

    /// Multiplies by a factor that is not zero.
    pub(crate) fn times(&mut self, factor: T) {
        // A denormal modulus has few digits: a power of two (exact) brings the factor up, and its
        // logarithm is taken off again. No f32 is that small.
        let modulus = factor.modulus();
        let exponent = if modulus < 2f64.powi(-900) { 200 } else { 0 };
        let (factor, modulus) = if exponent == 0 {
            (factor, modulus)
        } else {
            let factor = factor.scale(2f64.powi(exponent));
            (factor, factor.modulus())
        };
        self.sign = self.sign * factor.over(modulus);
        self.log += modulus.ln() - f64::from(exponent) * std::f64::consts::LN_2;
    }

    /// Changes the sign.
    pub(crate) fn flip(&mut self) {
        self.sign = -self.sign;
    }

    /// det / |det| and log |det|.
    pub(crate) fn sign_and_log(self) -> (T, f64) {
        (self.sign, self.log)
    }
}
