//! Every matrix of an array, of any number of axes, or of a list, in parallel.
//!
//! A stack is halved along its leading axes until a run is no longer than a task is worth
//! ([`schedule`] says how long), and rayon's work stealing evens out. Nothing of the result depends
//! on where the cuts are, so the same input gives the same bits for any number of threads.

use crate::blas::guard;
use crate::call::output::Output;
use crate::call::schedule::{Schedule, is_shared_by, schedule};
use crate::call::workers::Workers;
use crate::engine::{Engine, MAX_ORDER, Method};
use crate::error::{Error, Failure, Result};
use crate::layout;
use crate::matrix::events::Plan;
use crate::matrix::watched::Watched;
use crate::matrix::{batch, one};
use crate::structure::Structure;
use crate::verdict::{Status, Verdict};
use crate::workspace::{Pool, Slot, Workspace};
use matinv_kernels::cpus::DistinctCpus;
use matinv_kernels::memory::lock;
use matinv_kernels::team::Crew;
use matinv_kernels::{Element, MAX_LANES, Scalar};
use ndarray::{
    ArrayView, ArrayView2, ArrayView3, ArrayViewMut, ArrayViewMut2, ArrayViewMut3, Axis, Ix2, Ix3,
    IxDyn,
};
use std::borrow::Cow;
use std::sync::{Arc, Mutex, PoisonError};

/// Bytes of inverses from which on small ones are written past the cache: they would have left it
/// before anybody reads them.
const STREAMED: usize = 16 << 20;

/// What the caller's options come to, for one call.
pub(crate) struct Call<'a, T: Scalar> {
    pub(crate) plan: Cow<'a, Plan>,
    pub(crate) pool: &'a Pool<T>,
    pub(crate) workers: Workers<'a>,
    /// Threads that LAPACK may use inside a matrix.
    pub(crate) blas_threads: usize,
}

/// By what matrices of order `n` are inverted.
fn method_for<T: Scalar>(plan: &Plan, n: usize) -> Method {
    match plan.structure {
        _ if batch::takes::<T>(plan, n) => Method::Interleaved,
        Structure::Auto | Structure::General => match plan.engine.for_general::<T>(n) {
            Method::Interleaved => Method::Lapack,
            by => by,
        },
        Structure::PositiveDefinite | Structure::UpperTriangular | Structure::LowerTriangular
            // Small ones are not shared, whoever inverts them.
            if n > matinv_kernels::MAX_ORDER && plan.engine.for_triangles(n) == Engine::Native =>
        {
            Method::Blocked
        }
        _ => Method::Lapack,
    }
}

/// Whether workers share one matrix of order `n`.
pub(crate) fn is_shared<T: Scalar>(plan: &Plan, n: usize) -> bool {
    is_shared_by::<T>(n, plan.structure, method_for::<T>(plan, n))
}

impl<T: Scalar> Call<'_, T> {
    /// How `count` matrices of order `n` are inverted.
    ///
    /// # Errors
    ///
    /// [`Error::Threads`], where workers are of use and are refused.
    pub(crate) fn schedule(&self, n: usize, count: usize) -> Result<Schedule> {
        let Call { ref plan, workers, blas_threads, .. } = *self;
        let by = method_for::<T>(plan, n);
        let mut refused = None;
        let workers = || {
            workers.count().unwrap_or_else(|error| {
                refused = Some(error);
                1
            })
        };
        let schedule = schedule::<T>(n, plan.structure, by, count, blas_threads, workers);
        refused.map_or(Ok(schedule), Err)
    }

    /// Calls `work` with a workspace whose matrices have all threads for each: the calling one, and
    /// those of the workers that have nothing else to do.
    pub(crate) fn together(&self, threads: usize, work: impl FnOnce(&mut Workspace<T>)) {
        let crew = Arc::new(Crew::new(threads));
        for thread in 1..threads {
            let crew = Arc::clone(&crew);
            // Nobody waits for those that come too late.
            self.workers.spawn(move || crew.help(thread));
        }
        let _end = crew.end_of_work();
        let mut slot = Slot::borrow(self.pool);
        let workspace = slot.workspace();
        workspace.kept.crew = Some(Arc::clone(&crew));
        work(workspace);
        workspace.kept.crew = None;
    }
}

