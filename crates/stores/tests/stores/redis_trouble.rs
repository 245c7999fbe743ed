//! Redis frozen, killed, restarted, cut off, out of memory or not fit at all.

use std::{
    fs,
    path::Path,
    process::Command,
    sync::mpsc,
    thread,
    time::{Duration, Instant},
};

use keyturn_core::{
    error::Code,
    session::{
        FamilySecret, Record,
        rotation::{Outcome, Verdict},
    },
    store::{Refreshed, Store, StoreError},
    time::UnixMs,
};
use keyturn_stores::RedisStore;

use crate::redis_server::{RedisServer, eventually, free_port, open, tell_of_the_skip};
use crate::support::{ask, at, session, wait};

/// A step that changes nothing.
fn try_it(store: &RedisStore) -> Result<(), StoreError> {
    wait(|done| store.list("nobody".into(), at(0), done)).map(drop)
}

fn created(store: &RedisStore) -> (Record, FamilySecret) {
    let made = session("alice", at(0));
    wait(|done| store.create(made.0.clone().into(), done)).unwrap();
    made
}

fn refresh(
    store: &RedisStore,
    of: &(Record, FamilySecret),
    generation: u32,
    now: UnixMs,
) -> Result<Option<Refreshed>, StoreError> {
    wait(|done| store.refresh(ask(&of.0, &of.1, generation, now), done))
}

fn outcome(answer: Result<Option<Refreshed>, StoreError>) -> Option<Outcome> {
    answer.unwrap().unwrap().verdict.outcome()
}

#[test]
fn a_frozen_server_costs_a_bounded_time_and_runs_nothing_that_nobody_waits_for() {
    let Some(server) = RedisServer::start() else { return };
    let store = server.store();
    let session = created(&store);
    server.signal("STOP");
    let begun = Instant::now();
    let error = refresh(&store, &session, 0, at(1)).unwrap_err();
    assert!(begun.elapsed() < Duration::from_secs(8), "{:?}", begun.elapsed());
    assert_eq!((error.code, error.untouched), (Code::StoreUnavailable, false));
    server.signal("CONT");
    eventually("it works again", || try_it(&store).is_ok());
    assert_eq!(
        outcome(refresh(&store, &session, 0, at(60))),
        Some(Outcome::Rotated),
        "had the frozen server run the step later, this would be reuse"
    );
}

#[test]
fn a_server_that_stays_away_is_waited_for_once_and_then_refused_at_once() {
    let Some(mut server) = RedisServer::start() else { return };
    let store = server.store();
    try_it(&store).unwrap();
    server.kill();
    let begun = Instant::now();
    // The first may still have been sent on the connection that is about to go.
    let error = [(); 2]
        .map(|()| try_it(&store).unwrap_err())
        .into_iter()
        .find(|error| error.untouched)
        .unwrap();
    assert_eq!(error.code, Code::StoreUnavailable);
    assert!(error.detail.contains(&server.port.to_string()), "{error}");
    assert!(begun.elapsed() < Duration::from_secs(8));
    let again = Instant::now();
    try_it(&store).unwrap_err();
    assert!(again.elapsed() < Duration::from_millis(500), "{:?}", again.elapsed());
    server.restart();
    eventually("it works again", || try_it(&store).is_ok());
}

#[test]
fn a_short_absence_is_not_noticed() {
    let Some(mut server) = RedisServer::start() else { return };
    let store = server.store();
    try_it(&store).unwrap();
    server.kill();
    let (sender, receiver) = mpsc::channel();
    store.list(
        "nobody".into(),
        at(0),
        Box::new(move |answer| sender.send(answer.is_ok()).unwrap()),
    );
    thread::sleep(Duration::from_millis(300));
    server.restart();
    assert!(receiver.recv().unwrap(), "the step waited");
}

#[test]
fn more_steps_than_the_queue_takes_fail_at_once_and_untouched() {
    let Some(server) = RedisServer::start() else { return };
    let store = server.store();
    try_it(&store).unwrap();
    server.signal("STOP");
    let (sender, receiver) = mpsc::channel();
    for number in 0..20_000 {
        let sender = sender.clone();
        let done = Box::new(move |answer: Result<Vec<Record>, StoreError>| sender.send(answer).unwrap());
        store.list(number.to_string(), at(0), done);
    }
    drop(sender);
    let refused: Vec<_> = (0..20_000 - 16_384)
        .map(|_| receiver.recv().unwrap().unwrap_err())
        .collect();
    assert!(
        refused
            .iter()
            .all(|error| error.untouched && error.detail.contains("too many"))
    );
    server.signal("CONT");
    assert_eq!(receiver.iter().count(), 16_384, "everybody is answered");
}

