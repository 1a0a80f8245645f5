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
//! The guard is tested by exhaustion under loom: `RUSTFLAGS="--cfg loom" cargo test --lib guard`.

use crate::blas::{self, Threading};
#[cfg(loom)]
use loom::sync::{Condvar, Mutex, MutexGuard};
use std::cell::{Cell, RefCell};
#[cfg(not(loom))]
use std::sync::{Condvar, Mutex, MutexGuard};
use std::sync::{Once, OnceLock, PoisonError};

/// Stack of the thread on which a multi-threaded LAPACK call runs.
const STACK_BYTES: usize = 64 << 20;

/// The thread count that is guarded.
trait Blas {
    /// The setting now.
    fn threads(&self) -> usize;
    /// Changes it.
    fn set_threads(&self, threads: usize);
    /// Whether every calling thread has a setting of its own, as OpenMP has it.
    fn is_per_thread(&self) -> bool;
}

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

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Regime {
    /// No call of ours is under way; BLAS has the user's setting.
    Idle,
    /// `callers` hold BLAS at one thread.
    One { callers: usize, users_setting: usize },
    /// One caller lets BLAS use several threads.
    Many { users_setting: usize },
}

struct Guard<B: Blas> {
    regime: Mutex<Regime>,
    many_ended: Condvar,
    blas: B,
}

impl<B: Blas> Guard<B> {
    fn new(blas: B) -> Self {
        Guard { regime: Mutex::new(Regime::Idle), many_ended: Condvar::new(), blas }
    }

    /// Locks the regime, once no one lets BLAS use several threads.
    fn settled(&self) -> MutexGuard<'_, Regime> {
        // The regime is written last in every critical section: it is whole even if one panicked.
        let mut regime = self.regime.lock().unwrap_or_else(PoisonError::into_inner);
        while matches!(*regime, Regime::Many { .. }) {
            regime = self.many_ended.wait(regime).unwrap_or_else(PoisonError::into_inner);
        }
        regime
    }

    fn enter_one(&self) -> One<'_, B> {
        self.join_one(self.settled())
    }

    fn join_one(&self, mut regime: MutexGuard<'_, Regime>) -> One<'_, B> {
        let (callers, users_setting) = match *regime {
            Regime::One { callers, users_setting } => (callers, users_setting),
            Regime::Idle | Regime::Many { .. } => (0, self.blas.threads()),
        };
        // Where every thread has a setting, there is no asking for it: what BLAS tells is the
        // value set last by whomever. The user's setting stands for it.
        let first = if self.blas.is_per_thread() { deeper() == 0 } else { callers == 0 };
        if first && users_setting != 1 {
            self.blas.set_threads(1);
        }
        *regime = Regime::One { callers: callers + 1, users_setting };
        One { guard: self }
    }

    /// Lets BLAS use several threads, or joins those who hold it at one.
    fn enter_many(&self) -> Entered<'_, B> {
        let mut regime = self.settled();
        if matches!(*regime, Regime::One { .. }) {
            return Entered::One(self.join_one(regime));
        }
        *regime = Regime::Many { users_setting: self.blas.threads() };
        Entered::Many(Many { guard: self })
    }
}

/// Holds BLAS at one thread until dropped.
struct One<'a, B: Blas> {
    guard: &'a Guard<B>,
}

thread_local! {
    /// How often this thread holds BLAS at one thread, where every thread has a setting.
    static DEPTH: Cell<usize> = const { Cell::new(0) };
}

/// One more on this thread; how many there were.
fn deeper() -> usize {
    DEPTH.replace(DEPTH.get() + 1)
}

/// One less on this thread; how many are left.
fn shallower() -> usize {
    DEPTH.set(DEPTH.get() - 1);
    DEPTH.get()
}

impl<B: Blas> Drop for One<'_, B> {
    fn drop(&mut self) {
        let blas = &self.guard.blas;
        let mut regime = self.guard.regime.lock().unwrap_or_else(PoisonError::into_inner);
        *regime = match *regime {
            Regime::One { callers, users_setting } => {
                let last = if blas.is_per_thread() { shallower() == 0 } else { callers == 1 };
                if last && users_setting != 1 {
                    blas.set_threads(users_setting);
                }
                match callers {
                    1 => Regime::Idle,
                    _ => Regime::One { callers: callers - 1, users_setting },
                }
            }
            Regime::Idle | Regime::Many { .. } => {
                unreachable!("this caller holds BLAS at one thread")
            }
        };
    }
}

