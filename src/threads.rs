//! Who may use how many threads: the guard around BLAS.
//!
//! OpenBLAS has one thread count for the whole process, and its threaded LAPACK overflows the
//! 2 MiB stacks that Rust threads get by default (`dgetrf_parallel` has large frames and
//! recurses). So every call into it happens under one of two regimes:
//!
//! - [`with_one`]: BLAS is held at one thread. Any number of callers share this regime; the first
//!   one in saves the user's setting, the last one out restores it.
//! - [`with_many`]: one caller at a time lets BLAS use several threads, on a thread that we make
//!   with a stack large enough. It waits for no one: while others hold BLAS at one thread, it
//!   joins them instead. Callers of [`with_one`] wait for it to end.

use crate::lapack::blas::{self, Threading};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

/// Stack of the thread on which a multi-threaded LAPACK call runs.
const STACK_BYTES: usize = 64 << 20;

#[derive(Debug)]
enum Regime {
    /// No call of ours is under way; BLAS has the user's setting.
    Idle,
    /// `callers` hold BLAS at one thread.
    One { callers: usize, users_setting: usize },
    /// One caller lets BLAS use several threads.
    Many { users_setting: usize },
}

static REGIME: Mutex<Regime> = Mutex::new(Regime::Idle);
static MANY_ENDED: Condvar = Condvar::new();

fn regime() -> MutexGuard<'static, Regime> {
    // The state is written last in every critical section, so it is whole even if one panicked.
    REGIME.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Holds BLAS at one thread until dropped.
struct One {
    /// OpenMP keeps the thread count per calling thread: the caller's own setting.
    own_setting: Option<usize>,
}

impl One {
    fn enter(mut regime: MutexGuard<'static, Regime>) -> Self {
        while matches!(*regime, Regime::Many { .. }) {
            regime = MANY_ENDED.wait(regime).unwrap_or_else(PoisonError::into_inner);
        }
        let own_setting = (blas::threading() == Threading::OpenMp).then(|| {
            let own = blas::threads();
            blas::set_threads(1);
            own
        });
        *regime = match *regime {
            Regime::One { callers, users_setting } => {
                Regime::One { callers: callers + 1, users_setting }
            }
            Regime::Idle | Regime::Many { .. } => {
                let users_setting = own_setting.unwrap_or_else(blas::threads);
                if users_setting != 1 {
                    blas::set_threads(1);
                }
                Regime::One { callers: 1, users_setting }
            }
        };
        One { own_setting }
    }
}

impl Drop for One {
    fn drop(&mut self) {
        let mut regime = regime();
        if let Some(own) = self.own_setting {
            blas::set_threads(own);
        }
        *regime = match *regime {
            Regime::One { callers: 1, users_setting } => {
                if users_setting != 1 && self.own_setting.is_none() {
                    blas::set_threads(users_setting);
                }
                Regime::Idle
            }
            Regime::One { callers, users_setting } => {
                Regime::One { callers: callers - 1, users_setting }
            }
            Regime::Idle | Regime::Many { .. } => {
                unreachable!("this caller holds BLAS at one thread")
            }
        };
    }
}

/// Runs `work` with BLAS at one thread, on the calling thread.
///
/// On the threads that `work` hands parts to, [`on_worker`] has to be called around each part.
pub(crate) fn with_one<R>(work: impl FnOnce() -> R) -> R {
    let _one = One::enter(regime());
    work()
}

/// Runs a part of a [`with_one`] on a worker thread.
///
/// Only OpenMP builds of OpenBLAS need it: they keep the thread count per calling thread.
pub(crate) fn on_worker<R>(work: impl FnOnce() -> R) -> R {
    if blas::threading() == Threading::OpenMp { with_one(work) } else { work() }
}

/// Ends the regime of many threads when dropped, also while unwinding.
struct Many {
    users_setting: usize,
}

impl Drop for Many {
    fn drop(&mut self) {
        let mut regime = regime();
        blas::set_threads(self.users_setting);
        *regime = Regime::Idle;
        MANY_ENDED.notify_all();
    }
}

/// Runs `work` with BLAS at `threads` threads, on a thread with a stack that is large enough.
///
/// While others hold BLAS at one thread, or when no such thread can be started, `work` runs with
/// one thread instead.
pub(crate) fn with_many<R: Send>(threads: usize, work: impl FnOnce() -> R + Send) -> R {
    if threads <= 1 {
        return with_one(work);
    }
    let mut held = regime();
    while matches!(*held, Regime::Many { .. }) {
        held = MANY_ENDED.wait(held).unwrap_or_else(PoisonError::into_inner);
    }
    if matches!(*held, Regime::One { .. }) {
        let _one = One::enter(held);
        return work();
    }
    let users_setting = blas::threads();
    let many = Many { users_setting };
    *held = Regime::Many { users_setting };
    drop(held);

    // The work is handed over through this cell, so that it is still here if no thread starts.
    let cell = Mutex::new(Some(work));
    let take = || cell.lock().unwrap_or_else(PoisonError::into_inner).take();
    let started = std::thread::scope(|scope| {
        let builder =
            std::thread::Builder::new().name(String::from("matinv-lapack")).stack_size(STACK_BYTES);
        let run = || {
            blas::set_threads(threads);
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

/// The user's setting: the threads that BLAS uses when no call of ours is under way.
pub(crate) fn users_setting() -> usize {
    match *regime() {
        Regime::Idle => blas::threads(),
        Regime::One { users_setting, .. } | Regime::Many { users_setting } => users_setting,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What BLAS may use at this moment.
    fn blas_threads() -> usize {
        let _regime = regime();
        blas::threads()
    }

    /// The tests share the process's one BLAS: they take turns.
    static TURN: Mutex<()> = Mutex::new(());

    #[test]
    fn the_users_setting_comes_back_after_nested_and_concurrent_calls() {
        let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
        blas::set_threads(2);
        let before = blas_threads();
        std::thread::scope(|scope| {
            for _ in 0..16 {
                scope.spawn(|| {
                    for _ in 0..200 {
                        with_one(|| {
                            assert_eq!(blas_threads(), 1);
                            assert_eq!(users_setting(), before);
                            with_one(|| assert_eq!(blas_threads(), 1));
                            with_many(2, || assert_eq!(blas_threads(), 1));
                        });
                    }
                });
            }
        });
        assert_eq!(blas_threads(), before);
    }

    #[test]
    fn the_users_setting_comes_back_after_a_panic() {
        let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
        blas::set_threads(2);
        let before = blas_threads();
        let one = std::panic::catch_unwind(|| with_one(|| panic!("one")));
        let many = std::panic::catch_unwind(|| with_many(2, || panic!("many")));
        assert!(one.is_err() && many.is_err());
        assert_eq!(blas_threads(), before);
        assert!(matches!(*regime(), Regime::Idle));
    }
}
