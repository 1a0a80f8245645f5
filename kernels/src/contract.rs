//! What is asked of an engine, what it finds, and why it stops.
//!
//! Engines see a slice without gaps in column-major order and its order n; never an array or a pool of
//! threads. A row-major matrix reaches them as its transpose: (A⁻¹)ᵀ = (Aᵀ)⁻¹. What depends on the side
//! (the norm behind rcond) is told by [`Norm`].

/// Which norm of the slice that the engine is given is the 1-norm of A.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Norm {
    /// The slice holds A: largest column sum.
    One,
    /// The slice holds Aᵀ: largest row sum.
    Infinity,
}

/// Symmetry of an indefinite matrix.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Symmetry {
    /// A = Aᵀ.
    Symmetric,
    /// A = Aᴴ.
    Hermitian,
}

/// What to find out beside the inverse.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ask {
    /// Estimate the reciprocal condition number?
    pub rcond: Option<Norm>,
    /// Compute sign and log |det|?
    pub determinant: bool,
    /// Stop at a pivot that is nothing but rounding ([`Breakdown::TinyPivot`])? Only `general`
    /// looks.
    pub reject_tiny_pivots: bool,
    /// Look whether the inverse is finite ([`Facts::finite`]), where that is cheaper than to do it
    /// afterwards?
    pub finite: bool,
}

/// What a factorization tells of its matrix beside the inverse.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Facts<T> {
    /// Reciprocal condition number in the 1-norm of A, if asked for.
    pub rcond: Option<f64>,
    /// det / |det| and log |det|, if asked for.
    pub determinant: Option<(T, f64)>,
    /// The first step whose pivot is not finite. The inverse is wrong then, whatever it looks
    /// like.
    pub overflow: Option<usize>,
    /// Whether every element of the inverse is known to be finite. If not, nothing is said.
    pub finite: bool,
}

/// Why a factorization stopped. Counted from 0, in terms of the slice the engine was given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Breakdown {
    /// No non-zero pivot at this step.
    ZeroPivot(usize),
    /// The leading minor of order `.0 + 1` is not positive.
    NotPositive(usize),
    /// The pivot of this step may be the rounding error of a zero.
    TinyPivot(usize),
    /// A workspace of that many bytes was refused; the matrix is as it was.
    OutOfMemory(usize),
    /// The team has left out work, as the call was cancelled.
    Cancelled,
}

/// Which half of a symmetric, Hermitian or positive definite matrix is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Triangle {
    /// The diagonal and what is below it.
    #[default]
    Lower,
    /// The diagonal and what is above it.
    Upper,
}

impl Triangle {
    /// The other half.
    #[must_use]
    pub fn flipped(self) -> Self {
        match self {
            Triangle::Lower => Triangle::Upper,
            Triangle::Upper => Triangle::Lower,
        }
    }
}

/// A factorized matrix UΣVᴴ, all three without gaps in column-major order.
pub struct Svd<T> {
    /// Left singular vectors, n × n; anything for singular values of zero.
    pub u: Vec<T>,
    /// Singular values, descending.
    pub s: Vec<f64>,
    /// Right singular vectors, conjugate-transposed, n × n; as `u`.
    pub vt: Vec<T>,
}

/// What an engine does for one scalar: inverts a matrix of order `n ≥ 1`, by columns without gaps, in its
/// place; `a.len()` must be `n * n` (checked, in release too). After a [`Breakdown`] `a` holds a partial
/// factorization.
///
/// An engine with threads of its own, or with none, leaves the team alone. The routines that work on one
/// triangle leave the other one untouched. The implementor is the memory that is kept from call to call, so that
/// equal orders allocate once.
pub trait Invert<T> {
    /// Inverts the matrix in `source`, or in `a` if there is none, by LU with partial pivoting.
    ///
    /// # Errors
    ///
    /// [`Breakdown::ZeroPivot`], and [`Breakdown::TinyPivot`] if the caller is wary of those;
    /// [`Breakdown::OutOfMemory`] before anything is written; [`Breakdown::Cancelled`].
    fn general(
        &mut self,
        team: &dyn Team,
        n: usize,
        source: Option<&[T]>,
        a: &mut [T],
        ask: Ask,
    ) -> Result<Facts<T>, Breakdown>;