/// A run of matrices: views of equal leading axes, and where their verdicts go.
struct Run<'a, A: Element> {
    input: Option<ArrayView<'a, A, IxDyn>>,
    output: Output<'a, A::Scalar>,
    verdicts: Option<&'a mut [Option<Verdict<A::Scalar>>]>,
    /// Position, in index order, of the first one.
    first: usize,
    count: usize,
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
/// Those of the shape; [`Error::TooLarge`], [`Error::OutOfMemory`], [`Error::Cancelled`]. Failures of matrices are
/// returned, in index order: it is the caller who knows the policy.
pub(crate) fn invert<'a, A: Element>(
    call: &Call<'_, A::Scalar>,
    input: Option<ArrayView<'a, A, IxDyn>>,
    output: Output<'a, A::Scalar>,
    verdicts: Option<&'a mut [Option<Verdict<A::Scalar>>]>,
) -> Result<Vec<(usize, Error)>> {
    let (leading, n) = leading_and_order(output.shape())?;
    let count: usize = leading.iter().product();
    // An array of order 0 owns no memory, whatever its leading axes say.
    if count == 0 || (n == 0 && verdicts.is_none()) {
        return Ok(Vec::new());
    }
    let failures = Failures::default();
    let run = Run { input, output, verdicts, first: 0, count };
    let stream = run.output.shape().iter().product::<usize>() >= STREAMED / size_of::<A::Scalar>();
    let in_turn = |run: Run<'_, A>| {
        let mut slot = Slot::borrow(call.pool);
        run.in_pieces(&mut |run| run.invert_all(&call.plan, slot.workspace(), stream, &failures));
    };
    match call.schedule(n, count)? {
        Schedule::InTurn => guard::with_one(|| in_turn(run)),
        Schedule::Blas { threads } => guard::with_many(threads, || in_turn(run)),
        Schedule::Together { threads } => {
            guard::with_one(|| {
                call.together(threads, |workspace| {
                    run.invert_all(&call.plan, workspace, false, &failures);
                });
            });
        }
        Schedule::Spread { grain } => guard::with_one(|| {
            // They have been counted for the schedule.
            let apart = DistinctCpus::new(call.workers.count().unwrap_or(1));
            let work = |run: Run<'_, A>| {
                apart.go_on(rayon::current_thread_index().unwrap_or(0));
                guard::on_worker(|| in_turn(run));
            };
            call.workers.install(|| halve(run, grain, &work));
        }),
    }
    failures.in_order()
}

/// Cuts a run in two until no part is longer than `grain`, and does the parts in parallel.
fn halve<A: Element>(run: Run<'_, A>, grain: usize, work: &(impl Fn(Run<'_, A>) + Sync)) {
    if run.count > grain {
        let (left, right) = run.split();
        rayon::join(|| halve(left, grain, work), || halve(right, grain, work));
    } else {
        work(run);
    }
}

impl<A: Element> Run<'_, A> {
    /// Cuts the run in two along the first leading axis that is longer than 1.
    fn split(mut self) -> (Self, Self) {
        while self.output.shape()[0] == 1 {
            self.output = self.output.first();
            self.input = self.input.map(|input| input.index_axis_move(Axis(0), 0));
        }
        let len = self.output.shape()[0];
        // Where groups begin, so that both parts fill all lanes but in their last group.
        let half = if len < 2 * MAX_LANES { len / 2 } else { len / 2 / MAX_LANES * MAX_LANES };
        let (at, count) = (half, self.count / len * half);
        let (left, right) = self.output.split_at(at);
        let (left_input, right_input) = self.input.map(|input| input.split_at(Axis(0), at)).unzip();
        let (left_verdicts, right_verdicts) =
            self.verdicts.map(|verdicts| verdicts.split_at_mut(count)).unzip();
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

    /// Visits the run in turn, in pieces that are short enough for an output that is to be cleared.
    fn in_pieces(self, visit: &mut impl FnMut(Self)) {
        if self.count > 1 && self.output.is_long() {
            let (left, right) = self.split();
            left.in_pieces(visit);
            right.in_pieces(visit);
        } else {
            visit(self);
        }
    }

    /// Inverts the run on this thread: in groups where there is a kernel that takes them, else one
    /// matrix after the other.
    fn invert_all(
        self,
        plan: &Plan,
        workspace: &mut Workspace<A::Scalar>,
        stream: bool,
        failures: &Failures,
    ) {
        let Run { input, output, mut verdicts, first, .. } = self;
        // What was cleared is in the cache already.
        let stream = stream && matches!(output, Output::Written(_));
        let cleared = output.clear_by(&Watched::new(workspace.kept.team(), &plan.cancel));
        let Some(output) = cleared else {
            return failures.note::<A::Scalar>(first, Err(Error::Cancelled), None);
        };
        let all = verdicts.is_some();
        let mut note = |at: usize, verdict| {
            let room = verdicts.as_mut().map(|verdicts| &mut verdicts[at]);
            failures.note(first + at, verdict, room);
        };
        let n = output.len_of(Axis(output.ndim() - 1));
        if output.ndim() > 2 && batch::takes::<A::Scalar>(plan, n) {
            let mut at = 0;
            each_run(input, output, &mut |input, output| {
                let count = output.len_of(Axis(0));
                batch::invert(plan, workspace, input, output, all, stream, |i, verdict| {
                    note(at + i, verdict);
                });
                at += count;
            });
            return;
        }
        let mut at = 0;
        let mut one = |input: Option<ArrayView2<'_, A>>, output: ArrayViewMut2<'_, A::Scalar>| {
            let verdict = match input {
                Some(input) => one::into(plan, workspace, &input, output),
                None => one::in_place(plan, workspace, output),
            };
            note(at, verdict);
            at += 1;
        };
        each_matrix(input, output, &mut one);
    }
}

