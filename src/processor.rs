//! The processors that threads are on.
//!
//! A system may put a thread that it wakes on the processor of the one that has called for it, and
//! leave it waiting there for milliseconds while another processor is idle. That was seen with Linux
//! on a virtual machine, where it may take a processor at rest for one that the host has taken away.

use crate::workspace::lock;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

/// Threads that are to work at the same time, so each on a processor of its own.
pub(crate) struct Apart {
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

impl Apart {
    /// For so many threads, numbered from 0.
    pub(crate) fn new(threads: usize) -> Self {
        Apart {
            called: Instant::now(),
            places: Mutex::new([Place::Missing; MOST]),
            missing: AtomicUsize::new(Processor::current().map_or(0, |_| threads.min(MOST))),
        }
    }

    /// To be called by a thread when it begins and between parts of its work. At first it goes to
    /// another processor if it is on that of a thread that has come before. Later, while others are
    /// missing, it lets whoever waits for its processor begin, and leave; once, since it might be
    /// others who wait there.
    pub(crate) fn go_on(&self, thread: usize) {
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
    pub(crate) fn stay(&self, thread: usize) {
        if let (Some(here), Some(place)) =
            (Processor::current(), lock(&self.places).get_mut(thread))
        {
            *place = Place::At(here);
        }
    }

    /// To be called by a thread that was woken: it goes to another processor if it is on that of
    /// another one.
    pub(crate) fn find_place(&self, thread: usize) {
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

#[cfg(target_os = "linux")]
mod system {
    use libc::{CPU_CLR, CPU_COUNT, CPU_SETSIZE, cpu_set_t, sched_getaffinity, sched_setaffinity};

    pub(super) fn current() -> Option<usize> {
        // SAFETY: no arguments, no memory.
        usize::try_from(unsafe { libc::sched_getcpu() }).ok()
    }

    /// Moves the calling thread to a processor that is none of these, if it may be on others: it is
    /// forbidden these, for which the system moves it at once, and allowed again all that it was.
    /// Whatever the system refuses is left as it is.
    pub(super) fn avoid(processors: impl Iterator<Item = usize>) {
        let size = size_of::<cpu_set_t>();
        // SAFETY: a set of bits; none is a valid one.
        let mut allowed: cpu_set_t = unsafe { std::mem::zeroed() };
        // SAFETY: the set is there, and as large as it is said to be; 0 is the calling thread.
        if unsafe { sched_getaffinity(0, size, &raw mut allowed) } != 0 {
            return;
        }
        let mut others = allowed;
        for processor in processors.filter(|&processor| processor < CPU_SETSIZE as usize) {
            // SAFETY: a set of bits, and a number that is one of the set's, as was looked at.
            unsafe { CPU_CLR(processor, &mut others) };
        }
        // SAFETY: a set of bits.
        if unsafe { CPU_COUNT(&others) } == 0 {
            return;
        }
        for set in [&others, &allowed] {
            // SAFETY: as above.
            unsafe { sched_setaffinity(0, size, set) };
        }
    }
}

#[cfg(not(target_os = "linux"))]
mod system {
    pub(super) fn current() -> Option<usize> {
        None
    }

    pub(super) fn avoid(_: impl Iterator<Item = usize>) {}
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;
    use std::thread;

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
            let apart = Apart::new(2);
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
        let apart = Apart::new(2);
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
        let apart = Apart::new(MOST + 1);
        for thread in 0..=MOST {
            apart.go_on(thread);
        }
        assert_eq!(apart.missing.load(Ordering::Relaxed), 0);
        apart.find_place(MOST);
        assert_eq!(allowed(), before);
    }
}
