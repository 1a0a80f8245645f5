//! The Moore–Penrose pseudo-inverse, for matrices that have no inverse.
//!
//! Golub & Van Loan, Matrix Computations, section 5.5.2: A⁺ = V Σ⁺ Uᴴ.

use crate::element::Scalar;
use crate::engine::{EngineScalar, MAX_ORDER_SVD};
use crate::error::{Error, Result};
use crate::layout::{self, Order};

/// Replaces the matrix of order `n` in `a` by its pseudo-inverse. Singular values below `cutoff`
/// times the largest count as zero.
///
/// # Errors
///
/// [`Error::NoConvergence`] from the decomposition, [`Error::TooLarge`] and
/// [`Error::OutOfMemory`] ahead of it; `a` is then lost.
pub(crate) fn pseudo_invert<T: Scalar>(n: usize, a: &mut [T], cutoff: f64) -> Result<()> {
    if n > MAX_ORDER_SVD {
        return Err(Error::TooLarge { order: n, max: MAX_ORDER_SVD });
    }
    // Two factors and a workspace of about four times the matrix come on top of `a`; ask for it
    // all at once, since the decomposition itself cannot report a refusal.
    layout::reserve(&mut Vec::<T>::new(), n.saturating_mul(n).saturating_mul(7))?;
    let svd = <T as EngineScalar>::svd(n, a).ok_or(Error::NoConvergence)?;
    let least = svd.s[0] * cutoff;
    let rank = svd.s.iter().take_while(|&&s| s >= least && s > 0.0).count();
    // Column-major throughout: V's columns are the conjugated rows of `vt`.
    let mut v = layout::view(n, &svd.vt, Order::Column).t().mapv(Scalar::conj);
    for (mut column, &s) in v.columns_mut().into_iter().zip(&svd.s[..rank]) {
        column.mapv_inplace(|x| x.over(s));
    }
    let uh = layout::view(n, &svd.u, Order::Column).t().mapv(Scalar::conj);
    let product = v.slice(ndarray::s![.., ..rank]).dot(&uh.slice(ndarray::s![..rank, ..]));
    layout::view_mut(n, a, Order::Column).assign(&product);
    Ok(())
}
