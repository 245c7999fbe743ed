//! Every command that is sent, and every one that a script runs, is of Redis 6.2 with the options of Redis 6.2.

use std::{
    collections::BTreeSet,
    fs,
    io::{BufRead, BufReader},
    path::Path,
    process::{Command, Stdio},
    sync::{Arc, Mutex},
    thread,
    time::Duration,
};

use keyturn_core::{
    account::Account,
    error::Code,
    revocation::Revocation,
    session::{ClaimChanges, EndReason, NewRights, PermissionsAsk, RenewAsk, SessionLimit, WhenFull},
    store::{CreateAsk, EndAsk, Lives, Purpose, Store, StoredKeys, Which},
    time::Span,
};

use keyturn_stores::RedisStore;

use crate::redis_server::{RedisServer, eventually, open};
use crate::support::{ask, at, session, wait};

/// What is allowed: the command, how many arguments it has at most, and which words among them are options. Read from the
/// documentation of each command: all of it is there in 6.2.
const ALLOWED: &[(&str, usize, &[&str])] = &[
    ("evalsha", usize::MAX, &[]),
    ("eval", usize::MAX, &[]),
    ("exists", 1, &[]),
    ("get", 1, &[]),
    // RESP3 (6.0).
    ("hello", 4, &["3", "AUTH"]),
    ("hget", 2, &[]),
    ("hgetall", 1, &[]),
    ("hmget", usize::MAX, &[]),
    ("hset", usize::MAX, &[]),
    ("hsetnx", 3, &[]),
    // One section: several are of 7.0.
    ("info", 1, &["replication"]),
    // Two arguments: NX, XX, GT and LT are of 7.0.
    ("pexpire", 2, &[]),
    ("pttl", 1, &[]),
    ("set", 3, &["NX"]),
    ("time", 0, &[]),
    ("unlink", 1, &[]),
    // MAXLEN ~ COUNT ID FIELD VALUE.
    ("xadd", 7, &["MAXLEN", "~"]),
    ("xrange", 5, &["COUNT", "-", "+"]),
    ("xread", 7, &["COUNT", "BLOCK", "STREAMS"]),
    // KEY SCORE MEMBER.
    ("zadd", 3, &[]),
    ("zrange", 4, &["WITHSCORES"]),
    ("zrangebyscore", 6, &["LIMIT"]),
    ("zrem", usize::MAX, &[]),
    ("zremrangebyscore", 3, &[]),
    ("zscan", 4, &["COUNT"]),
];

/// Words that are options of one of these commands only later than 6.2, or that we have no use for.
const FORBIDDEN: &[&str] = &[
    "GT",
    "LT",
    "XX",
    "NOMKSTREAM",
    "MINID",
    "KEEPTTL",
    "EXAT",
    "PXAT",
    "BYSCORE",
    "BYLEX",
    "REV",
    "NOVALUES",
    "NOSCORES",
    "SETNAME",
    "SETINFO",
];

#[test]
fn every_command_is_one_of_redis_6_2() {
    let Some(server) = RedisServer::start() else { return };
    let seen = monitor(&server);
    use_everything(&server, &server.store());
    server.cli(&["echo", "the end"]);
    eventually("the end is seen", || {
        seen.lock().unwrap().iter().any(|line| line.contains("the end"))
    });
    let mut used = BTreeSet::new();
    for line in seen.lock().unwrap().iter() {
        let words = words(line);
        let Some((command, arguments)) = words.split_first() else {
            continue;
        };
        let command = command.to_lowercase();
        // What redis-cli asks for itself.
        if ["ping", "echo", "command", "monitor", "flushall", "script"].contains(&command.as_str()) {
            continue;
        }
        let Some((name, most, _)) = ALLOWED.iter().find(|(name, ..)| *name == command) else {
            panic!("{command} is not on the list: {line}")
        };
        assert!(arguments.len() <= *most, "more arguments than expected: {line}");
        if !name.starts_with("eval") {
            let forbidden = arguments.iter().find(|word| FORBIDDEN.contains(&word.as_str()));
            assert_eq!(forbidden, None, "{line}");
        }
        used.insert(*name);
    }
    let unused: Vec<_> = ALLOWED
        .iter()
        .map(|(name, ..)| name)
        .filter(|name| !used.contains(**name))
        .collect();
    assert!(unused.is_empty(), "not used by any step: {unused:?}");
}

#[test]
fn the_scripts_themselves_say_what_they_call() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/redis/lua");
    for entry in fs::read_dir(folder).unwrap() {
        let text = fs::read_to_string(entry.unwrap().path()).unwrap();
        for call in text.split("redis.call(").skip(1) {
            let command = call.trim_start_matches('\'').split('\'').next().unwrap().to_lowercase();
            assert!(ALLOWED.iter().any(|(name, ..)| *name == command), "{command}");
        }
    }
}

#[test]
fn the_rights_that_the_documentation_asks_for_are_enough() {
    let Some(server) = RedisServer::start() else { return };
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/deployment.md");
    let text = fs::read_to_string(path).unwrap();
    let line = text
        .lines()
        .map(str::trim)
        .find(|line| line.starts_with("ACL SETUSER"))
        .unwrap();
    let words: Vec<_> = line.split(' ').collect();
    assert_eq!(server.cli(&words), "OK");
    let store = open(&format!("redis://app:secret@127.0.0.1:{}?wait=0", server.port)).unwrap();
    use_everything(&server, &store);
}

