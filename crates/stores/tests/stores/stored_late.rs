//! Ends that could not be stored when they were asked for.

use std::{path::Path, sync::Arc, sync::mpsc};

use keyturn_core::{
    error::Code,
    keys::{KeyState, Ring},
    revocation::{Revocation, Target},
    session::{EndReason, Failure, Forget, Issued, Manager, RefreshRequest, Renewal, StoredLate},
    store::{EndAsk, Store, Which},
    time::UnixMs,
};
use keyturn_stores::{MemoryStore, SqliteStore};

use crate::{
    faults::{Fault, FaultyStore},
    support::{at, manager, settle, sign_in, wait},
};

/// A logout that fails like that.
fn log_out_in_vain(manager: &Arc<Manager>, store: &FaultyStore, issued: &Issued, fault: Fault) {
    store.fail_next(fault);
    let token = &issued.refresh_token;
    let failed = settle(|answer| manager.end_by_refresh_token(token, EndReason::Logout, at(1), answer));
    assert_eq!(failed.unwrap_err().error.code(), Code::StoreUnavailable);
}

#[test]
fn what_was_stored_late_is_told_once_also_if_the_first_try_had_been_committed() {
    for fault in [Fault::Before, Fault::After] {
        let store = FaultyStore::new(Arc::new(MemoryStore::new()));
        let manager = manager(store.clone());
        let issued = settle(|answer| manager.start(&sign_in("alice"), at(0), answer)).unwrap();
        let sid = issued.record.sid;
        log_out_in_vain(&manager, &store, &issued, fault);
        let shared = manager.shared();
        assert_eq!((shared.unstored().waiting, shared.take_stored_late()), (1, vec![]));
        // Still away.
        store.fail_next(Fault::Before);
        settle(|answer| manager.maintain(at(2), Forget::HerePast, answer)).unwrap();
        assert_eq!((shared.unstored().waiting, shared.take_stored_late()), (1, vec![]));
        settle(|answer| manager.maintain(at(3), Forget::HerePast, answer)).unwrap();
        assert_eq!(shared.unstored().waiting, 0);
        let told = StoredLate {
            what: "session",
            sid: Some(sid),
            // Of a session that had ended by then nobody says whose it was.
            subject: (fault == Fault::Before).then(|| "alice".into()),
            reason: Some(EndReason::Logout),
        };
        assert_eq!(shared.take_stored_late(), [told]);
        assert_eq!(shared.take_stored_late(), []);
    }
}

#[test]
fn an_end_is_stored_late_also_where_the_store_has_lost_the_session() {
    let store = FaultyStore::new(Arc::new(MemoryStore::new()));
    let manager = manager(store.clone());
    let issued = settle(|answer| manager.start(&sign_in("alice"), at(0), answer)).unwrap();
    log_out_in_vain(&manager, &store, &issued, Fault::Before);
    wait(|done| store.purge(at(1_000_000), done)).unwrap();
    settle(|answer| manager.maintain(at(2), Forget::HerePast, answer)).unwrap();
    let stored = wait(|done| store.revocations(at(2), done)).unwrap();
    let sid = issued.record.sid;
    assert_eq!(
        stored.into_iter().map(|stored| stored.target).collect::<Vec<_>>(),
        [Target::Session { sid }],
        "others still accept its access tokens"
    );
    let shared = manager.shared();
    assert_eq!((shared.unstored().waiting, shared.take_stored_late().len()), (0, 1));
}

/// A process on a file, whose store closes with it and can be told to fail.
fn on_file(path: &Path) -> (Arc<Manager>, Arc<FaultyStore>) {
    let store = FaultyStore::new(Arc::new(SqliteStore::open(path).unwrap()));
    store.close_with_the_last_user();
    (manager(store.clone()), store)
}

/// Closes while the steps of what waits come one by one, and answers what the file holds then.
fn close_slowly(manager: &Arc<Manager>, store: &FaultyStore, path: &Path) -> Vec<Revocation> {
    store.hold();
    let (sender, receiver) = mpsc::channel();
    let closed = Box::new(move |closed: Result<(), Failure>| sender.send(closed).unwrap());
    manager.close(at(3), closed);
    store.release();
    receiver.recv().unwrap().unwrap();
    let again = SqliteStore::open(path).unwrap();
    wait(|done| again.revocations(at(3), done)).unwrap()
}

