//! Sign and logarithm of determinants, read off LAPACK's factorizations.

use crate::structure::Triangle;
use matinv_kernels::determinant::Product;
use matinv_kernels::{Scalar, Symmetry};

/// From LU: the product of U's diagonal, one change of sign per row exchange. `ipiv` counts
/// from 1.
pub(crate) fn of_lu<T: Scalar>(n: usize, lu: &[T], ipiv: &[i32]) -> (T, f64) {
    let mut product = Product::default();
    for i in 0..n {
        product.times(lu[i * n + i]);
        if usize::try_from(ipiv[i]) != Ok(i + 1) {
            product.flip();
        }
    }
    product.sign_and_log()
}

/// From a triangular matrix: the product of its diagonal.
pub(crate) fn of_triangular<T: Scalar>(n: usize, a: &[T]) -> (T, f64) {
    let mut product = Product::default();
    for i in 0..n {
        product.times(a[i * n + i]);
    }
    product.sign_and_log()
}

/// From Cholesky: the product of the squares of the factor's (positive) diagonal.
pub(crate) fn of_cholesky<T: Scalar>(n: usize, factor: &[T]) -> (T, f64) {
    let log: f64 = (0..n).map(|i| 2.0 * factor[i * n + i].modulus().ln()).sum();
    (T::one(), log)
}

/// From Bunch–Kaufman: the product of the determinants of D's blocks, of order 1 or 2. A block
/// of order 2 is marked by two equal negative entries of `ipiv`.
pub(crate) fn of_block_diagonal<T: Scalar>(
    symmetry: Symmetry,
    triangle: Triangle,
    n: usize,
    a: &[T],
    ipiv: &[i32],
) -> (T, f64) {
    let mut product = Product::default();
    let hermitian = symmetry == Symmetry::Hermitian;
    let diagonal = |i: usize| {
        let d = a[i * n + i];
        if hermitian { T::from_f64(d.re().into()) } else { d }
    };
    let mut k = 0;
    while k < n {
        if ipiv[k] > 0 {
            product.times(diagonal(k));
            k += 1;
            continue;
        }
        let off = match triangle {
            Triangle::Lower => a[k * n + k + 1],
            Triangle::Upper => a[(k + 1) * n + k],
        };
        product.times_block(diagonal(k), off, diagonal(k + 1), hermitian);
        k += 2;
    }
    product.sign_and_log()
}
