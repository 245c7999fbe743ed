//! The session manager over real stores.

use std::sync::Arc;

use keyturn_core::{
    crypto::Algorithm,
    error::{Code, Error},
    jws::{protected_header, seal},
    jwt::Scratch,
    keys::{Key, KeySet, LiveKeys},
    random::SystemRandom,
    revocation::{Revocation, Target},
    session::{EndReason, Failure, Forget, Granted, Issued, Manager, RefreshRequest, SignIn, rotation::Outcome},
    store::{EndAnswer, EndAsk, Store, Which},
    time::{Span, UnixMs},
};
use keyturn_stores::{MemoryStore, SqliteStore};

use crate::{
    faults::{Fault, FaultyStore},
    support::{START, at, manager, settings, settle, shared, sign_in, wait},
};

fn start(manager: &Arc<Manager>, subject: &str, now: UnixMs) -> Issued {
    settle(|answer| manager.start(&sign_in(subject), now, answer)).unwrap()
}

fn refresh(manager: &Arc<Manager>, token: &str, now: UnixMs) -> Result<Granted, Failure> {
    settle(|answer| manager.refresh(&RefreshRequest::new(token), now, answer))
}

fn verify(manager: &Manager, token: &str, now: UnixMs) -> Result<String, Code> {
    let mut scratch = Scratch::default();
    let verified = manager.verify(token.as_bytes(), now, &mut scratch);
    verified
        .map(|verified| verified.payload.to_owned())
        .map_err(Error::code)
}

fn end(manager: &Arc<Manager>, which: Which, now: UnixMs) -> Result<EndAnswer, Failure> {
    let reason = EndReason::Revoked;
    settle(|answer| manager.end(EndAsk::new(which, reason, now), answer))
}

fn code<T>(result: Result<T, Failure>) -> Code {
    match result {
        Ok(_) => panic!("it should have been refused"),
        Err(failure) => failure.error.code(),
    }
}

fn memory() -> Arc<dyn Store> {
    Arc::new(MemoryStore::new())
}

