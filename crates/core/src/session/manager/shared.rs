//! What every user of one store shares in one process.

use std::sync::{
    Arc, Mutex, OnceLock, PoisonError,
    atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering},
};

use super::waiting::Waiting;
use crate::{
    revocation::RevocationIndex,
    session::{ActivityLog, ClockWatch, ContentionLog, Settings, keys::SessionKeys},
    store::{Done, Lives, Store, StoreError},
    time::UnixMs,
};

/// What every user of one store shares in one process.
pub struct Shared {
    /// The store.
    pub store: Arc<dyn Store>,
    /// What is revoked.
    pub index: RevocationIndex,
    /// Activity that is not stored yet.
    pub activity: ActivityLog,
    /// The keys that it keeps.
    pub(in crate::session) keys: SessionKeys,
    /// Who seems to share a session with somebody.
    pub contention: ContentionLog,
    /// How far this host's clock is from the store's.
    pub clock: ClockWatch,
    /// What is in force here and not stored yet.
    pub(super) waiting: Mutex<Waiting>,
    /// The settings of the first user; every further one must have the same.
    pub(super) settings: OnceLock<Settings>,
    /// Managers that have not been closed. The last one closes the store.
    pub(super) users: AtomicUsize,
    pub(super) closed: AtomicBool,
    /// Set when a step's outcome is unknown: the store may hold a revocation that the index has not heard of.
    pub(super) unsure: AtomicBool,
    /// When it was first noticed that this is so, in Unix milliseconds plus one; 0 while it is not.
    pub(super) unsure_since: AtomicU64,
    /// The longest lives ever used with the store.
    pub(super) lives: Mutex<Lives>,
}

impl Shared {
    /// The shared state over `store`, which from now on feeds the index with what other processes revoke.
    pub fn new(store: Arc<dyn Store>, index: RevocationIndex) -> Arc<Self> {
        let shared = Arc::new(Self {
            store,
            index,
            activity: ActivityLog::default(),
            keys: SessionKeys::default(),
            contention: ContentionLog::default(),
            clock: ClockWatch::default(),
            waiting: Mutex::default(),
            settings: OnceLock::new(),
            users: AtomicUsize::new(0),
            closed: AtomicBool::new(false),
            unsure: AtomicBool::new(false),
            unsure_since: AtomicU64::new(0),
            lives: Mutex::default(),
        });
        let weak = Arc::downgrade(&shared);
        shared.store.watch(Box::new(move |revocations| {
            if let Some(shared) = weak.upgrade() {
                for revocation in revocations {
                    shared.index.insert(revocation);
                }
            }
        }));
        let weak = Arc::downgrade(&shared);
        shared.store.watch_keys(Box::new(move || {
            if let Some(shared) = weak.upgrade() {
                shared.keys_changed();
            }
        }));
        shared
    }

    /// The longest lives ever used with the store.
    pub(super) fn lives(&self) -> Lives {
        *self.lives.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes in what the store knows of longer lives.
    pub(super) fn learn(&self, lives: Lives) {
        let mut known = self.lives.lock().unwrap_or_else(PoisonError::into_inner);
        *known = known.longest(lives);
    }

    /// Now, for a cut-off: so late as it may be for anybody who shares the store.
    pub fn latest_now(&self, now: UnixMs) -> UnixMs {
        now.plus(self.store.clock_skew())
    }

    /// One user less; the last one closes the store, after what is being stored late.
    pub(super) fn leave(&self, done: Done<()>) {
        if self.users.fetch_sub(1, Ordering::AcqRel) > 1 {
            return done(Ok(()));
        }
        self.closed.store(true, Ordering::Release);
        let store = Arc::clone(&self.store);
        self.once_settled(Box::new(move || store.close(done)));
    }

    /// After a failure whose outcome is unknown the revocations are read again at the next turn of the upkeep.
    pub(super) fn doubt(&self, error: &StoreError) {
        if !error.untouched {
            self.unsure.store(true, Ordering::Release);
        }
    }

    /// Whether the store has been closed, so that a new user needs a new one.
    pub fn is_closed(&self) -> bool {
        self.closed.load(Ordering::Acquire)
    }
}
