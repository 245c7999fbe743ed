//! How long a process may go on with revocations that it cannot be sure to hold all of, and clocks that lie apart.

use std::sync::Arc;

use keyturn_core::{
    error::Code,
    revocation::{Revocation, Target},
    session::{EndReason, Forget, Manager, RefreshRequest},
    store::{EndAsk, Lives, Store, Which},
    time::Span,
};
use keyturn_stores::{MemoryStore, SqliteStore};

use crate::{
    faults::{Fault, FaultyStore},
    support::{at, manager, settle, sign_in, wait},
};

fn faulty() -> Arc<FaultyStore> {
    FaultyStore::new(Arc::new(MemoryStore::new()))
}

fn maintain(manager: &Arc<Manager>, now: u64) {
    settle(|answer| manager.maintain(at(now), Forget::HerePast, answer)).unwrap();
}

#[test]
fn a_process_is_as_stale_as_its_store() {
    let store = faulty();
    let manager = manager(store.clone());
    assert_eq!(manager.staleness(at(0)), Span::ZERO);
    store.lag(Span::from_secs(31));
    assert_eq!(manager.staleness(at(0)), Span::from_secs(31));
    store.lag(Span::ZERO);
    assert_eq!(manager.staleness(at(0)), Span::ZERO);
}

#[test]
fn what_may_have_been_missed_is_read_again_and_until_then_the_process_is_stale() {
    let store = faulty();
    let manager = manager(store.clone());
    let elsewhere = Revocation::token("theirs".into(), at(600));
    wait(|done| store.revoke(elsewhere, done)).unwrap();
    store.blind(true);
    store.miss();
    maintain(&manager, 5);
    assert_eq!(manager.staleness(at(5)), Span::ZERO);
    maintain(&manager, 10);
    assert_eq!(manager.staleness(at(36)), Span::from_secs(31), "since it was noticed");
    assert!(manager.shared().index.is_empty());
    store.blind(false);
    maintain(&manager, 40);
    assert_eq!(manager.staleness(at(40)), Span::ZERO);
    assert_eq!(manager.shared().index.len(), 1);
}

#[test]
fn a_step_of_unknown_outcome_makes_stale_until_all_has_been_read() {
    let store = faulty();
    let manager = manager(store.clone());
    let issued = settle(|answer| manager.start(&sign_in("alice"), at(0), answer)).unwrap();
    store.fail_next(Fault::After);
    store.blind(true);
    let refreshed = settle(|answer| manager.refresh(&RefreshRequest::new(&issued.refresh_token), at(1), answer));
    assert_eq!(refreshed.unwrap_err().error.code(), Code::StoreUnavailable);
    maintain(&manager, 5);
    assert_eq!(manager.staleness(at(20)), Span::from_secs(15));
    // A clock that was set back starts the count anew.
    maintain(&manager, 3);
    assert_eq!(manager.staleness(at(8)), Span::from_secs(5));
    store.blind(false);
    maintain(&manager, 9);
    assert_eq!(manager.staleness(at(100)), Span::ZERO);
}

#[test]
fn a_file_is_looked_at_all_the_time() {
    let folder = tempfile::tempdir().unwrap();
    let store = Arc::new(SqliteStore::open(&folder.path().join("keyturn.db")).unwrap());
    let manager = manager(store);
    // Far more than a look takes, far less than a process that has stopped looking would come to in the end.
    assert!(manager.staleness(at(0)) < Span::from_secs(20));
    settle(|answer| manager.close(at(1), answer)).unwrap();
}

#[test]
fn a_cut_off_lies_as_far_ahead_as_the_clocks_lie_apart_and_what_follows_lies_behind_it() {
    let store = faulty();
    store.skew(Span::from_secs(1));
    let manager = manager(store.clone());
    let end = |which, now| settle(|answer| manager.end(EndAsk::new(which, EndReason::Revoked, now), answer));
    let alice = |before| Which::Subject {
        subject: "alice".into(),
        before,
        except: None,
    };
    // Started by a host whose clock is half a second ahead.
    let ahead = at(10).plus(Span::from_millis(500));
    let theirs = settle(|answer| manager.start(&sign_in("alice"), ahead, answer)).unwrap();
    let ended = end(alice(None), at(10)).unwrap();
    assert_eq!(ended.ended, [theirs.record.sid]);
    let before = at(11);
    let subject = "alice".to_owned();
    assert_eq!(ended.revocations[0].target, Target::Subject { subject, before });
    let next = settle(|answer| manager.start(&sign_in("alice"), at(10), answer)).unwrap();
    assert_eq!(next.record.sid.time(), before.plus(Span::from_millis(1)));
    // One that says when is taken at its word.
    let everything = Which::Everything { before: Some(at(9)) };
    let ended = end(everything, at(10)).unwrap();
    assert_eq!(ended.revocations[0].target, Target::Everything { before: at(9) });
    // The one that could not be stored lies as far ahead, here and when it is stored.
    store.fail_next(Fault::Before);
    end(Which::Everything { before: None }, at(20)).unwrap_err();
    assert_eq!(manager.shared().index.cutoff("bob"), Some(at(21)));
    maintain(&manager, 25);
    let stored = wait(|done| store.revocations(at(25), done)).unwrap();
    assert!(
        stored
            .iter()
            .any(|revocation| revocation.target == Target::Everything { before: at(21) })
    );
}

#[test]
fn a_cut_off_in_the_future_is_refused() {
    let manager = manager(faulty());
    for which in [
        Which::Everything { before: Some(at(11)) },
        Which::Subject {
            subject: "alice".into(),
            before: Some(at(11)),
            except: None,
        },
    ] {
        let ask = EndAsk::new(which, EndReason::Revoked, at(10));
        let refused = settle(|answer| manager.end(ask, answer)).unwrap_err();
        assert_eq!(refused.error.code(), Code::OptionInvalid);
    }
    assert!(manager.shared().index.is_empty());
}

#[test]
fn a_file_keeps_the_longest_lives_ever_used_with_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("keyturn.db");
    let store = SqliteStore::open(&path).unwrap();
    let lives = |absolute, after_expiry| Lives {
        absolute: Span::from_secs(absolute),
        after_expiry: Span::from_secs(after_expiry),
    };
    let ask = |own| wait(|done| store.lives(own, done)).unwrap();
    assert_eq!(ask(lives(90 * 86_400, 0)), lives(90 * 86_400, 0));
    assert_eq!(ask(lives(60, 3600)), lives(90 * 86_400, 3600));
    // Another process's sessions of ninety days may be on their way into the file.
    let manager = manager(Arc::new(store));
    let everything = EndAsk::new(Which::Everything { before: None }, EndReason::Revoked, at(10));
    let ended = settle(|answer| manager.end(everything, answer)).unwrap();
    assert!(ended.revocations[0].expires_at > at(90 * 86_400));
    // Expired tokens are exchanged for an hour.
    settle(|answer| manager.revoke_token("a".into(), at(300), answer)).unwrap();
    manager.shared().index.expire(at(300 + 3600));
    assert_eq!(manager.shared().index.len(), 1);
}
