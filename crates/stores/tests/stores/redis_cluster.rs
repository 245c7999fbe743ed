//! A Redis Cluster of three nodes, for the tests.

use std::{
    process::{Child, Command, Stdio},
    sync::{
        LazyLock,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use keyturn_core::{
    error::Code,
    session::rotation::Outcome,
    store::{Store, StoreError},
};
use keyturn_stores::RedisStore;
use tempfile::TempDir;

use crate::redis_server::{RedisServer, cli, eventually, free_port, is_there, open};
use crate::support::{ask, at, session, wait};

/// Three nodes, at first without replicas. They end when the process that started them does, however it ends.
pub(crate) struct RedisCluster {
    ports: Vec<u16>,
    guards: Vec<Child>,
    folders: Vec<TempDir>,
}

impl RedisCluster {
    pub(crate) fn start() -> Option<Self> {
        if !is_there() {
            return None;
        }
        let ports: Vec<u16> = (0..3).map(|_| free_port()).collect();
        let folders: Vec<_> = ports.iter().map(|_| tempfile::tempdir().unwrap()).collect();
        let guards = ports
            .iter()
            .zip(&folders)
            .map(|(port, folder)| guarded(*port, folder))
            .collect();
        let cluster = Self { ports, guards, folders };
        for port in &cluster.ports {
            eventually("a node answers", || cli(*port, &["ping"]) == "PONG");
        }
        let addresses: Vec<_> = cluster.ports.iter().map(|port| format!("127.0.0.1:{port}")).collect();
        let made = Command::new("redis-cli")
            .args(["--cluster", "create"])
            .args(&addresses)
            .args(["--cluster-replicas", "0", "--cluster-yes"])
            .output()
            .unwrap();
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stdout));
        for port in &cluster.ports {
            eventually("all nodes agree", || {
                cli(*port, &["cluster", "info"]).contains("cluster_state:ok")
            });
        }
        Some(cluster)
    }

    /// One that all tests of the process share. Each takes a prefix of its own.
    pub(crate) fn shared() -> Option<&'static Self> {
        static SHARED: LazyLock<Option<RedisCluster>> = LazyLock::new(RedisCluster::start);
        SHARED.as_ref()
    }

    /// A store under a new prefix.
    pub(crate) fn store(&self) -> RedisStore {
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        open(&format!(
            "redis+cluster://127.0.0.1:{}?prefix=test{number}:",
            self.ports[0]
        ))
        .unwrap()
    }

    fn id(&self, node: usize) -> String {
        cli(self.ports[node], &["cluster", "myid"])
    }

    /// Which node holds a slot.
    fn holder(&self, slot: &str) -> usize {
        let count = |port: &u16| cli(*port, &["cluster", "countkeysinslot", slot]);
        self.ports.iter().position(|port| count(port) != "0").unwrap()
    }

    /// Another node, which follows `master`.
    fn add_replica(&mut self, master: usize) -> u16 {
        let (port, folder) = (free_port(), tempfile::tempdir().unwrap());
        self.guards.push(guarded(port, &folder));
        self.folders.push(folder);
        eventually("the node answers", || cli(port, &["ping"]) == "PONG");
        cli(port, &["cluster", "meet", "127.0.0.1", &self.ports[master].to_string()]);
        let id = self.id(master);
        eventually("it follows", || cli(port, &["cluster", "replicate", &id]) == "OK");
        eventually("it is in step", || {
            cli(port, &["info", "replication"]).contains("master_link_status:up")
        });
        eventually("the others know", || {
            let known = |port: &u16| cli(*port, &["cluster", "replicas", &id]).contains(':');
            self.ports.iter().all(known)
        });
        port
    }
}

impl Drop for RedisCluster {
    fn drop(&mut self) {
        for guard in &mut self.guards {
            drop(guard.stdin.take());
            let _ended = guard.wait();
        }
    }
}

