//! Symmetric and Hermitian indefinite matrices: `sytrf`/`hetrf`, `sycon`/`hecon`,
//! `sytri`/`hetri`.

use super::pivots::overflown_pivot;
use super::routines::{Routines, Work};
use super::{determinant, norm_if_asked, rcond_with, settled_rcond};
use crate::structure::Triangle;
use matinv_kernels::norm::Part;
use matinv_kernels::{Ask, Breakdown, Facts, Scalar, Symmetry};

/// Inverts by the diagonal pivoting method of Bunch and Kaufman, in one triangle.
pub(crate) fn invert<T: Scalar + Routines>(
    work: &mut Work<T>,
    n: usize,
    a: &mut [T],
    symmetry: Symmetry,
    triangle: Triangle,
    ask: Ask,
) -> Result<Facts<T>, Breakdown> {
    let norm = norm_if_asked(work, ask, Part::Mirrored(triangle), n, a);
    T::sytrf(work, symmetry, triangle, n, a).map_err(Breakdown::ZeroPivot)?;
    let overflow = overflown_pivot(n, a);
    let rcond =
        norm.map(|norm| rcond_with(norm, |value| T::sycon(work, symmetry, triangle, n, a, value)));
    let determinant = ask
        .determinant
        .then(|| determinant::of_block_diagonal(symmetry, triangle, n, a, &work.ipiv));
    T::sytri(work, symmetry, triangle, n, a).map_err(Breakdown::ZeroPivot)?;
    let rcond = settled_rcond(work, ask, rcond, norm, Part::Mirrored(triangle), n, a);
    Ok(Facts { rcond, determinant, overflow, finite: false })
}
