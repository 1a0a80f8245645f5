//! Who works on the matrices of a call, and how many there are where nobody says.

use crate::error::{Error, Result};
use rayon::{ThreadPool, ThreadPoolBuilder};
use std::env;
use std::ffi::OsStr;
use std::sync::OnceLock;

/// The environment variable that says how many threads there are where no option does.
const VARIABLE: &str = "MATINV_NUM_THREADS";

/// More threads are a slip of the keyboard, and starting them would take for ever.
const MOST: usize = 1024;

/// How many threads calls use that are not told, and why; see [`default_threads`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum DefaultThreads {
    /// The environment variable `MATINV_NUM_THREADS` says so.
    Variable(usize),
    /// As many as can run at a time: one for every processor that this process may use, or as many as
    /// the CPU quota of its control groups pays for, rounded down, if that is less.
    Processors(usize),
}

impl DefaultThreads {
    /// The number, at least 1.
    pub fn count(self) -> usize {
        match self {
            DefaultThreads::Variable(count) | DefaultThreads::Processors(count) => count,
        }
    }
}

/// The number of threads for programs that have no number from their user.
///
/// The environment variable `MATINV_NUM_THREADS` is read once, by the first call that asks; where it is
/// empty, it counts as not set. With it set, calls without [`Inverter::threads`] run on a pool of that
/// many threads, which is started once and kept, or on the calling thread if it is 1. Without it, they
/// run on the current rayon pool, which has [`DefaultThreads::Processors`] threads unless the program
/// or `RAYON_NUM_THREADS` has it otherwise. A call from within a rayon pool always stays in that pool.
///
/// [`Inverter::threads`]: crate::Inverter::threads
///
/// # Errors
///
/// [`Error::InvalidVariable`]: the variable is not a whole number from 1 to 1024.
///
/// # Examples
///
/// ```
/// use matinv::{Inverter, default_threads};
///
/// let threads = default_threads()?.count();
/// let inverter = Inverter::new().threads(threads.min(4)); // no more than four
/// # Ok::<(), matinv::Error>(())
/// ```
pub fn default_threads() -> Result<DefaultThreads> {
    static PROCESSORS: OnceLock<usize> = OnceLock::new();
    let available = || std::thread::available_parallelism().map_or(1, usize::from);
    Ok(match of_variable()? {
        Some(count) => DefaultThreads::Variable(count),
        None => DefaultThreads::Processors(*PROCESSORS.get_or_init(available)),
    })
}

/// What the variable says, which is looked at once.
fn of_variable() -> Result<Option<usize>> {
    static READ: OnceLock<Result<Option<usize>>> = OnceLock::new();
    READ.get_or_init(|| parse(env::var_os(VARIABLE).as_deref())).clone()
}

fn parse(value: Option<&OsStr>) -> Result<Option<usize>> {
    let Some(value) = value else { return Ok(None) };
    let text = value.to_string_lossy();
    match text.trim() {
        "" => Ok(None),
        number => match number.parse() {
            Ok(count @ 1..=MOST) => Ok(Some(count)),
            _ => Err(Error::InvalidVariable {
                variable: VARIABLE,
                value: text.into_owned(),
                expected: "a whole number from 1 to 1024",
            }),
        },
    }
}

/// Who works on a stack.
#[derive(Clone, Copy)]
pub(crate) enum Workers<'a> {
    /// The calling thread alone.
    Caller,
    /// The current rayon pool.
    Current,
    /// This pool.
    Own(&'a ThreadPool),
    /// So many in a pool that all calls of this process share.
    OfProcess(usize),
}

impl Workers<'_> {
    /// Those who work where the call does not say.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidVariable`].
    pub(crate) fn by_default() -> Result<Self> {
        // Whoever calls from a pool has chosen it.
        if rayon::current_thread_index().is_some() {
            return Ok(Workers::Current);
        }
        Ok(match of_variable()? {
            None => Workers::Current,
            Some(1) => Workers::Caller,
            Some(threads) => Workers::OfProcess(threads),
        })
    }

    /// How many there are; starts them if need be.
    ///
    /// # Errors
    ///
    /// [`Error::Threads`], if the system refuses threads whose number the user has set.
    pub(crate) fn count(self) -> Result<usize> {
        Ok(match self {
            Workers::Caller => 1,
            Workers::Current if rayon::current_thread_index().is_none() && !global_pool() => 1,
            Workers::Current => rayon::current_num_threads(),
            Workers::Own(pool) => pool.current_num_threads(),
            Workers::OfProcess(threads) => pool_of_process(threads)?.current_num_threads(),
        })
    }

    /// Runs `work` where its tasks go to the workers, who have been counted.
    pub(crate) fn install<R: Send>(self, work: impl FnOnce() -> R + Send) -> R {
        match self.pool() {
            Some(pool) => pool.install(work),
            None => work(),
        }
    }

    /// Gives one of the workers, who have been counted, something to do, and does not wait for it.
    pub(crate) fn spawn(self, work: impl FnOnce() + Send + 'static) {
        match self.pool() {
            Some(pool) => pool.spawn(work),
            None => rayon::spawn(work),
        }
    }

    /// The pool, unless it is the current one.
    fn pool(&self) -> Option<&ThreadPool> {
        match *self {
            Workers::Caller | Workers::Current => None,
            Workers::Own(pool) => Some(pool),
            // It is there since somebody has counted.
            Workers::OfProcess(threads) => pool_of_process(threads).ok(),
        }
    }
}

