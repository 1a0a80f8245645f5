//! Every matrix of an array, of any number of axes, in parallel.
//!
//! A stack is halved along its leading axes until few enough matrices are left to be worth a
//! task; each is then inverted with BLAS at one thread. Nothing of the result depends on where
//! the cuts are, so the same input gives the same bits for any number of threads.

use crate::element::{Element, Scalar};
use crate::engine::MAX_ORDER;
use crate::error::{Error, Failure, Result};
use crate::inverse::{Matrix, Plan, Workspace};
use crate::layout;
use crate::threads;
use crate::verdict::{Status, Verdict};
use ndarray::{ArrayView, ArrayViewMut, ArrayViewMut2, Axis, Ix2, IxDyn};
use std::sync::{Mutex, PoisonError};

/// Workspaces that outlive a call, for workers to borrow.
pub(crate) type Pool<T> = Mutex<Vec<Workspace<T>>>;

/// What the caller's options come to, for one call.
pub(crate) struct Call<'a, T: Scalar> {
    pub(crate) plan: &'a Plan,
    pub(crate) pool: &'a Pool<T>,
    pub(crate) workers: Workers<'a>,
    /// Threads that LAPACK may use inside a single matrix.
    pub(crate) blas_threads: usize,
}

/// Who inverts the matrices of a stack.
#[derive(Clone, Copy)]
pub(crate) enum Workers<'a> {
    /// The calling thread alone.
    Caller,
    /// The current rayon pool.
    Current,
    /// A pool of our own.
    Own(&'a rayon::ThreadPool),
}

/// A run of matrices: views of equal leading axes, and where their verdicts go.
struct Run<'a, A: Element> {
    input: Option<ArrayView<'a, A, IxDyn>>,
    output: ArrayViewMut<'a, A::Scalar, IxDyn>,
    verdicts: Option<&'a mut [Option<Verdict<A::Scalar>>]>,
    /// Position, in index order, of the first one.
    first: usize,
    count: usize,
}

/// The index, one per leading axis, of the matrix at a position in index order.
pub(crate) fn index_of(mut position: usize, leading: &[usize]) -> Vec<usize> {
    let mut index = vec![0; leading.len()];
    for (place, &len) in index.iter_mut().zip(leading).rev() {
        *place = position % len;
        position /= len;
    }
    index
}

/// The leading axes and the order of a shape, if there is an engine for that order.
///
/// # Errors
///
/// [`Error::NotMatrix`], [`Error::NotSquare`], [`Error::TooLarge`].
pub(crate) fn leading_and_order(shape: &[usize]) -> Result<(&[usize], usize)> {
    let (leading, n) = layout::square(shape)?;
    if n > MAX_ORDER {
        return Err(Error::TooLarge { order: n, max: MAX_ORDER });
    }
    Ok((leading, n))
}

/// Inverts every matrix of `input` into `output`, or of `output` in its place. The shapes are
/// equal. Verdicts are written where there is room for them, one per matrix.
///
/// # Errors
///
/// Those of the shape; [`Error::TooLarge`], [`Error::OutOfMemory`]. Failures of matrices are
/// returned, in index order: it is the caller who knows the policy.
pub(crate) fn invert<A: Element>(
    call: &Call<'_, A::Scalar>,
    input: Option<ArrayView<'_, A, IxDyn>>,
    output: ArrayViewMut<'_, A::Scalar, IxDyn>,
    verdicts: Option<&mut [Option<Verdict<A::Scalar>>]>,
) -> Result<Vec<(usize, Error)>> {
    let (leading, n) = leading_and_order(output.shape())?;
    let count: usize = leading.iter().product();
    let failures = Failures::default();
    let run = Run { input, output, verdicts, first: 0, count };
    match count {
        0 => {}
        1 => {
            let mut slot = Slot::borrow(call.pool);
            let failures = &failures;
            threads::with_many(call.blas_threads, move || {
                run.invert_all(call.plan, n, slot.workspace(), failures);
            });
        }
        _ => threads::with_one(|| {
            let halve = |grain| halve(call, run, n, grain, &failures);
            match call.workers {
                Workers::Caller => halve(count),
                Workers::Current => halve(grain(n)),
                Workers::Own(pool) => pool.install(|| halve(grain(n))),
            }
        }),
    }
    failures.in_order()
}

