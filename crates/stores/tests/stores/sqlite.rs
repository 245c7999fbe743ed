//! What only a file can do: survive, be damaged, be locked, be read by two processes.

use std::{
    fs,
    path::Path,
    sync::{Arc, Mutex, mpsc},
    thread,
    time::{Duration, Instant},
};

use keyturn_core::{
    error::Code,
    revocation::{Revocation, Target},
    session::{Record, RightsTimes},
    store::{Created, Store, StoreError},
    time::UnixMs,
};
use keyturn_stores::SqliteStore;
use rusqlite::Connection;

use crate::support::{ask, at, session, wait};

fn store(path: &Path) -> SqliteStore {
    SqliteStore::open(path).unwrap()
}

fn try_it(store: &SqliteStore) -> Result<(), StoreError> {
    wait(|done| store.create(session("alice", at(0)).0.into(), done)).map(|_| ())
}

#[test]
fn sessions_and_the_file_mode_survive_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a/b/keyturn.db");
    let (record, family) = session("alice", at(0));
    let first = store(&path);
    wait(|done| first.create(record.clone().into(), done)).unwrap();
    wait(|done| first.refresh(ask(&record, &family, 0, at(1)), done)).unwrap();
    wait(|done| first.close(done)).unwrap();
    assert!(
        !path.with_extension("db-wal").exists(),
        "a clean close leaves no log behind"
    );

    let second = store(&path);
    let list = wait(|done| second.list("alice".into(), at(2), done)).unwrap();
    assert_eq!((list[0].sid, list[0].generation), (record.sid, 1));
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        for name in ["keyturn.db", "keyturn.db-wal", "keyturn.db-shm"] {
            let mode = fs::metadata(path.with_file_name(name)).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600, "{name}");
        }
    }
}

#[test]
fn a_file_that_is_no_database_is_called_that_and_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("notes.txt");
    let text = "shopping list\n".repeat(1000);
    fs::write(&path, &text).unwrap();
    let error = try_it(&store(&path)).unwrap_err();
    assert_eq!(error.code, Code::StoreCorrupt);
    assert!(error.detail.contains("notes.txt"), "{error}");
    assert_eq!(fs::read_to_string(&path).unwrap(), text);
}

#[test]
fn a_file_of_a_newer_version_is_refused_and_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("keyturn.db");
    try_it(&store(&path)).unwrap();
    Connection::open(&path)
        .unwrap()
        .execute("UPDATE keyturn_meta SET value = 99", [])
        .unwrap();
    assert_eq!(try_it(&store(&path)).unwrap_err().code, Code::StoreVersion);
    let version: i64 = Connection::open(&path)
        .unwrap()
        .query_row("SELECT value FROM keyturn_meta", [], |row| row.get(0))
        .unwrap();
    assert_eq!(version, 99);
}

