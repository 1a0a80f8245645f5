//! The threads of this process, and what becomes of them in a forked child.

use pyo3::exceptions::PyOSError;
use pyo3::prelude::*;
use rayon::{ThreadPool, ThreadPoolBuilder};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

/// How often this process, or one it descends from, was forked.
static FORKS: AtomicUsize = AtomicUsize::new(0);

/// The thread count that the user has set; 0 if none.
static THREADS: AtomicUsize = AtomicUsize::new(0);

/// Counts forks from now on.
#[cfg(unix)]
pub(crate) fn watch_forks() {
    extern "C" fn forked() {
        FORKS.fetch_add(1, Ordering::Relaxed);
    }
    // SAFETY: `forked` is a function of the type that is asked for, stays where it is (Python never
    // unloads a module), and does nothing that is forbidden in the child of a process of several threads:
    // it adds to an atomic. If there is no memory to register it, a child makes do with its one thread.
    unsafe { libc::pthread_atfork(None, None, Some(forked)) };
}

/// Counts forks from now on: there are none here.
#[cfg(not(unix))]
pub(crate) fn watch_forks() {}

/// The number of threads that calls use unless told otherwise.
pub(crate) fn threads() -> usize {
    static PROCESSORS: OnceLock<usize> = OnceLock::new();
    match THREADS.load(Ordering::Relaxed) {
        0 => *PROCESSORS
            .get_or_init(|| std::thread::available_parallelism().map_or(1, std::num::NonZero::get)),
        threads => threads,
    }
}

/// Sets [`threads`]; 0 means one for every processor.
pub(crate) fn set_threads(threads: usize) {
    THREADS.store(threads, Ordering::Relaxed);
}

/// Pools that are kept; a call with yet another number of threads lets the oldest one go.
const KEPT: usize = 4;

/// The pools of one process. A child inherits the memory of its parent but not its threads, so it
/// starts with none; those of the parent are left alone there, locks and all.
struct OfProcess {
    forks: usize,
    pools: Mutex<Vec<Arc<ThreadPool>>>,
    of_child: OnceLock<Box<OfProcess>>,
}

impl OfProcess {
    fn new(forks: usize) -> Self {
        OfProcess { forks, pools: Mutex::default(), of_child: OnceLock::new() }
    }
}

/// A pool of this many threads.
///
/// # Errors
///
/// `OSError`, if the system refuses them.
pub(crate) fn pool(threads: usize) -> PyResult<Arc<ThreadPool>> {
    static FIRST: OnceLock<OfProcess> = OnceLock::new();
    let forks = FORKS.load(Ordering::Relaxed);
    let mut last = FIRST.get_or_init(|| OfProcess::new(forks));
    while last.forks != forks {
        last = last.of_child.get_or_init(|| Box::new(OfProcess::new(forks)));
    }
    let mut pools = last.pools.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(pool) = pools.iter().find(|pool| pool.current_num_threads() == threads) {
        return Ok(Arc::clone(pool));
    }
    let pool = ThreadPoolBuilder::new()
        .num_threads(threads)
        .thread_name(|i| format!("matinv-{i}"))
        .build()
        .map_err(|error| {
            PyOSError::new_err(format!("{threads} threads could not be started: {error}"))
        })?;
    if pools.len() == KEPT {
        pools.remove(0);
    }
    let pool = Arc::new(pool);
    pools.push(Arc::clone(&pool));
    Ok(pool)
}
