//! Roles and permissions that change while their subject is signed in.

use std::sync::Arc;

use keyturn_core::{
    error::Code,
    jwt::Scratch,
    random::SystemRandom,
    revocation::Target,
    session::{
        ClaimChanges, Forget, Granted, Issued, Manager, NewRights, PermissionsAsk, RefreshRequest, Renewal, Settings,
        SignIn, rotation::Verdict,
    },
    store::Store,
    time::{Span, UnixMs},
};
use keyturn_stores::MemoryStore;

use crate::{
    contract::{created, on_each},
    faults::{Fault, FaultyStore},
    support::{START, ask, at, manager, settings, settle, shared, sign_in, wait},
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
        rights: NewRights::of(changes, now),
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

fn permissions(permissions: &[&str]) -> ClaimChanges {
    ClaimChanges {
        permissions: Some(permissions.iter().map(|permission| (*permission).to_owned()).collect()),
        ..ClaimChanges::default()
    }
}

/// What a good token says of both.
fn rights_in(manager: &Manager, token: &str, now: UnixMs) -> (serde_json::Value, serde_json::Value) {
    let mut scratch = Scratch::default();
    let verified = manager.verify(token.as_bytes(), now, &mut scratch).unwrap();
    let payload: serde_json::Value = serde_json::from_str(verified.payload).unwrap();
    (payload["roles"].clone(), payload["permissions"].clone())
}

fn start_with_rights(manager: &Arc<Manager>, now: UnixMs) -> Issued {
    let admin = SignIn {
        roles: Some(vec!["admin".into()]),
        permissions: Some(vec!["users:write".into()]),
        ..sign_in("alice")
    };
    settle(|answer| manager.start(&admin, now, answer)).unwrap()
}

fn take_permissions_in_vain(manager: &Arc<Manager>, store: &FaultyStore, now: UnixMs) {
    store.fail_next(Fault::Before);
    let failed = settle(|answer| manager.change_permissions("alice".into(), permissions(&[]), now, answer));
    assert_eq!(failed.unwrap_err().error.code(), Code::StoreUnavailable);
}

#[test]
fn permissions_that_were_taken_away_stay_so_where_only_roles_were_changed_since() {
    let kept: Arc<dyn Store> = Arc::new(MemoryStore::new());
    let store = FaultyStore::new(Arc::clone(&kept));
    let here = manager(store.clone());
    let elsewhere = manager(kept);
    for other in [&here, &elsewhere] {
        let first = start_with_rights(&here, at(0));
        take_permissions_in_vain(&here, &store, at(5));
        settle(|answer| other.change_permissions("alice".into(), roles(&["user"]), at(6), answer)).unwrap();
        settle(|answer| here.maintain(at(8), Forget::Nothing, answer)).unwrap();
        assert_eq!(here.shared().take_stored_late().len(), 1);
        for host in [&here, &elsewhere] {
            let next = refresh(host, &first.refresh_token, at(10));
            assert_eq!(
                rights_in(host, &next.issued.access_token, at(10)),
                (serde_json::json!(["user"]), serde_json::json!([]))
            );
        }
    }
}

#[test]
fn permissions_that_were_taken_away_stay_so_where_a_renewal_brought_other_roles_since() {
    let store = FaultyStore::new(Arc::new(MemoryStore::new()));
    let manager = manager(store.clone());
    let first = start_with_rights(&manager, at(0));
    take_permissions_in_vain(&manager, &store, at(5));
    let renewal = Renewal {
        token: &first.refresh_token,
        changes: roles(&["user"]),
        ..Renewal::default()
    };
    let renewed = settle(|answer| manager.renew(&renewal, at(6), answer)).unwrap();
    let expected = (serde_json::json!(["user"]), serde_json::json!([]));
    assert_eq!(rights_in(&manager, &renewed.issued.access_token, at(6)), expected);
    settle(|answer| manager.maintain(at(8), Forget::Nothing, answer)).unwrap();
    let next = refresh(&manager, &renewed.issued.refresh_token, at(10));
    assert_eq!(rights_in(&manager, &next.issued.access_token, at(10)), expected);
}

#[test]
fn a_change_that_waits_to_be_stored_is_in_force_for_what_is_issued_here() {
    let store = FaultyStore::new(Arc::new(MemoryStore::new()));
    let manager = manager(store.clone());
    let first = start_with_rights(&manager, at(0));
    take_permissions_in_vain(&manager, &store, at(5));
    let between = refresh(&manager, &first.refresh_token, at(7));
    let expected = (serde_json::json!(["admin"]), serde_json::json!([]));
    assert_eq!(rights_in(&manager, &between.issued.access_token, at(7)), expected);
    settle(|answer| manager.maintain(at(8), Forget::Nothing, answer)).unwrap();
    let last = refresh(&manager, &between.issued.refresh_token, at(10));
    assert_eq!(rights_in(&manager, &last.issued.access_token, at(10)), expected);
}

#[test]
fn what_a_later_sign_in_brings_is_not_taken_away_by_a_change_that_waits() {
    let store = FaultyStore::new(Arc::new(MemoryStore::new()));
    let manager = manager(store.clone());
    start_with_rights(&manager, at(0));
    take_permissions_in_vain(&manager, &store, at(5));
    // Of the same millisecond, which is the hardest case.
    let later = start_with_rights(&manager, at(5));
    let expected = (serde_json::json!(["admin"]), serde_json::json!(["users:write"]));
    let between = refresh(&manager, &later.refresh_token, at(6));
    assert_eq!(rights_in(&manager, &between.issued.access_token, at(6)), expected);
    settle(|answer| manager.maintain(at(8), Forget::Nothing, answer)).unwrap();
    let last = refresh(&manager, &between.issued.refresh_token, at(10));
    assert_eq!(rights_in(&manager, &last.issued.access_token, at(10)), expected);
}

#[test]
fn every_store_judges_a_late_change_part_by_part() {
    on_each(|store| {
        created(store, "alice", 0);
        let late = |changes, now| PermissionsAsk {
            late: true,
            ..change("alice", changes, now)
        };
        let both = |roles: &[&str], now| {
            late(
                ClaimChanges {
                    permissions: permissions(&[]).permissions,
                    ..self::roles(roles)
                },
                now,
            )
        };
        for ask in [
            change("alice", roles(&["user"]), at(6)),
            both(&["admin"], at(5)),
            change("alice", permissions(&["read"]), at(7)),
            both(&["admin"], at(6)),
        ] {
            wait(|done| store.permissions(ask, done)).unwrap().unwrap();
        }
        let listed = wait(|done| store.list("alice".into(), at(8), done)).unwrap();
        assert_eq!(listed[0].claims, r#""roles":["admin"],"permissions":["read"]"#);
        assert_eq!((listed[0].set_at.roles, listed[0].set_at.permissions), (at(6), at(7)));
    });
}

#[test]
fn the_application_is_not_asked_about_claims_that_a_waiting_change_has_taken_away() {
    let store = FaultyStore::new(Arc::new(MemoryStore::new()));
    let settings = Settings {
        on_refresh: true,
        ..settings()
    };
    let kept: Arc<dyn Store> = store.clone();
    let manager = Manager::new(settings, shared(kept), None, Arc::new(SystemRandom::new())).unwrap();
    settle(|answer| manager.open(START, answer)).unwrap();
    let first = start_with_rights(&manager, at(0));
    take_permissions_in_vain(&manager, &store, at(5));
    let check = |now| {
        settle(|answer| manager.check_refresh(&RefreshRequest::new(&first.refresh_token), now, answer))
            .map(|checked| checked.record.claims)
            .map_err(|failure| (failure.error.code(), failure.error.reason()))
    };
    assert_eq!(check(at(7)), Err((Code::StoreUnavailable, Some("unstored"))));
    settle(|answer| manager.maintain(at(8), Forget::Nothing, answer)).unwrap();
    assert_eq!(check(at(9)), Ok(r#""roles":["admin"],"permissions":[]"#.into()));
}
