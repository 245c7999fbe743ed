//! What every store must do, run against each of them.

use std::sync::Arc;

use keyturn_core::{
    account::Account,
    error::Code,
    random::SystemRandom,
    revocation::{Revocation, Target},
    session::{
        EndReason, Record, SessionId,
        rotation::{Outcome, Verdict},
    },
    store::{EndAsk, Purpose, Store, StoredKeys, Which},
    time::Span,
};
use keyturn_stores::{MemoryStore, SqliteStore};

use crate::redis_cluster::RedisCluster;
use crate::redis_server::RedisServer;
use crate::support::{START, ask, at, session, wait};

/// Runs a case on a new store of each kind.
pub(crate) fn on_each(case: impl Fn(&dyn Store)) {
    case(&MemoryStore::new());
    let folder = tempfile::tempdir().unwrap();
    let sqlite = SqliteStore::open(&folder.path().join("keyturn.db")).unwrap();
    case(&sqlite);
    wait(|done| sqlite.close(done)).unwrap();
    if let Some(server) = RedisServer::start() {
        let redis = server.store();
        case(&redis);
        wait(|done| redis.close(done)).unwrap();
    }
    if let Some(cluster) = RedisCluster::shared() {
        let redis = cluster.store();
        case(&redis);
        wait(|done| redis.close(done)).unwrap();
    }
}

/// The same for a case that shares the store.
pub(crate) fn on_each_shared(case: impl Fn(Arc<dyn Store>)) {
    case(Arc::new(MemoryStore::new()));
    let folder = tempfile::tempdir().unwrap();
    case(Arc::new(SqliteStore::open(&folder.path().join("keyturn.db")).unwrap()));
}

pub(crate) fn created(store: &dyn Store, subject: &str, started: u64) -> (Record, keyturn_core::session::FamilySecret) {
    let made = session(subject, at(started));
    wait(|done| store.create(made.0.clone().into(), done)).unwrap();
    made
}

pub(crate) fn sids(records: &[Record]) -> Vec<SessionId> {
    records.iter().map(|record| record.sid).collect()
}

fn end(store: &dyn Store, which: Which, now: u64) -> keyturn_core::store::EndAnswer {
    let ask = EndAsk::new(which, EndReason::Revoked, at(now));
    wait(|done| store.end(ask, done)).unwrap()
}

#[test]
fn a_session_comes_back_as_it_was_stored() {
    on_each(|store| {
        let (record, _) = created(store, "alice", 0);
        assert_eq!(wait(|done| store.list("alice".into(), at(1), done)).unwrap(), [record]);
    });
}

#[test]
fn the_list_holds_the_open_sessions_of_one_subject_in_order() {
    on_each(|store| {
        let (second, _) = created(store, "alice", 2);
        let (first, _) = created(store, "alice", 1);
        let (ended, _) = created(store, "alice", 3);
        created(store, "bob", 1);
        created(store, "Alice", 1);
        end(
            store,
            Which::Session {
                sid: ended.sid,
                subject: None,
            },
            4,
        );
        let list = |now| sids(&wait(|done| store.list("alice".into(), at(now), done)).unwrap());
        assert_eq!(list(5), [first.sid, second.sid]);
        assert_eq!(list(3601), [first.sid, second.sid], "a store does not know who rests");
        assert_eq!(list(100_000), []);
        assert_eq!(wait(|done| store.list("' OR 1=1 --".into(), at(5), done)).unwrap(), []);
    });
}

#[test]
fn a_refresh_is_judged_and_kept_in_one_step() {
    on_each(|store| {
        let (record, family) = created(store, "alice", 0);
        let refresh =
            |generation, now| wait(|done| store.refresh(ask(&record, &family, generation, at(now)), done)).unwrap();
        let rotated = refresh(0, 1).unwrap();
        assert_eq!(rotated.verdict, Verdict::Granted(Outcome::Rotated));
        assert_eq!((rotated.record.generation, rotated.record.rotated_at), (1, at(1)));
        let replayed = refresh(0, 2).unwrap();
        assert_eq!(replayed.verdict, Verdict::Granted(Outcome::Replayed));
        assert_eq!(replayed.record, rotated.record);
        assert!(replayed.revocation.is_none());
        let reused = refresh(0, 12).unwrap();
        assert!(matches!(reused.verdict, Verdict::Refused(error) if error.code() == Code::RefreshReused));
        let stored = wait(|done| store.revocations(at(12), done)).unwrap();
        assert_eq!(
            stored,
            [reused.revocation.unwrap()],
            "the access tokens die in the same step, once"
        );
        let owner = refresh(1, 13).unwrap();
        assert!(matches!(owner.verdict, Verdict::Refused(error) if error.code() == Code::SessionRevoked));
        assert_eq!(wait(|done| store.revocations(at(13), done)).unwrap().len(), 1);
    });
}

