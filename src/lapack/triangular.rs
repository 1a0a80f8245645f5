//! Triangular matrices: `trcon`, `trtri`.

use super::routines::{Routines, Work};
use super::{determinant, norm_if_asked, settled_rcond};
use crate::structure::Triangle;
use matinv_kernels::norm::Part;
use matinv_kernels::{Ask, Breakdown, Facts, Scalar};

/// Inverts a triangular matrix in its triangle.
pub(crate) fn invert<T: Scalar + Routines>(
    work: &mut Work<T>,
    n: usize,
    a: &mut [T],
    triangle: Triangle,
    ask: Ask,
) -> Result<Facts<T>, Breakdown> {
    // `trtri` looks for zeros itself, but only after `trcon` would have divided by them.
    if let Some(pivot) = (0..n).find(|&i| a[i * n + i] == T::zero()) {
        return Err(Breakdown::ZeroPivot(pivot));
    }
    let part = Part::Triangular(triangle);
    // `trcon` computes the norm itself; this one is for where it fails.
    let norm = norm_if_asked(work, ask, part, n, a);
    let rcond = ask.rcond.map(|which| T::trcon(work, which, triangle, n, a));
    let determinant = ask.determinant.then(|| determinant::of_triangular(n, a));
    T::trtri(triangle, n, a).map_err(Breakdown::ZeroPivot)?;
    let rcond = settled_rcond(work, ask, rcond, norm, part, n, a);
    Ok(Facts { rcond, determinant, overflow: None, finite: false })
}