#[test]
fn a_session_lives_from_sign_in_over_refresh_to_its_end() {
    let manager = manager(memory());
    let issued = start(&manager, "alice", at(0));
    assert!(
        verify(&manager, &issued.access_token, at(299))
            .unwrap()
            .contains(r#""sub":"alice""#)
    );
    assert_eq!(verify(&manager, &issued.access_token, at(300)), Err(Code::TokenExpired));
    let granted = refresh(&manager, &issued.refresh_token, at(300)).unwrap();
    assert_eq!(granted.outcome, Outcome::Rotated);
    assert_ne!(granted.issued.refresh_token, issued.refresh_token);
    assert!(verify(&manager, &granted.issued.access_token, at(301)).is_ok());
    let sid = issued.record.sid;
    end(
        &manager,
        Which::Session {
            sid,
            subject: Some("alice".into()),
        },
        at(302),
    )
    .unwrap();
    assert_eq!(
        verify(&manager, &granted.issued.access_token, at(302)),
        Err(Code::TokenRevoked)
    );
    assert_eq!(
        code(refresh(&manager, &granted.issued.refresh_token, at(303))),
        Code::SessionRevoked
    );
}

#[test]
fn a_replay_is_the_same_successor_to_the_letter_and_reuse_kills_the_access_tokens() {
    let manager = manager(memory());
    let issued = start(&manager, "alice", at(0));
    let first = refresh(&manager, &issued.refresh_token, at(1)).unwrap();
    let second = refresh(&manager, &issued.refresh_token, at(2)).unwrap();
    assert_eq!(second.outcome, Outcome::Replayed);
    assert_eq!(second.issued.refresh_token, first.issued.refresh_token);
    assert_eq!(
        code(refresh(&manager, &issued.refresh_token, at(12))),
        Code::RefreshReused
    );
    for token in [
        &issued.access_token,
        &first.issued.access_token,
        &second.issued.access_token,
    ] {
        assert_eq!(verify(&manager, token, at(13)), Err(Code::TokenRevoked));
    }
}

#[test]
fn before_it_is_open_nothing_is_answered_and_after_it_is_closed_nothing_is_either() {
    let store = memory();
    let manager = Manager::new(settings(), shared(store), None, Arc::new(SystemRandom::new())).unwrap();
    assert_eq!(verify(&manager, "a.b.c", START), Err(Code::NotReady));
    assert_eq!(
        code(settle(|answer| manager.start(&sign_in("alice"), START, answer))),
        Code::NotReady
    );
    settle(|answer| manager.open(START, answer)).unwrap();
    let issued = start(&manager, "alice", START);
    settle(|answer| manager.close(START, answer)).unwrap();
    settle(|answer| manager.close(START, answer)).unwrap();
    assert_eq!(verify(&manager, &issued.access_token, START), Err(Code::StoreClosed));
    assert_eq!(code(refresh(&manager, &issued.refresh_token, START)), Code::StoreClosed);
}

#[test]
fn the_store_closes_with_its_last_user() {
    let shared = shared(memory());
    let make = || Manager::new(settings(), Arc::clone(&shared), None, Arc::new(SystemRandom::new())).unwrap();
    let (one, two) = (make(), make());
    for manager in [&one, &two] {
        settle(|answer| manager.open(START, answer)).unwrap();
    }
    let issued = start(&one, "alice", START);
    settle(|answer| one.close(START, answer)).unwrap();
    assert!(!shared.is_closed());
    assert!(
        verify(&two, &issued.access_token, START).is_ok(),
        "both have the same keys"
    );
    settle(|answer| two.close(START, answer)).unwrap();
    assert!(shared.is_closed());
}

#[test]
fn a_second_user_of_a_store_with_other_options_is_refused() {
    let shared = shared(memory());
    let random = Arc::new(SystemRandom::new());
    let _first = Manager::new(settings(), Arc::clone(&shared), None, random.clone()).unwrap();
    let mut other = settings();
    other.audience = "another".into();
    let Err(error) = Manager::new(other, shared, None, random) else {
        panic!("two sets of options for one store");
    };
    assert_eq!(error.code(), Code::OptionInvalid);
}

#[test]
fn what_was_revoked_is_revoked_for_whoever_opens_the_store_next() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("keyturn.db");
    let open = || manager(Arc::new(SqliteStore::open(&path).unwrap()));
    let before = open();
    let dead = start(&before, "alice", at(0));
    let token = start(&before, "bob", at(0));
    let live = start(&before, "carol", at(0));
    end(
        &before,
        Which::Session {
            sid: dead.record.sid,
            subject: None,
        },
        at(1),
    )
    .unwrap();
    let jti = serde_json::from_str::<serde_json::Value>(&verify(&before, &token.access_token, at(1)).unwrap()).unwrap();
    let jti = jti["jti"].as_str().unwrap().to_owned();
    settle(|answer| before.revoke(Revocation::token(jti, at(300)), answer)).unwrap();
    settle(|answer| before.close(at(2), answer)).unwrap();

    let after = open();
    assert_eq!(verify(&after, &dead.access_token, at(3)), Err(Code::TokenRevoked));
    assert_eq!(code(refresh(&after, &dead.refresh_token, at(3))), Code::SessionRevoked);
    assert_eq!(verify(&after, &token.access_token, at(3)), Err(Code::TokenRevoked));
    assert!(
        refresh(&after, &token.refresh_token, at(3)).is_ok(),
        "a token's revocation ends no session"
    );
    assert!(verify(&after, &live.access_token, at(3)).is_ok());
    assert!(refresh(&after, &live.refresh_token, at(3)).is_ok());
}

#[test]
fn a_cut_off_reaches_every_older_session_and_no_later_one_of_the_same_millisecond() {
    let manager = manager(memory());
    let old = start(&manager, "alice", at(10));
    end(
        &manager,
        Which::Subject {
            subject: "alice".into(),
            before: None,
            except: None,
        },
        at(10),
    )
    .unwrap();
    let new = start(&manager, "alice", at(10));
    assert_eq!(verify(&manager, &old.access_token, at(11)), Err(Code::TokenRevoked));
    assert!(verify(&manager, &new.access_token, at(11)).is_ok());
    assert_eq!(
        code(refresh(&manager, &old.refresh_token, at(11))),
        Code::SessionRevoked
    );
    assert!(refresh(&manager, &new.refresh_token, at(11)).is_ok());
}

