//! Where the signing keys come from, and how those of the store rotate.

use std::sync::Arc;

use crate::{
    crypto::Algorithm,
    error::{Code, Error},
    keys::{LiveKeys, MasterKeys, RingPolicy},
    session::Settings,
    time::Span,
};

/// How long caches may keep the JWK Set, and the longest that a change takes to reach another process.
const HEARD_OF: Span = Span::from_secs(300 + 1);

/// How long the next key is published by default, as by `createKeyRing`.
const PUBLISHED_FOR: Span = Span::from_secs(3600);

/// The keys of a set of sessions.
#[derive(Debug, Default)]
pub struct KeyOptions {
    /// Keys of the application's own: the first that can sign signs and all of them verify, also as they change. `None`: the
    /// store keeps a ring.
    pub given: Option<Arc<LiveKeys>>,
    /// The timetable of the store's ring; `None`: Ed25519 keys that rotate when they are told to. `keep_for` is set to the
    /// sessions' absolute limit: no token of a key can be verified, exchanged or paired for longer.
    pub ring: Option<RingPolicy>,
    /// What seals the keys in the store; `None`: nothing does, unless [`super::Manager::use_master_keys`] says so.
    pub masters: Option<MasterKeys>,
}

impl KeyOptions {
    /// The timetable for sessions with these settings. [`Code::OptionInvalid`] for one that cannot be kept.
    pub(in crate::session) fn policy(&self, settings: &Settings) -> Result<RingPolicy, Error> {
        let asked = self.ring.clone().unwrap_or(RingPolicy {
            algorithm: Algorithm::EdDsa,
            rotate_every: None,
            publish_for: PUBLISHED_FOR,
            keep_for: Span::ZERO,
        });
        let policy = RingPolicy {
            keep_for: settings.absolute,
            ..asked
        };
        if !policy.algorithm.is_symmetric() && policy.publish_for < HEARD_OF {
            return Err(Error::because(
                Code::OptionInvalid,
                "keys.publishFor takes 301 seconds or more: caches keep a JWK Set for five minutes",
            ));
        }
        let refused = |reason| Err(Error::because(Code::OptionInvalid, reason));
        match policy.check(1) {
            Ok(()) => Ok(policy),
            Err(_) if policy.rotate_every == Some(Span::ZERO) => {
                refused("keys.rotateEvery must be longer than nothing")
            }
            Err(_) if policy.rotate_every.is_some_and(|every| policy.publish_for > every) => {
                refused("keys.publishFor must not be longer than keys.rotateEvery: one key is announced at a time")
            }
            Err(_) => refused("keys.rotateEvery is too short for absolute: more than 32 keys would have to verify"),
        }
    }
}

impl From<Option<Arc<LiveKeys>>> for KeyOptions {
    fn from(given: Option<Arc<LiveKeys>>) -> Self {
        Self {
            given,
            ..Self::default()
        }
    }
}
