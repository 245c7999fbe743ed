//! Revocations on their way from one host to another, and what becomes of them when Redis loses its data.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use keyturn_core::{
    revocation::{Revocation, Target},
    store::{Purpose, Store, StoredKeys},
    time::{Span, UnixMs},
};
use keyturn_stores::RedisStore;

use crate::redis_proxy::proxy;
use crate::redis_server::{RedisServer, eventually, open};
use crate::support::{START, wait};

/// A store and what its watcher has seen.
struct Host {
    store: RedisStore,
    seen: Arc<Mutex<Vec<Revocation>>>,
}

impl Host {
    fn on(server: &RedisServer) -> Self {
        Self::of(server.store())
    }

    fn of(store: RedisStore) -> Self {
        let seen = Arc::new(Mutex::new(Vec::new()));
        let sink = Arc::clone(&seen);
        store.watch(Box::new(move |revocations| {
            sink.lock().unwrap().extend_from_slice(revocations);
        }));
        assert!(wait(|done| store.revocations(UnixMs::default(), done)).is_ok());
        Self { store, seen }
    }

    /// Waits until it has seen all that was there, and follows the news.
    fn in_step(self, other: &RedisStore) -> Self {
        let last = revoke(other, "in step");
        eventually("it is in step", || self.has_seen(&last));
        self
    }

    fn revoke(&self, jti: &str) -> Revocation {
        revoke(&self.store, jti)
    }

    fn has_seen(&self, revocation: &Revocation) -> bool {
        self.seen.lock().unwrap().contains(revocation)
    }

    fn stored(&self) -> Vec<Revocation> {
        wait(|done| self.store.revocations(UnixMs::default(), done)).unwrap_or_default()
    }
}

fn revoke(store: &RedisStore, jti: &str) -> Revocation {
    let revocation = token(jti);
    wait(|done| store.revoke(revocation.clone(), done)).unwrap();
    revocation
}

fn token(jti: &str) -> Revocation {
    Revocation::token(jti.into(), START.plus(Span::from_secs(3600)))
}

#[test]
fn another_hosts_revocations_are_seen_within_a_second() {
    let Some(server) = RedisServer::start() else { return };
    let (here, there) = (Host::on(&server), Host::on(&server));
    // The first may come while the connection is still being made.
    let first = there.revoke("first");
    eventually("the first one is seen", || here.has_seen(&first));
    let mut reaches: Vec<Duration> = Vec::new();
    for number in 0..500 {
        let revocation = there.revoke(&number.to_string());
        let stored = Instant::now();
        while here.seen.lock().unwrap().last() != Some(&revocation) {
            assert!(stored.elapsed() < Duration::from_secs(10));
            thread::sleep(Duration::from_micros(200));
        }
        reaches.push(stored.elapsed());
    }
    reaches.sort();
    println!("reach: median {:?}, p99 {:?}", reaches[250], reaches[495]);
    assert!(reaches[495] < Duration::from_secs(1), "p99 {:?}", reaches[495]);
}

/// How often all revocations have been read, or begun to be.
fn whole_reads(server: &RedisServer) -> usize {
    let stats = server.cli(&["info", "commandstats"]);
    let calls = stats.lines().find_map(|line| line.strip_prefix("cmdstat_zscan:calls="));
    let count = calls.and_then(|rest| rest.split(',').next());
    count.map_or(0, |count| count.parse().unwrap())
}

#[test]
fn what_came_while_the_connection_was_cut_is_caught_up_with() {
    let Some(server) = RedisServer::start() else { return };
    // The stream begins with the first revocation.
    revoke(&server.store(), "first");
    let there = Host::on(&server);
    let here = Host::on(&server).in_step(&there.store);
    eventually("both have begun to follow", || there.has_seen(&token("in step")));
    let before = whole_reads(&server);
    for round in 0..20 {
        server.cli(&["client", "kill", "type", "normal"]);
        let revocation = token(&round.to_string());
        // The step may be cut off as well; then its outcome is unknown and asking again is safe.
        eventually("it is stored", || {
            wait(|done| there.store.revoke(revocation.clone(), done)).is_ok()
        });
        eventually("it is seen", || here.has_seen(&revocation));
    }
    assert_eq!(whole_reads(&server), before, "nothing was read as a whole");
    assert_eq!(there.stored().len(), 22, "none is stored twice");
}

#[test]
fn reading_all_may_take_longer_than_the_stream_goes_unchecked() {
    let Some(server) = RedisServer::start() else { return };
    let there = server.store();
    revoke(&there, "first");
    let port = proxy(&server, "ZSCAN", || thread::sleep(Duration::from_millis(1200)));
    let here = Host::of(open(&format!("redis://127.0.0.1:{port}")).unwrap()).in_step(&there);
    let before = whole_reads(&server);
    for number in 0..5 {
        let revocation = revoke(&there, &number.to_string());
        eventually("it is seen", || here.has_seen(&revocation));
        let turn = Instant::now();
        eventually("it is in step", || {
            here.store.staleness() < Span::from_millis(u64::try_from(turn.elapsed().as_millis()).unwrap())
        });
    }
    assert_eq!(whole_reads(&server), before, "nothing was read as a whole again");
}

