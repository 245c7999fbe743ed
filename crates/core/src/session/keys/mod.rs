//! The keys that the store keeps for sessions, as this process knows them: the ring that signs access tokens, and the refresh
//! and CSRF keys. Every thread of the process shares them.

mod adopt;
mod change;
mod learn;
mod options;
mod secrets;

use std::sync::{
    Arc, Mutex, MutexGuard, OnceLock, PoisonError,
    atomic::{AtomicBool, Ordering},
};

use super::{CsrfKeys, RefreshKeys};
use crate::{
    crypto::Digest,
    error::{Code, Error},
    keys::{LiveKeys, MasterKeys, Ring, RingPolicy, SealedBy},
    store::Purpose,
    time::UnixMs,
};

pub(super) use change::{Change, Edit};
use learn::Learning;
pub use options::KeyOptions;
use secrets::{SecretPolicy, Secrets};

/// The keys of one store.
#[derive(Default)]
pub(super) struct SessionKeys {
    masters: OnceLock<Option<MasterKeys>>,
    policy: OnceLock<Policies>,
    held: Mutex<Held>,
    signing: OnceLock<Arc<LiveKeys>>,
    refresh: OnceLock<Arc<RefreshKeys>>,
    csrf: OnceLock<Arc<CsrfKeys>>,
    learning: Mutex<Learning>,
    /// Whether the store held something at the last look that could not be read.
    unreadable: AtomicBool,
}

/// How the keys rotate.
#[derive(Clone, Debug, Eq, PartialEq)]
struct Policies {
    ring: RingPolicy,
    secrets: SecretPolicy,
}

/// The keys as they were last read or stored.
#[derive(Default)]
struct Held {
    csrf: Option<Known<Secrets>>,
    refresh: Option<Known<Secrets>>,
    signing: Option<Known<Ring>>,
}

/// A ring and where it stands.
#[derive(Clone)]
struct Known<T> {
    ring: T,
    version: u64,
    /// Of the document: a store that has lost one may get another of the same version.
    digest: Digest,
    /// The version that the store holds: less, if it has lost what it once had.
    stored: u64,
    sealed_by: SealedBy,
}

impl SessionKeys {
    /// Settles the master key, once for all users of the store.
    pub(super) fn settle_masters(&self, masters: Option<&MasterKeys>) -> Result<(), Error> {
        if self.masters.get_or_init(|| masters.cloned()).as_ref() == masters {
            return Ok(());
        }
        Err(Error::because(
            Code::OptionInvalid,
            "this store is in use in this process with another master key",
        ))
    }

    /// Settles how keys rotate, once for all users that leave the keys to the store.
    pub(super) fn settle_policy(&self, ring: &RingPolicy) -> Result<(), Error> {
        let policies = Policies::of(ring);
        if *self.policy.get_or_init(|| policies.clone()) == policies {
            return Ok(());
        }
        Err(Error::because(
            Code::OptionInvalid,
            "this store is in use in this process with other options for its keys",
        ))
    }

    /// The signing keys, which follow the ring. [`Code::NotReady`] before they have been read.
    pub(super) fn signing(&self) -> Result<Arc<LiveKeys>, Error> {
        self.signing.get().cloned().ok_or(Code::NotReady.into())
    }

    /// The refresh keys, which follow the store's. [`Code::NotReady`] before they have been read.
    pub(super) fn refresh(&self) -> Result<Arc<RefreshKeys>, Error> {
        self.refresh.get().cloned().ok_or(Code::NotReady.into())
    }

    /// The CSRF keys, which follow the store's. [`Code::NotReady`] before they have been read.
    pub(super) fn csrf(&self) -> Result<Arc<CsrfKeys>, Error> {
        self.csrf.get().cloned().ok_or(Code::NotReady.into())
    }

    /// Whether other processes have stored keys that this one cannot read.
    pub(super) fn are_unreadable(&self) -> bool {
        self.unreadable.load(Ordering::Relaxed)
    }

    /// Looks at the signing ring.
    pub(super) fn ring<T>(&self, read: impl FnOnce(&Ring) -> T) -> Result<T, Error> {
        let held = self.lock();
        let signing = held.signing.as_ref().ok_or(Error::from(Code::NotReady))?;
        Ok(read(&signing.ring))
    }

    /// Whether anything is to be done about the keys of a purpose at `now`.
    pub(super) fn is_due(&self, purpose: Purpose, now: UnixMs) -> bool {
        let held = self.lock();
        let past = |turn: Option<UnixMs>| turn.is_some_and(|turn| turn <= now);
        match purpose {
            Purpose::Signing => held
                .signing
                .as_ref()
                .is_none_or(|held| self.is_unsettled(held) || past(held.ring.next_change())),
            Purpose::Refresh | Purpose::Csrf => held.secrets(purpose).is_none_or(|held| {
                let is_due = match self.policy.get() {
                    Some(policies) => held.ring.is_due(&policies.secrets, now),
                    // With keys of one's own there is no timetable; what was superseded goes all the same.
                    None => held.ring.is_due(&SecretPolicy::UNSCHEDULED, now),
                };
                self.is_unsettled(held) || is_due
            }),
        }
    }

    /// Whether the store lacks what this process has, or holds it under another seal.
    fn is_unsettled<T>(&self, held: &Known<T>) -> bool {
        held.stored != held.version || (self.masters().is_some() && held.sealed_by != SealedBy::Current)
    }

    fn masters(&self) -> Option<&MasterKeys> {
        self.masters.get().and_then(Option::as_ref)
    }

    fn lock(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Policies {
    /// Two refresh keys verify, so one signs for at least as long as its predecessor stays.
    fn of(ring: &RingPolicy) -> Self {
        let secrets = SecretPolicy {
            rotate_every: ring.rotate_every.map(|every| every.max(ring.keep_for)),
            keep_for: ring.keep_for,
        };
        Self {
            ring: ring.clone(),
            secrets,
        }
    }
}

impl Held {
    fn secrets(&self, purpose: Purpose) -> Option<&Known<Secrets>> {
        match purpose {
            Purpose::Csrf => self.csrf.as_ref(),
            Purpose::Refresh => self.refresh.as_ref(),
            Purpose::Signing => None,
        }
    }

    fn secrets_mut(&mut self, purpose: Purpose) -> &mut Option<Known<Secrets>> {
        match purpose {
            Purpose::Csrf => &mut self.csrf,
            Purpose::Refresh | Purpose::Signing => &mut self.refresh,
        }
    }
}
