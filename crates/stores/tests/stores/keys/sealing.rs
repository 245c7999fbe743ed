//! Sealing: what a file shows, which master key opens it, and what becomes of keys that have lain open.

use std::{fs, path::Path, sync::Arc};

use keyturn_core::{
    error::Code,
    keys::{KeyDocument, MasterKeys},
    random::SystemRandom,
    session::{KeyOptions, Manager, RefreshRequest},
    store::{Purpose, Store},
};
use keyturn_stores::MemoryStore;
use rusqlite::Connection;

use super::{code, every, masters, open, rotate, sealed_by, signing, sqlite, start, stored, verify};
use crate::{
    faults::FaultyStore,
    support::{START, at, settings, settle, shared, wait},
};

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
    // So many that their document takes several pages of the file.
    for _ in 0..20 {
        rotate(&manager, at(0));
    }
    let secrets = secrets(store.as_ref(), None);
    assert!(holds_any(&path, &secrets));
    settle(|answer| manager.close(at(1), answer)).unwrap();

    let store = sqlite(&path);
    let manager = open(Arc::clone(&store), sealed_by(masters(1, None))).unwrap();
    assert!(KeyDocument::decode(&stored(store.as_ref(), Purpose::Refresh), None).is_err());
    assert_eq!(verify(&manager, &issued.access_token, at(2)), Ok(()));
    assert!(settle(|answer| manager.refresh(&RefreshRequest::new(&issued.refresh_token), at(2), answer)).is_ok());
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
    assert!(!old.keys_unreadable());
    settle(|answer| old.learn_keys(at(2), answer)).unwrap();
    assert!(old.keys_unreadable());
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
fn keys_of_an_older_file_are_taken_over() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("keyturn.db");
    let first = open(sqlite(&path), None).unwrap();
    let issued = start(&first, at(0));
    let kid = signing(&first);
    settle(|answer| first.close(at(1), answer)).unwrap();
    drop(first);
    back_to_the_first_version(&path);
    let second = open(sqlite(&path), None).unwrap();
    assert_eq!(signing(&second), kid);
    assert_eq!(verify(&second, &issued.access_token, at(2)), Ok(()));
    let csrf = second.csrf().unwrap().token(&issued.record.sid, at(2));
    assert!(second.csrf().unwrap().matches(&issued.record.sid, &csrf));
    assert_eq!(second.session_of(&issued.refresh_token, at(2)), Ok(issued.record.sid));
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

#[test]
fn an_older_file_that_is_opened_with_a_master_key_shows_no_key_any_more() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("keyturn.db");
    let store = sqlite(&path);
    let first = open(Arc::clone(&store), None).unwrap();
    let kid = signing(&first);
    let secrets = secrets(store.as_ref(), None);
    settle(|answer| first.close(at(1), answer)).unwrap();
    back_to_the_first_version(&path);
    assert!(holds_any(&path, &secrets));
    let second = open(sqlite(&path), sealed_by(masters(1, None))).unwrap();
    assert_eq!(signing(&second), kid);
    assert!(!holds_any(&path, &secrets));
}

/// Makes of a file one as the first version would have made it, with the same keys: one row a key, and nothing else.
fn back_to_the_first_version(path: &Path) {
    let newer = path.with_extension("newer");
    fs::rename(path, &newer).unwrap();
    let db = Connection::open(path).unwrap();
    db.execute_batch(FIRST_VERSION).unwrap();
    db.execute("ATTACH ?1 AS newer", [newer.to_str().unwrap()]).unwrap();
    db.execute_batch(
        "INSERT INTO keyturn_keys SELECT purpose, key.value ->> 'kid', key.value ->> 'alg', unhex(key.value ->> 'secret'),
             key.value ->> 'since' FROM newer.keyturn_key_documents, json_each(CAST(document AS TEXT), '$.keys') AS key;
         DETACH newer",
    )
    .unwrap();
}

/// The tables of the first version, as they will always have been.
const FIRST_VERSION: &str = "
    CREATE TABLE keyturn_meta (name TEXT PRIMARY KEY, value INTEGER NOT NULL) STRICT;
    INSERT INTO keyturn_meta (name, value) VALUES ('version', 1);
    CREATE TABLE keyturn_sessions (
        sid BLOB PRIMARY KEY,
        subject TEXT NOT NULL,
        generation INTEGER NOT NULL,
        refresh_key INTEGER NOT NULL,
        family BLOB NOT NULL,
        started_at INTEGER NOT NULL,
        rotated_at INTEGER NOT NULL,
        authenticated_at INTEGER NOT NULL,
        last_activity INTEGER NOT NULL,
        idle INTEGER NOT NULL,
        absolute_end INTEGER NOT NULL,
        device TEXT,
        claims TEXT NOT NULL,
        ended_at INTEGER,
        ended_reason TEXT
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX keyturn_sessions_by_subject ON keyturn_sessions (subject, started_at);
    CREATE INDEX keyturn_sessions_by_end ON keyturn_sessions (absolute_end);
    CREATE TABLE keyturn_revocations (
        version INTEGER PRIMARY KEY AUTOINCREMENT,
        kind TEXT NOT NULL,
        id TEXT NOT NULL,
        before INTEGER,
        expires_at INTEGER NOT NULL
    ) STRICT;
    CREATE INDEX keyturn_revocations_by_expiry ON keyturn_revocations (expires_at);
    CREATE TABLE keyturn_keys (
        purpose TEXT NOT NULL,
        kid TEXT NOT NULL,
        algorithm TEXT,
        secret BLOB NOT NULL,
        created_at INTEGER NOT NULL,
        PRIMARY KEY (purpose, kid)
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE keyturn_accounts (
        name TEXT PRIMARY KEY,
        subject TEXT NOT NULL,
        password_hash TEXT NOT NULL,
        roles TEXT NOT NULL,
        permissions TEXT NOT NULL
    ) STRICT, WITHOUT ROWID;
";

/// Every secret in the store, as it would stand in a file that is not sealed.
fn secrets(store: &dyn Store, masters: Option<&MasterKeys>) -> Vec<Vec<u8>> {
    let mut secrets = Vec::new();
    for purpose in Purpose::ALL {
        let (document, _) = KeyDocument::decode(&stored(store, purpose), masters).unwrap();
        for key in document.keys {
            secrets.push(key.secret.to_vec());
            let hex = key
                .secret
                .iter()
                .fold(String::new(), |hex, byte| format!("{hex}{byte:02x}"));
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
