//! Who works on one matrix.

#[cfg(test)]
pub mod watched;

use crate::contract::Team;
use crate::cpus::DistinctCpus;
use crate::memory;
use crate::shared_matrix::Matrix;
use std::any::Any;
use std::cell::UnsafeCell;
use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Condvar, Mutex, PoisonError};

/// The calling thread.
#[derive(Debug, Clone, Copy)]
pub struct Alone;

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

/// Parts that a slice is cut into for each thread of a team.
const PARTS: usize = 4;

/// Elements of a part of a slice of `len`, which the threads of a team share: whole rows of `row`
/// elements, `row ≥ 1`.
fn part_of(team: &dyn Team, len: usize, row: usize) -> usize {
    (len / row).div_ceil(PARTS * team.threads()).max(1) * row
}

/// The same for one thread, which looks between the parts whether it is to go on: a few for what is
/// long, and one for what is not.
fn part_of_one(len: usize, row: usize) -> usize {
    const PARTS: usize = 32;
    const LONG: usize = 4096;
    (len / PARTS).max(LONG).div_ceil(row) * row
}

/// Calls `work` with every part of a slice and the index of its first element, which begins a row
/// of `row ≥ 1` elements.
pub fn share<T: Copy + Send>(
    team: &dyn Team,
    slice: &mut [T],
    row: usize,
    work: &(dyn Fn(usize, &mut [T]) + Sync),
) {
    if team.threads() == 1 {
        let part = part_of_one(slice.len(), row);
        for (index, here) in slice.chunks_mut(part).enumerate() {
            if team.is_cancelled() {
                return;
            }
            work(index * part, here);
        }
        return;
    }
    let part = part_of(team, slice.len(), row);
    let (count, whole) = (slice.len().div_ceil(part), slice.len());
    let slice = Matrix::new(slice, whole, whole, 1);
    team.each(count, &|_, index| {
        let (first, last) = (index * part, whole.min((index + 1) * part));
        // SAFETY: every index comes once, so nobody else has this part of the slice.
        work(first, unsafe { slice.part(first..last, 0..1).column(0) });
    });
}

/// Whether all parts of the indices below `count` are as `holds` says; those of a team that come
/// later look no further once one is not. A team that is cancelled says anything.
pub fn all(team: &dyn Team, count: usize, holds: &(dyn Fn(Range<usize>) -> bool + Sync)) -> bool {
    if team.threads() == 1 {
        let part = part_of_one(count, 1);
        let mut parts = (0..count).step_by(part).map(|first| first..count.min(first + part));
        return parts.all(|here| team.is_cancelled() || holds(here));
    }
    let part = part_of(team, count, 1);
    let still = AtomicBool::new(true);
    team.each(count.div_ceil(part), &|_, index| {
        let here = index * part..count.min((index + 1) * part);
        if still.load(Ordering::Relaxed) && !holds(here) {
            still.store(false, Ordering::Relaxed);
        }
    });
    still.into_inner()
}

/// A leader, who calls [`each`](Team::each), and threads that help wherever they come in time.
///
/// Nobody waits for a helper that has not begun: where the threads are busy elsewhere, the leader
/// does all the work. A helper that the system has put on the leader's processor goes to another one.
/// A helper with nothing to do looks for work for some microseconds, then lets others have its core,
/// and after about a millisecond sleeps until there is some.
pub struct Crew {
    threads: usize,
    /// Whether somebody leads.
    led: AtomicBool,
    /// [`OPEN`], [`DISMISSED`], how many helpers are at work, and which job it is.
    gate: AtomicUsize,
    /// The next index of every thread's part of the job.
    next: Vec<Next>,
    job: UnsafeCell<Job>,
    /// Helpers asleep.
    asleep: AtomicUsize,
    bed: Mutex<()>,
    alarm: Condvar,
    /// What a helper panicked with, for the leader to go on with.
    panic: Mutex<Option<Box<dyn Any + Send>>>,
    /// Keeps the helpers from the leader's processor.
    apart: DistinctCpus,
}