#[test]
fn a_session_that_is_stored_just_after_a_cut_off_that_reaches_it_does_not_live_on() {
    let manager = manager(memory());
    let issued = start(&manager, "alice", at(10));
    let target = Target::Subject {
        subject: "alice".into(),
        before: at(10),
    };
    // What another process revoked arrives between this session's start and its first refresh.
    manager.shared().index.insert(&Revocation {
        target,
        expires_at: at(1000),
    });
    assert_eq!(verify(&manager, &issued.access_token, at(11)), Err(Code::TokenRevoked));
    assert_eq!(
        code(refresh(&manager, &issued.refresh_token, at(11))),
        Code::SessionRevoked
    );
    assert!(
        settle(|answer| manager.list("alice".into(), at(12), answer))
            .unwrap()
            .is_empty()
    );
}

#[test]
fn a_failed_commit_leaves_the_token_good_and_an_unknown_outcome_is_made_good_by_the_retry() {
    let store = FaultyStore::new(memory());
    let manager = manager(store.clone());
    let issued = start(&manager, "alice", at(0));
    store.fail_next(Fault::Before);
    assert_eq!(
        code(refresh(&manager, &issued.refresh_token, at(1))),
        Code::StoreUnavailable
    );
    let retried = refresh(&manager, &issued.refresh_token, at(2)).unwrap();
    assert_eq!(retried.outcome, Outcome::Rotated);
    store.fail_next(Fault::After);
    assert_eq!(
        code(refresh(&manager, &retried.issued.refresh_token, at(3))),
        Code::StoreUnavailable
    );
    let again = refresh(&manager, &retried.issued.refresh_token, at(4)).unwrap();
    assert_eq!(again.outcome, Outcome::Replayed);
    assert!(refresh(&manager, &again.issued.refresh_token, at(20)).is_ok());
}

#[test]
fn an_end_that_cannot_be_stored_holds_here_at_once_and_is_stored_later() {
    let store = FaultyStore::new(memory());
    let manager = manager(store.clone());
    let issued = start(&manager, "alice", at(0));
    let sid = issued.record.sid;
    store.fail_next(Fault::Before);
    assert_eq!(
        code(end(&manager, Which::Session { sid, subject: None }, at(1))),
        Code::StoreUnavailable
    );
    assert_eq!(verify(&manager, &issued.access_token, at(1)), Err(Code::TokenRevoked));
    settle(|answer| manager.maintain(at(2), Forget::HerePast, answer)).unwrap();
    assert_eq!(
        code(refresh(&manager, &issued.refresh_token, at(3))),
        Code::SessionRevoked
    );
}

#[test]
fn the_access_tokens_of_a_session_that_the_store_has_lost_can_be_killed() {
    let store = memory();
    let manager = manager(Arc::clone(&store));
    let which = |issued: &Issued| Which::Session {
        sid: issued.record.sid,
        subject: None,
    };
    let revoked = |issued: &Issued| verify(&manager, &issued.access_token, at(2)) == Err(Code::TokenRevoked);
    let lost = [start(&manager, "alice", at(0)), start(&manager, "alice", at(0))];
    wait(|done| store.purge(at(1_000_000), done)).unwrap();
    assert_eq!(code(end(&manager, which(&lost[0]), at(1))), Code::SessionUnknown);
    let token = &lost[1].refresh_token;
    let ended = settle(|answer| manager.end_by_refresh_token(token, EndReason::Logout, at(1), answer));
    assert!(ended.unwrap().is_none());
    assert!(lost.iter().all(revoked));
    assert_eq!(code(end(&manager, which(&lost[0]), at(2))), Code::SessionUnknown);
    let stored = wait(|done| store.revocations(at(2), done)).unwrap();
    assert_eq!(stored.len(), 2, "and once is enough");
}

