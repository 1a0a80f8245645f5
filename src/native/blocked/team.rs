//! Who works on one matrix.

use std::any::Any;
use std::cell::UnsafeCell;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Condvar, Mutex, PoisonError};

/// Threads that share the work on a matrix. The engine knows no more of them.
pub(crate) trait Team: Sync {
    /// How many there are.
    fn threads(&self) -> usize;

    /// Calls `work(thread, index)` once for every index below `count`, on threads below
    /// [`threads`](Self::threads), the lower indices first; returns when all are done.
    fn each(&self, count: usize, work: &(dyn Fn(usize, usize) + Sync));
}

/// The calling thread.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Alone;

impl Team for Alone {
    fn threads(&self) -> usize {
        1
    }

    fn each(&self, count: usize, work: &(dyn Fn(usize, usize) + Sync)) {
        for index in 0..count {
            work(0, index);
        }
    }
}

/// A leader, who calls [`each`](Team::each), and threads that help wherever they come in time.
///
/// Nobody waits for a helper that has not begun: where the threads are busy elsewhere, the leader
/// does all the work. A helper with nothing to do looks for work for some microseconds, then lets
/// others have its core, and after about a millisecond sleeps until there is some.
pub(crate) struct Crew {
    threads: usize,
    /// [`OPEN`], [`DISMISSED`], how many helpers are at work, and which job it is.
    gate: AtomicUsize,
    /// The next index of the job.
    next: AtomicUsize,
    job: UnsafeCell<Job>,
    /// Helpers asleep.
    asleep: AtomicUsize,
    bed: Mutex<()>,
    alarm: Condvar,
    /// What a helper panicked with, for the leader to go on with.
    panic: Mutex<Option<Box<dyn Any + Send>>>,
}

#[derive(Clone, Copy)]
struct Job {
    work: *const (dyn Fn(usize, usize) + Sync),
    count: usize,
}

/// There is a job to help with.
const OPEN: usize = 1;
/// There will be no more jobs.
const DISMISSED: usize = 2;
/// One helper at work.
const HELPER: usize = 4;
/// One job.
const JOB: usize = 1 << 16;
/// How often one looks for what it waits for without a break.
const LOOKS: usize = 1000;
/// How often a helper looks again, between which others may have its core, before it sleeps. To be
/// woken takes longer than most of what the leader does alone.
const LATER_LOOKS: usize = 2000;

// SAFETY: the job is written by the leader while the gate is closed and nobody is at work, and read
// by those who have come in since; its closure is `Sync`.
unsafe impl Sync for Crew {}
// SAFETY: no part belongs to a thread.
unsafe impl Send for Crew {}

impl Crew {
    /// A leader and `threads − 1` helpers.
    pub(crate) fn new(threads: usize) -> Self {
        assert!(threads < JOB / HELPER, "{threads} threads");
        Crew {
            threads,
            gate: AtomicUsize::new(0),
            next: AtomicUsize::new(0),
            job: UnsafeCell::new(Job { work: &|_, _| {}, count: 0 }),
            asleep: AtomicUsize::new(0),
            bed: Mutex::new(()),
            alarm: Condvar::new(),
            panic: Mutex::new(None),
        }
    }

    /// Helps as thread `thread`, until the crew is dismissed.
    pub(crate) fn help(&self, thread: usize) {
        assert!((1..self.threads).contains(&thread), "thread {thread} of {}", self.threads);
        let mut last = None;
        loop {
            let gate = self.wait(last);
            if gate & DISMISSED != 0 {
                return;
            }
            if self
                .gate
                .compare_exchange(gate, gate + HELPER, Ordering::AcqRel, Ordering::Relaxed)
                .is_ok()
            {
                let _leave = Leave(self);
                last = Some(gate / JOB);
                // SAFETY: the leader changes the job only after this helper has left.
                let job = unsafe { *self.job.get() };
                let done = catch_unwind(AssertUnwindSafe(|| self.work_off(thread, job)));
                if let Err(panic) = done {
                    *self.panic.lock().unwrap_or_else(PoisonError::into_inner) = Some(panic);
                }
            }
        }
    }

