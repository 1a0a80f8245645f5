//! The guard itself: a thread count that many callers share, whoever keeps it.
//!
//! It is tested by exhaustion under loom, in a package that has nothing but this file:
//! `RUSTFLAGS="--cfg loom" cargo test --release -p matinv-guard`.

#[cfg(loom)]
use loom::sync::{Condvar, Mutex, MutexGuard};
use std::cell::Cell;
use std::sync::PoisonError;
#[cfg(not(loom))]
use std::sync::{Condvar, Mutex, MutexGuard};

/// The thread count that is guarded.
pub(crate) trait Blas {
    /// The setting now.
    fn threads(&self) -> usize;
    /// Changes it.
    fn set_threads(&self, threads: usize);
    /// Whether every calling thread has a setting of its own, as OpenMP has it.
    fn is_per_thread(&self) -> bool;
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Regime {
    /// No call of ours is under way; BLAS has the user's setting.
    Idle,
    /// `callers` hold BLAS at one thread.
    One { callers: usize, users_setting: usize },
    /// One caller lets BLAS use several threads.
    Many { users_setting: usize },
}

pub(crate) struct Guard<B: Blas> {
    regime: Mutex<Regime>,
    many_ended: Condvar,
    blas: B,
}

impl<B: Blas> Guard<B> {
    pub(crate) fn new(blas: B) -> Self {
        Guard { regime: Mutex::new(Regime::Idle), many_ended: Condvar::new(), blas }
    }

    /// Locks the regime, once no one lets BLAS use several threads.
    pub(crate) fn settled(&self) -> MutexGuard<'_, Regime> {
        // The regime is written last in every critical section: it is whole even if one panicked.
        let mut regime = self.regime.lock().unwrap_or_else(PoisonError::into_inner);
        while matches!(*regime, Regime::Many { .. }) {
            regime = self.many_ended.wait(regime).unwrap_or_else(PoisonError::into_inner);
        }
        regime
    }

    pub(crate) fn enter_one(&self) -> One<'_, B> {
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
    pub(crate) fn enter_many(&self) -> Entered<'_, B> {
        let mut regime = self.settled();
        if matches!(*regime, Regime::One { .. }) {
            return Entered::One(self.join_one(regime));
        }
        *regime = Regime::Many { users_setting: self.blas.threads() };
        Entered::Many(Many { guard: self })
    }

    /// The number of threads that BLAS has when nobody holds it.
    pub(crate) fn users_setting(&self) -> usize {
        match *self.regime.lock().unwrap_or_else(PoisonError::into_inner) {
            Regime::Idle => self.blas.threads(),
            Regime::One { users_setting, .. } | Regime::Many { users_setting } => users_setting,
        }
    }
}

/// Holds BLAS at one thread until dropped.
pub(crate) struct One<'a, B: Blas> {
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
pub(crate) struct Many<'a, B: Blas> {
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
pub(crate) enum Entered<'a, B: Blas> {
    One(One<'a, B>),
    Many(Many<'a, B>),
}

/// Every interleaving of a few callers.
#[cfg(all(test, loom))]
mod tests {
    use super::*;
    use loom::sync::Arc;
    use loom::sync::atomic::AtomicUsize;
    use loom::sync::atomic::Ordering::SeqCst;

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