#[test]
fn an_end_whose_owner_cannot_be_checked_ends_nothing() {
    let store = FaultyStore::new(memory());
    let manager = manager(store.clone());
    let issued = start(&manager, "alice", at(0));
    let sid = issued.record.sid;
    store.fail_next(Fault::Before);
    assert_eq!(
        code(end(
            &manager,
            Which::Session {
                sid,
                subject: Some("mallory".into())
            },
            at(1)
        )),
        Code::StoreUnavailable
    );
    assert!(verify(&manager, &issued.access_token, at(1)).is_ok());
    settle(|answer| manager.maintain(at(2), Forget::HerePast, answer)).unwrap();
    assert!(refresh(&manager, &issued.refresh_token, at(3)).is_ok());
}

#[test]
fn a_session_that_rests_expires_and_one_that_is_used_does_not() {
    let manager = manager(memory());
    let resting = start(&manager, "alice", at(0));
    let used = start(&manager, "alice", at(0));
    manager.note_activity(used.record.sid, at(1800));
    assert_eq!(
        code(refresh(&manager, &resting.refresh_token, at(3600))),
        Code::SessionExpired
    );
    let granted = refresh(&manager, &used.refresh_token, at(3600)).unwrap();
    assert_eq!(
        granted.issued.record.idle_end(),
        at(1800 + 3600),
        "activity that no timer has stored yet counts"
    );
    settle(|answer| manager.maintain(at(3601), Forget::EverywherePast, answer)).unwrap();
    let listed = settle(|answer| manager.list("alice".into(), at(3602), answer)).unwrap();
    assert_eq!(listed.len(), 1);
    assert_eq!(listed[0].last_activity, at(1800));
}

#[test]
fn logging_out_takes_any_generation_and_is_never_reuse() {
    let manager = manager(memory());
    let issued = start(&manager, "alice", at(0));
    let live = refresh(&manager, &issued.refresh_token, at(1)).unwrap();
    let log_out = |token: &str, now| {
        settle(|answer| manager.end_by_refresh_token(token, EndReason::Logout, at(now), answer)).unwrap()
    };
    let ended = log_out(&issued.refresh_token, 100).unwrap();
    assert_eq!(ended.ended, [issued.record.sid]);
    let late = refresh(&manager, &live.issued.refresh_token, at(101));
    let failure = late.err().unwrap();
    assert_eq!(
        (failure.error.code(), failure.error.reason()),
        (Code::SessionRevoked, Some("logout"))
    );
    assert!(
        log_out(&live.issued.refresh_token, 102).is_none(),
        "there is nothing left to end"
    );
    assert!(log_out("kt1_garbage", 103).is_none());
}

