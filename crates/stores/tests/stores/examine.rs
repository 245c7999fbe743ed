//! The examination of a file: what it sees, and that it leaves no trace.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
};

use keyturn_core::{
    error::Code,
    keys::{KeyDocument, MasterKey, MasterKeys, SealedBy},
    random::SystemRandom,
    revocation::Revocation,
    session::EndReason,
    store::{Purpose, Store, StoredKeys},
    time::UnixMs,
};
use keyturn_stores::{Contents, Examination, SqliteStore, Unexamined, examine};
use rusqlite::Connection;
use tempfile::TempDir;

use crate::support::{at, manager, session, settle, sign_in, wait};

/// A file in a folder that goes away with the test.
struct Bench {
    folder: TempDir,
    path: PathBuf,
}

impl Bench {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key turn%?#.db");
        Self { folder, path }
    }

    fn store(&self) -> SqliteStore {
        SqliteStore::open(&self.path).unwrap()
    }

    /// A closed file with one session, or more.
    fn filled(sessions: u64) -> Self {
        let bench = Self::new();
        let store = bench.store();
        for n in 0..sessions {
            wait(|done| store.create(session("alice", at(n)).0.into(), done)).unwrap();
        }
        wait(|done| store.close(done)).unwrap();
        bench
    }

    /// All files of the folder. What is in the index of a log is left out: within one process SQLite has one mapping of it for
    /// everybody, and who reads leaves a mark there.
    fn all(&self) -> BTreeMap<PathBuf, Vec<u8>> {
        let files = fs::read_dir(self.folder.path()).unwrap();
        let content = |path: &PathBuf| {
            let is_index = path.to_string_lossy().ends_with("-shm");
            if is_index {
                Vec::new()
            } else {
                fs::read(path).unwrap_or_default()
            }
        };
        files
            .map(|file| file.unwrap().path())
            .map(|path| (path.clone(), content(&path)))
            .collect()
    }

    /// The examination, which has changed nothing.
    fn examine(&self, now: UnixMs) -> Result<Examination, Code> {
        let before = self.all();
        let outcome = examine(&self.path, now, None).map_err(|error| match error {
            Unexamined::LogAlone => panic!("it has an index"),
            Unexamined::Refused(error) => error.code,
        });
        assert!(self.all() == before, "it left a trace");
        outcome
    }

    fn sql(&self, statements: &str) {
        Connection::open(&self.path).unwrap().execute_batch(statements).unwrap();
    }
}

fn contents(examination: Examination) -> Contents {
    examination.contents.unwrap().unwrap()
}

#[test]
fn a_healthy_file_is_counted_and_nothing_is_found() {
    let bench = Bench::new();
    let store = bench.store();
    let (live, _) = session("alice", at(0));
    let (mut ended, mut idle, mut overdue) = (
        session("bob", at(0)).0,
        session("eve", at(0)).0,
        session("eve", at(1)).0,
    );
    ended.end(at(4000), EndReason::Logout);
    idle.last_activity = at(10);
    overdue.absolute_end = at(20);
    for (mut record, active) in [(live, at(4990)), (ended, at(3999)), (idle, at(10)), (overdue, at(19))] {
        record.last_activity = active;
        wait(|done| store.create(record.into(), done)).unwrap();
    }
    for revocation in [
        Revocation::token("a".into(), at(10)),
        Revocation::token("b".into(), at(6000)),
        Revocation::session(session("x", at(0)).0.sid, at(7000)),
    ] {
        wait(|done| store.revoke(revocation.clone(), done)).unwrap();
    }
    wait(|done| store.close(done)).unwrap();

    let found = bench.examine(at(5000)).unwrap();
    assert!(found.write_ahead && found.missing.is_empty() && found.damage.is_empty());
    assert_eq!(found.version, Some(found.known_version));
    assert_eq!(
        u64::from(found.page_bytes) * u64::from(found.pages),
        fs::metadata(&bench.path).unwrap().len()
    );
    let contents = contents(found);
    let counts = contents.sessions;
    assert_eq!(
        (
            counts.live,
            counts.idle,
            counts.ended,
            counts.overdue,
            counts.unreadable
        ),
        (1, 1, 1, 1, 0)
    );
    let revoked = contents.revocations;
    assert_eq!(
        (revoked.token, revoked.session, revoked.expired, revoked.unreadable),
        (2, 1, 1, 0)
    );
    assert!(revoked.last_expires_at.unwrap() >= at(7000));
    assert_eq!(contents.latest, at(4990));
    assert_eq!(contents.keys, []);
}

#[test]
fn a_file_in_use_is_read_with_what_lies_in_its_log() {
    let bench = Bench::filled(2);
    let store = bench.store();
    wait(|done| store.create(session("bob", at(5)).0.into(), done)).unwrap();
    let found = bench.examine(at(6)).unwrap();
    assert!(found.write_ahead);
    assert_eq!(contents(found).sessions.live, 3);
    wait(|done| store.create(session("bob", at(6)).0.into(), done)).unwrap();
}

