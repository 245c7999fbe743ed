//! Hearing of what other processes did: the store says so, or a token names a key that is not known here.

use std::sync::{Arc, MutexGuard, PoisonError, atomic::Ordering};

use crate::{
    session::Shared,
    store::StoredKeys,
    time::{Span, UnixMs},
};

/// How long after one look the next one may follow. Anybody can make up a `kid`; that must not become a read each.
const COOL_DOWN: Span = Span::from_secs(1);

/// After which time without a look one is taken anyway, should the store have failed to say something.
const STALE: Span = Span::from_secs(60);

/// How many wait for one look; further ones are answered at once.
const MAX_WAITING: usize = 1024;

/// Is called after a look, or at once if there is none to wait for.
type Looked = Box<dyn FnOnce() + Send>;

/// Looks at the store, one at a time.
#[derive(Default)]
pub(super) struct Learning {
    is_under_way: bool,
    /// Whether the store has spoken up while a look was under way, which may have been too early.
    again: bool,
    last: Option<UnixMs>,
    waiting: Vec<Looked>,
}

impl Shared {
    /// Reads the keys again for a token whose key is not known here, unless that was done within the last second.
    pub(in crate::session) fn learn_keys(self: &Arc<Self>, now: UnixMs, looked: Option<Looked>) {
        let mut learning = self.learning();
        if learning.is_under_way {
            if learning.waiting.len() < MAX_WAITING {
                learning.waiting.extend(looked);
                return;
            }
        } else if learning
            .last
            .is_none_or(|last| now < last || now.since(last) >= COOL_DOWN)
        {
            learning.is_under_way = true;
            learning.last = Some(now);
            learning.waiting.extend(looked);
            drop(learning);
            return self.look();
        }
        drop(learning);
        if let Some(looked) = looked {
            looked();
        }
    }

    /// Reads the keys again if nothing has asked for it for a minute.
    pub(in crate::session) fn refresh_keys(self: &Arc<Self>, now: UnixMs) {
        let last = self.learning().last;
        if last.is_none_or(|last| now < last || now.since(last) >= STALE) {
            self.learn_keys(now, None);
        }
    }

    /// Reads the keys again because the store says that they have changed.
    pub(in crate::session) fn keys_changed(self: &Arc<Self>) {
        let mut learning = self.learning();
        if learning.is_under_way {
            learning.again = true;
            return;
        }
        learning.is_under_way = true;
        drop(learning);
        self.look();
    }

    /// Reads the keys again because a session's record names one that is not known here, which nobody can make up.
    pub(in crate::session) fn read_keys(self: &Arc<Self>, looked: Looked) {
        let mut learning = self.learning();
        if learning.waiting.len() >= MAX_WAITING {
            drop(learning);
            return looked();
        }
        learning.waiting.push(looked);
        if std::mem::replace(&mut learning.is_under_way, true) {
            return;
        }
        drop(learning);
        self.look();
    }

    fn look(self: &Arc<Self>) {
        let shared = Arc::clone(self);
        self.store.keys(Box::new(move |loaded| {
            if let Ok(stored) = loaded {
                shared.take(&stored);
            }
            let mut learning = shared.learning();
            let waiting = std::mem::take(&mut learning.waiting);
            let again = std::mem::take(&mut learning.again);
            learning.is_under_way = again;
            drop(learning);
            if again {
                shared.look();
            }
            for looked in waiting {
                looked();
            }
        }));
    }

    /// What cannot be read leaves the keys as they are: a process that has another master key goes on with those it has.
    fn take(&self, stored: &[StoredKeys]) {
        if self.keys.masters.get().is_none() {
            return;
        }
        self.keys.miss(stored);
        let mut is_readable = true;
        for document in stored {
            is_readable &= self.keys.adopt(document).is_ok();
        }
        // Relaxed: for an operator, nothing depends on it.
        self.keys.unreadable.store(!is_readable, Ordering::Relaxed);
    }

    fn learning(&self) -> MutexGuard<'_, Learning> {
        self.keys.learning.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