#[test]
fn a_session_that_is_not_there_is_no_error() {
    on_each(|store| {
        let (record, family) = session("alice", START);
        assert!(
            wait(|done| store.refresh(ask(&record, &family, 0, at(1)), done))
                .unwrap()
                .is_none()
        );
        let answer = end(
            store,
            Which::Session {
                sid: record.sid,
                subject: None,
            },
            1,
        );
        assert!(answer.ended.is_empty() && answer.revocations.is_empty());
        wait(|done| store.touch(vec![(record.sid, at(1))], done)).unwrap();
    });
}

#[test]
fn one_session_ends_only_for_its_owner_and_only_once() {
    on_each(|store| {
        let (record, _) = created(store, "alice", 0);
        let of = |subject: &str| Which::Session {
            sid: record.sid,
            subject: Some(subject.into()),
        };
        assert!(end(store, of("bob"), 1).ended.is_empty());
        assert_eq!(wait(|done| store.list("alice".into(), at(1), done)).unwrap().len(), 1);
        let answer = end(store, of("alice"), 2);
        assert_eq!(answer.ended, [record.sid]);
        assert_eq!(answer.subject.as_deref(), Some("alice"));
        assert_eq!(answer.revocations[0].target, Target::Session { sid: record.sid });
        let again = end(store, of("alice"), 3);
        assert!(again.ended.is_empty());
        assert_eq!(
            again.revocations, answer.revocations,
            "whoever asks again learns of it too"
        );
        assert_eq!(
            wait(|done| store.revocations(at(3), done)).unwrap().len(),
            1,
            "it is stored once"
        );
    });
}

#[test]
fn all_sessions_of_a_subject_end_up_to_the_cut_off() {
    on_each(|store| {
        let (old, _) = created(store, "alice", 1);
        let (kept, family) = created(store, "alice", 5);
        let (other, _) = created(store, "bob", 1);
        let which = Which::Subject {
            subject: "alice".into(),
            before: Some(at(4)),
            except: None,
        };
        let answer = end(store, which, 6);
        assert_eq!(answer.ended, [old.sid]);
        assert_eq!(
            answer.revocations[0].target,
            Target::Subject {
                subject: "alice".into(),
                before: at(4)
            }
        );
        assert!(answer.revocations[0].expires_at > old.absolute_end);
        assert_eq!(
            sids(&wait(|done| store.list("alice".into(), at(7), done)).unwrap()),
            [kept.sid]
        );
        assert_eq!(
            sids(&wait(|done| store.list("bob".into(), at(7), done)).unwrap()),
            [other.sid]
        );
        let refreshed = wait(|done| store.refresh(ask(&kept, &family, 0, at(7)), done))
            .unwrap()
            .unwrap();
        assert_eq!(refreshed.verdict, Verdict::Granted(Outcome::Rotated));
    });
}

#[test]
fn all_but_one_session_of_a_subject_end_each_by_itself() {
    on_each(|store| {
        let (one, _) = created(store, "alice", 1);
        let (kept, _) = created(store, "alice", 2);
        let which = Which::Subject {
            subject: "alice".into(),
            before: Some(at(9)),
            except: Some(kept.sid),
        };
        let answer = end(store, which, 9);
        assert_eq!(answer.ended, [one.sid]);
        let targets: Vec<_> = answer
            .revocations
            .iter()
            .map(|revocation| revocation.target.clone())
            .collect();
        assert_eq!(targets, [Target::Session { sid: one.sid }]);
        assert_eq!(
            sids(&wait(|done| store.list("alice".into(), at(9), done)).unwrap()),
            [kept.sid]
        );
    });
}

