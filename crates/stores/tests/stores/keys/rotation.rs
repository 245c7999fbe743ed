//! Rotation by one process, seen by all, without a logout.

use std::{
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

use keyturn_core::{
    crypto::Algorithm,
    error::Code,
    keys::{Key, KeyDocument, KeySet, LiveKeys},
    random::SystemRandom,
    session::{Manager, RefreshRequest},
    store::{Purpose, Store},
};
use keyturn_stores::MemoryStore;

use super::{code, every, maintain, open, rotate, signing, sqlite, start, states, stored, verify};
use crate::{
    faults::{Fault, FaultyStore},
    support::{at, settle},
};

const HOUR: u64 = 3600;

#[test]
fn one_process_rotates_and_the_others_follow_without_a_logout() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("keyturn.db");
    let [here, there] = [0, 1].map(|_| open(sqlite(&path), None).unwrap());
    let before = start(&there, at(0));
    for round in 1..=10 {
        let kid = rotate(&here, at(round));
        let stored = Instant::now();
        while signing(&there) != kid {
            assert!(stored.elapsed() < Duration::from_secs(5), "it never heard of it");
            thread::sleep(Duration::from_millis(2));
        }
        let issued = start(&here, at(round));
        assert_eq!(verify(&there, &issued.access_token, at(round)), Ok(()));
        assert_eq!(verify(&here, &start(&there, at(round)).access_token, at(round)), Ok(()));
    }
    assert_eq!(verify(&here, &before.access_token, at(20)), Ok(()));
    assert!(settle(|answer| here.refresh(&RefreshRequest::new(&before.refresh_token), at(20), answer)).is_ok());
    assert_eq!(states(&here), states(&there));
}

#[test]
fn a_process_that_has_not_heard_of_a_key_yet_reads_once_more() {
    // Two processes on a store that tells nobody anything.
    let store: Arc<dyn Store> = Arc::new(MemoryStore::new());
    let [here, there] = [0, 1].map(|_| open(Arc::clone(&store), None).unwrap());
    rotate(&here, at(1));
    let issued = start(&here, at(1));
    assert_eq!(verify(&there, &issued.access_token, at(1)), Err(Code::KeyUnknown));
    assert_eq!(
        verify(&there, &issued.access_token, at(1)),
        Ok(()),
        "the first look has made it read"
    );
    rotate(&here, at(1));
    let issued = start(&here, at(1));
    for _ in 0..3 {
        assert_eq!(
            verify(&there, &issued.access_token, at(1)),
            Err(Code::KeyUnknown),
            "once a second"
        );
    }
    settle(|answer| there.learn_keys(at(2), answer)).unwrap();
    assert_eq!(verify(&there, &issued.access_token, at(2)), Ok(()));
}

#[test]
fn refresh_and_csrf_keys_rotate_without_a_logout_and_the_successor_stays_the_same_bytes() {
    let store: Arc<dyn Store> = Arc::new(MemoryStore::new());
    let [here, there] = [0, 1].map(|_| open(Arc::clone(&store), None).unwrap());
    let refresh = |manager: &Arc<Manager>, token: &str, now| {
        settle(|answer| manager.refresh(&RefreshRequest::new(token), now, answer))
    };
    let issued = start(&here, at(0));
    let csrf = here.csrf().unwrap().token(&issued.record.sid, at(0));
    settle(|answer| here.rotate_secrets(at(1), answer)).unwrap();
    settle(|answer| here.rotate_secrets(at(1), answer)).unwrap();

    // Announced only: both go on under the old key.
    let first = refresh(&here, &issued.refresh_token, at(60)).unwrap().issued;
    assert_eq!(first.record.refresh_key, 0);
    // The new one signs now; what was a successor before stays the same to the letter.
    let replay = refresh(&here, &issued.refresh_token, at(61)).unwrap().issued;
    assert_eq!(replay.refresh_token, first.refresh_token);
    let second = refresh(&here, &first.refresh_token, at(62)).unwrap().issued;
    assert_eq!(second.record.refresh_key, 1);
    // A process that slept through it reads the keys once more.
    let replay = refresh(&there, &first.refresh_token, at(63)).unwrap().issued;
    assert_eq!(replay.refresh_token, second.refresh_token);
    let third = refresh(&there, &second.refresh_token, at(64)).unwrap().issued;
    assert_eq!(third.record.generation, 3);
    let keys = there.csrf().unwrap();
    assert!(keys.matches(&issued.record.sid, &csrf));
    assert_ne!(keys.token(&issued.record.sid, at(64)), csrf);
    assert!(
        here.csrf()
            .unwrap()
            .matches(&issued.record.sid, &keys.token(&issued.record.sid, at(64)))
    );
}

