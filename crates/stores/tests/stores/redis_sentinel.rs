//! A master, a replica and three Sentinels: what a fail-over does, and what it loses.

use std::{
    fs,
    process::{Child, Command, Stdio},
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use keyturn_core::{
    error::Code,
    revocation::Revocation,
    session::rotation::{Outcome, Verdict},
    store::Store,
    time::{Span, UnixMs},
};
use keyturn_stores::RedisStore;
use tempfile::TempDir;

use crate::redis_server::{RedisServer, cli, eventually, free_port, open};
use crate::support::{START, ask, at, session, wait};

struct Trio {
    master: RedisServer,
    replica: RedisServer,
    sentinels: Vec<(u16, Child)>,
    _folder: TempDir,
}

impl Trio {
    fn start() -> Option<Self> {
        let master = RedisServer::with(&["--repl-diskless-sync-delay", "0"])?;
        let replica = RedisServer::with(&["--replicaof", "127.0.0.1", &master.port.to_string()])?;
        eventually("the replica is in step", || {
            replica.cli(&["info", "replication"]).contains("master_link_status:up")
        });
        let folder = tempfile::tempdir().unwrap();
        let sentinels = (0..3)
            .map(|number| {
                let port = free_port();
                let path = folder.path().join(format!("{number}.conf"));
                let text = format!(
                    "port {port}\nbind 127.0.0.1\nsentinel monitor main 127.0.0.1 {} 2\n\
                     sentinel down-after-milliseconds main 700\nsentinel failover-timeout main 4000\n",
                    master.port
                );
                fs::write(&path, text).unwrap();
                let child = Command::new("redis-server")
                    .arg(&path)
                    .arg("--sentinel")
                    .stdin(Stdio::null())
                    .stdout(Stdio::null())
                    .stderr(Stdio::null())
                    .spawn();
                (port, child.unwrap())
            })
            .collect();
        let trio = Self {
            master,
            replica,
            sentinels,
            _folder: folder,
        };
        for (port, _) in &trio.sentinels {
            eventually("the Sentinels know each other and the replica", || {
                let known = cli(*port, &["sentinel", "master", "main"]);
                let value = |name: &str| known.lines().skip_while(|line| *line != name).nth(1).map(str::to_owned);
                value("num-other-sentinels").as_deref() == Some("2") && value("num-slaves").as_deref() == Some("1")
            });
        }
        Some(trio)
    }

    fn store(&self, query: &str) -> RedisStore {
        let hosts: Vec<_> = self
            .sentinels
            .iter()
            .map(|(port, _)| format!("127.0.0.1:{port}"))
            .collect();
        open(&format!("redis+sentinel://{}/main{query}", hosts.join(","))).unwrap()
    }

    /// Makes the master the replica's replica. Not by the Sentinels, which would cut all connections: those that do not block
    /// survive this.
    fn change_places(&self) {
        for (port, _) in &self.sentinels {
            cli(*port, &["sentinel", "remove", "main"]);
        }
        self.replica.cli(&["replicaof", "no", "one"]);
        let port = self.replica.port.to_string();
        self.master.cli(&["replicaof", "127.0.0.1", &port]);
        for (sentinel, _) in &self.sentinels {
            cli(*sentinel, &["sentinel", "monitor", "main", "127.0.0.1", &port, "2"]);
        }
    }

    /// Freezes the replica and cuts it off, so that nothing written from now on reaches it.
    fn cut_replica_off(&self) {
        self.replica.signal("STOP");
        self.master.cli(&["client", "kill", "type", "replica"]);
    }
}

impl Drop for Trio {
    fn drop(&mut self) {
        for (_, sentinel) in &mut self.sentinels {
            let _gone = sentinel.kill();
            let _waited = sentinel.wait();
        }
    }
}

#[test]
fn after_a_fail_over_that_lost_the_last_write_the_user_is_healed_and_the_stale_token_caught() {
    let Some(mut trio) = Trio::start() else { return };
    let store = trio.store("");
    let (healed, healed_family) = session("alice", at(0));
    let (stale, stale_family) = session("bob", at(0));
    for record in [&healed, &stale] {
        wait(|done| store.create(record.clone().into(), done)).unwrap();
    }
    let known = Revocation::token("known".into(), START.plus(Span::from_secs(3600)));
    store.watch(Box::new(|_| {}));
    eventually("all of it is at the replica", || {
        trio.replica
            .cli(&["exists", &format!("keyturn:session:{{{}}}", stale.sid)])
            == "1"
    });
    trio.cut_replica_off();
    for (record, family) in [(&healed, &healed_family), (&stale, &stale_family)] {
        let answer = wait(|done| store.refresh(ask(record, family, 0, at(10)), done))
            .unwrap()
            .unwrap();
        assert_eq!(answer.verdict, Verdict::Granted(Outcome::Rotated));
    }
    wait(|done| store.revoke(known.clone(), done)).unwrap();
    trio.master.kill();
    trio.replica.signal("CONT");
    let begun = Instant::now();
    eventually("the replica has taken over", || {
        wait(|done| store.list("alice".into(), at(11), done)).is_ok()
    });
    println!("failed over in {:?}", begun.elapsed());
    // The owner comes with the token that the lost write had made.
    let answer = wait(|done| store.refresh(ask(&healed, &healed_family, 1, at(30)), done))
        .unwrap()
        .unwrap();
    assert_eq!(
        (answer.verdict, answer.record.generation),
        (Verdict::Granted(Outcome::Healed), 2)
    );
    // A thief comes with the one before it, which the store had believed in.
    let answer = wait(|done| store.refresh(ask(&healed, &healed_family, 0, at(31)), done))
        .unwrap()
        .unwrap();
    assert!(matches!(answer.verdict, Verdict::Refused(error) if error.code() == Code::RefreshReused));
    // Whoever comes with the old one first is let in once, and is caught as soon as the owner comes.
    let answer = wait(|done| store.refresh(ask(&stale, &stale_family, 0, at(30)), done))
        .unwrap()
        .unwrap();
    assert_eq!(answer.verdict, Verdict::Granted(Outcome::Rotated));
    eventually("the revocation that was lost is written back", || {
        wait(|done| store.revocations(UnixMs::default(), done)).is_ok_and(|stored| stored.contains(&known))
    });
}

#[test]
fn a_write_that_must_reach_a_replica_is_not_acknowledged_before() {
    let Some(trio) = Trio::start() else { return };
    let store = trio.store("?wait=1");
    let (record, family) = session("alice", at(0));
    wait(|done| store.create(record.clone().into(), done)).unwrap();
    trio.cut_replica_off();
    let error = wait(|done| store.refresh(ask(&record, &family, 0, at(1)), done)).unwrap_err();
    assert_eq!(
        (error.code, error.untouched),
        (Code::StoreUnavailable, false),
        "{error}"
    );
    trio.replica.signal("CONT");
    let deadline = Instant::now() + Duration::from_secs(20);
    let answer = loop {
        match wait(|done| store.refresh(ask(&record, &family, 0, at(2)), done)) {
            Ok(answer) => break answer.unwrap(),
            Err(_) => assert!(Instant::now() < deadline),
        }
    };
    assert_eq!(
        answer.verdict,
        Verdict::Granted(Outcome::Replayed),
        "asked again, it is the same successor"
    );
}

#[test]
fn a_host_that_only_watches_leaves_a_master_that_became_a_replica() {
    let Some(trio) = Trio::start() else { return };
    let (store, seen) = (trio.store(""), Arc::new(Mutex::new(Vec::new())));
    let sink = Arc::clone(&seen);
    store.watch(Box::new(move |revocations| {
        sink.lock().unwrap().extend_from_slice(revocations);
    }));
    let revoke = |server: &RedisServer, jti: &str| {
        let revocation = Revocation::token(jti.into(), START.plus(Span::from_secs(3600)));
        wait(|done| server.store().revoke(revocation.clone(), done)).unwrap();
        eventually("it is seen", || seen.lock().unwrap().contains(&revocation));
    };
    revoke(&trio.master, "before");
    trio.change_places();
    let begun = Instant::now();
    revoke(&trio.replica, "after");
    println!("seen after {:?}", begun.elapsed());
    assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
}

#[test]
fn the_first_write_to_a_master_that_became_a_replica_goes_to_the_new_one() {
    let Some(trio) = Trio::start() else { return };
    let store = trio.store("");
    wait(|done| store.list("alice".into(), at(0), done)).unwrap();
    trio.change_places();
    let (record, _) = session("alice", at(0));
    wait(|done| store.create(record.into(), done)).unwrap();
    let there = trio.replica.store();
    assert_eq!(wait(|done| there.list("alice".into(), at(1), done)).unwrap().len(), 1);
}

#[test]
fn a_master_that_no_sentinel_knows_is_refused() {
    let Some(trio) = Trio::start() else { return };
    let port = trio.sentinels[0].0;
    let store = open(&format!("redis+sentinel://127.0.0.1:{port}/other")).unwrap();
    let error = wait(|done| store.list("alice".into(), at(0), done)).unwrap_err();
    assert!(error.detail.contains("does not know"), "{error}");
}