#[test]
fn everything_ends_up_to_the_cut_off() {
    on_each(|store| {
        created(store, "alice", 1);
        created(store, "bob", 1);
        let (kept, _) = created(store, "carol", 5);
        let answer = end(store, Which::Everything { before: Some(at(4)) }, 6);
        assert_eq!(answer.ended.len(), 2);
        assert_eq!(answer.revocations[0].target, Target::Everything { before: at(4) });
        assert_eq!(
            sids(&wait(|done| store.list("carol".into(), at(7), done)).unwrap()),
            [kept.sid]
        );
        assert!(wait(|done| store.list("alice".into(), at(7), done)).unwrap().is_empty());
    });
}

#[test]
fn a_live_refresh_token_ends_all_and_an_old_one_its_own_session_only() {
    on_each(|store| {
        let (one, family) = created(store, "alice", 1);
        let (two, _) = created(store, "alice", 2);
        wait(|done| store.refresh(ask(&one, &family, 0, at(3)), done)).unwrap();
        wait(|done| store.refresh(ask(&one, &family, 1, at(4)), done)).unwrap();
        let by = |generation, now| Which::AllByToken(Box::new(ask(&one, &family, generation, at(now))));
        assert_eq!(
            end(store, by(0, 5), 5).ended,
            [one.sid],
            "a grandparent speaks for its own session alone"
        );
        assert_eq!(
            sids(&wait(|done| store.list("alice".into(), at(5), done)).unwrap()),
            [two.sid]
        );
        let (three, family) = created(store, "alice", 6);
        let live = Which::AllByToken(Box::new(ask(&three, &family, 0, at(7))));
        assert_eq!(end(store, live, 7).ended.len(), 2);
        let (_, stranger) = session("alice", START);
        let forged = Which::AllByToken(Box::new(ask(&two, &stranger, 0, at(8))));
        assert!(end(store, forged, 8).revocations.is_empty());
    });
}

#[test]
fn activity_moves_forward_only_and_not_after_the_end() {
    on_each(|store| {
        let (record, _) = created(store, "alice", 0);
        let (ended, _) = created(store, "alice", 0);
        end(
            store,
            Which::Session {
                sid: ended.sid,
                subject: None,
            },
            1,
        );
        for now in [50, 20] {
            wait(|done| store.touch(vec![(record.sid, at(now)), (ended.sid, at(now))], done)).unwrap();
        }
        let list = wait(|done| store.list("alice".into(), at(60), done)).unwrap();
        assert_eq!(list[0].last_activity, at(50));
        assert_eq!(list.len(), 1);
    });
}

#[test]
fn revocations_are_kept_until_they_expire() {
    on_each(|store| {
        let targets = [
            Target::Token { jti: "a' --".into() },
            Target::Key { kid: "k".into() },
            Target::Subject {
                subject: "caf\u{e9}".into(),
                before: at(1),
            },
            Target::Everything { before: at(2) },
            Target::Permissions {
                subject: "caf\u{e9}".into(),
                before: at(3),
            },
        ];
        for target in &targets {
            let revocation = Revocation {
                target: target.clone(),
                expires_at: at(10),
            };
            wait(|done| store.revoke(revocation, done)).unwrap();
        }
        let stored = wait(|done| store.revocations(at(9), done)).unwrap();
        assert_eq!(stored.len(), targets.len());
        assert!(
            targets
                .iter()
                .all(|target| stored.iter().any(|found| found.target == *target))
        );
        assert!(wait(|done| store.revocations(at(10), done)).unwrap().is_empty());
        wait(|done| store.purge(at(9), done)).unwrap();
        assert_eq!(
            wait(|done| store.revocations(at(9), done)).unwrap().len(),
            targets.len()
        );
        wait(|done| store.purge(at(10), done)).unwrap();
        assert!(wait(|done| store.revocations(at(1), done)).unwrap().is_empty());
    });
}