#[test]
fn a_file_whose_process_was_killed_is_read_with_what_lies_in_its_log() {
    let bench = Bench::new();
    let store = bench.store();
    wait(|done| store.create(session("alice", at(0)).0.into(), done)).unwrap();
    let killed = Bench::new();
    for suffix in ["", "-wal", "-shm"] {
        let from = bench.path.display().to_string() + suffix;
        fs::copy(from, killed.path.display().to_string() + suffix).unwrap();
    }
    let found = killed.examine(at(1)).unwrap();
    assert!(found.write_ahead);
    assert_eq!(contents(found).sessions.live, 1);

    fs::remove_file(killed.path.display().to_string() + "-shm").unwrap();
    assert_eq!(examine(&killed.path, at(1), None).unwrap_err(), Unexamined::LogAlone);
}

#[test]
fn a_writer_that_holds_the_file_is_not_waited_for_and_does_not_wait() {
    let bench = Bench::filled(1);
    let holder = Connection::open(&bench.path).unwrap();
    holder
        .execute_batch("BEGIN IMMEDIATE; DELETE FROM keyturn_sessions")
        .unwrap();
    assert_eq!(contents(bench.examine(at(1)).unwrap()).sessions.live, 1);
    holder.execute_batch("COMMIT").unwrap();
    assert_eq!(contents(bench.examine(at(1)).unwrap()).sessions.live, 0);
}

#[test]
fn a_file_under_load_is_whole_each_time() {
    let bench = Bench::filled(1);
    let store = bench.store();
    wait(|done| store.create(session("bob", at(1)).0.into(), done)).unwrap();
    let is_over = Arc::new(AtomicBool::new(false));
    let load = thread::spawn({
        let is_over = Arc::clone(&is_over);
        move || {
            for n in 2.. {
                if is_over.load(Ordering::Relaxed) {
                    return n;
                }
                wait(|done| store.create(session("bob", at(n)).0.into(), done)).unwrap();
            }
            0
        }
    });
    let mut seen = 2;
    for _ in 0..50 {
        let found = examine(&bench.path, at(1), None).unwrap();
        assert!(found.damage.is_empty() && found.missing.is_empty(), "{found:?}");
        let live = contents(found).sessions.live;
        assert!(live >= seen, "{live} sessions after {seen}");
        seen = live;
    }
    is_over.store(true, Ordering::Relaxed);
    assert!(u64::from(seen) <= load.join().unwrap());
}

#[test]
fn what_is_no_store_is_said_to_be_none() {
    let bench = Bench::new();
    assert_eq!(bench.examine(at(0)).unwrap_err(), Code::StoreUnavailable, "missing");
    assert!(!bench.path.exists());

    fs::write(&bench.path, "").unwrap();
    let empty = bench.examine(at(0)).unwrap();
    assert_eq!((empty.version, empty.pages, empty.contents), (None, 0, None));

    fs::write(&bench.path, "shopping list\n".repeat(1000)).unwrap();
    assert_eq!(bench.examine(at(0)).unwrap_err(), Code::StoreCorrupt);

    fs::remove_file(&bench.path).unwrap();
    bench.sql("CREATE TABLE mine (a); INSERT INTO mine VALUES (1)");
    let foreign = bench.examine(at(0)).unwrap();
    assert!(!foreign.write_ahead && foreign.damage.is_empty());
    assert_eq!((foreign.version, foreign.contents), (None, None));

    fs::remove_file(&bench.path).unwrap();
    fs::create_dir(&bench.path).unwrap();
    assert_eq!(bench.examine(at(0)).unwrap_err(), Code::StoreUnavailable, "a folder");
}

#[test]
fn files_of_other_versions_are_named_and_not_read() {
    let bench = Bench::filled(1);
    for version in [1, 99] {
        bench.sql(&format!(
            "UPDATE keyturn_meta SET value = {version} WHERE name = 'version'"
        ));
        let found = bench.examine(at(1)).unwrap();
        assert_eq!(found.version, Some(version));
        assert!(found.contents.is_none() && found.missing.is_empty() && found.damage.is_empty());
    }
}

#[test]
fn what_the_tables_lack_is_named() {
    let bench = Bench::filled(1);
    bench.sql("DROP INDEX keyturn_sessions_by_end; ALTER TABLE keyturn_sessions DROP COLUMN rights_at; DROP TABLE keyturn_accounts");
    let found = bench.examine(at(1)).unwrap();
    let accounts = ["", ".name", ".password_hash", ".permissions", ".roles", ".subject"]
        .map(|part| format!("keyturn_accounts{part}"));
    let others = [
        "keyturn_sessions.rights_at".to_owned(),
        "keyturn_sessions_by_end".to_owned(),
    ];
    assert_eq!(found.missing, [accounts.as_slice(), &others].concat());
    assert!(found.contents.unwrap().is_err());
}

