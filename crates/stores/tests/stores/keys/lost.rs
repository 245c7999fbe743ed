//! Stores that lost their keys: what those who knew them do, and those who come later.

use std::sync::Arc;

use keyturn_core::{
    error::Code,
    session::{Manager, RefreshRequest},
    store::{Purpose, Store},
};
use keyturn_stores::MemoryStore;

use super::{code, every, maintain, open, rotate, signing, start, stored, verify};
use crate::{
    redis_server::{RedisServer, eventually, open as redis},
    support::{at, settle, wait},
};

/// Puts what one store holds in the place of what the other one does, as somebody does who finds it empty.
fn replace(store: &dyn Store, by: &dyn Store) {
    for purpose in Purpose::ALL {
        let (old, new) = (stored(store, purpose), stored(by, purpose));
        assert_eq!(wait(|done| store.save_keys(new.clone(), old.version, done)), Ok(new));
    }
}

/// Both sign, refresh and check CSRF tokens by the same keys.
fn agree(here: &Arc<Manager>, there: &Arc<Manager>, second: u64) {
    for (one, other) in [(here, there), (there, here)] {
        let issued = start(one, at(second));
        assert_eq!(verify(other, &issued.access_token, at(second)), Ok(()));
        let sid = issued.record.sid;
        let csrf = one.csrf().unwrap().token(&sid, at(second));
        assert!(other.csrf().unwrap().matches(&sid, &csrf));
        let request = RefreshRequest::new(&issued.refresh_token);
        settle(|answer| other.refresh(&request, at(second), answer)).unwrap();
    }
}

#[test]
fn a_store_that_lost_its_keys_gets_them_back_from_whoever_has_them() {
    let store: Arc<dyn Store> = Arc::new(MemoryStore::new());
    let manager = open(Arc::clone(&store), None).unwrap();
    let before = stored(store.as_ref(), Purpose::Signing);
    let kid = rotate(&manager, at(1));
    let lost = stored(store.as_ref(), Purpose::Signing);
    // An older version, as after a failover that lost the last write.
    wait(|done| store.save_keys(before, lost.version, done)).unwrap();
    settle(|answer| manager.learn_keys(at(2), answer)).unwrap();
    assert_eq!(signing(&manager), kid, "its loss is not ours");
    maintain(&manager, at(3));
    let other = open(Arc::clone(&store), None).unwrap();
    assert_eq!(signing(&other), kid);
    assert!(stored(store.as_ref(), Purpose::Signing).version > lost.version);
}

#[test]
fn keys_that_were_made_anew_under_the_same_version_are_taken_over() {
    let store: Arc<dyn Store> = Arc::new(MemoryStore::new());
    let here = open(Arc::clone(&store), None).unwrap();
    let before = start(&here, at(0));
    let other: Arc<dyn Store> = Arc::new(MemoryStore::new());
    let _maker = open(Arc::clone(&other), None).unwrap();
    replace(store.as_ref(), other.as_ref());
    let there = open(Arc::clone(&store), None).unwrap();
    assert_ne!(signing(&here), signing(&there));
    settle(|answer| here.learn_keys(at(1), answer)).unwrap();
    assert_eq!(signing(&here), signing(&there));
    agree(&here, &there, 2);
    // What the lost keys made is refused as anything that is not of our making.
    let refused = settle(|answer| here.refresh(&RefreshRequest::new(&before.refresh_token), at(3), answer));
    assert_eq!(code(refused).0, Code::RefreshInvalid);
    assert_eq!(verify(&here, &before.access_token, at(3)), Err(Code::KeyUnknown));
}

#[test]
fn a_rotation_begins_with_the_keys_that_were_made_anew() {
    let store: Arc<dyn Store> = Arc::new(MemoryStore::new());
    let here = open(Arc::clone(&store), None).unwrap();
    let other: Arc<dyn Store> = Arc::new(MemoryStore::new());
    let _maker = open(Arc::clone(&other), None).unwrap();
    replace(store.as_ref(), other.as_ref());
    let there = open(Arc::clone(&store), None).unwrap();
    let issued = start(&there, at(1));
    rotate(&here, at(1));
    settle(|answer| here.rotate_secrets(at(1), answer)).unwrap();
    settle(|answer| there.learn_keys(at(2), answer)).unwrap();
    assert_eq!(
        verify(&there, &issued.access_token, at(2)),
        Ok(()),
        "nothing of it is lost"
    );
    assert_eq!(verify(&here, &issued.access_token, at(2)), Ok(()));
    let request = RefreshRequest::new(&issued.refresh_token);
    settle(|answer| here.refresh(&request, at(2), answer)).unwrap();
    agree(&here, &there, 3);
}

#[test]
fn of_two_that_rotated_from_one_version_the_one_that_is_stored_holds() {
    let store: Arc<dyn Store> = Arc::new(MemoryStore::new());
    let [here, there] = [0, 1].map(|_| open(Arc::clone(&store), every(48)).unwrap());
    let first = stored(store.as_ref(), Purpose::Signing);
    rotate(&here, at(1));
    // A fail-over to a replica that had not heard of it, on which the other one rotates.
    wait(|done| store.save_keys(first, 2, done)).unwrap();
    let kid = rotate(&there, at(2));
    assert_eq!(stored(store.as_ref(), Purpose::Signing).version, 2);
    settle(|answer| here.learn_keys(at(3), answer)).unwrap();
    assert_eq!(signing(&here), kid);
    agree(&here, &there, 4);
}

#[test]
fn on_redis_the_other_hosts_hear_of_keys_that_were_made_anew_under_the_same_version() {
    let Some(server) = RedisServer::start() else { return };
    let here = open(Arc::new(server.store()), None).unwrap();
    open(
        Arc::new(redis(&format!("{}?prefix=other:", server.url())).unwrap()),
        None,
    )
    .unwrap();
    // The first may come while the connection is still being made.
    std::thread::sleep(std::time::Duration::from_millis(1500));
    server.cli(&["copy", "other:{shared}:keys", "keyturn:{shared}:keys", "replace"]);
    let there = open(Arc::new(server.store()), None).unwrap();
    eventually("it signs with the others' keys", || signing(&here) == signing(&there));
    agree(&here, &there, 1);
}
