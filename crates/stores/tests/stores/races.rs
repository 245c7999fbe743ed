//! Many callers with one token: one rotates, the others replay, and exactly one live token is left.

use std::{
    collections::HashSet,
    env,
    sync::{Arc, Barrier, mpsc},
    thread,
};

use keyturn_core::{
    random::SystemRandom,
    session::{
        ClaimChanges, Decision, Failure, Granted, Manager, RefreshRequest, Settings, SignIn,
        rotation::{Mismatch, Outcome},
    },
    store::Store,
    time::UnixMs,
};
use keyturn_stores::{MemoryStore, SqliteStore};

use crate::redis_server::RedisServer;
use crate::support::{START, at, manager, settings, settle, shared, sign_in};

const RACERS: usize = 50;

/// How the racers refresh.
#[derive(Clone, Copy)]
enum How {
    /// Each in one step.
    Plain,
    /// Each asks first, as where an application decides, and from the place that its session is bound to.
    AskedAndBound,
}

impl How {
    fn settings(self) -> Settings {
        match self {
            Self::Plain => settings(),
            Self::AskedAndBound => Settings {
                on_refresh: true,
                binding: Some(Mismatch::Reject),
                ..settings()
            },
        }
    }

    fn context(self) -> Option<&'static str> {
        match self {
            Self::Plain => None,
            Self::AskedAndBound => Some("home"),
        }
    }

    fn opened(self, store: Arc<dyn Store>) -> Arc<Manager> {
        let manager = Manager::new(self.settings(), shared(store), None, Arc::new(SystemRandom::new())).unwrap();
        settle(|answer| manager.open(START, answer)).unwrap();
        manager
    }

    fn refresh(self, manager: &Arc<Manager>, token: &str, racer: usize, now: UnixMs) -> Result<Granted, Failure> {
        let request = RefreshRequest {
            context: self.context(),
            ..RefreshRequest::new(token)
        };
        let decision = match self {
            Self::Plain => None,
            Self::AskedAndBound => {
                let checked = settle(|answer| manager.check_refresh(&request, now, answer))?;
                // Each has an answer of its own, and one of them is stored.
                let changes = ClaimChanges {
                    roles: Some(vec![racer.to_string()]),
                    ..ClaimChanges::default()
                };
                Some(Decision {
                    changes,
                    instead_of: checked.record.claims,
                    arrived: now,
                    read_at: checked.read_at,
                })
            }
        };
        settle(|answer| manager.refresh(&RefreshRequest { decision, ..request }, now, answer))
    }
}

/// Presents one token `RACERS` times at once, spread over the managers, and says what came of it.
fn race(how: How, managers: &[Arc<Manager>], token: &str, round: u64) -> String {
    let barrier = Arc::new(Barrier::new(RACERS));
    let (sender, receiver) = mpsc::channel();
    let racers: Vec<_> = (0..RACERS)
        .map(|racer| {
            let manager = Arc::clone(&managers[racer % managers.len()]);
            let (barrier, sender, token) = (Arc::clone(&barrier), sender.clone(), token.to_owned());
            thread::spawn(move || {
                barrier.wait();
                sender.send(how.refresh(&manager, &token, racer, at(round))).unwrap();
            })
        })
        .collect();
    drop(sender);
    for racer in racers {
        racer.join().unwrap();
    }
    let granted: Vec<_> = receiver
        .iter()
        .map(|answer| answer.expect("no racer is refused"))
        .collect();
    assert_eq!(granted.len(), RACERS);
    let rotations = granted.iter().filter(|one| one.outcome == Outcome::Rotated).count();
    assert_eq!(rotations, 1);
    let successors: HashSet<_> = granted.into_iter().map(|one| one.issued.refresh_token).collect();
    assert_eq!(successors.len(), 1, "all of them hold the same successor");
    successors.into_iter().next().unwrap()
}

fn rounds(how: How, managers: &[Arc<Manager>], rounds: u64) {
    let request = SignIn {
        context: how.context().map(str::to_owned),
        ..sign_in("alice")
    };
    let issued = settle(|answer| managers[0].start(&request, at(0), answer)).unwrap();
    let mut token = issued.refresh_token;
    for round in 1..=rounds {
        token = race(how, managers, &token, round * 20);
    }
    let last = how.refresh(&managers[0], &token, 0, at(rounds * 20 + 19)).unwrap();
    assert_eq!(u64::from(last.issued.record.generation), rounds + 1);
}

fn on_memory(how: How) {
    rounds(how, &[how.opened(Arc::new(MemoryStore::new()))], 40);
}

fn on_one_file(how: How, connections: usize, times: u64) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("keyturn.db");
    let managers: Vec<_> = (0..connections)
        .map(|_| how.opened(Arc::new(SqliteStore::open(&path).unwrap())))
        .collect();
    rounds(how, &managers, times);
}

fn on_one_redis(how: How, times: u64) {
    let Some(server) = RedisServer::start() else { return };
    let managers: Vec<_> = (0..2).map(|_| how.opened(Arc::new(server.store()))).collect();
    // A session rests for an hour, and a round is twenty seconds.
    for _ in 0..times.div_ceil(50) {
        rounds(how, &managers, times.min(50));
    }
}

#[test]
fn on_the_memory_store() {
    on_memory(How::Plain);
}

#[test]
fn on_the_memory_store_with_an_application_that_decides() {
    on_memory(How::AskedAndBound);
}

#[test]
fn on_one_sqlite_file() {
    on_one_file(How::Plain, 1, 40);
}

#[test]
fn on_one_sqlite_file_with_four_connections() {
    on_one_file(How::Plain, 4, 20);
}

#[test]
fn on_one_sqlite_file_with_four_connections_and_an_application_that_decides() {
    on_one_file(How::AskedAndBound, 4, 10);
}

#[test]
fn on_one_redis_with_two_hosts() {
    on_one_redis(
        How::Plain,
        if env::var_os("KEYTURN_LONG").is_some() {
            1000
        } else {
            50
        },
    );
}

#[test]
fn on_one_redis_with_two_hosts_and_an_application_that_decides() {
    on_one_redis(How::AskedAndBound, 10);
}

#[test]
fn connections_that_open_at_once_get_the_same_keys() {
    for _ in 0..40 {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("keyturn.db");
        let barrier = Arc::new(Barrier::new(4));
        let openers: Vec<_> = (0..4)
            .map(|_| {
                let (barrier, path) = (Arc::clone(&barrier), path.clone());
                thread::spawn(move || {
                    barrier.wait();
                    let manager = manager(Arc::new(SqliteStore::open(&path).unwrap()));
                    manager.keys(START).unwrap().keys()[0].kid().unwrap().to_owned()
                })
            })
            .collect();
        let kids: HashSet<_> = openers.into_iter().map(|opener| opener.join().unwrap()).collect();
        assert_eq!(kids.len(), 1);
    }
}
