//! How good an inverse is: the residual ratios of LAPACK's own test suite.

use crate::cancel::Cancel;
use crate::error::{Error, Result};
use crate::layout;
use matinv_kernels::Scalar;
use matinv_kernels::norm::{self, ScaledNorm};
use ndarray::linalg::general_mat_mul;
use ndarray::{ArrayRef, ArrayRef2, Axis, Ix2};

/// Residuals of an approximate inverse X of A, on either side, in LAPACK's unit: a norm divided
/// by n ‖A‖₁ ‖X‖₁ ε, where ε is 2⁻⁵³ (2⁻²⁴ in single precision).
///
/// An inverse as good as the arithmetic allows has one side near or below 1; LAPACK's `dget03`
/// accepts below 30. Which side is the small one depends on the algorithm (Higham, *Accuracy and
/// Stability of Numerical Algorithms*, 2nd ed., section 14.3).
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct Residuals {
    /// ‖I − XA‖₁ in that unit.
    pub left: f64,
    /// ‖I − AX‖₁ in that unit.
    pub right: f64,
}

impl Residuals {
    /// The threshold of LAPACK's tests.
    pub const THRESHOLD: f64 = 30.0;

    /// The smaller of the two; NaN if either is.
    pub fn better(&self) -> f64 {
        if self.right.is_nan() || self.right < self.left { self.right } else { self.left }
    }

    /// Whether the better side is below [`THRESHOLD`](Self::THRESHOLD).
    pub fn passes(&self) -> bool {
        self.better() < Self::THRESHOLD
    }
}

/// Residual ratios of `x` as an inverse of `a`; NaN or infinite if `x` has such elements, and
/// 1/ε where a norm is zero, as in LAPACK's `dget03`.
///
/// Both are of shape (n, n), with any strides. The products are computed in the precision of the
/// scalar, with 4 n³ operations.
///
/// # Errors
///
/// [`Error::NotSquare`], [`Error::ShapeMismatch`] and [`Error::OutOfMemory`].
///
/// # Examples
///
/// ```
/// use matinv::{inv, residuals};
/// use ndarray::array;
///
/// let a = array![[52.0, 22.0], [43.0, 24.0]];
/// let ratio = residuals(&a, &inv(&a)?)?;
/// assert!(ratio.passes());
/// # Ok::<(), matinv::Error>(())
/// ```
pub fn residuals<T: Scalar>(a: &ArrayRef<T, Ix2>, x: &ArrayRef<T, Ix2>) -> Result<Residuals> {
    layout::square(a.shape())?;
    if a.shape() != x.shape() {
        let (expected, found) = (a.shape().to_vec(), x.shape().to_vec());
        return Err(Error::ShapeMismatch { expected, found });
    }
    let norms = [one_norm(a), one_norm(x)];
    let cancel = Cancel::default();
    Ok(Residuals { left: ratio(x, a, norms, &cancel)?, right: ratio(a, x, norms, &cancel)? })
}

/// ‖I − XA‖₁ alone, unless the call is cancelled.
///
/// # Errors
///
/// [`Error::OutOfMemory`] and [`Error::Cancelled`].
pub(crate) fn left_unless<T: Scalar>(
    cancel: &Cancel,
    a: &ArrayRef2<T>,
    x: &ArrayRef2<T>,
) -> Result<f64> {
    ratio(x, a, [one_norm(a), one_norm(x)], cancel)
}

/// Makes `c` the product, tile by tile, with a look before each whether that is still wanted; whether all
/// of it was made.
pub(crate) fn multiply<T: Scalar>(
    a: &ArrayRef2<T>,
    b: &ArrayRef2<T>,
    c: &mut ArrayRef2<T>,
    is_stopped: &dyn Fn() -> bool,
) -> bool {
    // As few operations as cost nothing measurable: what is packed for a tile is used often enough.
    const TILE: usize = 384;
    for (a, mut rows) in
        a.axis_chunks_iter(Axis(0), TILE).zip(c.axis_chunks_iter_mut(Axis(0), TILE))
    {
        let tiles = rows.axis_chunks_iter_mut(Axis(1), TILE);
        for (b, mut tile) in b.axis_chunks_iter(Axis(1), TILE).zip(tiles) {
            if is_stopped() {
                return false;
            }
            general_mat_mul(T::one(), &a, &b, T::zero(), &mut tile);
        }
    }
    true
}

/// The largest sum of moduli of a column; NaN if there is a NaN.
fn one_norm<T: Scalar>(a: &ArrayRef2<T>) -> ScaledNorm {
    let norm = |factor: f64| {
        let columns = a.columns().into_iter();
        norm::largest(columns.map(|column| column.iter().map(|x| norm::size(*x, factor)).sum()))
    };
    norm::scaled(norm, f64::is_finite)
}

/// ‖I − pq‖₁ in LAPACK's unit; the norms are those of p and q.
fn ratio<T: Scalar>(
    p: &ArrayRef2<T>,
    q: &ArrayRef2<T>,
    norms: [ScaledNorm; 2],
    cancel: &Cancel,
) -> Result<f64> {
    let n = p.nrows();
    if n == 0 {
        return Ok(0.0);
    }
    if norms.iter().any(|norm| norm.value <= 0.0) {
        return Ok(1.0 / T::UNIT_ROUNDOFF);
    }
    if norms.iter().any(|norm| norm.value.is_infinite()) {
        // An element is infinite: this is no inverse.
        return Ok(f64::NAN);
    }
    let mut rest = layout::fresh::<T, _>(p.raw_dim(), layout::Order::Row)?;
    if !multiply(p, q, &mut rest, &|| cancel.is_set()) {
        return Err(Error::Cancelled);
    }
    rest.diag_mut().mapv_inplace(|d| d - T::one());
    let rest = one_norm(&rest);
    // In turn, which keeps clear of overflow in ‖A‖ ‖X‖.
    let [a, x] = norms.map(|norm| norm.value);
    let factor = norms[0].factor * norms[1].factor / rest.factor;
    Ok(rest.value / a / x * factor / T::UNIT_ROUNDOFF / n as f64)
}
