//! Who may use how many threads: the guard around BLAS.
//!
//! OpenBLAS has one thread count for the whole process, and its threaded LAPACK overflows the
//! 2 MiB stacks that Rust threads get by default (`dgetrf_parallel` has large frames and
//! recurses). So every call into it happens under one of two regimes:
//!
//! - [`with_one`]: BLAS is held at one thread. Any number of callers share this regime; the first
//!   one in saves the user's setting, the last one out restores it.
//! - [`with_many`]: one caller at a time lets BLAS use several threads, on a thread that we make
//!   with a stack large enough. While others hold BLAS at one thread, it joins them instead.
//!   Callers of [`with_one`] wait for it to end.
//!
//! [`regimes`] keeps the two apart.

mod regimes;

use crate::blas::{self, Threading};
use regimes::{Blas, Entered, Guard, Regime};
use std::cell::RefCell;
use std::sync::{Mutex, MutexGuard, Once, OnceLock, PoisonError};

/// Stack of the thread on which a multi-threaded LAPACK call runs.
const STACK_BYTES: usize = 64 << 20;

/// The OpenBLAS that this program is linked with.
struct OpenBlas;

impl Blas for OpenBlas {
    fn threads(&self) -> usize {
        blas::threads()
    }

    fn set_threads(&self, threads: usize) {
        blas::set_threads(threads);
    }

    fn is_per_thread(&self) -> bool {
        blas::threading() == Threading::OpenMp
    }
}

/// The guard of this process.
///
/// A child that was forked starts with the memory of its parent, but with the forking thread alone:
/// what other threads held at that moment would be held for ever. So a child gets a guard of its
/// own.
fn guard() -> &'static Guard<OpenBlas> {
    static FIRST: OnceLock<OfProcess> = OnceLock::new();
    struct OfProcess {
        process: u32,
        guard: Guard<OpenBlas>,
        of_child: OnceLock<Box<OfProcess>>,
    }
    let process = std::process::id();
    let new = || OfProcess { process, guard: Guard::new(OpenBlas), of_child: OnceLock::new() };
    let mut last = FIRST.get_or_init(new);
    // A chain of children ends with the youngest, which is the one that asks.
    while last.process != process {
        last = last.of_child.get_or_init(|| Box::new(new()));
    }
    &last.guard
}

thread_local! {
    /// What this thread holds while it forks.
    static FORKING: RefCell<Option<MutexGuard<'static, Regime>>> = const { RefCell::new(None) };
}

/// Waits for a call at several threads of BLAS to end, and keeps the next one from beginning:
/// OpenBLAS ends its threads before a fork, and the call would wait for them for ever.
extern "C" fn before_fork() {
    let settled = guard().settled();
    // A thread that has no such memory any more is about to end, and forks without.
    let _ = FORKING.try_with(|forking| forking.replace(Some(settled)));
}

extern "C" fn after_fork() {
    let _ = FORKING.try_with(RefCell::take);
}

/// Makes [`before_fork`] known, once, after OpenBLAS has registered what it does.
fn watch_forks() {
    static WATCHED: Once = Once::new();
    WATCHED.call_once(|| blas::around_forks(before_fork, after_fork));
}

/// Runs `work` with BLAS at one thread, on the calling thread.
///
/// On the threads that `work` hands parts to, [`on_worker`] has to be called around each part.
pub(crate) fn with_one<R>(work: impl FnOnce() -> R) -> R {
    let _one = guard().enter_one();
    work()
}

/// Runs a part of a [`with_one`] on a worker thread.
///
/// Only OpenMP builds of OpenBLAS need it: they keep the thread count per calling thread.
pub(crate) fn on_worker<R>(work: impl FnOnce() -> R) -> R {
    if OpenBlas.is_per_thread() { with_one(work) } else { work() }
}

/// Runs `work` with BLAS at `threads` threads, on a thread with a stack that is large enough.
///
/// While others hold BLAS at one thread, or when no such thread can be started, `work` runs with
/// one thread instead.
pub(crate) fn with_many<R: Send>(threads: usize, work: impl FnOnce() -> R + Send) -> R {
    if threads <= 1 {
        return with_one(work);
    }
    watch_forks();
    let many = match guard().enter_many() {
        Entered::Many(many) => many,
        Entered::One(_one) => return work(),
    };
    // The work is handed over through this cell, so that it is still here if no thread starts.
    let cell = Mutex::new(Some(work));
    let take = || cell.lock().unwrap_or_else(PoisonError::into_inner).take();
    let started = std::thread::scope(|scope| {
        let builder =
            std::thread::Builder::new().name(String::from("matinv-lapack")).stack_size(STACK_BYTES);
        let run = || {
            OpenBlas.set_threads(threads);
            take().map(|work| work())
        };
        builder.spawn_scoped(scope, run).ok().map(|thread| match thread.join() {
            Ok(result) => result.expect("nobody else takes the work"),
            Err(panic) => std::panic::resume_unwind(panic),
        })
    });
    drop(many);
    match started {
        Some(result) => result,
        None => with_one(take().expect("no thread started, so nobody took the work")),
    }
}

/// The number of threads that BLAS would use if left alone.
pub(crate) fn users_setting() -> usize {
    guard().users_setting()
}

#[cfg(all(test, feature = "openblas"))]
mod tests {
    use super::*;

    /// The tests share the process's one BLAS: they take turns.
    static TURN: Mutex<()> = Mutex::new(());

    /// Does something while nobody is in either regime, and nobody can enter: other tests may be, too.
    fn while_idle<R>(work: impl FnOnce() -> R) -> R {
        loop {
            let regime = guard().settled();
            if *regime == Regime::Idle {
                return work();
            }
            drop(regime);
            std::thread::yield_now();
        }
    }

    #[test]
    fn the_users_setting_comes_back_after_nested_and_concurrent_calls() {
        let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
        while_idle(|| blas::set_threads(2));
        // With OpenMP there is no telling: BLAS answers what any thread has set last.
        let held = || assert!(OpenBlas.is_per_thread() || blas::threads() == 1);
        std::thread::scope(|scope| {
            for _ in 0..64 {
                scope.spawn(|| {
                    for _ in 0..100 {
                        with_one(|| {
                            held();
                            with_one(held);
                            with_many(2, held);
                        });
                        with_many(2, || assert_eq!(users_setting(), 2));
                    }
                });
            }
        });
        assert_eq!(while_idle(blas::threads), 2);
    }

    #[test]
    fn the_users_setting_comes_back_after_a_panic() {
        let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
        while_idle(|| blas::set_threads(2));
        let one = std::panic::catch_unwind(|| with_one(|| panic!("one")));
        let many = std::panic::catch_unwind(|| with_many(2, || panic!("many")));
        assert!(one.is_err() && many.is_err());
        assert_eq!(while_idle(blas::threads), 2);
    }
}