/// What the first version made, for a file that was never opened since.
const FIRST_VERSION: &str = "
    CREATE TABLE keyturn_meta (name TEXT PRIMARY KEY, value INTEGER NOT NULL) STRICT;
    INSERT INTO keyturn_meta VALUES ('version', 1);
    CREATE TABLE keyturn_sessions (
        sid BLOB PRIMARY KEY, subject TEXT NOT NULL, generation INTEGER NOT NULL, refresh_key INTEGER NOT NULL,
        family BLOB NOT NULL, started_at INTEGER NOT NULL, rotated_at INTEGER NOT NULL, authenticated_at INTEGER NOT NULL,
        last_activity INTEGER NOT NULL, idle INTEGER NOT NULL, absolute_end INTEGER NOT NULL, device TEXT,
        claims TEXT NOT NULL, ended_at INTEGER, ended_reason TEXT
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX keyturn_sessions_by_subject ON keyturn_sessions (subject, started_at);
    CREATE INDEX keyturn_sessions_by_end ON keyturn_sessions (absolute_end);
    CREATE TABLE keyturn_revocations (
        version INTEGER PRIMARY KEY AUTOINCREMENT, kind TEXT NOT NULL, id TEXT NOT NULL, before INTEGER,
        expires_at INTEGER NOT NULL
    ) STRICT;
    CREATE INDEX keyturn_revocations_by_expiry ON keyturn_revocations (expires_at);
    CREATE TABLE keyturn_keys (
        purpose TEXT NOT NULL, kid TEXT NOT NULL, algorithm TEXT, secret BLOB NOT NULL, created_at INTEGER NOT NULL,
        PRIMARY KEY (purpose, kid)
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE keyturn_accounts (
        name TEXT PRIMARY KEY, subject TEXT NOT NULL, password_hash TEXT NOT NULL, roles TEXT NOT NULL,
        permissions TEXT NOT NULL
    ) STRICT, WITHOUT ROWID;
";

#[test]
fn a_file_of_the_first_version_is_taken_over_with_its_sessions() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("keyturn.db");
    let (record, family) = session("alice", at(0));
    let old = Connection::open(&path).unwrap();
    old.execute_batch(FIRST_VERSION).unwrap();
    let ms = |time: UnixMs| i64::try_from(time.as_millis()).unwrap();
    old.execute(
        "INSERT INTO keyturn_sessions VALUES (?1, 'alice', 4, 0, ?2, ?3, ?3, ?3, ?3, 3600000, ?4, 'a device', ?5, NULL, NULL)",
        (record.sid.as_bytes(), record.family, ms(at(0)), ms(record.absolute_end), &record.claims),
    )
    .unwrap();
    drop(old);
    // Two processes that open it at once: one takes it over, the other waits for it.
    let (one, other) = (store(&path), store(&path));
    let taken_over = Record {
        generation: 4,
        start_context: None,
        last_context: None,
        rights_at: UnixMs::default(),
        set_at: RightsTimes::default(),
        ..record.clone()
    };
    for store in [&one, &other] {
        let listed = wait(|done| store.list("alice".into(), at(1), done)).unwrap();
        assert_eq!(listed, std::slice::from_ref(&taken_over));
    }
    let refreshed = wait(|done| one.refresh(ask(&record, &family, 4, at(1)), done)).unwrap();
    assert_eq!(refreshed.unwrap().record.generation, 5);
    for store in [one, other] {
        wait(|done| store.close(done)).unwrap();
    }
}

#[test]
fn an_applications_own_tables_and_version_stay_as_they_are() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("app.db");
    let app = Connection::open(&path).unwrap();
    app.execute_batch("CREATE TABLE sessions (mine TEXT); INSERT INTO sessions VALUES ('x'); PRAGMA user_version = 7")
        .unwrap();
    drop(app);
    let shared = store(&path);
    try_it(&shared).unwrap();
    wait(|done| shared.close(done)).unwrap();
    let app = Connection::open(&path).unwrap();
    let mine: String = app
        .query_row("SELECT mine FROM sessions", [], |row| row.get(0))
        .unwrap();
    let version: i64 = app.query_row("PRAGMA user_version", [], |row| row.get(0)).unwrap();
    assert_eq!((mine.as_str(), version), ("x", 7));
}

#[test]
fn a_path_that_cannot_be_written_is_unavailable_and_named() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    fs::write(&file, "").unwrap();
    for path in [file.join("keyturn.db"), folder.path().to_owned()] {
        let error = try_it(&store(&path)).unwrap_err();
        assert_eq!(error.code, Code::StoreUnavailable, "{error}");
        assert!(error.detail.contains(&path.display().to_string()), "{error}");
    }
}

#[test]
fn a_store_that_could_not_be_opened_works_once_the_cause_is_gone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("keyturn.db");
    fs::create_dir(&path).unwrap();
    let store = store(&path);
    assert_eq!(try_it(&store).unwrap_err().code, Code::StoreUnavailable);
    fs::remove_dir(&path).unwrap();
    let deadline = Instant::now() + Duration::from_secs(10);
    while try_it(&store).is_err() {
        assert!(Instant::now() < deadline, "it is tried again by itself");
        thread::sleep(Duration::from_millis(50));
    }
}

#[test]
fn a_file_that_another_process_holds_locked_is_waited_for() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("keyturn.db");
    let store = store(&path);
    try_it(&store).unwrap();
    let holder = Connection::open(&path).unwrap();
    holder.execute_batch("BEGIN IMMEDIATE").unwrap();
    let release = thread::spawn(move || {
        thread::sleep(Duration::from_millis(300));
        holder.execute_batch("COMMIT").unwrap();
    });
    let started = Instant::now();
    try_it(&store).unwrap();
    assert!(started.elapsed() >= Duration::from_millis(250));
    release.join().unwrap();
}

