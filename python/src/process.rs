//! The threads of this process, and what becomes of them in a forked child.

use crate::errors;
use matinv::{DefaultThreads, Error};
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

/// How many threads a call uses.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Threads {
    /// As many as somebody has asked for.
    Asked(usize),
    /// As many as there are processors; fewer will do.
    Processors(usize),
}

impl Threads {
    pub(crate) fn count(self) -> usize {
        match self {
            Threads::Asked(count) | Threads::Processors(count) => count,
        }
    }
}

/// The threads that calls use unless told otherwise.
///
/// # Errors
///
/// `ValueError`, if the environment variable for them means nothing and nothing was set.
pub(crate) fn threads() -> PyResult<Threads> {
    match THREADS.load(Ordering::Relaxed) {
        0 => match matinv::default_threads().map_err(|error| errors::of_call(&error))? {
            DefaultThreads::Processors(count) => Ok(Threads::Processors(count)),
            asked => Ok(Threads::Asked(asked.count())),
        },
        count => Ok(Threads::Asked(count)),
    }
}

/// Sets [`threads`], and returns what was set before; `None` leaves it to the environment variable and
/// the processors.
pub(crate) fn set_threads(threads: Option<usize>) -> Option<usize> {
    Some(THREADS.swap(threads.unwrap_or(0), Ordering::Relaxed)).filter(|&before| before > 0)
}

/// Pools that are kept; a call with yet another number of threads lets the oldest one go.
const KEPT: usize = 4;

/// The pools of one process. A child inherits the memory of its parent but not its threads, so it
/// starts with none; those of the parent are left alone there, locks and all.
struct OfProcess {
    forks: usize,
    pools: Mutex<Vec<Arc<ThreadPool>>>,
    /// The number of threads that nobody has asked for and the system has refused; 0 if none.
    refused: AtomicUsize,
    of_child: OnceLock<Box<OfProcess>>,
}

impl OfProcess {
    fn new(forks: usize) -> Self {
        OfProcess {
            forks,
            pools: Mutex::default(),
            refused: AtomicUsize::new(0),
            of_child: OnceLock::new(),
        }
    }
}

/// A pool of these threads; `None` for the calling thread, which does if it is one, and if the system
/// refuses them and nobody has asked for so many. It is not asked for them again.
///
/// # Errors
///
/// `OSError`, if the system refuses threads that were asked for.
pub(crate) fn pool(wanted: Threads) -> PyResult<Option<Arc<ThreadPool>>> {
    static FIRST: OnceLock<OfProcess> = OnceLock::new();
    let threads = wanted.count();
    if threads == 1 {
        return Ok(None);
    }
    let forks = FORKS.load(Ordering::Relaxed);
    let mut last = FIRST.get_or_init(|| OfProcess::new(forks));
    while last.forks != forks {
        last = last.of_child.get_or_init(|| Box::new(OfProcess::new(forks)));
    }
    let mut pools = last.pools.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(pool) = pools.iter().find(|pool| pool.current_num_threads() == threads) {
        return Ok(Some(Arc::clone(pool)));
    }
    let is_asked = matches!(wanted, Threads::Asked(_));
    if !is_asked && last.refused.load(Ordering::Relaxed) == threads {
        return Ok(None);
    }
    let pool = ThreadPoolBuilder::new()
        .num_threads(threads)
        .thread_name(|i| format!("matinv-{i}"))
        .build();
    let pool = match pool {
        Ok(pool) => Arc::new(pool),
        Err(error) if is_asked => {
            let reason = error.to_string();
            return Err(errors::of_call(&Error::Threads { threads, reason }));
        }
        Err(_) => {
            last.refused.store(threads, Ordering::Relaxed);
            return Ok(None);
        }
    };
    if pools.len() == KEPT {
        pools.remove(0);
    }
    pools.push(Arc::clone(&pool));
    Ok(Some(pool))
}
