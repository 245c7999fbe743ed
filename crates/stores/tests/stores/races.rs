//! Many callers with one token: one rotates, the others replay, and exactly one live token is left.

use std::{
    collections::HashSet,
    env,
    sync::{Arc, Barrier, mpsc},
    thread,
};

use keyturn_core::{
    session::{Manager, RefreshRequest, rotation::Outcome},
    store::Store,
};
use keyturn_stores::{MemoryStore, SqliteStore};

use crate::redis_server::RedisServer;
use crate::support::{START, at, manager, settle, sign_in};

const RACERS: usize = 50;

/// Presents one token `RACERS` times at once, spread over the managers, and says what came of it.
fn race(managers: &[Arc<Manager>], token: &str, round: u64) -> String {
    let barrier = Arc::new(Barrier::new(RACERS));
    let (sender, receiver) = mpsc::channel();
    let racers: Vec<_> = (0..RACERS)
        .map(|racer| {
            let manager = Arc::clone(&managers[racer % managers.len()]);
            let (barrier, sender, token) = (Arc::clone(&barrier), sender.clone(), token.to_owned());
            thread::spawn(move || {
                barrier.wait();
                let answer = Box::new(move |granted| sender.send(granted).unwrap());
                manager.refresh(&RefreshRequest::new(&token), at(round), answer);
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

fn rounds(managers: &[Arc<Manager>], rounds: u64) {
    let issued = settle(|answer| managers[0].start(&sign_in("alice"), at(0), answer)).unwrap();
    let mut token = issued.refresh_token;
    for round in 1..=rounds {
        token = race(managers, &token, round * 20);
    }
    let last =
        settle(|answer| managers[0].refresh(&RefreshRequest::new(&token), at(rounds * 20 + 19), answer)).unwrap();
    assert_eq!(u64::from(last.issued.record.generation), rounds + 1);
}

#[test]
fn on_the_memory_store() {
    let store: Arc<dyn Store> = Arc::new(MemoryStore::new());
    rounds(&[manager(store)], 40);
}

#[test]
fn on_one_sqlite_file() {
    let folder = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(&folder.path().join("keyturn.db")).unwrap();
    rounds(&[manager(Arc::new(store))], 40);
}

#[test]
fn on_one_sqlite_file_with_four_connections() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("keyturn.db");
    let managers: Vec<_> = (0..4)
        .map(|_| manager(Arc::new(SqliteStore::open(&path).unwrap())))
        .collect();
    rounds(&managers, 20);
}

#[test]
fn on_one_redis_with_two_hosts() {
    let Some(server) = RedisServer::start() else { return };
    let managers: Vec<_> = (0..2).map(|_| manager(Arc::new(server.store()))).collect();
    rounds(
        &managers,
        if env::var_os("KEYTURN_LONG").is_some() {
            1000
        } else {
            50
        },
    );
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
