//! The session manager with the options of a refresh and of a sign-in.

use std::sync::Arc;

use keyturn_core::{
    error::Code,
    jwt::Scratch,
    random::SystemRandom,
    session::{
        Checked, ClaimChanges, ClockState, Contention, Decision, EndReason, Failure, Forget, Granted, Issued, Manager,
        RefreshRequest, Renewal, SessionLimit, Settings, SignIn, WhenFull,
        rotation::{Heal, Mismatch, Outcome},
    },
    store::Store,
    time::UnixMs,
};
use keyturn_stores::MemoryStore;

use crate::{
    faults::{Fault, FaultyStore},
    support::{START, at, settings, settle, shared, sign_in, wait},
};

fn with(store: Arc<dyn Store>, settings: Settings) -> Arc<Manager> {
    let manager = Manager::new(settings, shared(store), None, Arc::new(SystemRandom::new())).unwrap();
    settle(|answer| manager.open(START, answer)).unwrap();
    manager
}

fn in_memory(settings: Settings) -> Arc<Manager> {
    with(Arc::new(MemoryStore::new()), settings)
}

fn start(manager: &Arc<Manager>, request: &SignIn, now: UnixMs) -> Issued {
    settle(|answer| manager.start(request, now, answer)).unwrap()
}

fn refresh(manager: &Arc<Manager>, request: &RefreshRequest<'_>, now: UnixMs) -> Result<Granted, Failure> {
    settle(|answer| manager.refresh(request, now, answer))
}

fn check(manager: &Arc<Manager>, token: &str, now: UnixMs) -> Result<Checked, Failure> {
    settle(|answer| manager.check_refresh(&RefreshRequest::new(token), now, answer))
}

fn refusal<T>(result: Result<T, Failure>) -> (Code, Option<&'static str>) {
    let error = result.err().expect("a refusal").error;
    (error.code(), error.reason())
}

fn claims(manager: &Manager, issued: &Issued, now: UnixMs) -> serde_json::Value {
    let mut scratch = Scratch::default();
    let verified = manager
        .verify(issued.access_token.as_bytes(), now, &mut scratch)
        .unwrap();
    serde_json::from_str(verified.payload).unwrap()
}

fn roles(list: &[&str]) -> ClaimChanges {
    ClaimChanges {
        roles: Some(list.iter().map(|role| (*role).to_owned()).collect()),
        ..ClaimChanges::default()
    }
}

fn decided<'a>(token: &'a str, checked: &Checked, changes: ClaimChanges, arrived: UnixMs) -> RefreshRequest<'a> {
    RefreshRequest {
        decision: Some(Decision {
            changes,
            instead_of: checked.record.claims.clone(),
            arrived,
            read_at: checked.read_at,
        }),
        ..RefreshRequest::new(token)
    }
}

fn asking() -> Settings {
    Settings {
        on_refresh: true,
        ..settings()
    }
}

#[test]
fn where_the_application_is_asked_nothing_is_granted_without_its_decision() {
    let manager = in_memory(asking());
    let issued = start(&manager, &sign_in("alice"), at(0));
    let unasked = refresh(&manager, &RefreshRequest::new(&issued.refresh_token), at(1));
    assert_eq!(refusal(unasked).0, Code::Internal);
    let checked = check(&manager, &issued.refresh_token, at(1)).unwrap();
    assert_eq!(checked.record, issued.record);
    let request = decided(&issued.refresh_token, &checked, roles(&["admin"]), at(1));
    let granted = refresh(&manager, &request, at(4)).unwrap();
    assert_eq!(granted.outcome, Outcome::Rotated);
    let payload = claims(&manager, &granted.issued, at(4));
    assert_eq!(payload["roles"], serde_json::json!(["admin"]));
    let jti = payload["jti"].as_str().unwrap();
    assert_eq!(
        keyturn_core::session::TimedId::parse(jti).unwrap().time(),
        at(1),
        "a revocation of permissions since the application was asked reaches this token"
    );
}

