//! General matrices: `getrf`, `gecon`, `getri`.

use super::routines::{Routines, Work};
use super::{determinant, norm_if_asked, rcond_with};
use crate::element::Scalar;
use crate::engine::{Ask, Breakdown, Facts};
use crate::norm::Part;

/// Inverts by LU with partial pivoting.
pub(super) fn invert<T: Scalar + Routines>(
    work: &mut Work<T>,
    n: usize,
    a: &mut [T],
    ask: Ask,
) -> Result<Facts<T>, Breakdown> {
    let norm = norm_if_asked(work, ask, Part::Full, n, a);
    T::getrf(work, n, a).map_err(Breakdown::ZeroPivot)?;
    let rcond = norm
        .zip(ask.rcond)
        .map(|(norm, which)| rcond_with(norm, |value| T::gecon(work, which, n, a, value)));
    let determinant = ask.determinant.then(|| determinant::of_lu(n, a, &work.ipiv));
    T::getri(work, n, a).map_err(Breakdown::ZeroPivot)?;
    Ok(Facts { rcond, determinant })
}
