//! The public verbs: [`inv`], [`inv_inplace`] and the [`Inverter`] with all options.

use crate::call::output::{Fresh, Output};
use crate::call::ragged;
use crate::call::stack::{self, Call};
use crate::call::workers::{self, Workers};
use crate::cancel::Cancel;
use crate::engine::{self, Engine};
use crate::error::{Error, Result};
use crate::matrix::events::Plan;
use crate::structure::{Structure, Triangle};
use crate::verdict::{Inversion, Leading, OnFailure, Verdict};
use crate::workspace::{self, Pools};
use crate::{blas, layout};
use matinv_kernels::{Element, Scalar, memory};
use ndarray::{Array, Array2, ArrayRef, ArrayView, ArrayView2, Dimension, IxDyn};
use rayon::ThreadPool;
use std::borrow::Cow;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, OnceLock};

/// The inverse A⁻¹ of a square matrix, or of every matrix of a stack.
///
/// `a` has shape (n, n) or (..., n, n), with any strides; the result has the same shape, and its
/// matrices are stored by rows or by columns as those of `a` are. Each matrix's structure is
/// found out ([`Structure::Auto`]); see [`Inverter`] for all options. Stacks are inverted in
/// parallel on the current rayon pool, or as [`default_threads`](crate::default_threads) says. `a` is not changed. Empty shapes give empty results.
///
/// General matrices are inverted by LU with partial pivoting (LAPACK's `getrf` and `getri`, or the
/// native engine); Higham, *Accuracy and Stability of Numerical Algorithms*, 2nd ed., chapter 14.
///
/// # Errors
///
/// - [`Error::NotMatrix`], [`Error::NotSquare`]: the shape is none of the above.
/// - [`Error::NonFinite`]: an element is NaN or infinite.
/// - [`Error::Singular`]: no inverse exists; the pivot is the first column that depends on those
///   before it.
/// - [`Error::Overflow`]: an element of the inverse is beyond the range of the scalar.
/// - [`Error::InStack`]: the same of matrices of a stack, every failing one listed with its index.
/// - [`Error::TooLarge`], [`Error::OutOfMemory`].
/// - [`Error::InvalidVariable`], [`Error::Threads`]: of `MATINV_NUM_THREADS`, if it is set.
///
/// # Examples
///
/// ```
/// use matinv::inv;
/// use ndarray::{Array2, array};
///
/// let x: Array2<f64> = inv(&array![[52, 22], [43, 24]])?; // integers in, f64 out
/// assert!((x[[0, 0]] - 24.0 / 302.0).abs() < 1e-16);
///
/// let stack = array![[[1.0, 2.0], [3.0, 4.0]], [[2.0, 0.0], [0.0, 4.0]]];
/// let xs = inv(&stack)?;
/// assert_eq!(xs.shape(), [2, 2, 2]);
/// assert_eq!(xs[[1, 1, 1]], 0.25);
/// # Ok::<(), matinv::Error>(())
/// ```
pub fn inv<A: Element, D: Dimension>(a: &ArrayRef<A, D>) -> Result<Array<A::Scalar, D>> {
    Inverter::new().inv(a)
}

/// Replaces a square matrix, or every matrix of a stack, by its inverse.
///
/// Any strides will do. Matrices that are stored by columns without gaps, at addresses that are
/// multiples of 16, need no second copy if they are larger than 4 MiB; others take a workspace of n²
/// elements per thread.
///
/// # Errors
///
/// Those of [`inv`]. After [`Error::Singular`] and kin, or [`Error::InStack`], the matrices that
/// failed hold nothing of use and the other matrices of the stack hold their inverses. After
/// [`Error::OutOfMemory`] each matrix is as it was or inverted; after the other errors `a` is as
/// it was. To keep what failed, see [`OnFailure::Keep`].
///
/// # Examples
///
/// ```
/// use matinv::inv_inplace;
/// use ndarray::array;
///
/// let mut a = array![[0.0_f32, 4.0], [2.0, 0.0]];
/// inv_inplace(&mut a)?;
/// assert_eq!(a, array![[0.0, 0.5], [0.25, 0.0]]);
/// # Ok::<(), matinv::Error>(())
/// ```
pub fn inv_inplace<T: Scalar, D: Dimension>(a: &mut ArrayRef<T, D>) -> Result<()> {
    Inverter::new().inv_inplace(a)
}

