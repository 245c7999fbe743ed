//! The one cut-off that reaches everybody.

use super::{
    atomic::{AtomicU64, Mutex, Ordering, PoisonError},
    cutoff::Cutoff,
};
use crate::time::UnixMs;

/// The cut-off for everything, read without a lock.
#[derive(Debug)]
pub(super) struct Everything {
    /// In Unix milliseconds plus one; 0 when there is none. Written under the lock beside it, with release.
    before: AtomicU64,
    cutoff: Mutex<Option<Cutoff>>,
}

impl Everything {
    pub(super) fn new() -> Self {
        Self {
            before: AtomicU64::new(0),
            cutoff: Mutex::new(None),
        }
    }

    /// The later cut-off and the later expiry win.
    pub(super) fn insert(&self, new: Cutoff) {
        let mut cutoff = self.cutoff.lock().unwrap_or_else(PoisonError::into_inner);
        let merged = cutoff.map_or(new, |known| known.merged(new));
        *cutoff = Some(merged);
        self.before
            .store(merged.before().as_millis().saturating_add(1), Ordering::Release);
    }

    /// The moment, if there is one.
    pub(super) fn before(&self) -> Option<UnixMs> {
        self.before.load(Ordering::Acquire).checked_sub(1).map(UnixMs::new)
    }

    pub(super) fn expire(&self, now: UnixMs) {
        let mut cutoff = self.cutoff.lock().unwrap_or_else(PoisonError::into_inner);
        if cutoff.is_some_and(|cutoff| cutoff.expiry().is_past(now)) {
            *cutoff = None;
            self.before.store(0, Ordering::Release);
        }
    }
}
