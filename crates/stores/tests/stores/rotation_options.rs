//! What every store must do with the options of a refresh and of a sign-in, run against each of them.

use std::sync::{Arc, Barrier, mpsc};

use keyturn_core::{
    error::Code,
    session::{
        EndReason, FamilySecret, Record, SessionLimit, WhenFull,
        rotation::{Ask, Context, Heal, Intent, Mismatch, NewClaims, Outcome, Verdict},
    },
    store::{CreateAsk, Created, Refreshed, Store},
};
use keyturn_stores::{MemoryStore, SqliteStore};

use crate::support::{ask, at, session, wait};

/// Runs a case on a new store of each kind.
fn on_each(case: impl Fn(Arc<dyn Store>)) {
    case(Arc::new(MemoryStore::new()));
    let folder = tempfile::tempdir().unwrap();
    let sqlite = Arc::new(SqliteStore::open(&folder.path().join("keyturn.db")).unwrap());
    case(sqlite.clone());
    wait(|done| sqlite.close(done)).unwrap();
}

fn created(store: &dyn Store, record: &Record, limit: impl Into<Option<SessionLimit>>, now: u64) -> Created {
    let ask = CreateAsk {
        record: record.clone(),
        limit: limit.into(),
        now: at(now),
    };
    wait(|done| store.create(ask, done)).unwrap()
}

fn refreshed(store: &dyn Store, ask: Ask) -> Refreshed {
    wait(|done| store.refresh(ask, done)).unwrap().unwrap()
}

fn stored(store: &dyn Store, record: &Record) -> Record {
    let mut listed = wait(|done| store.list(record.subject.clone(), at(0), done)).unwrap();
    listed.retain(|found| found.sid == record.sid);
    listed.remove(0)
}

fn limit(count: u32, when_full: WhenFull) -> SessionLimit {
    SessionLimit { count, when_full }
}

#[test]
fn a_check_stores_nothing_and_an_end_that_it_finds_is_stored() {
    on_each(|store| {
        let (record, family) = session("alice", at(0));
        created(store.as_ref(), &record, None, 0);
        let check = |generation, now| Ask {
            intent: Intent::Check,
            ..ask(&record, &family, generation, at(now))
        };
        let checked = refreshed(store.as_ref(), check(0, 1));
        assert_eq!(checked.verdict, Verdict::Granted(Outcome::Rotated));
        assert_eq!((checked.record, checked.revocation), (record.clone(), None));
        assert_eq!(stored(store.as_ref(), &record), record);
        refreshed(store.as_ref(), ask(&record, &family, 0, at(1)));
        let reused = refreshed(store.as_ref(), check(0, 20));
        assert!(matches!(reused.verdict, Verdict::Refused(error) if error.code() == Code::RefreshReused));
        let revocations = wait(|done| store.revocations(at(20), done)).unwrap();
        assert_eq!(revocations, [reused.revocation.unwrap()]);
    });
}

