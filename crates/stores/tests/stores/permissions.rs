//! Roles and permissions that change while their subject is signed in.

use std::sync::Arc;

use keyturn_core::{
    error::Code,
    jwt::Scratch,
    revocation::Target,
    session::{ClaimChanges, Forget, Granted, Issued, Manager, PermissionsAsk, RefreshRequest, rotation::Verdict},
    time::{Span, UnixMs},
};
use keyturn_stores::MemoryStore;

use crate::{
    contract::{created, on_each},
    faults::{Fault, FaultyStore},
    support::{ask, at, manager, settle, sign_in, wait},
};

fn roles(roles: &[&str]) -> ClaimChanges {
    ClaimChanges {
        roles: Some(roles.iter().map(|role| (*role).to_owned()).collect()),
        ..ClaimChanges::default()
    }
}

fn change(subject: &str, changes: ClaimChanges, now: UnixMs) -> PermissionsAsk {
    PermissionsAsk {
        subject: subject.into(),
        changes,
        now,
        skew: Span::ZERO,
        late: false,
    }
}

#[test]
fn the_sessions_and_the_revocation_change_in_one_step() {
    on_each(|store| {
        let (one, family) = created(store, "alice", 0);
        created(store, "alice", 1);
        let (bob, _) = created(store, "bob", 1);
        let permissions = |ask| wait(|done| store.permissions(ask, done)).unwrap();
        let revocation = permissions(change("alice", roles(&["admin"]), at(5))).unwrap();
        let before = Target::Permissions {
            subject: "alice".into(),
            before: at(5),
        };
        assert_eq!(revocation.target, before);
        assert_eq!(wait(|done| store.revocations(at(6), done)).unwrap(), [revocation]);
        let listed = wait(|done| store.list("alice".into(), at(6), done)).unwrap();
        assert_eq!(listed.len(), 2);
        for record in listed {
            assert_eq!(record.claims, r#""roles":["admin"]"#);
            assert!(record.read_at() > at(5));
        }
        assert_eq!(wait(|done| store.list("bob".into(), at(6), done)).unwrap(), [bob]);
        let refreshed = wait(|done| store.refresh(ask(&one, &family, 0, at(7)), done))
            .unwrap()
            .unwrap();
        assert!(matches!(refreshed.verdict, Verdict::Granted(_)));
        assert_eq!(refreshed.record.claims, r#""roles":["admin"]"#);
        let again = permissions(change("alice", roles(&[]), at(5))).unwrap();
        assert!(
            matches!(again.target, Target::Permissions { before, .. } if before == at(7)),
            "what was read by a faster clock is reached"
        );
    });
}

#[test]
fn a_change_that_a_session_cannot_carry_changes_nothing() {
    on_each(|store| {
        let (mut large, _) = crate::support::session("alice", at(0));
        large.claims = format!(r#""a":"{}""#, "x".repeat(4070));
        wait(|done| store.create(large.clone().into(), done)).unwrap();
        let (small, _) = created(store, "alice", 1);
        let ask = change("alice", roles(&["administrator"]), at(5));
        let refused = wait(|done| store.permissions(ask, done)).unwrap().unwrap_err();
        assert_eq!(refused.code(), Code::ClaimsInvalid);
        assert_eq!(
            wait(|done| store.list("alice".into(), at(6), done)).unwrap(),
            [large, small]
        );
        assert!(wait(|done| store.revocations(at(6), done)).unwrap().is_empty());
    });
}

fn start(manager: &Arc<Manager>, now: UnixMs) -> Issued {
    settle(|answer| manager.start(&sign_in("alice"), now, answer)).unwrap()
}

fn refresh(manager: &Arc<Manager>, token: &str, now: UnixMs) -> Granted {
    settle(|answer| manager.refresh(&RefreshRequest::new(token), now, answer)).unwrap()
}

fn roles_in(manager: &Manager, token: &str, now: UnixMs) -> Result<serde_json::Value, Code> {
    let mut scratch = Scratch::default();
    let verified = manager.verify(token.as_bytes(), now, &mut scratch);
    let payload = verified.map(|verified| verified.payload.to_owned());
    payload
        .map(|payload| serde_json::from_str::<serde_json::Value>(&payload).unwrap()["roles"].clone())
        .map_err(keyturn_core::error::Error::code)
}

#[test]
fn older_tokens_are_stale_and_the_next_refresh_has_the_new_roles() {
    let manager = manager(Arc::new(MemoryStore::new()));
    let first = start(&manager, at(0));
    // All of it within one millisecond, which is the worst case.
    let change = |to: &[&str]| settle(|answer| manager.change_permissions("alice".into(), roles(to), at(0), answer));
    change(&["admin"]).unwrap();
    assert_eq!(
        roles_in(&manager, &first.access_token, at(0)),
        Err(Code::PermissionsStale)
    );
    let second = refresh(&manager, &first.refresh_token, at(0));
    assert_eq!(
        roles_in(&manager, &second.issued.access_token, at(0)),
        Ok(serde_json::json!(["admin"]))
    );
    change(&[]).unwrap();
    assert_eq!(
        roles_in(&manager, &second.issued.access_token, at(0)),
        Err(Code::PermissionsStale)
    );
    let replayed = refresh(&manager, &first.refresh_token, at(1));
    assert_eq!(
        roles_in(&manager, &replayed.issued.access_token, at(1)),
        Ok(serde_json::json!([])),
        "a replay has what the session carries by then"
    );
    let other = start(&manager, at(0));
    assert!(
        roles_in(&manager, &other.access_token, at(0)).is_ok(),
        "a sign-in after the change is not stale"
    );
}

#[test]
fn without_new_roles_somebody_must_be_there_to_say_them() {
    let manager = manager(Arc::new(MemoryStore::new()));
    let first = start(&manager, at(0));
    let none = ClaimChanges::default();
    let refused = settle(|answer| manager.change_permissions("alice".into(), none, at(1), answer)).unwrap_err();
    assert_eq!(refused.error.code(), Code::OptionInvalid);
    assert!(roles_in(&manager, &first.access_token, at(2)).is_ok());
}

#[test]
fn a_change_that_could_not_be_stored_holds_here_and_is_stored_later() {
    let store = FaultyStore::new(Arc::new(MemoryStore::new()));
    let manager = manager(store.clone());
    let first = start(&manager, at(0));
    store.fail_next(Fault::Before);
    let failed = settle(|answer| manager.change_permissions("alice".into(), roles(&["admin"]), at(5), answer));
    assert_eq!(failed.unwrap_err().error.code(), Code::StoreUnavailable);
    assert_eq!(
        roles_in(&manager, &first.access_token, at(6)),
        Err(Code::PermissionsStale)
    );
    let between = refresh(&manager, &first.refresh_token, at(7));
    settle(|answer| manager.maintain(at(8), Forget::Nothing, answer)).unwrap();
    assert_eq!(
        roles_in(&manager, &between.issued.access_token, at(9)),
        Err(Code::PermissionsStale),
        "what was issued from the old roles meanwhile is reached, too"
    );
    let last = refresh(&manager, &between.issued.refresh_token, at(10));
    assert_eq!(
        roles_in(&manager, &last.issued.access_token, at(10)),
        Ok(serde_json::json!(["admin"]))
    );
}

#[test]
fn a_change_that_waits_to_be_stored_takes_back_none_that_was_made_since() {
    let store = FaultyStore::new(Arc::new(MemoryStore::new()));
    let manager = manager(store.clone());
    let first = start(&manager, at(0));
    let change = |to: &[&str], now| settle(|answer| manager.change_permissions("alice".into(), roles(to), now, answer));
    store.fail_next(Fault::Before);
    change(&["admin"], at(5)).unwrap_err();
    change(&[], at(6)).unwrap();
    settle(|answer| manager.maintain(at(8), Forget::Nothing, answer)).unwrap();
    let next = refresh(&manager, &first.refresh_token, at(10));
    assert_eq!(
        roles_in(&manager, &next.issued.access_token, at(10)),
        Ok(serde_json::json!([]))
    );
}

#[test]
fn of_two_changes_that_wait_to_be_stored_the_later_one_holds() {
    let store = FaultyStore::new(Arc::new(MemoryStore::new()));
    let manager = manager(store.clone());
    let first = start(&manager, at(0));
    for (to, now) in [(&["admin"][..], at(5)), (&["user"][..], at(6))] {
        store.fail_next(Fault::Before);
        settle(|answer| manager.change_permissions("alice".into(), roles(to), now, answer)).unwrap_err();
    }
    settle(|answer| manager.maintain(at(8), Forget::Nothing, answer)).unwrap();
    let next = refresh(&manager, &first.refresh_token, at(10));
    assert_eq!(
        roles_in(&manager, &next.issued.access_token, at(10)),
        Ok(serde_json::json!(["user"]))
    );
}
