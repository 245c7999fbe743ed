//! Ends that could not be stored when they were asked for.

use std::sync::Arc;

use keyturn_core::{
    error::Code,
    revocation::Target,
    session::{EndReason, Forget, Issued, Manager, StoredLate},
    store::Store,
};
use keyturn_stores::MemoryStore;

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