#[test]
fn the_end_of_a_session_that_may_rest_for_a_week_is_known_for_a_week() {
    const DAY: u64 = 86_400;
    on_each(|store| {
        let long = |started| {
            let (record, family) = session("alice", at(started));
            let record = Record {
                idle: Span::from_secs(7 * DAY),
                absolute_end: at(30 * DAY),
                ..record
            };
            wait(|done| store.create(record.clone().into(), done)).unwrap();
            (record, family)
        };
        let (named, _) = long(0);
        let (reused, family) = long(1);
        let (other, _) = long(2);
        let which = |sid| Which::Session { sid, subject: None };
        let mut ended = end(store, which(named.sid), 10).revocations;
        for (generation, now) in [(0, 3), (0, 20)] {
            let answer = wait(|done| store.refresh(ask(&reused, &family, generation, at(now)), done)).unwrap();
            ended.extend(answer.unwrap().revocation);
        }
        let all_but = Which::Subject {
            subject: "alice".into(),
            before: None,
            except: Some(SessionId::generate(at(0), &SystemRandom::new()).unwrap()),
        };
        let others = end(store, all_but, 30).revocations;
        let of_other = |revocation: &Revocation| revocation.target == Target::Session { sid: other.sid };
        ended.extend(others.into_iter().filter(of_other));
        assert_eq!(ended.len(), 3);
        let (short, _) = created(store, "alice", 40);
        end(store, which(short.sid), 50);
        assert_eq!(wait(|done| store.revocations(at(DAY), done)).unwrap().len(), 4);
        wait(|done| store.purge(at(7 * DAY), done)).unwrap();
        let mut stored = wait(|done| store.revocations(at(7 * DAY), done)).unwrap();
        stored.sort_by_key(|revocation| revocation.expires_at);
        assert_eq!(stored, ended, "each is stored once, as it was answered");
        assert_eq!(
            stored.last().map(|last| &last.target),
            Some(&Target::Session { sid: other.sid })
        );
    });
}

#[test]
fn a_session_is_purged_a_minute_after_its_absolute_end() {
    on_each(|store| {
        let (record, family) = created(store, "alice", 0);
        let answer = |now| wait(|done| store.refresh(ask(&record, &family, 0, at(now)), done)).unwrap();
        wait(|done| store.purge(at(86_460), done)).unwrap();
        assert!(answer(86_460).is_some(), "the right reason can still be given");
        wait(|done| store.purge(at(86_461), done)).unwrap();
        assert!(answer(86_461).is_none());
    });
}

#[test]
fn of_all_who_store_keys_at_once_one_succeeds_and_everybody_learns_which() {
    on_each(|store| {
        let keys = |purpose, version, byte: u8| StoredKeys {
            purpose,
            version,
            document: vec![byte; 300].into(),
        };
        let save = |keys: &StoredKeys, replaces| wait(|done| store.save_keys(keys.clone(), replaces, done)).unwrap();
        let load = || {
            let mut all = wait(|done| store.keys(done)).unwrap();
            all.sort_by_key(|keys| keys.purpose.as_str());
            all
        };
        assert_eq!(load(), []);
        let (first, late) = (keys(Purpose::Csrf, 1, 1), keys(Purpose::Csrf, 1, 2));
        assert_eq!(save(&first, 0), first);
        assert_eq!(save(&late, 0), first, "the first one's is everybody's");
        let other = keys(Purpose::Refresh, 1, 3);
        assert_eq!(save(&other, 0), other, "each purpose is by itself");
        let second = keys(Purpose::Csrf, 2, 4);
        assert_eq!(save(&second, 1), second);
        assert_eq!(save(&keys(Purpose::Csrf, 2, 5), 1), second);
        assert_eq!(save(&keys(Purpose::Csrf, 9, 5), 3), second);
        assert_eq!(load(), [second, other]);
        let back = keys(Purpose::Signing, 7, 6);
        assert_eq!(
            save(&back, 6),
            back,
            "where there is nothing, nothing stands in the way"
        );
        assert_eq!(load().len(), 3);
    });
}

#[test]
fn an_account_is_stored_found_and_replaced_by_its_exact_name() {
    on_each(|store| {
        let account = |name: &str, hash: &str| Account {
            name: name.into(),
            subject: format!("id of {name}"),
            password_hash: hash.into(),
            roles: vec!["a\"b".into()],
            permissions: vec![],
        };
        let save = |account: &Account, unless_present| {
            wait(|done| store.save_account(account.clone(), unless_present, done)).unwrap()
        };
        let load = |name: &str| wait(|done| store.account(name.into(), done)).unwrap();
        assert!(save(&account("alice", "1"), true));
        assert!(!save(&account("alice", "2"), true), "the name is taken");
        assert_eq!(load("alice"), Some(account("alice", "1")));
        assert!(save(&account("alice", "3"), false));
        assert_eq!(load("alice"), Some(account("alice", "3")));
        for name in ["Alice", "alic", "", "' OR ''='"] {
            assert_eq!(load(name), None, "{name}");
        }
    });
}

