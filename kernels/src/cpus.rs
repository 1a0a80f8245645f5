//! The processors that threads are on.
//!
//! A system may put a thread that it wakes on the processor of the one that has called for it, and
//! leave it waiting there for milliseconds while another processor is idle. That was seen with Linux
//! on a virtual machine, where it may take a processor at rest for one that the host has taken away.

use crate::memory::lock;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

/// Threads that are to work at the same time, so each on a processor of its own.
pub struct DistinctCpus {
    /// When they were called.
    called: Instant,
    /// Where each of them was when it came.
    places: Mutex<[Place; MOST]>,
    /// Those who have not come yet; none where the system does not tell.
    missing: AtomicUsize,
}

#[derive(Debug, Clone, Copy)]
enum Place {
    Missing,
    At(Processor),
    /// The same, of one that has let others have its processor once.
    GaveWay(Processor),
}

/// Threads that are kept apart, without memory to be asked for; more of them stay where they are.
const MOST: usize = 128;

/// How long threads take to come, if they do not wait for the processor of another one.
const COMING: Duration = Duration::from_micros(50);

impl DistinctCpus {
    /// For so many threads, numbered from 0.
    pub fn new(threads: usize) -> Self {
        DistinctCpus {
            called: Instant::now(),
            places: Mutex::new([Place::Missing; MOST]),
            missing: AtomicUsize::new(Processor::current().map_or(0, |_| threads.min(MOST))),
        }
    }

    /// To be called by a thread when it begins and between parts of its work. At first it goes to
    /// another processor if it is on that of a thread that has come before. Later, while others are
    /// missing, it lets whoever waits for its processor begin, and leave; once, since it might be
    /// others who wait there.
    pub fn go_on(&self, thread: usize) {
        if self.missing.load(Ordering::Relaxed) == 0 {
            return;
        }
        let place = lock(&self.places).get(thread).copied();
        match place {
            Some(Place::Missing) => {
                self.find_place(thread);
                self.missing.fetch_sub(1, Ordering::Relaxed);
            }
            Some(Place::At(here)) if self.called.elapsed() > COMING => {
                lock(&self.places)[thread] = Place::GaveWay(here);
                std::thread::yield_now();
            }
            _ => {}
        }
    }

    /// To be called by a thread that is going to wake others, which may wait for its processor again.
    pub fn stay(&self, thread: usize) {
        if let (Some(here), Some(place)) =
            (Processor::current(), lock(&self.places).get_mut(thread))
        {
            *place = Place::At(here);
        }
    }

    /// To be called by a thread that was woken: it goes to another processor if it is on that of
    /// another one.
    pub fn find_place(&self, thread: usize) {
        let Some(here) = Processor::current() else { return };
        let places = lock(&self.places);
        let taken = places.iter().enumerate().filter_map(|(other, place)| match *place {
            Place::At(taken) | Place::GaveWay(taken) if other != thread => Some(taken),
            _ => None,
        });
        if taken.clone().any(|taken| taken == here) {
            system::avoid(taken.map(|Processor(number)| number));
        }
        drop(places);
        self.stay(thread);
    }
}

/// The number of a processor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Processor(usize);

impl Processor {
    /// The one that runs the calling thread now, where the system tells.
    fn current() -> Option<Self> {
        system::current().map(Processor)
    }
}

// Miri knows no processors.
#[cfg(all(target_os = "linux", not(miri)))]
mod system {
    use libc::{CPU_CLR, CPU_COUNT, CPU_EQUAL, CPU_SETSIZE, cpu_set_t};

    pub(super) fn current() -> Option<usize> {
        // SAFETY: no arguments, no memory.
        usize::try_from(unsafe { libc::sched_getcpu() }).ok()
    }

    /// Where a thread may be, as the system keeps it.
    pub(super) trait Affinity {
        /// The processors that the thread may be on: those of its cpuset, as far as it was not
        /// restricted further. `None` if the system does not say: it may refuse, and does so for sets of
        /// this size where there may be more processors than they have room for.
        fn allowed(&self) -> Option<cpu_set_t>;

        /// Restricts the thread to those of its cpuset that are among these, for as long as it lives and
        /// whatever becomes of the cpuset; whether it could be done.
        fn restrict(&self, to: &cpu_set_t) -> bool;
    }

    /// The calling thread.
    struct Caller;

    impl Affinity for Caller {
        fn allowed(&self) -> Option<cpu_set_t> {
            let mut allowed = set_of(0..0);
            // SAFETY: the set is there, and as large as it is said to be; 0 is the calling thread.
            let answer =
                unsafe { libc::sched_getaffinity(0, size_of::<cpu_set_t>(), &raw mut allowed) };
            (answer == 0).then_some(allowed)
        }

        fn restrict(&self, to: &cpu_set_t) -> bool {
            // SAFETY: as above; the set is only read.
            unsafe { libc::sched_setaffinity(0, size_of::<cpu_set_t>(), to) == 0 }
        }
    }

    /// How many processors a set has room for.
    pub(super) const MOST: usize = CPU_SETSIZE as usize;