    /// Waits for a job that is not the last one, or for the end.
    fn wait(&self, last: Option<usize>) -> usize {
        let is_new =
            |gate: usize| gate & DISMISSED != 0 || (gate & OPEN != 0 && Some(gate / JOB) != last);
        for look in 0..LOOKS + LATER_LOOKS {
            let gate = self.gate.load(Ordering::Acquire);
            if is_new(gate) {
                return gate;
            }
            wait_for_look(look);
        }
        let mut bed = self.bed.lock().unwrap_or_else(PoisonError::into_inner);
        self.asleep.fetch_add(1, Ordering::SeqCst);
        loop {
            let gate = self.gate.load(Ordering::SeqCst);
            if is_new(gate) {
                self.asleep.fetch_sub(1, Ordering::SeqCst);
                return gate;
            }
            bed = self.alarm.wait(bed).unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn wake(&self) {
        if self.asleep.load(Ordering::SeqCst) > 0 {
            let _bed = self.bed.lock().unwrap_or_else(PoisonError::into_inner);
            self.alarm.notify_all();
        }
    }

    fn work_off(&self, thread: usize, job: Job) {
        // SAFETY: the closure outlives the job: the leader waits for everyone at work.
        let work = unsafe { &*job.work };
        loop {
            let index = self.next.fetch_add(1, Ordering::Relaxed);
            if index >= job.count {
                return;
            }
            work(thread, index);
        }
    }

    /// Ends the help when it is dropped, also while unwinding; threads that come later leave at once.
    pub(crate) fn end_of_work(&self) -> impl Drop + '_ {
        Dismiss(self)
    }
}

struct Dismiss<'a>(&'a Crew);

impl Drop for Dismiss<'_> {
    fn drop(&mut self) {
        self.0.gate.fetch_or(DISMISSED, Ordering::SeqCst);
        self.0.wake();
    }
}

/// A helper leaves its job, also while unwinding.
struct Leave<'a>(&'a Crew);

impl Drop for Leave<'_> {
    fn drop(&mut self) {
        self.0.gate.fetch_sub(HELPER, Ordering::AcqRel);
    }
}

/// The leader closes the job and waits for those at work, also while unwinding.
struct Close<'a>(&'a Crew);

impl Drop for Close<'_> {
    fn drop(&mut self) {
        let Close(crew) = self;
        crew.gate.fetch_and(!OPEN, Ordering::AcqRel);
        let mut looks = 0;
        while crew.gate.load(Ordering::Acquire) % JOB / HELPER > 0 {
            wait_for_look(looks);
            looks += 1;
        }
    }
}

/// What to do before one looks again.
fn wait_for_look(look: usize) {
    if look < LOOKS {
        std::hint::spin_loop();
    } else {
        std::thread::yield_now();
    }
}

impl Team for Crew {
    fn threads(&self) -> usize {
        self.threads
    }

    fn each(&self, count: usize, work: &(dyn Fn(usize, usize) + Sync)) {
        if count <= 1 {
            return Alone.each(count, work);
        }
        let gate = self.gate.load(Ordering::Acquire);
        assert!(gate & OPEN == 0, "a crew has one leader");
        // SAFETY: only the lifetime changes; `Close` keeps the closure in use no longer.
        let work: *const (dyn Fn(usize, usize) + Sync) = unsafe { std::mem::transmute(work) };
        let job = Job { work, count };
        // SAFETY: the gate is closed, and everyone has left: nobody reads the job.
        unsafe { *self.job.get() = job };
        self.next.store(0, Ordering::Relaxed);
        self.gate.store(gate.wrapping_add(JOB) | OPEN, Ordering::SeqCst);
        let close = Close(self);
        self.wake();
        self.work_off(0, job);
        drop(close);
        let panic = self.panic.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(panic) = panic {
            resume_unwind(panic);
        }
    }
}
