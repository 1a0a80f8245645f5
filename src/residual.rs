//! How good an inverse is: the residual ratios of LAPACK's own test suite.

use crate::element::Scalar;
use crate::error::{Error, Result};
use crate::layout;
use ndarray::{ArrayRef, ArrayRef2, Ix2};

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

    /// The smaller of the two.
    pub fn better(&self) -> f64 {
        if self.right < self.left { self.right } else { self.left }
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
/// [`Error::NotSquare`] and [`Error::ShapeMismatch`].
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
    let (_, n) = layout::square(a.shape())?;
    if a.shape() != x.shape() {
        let (expected, found) = (a.shape().to_vec(), x.shape().to_vec());
        return Err(Error::ShapeMismatch { expected, found });
    }
    let unit = Unit::of(n, one_norm(a), one_norm(x), T::UNIT_ROUNDOFF);
    Ok(Residuals { left: unit.ratio(x, a), right: unit.ratio(a, x) })
}

/// ‖I − XA‖₁ alone.
pub(crate) fn left<T: Scalar>(a: &ArrayRef2<T>, x: &ArrayRef2<T>) -> f64 {
    Unit::of(a.nrows(), one_norm(a), one_norm(x), T::UNIT_ROUNDOFF).ratio(x, a)
}

/// The largest sum of moduli of a column; NaN if there is a NaN.
fn one_norm<T: Scalar>(a: &ArrayRef2<T>) -> f64 {
    let sums = a.columns().into_iter().map(|column| column.iter().map(|x| x.modulus()).sum());
    sums.fold(
        0.0,
        |largest: f64, sum: f64| if sum > largest || sum.is_nan() { sum } else { largest },
    )
}

/// What residuals are measured in.
struct Unit {
    order: f64,
    norms: [f64; 2],
    epsilon: f64,
}

impl Unit {
    fn of(n: usize, a: f64, x: f64, epsilon: f64) -> Self {
        Unit { order: n as f64, norms: [a, x], epsilon }
    }

    /// ‖I − pq‖₁ in this unit.
    fn ratio<T: Scalar>(&self, p: &ArrayRef2<T>, q: &ArrayRef2<T>) -> f64 {
        if p.is_empty() {
            return 0.0;
        }
        let [a, x] = self.norms;
        if a <= 0.0 || x <= 0.0 {
            return 1.0 / self.epsilon;
        }
        let mut rest = p.dot(q);
        rest.diag_mut().mapv_inplace(|d| d - T::one());
        // Dividing in turn keeps clear of overflow in ‖A‖ ‖X‖.
        one_norm(&rest) / a / x / self.epsilon / self.order
    }
}
