//! The session manager: keys, settings, store and revocation index put to work together.
//!
//! Methods that need the store return at once and answer through a callback, once, on whatever thread the store finished
//! on. The order of every end is: durable in the store, then visible in the index, then acknowledged. If the store cannot
//! be reached an end is made visible here at once, kept to be stored later, and still reported as failed.

mod answer;
mod ending;
mod freshness;
mod issuing;
mod keys;
mod opening;
mod pairing;
mod presented;
mod refreshing;
mod renewing;
mod rights;
mod settling;
mod shared;
mod stateless;
mod upkeep;
mod waiting;

use std::sync::{
    Arc, OnceLock,
    atomic::{AtomicBool, Ordering},
};

use super::{
    CsrfKeys, KeyOptions, RefreshKeys, SessionId, Settings, access_token::AccessTokens, past_token::PastTokens,
};
use crate::{
    error::{Code, Error},
    jwt::{RevocationCheck, Scratch, Verified, Verifier},
    keys::{Key, KeySet, LiveKeys, MasterKeys},
    random::{BufferedRandom, Random},
    time::UnixMs,
};

pub use answer::{Answer, Checked, Decision, Failure, Granted, Issued, RefreshRequest, Renewal, SignIn};
pub use shared::Shared;
pub use upkeep::Forget;
pub use waiting::{StoredLate, Unstored};

/// Signs users in, keeps them signed in and signs them out.
pub struct Manager {
    settings: Settings,
    shared: Arc<Shared>,
    random: Arc<dyn Random>,
    /// For what has to be unique and is no secret.
    unique: BufferedRandom,
    configured: Option<Arc<LiveKeys>>,
    masters: OnceLock<MasterKeys>,
    ready: OnceLock<Ready>,
    closed: AtomicBool,
}

/// What there is once the store's keys and revocations have been loaded.
struct Ready {
    access: AccessTokens,
    verifier: Verifier,
    past: PastTokens,
    refresh: Arc<RefreshKeys>,
    csrf: Arc<CsrfKeys>,
}

impl Manager {
    /// A manager over a shared store. `None` for `keys` means a ring in the store.
    pub fn new(
        settings: Settings,
        shared: Arc<Shared>,
        keys: impl Into<KeyOptions>,
        random: Arc<dyn Random>,
    ) -> Result<Arc<Self>, Error> {
        settings.check()?;
        let options = keys.into();
        let policy = options.policy(&settings)?;
        let configured = options.given.map(with_names).transpose()?;
        if let Some(keys) = &configured {
            keys.snapshot().signing_key()?;
        }
        if *shared.settings.get_or_init(|| settings.clone()) != settings {
            return Err(Error::because(
                Code::OptionInvalid,
                "this store is in use in this process with other options",
            ));
        }
        if configured.is_none() {
            shared.keys.settle_policy(&policy)?;
        }
        shared.users.fetch_add(1, Ordering::AcqRel);
        Ok(Arc::new(Self {
            settings,
            shared,
            unique: BufferedRandom::new(Arc::clone(&random)),
            random,
            configured,
            masters: options.masters.map_or_else(OnceLock::new, OnceLock::from),
            ready: OnceLock::new(),
            closed: AtomicBool::new(false),
        }))
    }

    /// Verifies an access token of these sessions. No I/O.
    pub fn verify<'s>(&'s self, token: &[u8], now: UnixMs, scratch: &'s mut Scratch) -> Result<Verified<'s>, Error> {
        let verified = self
            .ready()?
            .verifier
            .verify(token, now, Some(&self.shared.index), scratch);
        if let Err(error) = verified
            && self.configured.is_none()
            && matches!(error.code(), Code::KeyUnknown | Code::AlgorithmNotAllowed)
        {
            // Another process may have rotated just now. Who can wait does so with `learn_keys`.
            self.shared.learn_keys(now, None);
        }
        verified
    }

    /// What refuses revoked tokens, also those of other issuers. [`Code::NotReady`] before it can say.
    pub fn revocation_check(&self) -> Result<&dyn RevocationCheck, Error> {
        self.ready()?;
        Ok(&self.shared.index)
    }

    /// Takes note of activity of a session. No I/O.
    pub fn note_activity(&self, sid: SessionId, at: UnixMs) {
        self.shared.activity.note(sid, at);
    }

    /// The CSRF keys.
    pub fn csrf(&self) -> Result<&CsrfKeys, Error> {
        Ok(&self.ready()?.csrf)
    }

    /// The keys that verify these sessions' access tokens at `now`.
    pub fn keys(&self, now: UnixMs) -> Result<Arc<KeySet>, Error> {
        Ok(self.ready()?.verifier.keys_at(now))
    }

    /// The settings.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// The state shared with every other user of the store.
    pub fn shared(&self) -> &Arc<Shared> {
        &self.shared
    }

    /// Whether everything has been loaded.
    pub fn is_ready(&self) -> bool {
        self.ready.get().is_some()
    }

    /// [`Code::NotReady`] or [`Code::StoreClosed`] as long as nothing can be answered.
    pub fn check_ready(&self) -> Result<(), Error> {
        self.ready().map(|_| ())
    }

    fn ready(&self) -> Result<&Ready, Error> {
        if self.closed.load(Ordering::Acquire) {
            return Err(Code::StoreClosed.into());
        }
        self.ready.get().ok_or(Code::NotReady.into())
    }
}

/// Sessions that were collected, or whose thread ended, without having been closed.
impl Drop for Manager {
    fn drop(&mut self) {
        if !self.closed.swap(true, Ordering::AcqRel) {
            self.shared.leave(Box::new(|_| {}));
        }
    }
}

/// The same keys, each with a `kid`, which an access token names.
fn with_names(keys: Arc<LiveKeys>) -> Result<Arc<LiveKeys>, Error> {
    let set = keys.snapshot();
    if set.keys().iter().all(|key| key.kid().is_some()) {
        return Ok(keys);
    }
    let named = set.keys().iter().map(Key::named).collect::<Result<Vec<_>, _>>()?;
    Ok(Arc::new(KeySet::new(named)?.into()))
}