/// Whether rayon's global pool is there, or could be started. Where the system refuses threads,
/// rayon itself would panic; the calling thread then does the work alone.
fn global_pool() -> bool {
    static STARTED: OnceLock<bool> = OnceLock::new();
    *STARTED.get_or_init(|| {
        use std::error::Error as _;
        match ThreadPoolBuilder::new().build_global() {
            Ok(()) => true,
            // Only the system's refusal has a source; that somebody has started it has none.
            Err(error) => error.source().is_none(),
        }
    })
}

/// A pool of so many threads.
///
/// # Errors
///
/// [`Error::Threads`], if the system refuses them.
pub(crate) fn start(threads: usize) -> Result<ThreadPool> {
    ThreadPoolBuilder::new()
        .num_threads(threads)
        .thread_name(|i| format!("matinv-{i}"))
        .build()
        .map_err(|error| Error::Threads { threads, reason: error.to_string() })
}

/// The pool that the variable asks for, started by the first call that has work for it.
///
/// A child that was forked has the memory of its parent, but none of its threads: it gets a pool of its
/// own.
fn pool_of_process(threads: usize) -> Result<&'static ThreadPool> {
    static FIRST: OnceLock<OfProcess> = OnceLock::new();
    struct OfProcess {
        process: u32,
        pool: OnceLock<ThreadPool>,
        of_child: OnceLock<Box<OfProcess>>,
    }
    let process = std::process::id();
    let new = || OfProcess { process, pool: OnceLock::new(), of_child: OnceLock::new() };
    let mut last = FIRST.get_or_init(new);
    while last.process != process {
        last = last.of_child.get_or_init(|| Box::new(new()));
    }
    if let Some(pool) = last.pool.get() {
        return Ok(pool);
    }
    // Of two that are started at once, one is not kept.
    let pool = start(threads)?;
    Ok(last.pool.get_or_init(|| pool))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_variable_is_a_whole_number() {
        let parsed = |text: &str| parse(Some(OsStr::new(text)));
        assert_eq!(parse(None), Ok(None));
        for (text, count) in
            [("", None), (" ", None), ("1", Some(1)), (" 12\n", Some(12)), ("1024", Some(MOST))]
        {
            assert_eq!(parsed(text), Ok(count), "{text:?}");
        }
        for text in ["0", "1025", "-1", "2.0", "two", "4 threads", "99999999999999999999999"] {
            let error = parsed(text).unwrap_err();
            let expected = "a whole number from 1 to 1024";
            let value = text.to_owned();
            assert_eq!(error, Error::InvalidVariable { variable: VARIABLE, value, expected });
            let words = error.to_string();
            assert!(words.contains(VARIABLE) && words.contains(text), "{words}");
        }
    }

    #[cfg(unix)]
    #[test]
    fn a_variable_that_is_no_text_is_refused_too() {
        use std::os::unix::ffi::OsStrExt;
        let refused = parse(Some(OsStr::from_bytes(b"\xff4")));
        assert!(matches!(refused, Err(Error::InvalidVariable { variable: VARIABLE, .. })));
    }

    #[test]
    fn the_pool_of_the_process_is_kept_and_has_the_work() {
        let workers = Workers::OfProcess(3);
        assert_eq!(workers.count(), Ok(3));
        let (a, b) = (pool_of_process(3).unwrap(), pool_of_process(3).unwrap());
        assert!(std::ptr::eq(a, b));
        let place = workers.install(|| {
            // In a pool, whatever the variable says.
            assert!(matches!(Workers::by_default(), Ok(Workers::Current)));
            (rayon::current_num_threads(), std::thread::current().name().map(str::to_owned))
        });
        assert_eq!(place.0, 3);
        assert!(place.1.unwrap().starts_with("matinv-"));
        let (send, receive) = std::sync::mpsc::channel();
        workers.spawn(move || send.send(rayon::current_num_threads()).unwrap());
        assert_eq!(receive.recv(), Ok(3));
    }
}
