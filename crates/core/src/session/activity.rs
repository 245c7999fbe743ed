//! User activity that has been seen and not stored yet.
//!
//! Requests note it without I/O; a timer stores it in batches. A crash loses at most one batch, which can end a session
//! early and never late. At its bound the log takes no further sessions and counts them: the same kind of loss.

use std::sync::atomic::{AtomicU64, Ordering};

use dashmap::DashMap;

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
    /// Notes activity; an earlier time changes nothing. No I/O.
    pub fn note(&self, sid: SessionId, at: UnixMs) {
        if let Some(mut noted) = self.seen.get_mut(&sid) {
            *noted = at.max(*noted);
            return;
        }
        // Reading the size locks every shard in turn, so it is left to a session's first note.
        if self.seen.len() >= CAPACITY {
            // Relaxed: a counter for an operator, nothing depends on it.
            self.dropped.fetch_add(1, Ordering::Relaxed);
            return;
        }
        // Another thread may have been quicker.
        let mut noted = self.seen.entry(sid).or_insert(at);
        *noted = at.max(*noted);
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