    pub(super) fn set_of(processors: impl IntoIterator<Item = usize>) -> cpu_set_t {
        // SAFETY: a set of bits; none is a valid one.
        let mut set: cpu_set_t = unsafe { std::mem::zeroed() };
        for processor in processors.into_iter().filter(|&processor| processor < MOST) {
            // SAFETY: a set of bits, and a number that is one of the set's, as was looked at.
            unsafe { libc::CPU_SET(processor, &mut set) };
        }
        set
    }

    fn is_equal(a: &cpu_set_t, b: &cpu_set_t) -> bool {
        // SAFETY: two sets of bits.
        unsafe { CPU_EQUAL(a, b) }
    }

    /// Moves the calling thread to a processor that is none of these, if it may be on others.
    pub(super) fn avoid(processors: impl Iterator<Item = usize>) {
        leave(&Caller, processors);
    }

    /// A thread is forbidden these processors, for which the system moves it at once, and is then as
    /// free again as it was. Whatever the system refuses is left as it is.
    ///
    /// To allow again what was allowed before would keep a thread that nobody has restricted from the
    /// processors that its cpuset is given later. So it is allowed all that there may ever be, of which
    /// it gets those of its cpuset; only where these are not what it had is it somebody's wish that it
    /// had less, and restored as it was. (A wish for exactly the processors of the cpuset looks like
    /// none. Should the cpuset change in the microseconds between, it looks like a wish.)
    pub(super) fn leave(thread: &impl Affinity, processors: impl Iterator<Item = usize>) {
        let Some(before) = thread.allowed() else { return };
        let mut others = before;
        for processor in processors.filter(|&processor| processor < MOST) {
            // SAFETY: a set of bits, and a number that is one of the set's, as was looked at.
            unsafe { CPU_CLR(processor, &mut others) };
        }
        // SAFETY: a set of bits.
        let nowhere_else = unsafe { CPU_COUNT(&others) } == 0;
        if nowhere_else || is_equal(&others, &before) || !thread.restrict(&others) {
            return;
        }
        let is_free = thread.restrict(&set_of(0..MOST))
            && thread.allowed().is_some_and(|all| is_equal(&all, &before));
        if !is_free {
            thread.restrict(&before);
        }
    }
}

#[cfg(not(all(target_os = "linux", not(miri))))]
mod system {
    pub(super) fn current() -> Option<usize> {
        None
    }

    pub(super) fn avoid(_: impl Iterator<Item = usize>) {}
}

#[cfg(all(test, target_os = "linux", not(miri)))]
mod tests {
    use super::system::{Affinity, set_of};
    use super::*;
    use std::cell::{Cell, RefCell};
    use std::thread;

    /// A thread as Linux keeps it from version 6.2 on: what it is restricted to outlives its cpuset.
    struct Kernel {
        cpuset: Cell<libc::cpu_set_t>,
        wish: Cell<Option<libc::cpu_set_t>>,
        /// Whether sets are large enough to be filled in.
        tells: bool,
        /// How many more changes are not refused.
        permits: Cell<usize>,
        /// How many processors the thread was allowed, change by change.
        history: RefCell<Vec<usize>>,
    }

    fn bits(set: &libc::cpu_set_t) -> Vec<usize> {
        // SAFETY: a set of bits, and numbers below its size.
        (0..system::MOST).filter(|&i| unsafe { libc::CPU_ISSET(i, set) }).collect()
    }

    impl Kernel {
        fn new(cpuset: &[usize], wish: Option<&[usize]>) -> Self {
            let set = |processors: &[usize]| set_of(processors.iter().copied());
            Kernel {
                cpuset: Cell::new(set(cpuset)),
                wish: Cell::new(wish.map(set)),
                tells: true,
                permits: Cell::new(usize::MAX),
                history: RefCell::default(),
            }
        }

        fn processors(&self) -> Vec<usize> {
            let wish = self.wish.get().map(|wish| bits(&wish));
            let allowed = |processor: &usize| wish.as_ref().is_none_or(|w| w.contains(processor));
            bits(&self.cpuset.get()).into_iter().filter(allowed).collect()
        }

        fn with_cpuset(&self, cpuset: &[usize]) -> Vec<usize> {
            self.cpuset.set(set_of(cpuset.iter().copied()));
            self.processors()
        }
    }

    impl Affinity for Kernel {
        fn allowed(&self) -> Option<libc::cpu_set_t> {
            self.tells.then(|| set_of(self.processors()))
        }

        fn restrict(&self, to: &libc::cpu_set_t) -> bool {
            if self.permits.get() == 0 {
                return false;
            }
            self.permits.set(self.permits.get() - 1);
            self.wish.set(Some(*to));
            self.history.borrow_mut().push(self.processors().len());
            true
        }
    }

    fn leave(kernel: &Kernel, processors: &[usize]) {
        system::leave(kernel, processors.iter().copied());
    }