/// How many matrices of order `n` are worth a task of their own: some 50 µs of work.
fn grain(n: usize) -> usize {
    (200_000 / (n.saturating_pow(3).saturating_add(200))).max(1)
}

fn halve<A: Element>(
    call: &Call<'_, A::Scalar>,
    run: Run<'_, A>,
    n: usize,
    grain: usize,
    failures: &Failures,
) {
    if run.count > grain {
        let (left, right) = run.split();
        rayon::join(
            || halve(call, left, n, grain, failures),
            || halve(call, right, n, grain, failures),
        );
    } else {
        threads::on_worker(|| {
            let mut slot = Slot::borrow(call.pool);
            run.invert_all(call.plan, n, slot.workspace(), failures);
        });
    }
}

impl<'a, A: Element> Run<'a, A> {
    /// Cuts the run in two along the first leading axis that is longer than 1.
    fn split(mut self) -> (Self, Self) {
        while self.output.len_of(Axis(0)) == 1 {
            self.output = self.output.index_axis_move(Axis(0), 0);
            self.input = self.input.map(|input| input.index_axis_move(Axis(0), 0));
        }
        let len = self.output.len_of(Axis(0));
        let (at, count) = (len / 2, self.count / len * (len / 2));
        let (left, right) = self.output.split_at(Axis(0), at);
        let (left_input, right_input) = match self.input {
            Some(input) => {
                let (left, right) = input.split_at(Axis(0), at);
                (Some(left), Some(right))
            }
            None => (None, None),
        };
        let (left_verdicts, right_verdicts) = match self.verdicts {
            Some(verdicts) => {
                let (left, right) = verdicts.split_at_mut(count);
                (Some(left), Some(right))
            }
            None => (None, None),
        };
        let first = self.first;
        (
            Run { input: left_input, output: left, verdicts: left_verdicts, first, count },
            Run {
                input: right_input,
                output: right,
                verdicts: right_verdicts,
                first: first + count,
                count: self.count - count,
            },
        )
    }

    /// Inverts the run, one matrix after the other, on this thread.
    fn invert_all(
        self,
        plan: &Plan,
        n: usize,
        workspace: &mut Workspace<A::Scalar>,
        failures: &Failures,
    ) {
        if self.count > 1 {
            let (left, right) = self.split();
            left.invert_all(plan, n, workspace, failures);
            right.invert_all(plan, n, workspace, failures);
            return;
        }
        let output = single(self.output, |view, axis| view.index_axis_move(axis, 0));
        let output = output.into_dimensionality::<Ix2>().expect("two axes are left");
        let input = self.input.map(|input| {
            let input = single(input, |view, axis| view.index_axis_move(axis, 0));
            input.into_dimensionality::<Ix2>().expect("two axes are left")
        });
        let verdict = match input {
            Some(input) => into(plan, n, workspace, input, output),
            None => in_place(plan, n, workspace, output),
        };
        match verdict {
            Ok(verdict) => {
                if let (Status::Failed, Some(error)) = (verdict.status, &verdict.error) {
                    failures.push(self.first, error.clone());
                }
                if let Some([slot]) = self.verdicts {
                    *slot = Some(verdict);
                }
            }
            Err(error) => failures.refuse(error),
        }
    }
}

/// Drops leading axes, all of length 1, until two are left.
fn single<S, D>(
    mut view: ndarray::ArrayBase<S, IxDyn>,
    drop_axis: impl Fn(ndarray::ArrayBase<S, IxDyn>, Axis) -> ndarray::ArrayBase<S, IxDyn>,
) -> ndarray::ArrayBase<S, IxDyn>
where
    S: ndarray::RawData<Elem = D>,
{
    while view.ndim() > 2 {
        view = drop_axis(view, Axis(0));
    }
    view
}