#[test]
fn what_the_application_says_after_a_change_of_permissions_is_not_stale() {
    let manager = in_memory(asking());
    // The cut-off lies ahead of the clock, as it does where hosts share a store.
    let issued = start(&manager, &sign_in("alice"), at(5));
    settle(|answer| manager.change_permissions("alice".into(), ClaimChanges::default(), at(1), answer)).unwrap();
    let checked = check(&manager, &issued.refresh_token, at(2)).unwrap();
    let request = decided(&issued.refresh_token, &checked, roles(&["admin"]), at(2));
    let granted = refresh(&manager, &request, at(3)).unwrap();
    assert_eq!(
        claims(&manager, &granted.issued, at(3))["roles"],
        serde_json::json!(["admin"])
    );
    settle(|answer| manager.change_permissions("alice".into(), ClaimChanges::default(), at(1), answer)).unwrap();
    let late = refresh(&manager, &request, at(4)).unwrap();
    let mut scratch = Scratch::default();
    let refused = manager.verify(late.issued.access_token.as_bytes(), at(4), &mut scratch);
    assert_eq!(
        refused.unwrap_err().code(),
        Code::PermissionsStale,
        "a change since the application was asked reaches the token"
    );
}

#[test]
fn a_commit_that_failed_or_was_lost_leaves_the_token_good_and_the_claims_with_the_rotation() {
    for fault in [Fault::Before, Fault::After] {
        let store = FaultyStore::new(Arc::new(MemoryStore::new()));
        let manager = with(store.clone(), asking());
        let issued = start(&manager, &sign_in("alice"), at(0));
        let checked = check(&manager, &issued.refresh_token, at(1)).unwrap();
        store.fail_next(fault);
        let request = decided(&issued.refresh_token, &checked, roles(&["one"]), at(1));
        assert_eq!(refusal(refresh(&manager, &request, at(1))).0, Code::StoreUnavailable);
        let checked = check(&manager, &issued.refresh_token, at(2)).unwrap();
        let request = decided(&issued.refresh_token, &checked, roles(&["two"]), at(2));
        let granted = refresh(&manager, &request, at(2)).unwrap();
        let payload = claims(&manager, &granted.issued, at(2));
        assert_eq!(payload["roles"], serde_json::json!(["two"]), "the last word counts");
        let kept = if fault == Fault::Before { "two" } else { "one" };
        let stored = check(&manager, &granted.issued.refresh_token, at(3)).unwrap();
        assert_eq!(stored.record.claims, format!("\"roles\":[\"{kept}\"]"));
    }
}

#[test]
fn claims_that_were_made_from_others_are_to_be_made_again() {
    let manager = in_memory(asking());
    let issued = start(&manager, &sign_in("alice"), at(0));
    let mut checked = check(&manager, &issued.refresh_token, at(1)).unwrap();
    checked.record.claims = r#""roles":["former"]"#.into();
    let request = decided(&issued.refresh_token, &checked, roles(&["admin"]), at(1));
    assert_eq!(
        refusal(refresh(&manager, &request, at(1))),
        (Code::StoreUnavailable, Some("outdated"))
    );
    let checked = check(&manager, &issued.refresh_token, at(1)).unwrap();
    let request = decided(&issued.refresh_token, &checked, roles(&["admin"]), at(1));
    assert_eq!(refresh(&manager, &request, at(1)).unwrap().outcome, Outcome::Rotated);
}

#[test]
fn reuse_that_a_check_finds_kills_the_access_tokens() {
    let manager = in_memory(settings());
    let issued = start(&manager, &sign_in("alice"), at(0));
    let next = refresh(&manager, &RefreshRequest::new(&issued.refresh_token), at(1)).unwrap();
    let found = check(&manager, &issued.refresh_token, at(20));
    assert_eq!(refusal(found).0, Code::RefreshReused);
    let mut scratch = Scratch::default();
    let verdict = manager.verify(next.issued.access_token.as_bytes(), at(20), &mut scratch);
    assert_eq!(verdict.err().unwrap().code(), Code::TokenRevoked);
}

#[test]
fn a_bound_manager_compares_contexts_and_an_unbound_one_refuses_to_be_given_any() {
    let manager = in_memory(Settings {
        binding: Some(Mismatch::Reject),
        ..settings()
    });
    let home = SignIn {
        context: Some("home".into()),
        ..sign_in("alice")
    };
    let issued = start(&manager, &home, at(0));
    let from = |context| RefreshRequest {
        context,
        ..RefreshRequest::new(&issued.refresh_token)
    };
    assert_eq!(
        refusal(refresh(&manager, &from(Some("away")), at(1))),
        (Code::RefreshRefused, Some("context"))
    );
    assert_eq!(refusal(refresh(&manager, &from(None), at(1))).0, Code::OptionInvalid);
    assert!(refresh(&manager, &from(Some("home")), at(1)).is_ok());
    let unbound = settle(|answer| manager.start(&sign_in("bob"), at(0), answer));
    assert_eq!(refusal(unbound).0, Code::OptionInvalid);

    let free = in_memory(settings());
    let bound = settle(|answer| free.start(&home, at(0), answer));
    assert_eq!(refusal(bound).0, Code::OptionInvalid);
}