/// Visits the runs along the first axis of an array of at least three axes, and of an equally
/// shaped one beside it, in index order. Where both are stored without gaps, there is one run.
fn each_run<A, T>(
    input: Option<ArrayView<'_, A, IxDyn>>,
    mut output: ArrayViewMut<'_, T, IxDyn>,
    visit: &mut impl FnMut(Option<ArrayView3<'_, A>>, ArrayViewMut3<'_, T>),
) {
    const RULE: &str = "the number of axes was looked at";
    if output.ndim() == 3 {
        let input = input.map(|input| input.into_dimensionality::<Ix3>().expect(RULE));
        return visit(input, output.into_dimensionality::<Ix3>().expect(RULE));
    }
    let leading = output.ndim() - 2;
    let n = output.len_of(Axis(leading));
    let count = output.len() / (n * n);
    if input.as_ref().is_none_or(ndarray::ArrayBase::is_standard_layout)
        && output.is_standard_layout()
    {
        const RULE: &str = "the layout was looked at";
        let shape = (count, n, n);
        let input = input.map(|input| input.into_shape_with_order(shape).expect(RULE));
        return visit(input, output.into_shape_with_order(shape).expect(RULE));
    }
    for (i, part) in output.outer_iter_mut().enumerate() {
        let input = input.as_ref().map(|input| input.index_axis(Axis(0), i));
        each_run(input, part, visit);
    }
}

/// Visits the matrices of an array, and of an equally shaped one beside it, in index order.
fn each_matrix<A, T>(
    input: Option<ArrayView<'_, A, IxDyn>>,
    mut output: ArrayViewMut<'_, T, IxDyn>,
    visit: &mut impl FnMut(Option<ArrayView2<'_, A>>, ArrayViewMut2<'_, T>),
) {
    const RULE: &str = "the number of axes was looked at";
    match output.ndim() {
        2 => {
            let input = input.map(|input| input.into_dimensionality::<Ix2>().expect(RULE));
            visit(input, output.into_dimensionality::<Ix2>().expect(RULE));
        }
        // The usual stack, in dimensions that the compiler knows.
        3 => {
            let mut output = output.into_dimensionality::<Ix3>().expect(RULE);
            match input.map(|input| input.into_dimensionality::<Ix3>().expect(RULE)) {
                None => output.outer_iter_mut().for_each(|matrix| visit(None, matrix)),
                Some(input) => {
                    let pairs = input.outer_iter().zip(output.outer_iter_mut());
                    pairs.for_each(|(from, to)| visit(Some(from), to));
                }
            }
        }
        _ => {
            for (i, part) in output.outer_iter_mut().enumerate() {
                let input = input.as_ref().map(|input| input.index_axis(Axis(0), i));
                each_matrix(input, part, visit);
            }
        }
    }
}

/// Failures as they come in, from any thread.
#[derive(Default)]
struct Failures {
    of_matrices: Mutex<Vec<(usize, Error)>>,
    /// What ends the whole call: a workspace was refused, or it was cancelled.
    of_call: Mutex<Option<Error>>,
}

impl Failures {
    /// Notes what became of the matrix at a position, and its verdict where there is room.
    fn note<T: Scalar>(
        &self,
        position: usize,
        verdict: Result<Verdict<T>>,
        room: Option<&mut Option<Verdict<T>>>,
    ) {
        match verdict {
            Ok(verdict) => {
                if let (Status::Failed, Some(error)) = (verdict.status, &verdict.error) {
                    lock(&self.of_matrices).push((position, error.clone()));
                }
                if let Some(room) = room {
                    *room = Some(verdict);
                }
            }
            Err(error) => {
                lock(&self.of_call).get_or_insert(error);
            }
        }
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

/// The failures of an array as one error: plain for a matrix, with every index for a stack.
///
/// # Errors
///
/// If there are any.
pub(crate) fn failure(leading: &[usize], mut failures: Vec<(usize, Error)>) -> Result<()> {
    if failures.is_empty() {
        return Ok(());
    }
    if leading.is_empty() {
        return failures.pop().map_or(Ok(()), |(_, error)| Err(error));
    }
    let failures = failures
        .into_iter()
        .map(|(position, error)| Failure { index: layout::index_of(position, leading), error })
        .collect();
    Err(Error::InStack { failures })
}
