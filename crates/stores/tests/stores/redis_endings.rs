//! Ends beside renewals: on Redis each takes several steps, and they come in between one another.

use std::{
    sync::{Mutex, mpsc},
    thread,
};

use keyturn_core::{
    random::{self, SystemRandom},
    session::{
        ClaimChanges, EndReason, FamilySecret, Record, RenewAsk, SessionId, SessionLimit, WhenFull, rotation::Verdict,
    },
    store::{CreateAsk, EndAsk, Refreshed, Store, StoreError, Which},
    time::UnixMs,
};
use keyturn_stores::RedisStore;

use crate::redis_proxy::proxy;
use crate::redis_server::{RedisServer, open};
use crate::support::{ask, at, session, wait};

fn renewal(record: &Record, family: &FamilySecret, now: UnixMs) -> RenewAsk {
    RenewAsk {
        by: ask(record, family, 0, now),
        changes: ClaimChanges::default(),
        authenticated: true,
        unique: random::array(&SystemRandom::new()).unwrap(),
        family: FamilySecret::generate(&SystemRandom::new()).unwrap().digest(),
        context: None,
    }
}

fn sids(store: &RedisStore, subject: &str, now: UnixMs) -> Vec<SessionId> {
    let listed = wait(|done| store.list(subject.into(), now, done)).unwrap();
    listed.into_iter().map(|record| record.sid).collect()
}

fn renewed(answer: Result<Option<Refreshed>, StoreError>) -> Option<SessionId> {
    let answer = answer.unwrap().unwrap();
    matches!(answer.verdict, Verdict::Granted(_)).then_some(answer.record.sid)
}

/// Renews a session while `which` is ended, as often as it takes for them to meet; answers after each time who is left.
fn race(
    store: &RedisStore,
    which: impl Fn(&str, SessionId) -> Which,
    ends_at: UnixMs,
    left: impl Fn(&[SessionId], SessionId),
) {
    for round in 0..300_u32 {
        let subject = format!("user {round}");
        let made = [session(&subject, at(0)), session(&subject, at(0))];
        for (record, _) in &made {
            wait(|done| store.create(record.clone().into(), done)).unwrap();
        }
        let [(kept, _), (record, family)] = &made;
        let renewal = renewal(record, family, at(10));
        let end = EndAsk::new(which(&subject, kept.sid), EndReason::Revoked, ends_at);
        thread::scope(|scope| {
            let renewing = scope.spawn(|| renewed(wait(|done| store.renew(renewal, done))));
            // Sometimes the one is ahead, sometimes the other.
            for _ in 0..round * 20 {
                std::hint::spin_loop();
            }
            wait(|done| store.end(end, done)).unwrap();
            renewing.join().unwrap();
        });
        left(&sids(store, &subject, at(20)), kept.sid);
    }
}

#[test]
fn what_is_renewed_while_all_but_one_are_ended_does_not_survive_it() {
    let Some(server) = RedisServer::start() else { return };
    let all_but_one = |subject: &str, kept| Which::Subject {
        subject: subject.to_owned(),
        before: None,
        except: Some(kept),
    };
    race(&server.store(), all_but_one, at(10), |left, kept| {
        assert_eq!(left, [kept]);
    });
}

#[test]
fn nor_does_it_survive_a_cut_off_that_began_before() {
    let Some(server) = RedisServer::start() else { return };
    // Renewed seconds after the cut-off's moment, and yet before the cut-off has come to the session.
    let all = |subject: &str, _| Which::Subject {
        subject: subject.to_owned(),
        before: None,
        except: None,
    };
    race(&server.store(), all, at(5), |left, _| {
        assert!(left.is_empty(), "{left:?}");
    });
}

/// A sign-in of one who may have so many sessions.
fn limited(count: u32, now: UnixMs) -> CreateAsk {
    CreateAsk {
        limit: Some(SessionLimit {
            count,
            when_full: WhenFull::EndOldest,
        }),
        ..session("alice", now).0.into()
    }
}

/// A store whose first command that contains `word` waits until `before` has been called.
fn interrupted(server: &RedisServer, word: &'static str, before: impl FnOnce() + Send + 'static) -> RedisStore {
    let before = Mutex::new(Some(before));
    let port = proxy(server, word, move || {
        if let Some(before) = before.lock().unwrap().take() {
            before();
        }
    });
    open(&format!("redis://127.0.0.1:{port}")).unwrap()
}

/// In what revokes the sessions that give way, which is the first thing after the new one has got its place.
const GIVES_WAY: &str = "{shared}:head";

#[test]
fn what_gives_way_to_a_sign_in_does_not_escape_by_being_renewed() {
    let Some(server) = RedisServer::start() else { return };
    let store = server.store();
    let (record, family) = session("alice", at(0));
    wait(|done| store.create(record.clone().into(), done)).unwrap();
    let (of_renewal, renewal) = (server.store(), renewal(&record, &family, at(20)));
    let signing_in = interrupted(&server, GIVES_WAY, move || {
        assert!(renewed(wait(|done| of_renewal.renew(renewal, done))).is_some());
    });
    let ask = limited(1, at(20));
    let sid = ask.record.sid;
    let created = wait(|done| signing_in.create(ask, done)).unwrap();
    assert_eq!(sids(&store, "alice", at(30)), [sid]);
    let reasons: Vec<_> = created
        .ended
        .iter()
        .map(|record| record.ended.unwrap().reason)
        .collect();
    assert_eq!(reasons, [EndReason::Renewed, EndReason::Limit]);
    let stored = wait(|done| store.revocations(UnixMs::default(), done)).unwrap();
    for record in &created.ended {
        assert!(stored.contains(&record.revocation().unwrap()), "{record:?}");
    }
}

#[test]
fn what_was_counted_beside_the_session_that_it_replaces_stays() {
    let Some(server) = RedisServer::start() else { return };
    let store = server.store();
    let (record, family) = session("alice", at(0));
    wait(|done| store.create(record.clone().into(), done)).unwrap();
    let ((placed, is_placed), (renewed_it, is_renewed), (answer, answered)) =
        (mpsc::channel(), mpsc::channel::<()>(), mpsc::channel());
    let signing_in = interrupted(&server, GIVES_WAY, move || {
        placed.send(()).unwrap();
        is_renewed.recv().unwrap();
    });
    let ask = limited(2, at(20));
    let sid = ask.record.sid;
    // Both are there when the old one is about to be ended as renewed: the sign-in counts both.
    let renewing = interrupted(&server, EndReason::Renewed.as_str(), move || {
        signing_in.create(ask, Box::new(move |created| answer.send(created).unwrap()));
        is_placed.recv().unwrap();
    });
    let renewal = renewal(&record, &family, at(20));
    wait(|done| renewing.renew(renewal, done)).unwrap();
    renewed_it.send(()).unwrap();
    let created = answered.recv().unwrap().unwrap();
    assert_eq!(
        created.ended.iter().map(|record| record.sid).collect::<Vec<_>>(),
        [record.sid]
    );
    let left = sids(&store, "alice", at(30));
    assert!(left.len() == 2 && left.contains(&sid), "{left:?}");
}