/// Inverts with options, and keeps its workspaces from call to call.
///
/// ```
/// use matinv::{Inverter, OnFailure, Structure};
/// use ndarray::array;
///
/// let covariances = array![[[4.0, 2.0], [2.0, 3.0]], [[1.0, 0.0], [0.0, 1e-20]]];
/// let report = Inverter::new()
///     .structure(Structure::PositiveDefinite)
///     .min_rcond(1e-12)
///     .on_failure(OnFailure::FillNan)
///     .report(&covariances)?;
/// assert_eq!(report.inverse[[0, 0, 0]], 0.375);
/// assert!(report.verdicts[[1]].rcond < 1e-12);
/// assert_eq!(report.failures().count(), 1);
/// # Ok::<(), matinv::Error>(())
/// ```
#[derive(Debug)]
pub struct Inverter {
    plan: Plan,
    threads: Option<usize>,
    blas_threads: usize,
    workers: OnceLock<Arc<ThreadPool>>,
    pools: Pools,
}

impl Default for Inverter {
    fn default() -> Self {
        Self::new()
    }
}

impl Clone for Inverter {
    /// The same options; workspaces are not shared.
    fn clone(&self) -> Self {
        Inverter {
            plan: self.plan.clone(),
            threads: self.threads,
            blas_threads: self.blas_threads,
            workers: self.workers.clone(),
            pools: Pools::default(),
        }
    }
}

impl Inverter {
    /// All options at their defaults.
    pub fn new() -> Self {
        Inverter {
            plan: Plan {
                engine: Engine::Auto,
                structure: Structure::Auto,
                triangle: Triangle::Lower,
                min_rcond: None,
                on_failure: OnFailure::Fail,
                check_finite: true,
                quality: false,
                report: false,
                cancel: Cancel::default(),
            },
            threads: None,
            blas_threads: 1,
            workers: OnceLock::new(),
            pools: Pools::default(),
        }
    }

    /// What is known of every matrix. Default: [`Structure::Auto`], found out matrix by matrix.
    #[must_use]
    pub fn structure(mut self, structure: Structure) -> Self {
        self.plan.structure = structure;
        self
    }

    /// Which half is read of matrices declared symmetric, Hermitian or positive definite; the
    /// other is not looked at. Default: [`Triangle::Lower`].
    #[must_use]
    pub fn triangle(mut self, triangle: Triangle) -> Self {
        self.plan.triangle = triangle;
        self
    }

    /// Refuse matrices whose reciprocal condition number is below `limit`, with
    /// [`Error::IllConditioned`]. Default: none; only a zero pivot is singular.
    ///
    /// Under [`OnFailure::Fail`], [`inv_into`](Self::inv_into) and
    /// [`inv_inplace`](Self::inv_inplace) leave the inverse of such a matrix in its place all the
    /// same, as it came out (its elements have not been checked), for those who want to warn.
    #[must_use]
    pub fn min_rcond(mut self, limit: f64) -> Self {
        self.plan.min_rcond = Some(limit);
        self
    }

    /// What to do with matrices that cannot be inverted. Default: [`OnFailure::Fail`].
    #[must_use]
    pub fn on_failure(mut self, policy: OnFailure) -> Self {
        self.plan.on_failure = policy;
        self
    }

