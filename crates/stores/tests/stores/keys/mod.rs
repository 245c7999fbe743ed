//! The keys that a store keeps: sealed, rotated by one process and seen by all, taken over from older files.

mod lost;
mod model;
mod rotation;
mod sealing;

use std::{path::Path, sync::Arc};

use keyturn_core::{
    crypto::Algorithm,
    error::{Code, Error},
    jwt::Scratch,
    keys::{KeyState, MasterKey, MasterKeys, Ring, RingPolicy},
    random::SystemRandom,
    session::{Failure, Forget, Issued, KeyOptions, Manager},
    store::{Purpose, Store, StoredKeys},
    time::{Span, UnixMs},
};
use keyturn_stores::SqliteStore;

use crate::support::{START, settings, settle, shared, sign_in, wait};

pub(super) fn masters(current: u8, previous: Option<u8>) -> MasterKeys {
    let key = |byte| MasterKey::from_bytes(&[byte; 32]).unwrap();
    MasterKeys {
        current: key(current),
        previous: previous.map(key),
    }
}

pub(super) fn sealed_by(masters: MasterKeys) -> KeyOptions {
    KeyOptions {
        masters: Some(masters),
        ..KeyOptions::default()
    }
}

pub(super) fn every(hours: u64) -> KeyOptions {
    KeyOptions {
        ring: Some(RingPolicy {
            algorithm: Algorithm::EdDsa,
            rotate_every: Some(Span::from_secs(hours * 3600)),
            publish_for: Span::from_secs(3600),
            keep_for: Span::ZERO,
        }),
        ..KeyOptions::default()
    }
}

pub(super) fn open_at(
    store: Arc<dyn Store>,
    options: impl Into<KeyOptions>,
    now: UnixMs,
) -> Result<Arc<Manager>, Failure> {
    let manager = Manager::new(settings(), shared(store), options, Arc::new(SystemRandom::new())).unwrap();
    settle(|answer| manager.open(now, answer)).map(|()| manager)
}

pub(super) fn open(store: Arc<dyn Store>, options: impl Into<KeyOptions>) -> Result<Arc<Manager>, Failure> {
    open_at(store, options, START)
}

pub(super) fn sqlite(path: &Path) -> Arc<dyn Store> {
    Arc::new(SqliteStore::open(path).unwrap())
}

pub(super) fn code<T>(result: Result<T, Failure>) -> (Code, Option<&'static str>) {
    match result {
        Ok(_) => panic!("it should have been refused"),
        Err(failure) => (failure.error.code(), failure.error.reason()),
    }
}

pub(super) fn start(manager: &Arc<Manager>, now: UnixMs) -> Issued {
    settle(|answer| manager.start(&sign_in("alice"), now, answer)).unwrap()
}

pub(super) fn verify(manager: &Manager, token: &str, now: UnixMs) -> Result<(), Code> {
    let verified = manager
        .verify(token.as_bytes(), now, &mut Scratch::default())
        .map(|_| ());
    verified.map_err(Error::code)
}

pub(super) fn rotate(manager: &Arc<Manager>, now: UnixMs) -> String {
    settle(|answer| manager.rotate_key(now, answer)).unwrap()
}

pub(super) fn maintain(manager: &Arc<Manager>, now: UnixMs) {
    settle(|answer| manager.maintain(now, Forget::HerePast, answer)).unwrap();
}

pub(super) fn states(manager: &Manager) -> Vec<(String, KeyState)> {
    let read = |ring: &Ring| {
        let keys = ring.keys().iter();
        keys.map(|held| (held.key.kid().unwrap().to_owned(), held.state))
            .collect()
    };
    manager.ring(read).unwrap()
}

pub(super) fn signing(manager: &Manager) -> String {
    states(manager)[0].0.clone()
}

pub(super) fn stored(store: &dyn Store, purpose: Purpose) -> StoredKeys {
    let all = wait(|done| store.keys(done)).unwrap();
    all.into_iter().find(|keys| keys.purpose == purpose).unwrap()
}
