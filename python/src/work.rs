//! A call at work: without the interpreter, in pieces between which Python may interrupt; and while the
//! work goes on, where one matrix takes longer than a signal should wait.

use crate::errors::{self, IllConditioned};
use crate::options::Options;
use crate::process;
use matinv::ndarray::{ArrayView, ArrayViewMut, Axis, IxDyn, Slice};
use matinv::{Error, Failure, Inverter, OnFailure, Scalar, Verdict};
use pyo3::prelude::*;
use std::panic::resume_unwind;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

/// The longest that a signal, such as Ctrl-C, should wait.
const PIECE: Duration = Duration::from_millis(40);

/// Work that is worth letting other Python threads run.
const DETACH_NS: f64 = 10_000.0;

/// Work that is worth waking other threads of ours.
const SPREAD_NS: f64 = 150_000.0;

/// A matrix that is worth a thread of its own, for the calling one to look at signals meanwhile.
const WATCH_NS: f64 = 50_000_000.0;

/// A rough estimate of what a matrix costs, for cutting the work and nothing else.
fn cost_ns<T: Scalar>(n: usize, policy: OnFailure) -> f64 {
    let n = n as f64;
    let operations = 2.0 * n * n * n * if T::COMPLEX { 4.0 } else { 1.0 };
    let inverse = 2.0 + n * 10.0 + operations / 10.0;
    // All may be singular, and a singular value decomposition takes that much longer.
    if policy == OnFailure::PseudoInverse { 40.0 * inverse } else { inverse }
}

/// A piece of the work, and where in the stack it lies.
pub(crate) struct Piece<'a, T> {
    /// `None`: the output holds the matrices.
    pub(crate) input: Option<ArrayView<'a, T, IxDyn>>,
    pub(crate) output: ArrayViewMut<'a, T, IxDyn>,
    /// Where the leading axes were cut: what to add to the first indices of a matrix of the piece.
    place: Vec<usize>,
}

impl<T> Piece<'_, T> {
    /// The index in the whole stack of a matrix with this index in the piece.
    fn index(&self, inside: &[usize]) -> Vec<usize> {
        // All axes of the place but the last were taken away; the last one was cut.
        let Some((first, taken)) = self.place.split_last() else { return inside.to_vec() };
        let mut index = taken.to_vec();
        index.extend_from_slice(inside);
        index[taken.len()] += first;
        index
    }
}

/// Who works, and how fast it goes.
struct Pace<'a> {
    options: &'a Options,
    cost_ns: f64,
    /// Whether several threads work on a single matrix.
    shares_one: bool,
    /// Matrices that make a piece.
    room: usize,
    /// What ends the work on a matrix, if that takes so long that it may have to be ended.
    stop: Option<&'a AtomicBool>,
}

impl Pace<'_> {
    /// Does a piece, and learns from the time it took.
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // a positive factor
    fn work<R: Send>(
        &mut self,
        py: Python<'_>,
        count: usize,
        work: impl FnOnce(Crew) -> R + Send,
    ) -> PyResult<R> {
        let estimate = self.cost_ns * count as f64;
        if estimate < DETACH_NS {
            return Ok(work(Crew::Caller));
        }
        let worth = if count > 1 { estimate > SPREAD_NS } else { self.shares_one };
        let pool = if worth { process::pool(self.options.threads)? } else { None };
        let start = Instant::now();
        let work = || match pool {
            Some(pool) => pool.install(|| work(Crew::Pool)),
            None => work(Crew::Caller),
        };
        let done = py.detach(|| match self.stop {
            Some(stop) => watched(stop, work),
            None => Ok(work()),
        })?;
        let factor = PIECE.as_secs_f64() / start.elapsed().as_secs_f64().max(1e-6);
        self.room = (count as f64 * factor.min(4.0)).max(1.0) as usize;
        Ok(done)
    }
}

/// Does the work on a thread of its own, while this one looks whether Python is to be interrupted. If so
/// the work is stopped, and waited for: it is in arrays of the caller's.
///
/// # Errors
///
/// What the handler of a signal has raised.
fn watched<R: Send>(stop: &AtomicBool, work: impl FnOnce() -> R + Send) -> PyResult<R> {
    let work = Mutex::new(Some(work));
    let take = || work.lock().unwrap_or_else(PoisonError::into_inner).take();
    let (is_done, done) = mpsc::channel::<()>();
    let on_thread = || {
        // Dropped when the work is done, also while unwinding.
        let _is_done = is_done;
        take().map(|work| work())
    };
    thread::scope(|scope| {
        let builder = thread::Builder::new().name(String::from("matinv-work"));
        let Ok(worker) = builder.spawn_scoped(scope, on_thread) else {
            // The system refuses threads: then nobody looks.
            return Ok(take().map(|work| work()));
        };
        let mut raised = Ok(());
        while let Err(RecvTimeoutError::Timeout) = done.recv_timeout(PIECE) {
            #[allow(clippy::redundant_closure_for_method_calls)] // for every lifetime
            let looked = Python::attach(|py| py.check_signals());
            raised = looked;
            if raised.is_err() {
                stop.store(true, Ordering::Relaxed);
                break;
            }
        }
        let result = worker.join().unwrap_or_else(|panic| resume_unwind(panic));
        raised.map(|()| result)
    })
    .map(|result| result.expect("the work is taken once, by whom it is done"))
}

