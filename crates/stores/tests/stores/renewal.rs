//! A session in the place of one: what every store does, and what the manager makes of it.

use std::sync::Arc;

use keyturn_core::{
    error::Code,
    jwt::Scratch,
    revocation::{Revocation, Target},
    session::{
        ClaimChanges, EndReason, FamilySecret, Issued, Manager, Record, RefreshRequest, RenewAsk, Renewal,
        rotation::{Outcome, Verdict},
    },
    store::{EndAsk, Store, Which},
    time::UnixMs,
};
use keyturn_stores::MemoryStore;

use crate::{
    contract::{created, on_each, sids},
    faults::{Fault, FaultyStore},
    support::{START, ask, at, manager, session, settle, sign_in, wait},
};

fn admin() -> ClaimChanges {
    ClaimChanges {
        roles: Some(vec!["admin".into()]),
        ..ClaimChanges::default()
    }
}

fn renew_ask(record: &Record, family: &FamilySecret, generation: u32, now: UnixMs) -> RenewAsk {
    RenewAsk {
        by: ask(record, family, generation, now),
        changes: admin(),
        authenticated: true,
        unique: [3; 10],
        family: [4; 32],
        context: None,
    }
}

#[test]
fn the_new_session_and_the_end_of_the_old_one_are_one_step() {
    on_each(|store| {
        let (old, family) = created(store, "alice", 0);
        let renew = |generation, now| {
            let ask = renew_ask(&old, &family, generation, at(now));
            wait(|done| store.renew(ask, done)).unwrap().unwrap()
        };
        let renewed = renew(0, 60);
        assert_eq!(renewed.verdict, Verdict::Granted(Outcome::Rotated));
        assert_eq!(renewed.record.absolute_end, old.absolute_end);
        let listed = wait(|done| store.list("alice".into(), at(61), done)).unwrap();
        assert_eq!(listed, [renewed.record]);
        let revocation = renewed.revocation.unwrap();
        let stored = || wait(|done| store.revocations(at(61), done)).unwrap();
        assert_eq!(stored(), [revocation]);
        let again = renew(0, 62);
        assert!(
            matches!(again.verdict, Verdict::Refused(error) if error.code() == Code::SessionRevoked && error.reason() == Some("renewed"))
        );
        assert_eq!(again.record.ended.map(|ended| ended.reason), Some(EndReason::Renewed));
        assert_eq!(stored().len(), 1);
    });
}

#[test]
fn a_refused_renewal_leaves_what_a_refused_refresh_leaves() {
    on_each(|store| {
        let (record, family) = created(store, "alice", 0);
        wait(|done| store.refresh(ask(&record, &family, 0, at(1)), done)).unwrap();
        let renew = |generation, now| {
            let ask = renew_ask(&record, &family, generation, at(now));
            wait(|done| store.renew(ask, done)).unwrap().unwrap()
        };
        let superseded = renew(0, 2);
        assert!(matches!(superseded.verdict, Verdict::Refused(error) if error.reason() == Some("superseded")));
        let live = wait(|done| store.list("alice".into(), at(3), done)).unwrap();
        assert_eq!(sids(&live), [record.sid]);
        let reused = renew(0, 20);
        assert!(matches!(reused.verdict, Verdict::Refused(error) if error.code() == Code::RefreshReused));
        assert_eq!(
            wait(|done| store.revocations(at(21), done)).unwrap(),
            [reused.revocation.unwrap()]
        );
        assert!(
            wait(|done| store.list("alice".into(), at(21), done))
                .unwrap()
                .is_empty()
        );
        let (unknown, family) = session("alice", START);
        assert!(
            wait(|done| store.renew(renew_ask(&unknown, &family, 0, at(1)), done))
                .unwrap()
                .is_none()
        );
    });
}

fn start(manager: &Arc<Manager>, now: UnixMs) -> Issued {
    settle(|answer| manager.start(&sign_in("alice"), now, answer)).unwrap()
}

fn of(token: &str) -> Renewal<'_> {
    Renewal {
        token,
        ..Renewal::default()
    }
}

fn claims(manager: &Manager, token: &str, now: UnixMs) -> Result<serde_json::Value, Code> {
    let mut scratch = Scratch::default();
    let verified = manager.verify(token.as_bytes(), now, &mut scratch);
    verified
        .map(|verified| serde_json::from_str(verified.payload).unwrap())
        .map_err(keyturn_core::error::Error::code)
}