#[test]
fn a_token_from_elsewhere_signs_nobody_else_out() {
    let manager = in_memory(Settings {
        binding: Some(Mismatch::Reject),
        ..settings()
    });
    let home = SignIn {
        context: Some("home".into()),
        ..sign_in("alice")
    };
    let (one, other) = (start(&manager, &home, at(0)), start(&manager, &home, at(0)));
    let everywhere = |issued: &Issued, context| {
        let request = RefreshRequest {
            context: Some(context),
            ..RefreshRequest::new(&issued.refresh_token)
        };
        let ended = settle(|answer| manager.end_all_by_refresh_token(&request, EndReason::Logout, at(1), answer));
        ended.unwrap().unwrap().ended.len()
    };
    let third = start(&manager, &home, at(0));
    assert_eq!(everywhere(&one, "away"), 1);
    assert_eq!(everywhere(&other, "home"), 2);
    drop(third);
}

#[test]
fn a_store_far_behind_is_healed_where_the_operator_says_so() {
    let any = || Settings {
        heal: Heal::Any,
        ..settings()
    };
    for (heal, expected) in [
        (any(), Ok(Outcome::HealedAhead)),
        (settings(), Err(Code::SessionRevoked)),
    ] {
        let store: Arc<dyn Store> = Arc::new(MemoryStore::new());
        let manager = with(Arc::clone(&store), heal);
        let issued = start(&manager, &sign_in("alice"), at(0));
        let mut token = issued.refresh_token;
        for now in 1..4 {
            token = refresh(&manager, &RefreshRequest::new(&token), at(now))
                .unwrap()
                .issued
                .refresh_token;
        }
        // A backup from before the rotations: the memory store puts a session in the place of the one with its sid.
        wait(|done| store.create(issued.record.into(), done)).unwrap();
        let after = refresh(&manager, &RefreshRequest::new(&token), at(5));
        let got = after
            .map(|granted| granted.outcome)
            .map_err(|failure| failure.error.code());
        assert_eq!(got, expected);
    }
}

#[test]
fn replays_from_elsewhere_or_in_three_generations_running_are_told() {
    let manager = in_memory(settings());
    let mut token = start(&manager, &sign_in("alice"), at(0)).refresh_token;
    let from = |token: &str, origin, now| {
        let request = RefreshRequest {
            origin,
            ..RefreshRequest::new(token)
        };
        refresh(&manager, &request, now).unwrap()
    };
    let mut told = Vec::new();
    for now in 1..4 {
        let next = from(&token, None, at(now)).issued.refresh_token;
        told.push(from(&token, None, at(now)).contention);
        token = next;
    }
    assert_eq!(told, [None, None, Some(Contention::Running)]);
    from(&token, Some("10.0.0.0/24"), at(20));
    assert_eq!(
        from(&token, Some("10.0.0.0/24"), at(21)).contention,
        Some(Contention::Running)
    );
    assert_eq!(
        from(&token, Some("10.9.0.0/24"), at(22)).contention,
        Some(Contention::Origin)
    );
}

#[test]
fn one_session_too_many_ends_the_oldest_at_once_and_the_next_reader_of_the_store_knows() {
    let limited = || Settings {
        max_sessions: Some(SessionLimit {
            count: 1,
            when_full: WhenFull::EndOldest,
        }),
        ..settings()
    };
    let store: Arc<dyn Store> = Arc::new(MemoryStore::new());
    let manager = with(Arc::clone(&store), limited());
    let first = start(&manager, &sign_in("alice"), at(0));
    let second = start(&manager, &sign_in("alice"), at(1));
    assert_eq!(second.ended.len(), 1);
    let other = with(store, limited());
    for manager in [&manager, &other] {
        let mut scratch = Scratch::default();
        let verdict = manager.verify(first.access_token.as_bytes(), at(2), &mut scratch);
        assert_eq!(verdict.err().unwrap().code(), Code::TokenRevoked);
    }
    assert_eq!(
        refusal(refresh(&manager, &RefreshRequest::new(&first.refresh_token), at(2))),
        (Code::SessionRevoked, Some("limit"))
    );
    assert!(refresh(&manager, &RefreshRequest::new(&second.refresh_token), at(2)).is_ok());
}