/// Cuts the work and visits the pieces in index order.
fn each_piece<T: Scalar>(
    py: Python<'_>,
    pace: &mut Pace<'_>,
    piece: Piece<'_, T>,
    visit: &mut impl FnMut(&mut Pace<'_>, Piece<'_, T>, usize) -> PyResult<()>,
) -> PyResult<()> {
    let Piece { input, mut output, mut place } = piece;
    let leading = &output.shape()[..output.ndim() - 2];
    let count: usize = leading.iter().product();
    if count <= pace.room || leading.is_empty() {
        return visit(pace, Piece { input, output, place }, count);
    }
    let len = leading[0];
    let each = count / len;
    let mut at = 0;
    place.push(0);
    while at < len {
        if at > 0 {
            py.check_signals()?;
        }
        let depth = place.len() - 1;
        place[depth] = at;
        if each > pace.room {
            let input = input.as_ref().map(|input| input.index_axis(Axis(0), at));
            let output = output.index_axis_mut(Axis(0), at);
            each_piece(py, pace, Piece { input, output, place: place.clone() }, visit)?;
            at += 1;
        } else {
            let end = len.min(at + pace.room / each);
            let cut = Slice::from(at..end);
            let input = input.as_ref().map(|input| input.slice_axis(Axis(0), cut));
            let output = output.slice_axis_mut(Axis(0), cut);
            visit(pace, Piece { input, output, place: place.clone() }, (end - at) * each)?;
            at = end;
        }
    }
    Ok(())
}

/// The whole work, in pieces.
fn in_pieces<T: Scalar>(
    py: Python<'_>,
    options: &Options,
    inverters: &Inverters,
    input: Option<ArrayView<'_, T, IxDyn>>,
    output: ArrayViewMut<'_, T, IxDyn>,
    mut visit: impl FnMut(&mut Pace<'_>, Piece<'_, T>, usize) -> PyResult<()>,
) -> PyResult<()> {
    let n = output.len_of(Axis(output.ndim() - 1));
    let cost_ns = cost_ns::<T>(n, options.policy);
    let stop = inverters.stop.as_deref();
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // positive; saturates
    let room = (PIECE.as_secs_f64() * 1e9 / cost_ns).max(1.0) as usize;
    let mut pace =
        Pace { options, cost_ns, shares_one: inverters.pool.shares_one::<T>(n), room, stop };
    each_piece(py, &mut pace, Piece { input, output, place: Vec::new() }, &mut visit)
}

/// Who does a piece.
#[derive(Clone, Copy)]
enum Crew {
    /// The calling thread.
    Caller,
    /// The pool in which the work was started.
    Pool,
}

/// The inverters of a call. What is left to its own devices would start rayon's global pool, which has no
/// threads in a forked child.
struct Inverters {
    caller: Inverter,
    pool: Inverter,
    /// What ends their work, if one of the matrices may have to be ended.
    stop: Option<Arc<AtomicBool>>,
}

impl Inverters {
    /// For matrices like those of `output`.
    fn new<T: Scalar>(
        mut pool: Inverter,
        options: &Options,
        output: &ArrayViewMut<'_, T, IxDyn>,
    ) -> Self {
        let n = output.len_of(Axis(output.ndim() - 1));
        let is_long = cost_ns::<T>(n, options.policy) > WATCH_NS;
        let stop = is_long.then(Arc::<AtomicBool>::default);
        if let Some(stop) = &stop {
            pool = pool.cancel(Arc::clone(stop));
        }
        Inverters { caller: pool.clone().threads(1), pool, stop }
    }

    fn of(&self, crew: Crew) -> &Inverter {
        match crew {
            Crew::Caller => &self.caller,
            Crew::Pool => &self.pool,
        }
    }
}

/// What became of the matrices, beside the inverses.
#[derive(Default)]
pub(crate) struct Outcome {
    /// Under the policy `raise`, the matrices that failed.
    pub(crate) failures: Vec<Failure>,
    pub(crate) ill_conditioned: IllConditioned,
}