#[test]
fn the_schedule_publishes_rotates_and_drops_whoever_looks_first() {
    let store: Arc<dyn Store> = Arc::new(MemoryStore::new());
    let managers = [0, 1].map(|_| open(Arc::clone(&store), every(48)).unwrap());
    let count = |managers: &[Arc<Manager>; 2], hours: u64| {
        for manager in managers {
            maintain(manager, at(hours * HOUR));
            settle(|answer| manager.learn_keys(at(hours * HOUR), answer)).unwrap();
        }
        settle(|answer| managers[0].learn_keys(at(hours * HOUR + 1), answer)).unwrap();
        assert_eq!(states(&managers[0]), states(&managers[1]));
        states(&managers[0])
            .iter()
            .map(|(_, state)| state.as_str())
            .collect::<Vec<_>>()
    };
    let first = signing(&managers[0]);
    assert_eq!(count(&managers, 46), ["active"]);
    assert_eq!(count(&managers, 47), ["active", "published"]);
    assert_eq!(signing(&managers[0]), first);
    assert_eq!(count(&managers, 48), ["active", "retiring"]);
    assert_ne!(signing(&managers[1]), first);
    assert_eq!(count(&managers, 71), ["active", "retiring"]);
    assert_eq!(count(&managers, 73), ["active"]);
    let secrets = |purpose| {
        KeyDocument::decode(&stored(store.as_ref(), purpose), None)
            .unwrap()
            .0
            .keys
    };
    for purpose in [Purpose::Csrf, Purpose::Refresh] {
        let kids: Vec<_> = secrets(purpose).into_iter().map(|key| key.kid).collect();
        assert_eq!(kids, ["1"], "they follow the same timetable");
    }
    assert_eq!(
        stored(store.as_ref(), Purpose::Signing).version,
        4,
        "each step was one change"
    );
}

#[test]
fn a_revoked_key_takes_its_tokens_with_it_everywhere() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("keyturn.db");
    let [here, there] = [0, 1].map(|_| open(sqlite(&path), None).unwrap());
    let kid = signing(&here);
    let issued = start(&there, at(0));
    settle(|answer| here.revoke_key(kid.clone(), at(1), answer)).unwrap();
    assert!(verify(&here, &issued.access_token, at(1)).is_err());
    let stored = Instant::now();
    while verify(&there, &issued.access_token, at(1)).is_ok() || signing(&there) == kid {
        assert!(stored.elapsed() < Duration::from_secs(5), "it never heard of it");
        thread::sleep(Duration::from_millis(2));
    }
    let next = settle(|answer| there.refresh(&RefreshRequest::new(&issued.refresh_token), at(2), answer)).unwrap();
    assert_eq!(
        verify(&here, &next.issued.access_token, at(2)),
        Ok(()),
        "nobody is signed out"
    );
    settle(|answer| here.revoke_key(kid, at(3), answer)).unwrap();
    let unknown = settle(|answer| here.revoke_key("nobody".into(), at(3), answer));
    assert_eq!(code(unknown).0, Code::OptionInvalid);
}

#[test]
fn a_key_is_revoked_here_though_the_store_is_down() {
    let store = FaultyStore::new(Arc::new(MemoryStore::new()));
    let manager = open(store.clone(), None).unwrap();
    let issued = start(&manager, at(0));
    store.fail_next(Fault::Before);
    let kid = signing(&manager);
    let revoked = settle(|answer| manager.revoke_key(kid.clone(), at(1), answer));
    assert_eq!(code(revoked).0, Code::StoreUnavailable);
    assert_eq!(verify(&manager, &issued.access_token, at(1)), Err(Code::TokenRevoked));
    maintain(&manager, at(2));
    let other = open(store, None).unwrap();
    assert_ne!(signing(&other), kid, "it is taken out as soon as the store is back");
    assert!(verify(&other, &issued.access_token, at(2)).is_err());
    let next = settle(|answer| manager.refresh(&RefreshRequest::new(&issued.refresh_token), at(3), answer)).unwrap();
    assert_eq!(verify(&other, &next.issued.access_token, at(3)), Ok(()));
}

#[test]
fn a_change_whose_outcome_is_unknown_is_found_out_by_the_next_one() {
    for fault in [Fault::Before, Fault::After] {
        let inner: Arc<dyn Store> = Arc::new(MemoryStore::new());
        let store = FaultyStore::new(Arc::clone(&inner));
        let manager = open(store.clone(), None).unwrap();
        let first = signing(&manager);
        store.fail_next(fault);
        assert_eq!(
            code(settle(|answer| manager.rotate_key(at(1), answer))).0,
            Code::StoreUnavailable
        );
        assert_eq!(signing(&manager), first, "what is not known to be stored signs nothing");
        settle(|answer| manager.learn_keys(at(2), answer)).unwrap();
        assert_eq!(signing(&manager) == first, fault == Fault::Before);
        rotate(&manager, at(3));
        let other = open(inner, None).unwrap();
        assert_eq!(states(&other), states(&manager));
    }
}

#[test]
fn superseded_secrets_go_also_where_the_application_brings_its_own_keys() {
    let key = Key::generate(Algorithm::Hs256, Some("own"), &SystemRandom::new()).unwrap();
    let keys: Arc<LiveKeys> = Arc::new(KeySet::new([key]).unwrap().into());
    let manager = open(Arc::new(MemoryStore::new()), Some(keys)).unwrap();
    let issued = start(&manager, at(0));
    let csrf = manager.csrf().unwrap().token(&issued.record.sid, at(0));
    settle(|answer| manager.rotate_secrets(at(1), answer)).unwrap();
    let is_known = |now: u64| {
        maintain(&manager, at(now));
        (
            manager.session_of(&issued.refresh_token, at(now)).is_ok(),
            manager.csrf().unwrap().matches(&issued.record.sid, &csrf),
        )
    };
    assert_eq!(is_known(1 + 60 + 24 * HOUR - 1), (true, true));
    assert_eq!(is_known(1 + 60 + 24 * HOUR), (false, false));
}
