//! A team at work for a call that can be cancelled.

use crate::cancel::Cancel;
use matinv_kernels::Team;

/// A team that leaves out work once the call is cancelled.
pub(crate) struct Watched<'a> {
    team: &'a dyn Team,
    cancel: &'a Cancel,
}

impl<'a> Watched<'a> {
    pub(crate) fn new(team: &'a dyn Team, cancel: &'a Cancel) -> Self {
        Watched { team, cancel }
    }
}

impl Team for Watched<'_> {
    fn threads(&self) -> usize {
        self.team.threads()
    }

    fn each(&self, count: usize, work: &(dyn Fn(usize, usize) + Sync)) {
        self.team.each(count, &|thread, index| {
            if !self.cancel.is_set() {
                work(thread, index);
            }
        });
    }

    fn is_cancelled(&self) -> bool {
        self.cancel.is_set()
    }
}