#[test]
fn after_the_close_every_step_fails_and_a_second_close_does_not() {
    on_each(|store| {
        wait(|done| store.close(done)).unwrap();
        let (record, family) = session("alice", START);
        let code = |answer: Result<(), keyturn_core::store::StoreError>| answer.unwrap_err().code;
        assert_eq!(
            code(wait(|done| store.create(record.clone().into(), done)).map(|_| ())),
            Code::StoreClosed
        );
        let refreshed = wait(|done| store.refresh(ask(&record, &family, 0, at(1)), done));
        assert_eq!(refreshed.unwrap_err().code, Code::StoreClosed);
        let again = wait(|done| store.close(done));
        assert!(again.is_ok() || again.unwrap_err().code == Code::StoreClosed);
    });
}

#[test]
fn many_random_sessions_do_not_disturb_each_other() {
    on_each(|store| {
        let random = SystemRandom::new();
        let sessions: Vec<_> = (0..200)
            .map(|n| created(store, &format!("user {}", n % 7), n))
            .collect();
        for (index, (record, family)) in sessions.iter().enumerate() {
            let now = at(300).plus(Span::from_millis(u64::try_from(index).unwrap()));
            let answer = wait(|done| store.refresh(ask(record, family, 0, now), done))
                .unwrap()
                .unwrap();
            assert_eq!((answer.record.sid, answer.record.generation), (record.sid, 1));
        }
        let absent = SessionId::generate(at(1), &random).unwrap();
        assert!(
            end(
                store,
                Which::Session {
                    sid: absent,
                    subject: None
                },
                400
            )
            .ended
            .is_empty()
        );
        let listed: usize = (0..7)
            .map(|n| {
                wait(|done| store.list(format!("user {n}"), at(400), done))
                    .unwrap()
                    .len()
            })
            .sum();
        assert_eq!(listed, 200);
    });
}

/// Keeps the trait usable as an object, which is how everybody holds it.
#[test]
fn a_store_is_an_object() {
    let store: Arc<dyn Store> = Arc::new(MemoryStore::new());
    store.watch(Box::new(|_| {}));
}

#[test]
fn a_cut_off_of_all_there_is_reaches_a_session_whose_start_was_moved_ahead() {
    on_each(|store| {
        let (ahead, _) = session("alice", at(1).plus(Span::from_millis(3)));
        wait(|done| store.create(ahead.clone().into(), done)).unwrap();
        let which = Which::Subject {
            subject: "alice".into(),
            before: None,
            except: None,
        };
        let answer = end(store, which, 1);
        assert_eq!(answer.ended, [ahead.sid]);
        // Where several hosts share a store it reaches further by what their clocks may differ.
        let reached = |target: &Target| matches!(target, Target::Subject { before, .. } if *before >= ahead.sid.time());
        assert!(reached(&answer.revocations[0].target));
        created(store, "bob", 2);
        assert_eq!(end(store, Which::Everything { before: None }, 2).ended.len(), 1);
    });
}

#[test]
fn a_session_from_a_clock_far_ahead_dies_by_name_and_drags_no_cut_off_along() {
    const DAY: u64 = 86_400;
    on_each(|store| {
        let (ahead, _) = created(store, "alice", 30 * DAY);
        let (slightly, _) = created(store, "alice", 60);
        let subject = Which::Subject {
            subject: "alice".into(),
            before: None,
            except: None,
        };
        for (which, others) in [(subject, 2), (Which::Everything { before: None }, 1)] {
            let answer = end(store, which, 1);
            assert_eq!(answer.ended.len(), others);
            let before = match &answer.revocations[0].target {
                Target::Everything { before } | Target::Subject { before, .. } => *before,
                target => panic!("{target:?}"),
            };
            assert!(before < at(62), "who signs in now is not made to wait");
            assert!(before >= slightly.sid.time() || others == 1);
            let named = answer.revocations.last().unwrap();
            assert!(matches!(named.target, Target::Session { .. }));
            assert!(
                named.expires_at > at(31 * DAY),
                "its tokens say that they were made in a month"
            );
            let stored = wait(|done| store.revocations(at(30 * DAY), done)).unwrap();
            assert!(stored.contains(named));
            created(store, "bob", 30 * DAY);
        }
        let left = wait(|done| store.list("alice".into(), at(1), done)).unwrap();
        assert_eq!(left, [], "{:?}", ahead.sid);
    });
}