#[test]
fn new_claims_are_stored_with_the_rotation_unless_somebody_has_rewritten_them() {
    on_each(|store| {
        let (record, family) = session("alice", at(0));
        created(store.as_ref(), &record, None, 0);
        let with = |generation, text: &str, instead_of: &str, now| Ask {
            claims: Some(NewClaims {
                text: text.into(),
                instead_of: instead_of.into(),
            }),
            ..ask(&record, &family, generation, at(now))
        };
        let rotated = refreshed(store.as_ref(), with(0, r#""a":1"#, &record.claims, 1));
        assert_eq!(rotated.verdict, Verdict::Granted(Outcome::Rotated));
        assert_eq!(stored(store.as_ref(), &record).claims, r#""a":1"#);
        let replayed = refreshed(store.as_ref(), with(0, r#""a":2"#, &record.claims, 2));
        assert_eq!(replayed.verdict, Verdict::Granted(Outcome::Replayed));
        let outdated = refreshed(store.as_ref(), with(1, r#""a":2"#, &record.claims, 3));
        assert_eq!(outdated.verdict, Verdict::Outdated);
        assert_eq!(stored(store.as_ref(), &record), rotated.record);
    });
}

/// A session bound to a place, and what presents a token of it from one.
fn bound(store: &dyn Store, mismatch: Mismatch) -> (Record, impl Fn(u32, &str, u64) -> Ask) {
    let (record, family) = session("alice", at(0));
    let home = Some(family.context_digest("home"));
    let record = Record {
        start_context: home,
        last_context: home,
        ..record
    };
    created(store, &record, None, 0);
    let of = record.clone();
    let present = move |generation, from: &str, now| Ask {
        context: Some(Context {
            digest: family.context_digest(from),
            mismatch,
        }),
        ..ask(&of, &family, generation, at(now))
    };
    (record, present)
}

#[test]
fn contexts_are_kept_and_compared() {
    on_each(|store| {
        let (record, present) = bound(store.as_ref(), Mismatch::Report);
        let moved = refreshed(store.as_ref(), present(0, "away", 1));
        assert_eq!(moved.verdict, Verdict::GrantedElsewhere(Outcome::Rotated));
        let found = stored(store.as_ref(), &record);
        assert_eq!(found.start_context, record.start_context);
        assert_ne!(found.last_context, record.last_context);
        let again = refreshed(store.as_ref(), present(1, "away", 20));
        assert_eq!(again.verdict, Verdict::Granted(Outcome::Rotated));
        let stolen = refreshed(store.as_ref(), present(1, "home", 21));
        assert!(matches!(stolen.verdict, Verdict::Refused(error) if error.code() == Code::RefreshReused));

        let (record, present) = bound(store.as_ref(), Mismatch::Reject);
        let rejected = refreshed(store.as_ref(), present(0, "away", 1));
        assert!(matches!(rejected.verdict, Verdict::Refused(error) if error.code() == Code::RefreshRefused));
        assert_eq!(stored(store.as_ref(), &record), record);

        let (record, present) = bound(store.as_ref(), Mismatch::Revoke);
        let revoked = refreshed(store.as_ref(), present(0, "away", 1));
        assert_eq!(revoked.record.ended.unwrap().reason, EndReason::Context);
        assert_eq!(revoked.revocation, revoked.record.revocation());
        let late = refreshed(store.as_ref(), present(0, "home", 2));
        assert!(matches!(late.verdict, Verdict::Refused(error) if error.reason() == Some("context")));
        assert_eq!(late.record.sid, record.sid);
    });
}

#[test]
fn a_session_from_before_the_binding_is_bound_by_its_first_rotation() {
    on_each(|store| {
        let (record, family) = session("alice", at(0));
        let record = Record {
            start_context: None,
            last_context: None,
            ..record
        };
        created(store.as_ref(), &record, None, 0);
        assert_eq!(stored(store.as_ref(), &record), record);
        let digest = family.context_digest("home");
        let mismatch = Mismatch::Reject;
        let context = Some(Context { digest, mismatch });
        let ask = Ask {
            context,
            ..ask(&record, &family, 0, at(1))
        };
        refreshed(store.as_ref(), ask);
        let found = stored(store.as_ref(), &record);
        assert_eq!((found.start_context, found.last_context), (Some(digest), Some(digest)));
    });
}

#[test]
fn a_generation_far_ahead_is_taken_over_where_the_operator_says_so() {
    on_each(|store| {
        let (record, family) = session("alice", at(0));
        created(store.as_ref(), &record, None, 0);
        let any = |generation, now| Ask {
            heal: Heal::Any,
            ..ask(&record, &family, generation, at(now))
        };
        let healed = refreshed(store.as_ref(), any(41, 1));
        assert_eq!(healed.verdict, Verdict::Granted(Outcome::HealedAhead));
        assert_eq!(stored(store.as_ref(), &record).generation, 42);
        let ended = refreshed(store.as_ref(), ask(&record, &family, 44, at(2)));
        assert_eq!(ended.record.ended.unwrap().reason, EndReason::Rollback);
    });
}

#[test]
fn a_sign_in_over_the_limit_ends_the_oldest_in_the_same_step() {
    on_each(|store| {
        let two = limit(2, WhenFull::EndOldest);
        let records: Vec<Record> = (0..4).map(|start| session("alice", at(start)).0).collect();
        let (other, _) = session("bob", at(0));
        created(store.as_ref(), &other, two, 0);
        // In another order than that of their starts: the oldest is who started first, not who was stored first.
        for start in [1, 0] {
            assert_eq!(created(store.as_ref(), &records[start], two, 1).ended, []);
        }
        let third = created(store.as_ref(), &records[2], two, 2);
        assert!(third.admitted);
        let ended: Vec<_> = third.ended.iter().map(|record| record.sid).collect();
        assert_eq!(ended, [records[0].sid]);
        assert_eq!(third.ended[0].ended.unwrap().reason, EndReason::Limit);
        let revocations = wait(|done| store.revocations(at(2), done)).unwrap();
        assert_eq!(revocations, [third.ended[0].revocation().unwrap()]);
        let one = created(store.as_ref(), &records[3], limit(1, WhenFull::EndOldest), 3);
        assert_eq!(
            one.ended.len(),
            2,
            "a limit that was lowered holds from the next sign-in on"
        );
        let listed = wait(|done| store.list("alice".into(), at(4), done)).unwrap();
        assert_eq!(listed, [records[3].clone()]);
        assert_eq!(wait(|done| store.list("bob".into(), at(4), done)).unwrap().len(), 1);
    });
}

#[test]
fn a_sign_in_over_the_limit_is_refused_and_changes_nothing() {
    on_each(|store| {
        let one = limit(1, WhenFull::RefuseNewest);
        let (first, family) = session("alice", at(0));
        let (second, _) = session("alice", at(3605));
        created(store.as_ref(), &first, one, 0);
        assert_eq!(created(store.as_ref(), &second, one, 3605), Created::default());
        assert_eq!(stored(store.as_ref(), &first), first);
        assert!(wait(|done| store.revocations(at(0), done)).unwrap().is_empty());
        let admitted = created(store.as_ref(), &second, one, 3610);
        assert_eq!(admitted.ended[0].ended.unwrap().reason, EndReason::Idle);
        let late = refreshed(store.as_ref(), ask(&first, &family, 0, at(3611)));
        assert!(matches!(late.verdict, Verdict::Refused(error) if error.code() == Code::SessionExpired));
    });
}

#[test]
fn of_many_sign_ins_at_once_none_gets_past_the_limit() {
    for when_full in [WhenFull::EndOldest, WhenFull::RefuseNewest] {
        on_each(|store| {
            let barrier = Arc::new(Barrier::new(16));
            let (sender, receiver) = mpsc::channel();
            let racers: Vec<_> = (0..16)
                .map(|_| {
                    let (store, barrier, sender) = (Arc::clone(&store), Arc::clone(&barrier), sender.clone());
                    std::thread::spawn(move || {
                        let (record, _): (Record, FamilySecret) = session("alice", at(0));
                        barrier.wait();
                        let created = created(store.as_ref(), &record, limit(3, when_full), 0);
                        sender.send(created).unwrap();
                    })
                })
                .collect();
            drop(sender);
            for racer in racers {
                racer.join().unwrap();
            }
            let all: Vec<Created> = receiver.iter().collect();
            let admitted = all.iter().filter(|created| created.admitted).count();
            let ended: usize = all.iter().map(|created| created.ended.len()).sum();
            assert_eq!(admitted - ended, 3);
            assert_eq!(wait(|done| store.list("alice".into(), at(1), done)).unwrap().len(), 3);
            assert_eq!(wait(|done| store.revocations(at(1), done)).unwrap().len(), ended);
        });
    }
}

#[test]
fn a_store_on_the_clock_of_its_host_has_no_time_of_its_own() {
    on_each(|store| assert_eq!(wait(|done| store.time(done)), Ok(None)));
}