/// A node that is killed when nobody holds the guard's input any more.
fn guarded(port: u16, folder: &TempDir) -> Child {
    const GUARD: &str = r#""$@" >/dev/null 2>&1 & node=$!; cat >/dev/null; kill -9 $node; wait $node"#;
    Command::new("sh")
        .args(["-c", GUARD, "guard", "redis-server", "--port", &port.to_string()])
        .args([
            "--bind",
            "127.0.0.1",
            "--save",
            "",
            "--appendonly",
            "no",
            "--cluster-enabled",
            "yes",
        ])
        .args(["--cluster-node-timeout", "2000", "--dir"])
        .arg(folder.path())
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

#[test]
fn sessions_go_on_while_slots_move_to_another_node() {
    let Some(cluster) = RedisCluster::start() else { return };
    let store = cluster.store();
    let sessions: Vec<_> = (0..60)
        .map(|number| {
            let made = session("alice", at(number % 7));
            wait(|done| store.create(made.0.clone().into(), done)).unwrap();
            made
        })
        .collect();
    let mover = thread::spawn({
        let (from, to, port) = (cluster.id(0), cluster.id(1), cluster.ports[0]);
        move || {
            let moved = Command::new("redis-cli")
                .args(["--cluster", "reshard", &format!("127.0.0.1:{port}"), "--cluster-yes"])
                .args(["--cluster-from", &from, "--cluster-to", &to, "--cluster-slots", "2500"])
                .output()
                .unwrap();
            assert!(moved.status.success(), "{}", String::from_utf8_lossy(&moved.stdout));
        }
    });
    let mut generation = 0;
    while generation < 30 || !mover.is_finished() {
        let now = at(20 * u64::from(generation) + 20);
        for (record, family) in &sessions {
            let answer = wait(|done| store.refresh(ask(record, family, generation, now), done))
                .unwrap()
                .unwrap();
            assert_eq!(answer.verdict.outcome(), Some(Outcome::Rotated));
        }
        generation += 1;
        assert!(generation < 150, "the slots never arrived");
        thread::sleep(Duration::from_millis(20));
    }
    mover.join().unwrap();
    let listed = wait(|done| store.list("alice".into(), at(60), done)).unwrap();
    assert_eq!(listed.len(), 60);
    assert!(listed.iter().all(|record| record.generation == generation));
}

#[test]
fn revocations_reach_the_other_hosts_of_a_cluster() {
    let Some(cluster) = RedisCluster::shared() else { return };
    let prefix = "?prefix=reach:";
    let url = format!("redis+cluster://127.0.0.1:{}{prefix}", cluster.ports[1]);
    let (here, there) = (open(&url).unwrap(), open(&url).unwrap());
    let (sender, receiver) = std::sync::mpsc::channel();
    here.watch(Box::new(move |revocations| sender.send(revocations.to_vec()).unwrap()));
    let revocation = keyturn_core::revocation::Revocation::key("k".into());
    wait(|done| there.revoke(revocation.clone(), done)).unwrap();
    let seen = receiver.recv_timeout(Duration::from_secs(10)).unwrap();
    assert_eq!(seen, [revocation]);
}

/// A host that only watches goes on seeing the revocations while their slot is taken elsewhere.
fn watches_while(change: impl FnOnce(&mut RedisCluster, &str)) {
    let Some(mut cluster) = RedisCluster::start() else {
        return;
    };
    let url = format!("redis+cluster://127.0.0.1:{}", cluster.ports[0]);
    let (sender, receiver) = std::sync::mpsc::channel();
    let here = open(&url).unwrap();
    here.watch(Box::new(move |revocations| sender.send(revocations.to_vec()).unwrap()));
    let revoke = |name: &str| {
        let revocation = keyturn_core::revocation::Revocation::key(name.into());
        let store = open(&url).unwrap();
        wait(|done| store.revoke(revocation.clone(), done)).unwrap();
        let begun = Instant::now();
        let seen = |seen: Vec<_>| seen.contains(&revocation);
        while !seen(receiver.recv_timeout(Duration::from_secs(10)).unwrap()) {}
        begun.elapsed()
    };
    revoke("before");
    let slot = cli(cluster.ports[0], &["cluster", "keyslot", "{shared}"]);
    change(&mut cluster, &slot);
    let reach = revoke("after");
    println!("seen after {reach:?}");
    assert!(reach < Duration::from_secs(3), "{reach:?}");
}

#[test]
fn a_host_that_only_watches_follows_the_revocations_to_another_node() {
    watches_while(|cluster, slot| {
        let from = cluster.holder(slot);
        let to = (from + 1) % 3;
        let (old, new) = (cluster.ports[from], cluster.ports[to]);
        let (old_id, new_id) = (cluster.id(from), cluster.id(to));
        cli(new, &["cluster", "setslot", slot, "importing", &old_id]);
        cli(old, &["cluster", "setslot", slot, "migrating", &new_id]);
        let keys = cli(old, &["cluster", "getkeysinslot", slot, "100"]);
        let port = new.to_string();
        let mut migrate = vec!["migrate", "127.0.0.1", &port, "", "0", "5000", "keys"];
        migrate.extend(keys.lines());
        assert_eq!(cli(old, &migrate), "OK");
        for port in [new, old, cluster.ports[(from + 2) % 3]] {
            assert_eq!(cli(port, &["cluster", "setslot", slot, "node", &new_id]), "OK");
        }
    });
}

#[test]
fn a_host_that_only_watches_leaves_a_node_that_became_a_replica() {
    watches_while(|cluster, slot| {
        let from = cluster.holder(slot);
        let replica = cluster.add_replica(from);
        assert_eq!(cli(replica, &["cluster", "failover"]), "OK");
        let role = |port| cli(port, &["role"]);
        eventually("they have changed places", || {
            role(replica).starts_with("master") && role(cluster.ports[from]).starts_with("slave")
        });
    });
}

#[test]
fn a_cluster_that_is_written_as_a_single_server_is_called_that() {
    let Some(cluster) = RedisCluster::shared() else { return };
    let store = open(&format!("redis://127.0.0.1:{}", cluster.ports[0])).unwrap();
    // Some of the keys are elsewhere.
    let errors: Vec<StoreError> = (0..40)
        .filter_map(|number| wait(|done| store.list(number.to_string(), at(0), done)).err())
        .collect();
    assert!(!errors.is_empty());
    assert!(
        errors
            .iter()
            .all(|error| error.code == Code::StoreUnavailable && error.detail.contains("redis+cluster://"))
    );
}

#[test]
fn nodes_that_cannot_be_reached_cost_a_bounded_time() {
    if RedisServer::start().is_none() {
        return;
    }
    let store = open(&format!(
        "redis+cluster://127.0.0.1:{},127.0.0.1:{}",
        free_port(),
        free_port()
    ))
    .unwrap();
    let begun = Instant::now();
    let error = wait(|done| store.list("alice".into(), at(0), done)).unwrap_err();
    assert_eq!((error.code, error.untouched), (Code::StoreUnavailable, true));
    assert!(begun.elapsed() < Duration::from_secs(8), "{:?}", begun.elapsed());
}