#[test]
fn an_end_by_a_sign_in_of_unknown_outcome_is_read_again() {
    let store = FaultyStore::new(Arc::new(MemoryStore::new()));
    let manager = with(
        store.clone(),
        Settings {
            max_sessions: Some(SessionLimit {
                count: 1,
                when_full: WhenFull::EndOldest,
            }),
            ..settings()
        },
    );
    let first = start(&manager, &sign_in("alice"), at(0));
    store.fail_next(Fault::After);
    let lost = settle(|answer| manager.start(&sign_in("alice"), at(1), answer));
    assert_eq!(refusal(lost).0, Code::StoreUnavailable);
    settle(|answer| manager.maintain(at(2), Forget::HerePast, answer)).unwrap();
    let mut scratch = Scratch::default();
    let verdict = manager.verify(first.access_token.as_bytes(), at(2), &mut scratch);
    assert_eq!(verdict.err().unwrap().code(), Code::TokenRevoked);
}

#[test]
fn a_host_whose_clock_is_far_off_judges_no_refresh_and_forgets_nothing() {
    let manager = in_memory(settings());
    let issued = start(&manager, &sign_in("alice"), at(0));
    let request = RefreshRequest::new(&issued.refresh_token);
    let clock = &manager.shared().clock;
    clock.compare(at(100), at(131), at(131));
    assert_eq!(clock.state(), ClockState::Wrong);
    assert_eq!(
        refusal(refresh(&manager, &request, at(131))),
        (Code::StoreUnavailable, Some("clock"))
    );
    let past_all = at(90 * 86_400);
    settle(|answer| manager.maintain(past_all, Forget::EverywherePast, answer)).unwrap();
    clock.compare(at(100), at(130), at(130));
    assert_eq!(clock.state(), ClockState::Off);
    assert!(refresh(&manager, &request, at(130)).is_ok(), "nothing was purged");
    let mut scratch = Scratch::default();
    assert!(
        manager
            .verify(issued.access_token.as_bytes(), at(131), &mut scratch)
            .is_ok()
    );
}

#[test]
fn a_host_whose_clock_is_far_off_starts_no_session_and_stores_no_activity_that_has_yet_to_come() {
    let store: Arc<dyn Store> = Arc::new(MemoryStore::new());
    let manager = with(Arc::clone(&store), settings());
    let issued = start(&manager, &sign_in("alice"), at(0));
    let sid = issued.record.sid;
    let stored = || wait(|done| store.list("alice".into(), at(0), done)).unwrap()[0].last_activity;
    let clock = &manager.shared().clock;
    clock.compare(at(100), at(3700), at(3700));
    let refused = settle(|answer| manager.start(&sign_in("bob"), at(3700), answer));
    assert_eq!(refusal(refused), (Code::StoreUnavailable, Some("clock")));
    manager.note_activity(sid, at(3701));
    settle(|answer| manager.maintain(at(3702), Forget::Nothing, answer)).unwrap();
    assert_eq!(stored(), at(102), "as of the store's time");
    // What was seen before the clock was set right.
    manager.note_activity(sid, at(3703));
    clock.compare(at(110), at(110), at(110));
    settle(|answer| manager.maintain(at(111), Forget::HerePast, answer)).unwrap();
    assert_eq!(stored(), at(111));
    assert!(refresh(&manager, &RefreshRequest::new(&issued.refresh_token), at(112)).is_ok());
    assert!(settle(|answer| manager.start(&sign_in("bob"), at(112), answer)).is_ok());
}

#[test]
fn the_time_of_a_store_is_asked_of_the_store() {
    let store = FaultyStore::new(Arc::new(MemoryStore::new()));
    let manager = with(store.clone(), settings());
    assert_eq!(settle(|answer| manager.store_time(answer)).unwrap(), None);
    store.set_time(at(7));
    assert_eq!(settle(|answer| manager.store_time(answer)).unwrap(), Some(at(7)));
}

#[test]
fn what_asks_for_a_refresh_prints_no_token_and_no_context() {
    let request = RefreshRequest {
        context: Some("a device cookie"),
        access_token: Some("an access token"),
        ..RefreshRequest::new("a refresh token")
    };
    let renewal = Renewal {
        token: "a refresh token",
        context: Some("a device cookie"),
        ..Renewal::default()
    };
    let start = SignIn {
        context: Some("a device cookie".into()),
        ..sign_in("alice")
    };
    let printed = format!("{request:?} {renewal:?} {start:?}");
    assert!(!printed.contains("token\"") && !printed.contains("cookie"), "{printed}");
}