    /// Refuse NaN and infinity in the part that is read ([`Error::NonFinite`]) and in the result
    /// ([`Error::Overflow`]). Default: true. Without the check such values spread through the
    /// result as arithmetic has it, and whether a matrix with NaN is found singular may depend on
    /// its order in memory.
    #[must_use]
    pub fn check_finite(mut self, check: bool) -> Self {
        self.plan.check_finite = check;
        self
    }

    /// Measure ‖I − A⁻¹A‖₁ in every verdict of a [`report`](Self::report). Default: false; it
    /// costs about as much as the inversion.
    #[must_use]
    pub fn quality(mut self, measure: bool) -> Self {
        self.plan.quality = measure;
        self
    }

    /// Threads for a stack, in a pool of its own that is made on first use and kept; 1 stays on
    /// the calling thread. Default: the current rayon pool; outside of one, as many as the environment
    /// variable `MATINV_NUM_THREADS` says, if it is set ([`default_threads`](crate::default_threads)).
    /// The results are the same bits for every number.
    #[must_use]
    pub fn threads(mut self, threads: usize) -> Self {
        self.threads = Some(threads);
        self.workers = OnceLock::new();
        self
    }

    /// Threads that LAPACK may use inside a matrix. Default: 1. Without effect on the native
    /// engine, which also takes all where LAPACK fails its test.
    ///
    /// More is used from order 128, for a single matrix and for stacks of fewer matrices than
    /// workers, one after the other; larger stacks keep the workers busy anyway. Blocks are then
    /// cut differently, so the last bits of the result depend on the number. The call runs on a
    /// thread with a stack large enough for OpenBLAS; at one thread if inversions at one thread
    /// are under way in this process, and after those at several have ended.
    #[must_use]
    pub fn blas_threads(mut self, threads: usize) -> Self {
        self.blas_threads = threads;
        self
    }

    /// The engine. Default: [`Engine::Auto`].
    #[must_use]
    pub fn engine(mut self, engine: Engine) -> Self {
        self.plan.engine = engine;
        self
    }

    /// Stop when this flag is set, by whomever, with [`Error::Cancelled`]. Default: no flag.
    ///
    /// It is looked at between matrices, and inside of large ones: every few milliseconds on a thread at
    /// work, so that a call ends soon, whatever the order. A matrix that is with LAPACK is finished
    /// first (see [`engine`](Self::engine)), since its routines cannot be stopped; so is the first
    /// touch of memory that the system has yet to give. The flag is not cleared: that is up to whoever
    /// has set it, before the next call. While it is not set the results are the same bits as without.
    ///
    /// After [`Error::Cancelled`] the matrices in the output of [`inv_into`](Self::inv_into) or
    /// [`report_into`](Self::report_into), and those that [`inv_inplace`](Self::inv_inplace) was given,
    /// are some inverted, some as they were, and some nothing of use, and it is not said which. The
    /// inverter itself is as good as new.
    ///
    /// # Examples
    ///
    /// ```
    /// use matinv::{Error, Inverter};
    /// use ndarray::Array2;
    /// use std::sync::Arc;
    /// use std::sync::atomic::{AtomicBool, Ordering};
    ///
    /// let stop = Arc::new(AtomicBool::new(false));
    /// let inverter = Inverter::new().cancel(Arc::clone(&stop));
    /// let a = Array2::from_diag_elem(100, 2.0_f64);
    /// assert_eq!(inverter.inv(&a)?[[7, 7]], 0.5);
    ///
    /// stop.store(true, Ordering::Relaxed); // by a signal handler, a timer, another thread
    /// assert_eq!(inverter.inv(&a), Err(Error::Cancelled));
    /// # Ok::<(), Error>(())
    /// ```
    #[must_use]
    pub fn cancel(mut self, flag: Arc<AtomicBool>) -> Self {
        self.plan.cancel = Cancel::by(flag);
        self
    }

