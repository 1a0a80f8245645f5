//! A determinant as sign and logarithm, so that it neither over- nor underflows.

use crate::element::Scalar;

/// A product of numbers that are not zero.
pub(crate) struct Product<T> {
    /// The product divided by its modulus.
    sign: T,
    /// The natural logarithm of its modulus, summed in double precision.
    log: f64,
}

impl<T: Scalar> Product<T> {
    /// Of no numbers: 1.
    pub(crate) fn new() -> Self {
        Product { sign: T::one(), log: 0.0 }
    }

    /// One more factor.
    pub(crate) fn times(&mut self, factor: T) {
        // A denormal modulus has few digits, and that of a large complex number overflows: a power
        // of two (exact) moves the factor, and its logarithm is taken off again. No f32 is so far
        // out.
        let modulus = factor.modulus();
        let exponent = if modulus < 2f64.powi(-900) {
            200
        } else if modulus > 2f64.powi(900) {
            -200
        } else {
            0
        };
        let (factor, modulus) = if exponent == 0 {
            (factor, modulus)
        } else {
            let factor = factor.scale(2f64.powi(exponent));
            (factor, factor.modulus())
        };
        self.sign = self.sign * factor.over(modulus);
        self.log += modulus.ln() - f64::from(exponent) * std::f64::consts::LN_2;
    }

    /// A factor −1.
    pub(crate) fn flip(&mut self) {
        self.sign = -self.sign;
    }
    /// det / |det| and log |det|.
    pub(crate) fn sign_and_log(self) -> (T, f64) {
        (self.sign, self.log)
    }
}
