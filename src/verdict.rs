//! What is known of each matrix after the attempt to invert it.

use crate::engine::Engine;
use crate::error::{Error, Failure};
use crate::structure::Structure;
use matinv_kernels::Scalar;
use ndarray::{Array, Dimension, Ix2};

/// What became of one matrix.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Status {
    /// The result is the inverse.
    Inverted,
    /// There is no (acceptable) inverse; the result is the Moore–Penrose pseudo-inverse.
    PseudoInverted,
    /// There is no result; what stands in its place depends on [`OnFailure`].
    Failed,
}

/// What happens to a matrix that cannot be inverted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum OnFailure {
    /// The call is an error that lists every failure, and nothing is returned.
    #[default]
    Fail,
    /// The matrix becomes NaN throughout; the others are inverted.
    FillNan,
    /// The matrix stays what it was in the input; the others are inverted.
    Keep,
    /// The Moore–Penrose pseudo-inverse takes its place, by singular value decomposition:
    /// singular values below max(n ε, `min_rcond`) times the largest count as zero. A matrix
    /// with NaN or infinite elements has none and becomes NaN; so does one whose decomposition
    /// fails, and the verdict then names that reason.
    PseudoInverse,
}

/// The verdict on one matrix.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Verdict<T: Scalar> {
    /// What became of it.
    pub status: Status,
    /// Why it could not be inverted; `None` exactly for [`Status::Inverted`].
    pub error: Option<Error>,
    /// The structure whose factorization was used, never `Auto`.
    pub structure: Structure,
    /// The engine that was used, never `Auto`.
    pub engine: Engine,
    /// Reciprocal condition number 1 / (‖A‖₁ ‖A⁻¹‖₁), estimated from the factorization by LAPACK
    /// (`gecon` and kin), from the norms themselves by the native engine and for diagonal matrices. 1 is the best, about 10⁻¹⁶ is singular to
    /// working precision in `f64`; 0 where elimination found no pivot, NaN where nothing is known.
    pub rcond: f64,
    /// det A / |det A|: ±1 for real scalars, 0 if singular, NaN where nothing is known.
    pub sign: T,
    /// Natural logarithm of |det A|, from the same factorization: −∞ if singular.
    pub log_abs_det: f64,
    /// ‖I − A⁻¹A‖₁ / (n ‖A‖₁ ‖A⁻¹‖₁ ε), if asked for: LAPACK's own tests accept up to 30.
    pub quality: Option<f64>,
}

impl<T: Scalar> Verdict<T> {
    /// The column of A, counted from 0, in which no non-zero pivot was left, if that is why it
    /// failed.
    pub fn pivot(&self) -> Option<usize> {
        match self.error {
            Some(Error::Singular { pivot }) => Some(pivot),
            _ => None,
        }
    }

    /// The order of the leading minor that is not positive, if that is why it failed.
    pub fn minor(&self) -> Option<usize> {
        match self.error {
            Some(Error::NotPositiveDefinite { minor }) => Some(minor),
            _ => None,
        }
    }
}

/// The dimension of the leading axes: that of the stack, without the two of its matrices.
pub type Leading<D> = <<D as Dimension>::Smaller as Dimension>::Smaller;

/// Inverses with a verdict on each.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Inversion<T: Scalar, D: Dimension> {
    /// The results, of the shape of the input.
    pub inverse: Array<T, D>,
    /// One verdict per matrix: the shape of the input without its last two axes.
    pub verdicts: Array<Verdict<T>, Leading<D>>,
}

impl<T: Scalar, D: Dimension> Inversion<T, D> {
    pub(crate) fn new(inverse: Array<T, D>, verdicts: Array<Verdict<T>, Leading<D>>) -> Self {
        Inversion { inverse, verdicts }
    }

    /// The matrices that could not be inverted (pseudo-inverted ones included), in index order.
    ///
    /// ```
    /// use matinv::{Error, Inverter, OnFailure};
    /// use ndarray::array;
    ///
    /// let stack = array![[[2.0, 0.0], [0.0, 4.0]], [[1.0, 2.0], [2.0, 4.0]]];
    /// let report = Inverter::new().on_failure(OnFailure::FillNan).report(&stack)?;
    /// let failures: Vec<_> = report.failures().collect();
    /// assert_eq!(failures.len(), 1);
    /// assert_eq!(failures[0].index, [1]);
    /// assert_eq!(failures[0].error, Error::Singular { pivot: 1 });
    /// # Ok::<(), Error>(())
    /// ```
    pub fn failures(&self) -> impl Iterator<Item = Failure> {
        let leading = self.verdicts.shape().to_vec();
        self.verdicts.iter().enumerate().filter_map(move |(position, verdict)| {
            let error = verdict.error.clone()?;
            Some(Failure { index: crate::layout::index_of(position, &leading), error })
        })
    }
}

impl<T: Scalar> Inversion<T, Ix2> {
    /// The verdict on the one matrix.
    pub fn verdict(&self) -> &Verdict<T> {
        &self.verdicts[()]
    }
}