/// An index with cache lines of its own.
#[repr(align(128))]
struct Next(AtomicUsize);

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
    /// A leader, who is the calling thread, and `threads − 1` helpers.
    ///
    /// # Panics
    ///
    /// With 16,384 threads or more.
    pub fn new(threads: usize) -> Self {
        assert!(threads < JOB / HELPER, "{threads} threads");
        let apart = DistinctCpus::new(threads);
        apart.go_on(0);
        Crew {
            threads,
            led: AtomicBool::new(false),
            gate: AtomicUsize::new(0),
            next: (0..threads).map(|_| Next(AtomicUsize::new(0))).collect(),
            job: UnsafeCell::new(Job { work: &|_, _| {}, count: 0 }),
            asleep: AtomicUsize::new(0),
            bed: Mutex::new(()),
            alarm: Condvar::new(),
            panic: Mutex::new(None),
            apart,
        }
    }

    /// Helps as thread `thread`, until the crew is dismissed.
    ///
    /// # Panics
    ///
    /// If there is no such helper; with what a part of the work panics with, the leader goes on.
    pub fn help(&self, thread: usize) {
        assert!((1..self.threads).contains(&thread), "thread {thread} of {}", self.threads);
        self.apart.go_on(thread);
        let mut last = None;
        loop {
            let gate = self.wait(thread, last);
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
    fn wait(&self, thread: usize, last: Option<usize>) -> usize {
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
                drop(bed);
                self.apart.find_place(thread);
                return gate;
            }
            bed = self.alarm.wait(bed).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Wakes helpers; whether there are any asleep.
    fn wake(&self) -> bool {
        if self.asleep.load(Ordering::SeqCst) == 0 {
            return false;
        }
        self.apart.stay(0);
        let _bed = memory::lock(&self.bed);
        self.alarm.notify_all();
        true
    }

    fn work_off(&self, thread: usize, job: Job) {
        // SAFETY: the closure outlives the job: the leader waits for everyone at work.
        let work = unsafe { &*job.work };
        for part in (thread..self.threads).chain(0..thread) {
            let end = self.first_of(part + 1, job.count);
            loop {
                let index = self.next[part].0.fetch_add(1, Ordering::Relaxed);
                if index >= end {
                    break;
                }
                work(thread, index);
            }
        }
    }

    /// The first index of a thread's part of the indices below `count`.
    fn first_of(&self, thread: usize, count: usize) -> usize {
        count / self.threads * thread + (count % self.threads).min(thread)
    }

    /// Ends the help when it is dropped, also while unwinding; threads that come later leave at once.
    pub fn end_of_work(&self) -> impl Drop + '_ {
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
        crew.led.store(false, Ordering::Release);
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
        assert!(!self.led.swap(true, Ordering::Acquire), "a crew has one leader");
        self.apart.go_on(0);
        let gate = self.gate.load(Ordering::Acquire);
        // SAFETY: only the lifetime changes; `Close` keeps the closure in use no longer.
        let work: *const (dyn Fn(usize, usize) + Sync) = unsafe { std::mem::transmute(work) };
        let job = Job { work, count };
        // SAFETY: nobody else leads, as was asserted in one step; so the gate is closed, and everyone has left:
        // nobody reads the job.
        unsafe { *self.job.get() = job };
        for (thread, next) in self.next.iter().enumerate() {
            next.0.store(self.first_of(thread, count), Ordering::Relaxed);
        }
        self.gate.store(gate.wrapping_add(JOB) | OPEN, Ordering::SeqCst);
        let close = Close(self);
        if self.wake() {
            // For those who wait for this processor.
            std::thread::yield_now();
        }
        self.work_off(0, job);
        drop(close);
        let panic = self.panic.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(panic) = panic {
            resume_unwind(panic);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Runs `work` with a crew of each size, and with nobody.
    fn teams(work: impl Fn(&dyn Team)) {
        work(&Alone);
        for threads in [1, 2, 3, 7] {
            let crew = Crew::new(threads);
            std::thread::scope(|scope| {
                (1..threads).for_each(|thread| {
                    let crew = &crew;
                    scope.spawn(move || crew.help(thread));
                });
                let _end = crew.end_of_work();
                work(&crew);
            });
        }
    }

    #[test]
    fn a_crew_has_one_leader() {
        let crew = Crew::new(2);
        let inner = catch_unwind(AssertUnwindSafe(|| {
            crew.each(2, &|_, _| crew.each(2, &|_, _| {}));
        }));
        assert!(inner.is_err());
        // It is led again once the first one is done.
        crew.each(2, &|_, _| {});
    }

    #[test]
    fn every_index_is_worked_on_once() {
        teams(|team| {
            for count in [0, 1, 2, 3, 6, 7, 8, 100] {
                let times: Vec<_> = (0..count).map(|_| AtomicUsize::new(0)).collect();
                team.each(count, &|thread, index| {
                    assert!(thread < team.threads());
                    times[index].fetch_add(1, Ordering::Relaxed);
                });
                assert!(times.into_iter().all(|times| times.into_inner() == 1), "{count}");
            }
        });
    }

    #[test]
    fn a_slice_is_shared_by_whole_rows() {
        teams(|team| {
            let sizes = [(0, 3), (1, 1), (5, 4), (64, 3), (1000, 7)];
            for (rows, row) in sizes.into_iter().take(if cfg!(miri) { 4 } else { 5 }) {
                let mut slice = vec![0; rows * row];
                share(team, &mut slice, row, &|first, part| {
                    assert!(first.is_multiple_of(row) && part.len().is_multiple_of(row));
                    part.iter_mut().enumerate().for_each(|(i, x)| *x += first + i);
                });
                assert!(slice.iter().enumerate().all(|(i, &x)| x == i), "{rows} × {row}");
            }
        });
    }

    #[test]
    fn one_that_is_not_so_is_found_wherever_it_is() {
        teams(|team| {
            for len in [0, 1, 2, 29, 300].into_iter().take(if cfg!(miri) { 4 } else { 5 }) {
                let mut slice = vec![0; len];
                let zeros = |slice: &[i32]| {
                    all(team, slice.len(), &|part| slice[part].iter().all(|&x| x == 0))
                };
                assert!(zeros(&slice), "{len}");
                for at in 0..len {
                    slice[at] = 1;
                    assert!(!zeros(&slice), "{at} of {len}");
                    slice[at] = 0;
                }
            }
        });
    }
}
