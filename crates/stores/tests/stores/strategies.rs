//! Sessions without a refresh token: the access token is exchanged, or renewed.

use std::sync::Arc;

use keyturn_core::{
    error::Code,
    jwt::Scratch,
    random::SystemRandom,
    session::{
        ClaimChanges, EndReason, Failure, Granted, Issued, Manager, RefreshRequest, Renewal, Settings, SignIn,
        Strategy, rotation::Outcome,
    },
    store::{EndAsk, Store, Which},
    time::{Span, UnixMs},
};
use keyturn_stores::MemoryStore;

use crate::{
    contract::on_each_shared,
    faults::{Fault, FaultyStore},
    support::{START, at, settings, settle, shared, sign_in},
};

fn manager_with(strategy: Strategy, store: Arc<dyn Store>) -> Arc<Manager> {
    let settings = Settings { strategy, ..settings() };
    let manager = Manager::new(settings, shared(store), None, Arc::new(SystemRandom::new())).unwrap();
    settle(|answer| manager.open(START, answer)).unwrap();
    manager
}

fn start(manager: &Arc<Manager>, now: UnixMs) -> Issued {
    let sign_in = SignIn {
        roles: Some(vec!["user".into()]),
        claims: Some(r#"{"tenant":7}"#.into()),
        ..sign_in("alice")
    };
    settle(|answer| manager.start(&sign_in, now, answer)).unwrap()
}

fn refresh(manager: &Arc<Manager>, token: &str, now: UnixMs) -> Result<Granted, Failure> {
    settle(|answer| manager.refresh(&RefreshRequest::new(token), now, answer))
}

fn code(result: Result<Granted, Failure>) -> (Code, Option<&'static str>) {
    let error = result.expect_err("it should have been refused").error;
    (error.code(), error.reason())
}

fn claims(manager: &Manager, token: &str, now: UnixMs) -> Result<serde_json::Value, Code> {
    let mut scratch = Scratch::default();
    let verified = manager.verify(token.as_bytes(), now, &mut scratch);
    verified
        .map(|verified| serde_json::from_str(verified.payload).unwrap())
        .map_err(keyturn_core::error::Error::code)
}

#[test]
fn only_an_expired_access_token_is_exchanged_and_by_the_table_of_refresh_tokens() {
    on_each_shared(|store| {
        let manager = manager_with(Strategy::JtiExchange, store);
        let first = start(&manager, at(0));
        assert_eq!(first.refresh_token, first.access_token);
        let almost = UnixMs::new(at(300).as_millis() - 1);
        assert_eq!(
            code(refresh(&manager, &first.access_token, almost)),
            (Code::RefreshInvalid, Some("unexpired"))
        );
        let second = refresh(&manager, &first.access_token, at(300)).unwrap();
        assert_eq!(second.outcome, Outcome::Rotated);
        let replayed = refresh(&manager, &first.access_token, at(305)).unwrap();
        assert_eq!(replayed.outcome, Outcome::Replayed);
        let jti = |granted: &Granted| claims(&manager, &granted.issued.access_token, at(306)).unwrap()["jti"].clone();
        assert_eq!(
            jti(&second),
            jti(&replayed),
            "the same successor, to the letter of its jti"
        );
        let third = refresh(&manager, &second.issued.access_token, at(600)).unwrap();
        assert_eq!(
            claims(&manager, &third.issued.access_token, at(601)).unwrap()["tenant"],
            7
        );
        assert_eq!(
            code(refresh(&manager, &first.access_token, at(601))),
            (Code::RefreshReused, Some("reuse"))
        );
        assert_eq!(
            claims(&manager, &third.issued.access_token, at(602)),
            Err(Code::TokenRevoked)
        );
        assert_eq!(
            code(refresh(&manager, &third.issued.access_token, at(901))),
            (Code::SessionRevoked, Some("reuse"))
        );
    });
}

#[test]
fn an_exchange_ends_at_the_limits_of_the_session() {
    let manager = manager_with(Strategy::JtiExchange, Arc::new(MemoryStore::new()));
    let resting = start(&manager, at(0));
    assert_eq!(
        code(refresh(&manager, &resting.access_token, at(3600))),
        (Code::SessionExpired, Some("idle"))
    );
    let mut used = start(&manager, at(0)).access_token;
    let mut now = 0;
    while now < 86_400 - 3500 {
        now += 3500;
        manager.note_activity(manager.session_of(&used, at(now)).unwrap(), at(now - 3300));
        used = refresh(&manager, &used, at(now)).unwrap().issued.access_token;
    }
    assert_eq!(
        code(refresh(&manager, &used, at(86_400))),
        (Code::SessionExpired, Some("absolute"))
    );
}

#[test]
fn what_was_not_made_here_or_was_revoked_is_not_exchanged() {
    let manager = manager_with(Strategy::JtiExchange, Arc::new(MemoryStore::new()));
    let first = start(&manager, at(0));
    let payload = claims(&manager, &first.access_token, at(1)).unwrap();
    let forged = first.access_token.replace('.', "..");
    for token in ["", "kt1_", "a.b.c", &forged] {
        assert_eq!(
            code(refresh(&manager, token, at(301))).0,
            Code::RefreshInvalid,
            "{token}"
        );
    }
    let jti = payload["jti"].as_str().unwrap().to_owned();
    settle(|answer| manager.revoke_token(jti, at(300), answer)).unwrap();
    assert_eq!(
        code(refresh(&manager, &first.access_token, at(301))),
        (Code::TokenRevoked, Some("token"))
    );
    let rotation = manager_with(Strategy::Rotation, Arc::new(MemoryStore::new()));
    let other = start(&rotation, at(0));
    assert_eq!(
        code(refresh(&manager, &other.access_token, at(301))).0,
        Code::RefreshInvalid
    );
    assert_eq!(
        code(refresh(&rotation, &other.access_token, at(301))).0,
        Code::RefreshInvalid
    );
}

#[test]
fn tokens_whose_strategy_was_left_are_of_no_use() {
    let store: Arc<dyn Store> = Arc::new(MemoryStore::new());
    let exchange = manager_with(Strategy::JtiExchange, Arc::clone(&store));
    let rotation = manager_with(Strategy::Rotation, store);
    let (one, other) = (start(&exchange, at(0)), start(&rotation, at(0)));
    assert_eq!(
        code(refresh(&rotation, &one.refresh_token, at(301))).0,
        Code::RefreshInvalid
    );
    assert_eq!(
        code(refresh(&exchange, &other.access_token, at(301))).0,
        Code::RefreshInvalid
    );
    assert_eq!(
        code(refresh(&exchange, &other.refresh_token, at(301))).0,
        Code::RefreshInvalid
    );
}

#[test]
fn stale_roles_let_a_token_be_exchanged_before_it_expires() {
    let manager = manager_with(Strategy::JtiExchange, Arc::new(MemoryStore::new()));
    let first = start(&manager, at(0));
    let changes = ClaimChanges {
        roles: Some(vec!["admin".into()]),
        ..ClaimChanges::default()
    };
    settle(|answer| manager.change_permissions("alice".into(), changes, at(5), answer)).unwrap();
    assert_eq!(
        claims(&manager, &first.access_token, at(6)),
        Err(Code::PermissionsStale)
    );
    let second = refresh(&manager, &first.access_token, at(6)).unwrap().issued;
    assert_eq!(
        claims(&manager, &second.access_token, at(6)).unwrap()["roles"],
        serde_json::json!(["admin"])
    );
}

#[test]
fn a_good_or_expired_token_signs_out_and_a_live_one_everywhere() {
    for strategy in [Strategy::JtiExchange, Strategy::Renewal] {
        let manager = manager_with(strategy, Arc::new(MemoryStore::new()));
        let (one, two, three) = (start(&manager, at(0)), start(&manager, at(0)), start(&manager, at(1)));
        let end = |token: &str, now| {
            settle(|answer| manager.end_by_refresh_token(token, EndReason::Logout, now, answer)).unwrap()
        };
        assert!(end(&one.access_token, at(301)).is_some());
        assert!(end("a.b.c", at(301)).is_none());
        assert!(claims(&manager, &two.access_token, at(2)).is_ok());
        settle(|answer| {
            let request = RefreshRequest::new(&three.access_token);
            manager.end_all_by_refresh_token(&request, EndReason::Logout, at(3), answer);
        })
        .unwrap();
        for token in [&one, &two, &three] {
            assert_eq!(
                claims(&manager, &token.access_token, at(4)),
                Err(Code::TokenRevoked),
                "{strategy:?}"
            );
            assert_eq!(
                code(refresh(&manager, &token.access_token, at(299))).0,
                Code::SessionRevoked
            );
        }
    }
}

fn renewal() -> (Arc<FaultyStore>, Arc<Manager>) {
    let store = FaultyStore::new(Arc::new(MemoryStore::new()));
    let manager = manager_with(Strategy::Renewal, store.clone());
    (store, manager)
}

#[test]
fn a_token_near_its_end_is_renewed_if_its_user_was_there_and_no_store_is_touched() {
    let (store, manager) = renewal();
    store.fail_next(Fault::Before);
    let first = start(&manager, at(0));
    let again = |now| refresh(&manager, &first.access_token, now).unwrap();
    manager.note_activity(first.record.sid, at(100));
    let early = again(at(149));
    assert_eq!(
        (early.outcome, &early.issued.access_token),
        (Outcome::Replayed, &first.access_token)
    );
    let renewed = again(at(150));
    assert_eq!(renewed.outcome, Outcome::Rotated);
    let (old, new) = (
        claims(&manager, &first.access_token, at(151)).unwrap(),
        claims(&manager, &renewed.issued.access_token, at(151)).unwrap(),
    );
    for name in ["sid", "sub", "auth_time", "roles", "tenant", "iss", "aud"] {
        assert_eq!(old[name], new[name], "{name}");
    }
    assert_ne!(old["jti"], new["jti"]);
    assert_eq!(new["exp"], at(450).as_secs());
    let resting = refresh(&manager, &renewed.issued.access_token, at(440)).unwrap();
    assert_eq!(resting.outcome, Outcome::Replayed, "there was no activity since");
    assert_eq!(
        code(refresh(&manager, &renewed.issued.access_token, at(450))),
        (Code::SessionExpired, Some("idle"))
    );
}

#[test]
fn a_report_is_activity_and_the_age_of_the_session_is_bounded() {
    let (_, manager) = renewal();
    let mut token = start(&manager, at(0)).access_token;
    let report = |token: &str, now: u64, ago| {
        let request = RefreshRequest {
            report: Some(Span::from_secs(ago)),
            ..RefreshRequest::new(token)
        };
        settle(|answer| manager.refresh(&request, at(now), answer))
    };
    assert_eq!(
        report(&token, 200, 201).unwrap().outcome,
        Outcome::Replayed,
        "before it was issued"
    );
    let mut now = 0;
    while now + 300 < 86_400 {
        now += 250;
        token = report(&token, now, 1).unwrap().issued.access_token;
    }
    let last = claims(&manager, &token, at(now)).unwrap()["exp"].as_u64().unwrap();
    assert_eq!(last, at(86_400).as_secs());
    assert_eq!(report(&token, 86_399, 0).unwrap().outcome, Outcome::Replayed);
    let failure = report(&token, 86_400, 0).unwrap_err().error;
    assert_eq!(
        (failure.code(), failure.reason()),
        (Code::SessionExpired, Some("absolute"))
    );
}

#[test]
fn a_stateless_session_ends_by_revocation_and_nobody_elses_can_be_ended() {
    let (store, manager) = renewal();
    let first = start(&manager, at(0));
    let end = |subject: Option<String>, except| {
        let sid = first.record.sid;
        let which = if except {
            Which::Subject {
                subject: "alice".into(),
                before: None,
                except: Some(sid),
            }
        } else {
            Which::Session { sid, subject }
        };
        settle(|answer| manager.end(EndAsk::new(which, EndReason::Revoked, at(1)), answer))
    };
    let refused = |result: Result<_, Failure>| result.map(|_| ()).unwrap_err().error.code();
    assert_eq!(refused(end(Some("alice".into()), false)), Code::SessionUnknown);
    assert_eq!(refused(end(None, true)), Code::OptionInvalid);
    let none = settle(|answer| manager.list("alice".into(), at(1), answer)).unwrap();
    assert!(none.is_empty(), "nobody remembers it");
    end(None, false).unwrap();
    assert_eq!(
        code(refresh(&manager, &first.access_token, at(200))).0,
        Code::SessionRevoked
    );
    let stored = crate::support::wait(|done| store.revocations(at(86_399), done)).unwrap();
    assert_eq!(stored.len(), 1, "as long as a token of it could be renewed");
}

#[test]
fn a_stateless_step_up_has_another_sid_and_the_same_end() {
    let (_, manager) = renewal();
    let first = start(&manager, at(0));
    let step_up = Renewal {
        token: &first.access_token,
        changes: ClaimChanges {
            roles: Some(vec!["admin".into()]),
            ..ClaimChanges::default()
        },
        authenticated: true,
        ..Renewal::default()
    };
    let stepped = settle(|answer| manager.renew(&step_up, at(60), answer)).unwrap().issued;
    let new = claims(&manager, &stepped.access_token, at(61)).unwrap();
    assert_eq!(
        (&new["roles"], &new["tenant"]),
        (&serde_json::json!(["admin"]), &serde_json::json!(7))
    );
    assert_eq!(new["auth_time"], at(60).as_secs());
    assert_eq!(stepped.record.absolute_end, first.record.absolute_end);
    assert_ne!(stepped.record.sid, first.record.sid);
    assert_eq!(claims(&manager, &first.access_token, at(61)), Err(Code::TokenRevoked));
    assert!(settle(|answer| manager.renew(&step_up, at(62), answer)).is_err());
}

#[test]
fn nobody_can_change_roles_that_nobody_remembers() {
    let (_, manager) = renewal();
    let changes = ClaimChanges {
        roles: Some(Vec::new()),
        ..ClaimChanges::default()
    };
    let failure = settle(|answer| manager.change_permissions("alice".into(), changes, at(1), answer)).unwrap_err();
    assert_eq!(failure.error.code(), Code::OptionInvalid);
}

#[test]
fn under_a_wrong_clock_nothing_is_renewed() {
    let (_, manager) = renewal();
    let first = start(&manager, at(0));
    manager.shared().clock.compare(at(31), at(0), at(0));
    manager.note_activity(first.record.sid, at(100));
    let refused = (Code::StoreUnavailable, Some("clock"));
    assert_eq!(code(refresh(&manager, &first.access_token, at(200))), refused);
    let renewal = Renewal {
        token: &first.access_token,
        ..Renewal::default()
    };
    assert_eq!(code(settle(|answer| manager.renew(&renewal, at(200), answer))), refused);
    manager.shared().clock.compare(at(0), at(0), at(0));
    assert!(refresh(&manager, &first.access_token, at(200)).is_ok());
}

#[test]
fn who_ends_all_is_ended_too_where_the_host_that_started_the_session_is_ahead() {
    for fault in [None, Some(Fault::Before)] {
        let (store, manager) = renewal();
        let first = start(&manager, at(5));
        if let Some(fault) = fault {
            store.fail_next(fault);
        }
        let request = RefreshRequest::new(&first.access_token);
        let ended = settle(|answer| manager.end_all_by_refresh_token(&request, EndReason::Logout, at(1), answer));
        assert_eq!(
            ended
                .map(|answer| answer.is_some())
                .map_err(|failure| failure.error.code()),
            fault.map_or(Ok(true), |_| Err(Code::StoreUnavailable))
        );
        assert_eq!(claims(&manager, &first.access_token, at(6)), Err(Code::TokenRevoked));
        assert_eq!(
            code(refresh(&manager, &first.access_token, at(200))).0,
            Code::SessionRevoked
        );
    }
}