#[test]
fn a_file_that_stays_locked_is_unavailable_and_nothing_is_lost() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("keyturn.db");
    let store = store(&path);
    let (record, family) = session("alice", at(0));
    wait(|done| store.create(record.clone().into(), done)).unwrap();
    let holder = Connection::open(&path).unwrap();
    holder.execute_batch("BEGIN IMMEDIATE").unwrap();
    let refused = wait(|done| store.refresh(ask(&record, &family, 0, at(1)), done));
    assert_eq!(refused.unwrap_err().code, Code::StoreUnavailable);
    holder.execute_batch("COMMIT").unwrap();
    let answer = wait(|done| store.refresh(ask(&record, &family, 0, at(2)), done))
        .unwrap()
        .unwrap();
    assert_eq!(answer.record.generation, 1, "the token was not burnt");
}

#[test]
fn all_who_wait_for_a_locked_file_are_answered_together() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("keyturn.db");
    let store = store(&path);
    try_it(&store).unwrap();
    let holder = Connection::open(&path).unwrap();
    holder.execute_batch("BEGIN IMMEDIATE").unwrap();
    let (sender, receiver) = mpsc::channel();
    let started = Instant::now();
    for n in 0..100 {
        let sender = sender.clone();
        let done = Box::new(move |answer: Result<Created, StoreError>| sender.send(answer.unwrap_err().code).unwrap());
        store.create(session("alice", at(n)).0.into(), done);
    }
    drop(sender);
    let codes: Vec<_> = receiver.iter().collect();
    assert_eq!(codes, [Code::StoreUnavailable; 100]);
    assert!(
        started.elapsed() < Duration::from_secs(30),
        "they waited one after the other"
    );
    holder.execute_batch("COMMIT").unwrap();
    try_it(&store).unwrap();
}

#[test]
fn another_connections_revocations_are_seen_within_the_reach() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("keyturn.db");
    let (here, there) = (store(&path), store(&path));
    let seen = Arc::new(Mutex::new(Vec::new()));
    let sink = Arc::clone(&seen);
    here.watch(Box::new(move |revocations| {
        sink.lock().unwrap().extend_from_slice(revocations);
    }));
    try_it(&here).unwrap();
    for number in 0..20 {
        let target = Target::Token {
            jti: number.to_string(),
        };
        let revocation = Revocation {
            target,
            expires_at: at(100),
        };
        wait(|done| there.revoke(revocation.clone(), done)).unwrap();
        let stored = Instant::now();
        while seen.lock().unwrap().last() != Some(&revocation) {
            assert!(stored.elapsed() < Duration::from_secs(5));
            thread::sleep(Duration::from_millis(1));
        }
    }
}

#[test]
fn a_step_that_fails_takes_no_neighbour_with_it() {
    let folder = tempfile::tempdir().unwrap();
    let store = store(&folder.path().join("keyturn.db"));
    let (record, _) = session("alice", at(0));
    let (sender, receiver) = mpsc::channel();
    // The second of each pair has the same sid and so cannot be stored; they queue up and are committed in groups.
    for n in 0..100 {
        for twin in [false, true] {
            let sender = sender.clone();
            let made = if twin { record.clone() } else { session("bob", at(n)).0 };
            store.create(
                made.into(),
                Box::new(move |answer| sender.send((n, twin, answer.is_ok())).unwrap()),
            );
        }
    }
    drop(sender);
    let answers: Vec<_> = receiver.iter().collect();
    assert_eq!(answers.len(), 200);
    for (n, twin, stored) in answers {
        assert_eq!(stored, !twin || n == 0);
    }
    assert_eq!(wait(|done| store.list("bob".into(), at(100), done)).unwrap().len(), 100);
}

#[test]
fn a_close_waits_for_what_is_queued_and_never_for_a_place_in_the_queue() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("keyturn.db");
    let store = Arc::new(store(&path));
    try_it(&store).unwrap();
    let holder = Connection::open(&path).unwrap();
    holder.execute_batch("BEGIN IMMEDIATE").unwrap();
    let (sender, receiver) = mpsc::channel();
    // The close is asked for on the store's own thread, while the queue is full behind it.
    let (same_store, outcome_of_close) = (Arc::clone(&store), sender.clone());
    store.touch(
        Vec::new(),
        Box::new(move |_| same_store.close(Box::new(move |outcome| outcome_of_close.send(outcome.is_ok()).unwrap()))),
    );
    for n in 0..20_000 {
        let sender = sender.clone();
        store.list(
            n.to_string(),
            at(1),
            Box::new(move |answer| sender.send(answer.is_ok()).unwrap()),
        );
    }
    drop(sender);
    holder.execute_batch("COMMIT").unwrap();
    assert_eq!(receiver.iter().count(), 20_001, "everybody is answered");
}