#[test]
fn a_sign_in_that_makes_no_sense_is_refused() {
    let manager = manager(memory());
    let cases = [
        (sign_in(""), Code::OptionInvalid),
        (sign_in(&"a".repeat(256)), Code::OptionInvalid),
        (sign_in("a\nb"), Code::OptionInvalid),
        (
            SignIn {
                claims: Some(r#"{"sub":"eve"}"#.into()),
                ..sign_in("alice")
            },
            Code::ClaimsInvalid,
        ),
        (
            SignIn {
                claims: Some("[]".into()),
                ..sign_in("alice")
            },
            Code::ClaimsInvalid,
        ),
    ];
    for (request, expected) in cases {
        assert_eq!(
            code(settle(|answer| manager.start(&request, START, answer))),
            expected,
            "{request:?}"
        );
    }
    let long = SignIn {
        device: Some("d\r\n".repeat(500)),
        ..sign_in("alice")
    };
    let issued = settle(|answer| manager.start(&long, START, answer)).unwrap();
    assert_eq!(issued.record.device.unwrap(), "d".repeat(255));
}

#[test]
fn a_configured_key_signs_and_the_stores_own_ring_stays_out_of_it() {
    let store = memory();
    let random = Arc::new(SystemRandom::new());
    let key = Key::generate(Algorithm::Hs256, None, random.as_ref()).unwrap();
    let keys = Arc::new(KeySet::new([key]).unwrap().into());
    let manager = Manager::new(settings(), shared(store), Some(keys), random).unwrap();
    settle(|answer| manager.open(START, answer)).unwrap();
    let issued = start(&manager, "alice", START);
    assert!(verify(&manager, &issued.access_token, START).is_ok());
    let keys = manager.keys(START).unwrap();
    assert_eq!(keys.keys().len(), 1);
    assert!(keys.keys()[0].kid().is_some(), "an access token names its key");
}

#[test]
fn tokens_of_another_store_are_unknown_here() {
    let (one, other) = (manager(memory()), manager(memory()));
    let issued = start(&one, "alice", START);
    assert_eq!(verify(&other, &issued.access_token, START), Err(Code::KeyUnknown));
    assert_eq!(
        code(refresh(&other, &issued.refresh_token, START)),
        Code::RefreshInvalid
    );
    assert_eq!(other.session_of(&issued.refresh_token, at(0)).ok(), None);
    assert_eq!(one.session_of(&issued.refresh_token, at(0)), Ok(issued.record.sid));
}

#[test]
fn a_clock_that_goes_back_keeps_sessions_alive_and_windows_shut() {
    let manager = manager(memory());
    let issued = start(&manager, "alice", at(100));
    let first = refresh(&manager, &issued.refresh_token, at(200)).unwrap();
    let back = refresh(&manager, &first.issued.refresh_token, at(50)).unwrap();
    assert_eq!(back.outcome, Outcome::Rotated);
    assert_eq!(back.issued.record.rotated_at, at(200));
    assert!(back.issued.expires_at >= at(200).plus(Span::from_secs(300)));
    assert_eq!(
        code(refresh(&manager, &first.issued.refresh_token, at(215))),
        Code::RefreshReused
    );
}

#[test]
fn a_cut_off_that_is_stored_late_ends_no_session_that_started_in_the_meantime() {
    let store = FaultyStore::new(memory());
    let manager = manager(store.clone());
    let old = start(&manager, "alice", at(0));
    store.fail_next(Fault::Before);
    let failed = end(&manager, Which::Everything { before: None }, at(10));
    assert_eq!(code(failed), Code::StoreUnavailable);
    let fresh = start(&manager, "alice", at(20));
    settle(|answer| manager.maintain(at(30), Forget::HerePast, answer)).unwrap();
    assert_eq!(verify(&manager, &old.access_token, at(31)), Err(Code::TokenRevoked));
    assert_eq!(
        code(refresh(&manager, &old.refresh_token, at(31))),
        Code::SessionRevoked
    );
    assert!(verify(&manager, &fresh.access_token, at(31)).is_ok());
    assert!(refresh(&manager, &fresh.refresh_token, at(31)).is_ok());
}

#[test]
fn logging_out_everywhere_ends_at_least_this_session_though_the_store_is_down() {
    let store = FaultyStore::new(memory());
    let manager = manager(store.clone());
    let issued = start(&manager, "alice", at(0));
    store.fail_next(Fault::Before);
    let everywhere = settle(|answer| {
        manager.end_all_by_refresh_token(
            &RefreshRequest::new(&issued.refresh_token),
            EndReason::Logout,
            at(1),
            answer,
        );
    });
    assert_eq!(code(everywhere), Code::StoreUnavailable);
    assert_eq!(verify(&manager, &issued.access_token, at(1)), Err(Code::TokenRevoked));
    settle(|answer| manager.maintain(at(2), Forget::HerePast, answer)).unwrap();
    assert_eq!(
        code(refresh(&manager, &issued.refresh_token, at(3))),
        Code::SessionRevoked
    );
}

#[test]
fn a_clock_that_is_broken_or_was_ahead_at_the_start_forgets_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("keyturn.db");
    let before = manager(Arc::new(SqliteStore::open(&path).unwrap()));
    let issued = start(&before, "alice", at(0));
    end(
        &before,
        Which::Session {
            sid: issued.record.sid,
            subject: None,
        },
        at(1),
    )
    .unwrap();
    settle(|answer| before.maintain(UnixMs::MAX, Forget::EverywherePast, answer)).unwrap();
    assert_eq!(verify(&before, &issued.access_token, at(2)), Err(Code::TokenRevoked));
    settle(|answer| before.close(at(2), answer)).unwrap();

    let store: Arc<dyn Store> = Arc::new(SqliteStore::open(&path).unwrap());
    let after = Manager::new(settings(), shared(store), None, Arc::new(SystemRandom::new())).unwrap();
    settle(|answer| after.open(at(90 * 86_400), answer)).unwrap();
    assert_eq!(verify(&after, &issued.access_token, at(3)), Err(Code::TokenRevoked));
}

