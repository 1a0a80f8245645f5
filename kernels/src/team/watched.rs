//! A team whose work may end before it is done, for tests.

use crate::contract::{Breakdown, Team};
use std::sync::atomic::{AtomicUsize, Ordering};

/// A team that is cancelled when it has looked or worked so many times.
pub(crate) struct Stops<'a> {
    team: &'a dyn Team,
    left: AtomicUsize,
}

impl<'a> Stops<'a> {
    pub(crate) fn after(count: usize, team: &'a dyn Team) -> Self {
        Stops { team, left: AtomicUsize::new(count) }
    }

    /// Calls `work` with the team cancelled after one look, two, and ever more, to the first time that it
    /// is not: then all the work was done, and that is returned.
    pub(crate) fn ever_later<R>(
        team: &dyn Team,
        mut work: impl FnMut(&dyn Team) -> Result<R, Breakdown>,
    ) -> R {
        let mut count = 0;
        loop {
            let stops = Stops::after(count, team);
            match work(&stops) {
                Ok(done) => return done,
                Err(breakdown) => assert_eq!(breakdown, Breakdown::Cancelled, "after {count}"),
            }
            count += 1 + count / 8;
        }
    }
}

impl Team for Stops<'_> {
    fn threads(&self) -> usize {
        self.team.threads()
    }

    fn each(&self, count: usize, work: &(dyn Fn(usize, usize) + Sync)) {
        self.team.each(count, &|thread, index| {
            if !self.is_cancelled() {
                work(thread, index);
            }
        });
    }

    fn is_cancelled(&self) -> bool {
        let one_less = |left: usize| left.checked_sub(1);
        self.left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, one_less).is_err()
    }
}