/// Inverts `input` into `output`, or `output` in its place (not under policies that need the original).
///
/// # Errors
///
/// What ends the call as a whole, and interruption.
pub(crate) fn invert<T: Scalar>(
    py: Python<'_>,
    options: &Options,
    input: Option<ArrayView<'_, T, IxDyn>>,
    output: ArrayViewMut<'_, T, IxDyn>,
) -> PyResult<Outcome> {
    if let (OnFailure::PseudoInverse, Some(input)) = (options.policy, input.as_ref()) {
        return report(py, options, input.view(), output, |_| {});
    }
    let mut outcome = Outcome::default();
    // Without a limit from the user, those below this one are inverted, and a warning is given.
    let limit = options.min_rcond.unwrap_or(2.0 * T::UNIT_ROUNDOFF);
    let inverters = Inverters::new(options.inverter().min_rcond(limit), options, &output);
    in_pieces(py, options, &inverters, input, output, |pace, mut piece, count| {
        let failures = pace.work(py, count, |crew| {
            let inverter = inverters.of(crew);
            let Piece { input, output, .. } = &mut piece;
            of_matrices(match input {
                Some(input) => inverter.inv_into(input, output),
                None => inverter.inv_inplace(output),
            })
        })?;
        for failure in failures.map_err(|error| errors::of_call(&error))? {
            settle(options, &mut piece, failure, &mut outcome);
        }
        Ok(())
    })?;
    Ok(outcome)
}

/// The failures of matrices that a call ended with.
///
/// # Errors
///
/// What failed as a whole.
fn of_matrices(result: Result<(), Error>) -> Result<Vec<Failure>, Error> {
    match result {
        Ok(()) => Ok(Vec::new()),
        Err(Error::InStack { failures }) => Ok(failures),
        Err(error) if errors::is_of_matrix(&error) => {
            Ok(vec![Failure { index: Vec::new(), error }])
        }
        Err(error) => Err(error),
    }
}

/// Does with a matrix that failed what the policy asks for.
fn settle<T: Scalar>(
    options: &Options,
    piece: &mut Piece<'_, T>,
    failure: Failure,
    outcome: &mut Outcome,
) {
    let Failure { index, mut error } = failure;
    let whole_index = piece.index(&index);
    let mut x = piece.output.view_mut();
    for &i in &index {
        x.index_axis_inplace(Axis(0), i);
    }
    if let (Error::IllConditioned { rcond, .. }, None) = (&error, options.min_rcond) {
        // All are looked at first: to walk with indices takes several times as long as an inversion.
        let finite = !options.check_finite || x.iter().all(|value| value.is_finite());
        let bad =
            if finite { None } else { x.indexed_iter().find(|(_, value)| !value.is_finite()) };
        let Some((at, _)) = bad else {
            // What the user lets through unchecked is no reason to warn.
            if options.check_finite || !rcond.is_nan() {
                outcome.ill_conditioned.note(*rcond, whole_index);
            }
            return;
        };
        error = Error::Overflow { row: at[0], col: at[1] };
    }
    let original = piece.input.as_ref().map(|input| {
        index.iter().fold(input.view(), |input, &i| input.index_axis_move(Axis(0), i))
    });
    match (options.policy, original) {
        (OnFailure::Keep, Some(original)) => x.assign(&original),
        (OnFailure::FillNan | OnFailure::Keep, _) => x.fill(T::nan()),
        (_, _) => outcome.failures.push(Failure { index: whole_index, error }),
    }
}

/// Inverts `input` into `output`, and tells `note` the verdict on every matrix, in index order.
///
/// # Errors
///
/// As [`invert`].
pub(crate) fn report<T: Scalar>(
    py: Python<'_>,
    options: &Options,
    input: ArrayView<'_, T, IxDyn>,
    output: ArrayViewMut<'_, T, IxDyn>,
    mut note: impl FnMut(&Verdict<T>),
) -> PyResult<Outcome> {
    let mut outcome = Outcome::default();
    let mut inverter = options.inverter().on_failure(match options.policy {
        // The verdicts on all are wanted even then.
        OnFailure::Fail => OnFailure::FillNan,
        policy => policy,
    });
    if let Some(limit) = options.min_rcond {
        inverter = inverter.min_rcond(limit);
    }
    let inverters = Inverters::new(inverter, options, &output);
    in_pieces(py, options, &inverters, Some(input), output, |pace, mut piece, count| {
        let verdicts = pace.work(py, count, |crew| {
            let inverter = inverters.of(crew);
            let Piece { input, output, .. } = &mut piece;
            inverter.report_into(input.as_ref().expect("it was given above"), output)
        })?;
        let verdicts = verdicts.map_err(|error| errors::of_call(&error))?;
        for (index, verdict) in verdicts.indexed_iter() {
            note(verdict);
            let index = || piece.index(matinv::ndarray::Dimension::slice(&index));
            match &verdict.error {
                Some(error) if options.policy == OnFailure::Fail => {
                    outcome.failures.push(Failure { index: index(), error: error.clone() });
                }
                None if options.min_rcond.is_none() && verdict.rcond < 2.0 * T::UNIT_ROUNDOFF => {
                    outcome.ill_conditioned.note(verdict.rcond, index());
                }
                _ => {}
            }
        }
        Ok(())
    })?;
    Ok(outcome)
}
