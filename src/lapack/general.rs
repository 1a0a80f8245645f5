//! General matrices: `getrf`, `gecon`, `getri`.

use super::pivots::{overflown_pivot, tiny_pivot};
use super::routines::{Routines, Work};
use super::{determinant, norm_if_asked, rcond_with, settled_rcond};
use matinv_kernels::norm::Part;
use matinv_kernels::{Ask, Breakdown, Facts, Scalar};

/// Inverts by LU with partial pivoting.
pub(crate) fn invert<T: Scalar + Routines>(
    work: &mut Work<T>,
    n: usize,
    a: &mut [T],
    ask: Ask,
) -> Result<Facts<T>, Breakdown> {
    let norm = norm_if_asked(work, ask, Part::Full, n, a);
    T::getrf(work, n, a).map_err(Breakdown::ZeroPivot)?;
    let overflow = overflown_pivot(n, a);
    if ask.reject_tiny_pivots
        && let Some(step) = tiny_pivot(n, a)
    {
        return Err(Breakdown::TinyPivot(step));
    }
    let rcond = norm
        .zip(ask.rcond)
        .map(|(norm, which)| rcond_with(norm, |value| T::gecon(work, which, n, a, value)));
    let determinant = ask.determinant.then(|| determinant::of_lu(n, a, &work.ipiv));
    T::getri(work, n, a).map_err(Breakdown::ZeroPivot)?;
    let rcond = settled_rcond(work, ask, rcond, norm, Part::Full, n, a);
    Ok(Facts { rcond, determinant, overflow, finite: false })
}