    /// For the Python package, which has threads of its own to wake: whether several of them work on
    /// one matrix of order `n`.
    #[doc(hidden)]
    pub fn shares_one<T: Scalar>(&self, n: usize) -> bool {
        stack::is_shared::<T>(&self.plan, n)
    }

    /// The inverse of `a`, as [`inv`](fn@crate::inv) with these options.
    ///
    /// # Errors
    ///
    /// Those of [`inv`](fn@crate::inv), and:
    ///
    /// - [`Error::NotPositiveDefinite`]: declared so, but it is not.
    /// - [`Error::IllConditioned`]: below [`min_rcond`](Self::min_rcond).
    /// - [`Error::InvalidOption`]: an option has a value that means nothing.
    /// - [`Error::NoLapack`], [`Error::UnsoundLapack`]: [`Engine::Lapack`] in a build without it, or
    ///   with one that fails its test.
    /// - [`Error::InvalidVariable`]: `MATINV_NUM_THREADS` means nothing, and nothing else says how many
    ///   threads there are.
    /// - [`Error::Threads`]: worker threads, in a number that was asked for, could not be started. Where
    ///   nobody has asked for a number, the calling thread does the work alone.
    /// - [`Error::Cancelled`]: the flag given to [`cancel`](Self::cancel) was set.
    ///
    /// With a policy other than [`OnFailure::Fail`] no matrix's failure is an error.
    pub fn inv<A: Element, D: Dimension>(&self, a: &ArrayRef<A, D>) -> Result<Array<A::Scalar, D>> {
        stack::leading_and_order(a.shape())?;
        let out = Fresh::new(a.raw_dim(), layout::memory_order(a.strides()))?;
        let written = out.written_by(|output| {
            self.run(&self.plan, Some(a.view().into_dyn()), output.reborrow(), None)
        });
        Ok(written?.0)
    }

    /// Writes the inverse of `a` into `out`, of the same shape and any strides. Called again with
    /// the same order, it reuses its workspaces.
    ///
    /// # Errors
    ///
    /// Those of [`Inverter::inv`], and [`Error::ShapeMismatch`]. After an error `out` holds
    /// inverses for the matrices that did not fail, also for those that are
    /// [`IllConditioned`](Error::IllConditioned) and nothing else, and nothing of use for the
    /// others. After [`Error::Cancelled`] it is not known which are which.
    pub fn inv_into<A: Element, D: Dimension>(
        &self,
        a: &ArrayRef<A, D>,
        out: &mut ArrayRef<A::Scalar, D>,
    ) -> Result<()> {
        same_shape(a.shape(), out.shape())?;
        let out = Output::Written(out.view_mut().into_dyn());
        self.run(&self.plan, Some(a.view().into_dyn()), out, None)
    }

    /// Replaces `a` by its inverse, as [`inv_inplace`](fn@crate::inv_inplace) with these options.
    ///
    /// # Errors
    ///
    /// Those of [`Inverter::inv`]; what `a` then holds is said at
    /// [`inv_inplace`](fn@crate::inv_inplace), and for [`Error::Cancelled`] at [`cancel`](Self::cancel).
    pub fn inv_inplace<T: Scalar, D: Dimension>(&self, a: &mut ArrayRef<T, D>) -> Result<()> {
        self.run::<T>(&self.plan, None, Output::Written(a.view_mut().into_dyn()), None)
    }

    /// The inverse of `a` with a [`Verdict`] on every matrix: status, rcond, determinant, the
    /// structure and engine used.
    ///
    /// # Errors
    ///
    /// Those of [`Inverter::inv`]. Under [`OnFailure::Fail`], the default, one failing matrix
    /// makes the whole call an error; choose another policy to get the verdicts on all.
    pub fn report<A: Element, D: Dimension>(
        &self,
        a: &ArrayRef<A, D>,
    ) -> Result<Inversion<A::Scalar, D>> {
        stack::leading_and_order(a.shape())?;
        let inverse = Fresh::new(a.raw_dim(), layout::memory_order(a.strides()))?;
        let (inverse, verdicts) = inverse.written_by(|output| self.verdicts(a, output))?;
        Ok(Inversion::new(inverse, verdicts))
    }