#[test]
fn the_tokens_of_the_old_session_die_and_those_of_the_new_one_say_what_changed() {
    let manager = manager(Arc::new(MemoryStore::new()));
    let old = start(&manager, at(0));
    let renewal = Renewal {
        token: &old.refresh_token,
        changes: admin(),
        authenticated: true,
        ..Renewal::default()
    };
    let new = settle(|answer| manager.renew(&renewal, at(60), answer)).unwrap().issued;
    assert_eq!(claims(&manager, &old.access_token, at(61)), Err(Code::TokenRevoked));
    let claims = claims(&manager, &new.access_token, at(61)).unwrap();
    assert_eq!(claims["roles"], serde_json::json!(["admin"]));
    assert_eq!(claims["auth_time"], at(60).as_secs());
    assert_ne!(new.record.sid, old.record.sid);
    let next = settle(|answer| manager.refresh(&RefreshRequest::new(&new.refresh_token), at(62), answer)).unwrap();
    assert_eq!(next.issued.record.sid, new.record.sid);
    let late = settle(|answer| manager.refresh(&RefreshRequest::new(&old.refresh_token), at(62), answer)).unwrap_err();
    assert_eq!(
        (late.error.code(), late.error.reason()),
        (Code::SessionRevoked, Some("renewed"))
    );
}

#[test]
fn a_renewed_session_is_reached_by_the_next_cut_off_and_not_by_the_last() {
    let manager = manager(Arc::new(MemoryStore::new()));
    let all = |now| {
        let which = Which::Subject {
            subject: "alice".into(),
            before: None,
            except: None,
        };
        settle(|answer| manager.end(EndAsk::new(which, EndReason::Revoked, now), answer)).unwrap()
    };
    all(at(10));
    let old = start(&manager, at(10));
    let renew = |token: &str| settle(|answer| manager.renew(&of(token), at(10), answer));
    let new = renew(&old.refresh_token).unwrap().issued;
    assert!(claims(&manager, &new.access_token, at(11)).is_ok());
    all(at(10));
    assert_eq!(claims(&manager, &new.access_token, at(11)), Err(Code::TokenRevoked));
    assert_eq!(
        renew(&new.refresh_token).unwrap_err().error.code(),
        Code::SessionRevoked
    );
}

#[test]
fn a_renewal_that_heals_a_store_says_so() {
    on_each(|store| {
        let (old, family) = created(store, "alice", 0);
        // The store has forgotten one rotation.
        let ask = renew_ask(&old, &family, 1, at(60));
        let renewed = wait(|done| store.renew(ask, done)).unwrap().unwrap();
        assert_eq!(renewed.verdict, Verdict::Granted(Outcome::Healed));
    });
}

#[test]
fn no_renewal_leads_out_of_a_cut_off_that_was_stopped_before_it_came_to_the_record() {
    let store: Arc<dyn Store> = Arc::new(MemoryStore::new());
    let manager = manager(Arc::clone(&store));
    let old = start(&manager, at(0));
    let subject = "alice".to_owned();
    let target = Target::Subject { subject, before: at(5) };
    let cut_off = Revocation::cut_off(target, at(5), at(5));
    settle(|answer| manager.revoke(cut_off, answer)).unwrap();
    let refused = settle(|answer| manager.renew(&of(&old.refresh_token), at(10), answer)).unwrap_err();
    assert_eq!(refused.error.code(), Code::SessionRevoked);
    assert!(
        wait(|done| store.list("alice".into(), at(11), done))
            .unwrap()
            .is_empty()
    );
}

#[test]
fn a_renewal_whose_commit_failed_has_changed_nothing() {
    let store = FaultyStore::new(Arc::new(MemoryStore::new()));
    let manager = manager(store.clone());
    let old = start(&manager, at(0));
    store.fail_next(Fault::Before);
    let renew = |now| settle(|answer| manager.renew(&of(&old.refresh_token), now, answer));
    assert_eq!(renew(at(1)).unwrap_err().error.code(), Code::StoreUnavailable);
    assert!(claims(&manager, &old.access_token, at(2)).is_ok());
    assert!(renew(at(2)).is_ok());
}
