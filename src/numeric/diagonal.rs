//! Diagonal matrices: reciprocals. No engine is needed, and no estimate: rcond is exact.

use matinv_kernels::determinant::Product;
use matinv_kernels::{Ask, Breakdown, Facts, Scalar};

/// Inverts the diagonal of a matrix of order `n`, which is all of it.
pub(crate) fn invert<T: Scalar>(n: usize, a: &mut [T], ask: Ask) -> Result<Facts<T>, Breakdown> {
    if let Some(pivot) = a.iter().step_by(n + 1).position(|&d| d == T::zero()) {
        return Err(Breakdown::ZeroPivot(pivot));
    }
    let (mut smallest, mut largest) = (f64::INFINITY, 0.0f64);
    let mut determinant = Product::default();
    for d in a.iter_mut().step_by(n + 1) {
        let modulus = d.modulus();
        // Once NaN, it stays NaN.
        if modulus < smallest || modulus.is_nan() {
            smallest = modulus;
        }
        largest = largest.max(modulus);
        if ask.determinant {
            determinant.times(*d);
        }
        *d = reciprocal(*d);
    }
    Ok(Facts {
        // Where a modulus overflows, the largest number stands for it: within a factor √2.
        rcond: ask.rcond.map(|_| at_most_max(smallest) / at_most_max(largest)),
        determinant: ask.determinant.then(|| determinant.sign_and_log()),
        overflow: None,
        finite: false,
    })
}

/// An overflown modulus brought back; NaN stays NaN.
fn at_most_max(modulus: f64) -> f64 {
    if modulus > f64::MAX { f64::MAX } else { modulus }
}

/// 1/d, in steps that over- and underflow only if the result does.
fn reciprocal<T: Scalar>(d: T) -> T {
    if !T::COMPLEX {
        return T::one() / d;
    }
    // conj(d) / |d|². The modulus may overflow where the parts do not; half of it cannot.
    let half = if d.modulus().is_finite() { 1.0 } else { 0.5 };
    let d = d.scale(half);
    let modulus = d.modulus();
    d.conj().over(modulus).over(modulus).scale(half)
}