#[test]
fn a_sign_in_after_the_clock_went_back_over_a_cut_off_gets_tokens_that_work() {
    let manager = manager(memory());
    end(&manager, Which::Everything { before: None }, at(100)).unwrap();
    let issued = start(&manager, "alice", at(95));
    assert!(verify(&manager, &issued.access_token, at(95)).is_ok());
    let granted = refresh(&manager, &issued.refresh_token, at(98)).unwrap();
    assert!(verify(&manager, &granted.issued.access_token, at(98)).is_ok());
}

#[test]
fn a_cut_off_outlasts_sessions_that_another_process_is_about_to_store() {
    let manager = manager(memory());
    let answer = end(&manager, Which::Everything { before: None }, at(0)).unwrap();
    assert!(answer.revocations[0].expires_at >= at(0).plus(settings().absolute));
}

#[test]
fn sessions_that_were_dropped_without_a_close_let_go_of_the_store() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("keyturn.db");
    let shared = shared(Arc::new(SqliteStore::open(&path).unwrap()));
    let make = || Manager::new(settings(), Arc::clone(&shared), None, Arc::new(SystemRandom::new())).unwrap();
    let (dropped, closed) = (make(), make());
    settle(|answer| closed.open(START, answer)).unwrap();
    drop(dropped);
    assert!(!shared.is_closed());
    settle(|answer| closed.close(START, answer)).unwrap();
    assert!(shared.is_closed());
    assert!(!path.with_extension("db-wal").exists());
}

#[test]
fn what_hands_out_tokens_prints_none() {
    let manager = manager(memory());
    let issued = start(&manager, "alice", at(0));
    let printed = format!("{issued:?}");
    assert!(!printed.contains(&issued.access_token) && !printed.contains(&issued.refresh_token));
}

#[test]
fn an_access_token_that_lives_longer_than_its_revocation_is_kept_is_refused() {
    const DAY: u64 = 24 * 3600;
    let key = Key::generate(Algorithm::Hs256, Some("own"), &SystemRandom::new()).unwrap();
    let keys: Arc<LiveKeys> = Arc::new(KeySet::new([key.clone()]).unwrap().into());
    let random = Arc::new(SystemRandom::new());
    let manager = Manager::new(settings(), shared(Arc::new(MemoryStore::new())), Some(keys), random).unwrap();
    settle(|answer| manager.open(START, answer)).unwrap();
    let issued = start(&manager, "alice", at(0));
    let payload = verify(&manager, &issued.access_token, at(0)).unwrap();
    // Whoever has the keys can sign anything; here with times of its own, in seconds from the start of the session.
    let signed = |issued: u64, expires: u64| {
        let mut claims: serde_json::Value = serde_json::from_str(&payload).unwrap();
        claims["iat"] = at(issued).as_secs().into();
        claims["exp"] = at(expires).as_secs().into();
        let mut token = String::new();
        let header = protected_header(key.algorithm(), Some("at+jwt"), key.kid());
        seal(&header, claims.to_string().as_bytes(), &key, &mut token).unwrap();
        token
    };
    let verify = |token: &str, now: UnixMs| verify(&manager, token, now).map(|_| ());
    for (issued, expires) in [(0, DAY), (60, DAY + 60)] {
        assert_eq!(verify(&signed(issued, expires), at(0)), Ok(()), "{issued} to {expires}");
    }
    for (issued, expires) in [(0, DAY + 1), (61, DAY + 61), (0, 30 * DAY)] {
        let token = signed(issued, expires);
        assert_eq!(verify(&token, at(0)), Err(Code::ClaimInvalid), "{issued} to {expires}");
    }
    // On its last day, too, when what revoked its session would have been forgotten.
    assert_eq!(verify(&signed(0, 30 * DAY), at(29 * DAY + 1)), Err(Code::ClaimInvalid));
}
