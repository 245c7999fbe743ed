//! The keys that a store keeps: sealed, rotated by one process and seen by all, taken over from older files.

use std::{
    fs,
    path::Path,
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

use keyturn_core::{
    crypto::Algorithm,
    error::{Code, Error},
    jwt::Scratch,
    keys::{KeyDocument, KeyState, MasterKey, MasterKeys, RingPolicy},
    random::SystemRandom,
    session::{Failure, Forget, Issued, KeyOptions, Manager},
    store::{Purpose, Store, StoredKeys},
    time::{Span, UnixMs},
};
use keyturn_stores::{MemoryStore, SqliteStore};
use rusqlite::Connection;

use crate::{
    faults::{Fault, FaultyStore},
    support::{START, at, settings, settle, shared, sign_in, wait},
};

const HOUR: u64 = 3600;

fn masters(current: u8, previous: Option<u8>) -> MasterKeys {
    let key = |byte| MasterKey::from_bytes(&[byte; 32]).unwrap();
    MasterKeys {
        current: key(current),
        previous: previous.map(key),
    }
}

fn sealed_by(masters: MasterKeys) -> KeyOptions {
    KeyOptions {
        masters: Some(masters),
        ..KeyOptions::default()
    }
}

fn every(hours: u64) -> KeyOptions {
    KeyOptions {
        ring: Some(RingPolicy {
            algorithm: Algorithm::EdDsa,
            rotate_every: Some(Span::from_secs(hours * HOUR)),
            publish_for: Span::from_secs(HOUR),
            keep_for: Span::ZERO,
        }),
        ..KeyOptions::default()
    }
}

fn closed(store: Arc<dyn Store>, options: impl Into<KeyOptions>) -> Arc<Manager> {
    Manager::new(settings(), shared(store), options, Arc::new(SystemRandom::new())).unwrap()
}

fn open_at(store: Arc<dyn Store>, options: impl Into<KeyOptions>, now: UnixMs) -> Result<Arc<Manager>, Failure> {
    let manager = closed(store, options);
    settle(|answer| manager.open(now, answer)).map(|()| manager)
}

fn open(store: Arc<dyn Store>, options: impl Into<KeyOptions>) -> Result<Arc<Manager>, Failure> {
    open_at(store, options, START)
}

fn sqlite(path: &Path) -> Arc<dyn Store> {
    Arc::new(SqliteStore::open(path).unwrap())
}

fn code<T>(result: Result<T, Failure>) -> (Code, Option<&'static str>) {
    match result {
        Ok(_) => panic!("it should have been refused"),
        Err(failure) => (failure.error.code(), failure.error.reason()),
    }
}

fn start(manager: &Arc<Manager>, now: UnixMs) -> Issued {
    settle(|answer| manager.start(&sign_in("alice"), now, answer)).unwrap()
}

fn verify(manager: &Manager, token: &str, now: UnixMs) -> Result<(), Code> {
    let verified = manager
        .verify(token.as_bytes(), now, &mut Scratch::default())
        .map(|_| ());
    verified.map_err(Error::code)
}

fn rotate(manager: &Arc<Manager>, now: UnixMs) -> String {
    settle(|answer| manager.rotate_key(now, answer)).unwrap()
}

fn maintain(manager: &Arc<Manager>, now: UnixMs) {
    settle(|answer| manager.maintain(now, Forget::HerePast, answer)).unwrap();
}

fn states(manager: &Manager) -> Vec<(String, KeyState)> {
    let read = |ring: &keyturn_core::keys::Ring| {
        let keys = ring.keys().iter();
        keys.map(|held| (held.key.kid().unwrap().to_owned(), held.state))
            .collect()
    };
    manager.ring(read).unwrap()
}

fn signing(manager: &Manager) -> String {
    states(manager)[0].0.clone()
}

fn stored(store: &dyn Store, purpose: Purpose) -> StoredKeys {
    let all = wait(|done| store.keys(done)).unwrap();
    all.into_iter().find(|keys| keys.purpose == purpose).unwrap()
}

/// Every secret in the store, as it would stand in a file that is not sealed.
fn secrets(store: &dyn Store, masters: Option<&MasterKeys>) -> Vec<Vec<u8>> {
    let mut secrets = Vec::new();
    for purpose in Purpose::ALL {
        let (document, _) = KeyDocument::decode(&stored(store, purpose), masters).unwrap();
        for key in document.keys {
            secrets.push(key.secret.to_vec());
            let hex = key.secret.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
            secrets.push(hex.into_bytes());
        }
    }
    secrets
}

fn holds_any(path: &Path, secrets: &[Vec<u8>]) -> bool {
    ["db", "db-wal", "db-shm"].iter().any(|extension| {
        let bytes = fs::read(path.with_extension(extension)).unwrap_or_default();
        secrets
            .iter()
            .any(|secret| bytes.windows(secret.len()).any(|window| window == secret))
    })
}

#[test]
fn a_sealed_file_holds_no_key() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("keyturn.db");
    let store = sqlite(&path);
    let sealing = masters(1, None);
    let manager = open(Arc::clone(&store), sealed_by(sealing.clone())).unwrap();
    let issued = start(&manager, at(0));
    rotate(&manager, at(1));
    settle(|answer| manager.rotate_secrets(at(1), answer)).unwrap();
    let secrets = secrets(store.as_ref(), Some(&sealing));
    assert_eq!(secrets.len(), 2 * (2 + 2 + 2));
    start(&manager, at(2));
    assert!(fs::metadata(path.with_extension("db-wal")).unwrap().len() > 0);
    assert!(!holds_any(&path, &secrets));
    assert_eq!(verify(&manager, &issued.access_token, at(2)), Ok(()));
    settle(|answer| manager.close(at(2), answer)).unwrap();
    assert!(!holds_any(&path, &secrets));
}

