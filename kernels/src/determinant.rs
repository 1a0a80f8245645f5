//! A determinant as sign and logarithm, so that it neither over- nor underflows.

use crate::scalar::Scalar;

/// A product of numbers that are not zero.
pub struct Product<T> {
    /// The product divided by its modulus.
    sign: T,
    /// The natural logarithm of its modulus, summed in double precision.
    log: f64,
}

impl<T: Scalar> Default for Product<T> {
    /// Of no numbers: 1.
    fn default() -> Self {
        Product { sign: T::one(), log: 0.0 }
    }
}

impl<T: Scalar> Product<T> {
    /// One more factor.
    pub fn times(&mut self, factor: T) {
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

    /// One more factor: the determinant of a block [[d₁, e*], [e, d₂]] of order 2, where e, the
    /// largest of the block, is not zero, and e* is e or (Hermitian) its conjugate.
    pub fn times_block(&mut self, d1: T, e: T, d2: T, hermitian: bool) {
        // d₁d₂ − e² = e² (d₁/e · d₂/e − 1): nothing overflows.
        let modulus = e.modulus();
        let e = if hermitian { T::from_f64(modulus) } else { e };
        // d/e in two steps: num_complex's division squares |e|.
        let inverse_phase = e.over(modulus).conj();
        let quotient = |d: T| d.over(modulus) * inverse_phase;
        self.times(e);
        self.times(e);
        self.times(quotient(d1) * quotient(d2) - T::one());
    }

    /// A factor −1.
    pub fn flip(&mut self) {
        self.sign = -self.sign;
    }

    /// det / |det| and log |det|.
    pub fn sign_and_log(self) -> (T, f64) {
        (self.sign, self.log)
    }
}
