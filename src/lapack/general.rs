//! General matrices: `getrf`, `gecon`, `getri`.

use super::routines::{Routines, Work};
use super::{determinant, norm_if_asked, overflown_pivot, rcond_with, settled_rcond};
use crate::element::Scalar;
use crate::engine::{Ask, Breakdown, Facts};
use crate::native::largest;
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
    let overflow = overflown_pivot(n, a);
    if ask.wary
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
    Ok(Facts { rcond, determinant, overflow })
}

/// The first pivot of U that is no larger than the rounding errors of its own computation:
/// `u_ii` came of subtracting products of at most n factors |l| ≤ 1 and the elements of U above it.
fn tiny_pivot<T: Scalar>(n: usize, lu: &[T]) -> Option<usize> {
    let rounding = 4.0 * n as f64 * T::UNIT_ROUNDOFF;
    let limit = rounding * largest(lu);
    // Nearly always this is the end of it.
    if lu.iter().step_by(n + 1).all(|pivot| pivot.modulus() > limit) {
        return None;
    }
    (1..n).find(|&i| {
        let column = &lu[i * n..=i * n + i];
        let above = column[..i].iter().fold(0.0, |most: f64, u| most.max(u.modulus()));
        column[i].modulus() <= rounding * above
    })
}