#[test]
fn an_open_file_is_sealed_once_there_is_a_master_key_and_the_same_keys_go_on() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("keyturn.db");
    let store = sqlite(&path);
    let manager = open(Arc::clone(&store), None).unwrap();
    let issued = start(&manager, at(0));
    let secrets = secrets(store.as_ref(), None);
    assert!(holds_any(&path, &secrets));
    settle(|answer| manager.close(at(1), answer)).unwrap();

    let store = sqlite(&path);
    let manager = open(Arc::clone(&store), sealed_by(masters(1, None))).unwrap();
    assert!(KeyDocument::decode(&stored(store.as_ref(), Purpose::Refresh), None).is_err());
    assert_eq!(verify(&manager, &issued.access_token, at(2)), Ok(()));
    assert!(settle(|answer| manager.refresh(&issued.refresh_token, None, at(2), answer)).is_ok());
    assert!(!holds_any(&path, &secrets), "nothing of them stays behind in the file");
    settle(|answer| manager.close(at(3), answer)).unwrap();
    assert!(!holds_any(&path, &secrets));
}

#[test]
fn a_missing_or_wrong_master_key_is_an_error_and_never_a_new_ring() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("keyturn.db");
    let first = open(sqlite(&path), sealed_by(masters(1, None))).unwrap();
    let issued = start(&first, at(0));
    settle(|answer| first.close(at(0), answer)).unwrap();
    let versions = || {
        wait(|done| sqlite(&path).keys(done))
            .unwrap()
            .iter()
            .map(|keys| keys.version)
            .collect::<Vec<_>>()
    };
    let before = versions();
    assert_eq!(code(open(sqlite(&path), None)), (Code::MasterKey, Some("missing")));
    assert_eq!(
        code(open(sqlite(&path), sealed_by(masters(2, None)))),
        (Code::MasterKey, Some("wrong"))
    );
    assert_eq!(
        code(open(sqlite(&path), sealed_by(masters(2, Some(3))))),
        (Code::MasterKey, Some("wrong"))
    );
    assert_eq!(versions(), before, "nothing was written");
    let again = open(sqlite(&path), sealed_by(masters(1, None))).unwrap();
    assert_eq!(verify(&again, &issued.access_token, at(1)), Ok(()));
}