/// Inverts a matrix into another array.
fn into<A: Element>(
    plan: &Plan,
    n: usize,
    workspace: &mut Workspace<A::Scalar>,
    input: ArrayView<'_, A, Ix2>,
    mut output: ArrayViewMut2<'_, A::Scalar>,
) -> Result<Verdict<A::Scalar>> {
    let (packed, _, kept) = workspace.split();
    if let Some((a, order)) = layout::gapless(&mut output) {
        layout::load(&input, a, order);
        return Ok(Matrix { plan, kept, n, a, order, original: Some(input) }.invert());
    }
    let order = layout::memory_order(output.strides());
    let a = take(packed, n)?;
    layout::load(&input, a, order);
    let verdict = Matrix { plan, kept, n, a, order, original: Some(input) }.invert();
    output.assign(&layout::view(n, a, order));
    Ok(verdict)
}

/// Inverts a matrix in its place.
fn in_place<T: Scalar>(
    plan: &Plan,
    n: usize,
    workspace: &mut Workspace<T>,
    mut matrix: ArrayViewMut2<'_, T>,
) -> Result<Verdict<T>> {
    let (packed, original, kept) = workspace.split();
    if let Some((a, order)) = layout::gapless(&mut matrix) {
        let original = if plan.needs_original(order) {
            let copy = take(original, n)?;
            copy.copy_from_slice(a);
            Some(layout::view(n, copy, order))
        } else {
            None
        };
        return Ok(Matrix { plan, kept, n, a, order, original }.invert());
    }
    // With gaps, the computation runs in a packed copy, and the original stays where it is.
    let order = layout::memory_order(matrix.strides());
    let a = take(packed, n)?;
    layout::load(&matrix.view(), a, order);
    let verdict = Matrix { plan, kept, n, a, order, original: Some(matrix.view()) }.invert();
    matrix.assign(&layout::view(n, a, order));
    Ok(verdict)
}

/// The first n² elements of a buffer that is made large enough.
fn take<T: Scalar>(buffer: &mut Vec<T>, n: usize) -> Result<&mut [T]> {
    let len = n * n;
    if buffer.len() < len {
        layout::reserve(buffer, len)?;
        buffer.resize(len, T::zero());
    }
    Ok(&mut buffer[..len])
}

/// Failures as they come in, from any thread.
#[derive(Default)]
struct Failures {
    of_matrices: Mutex<Vec<(usize, Error)>>,
    /// What ends the whole call: a workspace was refused.
    of_call: Mutex<Option<Error>>,
}

impl Failures {
    fn push(&self, position: usize, error: Error) {
        lock(&self.of_matrices).push((position, error));
    }

    fn refuse(&self, error: Error) {
        lock(&self.of_call).get_or_insert(error);
    }

    fn in_order(self) -> Result<Vec<(usize, Error)>> {
        if let Some(error) = lock(&self.of_call).take() {
            return Err(error);
        }
        let mut failures = self.of_matrices.into_inner().unwrap_or_else(PoisonError::into_inner);
        failures.sort_unstable_by_key(|&(position, _)| position);
        Ok(failures)
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    // Nothing is left half done under these locks.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A workspace borrowed from a pool; it goes back when dropped.
struct Slot<'a, T: Scalar> {
    pool: &'a Pool<T>,
    workspace: Option<Workspace<T>>,
}

impl<'a, T: Scalar> Slot<'a, T> {
    fn borrow(pool: &'a Pool<T>) -> Self {
        let workspace = lock(pool).pop().unwrap_or_default();
        Slot { pool, workspace: Some(workspace) }
    }

    fn workspace(&mut self) -> &mut Workspace<T> {
        self.workspace.get_or_insert_default()
    }
}

impl<T: Scalar> Drop for Slot<'_, T> {
    fn drop(&mut self) {
        if let Some(workspace) = self.workspace.take() {
            lock(self.pool).push(workspace);
        }
    }
}

/// The failures of an array as one error: plain for a matrix, with every index for a stack.
pub(crate) fn failure(leading: &[usize], mut failures: Vec<(usize, Error)>) -> Option<Error> {
    if leading.is_empty() {
        return failures.pop().map(|(_, error)| error);
    }
    if failures.is_empty() {
        return None;
    }
    let failures = failures
        .into_iter()
        .map(|(position, error)| Failure { index: index_of(position, leading), error })
        .collect();
    Some(Error::InStack { failures })
}