#[test]
fn news_that_cannot_be_read_lead_to_what_is_stored() {
    let Some(server) = RedisServer::start() else { return };
    let there = server.store();
    let here = Host::on(&server).in_step(&there);
    let news = "local version = redis.call('HINCRBY', KEYS[1], 'version', '1') \
                redis.call('XADD', KEYS[2], version .. '-0', 'r', 'nonsense')";
    server.cli(&["eval", news, "2", "keyturn:{shared}:head", "keyturn:{shared}:news"]);
    let last = revoke(&there, "last");
    eventually("news go on", || here.has_seen(&last));
}

#[test]
fn what_redis_forgets_is_written_back_by_whoever_knows_it() {
    let Some(mut server) = RedisServer::start() else { return };
    let here = Host::on(&server);
    let known = [here.revoke("a"), here.revoke("b")];
    eventually("they are seen", || {
        known.iter().all(|revocation| here.has_seen(revocation))
    });
    server.cli(&["flushall"]);
    eventually("they are back after FLUSHALL", || here.stored().len() == 2);
    server.kill();
    server.restart();
    eventually("they are back after a restart without data", || {
        here.stored().len() == 2
    });
    let there = Host::on(&server);
    eventually("a new host sees them", || {
        known.iter().all(|revocation| there.has_seen(revocation))
    });
    let another = there.revoke("c");
    eventually("news go on", || here.has_seen(&another));
}

#[test]
fn news_that_were_trimmed_or_taken_back_are_read_as_a_whole() {
    let Some(server) = RedisServer::start() else { return };
    let (here, there) = (Host::on(&server), Host::on(&server));
    let first = there.revoke("first");
    eventually("the first one is seen", || here.has_seen(&first));
    let in_redis = |script: &str| {
        let [head, live, news] = ["head", "revocations", "news"].map(|name| format!("keyturn:{{shared}}:{name}"));
        server.cli(&["eval", script, "3", &head, &live, &news]);
    };
    let hidden = |jti: &str| Revocation {
        target: Target::Token { jti: jti.into() },
        expires_at: UnixMs::new(9_000_000_000_000),
    };
    // Stored and no longer in the stream by the time that anybody reads it: nothing is, or what came after it.
    in_redis(
        "redis.call('ZADD', KEYS[2], '9000000000000', 'token 9000000000000  a')
         redis.call('HINCRBY', KEYS[1], 'version', '1')
         redis.call('DEL', KEYS[3])",
    );
    eventually("what is missing in the news is seen", || here.has_seen(&hidden("a")));
    in_redis(
        "redis.call('ZADD', KEYS[2], '9000000000000', 'token 9000000000000  b')
         redis.call('HINCRBY', KEYS[1], 'version', '1')",
    );
    there.revoke("after a gap");
    eventually("what is missing before others is seen", || here.has_seen(&hidden("b")));
    // An older state comes back: the version is behind what everybody has read.
    in_redis("redis.call('HSET', KEYS[1], 'version', '0') redis.call('DEL', KEYS[2], KEYS[3])");
    eventually("it is written back", || here.stored().len() == 4);
    let last = there.revoke("last");
    eventually("news go on", || here.has_seen(&last));
}

#[test]
fn other_hosts_are_told_of_keys_and_what_redis_loses_of_them_is_written_back() {
    let Some(server) = RedisServer::start() else { return };
    let (here, there) = (Host::on(&server), Host::on(&server));
    let told = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&told);
    here.store.watch_keys(Box::new(move || {
        count.fetch_add(1, Ordering::Relaxed);
    }));
    let keys = |version| StoredKeys {
        purpose: Purpose::Signing,
        version,
        document: vec![0, 255, 13, 10].into(),
    };
    let save = |keys: StoredKeys, replaces| wait(|done| there.store.save_keys(keys, replaces, done)).unwrap();
    assert_eq!(save(keys(1), 0), keys(1));
    thread::sleep(Duration::from_millis(1500));
    let before = told.load(Ordering::Relaxed);
    assert_eq!(
        save(keys(9), 5),
        keys(1),
        "not in place of another version than the named one"
    );
    assert_eq!(save(keys(2), 1), keys(2));
    eventually("the other host is told", || told.load(Ordering::Relaxed) > before);
    server.cli(&["flushall"]);
    eventually("the keys are back", || {
        wait(|done| here.store.keys(done)).is_ok_and(|stored| stored == [keys(2)])
    });
}

#[test]
fn keys_that_change_while_the_revocations_cannot_be_read_are_told_of_afterwards() {
    let Some(server) = RedisServer::start() else { return };
    let (here, there) = (Host::on(&server), server.store());
    let told = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&told);
    here.store.watch_keys(Box::new(move || {
        count.fetch_add(1, Ordering::Relaxed);
    }));
    let _here = here.in_step(&there);
    let before = (told.load(Ordering::Relaxed), whole_reads(&server));
    // The stream is another one, and what would have to be read instead is damaged.
    let change = "redis.call('HSET', KEYS[1], 'epoch', 'another') redis.call('ZADD', KEYS[2], '1', 'nonsense') \
                  redis.call('HSET', KEYS[3], 'signing version', '1', 'signing document', 'd')";
    let [head, live, keys] = ["head", "revocations", "keys"].map(|name| format!("keyturn:{{shared}}:{name}"));
    server.cli(&["eval", change, "3", &head, &live, &keys]);
    eventually("the keys have been looked at again", || {
        whole_reads(&server) > before.1 + 6
    });
    server.cli(&["zrem", &live, "nonsense"]);
    eventually("the host is told", || told.load(Ordering::Relaxed) > before.0);
}