#[test]
fn what_was_acknowledged_survives_a_kill_as_far_as_redis_is_configured_to_keep_it() {
    let Some(mut server) = RedisServer::with(&["--appendonly", "yes", "--appendfsync", "always"]) else {
        return;
    };
    let store = server.store();
    let session = created(&store);
    for generation in 0..20 {
        let now = at(u64::from(generation) * 20);
        eventually(
            "it is rotated",
            || matches!(refresh(&store, &session, generation, now), Ok(Some(answer)) if answer.verdict.outcome().is_some()),
        );
        if generation % 5 == 4 {
            server.kill();
            server.restart();
        }
    }
    let last = refresh(&store, &session, 20, at(500)).unwrap().unwrap();
    assert_eq!(
        (last.verdict, last.record.generation),
        (Verdict::Granted(Outcome::Rotated), 21)
    );
}

#[test]
fn a_session_that_redis_forgot_is_unknown() {
    let Some(mut server) = RedisServer::start() else { return };
    let store = server.store();
    let session = created(&store);
    server.kill();
    server.restart();
    eventually("it answers again", || try_it(&store).is_ok());
    assert!(refresh(&store, &session, 0, at(1)).unwrap().is_none());
}

#[test]
fn connections_that_are_cut_burn_no_session() {
    let Some(server) = RedisServer::start() else { return };
    let store = server.store();
    let sessions: Vec<_> = (0..20).map(|_| created(&store)).collect();
    thread::scope(|scope| {
        let cutter = scope.spawn(|| {
            for _ in 0..40 {
                server.cli(&["client", "kill", "type", "normal"]);
                thread::sleep(Duration::from_millis(25));
            }
        });
        for session in &sessions {
            scope.spawn(|| {
                for generation in 0..60 {
                    let now = at(u64::from(generation) * 20);
                    // Cut off, a step's outcome is unknown; asked again it rotates or replays.
                    eventually("it is granted", || match refresh(&store, session, generation, now) {
                        Ok(answer) => {
                            assert!(answer.unwrap().verdict.outcome().is_some());
                            true
                        }
                        Err(error) => {
                            assert_eq!(error.code, Code::StoreUnavailable);
                            false
                        }
                    });
                    thread::sleep(Duration::from_millis(5));
                }
            });
        }
        cutter.join().unwrap();
    });
    for session in &sessions {
        let last = refresh(&store, session, 60, at(5000 - 2000)).unwrap().unwrap();
        assert_eq!(last.record.generation, 61, "one live leaf");
    }
}

#[test]
fn scripts_that_the_server_forgot_are_sent_again() {
    let Some(server) = RedisServer::start() else { return };
    let store = server.store();
    let session = created(&store);
    assert_eq!(outcome(refresh(&store, &session, 0, at(1))), Some(Outcome::Rotated));
    server.cli(&["script", "flush"]);
    assert_eq!(outcome(refresh(&store, &session, 1, at(2))), Some(Outcome::Rotated));
}

#[test]
fn a_full_server_refuses_and_nothing_has_changed() {
    let Some(server) = RedisServer::with(&["--maxmemory-policy", "noeviction"]) else {
        return;
    };
    let store = server.store();
    let session = created(&store);
    server.cli(&["config", "set", "maxmemory", "1mb"]);
    let error = refresh(&store, &session, 0, at(1)).unwrap_err();
    assert_eq!((error.code, error.untouched), (Code::StoreUnavailable, true), "{error}");
    assert!(error.detail.contains("OOM"), "{error}");
    server.cli(&["config", "set", "maxmemory", "0"]);
    assert_eq!(outcome(refresh(&store, &session, 0, at(60))), Some(Outcome::Rotated));
}

