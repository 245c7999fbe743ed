//! User activity that has been seen and not stored yet.
//!
//! Requests note it without I/O; a timer stores it in batches. A crash loses at most one batch, which can end a session
//! early and never late. At its bound the log takes no further sessions and counts them: the same kind of loss.

use std::sync::atomic::{AtomicU64, Ordering};

use dashmap::{DashMap, mapref::entry::Entry};

use super::SessionId;
use crate::time::UnixMs;

/// How many sessions can be noted between two batches.
const CAPACITY: usize = 1_000_000;

/// The latest activity of sessions, shared by every thread of the process.
#[derive(Debug, Default)]
pub struct ActivityLog {
    seen: DashMap<SessionId, UnixMs>,
    dropped: AtomicU64,
}

impl ActivityLog {
    /// Notes activity; an earlier time changes nothing. No I/O, about 50 ns.
    pub fn note(&self, sid: SessionId, at: UnixMs) {
        // The size is read before the entry is locked: reading it locks every shard in turn.
        let full = self.seen.len() >= CAPACITY;
        match self.seen.entry(sid) {
            Entry::Occupied(mut there) => {
                let later = at.max(*there.get());
                *there.get_mut() = later;
            }
            Entry::Vacant(free) if !full => {
                free.insert(at);
            }
            // Relaxed: a counter for an operator, nothing depends on it.
            Entry::Vacant(_) => {
                self.dropped.fetch_add(1, Ordering::Relaxed);
            }
        }
    }

    /// The latest activity that is not stored yet.
    pub fn seen(&self, sid: &SessionId) -> Option<UnixMs> {
        self.seen.get(sid).map(|at| *at)
    }

    /// A copy of everything noted. It stays noted until [`ActivityLog::stored`] says that it is safe.
    pub fn batch(&self) -> Vec<(SessionId, UnixMs)> {
        self.seen.iter().map(|entry| (*entry.key(), *entry.value())).collect()
    }

    /// Drops what has been stored; what was noted since stays.
    pub fn stored(&self, batch: &[(SessionId, UnixMs)]) {
        for (sid, at) in batch {
            self.seen.remove_if(sid, |_, noted| noted <= at);
        }
    }

    /// How often activity was dropped because the log was full.
    pub fn dropped(&self) -> u64 {
        self.dropped.load(Ordering::Relaxed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::SystemRandom;

    fn sid() -> SessionId {
        SessionId::generate(UnixMs::new(1), &SystemRandom::new()).unwrap()
    }

    #[test]
    fn the_latest_time_is_kept_until_it_is_stored() {
        let (log, sid) = (ActivityLog::default(), sid());
        log.note(sid, UnixMs::new(5));
        log.note(sid, UnixMs::new(3));
        assert_eq!(log.seen(&sid), Some(UnixMs::new(5)));
        let batch = log.batch();
        assert_eq!(batch, [(sid, UnixMs::new(5))]);
        log.note(sid, UnixMs::new(8));
        log.stored(&batch);
        assert_eq!(
            log.seen(&sid),
            Some(UnixMs::new(8)),
            "what came after the batch is not lost"
        );
        log.stored(&log.batch());
        assert_eq!(log.seen(&sid), None);
        assert_eq!(log.dropped(), 0);
    }
}
