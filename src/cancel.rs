//! How a call is told to stop.

use crate::error::{Error, Result};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// The caller's flag, and whether this call has seen it set: from then on the call is cancelled,
/// whatever the flag says later, as work may have been left out.
#[derive(Debug, Default)]
pub(crate) struct Cancel {
    flag: Option<Arc<AtomicBool>>,
    seen: AtomicBool,
}

impl Clone for Cancel {
    /// For another call: the same flag, not seen yet.
    fn clone(&self) -> Self {
        Cancel { flag: self.flag.clone(), seen: AtomicBool::new(false) }
    }
}

impl Cancel {
    pub(crate) fn by(flag: Arc<AtomicBool>) -> Self {
        Cancel { flag: Some(flag), seen: AtomicBool::new(false) }
    }

    /// Whether there is a flag.
    pub(crate) fn is_possible(&self) -> bool {
        self.flag.is_some()
    }

    /// Whether the call is to stop.
    ///
    /// No order of memory goes with it. Who waits for threads that have left out work sees what they
    /// have seen.
    #[inline]
    pub(crate) fn is_set(&self) -> bool {
        let Some(flag) = &self.flag else { return false };
        if self.seen.load(Ordering::Relaxed) {
            return true;
        }
        let is_set = flag.load(Ordering::Relaxed);
        if is_set {
            self.seen.store(true, Ordering::Relaxed);
        }
        is_set
    }

    /// # Errors
    ///
    /// [`Error::Cancelled`], if it is.
    pub(crate) fn check(&self) -> Result<()> {
        if self.is_set() { Err(Error::Cancelled) } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_seen_once_stays_and_a_clone_looks_anew() {
        let flag = Arc::new(AtomicBool::new(true));
        let cancel = Cancel::by(Arc::clone(&flag));
        assert_eq!(cancel.check(), Err(Error::Cancelled));
        flag.store(false, Ordering::Relaxed);
        assert!(cancel.is_set() && !cancel.clone().is_set());
        assert!(!Cancel::default().is_set() && !Cancel::default().is_possible());
    }
}
