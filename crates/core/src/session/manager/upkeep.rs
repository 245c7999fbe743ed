//! What is done from time to time, and at the end.

use std::sync::{Arc, atomic::Ordering};

use super::{Answer, Failure, Manager};
use crate::{
    revocation::Revocation,
    session::{ClockState, Record, Strategy},
    store::StoreError,
    time::UnixMs,
};

/// What a turn of the upkeep may forget.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Forget {
    /// Expired revocations, here and in the store, and sessions that are past use.
    EverywherePast,
    /// Expired revocations in this process.
    HerePast,
    /// Nothing: the clock is not to be trusted at the moment.
    Nothing,
}

impl Manager {
    /// The live sessions of a subject, the oldest first.
    pub fn list(self: &Arc<Self>, subject: String, now: UnixMs, done: Answer<Vec<Record>>) {
        if let Err(error) = self.ready() {
            return done(Err(error.into()));
        }
        let manager = Arc::clone(self);
        self.shared.store.list(
            subject,
            now,
            Box::new(move |records| {
                let fresh = |mut record: Record| {
                    record.touch(manager.shared.activity.seen(&record.sid).unwrap_or_default());
                    record
                };
                let live = |records: Vec<Record>| {
                    records
                        .into_iter()
                        .map(fresh)
                        // A store that ends sessions one by one may have been stopped behind the cut-off that killed them.
                        .filter(|record| record.is_live(now))
                        .filter(|record| !manager.shared.index.reaches_session(&record.sid, &record.subject))
                        .collect()
                };
                done(records.map(live).map_err(Failure::from));
            }),
        );
    }

    /// Stores the activity seen so far and the ends that wait; makes a step of forgetting expired revocations, does what is due
    /// about the keys in the store, and lets it delete what is past use, as `forget` allows. To be called every few seconds; the answer comes when the activity is stored.
    ///
    /// Forgetting cannot be undone, so it is not for a clock that may be ahead: never at the end of time, which stands for a
    /// broken one, and never while this host is far off the store's time.
    pub fn maintain(self: &Arc<Self>, now: UnixMs, forget: Forget, done: Answer<()>) {
        let is_wrong = now == UnixMs::MAX || self.shared.clock.state() == ClockState::Wrong;
        let forget = if is_wrong { Forget::Nothing } else { forget };
        if forget != Forget::Nothing {
            self.expire(now);
            self.keep_keys(now);
        }
        self.store_late(now);
        if forget == Forget::EverywherePast {
            self.shared.store.purge(now, Box::new(|_| {}));
        }
        let manager = Arc::clone(self);
        if self.notice_doubt(now) || self.shared.index.is_full() {
            // What a clock that may be ahead calls expired is read all the same.
            let unexpired_at = if forget == Forget::Nothing {
                UnixMs::default()
            } else {
                now
            };
            self.reload(unexpired_at, Box::new(move || manager.store_activity(now, done)));
        } else {
            manager.store_activity(now, done);
        }
    }

    /// The time of the store, if it has a clock: to be compared with this host's ([`crate::session::ClockWatch::compare`])
    /// before the first answer, and every few seconds.
    pub fn store_time(&self, done: Answer<Option<UnixMs>>) {
        self.shared
            .store
            .time(Box::new(|time| done(time.map_err(Failure::from))));
    }

    /// One step of forgetting expired revocations in this process, well under a millisecond: `true` if it was the last one of
    /// a round over all of them. For the same clocks as [`Manager::maintain`].
    pub fn expire(&self, now: UnixMs) -> bool {
        now == UnixMs::MAX || self.shared.index.expire(now)
    }

    fn store_activity(&self, now: UnixMs, done: Answer<()>) {
        let mut batch = self.shared.activity.batch();
        if self.settings.strategy == Strategy::Renewal {
            // Nobody remembers the session: it counts here as long as a token could have been issued before it.
            batch.retain(|(_, at)| at.plus(self.settings.access_ttl) < now);
            self.shared.activity.stored(&batch);
            return done(Ok(()));
        }
        if batch.is_empty() {
            return done(Ok(()));
        }
        let shared = Arc::clone(&self.shared);
        // No session goes back behind what is recorded of it, so nothing is recorded that has yet to come.
        let latest = shared.clock.latest(now);
        let past = batch.iter().map(|(sid, at)| (*sid, latest.min(*at))).collect();
        self.shared.store.touch(
            past,
            Box::new(move |stored| {
                if stored.is_ok() {
                    shared.activity.stored(&batch);
                }
                done(stored.map_err(Failure::from));
            }),
        );
    }

    /// Reads every unexpired revocation again; a failure leaves it to the next turn.
    fn reload(&self, now: UnixMs, then: Box<dyn FnOnce() + Send>) {
        let shared = Arc::clone(&self.shared);
        let take = move |revocations: Result<Vec<Revocation>, StoreError>| {
            match revocations {
                Ok(revocations) => {
                    shared.index.reload(&revocations);
                    if !shared.unsure.load(Ordering::Acquire) {
                        shared.unsure_since.store(0, Ordering::Release);
                    }
                }
                Err(_) => shared.unsure.store(true, Ordering::Release),
            }
            then();
        };
        self.shared.store.revocations(now, Box::new(take));
    }

    /// Stores what has been seen and lets go of the store, which closes with its last user. A second call does nothing.
    pub fn close(self: &Arc<Self>, now: UnixMs, done: Answer<()>) {
        if self.closed.swap(true, Ordering::AcqRel) {
            return done(Ok(()));
        }
        let manager = Arc::clone(self);
        self.maintain(
            now,
            Forget::Nothing,
            Box::new(move |stored| {
                let finish = move |closed: Result<(), StoreError>| done(stored.and(closed.map_err(Failure::from)));
                manager.shared.leave(Box::new(finish));
            }),
        );
    }
}
