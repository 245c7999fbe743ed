//! Keys that change while verifiers use them: a ring that rotates, a remote set that was fetched again.

use std::sync::{
    Arc, PoisonError, RwLock,
    atomic::{AtomicU64, Ordering},
};

use super::KeySet;

/// The keys that hold now, with a number that changes whenever they do. Any thread may read and replace them.
///
/// Asking for the number costs one atomic load, so a verifier may keep what it derived from the keys for as long as the
/// number stays the same.
#[derive(Debug)]
pub struct LiveKeys {
    set: RwLock<Arc<KeySet>>,
    version: AtomicU64,
}

impl LiveKeys {
    /// Keys that hold from now on.
    pub fn new(set: KeySet) -> Self {
        Self {
            set: RwLock::new(Arc::new(set)),
            version: AtomicU64::new(1),
        }
    }

    /// Changes with every [`LiveKeys::replace`]; never 0.
    pub fn version(&self) -> u64 {
        // Acquire, with the release of `replace`: who sees the new number finds the new keys.
        self.version.load(Ordering::Acquire)
    }

    /// The keys that hold now.
    pub fn snapshot(&self) -> Arc<KeySet> {
        Arc::clone(&self.set.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Puts other keys in their place. A verification that is under way finishes with the old ones.
    pub fn replace(&self, set: KeySet) {
        let mut current = self.set.write().unwrap_or_else(PoisonError::into_inner);
        *current = Arc::new(set);
        self.version.fetch_add(1, Ordering::Release);
    }
}

impl From<KeySet> for LiveKeys {
    fn from(set: KeySet) -> Self {
        Self::new(set)
    }
}