/// Everything that MONITOR prints from now on, a line each.
fn monitor(server: &RedisServer) -> Arc<Mutex<Vec<String>>> {
    let mut child = Command::new("redis-cli")
        .args(["-p", &server.port.to_string(), "monitor"])
        .stdout(Stdio::piped())
        .stdin(Stdio::null())
        .spawn()
        .unwrap();
    let output = child.stdout.take().unwrap();
    let seen = Arc::new(Mutex::new(Vec::new()));
    let sink = Arc::clone(&seen);
    // Both end with the server.
    thread::spawn(move || {
        for line in BufReader::new(output).lines().map_while(Result::ok) {
            sink.lock().unwrap().push(line);
        }
        child.wait().unwrap();
    });
    eventually("monitoring has begun", || !seen.lock().unwrap().is_empty());
    seen
}

/// The quoted words behind the brackets of a line of MONITOR.
fn words(line: &str) -> Vec<String> {
    let Some((_, rest)) = line.split_once("] ") else {
        return Vec::new();
    };
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut characters = rest.chars();
    while let Some(character) = characters.next() {
        match (&mut word, character) {
            (None, '"') => word = Some(String::new()),
            (Some(_), '"') => words.extend(word.take()),
            (Some(text), '\\') => text.extend(characters.next()),
            (Some(text), character) => text.push(character),
            (None, _) => {}
        }
    }
    words
}

/// Every step of the store, and every way through a script.
fn use_everything(server: &RedisServer, store: &RedisStore) {
    store.watch(Box::new(|_| {}));
    let create = |subject: &str, limit| {
        let (record, family) = session(subject, at(0));
        let ask = CreateAsk {
            limit,
            ..record.clone().into()
        };
        wait(|done| store.create(ask, done)).unwrap();
        (record, family)
    };
    let one = SessionLimit {
        count: 1,
        when_full: WhenFull::EndOldest,
    };
    let strict = SessionLimit {
        when_full: WhenFull::RefuseNewest,
        ..one
    };
    for limit in [None, Some(one), Some(strict)] {
        create("bob", limit);
    }
    let (record, family) = create("alice", None);
    for (generation, now) in [(0, 1), (0, 2), (1, 3), (3, 4), (0, 100)] {
        wait(|done| store.refresh(ask(&record, &family, generation, at(now)), done)).unwrap();
    }
    server.cli(&["script", "flush"]);
    let (record, _) = create("alice", None);
    wait(|done| store.touch(vec![(record.sid, at(5))], done)).unwrap();
    assert_eq!(wait(|done| store.list("alice".into(), at(5), done)).unwrap().len(), 1);
    let ends = [
        Which::Session {
            sid: record.sid,
            subject: None,
        },
        Which::Subject {
            subject: "bob".into(),
            before: None,
            except: Some(record.sid),
        },
        Which::Subject {
            subject: "bob".into(),
            before: None,
            except: None,
        },
        Which::Everything { before: None },
    ];
    for which in ends {
        wait(|done| store.end(EndAsk::new(which, EndReason::Revoked, at(6)), done)).unwrap();
    }
    wait(|done| store.revoke(Revocation::token("a".into(), at(9)), done)).unwrap();
    assert!(!wait(|done| store.revocations(at(7), done)).unwrap().is_empty());
    let keys = StoredKeys {
        purpose: Purpose::Csrf,
        version: 1,
        document: vec![1; 32].into(),
    };
    wait(|done| store.save_keys(keys, 0, done)).unwrap();
    assert_eq!(wait(|done| store.keys(done)).unwrap().len(), 1);
    let account = Account {
        name: "alice".into(),
        subject: "alice".into(),
        password_hash: String::new(),
        roles: vec![],
        permissions: vec![],
    };
    wait(|done| store.save_account(account, true, done)).unwrap();
    wait(|done| store.account("alice".into(), done)).unwrap();
    assert!(wait(|done| store.time(done)).unwrap().is_some());
    wait(|done| store.lives(Lives::default(), done)).unwrap();
    let permissions = PermissionsAsk {
        subject: "carol".into(),
        rights: NewRights::default(),
        now: at(8),
        skew: Span::ZERO,
        late: false,
    };
    let (record, family) = create("carol", None);
    wait(|done| store.permissions(permissions, done)).unwrap().unwrap();
    let renewal = RenewAsk {
        by: ask(&record, &family, 0, at(9)),
        changes: ClaimChanges::default(),
        authenticated: false,
        unique: [1; 10],
        family: [2; 32],
        context: None,
    };
    assert!(wait(|done| store.renew(renewal, done)).unwrap().is_some());
    wait(|done| store.purge(at(1_000_000), done)).unwrap();
    // Long enough for the watch to have asked whether the stream is the same.
    thread::sleep(Duration::from_millis(1500));
    assert_eq!(
        wait(|done| store.close(done)).map_err(|error| error.code),
        Ok::<(), Code>(())
    );
}