#[test]
fn a_new_master_key_opens_with_the_one_before_and_seals_by_itself() {
    let store: Arc<dyn Store> = FaultyStore::new(Arc::new(MemoryStore::new()));
    let old = open(Arc::clone(&store), sealed_by(masters(1, None))).unwrap();
    let issued = start(&old, at(0));
    let new = open(Arc::clone(&store), sealed_by(masters(2, Some(1)))).unwrap();
    assert_eq!(verify(&new, &issued.access_token, at(1)), Ok(()));
    let alone = open(Arc::clone(&store), sealed_by(masters(2, None))).unwrap();
    assert_eq!(signing(&alone), signing(&new));
    assert_eq!(
        code(open(Arc::clone(&store), sealed_by(masters(1, None)))),
        (Code::MasterKey, Some("wrong"))
    );

    // A process that has not been started anew yet goes on with the keys that it has, and changes none.
    settle(|answer| old.learn_keys(at(2), answer)).unwrap();
    let late = start(&old, at(2));
    assert_eq!(verify(&new, &late.access_token, at(2)), Ok(()));
    assert_eq!(
        code(settle(|answer| old.rotate_key(at(3), answer))),
        (Code::MasterKey, Some("wrong"))
    );
}

#[test]
fn the_users_of_one_store_in_a_process_have_one_master_key_and_one_timetable() {
    let state = shared(Arc::new(MemoryStore::new()));
    let make =
        |options: KeyOptions| Manager::new(settings(), Arc::clone(&state), options, Arc::new(SystemRandom::new()));
    let first = make(sealed_by(masters(1, None))).unwrap();
    settle(|answer| first.open(START, answer)).unwrap();
    assert!(make(every(24)).is_err());
    for other in [KeyOptions::default(), sealed_by(masters(2, None))] {
        let second = make(other).unwrap();
        assert_eq!(code(settle(|answer| second.open(START, answer))).0, Code::OptionInvalid);
    }
    let late = make(KeyOptions::default()).unwrap();
    late.use_master_keys(masters(1, None)).unwrap();
    assert!(late.use_master_keys(masters(1, None)).is_ok());
    assert!(late.use_master_keys(masters(2, None)).is_err());
    settle(|answer| late.open(START, answer)).unwrap();
}

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
    assert!(settle(|answer| here.refresh(&before.refresh_token, None, at(20), answer)).is_ok());
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
    let refresh = |manager: &Arc<Manager>, token: &str, now| settle(|answer| manager.refresh(token, None, now, answer));
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
    let next = settle(|answer| there.refresh(&issued.refresh_token, None, at(2), answer)).unwrap();
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
    let revoked = settle(|answer| manager.revoke_key(signing(&manager), at(1), answer));
    assert_eq!(code(revoked).0, Code::StoreUnavailable);
    assert_eq!(verify(&manager, &issued.access_token, at(1)), Err(Code::TokenRevoked));
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
fn keys_of_an_older_file_are_taken_over() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("keyturn.db");
    let first = open(sqlite(&path), None).unwrap();
    let issued = start(&first, at(0));
    let kid = signing(&first);
    settle(|answer| first.close(at(1), answer)).unwrap();
    drop(first);
    back_to_the_first_version(&path);
    let second = open_at(sqlite(&path), None, at(1)).unwrap();
    assert_eq!(signing(&second), kid);
    assert_eq!(verify(&second, &issued.access_token, at(2)), Ok(()));
    let csrf = second.csrf().unwrap().token(&issued.record.sid, at(2));
    assert!(second.csrf().unwrap().matches(&issued.record.sid, &csrf));
    assert!(settle(|answer| second.refresh(&issued.refresh_token, None, at(2), answer)).is_ok());
    rotate(&second, at(3));
    let tables: i64 = Connection::open(&path)
        .unwrap()
        .query_row(
            "SELECT count(*) FROM sqlite_master WHERE name = 'keyturn_keys'",
            [],
            |row| row.get(0),
        )
        .unwrap();
    assert_eq!(tables, 0);
}

/// Puts the keys back where the first version had them: one row a key, in a table of their own.
fn back_to_the_first_version(path: &Path) {
    let db = Connection::open(path).unwrap();
    db.execute_batch(
        "CREATE TABLE keyturn_keys (purpose TEXT NOT NULL, kid TEXT NOT NULL, algorithm TEXT, secret BLOB NOT NULL,
             created_at INTEGER NOT NULL, PRIMARY KEY (purpose, kid)) STRICT, WITHOUT ROWID;
         INSERT INTO keyturn_keys SELECT purpose, key.value ->> 'kid', key.value ->> 'alg', unhex(key.value ->> 'secret'),
             key.value ->> 'since' FROM keyturn_key_documents, json_each(CAST(document AS TEXT), '$.keys') AS key;
         DROP TABLE keyturn_key_documents;
         UPDATE keyturn_meta SET value = 1",
    )
    .unwrap();
}