    /// Inverts by Cholesky, in one triangle.
    ///
    /// # Errors
    ///
    /// [`Breakdown::NotPositive`], [`Breakdown::OutOfMemory`], [`Breakdown::Cancelled`].
    fn positive_definite(
        &mut self,
        team: &dyn Team,
        n: usize,
        a: &mut [T],
        triangle: Triangle,
        ask: Ask,
    ) -> Result<Facts<T>, Breakdown>;

    /// Inverts by a symmetric indefinite factorization, L D Lᵀ or L D Lᴴ, in one triangle.
    ///
    /// # Errors
    ///
    /// [`Breakdown::ZeroPivot`], [`Breakdown::OutOfMemory`], [`Breakdown::Cancelled`].
    fn indefinite(
        &mut self,
        team: &dyn Team,
        n: usize,
        a: &mut [T],
        symmetry: Symmetry,
        triangle: Triangle,
        ask: Ask,
    ) -> Result<Facts<T>, Breakdown>;

    /// Inverts a triangular matrix in its triangle.
    ///
    /// # Errors
    ///
    /// [`Breakdown::ZeroPivot`] and [`Breakdown::OutOfMemory`]: `a` is as it was;
    /// [`Breakdown::Cancelled`].
    fn triangular(
        &mut self,
        team: &dyn Team,
        n: usize,
        a: &mut [T],
        triangle: Triangle,
        ask: Ask,
    ) -> Result<Facts<T>, Breakdown>;

    /// The singular value decomposition; `None` if it does not converge, or the team is cancelled. Destroys
    /// `a`.
    fn svd(&mut self, team: &dyn Team, n: usize, a: &mut [T]) -> Option<Svd<T>>;
}

/// What a kernel inverts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Any matrix, by LU.
    General,
    /// By Cholesky. One triangle is read, and the imaginary part of the diagonal is not.
    PositiveDefinite(Triangle),
    /// By the method of Bunch and Kaufman. One triangle is read, and the imaginary part of a
    /// Hermitian diagonal is not. For real numbers the symmetry makes no difference.
    Indefinite(Symmetry, Triangle),
    /// One triangle is read; the inverse is zero beside it.
    Triangular(Triangle),
}

impl Kind {
    /// The triangle that is read, where only one is.
    pub fn triangle(self) -> Option<Triangle> {
        match self {
            Kind::General => None,
            Kind::PositiveDefinite(triangle)
            | Kind::Indefinite(_, triangle)
            | Kind::Triangular(triangle) => Some(triangle),
        }
    }

    /// Whether the inverse is its own conjugate transpose.
    pub fn is_hermitian(self) -> bool {
        matches!(self, Kind::PositiveDefinite(_) | Kind::Indefinite(Symmetry::Hermitian, _))
    }
}

/// Threads that share the work on a matrix. The engine knows no more of them.
pub trait Team: Sync {
    /// How many there are.
    fn threads(&self) -> usize;

    /// Calls `work(thread, index)` once for every index below `count`, on threads below
    /// [`threads`](Self::threads); returns when all are done.
    ///
    /// Every thread begins with its own part of the indices, the lowest first, the first thread with
    /// index 0: what a thread has worked on stays in its cache from call to call, where the same part
    /// of the indices means the same rows. Who is done with his part helps with the others.
    ///
    /// Once the team is cancelled, those that are left are left out.
    fn each(&self, count: usize, work: &(dyn Fn(usize, usize) + Sync));

    /// Whether the work is to end, as nobody wants it any more. Once it is, it stays so: where work
    /// may have been left out, one asks before what it was to write decides about places.
    fn is_cancelled(&self) -> bool {
        false
    }

    /// # Errors
    ///
    /// [`Breakdown::Cancelled`], if it is.
    fn check(&self) -> Result<(), Breakdown> {
        if self.is_cancelled() { Err(Breakdown::Cancelled) } else { Ok(()) }
    }
}