#[test]
fn rows_that_cannot_be_understood_are_counted() {
    let bench = Bench::filled(2);
    bench.sql(
        "UPDATE keyturn_sessions SET family = x'00' WHERE started_at = (SELECT min(started_at) FROM keyturn_sessions)",
    );
    bench.sql("INSERT INTO keyturn_revocations (kind, id, expires_at) VALUES ('newer', '', 9999999999999), ('session', 'x', 1)");
    let contents = contents(bench.examine(at(1)).unwrap());
    assert_eq!((contents.sessions.live, contents.sessions.unreadable), (1, 1));
    assert_eq!(contents.revocations.unreadable, 2);
}

#[test]
fn a_file_that_was_cut_short_is_damaged() {
    let bench = Bench::filled(300);
    let whole = fs::read(&bench.path).unwrap();
    for length in [
        50,
        512,
        4096,
        5000,
        whole.len() / 2,
        whole.len() - 4096,
        whole.len() - 1,
    ] {
        fs::write(&bench.path, &whole[..length]).unwrap();
        match bench.examine(at(1)) {
            Ok(found) => assert!(!found.damage.is_empty(), "{length} bytes"),
            Err(code) => assert_eq!(code, Code::StoreCorrupt, "{length} bytes"),
        }
    }
}

#[test]
fn no_damage_is_too_bad_to_be_examined() {
    let bench = Bench::filled(300);
    let whole = fs::read(&bench.path).unwrap();
    let mut damaged = 0;
    // A step that meets every part of a page.
    for place in (0..whole.len()).step_by((whole.len() / 200) | 1) {
        let mut bytes = whole.clone();
        for byte in bytes.iter_mut().skip(place).take(8) {
            *byte ^= 0xa5;
        }
        fs::write(&bench.path, &bytes).unwrap();
        damaged += usize::from(match bench.examine(at(1)) {
            Ok(found) => !found.damage.is_empty(),
            Err(code) => code == Code::StoreCorrupt,
        });
    }
    assert!(damaged > 25, "{damaged} were noticed");
}

#[test]
fn findings_of_damage_are_bounded() {
    let bench = Bench::filled(300);
    bench.sql("PRAGMA writable_schema = ON; UPDATE sqlite_schema SET sql = replace(sql, '(subject, started_at)', '(started_at, subject)')");
    assert_eq!(bench.examine(at(1)).unwrap().damage.len(), 20);
}

#[test]
fn keys_are_opened_by_their_master_alone() {
    let bench = Bench::new();
    let store = bench.store();
    let manager = manager(Arc::new(bench.store()));
    settle(|answer| manager.start(&sign_in("alice"), at(1), answer)).unwrap();
    let by = |byte| MasterKeys {
        current: MasterKey::from_bytes(&[byte; 32]).unwrap(),
        previous: None,
    };
    let facts = |masters: Option<&MasterKeys>| contents(examine(&bench.path, at(2), masters).unwrap()).keys;
    assert_eq!(facts(None).len(), 3);
    for purpose in facts(Some(&by(1))) {
        assert_eq!(purpose.keys.unwrap(), (1, SealedBy::Nobody));
    }

    let [csrf, ..] = <[StoredKeys; 3]>::try_from(wait(|done| store.keys(done)).unwrap()).unwrap();
    assert_eq!(csrf.purpose, Purpose::Csrf);
    let (document, _) = KeyDocument::decode(&csrf, None).unwrap();
    let sealed = document
        .encode(
            csrf.purpose,
            csrf.version + 1,
            Some(&by(1).current),
            &SystemRandom::new(),
        )
        .unwrap();
    wait(|done| store.save_keys(sealed, csrf.version, done)).unwrap();
    assert_eq!(facts(Some(&by(1)))[0].keys.unwrap().1, SealedBy::Current);
    for (masters, reason) in [(None, "missing"), (Some(&by(2)), "wrong")] {
        let error = facts(masters)[0].keys.unwrap_err();
        assert_eq!((error.code(), error.reason()), (Code::MasterKey, Some(reason)));
    }
    bench.sql("UPDATE keyturn_key_documents SET document = x'7b' WHERE purpose = 'csrf'");
    assert_eq!(facts(None)[0].keys.unwrap_err().code(), Code::StoreCorrupt);
}

#[test]
fn a_file_of_another_journal_mode_is_read_too() {
    let bench = Bench::filled(1);
    bench.sql("PRAGMA journal_mode = DELETE");
    let found = bench.examine(at(1)).unwrap();
    assert!(!found.write_ahead);
    assert_eq!(contents(found).sessions.live, 1);
    // A journal that a dead process left has to be rolled back, which is for whoever may write.
    fs::write(bench.path.display().to_string() + "-journal", [0xa5; 4096]).unwrap();
    assert_eq!(bench.examine(at(1)).unwrap_err(), Code::StoreUnavailable);
}

#[cfg(unix)]
#[test]
fn a_link_leads_to_the_file_and_its_log() {
    let bench = Bench::new();
    let store = bench.store();
    wait(|done| store.create(session("alice", at(0)).0.into(), done)).unwrap();
    let elsewhere = tempfile::tempdir().unwrap();
    let link: &Path = &elsewhere.path().join("link.db");
    std::os::unix::fs::symlink(&bench.path, link).unwrap();
    assert_eq!(contents(examine(link, at(1), None).unwrap()).sessions.live, 1);
}