#[test]
fn a_revocation_that_cannot_be_read_hides_no_other_and_stops_the_store_aloud() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("keyturn.db");
    let (here, there) = (store(&path), store(&path));
    let seen = Arc::new(Mutex::new(Vec::new()));
    let sink = Arc::clone(&seen);
    here.watch(Box::new(move |revocations| {
        sink.lock().unwrap().extend_from_slice(revocations);
    }));
    try_it(&here).unwrap();
    let newer = "INSERT INTO keyturn_revocations (kind, id, expires_at) VALUES ('newer', '', 9999999999999)";
    Connection::open(&path).unwrap().execute(newer, []).unwrap();
    let revocation = Revocation::token("a".into(), at(100));
    wait(|done| there.revoke(revocation.clone(), done)).ok();
    let deadline = Instant::now() + Duration::from_secs(10);
    while seen.lock().unwrap().last() != Some(&revocation) {
        assert!(Instant::now() < deadline, "the readable one never came");
        thread::sleep(Duration::from_millis(5));
    }
    assert_eq!(try_it(&here).unwrap_err().code, Code::StoreCorrupt);
}

#[test]
fn a_file_that_a_newer_keyturn_took_over_meanwhile_is_left_to_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("keyturn.db");
    let store = store(&path);
    try_it(&store).unwrap();
    Connection::open(&path)
        .unwrap()
        .execute("UPDATE keyturn_meta SET value = 99", [])
        .unwrap();
    let deadline = Instant::now() + Duration::from_secs(10);
    while try_it(&store).is_ok() {
        assert!(Instant::now() < deadline, "it went on writing");
        thread::sleep(Duration::from_millis(20));
    }
    assert_eq!(try_it(&store).unwrap_err().code, Code::StoreVersion);
}

#[test]
fn revocations_are_seen_while_another_process_holds_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("keyturn.db");
    let store = store(&path);
    let (sender, receiver) = mpsc::channel();
    let sender = Mutex::new(sender);
    store.watch(Box::new(move |_| sender.lock().unwrap().send(Instant::now()).unwrap()));
    try_it(&store).unwrap();
    let other = Connection::open(&path).unwrap();
    other
        .execute(
            "INSERT INTO keyturn_revocations (kind, id, expires_at) VALUES ('token', 'a', 9999999999999)",
            [],
        )
        .unwrap();
    let stored = Instant::now();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    // A step that has to wait for the lock must not keep the thread from looking.
    let (answer, waiting) = mpsc::channel();
    store.create(
        session("alice", at(0)).0.into(),
        Box::new(move |created| answer.send(created.is_ok()).unwrap()),
    );
    let seen = receiver
        .recv_timeout(Duration::from_secs(4))
        .expect("seen before the lock is given up");
    assert!(seen.duration_since(stored) < Duration::from_secs(2));
    other.execute_batch("COMMIT").unwrap();
    assert!(waiting.recv().unwrap());
}

#[test]
fn a_purge_goes_on_until_nothing_is_left_and_others_come_in_between() {
    let folder = tempfile::tempdir().unwrap();
    let store = store(&folder.path().join("keyturn.db"));
    let (sender, receiver) = mpsc::channel();
    for _ in 0..3000 {
        let sender = sender.clone();
        let done = Box::new(move |answer: Result<Created, StoreError>| sender.send(answer.is_ok()).unwrap());
        store.create(session("alice", at(0)).0.into(), done);
    }
    assert!((0..3000).all(|_| receiver.recv().unwrap()));
    let (record, _) = session("bob", at(86_500));
    wait(|done| store.create(record.clone().into(), done)).unwrap();
    let (sender, receiver) = mpsc::channel();
    let purged = sender.clone();
    store.purge(
        at(86_500),
        Box::new(move |answer| purged.send(("purge", answer.is_ok())).unwrap()),
    );
    store.purge(at(86_500), Box::new(drop));
    store.list(
        "bob".into(),
        at(86_500),
        Box::new(move |answer| sender.send(("list", answer.is_ok())).unwrap()),
    );
    assert_eq!(
        receiver.recv().unwrap(),
        ("list", true),
        "it need not wait for the rest of the purge"
    );
    assert_eq!(receiver.recv().unwrap(), ("purge", true));
    let left = Connection::open(folder.path().join("keyturn.db")).unwrap();
    let left: i64 = left
        .query_row("SELECT count(*) FROM keyturn_sessions", [], |row| row.get(0))
        .unwrap();
    assert_eq!(left, 1);
}
