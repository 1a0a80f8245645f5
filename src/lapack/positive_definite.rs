//! Symmetric or Hermitian positive definite matrices: `potrf`, `pocon`, `potri`.

use super::routines::{Routines, Work};
use super::{determinant, norm_if_asked, rcond_with, settled_rcond};
use crate::structure::Triangle;
use matinv_kernels::norm::Part;
use matinv_kernels::team::Alone;
use matinv_kernels::{Ask, Breakdown, Facts, Scalar};

/// Inverts by Cholesky, in one triangle.
pub(crate) fn invert<T: Scalar + Routines>(
    work: &mut Work<T>,
    n: usize,
    a: &mut [T],
    triangle: Triangle,
    ask: Ask,
) -> Result<Facts<T>, Breakdown> {
    let norm = norm_if_asked(work, ask, Part::Mirrored(triangle), n, a);
    T::potrf(triangle, n, a).map_err(Breakdown::NotPositive)?;
    // Reference LAPACK finds that NaN is not positive; OpenBLAS goes on, and may end with zeros.
    if let Some(step) = (0..n).find(|&i| a[i * n + i].modulus().is_nan()) {
        return Err(Breakdown::NotPositive(step));
    }
    let rcond = norm.map(|norm| rcond_with(norm, |value| T::pocon(work, triangle, n, a, value)));
    let determinant = ask.determinant.then(|| determinant::of_cholesky(n, a));
    if T::COMPLEX && triangle == Triangle::Upper {
        // `zpotri` of OpenBLAS 0.3.21 reads past the end of a matrix whose upper triangle it works
        // on (seen from order 130 on). UᴴU is A, so that Uᵀ is the lower factor of Aᵀ.
        matinv_kernels::transpose(&Alone, n, a);
        T::potri(Triangle::Lower, n, a).map_err(Breakdown::NotPositive)?;
        matinv_kernels::transpose(&Alone, n, a);
    } else {
        T::potri(triangle, n, a).map_err(Breakdown::NotPositive)?;
    }
    let rcond = settled_rcond(work, ask, rcond, norm, Part::Mirrored(triangle), n, a);
    Ok(Facts { rcond, determinant, overflow: None, finite: false })
}
