//! Diagonal matrices: reciprocals. No engine is needed, and no estimate: rcond is exact.

use crate::element::Scalar;
use crate::engine::{Ask, Breakdown, Facts};

/// Inverts the diagonal of a matrix of order `n`, which is all of it.
pub(crate) fn invert<T: Scalar>(n: usize, a: &mut [T], ask: Ask) -> Result<Facts<T>, Breakdown> {
    let diagonal = |i: usize| i * n + i;
    if let Some(pivot) = (0..n).find(|&i| a[diagonal(i)] == T::zero()) {
        return Err(Breakdown::ZeroPivot(pivot));
    }
    let (mut smallest, mut largest) = (f64::INFINITY, 0.0f64);
    let (mut sign, mut log) = (T::one(), 0.0);
    for i in 0..n {
        let d = a[diagonal(i)];
        let modulus = d.modulus();
        // Once NaN, it stays NaN.
        if modulus < smallest || modulus.is_nan() {
            smallest = modulus;
        }
        largest = largest.max(modulus);
        if ask.determinant {
            sign = sign * d.over(modulus);
            log += modulus.ln();
        }
        // conj(d) / |d|², in two steps that over- and underflow only if the result does.
        a[diagonal(i)] =
            if T::COMPLEX { d.conj().over(modulus).over(modulus) } else { T::one() / d };
    }
    Ok(Facts {
        rcond: ask.rcond.map(|_| smallest / largest),
        determinant: ask.determinant.then_some((sign, log)),
    })
}