    #[test]
    fn a_thread_that_is_free_stays_free() {
        let kernel = Kernel::new(&[0, 1], None);
        leave(&kernel, &[0]);
        assert_eq!(*kernel.history.borrow(), [1, 2], "it was moved");
        // As a container may be given more, less, and others.
        assert_eq!(kernel.with_cpuset(&[0, 1, 2, 700]), [0, 1, 2, 700]);
        assert_eq!(kernel.with_cpuset(&[1]), [1]);
        assert_eq!(kernel.with_cpuset(&[5, 6]), [5, 6]);
    }

    #[test]
    fn a_thread_that_is_restricted_stays_so() {
        let kernel = Kernel::new(&[0, 1, 2, 3], Some(&[1, 2]));
        leave(&kernel, &[2]);
        assert_eq!(kernel.history.borrow()[0], 1, "it was moved");
        assert_eq!(kernel.wish.get().map(|wish| bits(&wish)), Some(vec![1, 2]));
        assert_eq!(kernel.with_cpuset(&[0, 1, 2, 3, 4]), [1, 2]);
    }

    #[test]
    fn what_the_system_refuses_is_left_as_it_is() {
        let silent = Kernel { tells: false, ..Kernel::new(&[0, 1], None) };
        leave(&silent, &[0]);
        assert!(silent.history.borrow().is_empty());
        for permits in [0, 1] {
            let kernel = Kernel::new(&[0, 1], None);
            kernel.permits.set(permits);
            leave(&kernel, &[0]);
            assert_eq!(kernel.history.borrow().len(), permits);
        }
    }

    #[test]
    fn where_there_is_nowhere_to_go_nothing_is_changed() {
        for (cpuset, taken) in [(&[3][..], &[3][..]), (&[0, 1], &[1, 0, 9999]), (&[0, 1], &[2])] {
            let kernel = Kernel::new(cpuset, None);
            leave(&kernel, taken);
            assert!(kernel.history.borrow().is_empty() && kernel.wish.get().is_none());
        }
    }

    /// This thread with a real restriction, which it keeps.
    #[test]
    fn the_affinity_of_this_thread_comes_back() {
        thread::spawn(|| {
            let first = here().0;
            let one = set_of([first]);
            for restricted in [false, true] {
                if restricted {
                    // SAFETY: a set of the size it is said to have; 0 is this thread.
                    let done = unsafe {
                        libc::sched_setaffinity(0, size_of::<libc::cpu_set_t>(), &raw const one)
                    };
                    assert_eq!(done, 0);
                }
                let before = allowed();
                for processor in 0..8 {
                    system::avoid([processor].into_iter());
                    assert_eq!(allowed(), before);
                }
            }
        })
        .join()
        .unwrap();
    }

    fn allowed() -> String {
        let status = std::fs::read_to_string("/proc/thread-self/status").expect("Linux has it");
        let line = status.lines().find(|line| line.starts_with("Cpus_allowed:"));
        line.expect("Linux says").to_owned()
    }

    fn here() -> Processor {
        Processor::current().expect("Linux tells")
    }

    fn has_one_processor() -> bool {
        let bits = |digit: char| digit.to_digit(16).map_or(0, u32::count_ones);
        allowed().split_once(':').is_some_and(|(_, mask)| mask.chars().map(bits).sum::<u32>() == 1)
    }

    #[test]
    fn a_thread_leaves_and_may_come_back() {
        let before = allowed();
        // The only one cannot be left. Where there are others, the system may bring the thread back
        // at once, but not every time.
        let left = || {
            let before = here();
            system::avoid([before.0].into_iter());
            here() != before
        };
        assert_eq!((0..100).any(|_| left()), !has_one_processor());
        assert_eq!(allowed(), before);
    }

    #[test]
    fn where_all_are_taken_one_stays() {
        let before = allowed();
        system::avoid((0..100_000).chain([usize::MAX]));
        assert_eq!(allowed(), before);
    }

    #[test]
    fn who_comes_later_goes_elsewhere() {
        let met = || {
            let apart = DistinctCpus::new(2);
            apart.go_on(0);
            let first = here();
            // As if woken on the same processor.
            apart.go_on(1);
            assert_eq!(apart.missing.load(Ordering::Relaxed), 0);
            here() == first
        };
        assert_eq!((0..100).all(|_| met()), has_one_processor());
    }

    #[test]
    fn who_is_alone_gives_way_once() {
        let apart = DistinctCpus::new(2);
        apart.go_on(0);
        thread::sleep(2 * COMING);
        apart.go_on(0);
        assert!(matches!(lock(&apart.places)[..2], [Place::GaveWay(_), Place::Missing]));
        apart.go_on(1);
        assert!(matches!(lock(&apart.places)[..2], [Place::GaveWay(_), Place::At(_)]));
    }

    #[test]
    fn more_threads_than_there_are_places_stay() {
        let before = allowed();
        let apart = DistinctCpus::new(MOST + 1);
        for thread in 0..=MOST {
            apart.go_on(thread);
        }
        assert_eq!(apart.missing.load(Ordering::Relaxed), 0);
        apart.find_place(MOST);
        assert_eq!(allowed(), before);
    }
}
