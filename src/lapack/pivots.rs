//! Pivots that LAPACK takes without a word.

use matinv_kernels::Scalar;
use matinv_kernels::scan::largest;

/// The first pivot that is not finite: its reciprocal is zero, and what comes of it may look like
/// an inverse.
pub(crate) fn overflown_pivot<T: Scalar>(n: usize, a: &[T]) -> Option<usize> {
    a.iter().step_by(n + 1).position(|pivot| !pivot.is_finite())
}

/// The first pivot of U that is no larger than the rounding errors of its own computation:
/// `u_ii` came of subtracting products of at most n factors |l| ≤ 1 and the elements of U above it.
pub(crate) fn tiny_pivot<T: Scalar>(n: usize, lu: &[T]) -> Option<usize> {
    let rounding = 4.0 * n as f64 * T::UNIT_ROUNDOFF;
    // Nearly always this is the end of it.
    let limit = rounding * largest(lu);
    if lu.iter().step_by(n + 1).all(|pivot| pivot.modulus() > limit) {
        return None;
    }
    (1..n).find(|&i| {
        let column = &lu[i * n..=i * n + i];
        let above = column[..i].iter().fold(0.0, |most: f64, u| most.max(u.modulus()));
        column[i].modulus() <= rounding * above
    })
}