    /// Writes the inverse of `a` into `out`, as [`inv_into`](Self::inv_into), and returns a
    /// [`Verdict`] on every matrix, as [`report`](Self::report).
    ///
    /// # Errors
    ///
    /// Those of [`Inverter::inv_into`]; what `out` then holds is said there. As for
    /// [`report`](Self::report), choose a policy other than [`OnFailure::Fail`] to get the verdicts
    /// on all.
    ///
    /// # Examples
    ///
    /// ```
    /// use matinv::{Inverter, OnFailure, Status};
    /// use ndarray::{Array3, array};
    ///
    /// let stack = array![[[2.0, 0.0], [0.0, 4.0]], [[1.0, 2.0], [2.0, 4.0]]];
    /// let mut out = Array3::zeros((2, 2, 2));
    /// let verdicts = Inverter::new().on_failure(OnFailure::Keep).report_into(&stack, &mut out)?;
    /// assert_eq!(out[[0, 1, 1]], 0.25);
    /// assert_eq!(out[[1, 1, 1]], 4.0);
    /// assert_eq!(verdicts[1].status, Status::Failed);
    /// # Ok::<(), matinv::Error>(())
    /// ```
    pub fn report_into<A: Element, D: Dimension>(
        &self,
        a: &ArrayRef<A, D>,
        out: &mut ArrayRef<A::Scalar, D>,
    ) -> Result<Array<Verdict<A::Scalar>, Leading<D>>> {
        stack::leading_and_order(a.shape())?;
        same_shape(a.shape(), out.shape())?;
        self.verdicts(a, Output::Written(out.view_mut().into_dyn()))
    }

    /// The inverses of matrices of any orders, each with its own result, in the order given.
    ///
    /// Those that are large are worked on in parallel, those that are small in runs, and all threads
    /// work on one that would keep its thread busy when all others are done. What a matrix that
    /// fails becomes is up to [`on_failure`](Self::on_failure): an error by default.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidOption`], [`Error::InvalidVariable`], [`Error::NoLapack`],
    /// [`Error::UnsoundLapack`], [`Error::Threads`], [`Error::Cancelled`] and [`Error::OutOfMemory`] for
    /// the call as a whole; of each matrix, what [`Inverter::inv`] says.
    /// [`blas_threads`](Self::blas_threads) does not apply.
    ///
    /// # Examples
    ///
    /// ```
    /// use matinv::{Error, Inverter};
    /// use ndarray::array;
    ///
    /// let (a, b) = (array![[4.0]], array![[1.0, 2.0], [2.0, 4.0]]);
    /// let results = Inverter::new().inv_many(&[a.view(), b.view()])?;
    /// assert_eq!(results[0], Ok(array![[0.25]]));
    /// assert_eq!(results[1], Err(Error::Singular { pivot: 1 }));
    /// # Ok::<(), Error>(())
    /// ```
    pub fn inv_many<A: Element>(
        &self,
        matrices: &[ArrayView2<'_, A>],
    ) -> Result<Vec<Result<Array2<A::Scalar>>>> {
        ragged::invert_many(&self.call(&self.plan)?, matrices)
    }

    /// Inverts, and gathers the verdict on every matrix.
    fn verdicts<A: Element, D: Dimension>(
        &self,
        a: &ArrayRef<A, D>,
        output: Output<'_, A::Scalar>,
    ) -> Result<Array<Verdict<A::Scalar>, Leading<D>>> {
        let (leading, _) = stack::leading_and_order(a.shape())?;
        let count: usize = leading.iter().product();
        let mut verdicts: Vec<Option<Verdict<A::Scalar>>> = Vec::new();
        memory::reserve(&mut verdicts, count)?;
        verdicts.resize(count, None);
        let plan = Plan { report: true, ..self.plan.clone() };
        self.run(&plan, Some(a.view().into_dyn()), output.reborrow(), Some(&mut verdicts))?;
        Ok(shaped(leading, verdicts))
    }

    fn run<'a, A: Element>(
        &self,
        plan: &Plan,
        input: Option<ArrayView<'a, A, IxDyn>>,
        output: Output<'a, A::Scalar>,
        verdicts: Option<&'a mut [Option<Verdict<A::Scalar>>]>,
    ) -> Result<()> {
        let call = self.call(plan)?;
        let shape = IxDyn(output.shape());
        let failures = stack::invert(&call, input, output, verdicts)?;
        match self.plan.on_failure {
            OnFailure::Fail => stack::failure(layout::square(shape.slice())?.0, failures),
            _ => Ok(()),
        }
    }