#[test]
fn a_close_waits_until_a_key_that_was_revoked_in_vain_has_been_taken_out_and_revoked() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("keyturn.db");
    let (manager, store) = on_file(&path);
    let active = |ring: &Ring| ring.keys()[0].key.kid().unwrap().to_owned();
    let kid = manager.ring(active).unwrap();
    store.fail_next(Fault::Before);
    settle(|answer| manager.revoke_key(kid.clone(), at(1), answer)).unwrap_err();
    let stored = close_slowly(&manager, &store, &path);
    assert_eq!(stored, [Revocation::key(kid.clone())]);
    let (other, _) = on_file(&path);
    let states = |ring: &Ring| ring.keys().iter().map(|held| held.state).collect::<Vec<_>>();
    assert_eq!(other.ring(states).unwrap(), [KeyState::Active]);
    assert_ne!(other.ring(active).unwrap(), kid);
}

#[test]
fn a_close_waits_until_the_end_of_a_session_that_the_store_has_lost_is_stored() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("keyturn.db");
    let (manager, store) = on_file(&path);
    let issued = settle(|answer| manager.start(&sign_in("alice"), at(0), answer)).unwrap();
    log_out_in_vain(&manager, &store, &issued, Fault::Before);
    wait(|done| store.purge(at(1_000_000), done)).unwrap();
    let stored = close_slowly(&manager, &store, &path);
    let sid = issued.record.sid;
    assert_eq!(
        stored.into_iter().map(|stored| stored.target).collect::<Vec<_>>(),
        [Target::Session { sid }]
    );
}

#[test]
fn a_key_is_revoked_here_and_later_there_whatever_the_trouble_of_the_store_is() {
    let store = FaultyStore::new(Arc::new(MemoryStore::new()));
    let manager = manager(store.clone());
    let kid = manager
        .ring(|ring| ring.keys()[0].key.kid().unwrap().to_owned())
        .unwrap();
    store.fail_next(Fault::Corrupt);
    let failed = settle(|answer| manager.revoke_key(kid.clone(), at(1), answer)).unwrap_err();
    assert_eq!(failed.error.code(), Code::StoreCorrupt);
    assert_eq!(
        (manager.shared().index.len(), manager.shared().unstored().waiting),
        (1, 1)
    );
    settle(|answer| manager.maintain(at(2), Forget::HerePast, answer)).unwrap();
    assert_eq!(
        wait(|done| store.revocations(at(2), done)).unwrap(),
        [Revocation::key(kid)]
    );
    let unknown = settle(|answer| manager.revoke_key("nobody".into(), at(3), answer)).unwrap_err();
    assert_eq!(unknown.error.code(), Code::OptionInvalid);
    assert_eq!(manager.shared().unstored().waiting, 0, "a mistake is not tried again");
}

#[test]
fn a_cut_off_that_is_stored_late_ends_what_another_process_renewed_meanwhile() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("keyturn.db");
    let whiches = [
        Which::Subject {
            subject: "alice".into(),
            before: None,
            except: None,
        },
        Which::Everything { before: None },
    ];
    for (round, which) in (0..).zip(whiches) {
        let now = |second: u64| at(1000 * round + second);
        let ((here, store), (there, _)) = (on_file(&path), on_file(&path));
        let start = |now: UnixMs| settle(|answer| there.start(&sign_in("alice"), now, answer)).unwrap();
        let renew = |old: &Issued, now: UnixMs| {
            let renewal = Renewal {
                token: &old.refresh_token,
                ..Renewal::default()
            };
            settle(|answer| there.renew(&renewal, now, answer)).unwrap().issued
        };
        let before = renew(&start(now(0)), now(1));
        let old = start(now(0));
        store.fail_next(Fault::Before);
        let ask = EndAsk::new(which, EndReason::Revoked, now(2));
        settle(|answer| here.end(ask, answer)).unwrap_err();
        let twice = renew(&renew(&old, now(3)), now(4));
        let since = start(now(5));
        settle(|answer| here.maintain(now(6), Forget::HerePast, answer)).unwrap();
        // Behind whatever the upkeep has asked for.
        wait(|done| store.touch(Vec::new(), done)).unwrap();
        assert_eq!(here.shared().unstored().waiting, 0);
        let refresh = |issued: &Issued| {
            let request = RefreshRequest::new(&issued.refresh_token);
            settle(|answer| there.refresh(&request, now(7), answer)).map(drop)
        };
        for dead in [&before, &twice] {
            assert_eq!(refresh(dead).unwrap_err().error.code(), Code::SessionRevoked);
        }
        assert!(refresh(&since).is_ok(), "who has signed in since goes on");
        assert!(
            here.shared().index.has_session(&twice.record.sid),
            "its access tokens are dead as well"
        );
    }
}
