//! Ends beside renewals: on Redis each takes several steps, and they come in between one another.

use std::thread;

use keyturn_core::{
    random::{self, SystemRandom},
    session::{ClaimChanges, EndReason, FamilySecret, Record, RenewAsk, SessionId, rotation::Verdict},
    store::{EndAsk, Refreshed, Store, StoreError, Which},
    time::UnixMs,
};
use keyturn_stores::RedisStore;

use crate::redis_server::RedisServer;
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
