//! Every way an inversion can fail, and its words.

use std::fmt;

/// The result of everything in this crate that can fail.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why a matrix, a stack or a call could not be served.
///
/// Rows, columns, pivots and stack indices count from 0. Each message says what was found and,
/// where there is one, the way out.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The array has fewer than two axes.
    #[error(
        "the array has {ndim} axes, but a matrix has 2 and a stack of matrices more; \
         reshape it to (n, n) or (..., n, n)"
    )]
    NotMatrix {
        /// Number of axes found.
        ndim: usize,
    },

    /// The last two axes differ.
    #[error("only square matrices have an inverse, found {rows} rows and {cols} columns")]
    NotSquare {
        /// Length of the last axis but one.
        rows: usize,
        /// Length of the last axis.
        cols: usize,
    },

    /// An element that takes part in the computation is NaN or infinite.
    #[error(
        "element ({row}, {col}) is NaN or infinite; clean the data, or turn the check off to \
         let such values through"
    )]
    NonFinite {
        /// Row of the first such element, in row-major order.
        row: usize,
        /// Column of that element.
        col: usize,
    },

    /// Elimination found no non-zero pivot in a column: the matrix has no inverse.
    #[error(
        "the matrix is singular: column {pivot} depends on the columns before it (no non-zero \
         pivot is left); a pseudo-inverse exists"
    )]
    Singular {
        /// Column of A in which no non-zero pivot was left.
        pivot: usize,
    },

    /// Declared positive definite, but it is not.
    #[error(
        "the matrix is not positive definite: its leading minor of order {minor} is not \
         positive; declare it symmetric (or Hermitian), or let the structure be detected"
    )]
    NotPositiveDefinite {
        /// Order of the first leading principal minor that is not positive (so it counts from 1).
        minor: usize,
    },

    /// The matrix is closer to singular than the limit that was asked for.
    #[error(
        "the matrix is ill-conditioned: its reciprocal condition number {rcond:.3e} is below \
         the limit {limit:.3e}; lower the limit to accept such matrices"
    )]
    IllConditioned {
        /// Reciprocal condition number in the 1-norm; NaN if it could not be computed.
        rcond: f64,
        /// The limit set by `min_rcond`.
        limit: f64,
    },

    /// The inverse, or a factor on the way to it, has an element that the scalar type cannot
    /// represent.
    #[error(
        "element ({row}, {col}) of the inverse, or of a factor on the way to it, overflows; scale \
         the matrix, or use a scalar with a wider range"
    )]
    Overflow {
        /// Row of the first such element, in row-major order.
        row: usize,
        /// Column of that element.
        col: usize,
    },

    /// The singular value decomposition behind a pseudo-inverse did not converge.
    #[error(
        "the singular value decomposition did not converge; there is no pseudo-inverse to give"
    )]
    NoConvergence,

    /// Two arrays of one call must have the same shape and have not.
    #[error("the shapes differ: expected {expected:?}, found {found:?}")]
    ShapeMismatch {
        /// Shape of the array that sets the rule.
        expected: Vec<usize>,
        /// Shape of the other one.
        found: Vec<usize>,
    },

    /// The order is larger than the engine can address.
    #[error("order {order} is too large: the engines of this build reach order {max}")]
    TooLarge {
        /// Order of the matrix.
        order: usize,
        /// Largest order the engine accepts.
        max: usize,
    },

    /// Memory for a result or a workspace was refused.
    #[error(
        "out of memory: {bytes} bytes could not be allocated; invert in smaller pieces or in place"
    )]
    OutOfMemory {
        /// Size of the request; `usize::MAX` where the size itself overflows.
        bytes: usize,
    },

    /// LAPACK was asked for, and this build has none.
    #[error(
        "this build has no LAPACK; ask for the native engine, which inverts everything too, or \
         build with the feature `openblas`"
    )]
    NoLapack,

    /// LAPACK was asked for, and the one that the program found fails the test at its first use.
    #[error(
        "this LAPACK gives wrong results ({library} with kernels for {core}: what earlier calls left in \
         memory comes into later inverses); install a newer OpenBLAS, set OPENBLAS_CORETYPE to a \
         processor that it knows (such as Haswell) before the program starts, or ask for the native \
         engine, which inverts everything too"
    )]
    UnsoundLapack {
        /// Name and version of the library.
        library: String,
        /// The processor whose kernels it chose.
        core: String,
    },

    /// An option has a value that means nothing.
    #[error("{option} is {value}, but must be {expected}")]
    InvalidOption {
        /// Name of the option, as its setter is called.
        option: &'static str,
        /// The value given.
        value: f64,
        /// What it has to be.
        expected: &'static str,
    },

    /// An environment variable has a value that means nothing.
    #[error(
        "the environment variable {variable} is {value:?}, but must be {expected}, or not be set"
    )]
    InvalidVariable {
        /// Name of the variable.
        variable: &'static str,
        /// The value found.
        value: String,
        /// What it has to be.
        expected: &'static str,
    },

    /// Worker threads could not be started.
    #[error("{threads} worker threads could not be started: {reason}")]
    Threads {
        /// Number of threads asked for.
        threads: usize,
        /// What the system said.
        reason: String,
    },

    /// The call was told to stop by its flag; see [`Inverter::cancel`](crate::Inverter::cancel).
    #[error("the call was cancelled by its flag before it was done; clear the flag and call again")]
    Cancelled,

    /// Some matrices of a stack failed; every one of them is listed, in index order.
    #[error("{}", describe_failures(failures))]
    InStack {
        /// The failures, in index order, whatever the number of threads.
        failures: Vec<Failure>,
    },
}

/// One matrix of a stack that could not be inverted.
#[derive(Debug, Clone, PartialEq)]
pub struct Failure {
    /// Its place: one index per leading axis of the stack.
    pub index: Vec<usize>,
    /// What is wrong with it.
    pub error: Error,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "matrix {:?}: {}", self.index, self.error)
    }
}

/// How many failures the text of [`Error::InStack`] spells out.
const SPELLED_OUT: usize = 10;

fn describe_failures(failures: &[Failure]) -> String {
    let mut text = match failures.len() {
        1 => String::from("1 matrix of the stack could not be inverted"),
        count => format!("{count} matrices of the stack could not be inverted"),
    };
    for failure in failures.iter().take(SPELLED_OUT) {
        text.push_str("\n  ");
        text.push_str(&failure.to_string());
    }
    if failures.len() > SPELLED_OUT {
        text.push_str("\n  ... and ");
        text.push_str(&(failures.len() - SPELLED_OUT).to_string());
        text.push_str(" more");
    }
    text
}

impl From<matinv_kernels::memory::OutOfMemory> for Error {
    fn from(refused: matinv_kernels::memory::OutOfMemory) -> Self {
        Error::OutOfMemory { bytes: refused.bytes }
    }
}
