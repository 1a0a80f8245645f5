//! The Moore–Penrose pseudo-inverse, for matrices that have no inverse.
//!
//! Golub & Van Loan, Matrix Computations, section 5.5.2: A⁺ = V Σ⁺ Uᴴ.

use crate::engine::{Engine, Engines};
use crate::error::{Error, Result};
use crate::layout::{self, Order};
use crate::numeric::residual::multiply;
use matinv_kernels::{Scalar, Team, memory};
use ndarray::{IntoDimension, s};

/// Replaces the matrix of order `n` in `a` by its pseudo-inverse. Singular values below `cutoff`
/// times the largest count as zero.
///
/// # Errors
///
/// [`Error::NoConvergence`] from the decomposition, [`Error::OutOfMemory`] ahead of it,
/// [`Error::Cancelled`]; `a` is then lost.
pub(crate) fn pseudo_invert<T: Scalar>(
    (engines, engine): (&mut Engines<T>, Engine),
    team: &dyn Team,
    n: usize,
    a: &mut [T],
    cutoff: f64,
) -> Result<()> {
    // Three factors, two products and blocks of workspace come on top of `a`; ask for it all at
    // once, since the decomposition itself cannot report a refusal.
    memory::reserve(&mut Vec::<T>::new(), n.saturating_mul(5 * n + 256))?;
    let scale = power_of_two_near(a.iter().fold(0.0, |largest: f64, x| largest.max(x.modulus())));
    for x in a.iter_mut() {
        *x = x.scale(scale);
    }
    let stopped = || if team.is_cancelled() { Error::Cancelled } else { Error::NoConvergence };
    let svd = engines.of(engine).svd(team, n, a).ok_or_else(stopped)?;
    let least = svd.s[0] * cutoff;
    let rank = svd.s.iter().take_while(|&&s| s >= least && s > 0.0).count();
    // Column-major throughout: V's columns are the conjugated rows of `vt`.
    let mut v = layout::view(n, &svd.vt, Order::Column).t().mapv(Scalar::conj);
    for (mut column, &s) in v.columns_mut().into_iter().zip(&svd.s[..rank]) {
        column.mapv_inplace(|x| x.over(s));
    }
    let uh = layout::view(n, &svd.u, Order::Column).t().mapv(Scalar::conj);
    let mut product = layout::fresh::<T, _>((n, n).into_dimension(), Order::Column)?;
    let (v, uh) = (v.slice(s![.., ..rank]), uh.slice(s![..rank, ..]));
    if !multiply(&v, &uh, &mut product.view_mut(), &|| team.is_cancelled()) {
        return Err(Error::Cancelled);
    }
    // (cA)⁺ = A⁺ / c
    layout::view_mut(n, a, Order::Column).zip_mut_with(&product, |to, x| *to = x.scale(scale));
    Ok(())
}

/// A power of two that brings `size` near 1, within the range of every scalar: LAPACK's
/// decomposition squares elements, which must not over- or underflow.
#[allow(clippy::cast_possible_truncation)] // a logarithm is small
fn power_of_two_near(size: f64) -> f64 {
    if size > 0.0 {
        2f64.powi(-(size.min(f64::MAX).log2().round() as i32).clamp(-1000, 1000))
    } else {
        1.0
    }
}
