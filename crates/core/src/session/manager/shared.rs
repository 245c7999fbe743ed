//! What every user of one store shares in one process.

use std::sync::{
    Arc, Mutex, OnceLock,
    atomic::{AtomicBool, AtomicUsize, Ordering},
};

use crate::{
    revocation::RevocationIndex,
    session::{ActivityLog, Settings},
    store::{EndAsk, Store},
};

/// What every user of one store shares in one process.
pub struct Shared {
    /// The store.
    pub store: Arc<dyn Store>,
    /// What is revoked.
    pub index: RevocationIndex,
    /// Activity that is not stored yet.
    pub activity: ActivityLog,
    /// Ends that are not stored yet.
    pub(super) pending: Mutex<Vec<EndAsk>>,
    /// The settings of the first user; every further one must have the same.
    pub(super) settings: OnceLock<Settings>,
    /// Managers that have not been closed. The last one closes the store.
    pub(super) users: AtomicUsize,
    pub(super) closed: AtomicBool,
    /// Set when a step's outcome is unknown: the store may hold a revocation that the index has not heard of.
    pub(super) unsure: AtomicBool,
}

impl Shared {
    /// The shared state over `store`, which from now on feeds the index with what other processes revoke.
    pub fn new(store: Arc<dyn Store>, index: RevocationIndex) -> Arc<Self> {
        let shared = Arc::new(Self {
            store,
            index,
            activity: ActivityLog::default(),
            pending: Mutex::default(),
            settings: OnceLock::new(),
            users: AtomicUsize::new(0),
            closed: AtomicBool::new(false),
            unsure: AtomicBool::new(false),
        });
        let weak = Arc::downgrade(&shared);
        shared.store.watch(Box::new(move |revocations| {
            if let Some(shared) = weak.upgrade() {
                for revocation in revocations {
                    shared.index.insert(revocation);
                }
            }
        }));
        shared
    }

    /// Whether the store has been closed, so that a new user needs a new one.
    pub fn is_closed(&self) -> bool {
        self.closed.load(Ordering::Acquire)
    }
}