    fn call<'a, T: Scalar>(&'a self, plan: &'a Plan) -> Result<Call<'a, T>> {
        self.check_options()?;
        // A call remembers for itself that it was cancelled.
        let plan =
            if plan.cancel.is_possible() { Cow::Owned(plan.clone()) } else { Cow::Borrowed(plan) };
        plan.cancel.check()?;
        let pool = workspace::pool::<T>(&self.pools);
        // The library is tested before several of its threads may be at work.
        let many = self.blas_threads > 1 && engine::has_sound_lapack();
        let blas_threads = if many { self.blas_threads } else { 1 };
        Ok(Call { plan, pool, workers: self.workers()?, blas_threads })
    }

    fn check_options(&self) -> Result<()> {
        let invalid =
            |option, value, expected| Err(Error::InvalidOption { option, value, expected });
        match self.plan.min_rcond {
            Some(limit) if !(0.0..=1.0).contains(&limit) => {
                return invalid("min_rcond", limit, "between 0 and 1");
            }
            _ => {}
        }
        if self.threads == Some(0) {
            return invalid("threads", 0.0, "at least 1");
        }
        if self.blas_threads == 0 {
            return invalid("blas_threads", 0.0, "at least 1");
        }
        if self.plan.engine == Engine::Lapack && !engine::has_sound_lapack() {
            return Err(blas::names().map_or(Error::NoLapack, |[config, core]| {
                // Name and version; build options follow.
                let mut words = config.split_whitespace();
                let library = words.by_ref().take(2).collect::<Vec<_>>().join(" ");
                Error::UnsoundLapack { library, core }
            }));
        }
        Ok(())
    }

    /// Those that `threads` asks for; a pool is made on first use.
    fn workers(&self) -> Result<Workers<'_>> {
        let threads = match self.threads {
            None => return Workers::by_default(),
            Some(1) => return Ok(Workers::Caller),
            Some(threads) => threads,
        };
        if let Some(pool) = self.workers.get() {
            return Ok(Workers::Own(pool));
        }
        let pool = workers::start(threads)?;
        Ok(Workers::Own(self.workers.get_or_init(|| Arc::new(pool))))
    }
}

/// # Errors
///
/// [`Error::ShapeMismatch`].
fn same_shape(expected: &[usize], found: &[usize]) -> Result<()> {
    if expected == found {
        return Ok(());
    }
    Err(Error::ShapeMismatch { expected: expected.to_vec(), found: found.to_vec() })
}

/// Verdicts in index order, in the shape of the leading axes.
fn shaped<T: Scalar, L: Dimension>(
    leading: &[usize],
    verdicts: Vec<Option<Verdict<T>>>,
) -> Array<Verdict<T>, L> {
    let verdicts = verdicts.into_iter().map(|v| v.expect("each matrix got one")).collect();
    Array::from_shape_vec(IxDyn(leading), verdicts)
        .and_then(Array::into_dimensionality)
        .expect("there is one verdict per matrix, and the leading axes are two fewer")
}