/// Lets BLAS use several threads until dropped, also while unwinding.
struct Many<'a, B: Blas> {
    guard: &'a Guard<B>,
}

impl<B: Blas> Drop for Many<'_, B> {
    fn drop(&mut self) {
        let mut regime = self.guard.regime.lock().unwrap_or_else(PoisonError::into_inner);
        if let Regime::Many { users_setting } = *regime {
            self.guard.blas.set_threads(users_setting);
        }
        *regime = Regime::Idle;
        self.guard.many_ended.notify_all();
    }
}

/// What [`Guard::enter_many`] came to.
enum Entered<'a, B: Blas> {
    One(One<'a, B>),
    Many(Many<'a, B>),
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
    let cell = std::sync::Mutex::new(Some(work));
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
    match *guard().regime.lock().unwrap_or_else(PoisonError::into_inner) {
        Regime::Idle => OpenBlas.threads(),
        Regime::One { users_setting, .. } | Regime::Many { users_setting } => users_setting,
    }
}

#[cfg(all(test, not(loom), feature = "openblas"))]
mod tests {
    use super::*;

    /// The tests share the process's one BLAS: they take turns.
    static TURN: Mutex<()> = Mutex::new(());

    #[test]
    fn the_users_setting_comes_back_after_nested_and_concurrent_calls() {
        let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
        blas::set_threads(2);
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
        assert_eq!(blas::threads(), 2);
        assert_eq!(*guard().settled(), Regime::Idle);
    }

    #[test]
    fn the_users_setting_comes_back_after_a_panic() {
        let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
        blas::set_threads(2);
        let one = std::panic::catch_unwind(|| with_one(|| panic!("one")));
        let many = std::panic::catch_unwind(|| with_many(2, || panic!("many")));
        assert!(one.is_err() && many.is_err());
        assert_eq!(blas::threads(), 2);
        assert_eq!(*guard().settled(), Regime::Idle);
    }
}

/// Every interleaving of a few callers.
#[cfg(all(test, loom))]
mod guard {
    use super::*;
    use loom::sync::Arc;
    use loom::sync::atomic::{AtomicUsize, Ordering::SeqCst};

    const USERS: usize = 7;

    /// A BLAS that is nothing but its setting.
    struct Model {
        setting: AtomicUsize,
    }

    impl Blas for Model {
        fn threads(&self) -> usize {
            self.setting.load(SeqCst)
        }

        fn set_threads(&self, threads: usize) {
            self.setting.store(threads, SeqCst);
        }

        fn is_per_thread(&self) -> bool {
            false
        }
    }

    fn one(guard: &Guard<Model>) {
        let _one = guard.enter_one();
        assert_eq!(guard.blas.threads(), 1);
    }

    fn many(guard: &Guard<Model>) {
        match guard.enter_many() {
            Entered::One(_one) => assert_eq!(guard.blas.threads(), 1),
            Entered::Many(_many) => {
                guard.blas.set_threads(4);
                assert_eq!(guard.blas.threads(), 4);
            }
        }
    }

    /// Runs the callers at once, in every order of their steps.
    fn exhaust(callers: &'static [fn(&Guard<Model>)]) {
        loom::model(move || {
            let guard = Arc::new(Guard::new(Model { setting: AtomicUsize::new(USERS) }));
            let threads: Vec<_> = callers[1..]
                .iter()
                .map(|caller| {
                    let guard = Arc::clone(&guard);
                    loom::thread::spawn(move || caller(&guard))
                })
                .collect();
            callers[0](&guard);
            threads.into_iter().for_each(|thread| thread.join().unwrap());
            assert_eq!(guard.blas.threads(), USERS);
            assert_eq!(*guard.settled(), Regime::Idle);
        });
    }

    #[test]
    fn callers_with_one_thread_share() {
        exhaust(&[one, one, one]);
    }

    #[test]
    fn callers_with_many_threads_take_turns() {
        exhaust(&[many, many]);
    }

    #[test]
    fn callers_of_both_kinds_never_see_each_other() {
        exhaust(&[many, one, one]);
        exhaust(&[one, many]);
    }
}