#[test]
fn a_server_that_would_evict_is_refused_at_once() {
    let arguments = ["--maxmemory", "100mb", "--maxmemory-policy", "volatile-lru"];
    let Some(server) = RedisServer::with(&arguments) else {
        return;
    };
    let begun = Instant::now();
    let error = try_it(&server.store()).unwrap_err();
    assert_eq!(error.code, Code::StoreUnavailable);
    assert!(error.detail.contains("noeviction"), "{error}");
    assert!(begun.elapsed() < Duration::from_secs(3));
}

#[test]
fn a_wrong_password_is_refused_at_once_and_not_repeated() {
    let Some(server) = RedisServer::with(&["--user", "app on >hunter2 ~keyturn:* +@all", "--user", "default off"])
    else {
        return;
    };
    let at = |login: &str| format!("redis://{login}@127.0.0.1:{}", server.port);
    try_it(&open(&at("app:hunter2")).unwrap()).unwrap();
    let begun = Instant::now();
    let error = try_it(&open(&at("app:hunter3")).unwrap()).unwrap_err();
    assert!(
        error.detail.contains("WRONGPASS") && !error.detail.contains("hunter"),
        "{error}"
    );
    assert!(begun.elapsed() < Duration::from_secs(3));
    // Another prefix is not this user's.
    let store = open(&format!("{}?prefix=other:", at("app:hunter2"))).unwrap();
    let error = wait(|done| store.create(session("alice", UnixMs::new(1)).0.into(), done)).unwrap_err();
    assert!(error.detail.contains("NOPERM"), "{error}");
}

#[test]
fn tls_is_spoken_with_a_certificate_of_the_named_authority_only() {
    let folder = tempfile::tempdir().unwrap();
    let Some((port, server)) = tls_server(folder.path()) else {
        return;
    };
    let ca = |name: &str| folder.path().join(name).display().to_string();
    let url = |query: &str| format!("rediss://127.0.0.1:{port}{query}");
    let store = open(&url(&format!("?ca={}", ca("ca.pem")))).unwrap();
    try_it(&store).unwrap();
    for query in [
        String::new(),
        format!("?ca={}", ca("other.pem")),
        format!("?ca={}", ca("none.pem")),
    ] {
        let error = try_it(&open(&url(&query)).unwrap()).unwrap_err();
        assert_eq!((error.code, error.untouched), (Code::StoreUnavailable, true), "{error}");
    }
    let plain = try_it(&open(&format!("redis://127.0.0.1:{port}")).unwrap()).unwrap_err();
    assert_eq!(plain.code, Code::StoreUnavailable);
    drop(server);
}

/// A server that speaks TLS only, and its port. In `folder` then lie the authority of its certificate and another one.
fn tls_server(folder: &Path) -> Option<(u16, RedisServer)> {
    let openssl = |arguments: &str| {
        let status = Command::new("openssl")
            .args(arguments.split(' '))
            .current_dir(folder)
            .output();
        status.is_ok_and(|output| output.status.success())
    };
    fs::write(folder.join("san"), "subjectAltName=IP:127.0.0.1\n").unwrap();
    let key = "-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes";
    let made = openssl(&format!(
        "req -x509 {key} -keyout ca.key -out ca.pem -days 2 -subj /CN=authority"
    )) && openssl(&format!(
        "req -x509 {key} -keyout other.key -out other.pem -days 2 -subj /CN=other"
    )) && openssl(&format!(
        "req {key} -keyout server.key -out server.csr -subj /CN=server"
    )) && openssl(
        "x509 -req -in server.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 -extfile san -out server.pem",
    );
    if !made {
        tell_of_the_skip("openssl: install openssl");
        return None;
    }
    let port = free_port().to_string();
    let file = |name: &str| folder.join(name).display().to_string();
    let (certificate, key, ca) = (file("server.pem"), file("server.key"), file("ca.pem"));
    let server = RedisServer::with(&[
        "--port",
        "0",
        "--tls-port",
        &port,
        "--tls-cert-file",
        &certificate,
        "--tls-key-file",
        &key,
        "--tls-ca-cert-file",
        &ca,
        "--tls-auth-clients",
        "no",
    ])?;
    Some((port.parse().unwrap(), server))
}

#[test]
fn a_host_without_redis_is_named() {
    let port = free_port();
    let error = try_it(&open(&format!("redis://127.0.0.1:{port}")).unwrap()).unwrap_err();
    assert!(error.detail.contains(&format!("127.0.0.1:{port}")), "{error}");
}
