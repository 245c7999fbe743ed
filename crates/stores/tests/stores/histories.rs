//! Where the models' histories are played: a store that can be opened anew, and made to forget.

use std::{
    cell::{Cell, RefCell},
    env,
    path::Path,
    rc::Rc,
    sync::Arc,
};

use keyturn_core::{session::Record, store::Store};
use keyturn_stores::{MemoryStore, SqliteStore};
use proptest::{
    strategy::Strategy,
    test_runner::{Config, TestRunner},
};
use redis::Client;
use rusqlite::Connection;

use crate::{
    redis_server::{RedisServer, open},
    support::wait,
};

/// A store over what there is, as a process that has just started has it.
pub(crate) type Open = Box<dyn Fn() -> Arc<dyn Store>>;

/// Puts a record back to what it was, as a store does that lost a write.
pub(crate) type Rewind = Box<dyn Fn(&Record)>;

pub(crate) fn in_memory() -> (Open, Rewind) {
    let store: Arc<dyn Store> = Arc::new(MemoryStore::new());
    let rewound = Arc::clone(&store);
    // The memory store puts a session in the place of the one with its sid.
    let rewind = move |record: &Record| drop(wait(|done| rewound.create(record.clone().into(), done)).unwrap());
    (Box::new(move || Arc::clone(&store)), Box::new(rewind))
}

pub(crate) fn in_file(path: &Path) -> (Open, Rewind) {
    let (path, opened) = (path.to_owned(), path.to_owned());
    let rewind = move |record: &Record| {
        let rotated_at = i64::try_from(record.rotated_at.as_millis()).unwrap();
        Connection::open(&path)
            .unwrap()
            .execute(
                "UPDATE keyturn_sessions SET generation = ?2, rotated_at = ?3, last_context = ?4, claims = ?5 WHERE sid = ?1",
                (
                    record.sid.as_bytes(),
                    record.generation,
                    rotated_at,
                    record.last_context,
                    &record.claims,
                ),
            )
            .unwrap();
    };
    let open = move || -> Arc<dyn Store> { Arc::new(SqliteStore::open(&opened).unwrap()) };
    (Box::new(open), Box::new(rewind))
}

pub(crate) fn in_redis(place: Place) -> (Open, Rewind) {
    let connection = RefCell::new(place.connection());
    let place = Rc::new(place);
    let rewound = Rc::clone(&place);
    let rewind = move |record: &Record| {
        let context = record.last_context.as_ref().map_or(&[][..], |digest| &digest[..]);
        redis::cmd("HSET")
            .arg(rewound.session(record))
            .arg("generation")
            .arg(record.generation)
            .arg("rotated_at")
            .arg(record.rotated_at.as_millis())
            .arg("last_context")
            .arg(context)
            .arg("claims")
            .arg(&record.claims)
            .exec(&mut connection.borrow_mut())
            .unwrap();
    };
    (Box::new(move || place.store()), Box::new(rewind))
}

/// A part of a Redis that no other history sees.
pub(crate) struct Place {
    url: String,
    prefix: String,
}

impl Place {
    /// A store there, as a process that has just started has it.
    pub(crate) fn store(&self) -> Arc<dyn Store> {
        Arc::new(open(&format!("{}?prefix={}", self.url, self.prefix)).unwrap())
    }

    fn connection(&self) -> redis::Connection {
        Client::open(self.url.as_str()).unwrap().get_connection().unwrap()
    }

    /// The name of a session's key.
    fn session(&self, record: &Record) -> String {
        format!("{}session:{{{}}}", self.prefix, record.sid)
    }
}

/// Plays histories on one Redis, each in a place of its own; far more of them where everything takes its time.
pub(crate) fn play_each<S: Strategy>(histories: &S, play: impl Fn(Place, S::Value)) {
    let Some(server) = RedisServer::start() else { return };
    let is_long = env::var_os("KEYTURN_LONG").is_some();
    let config = Config {
        failure_persistence: None,
        max_shrink_iters: 500,
        ..Config::with_cases(if is_long { 5000 } else { 100 })
    };
    let played = Cell::new(0_u32);
    TestRunner::new(config)
        .run(histories, |history| {
            played.set(played.get() + 1);
            let place = Place {
                url: server.url(),
                prefix: format!("history-{}:", played.get()),
            };
            play(place, history);
            Ok(())
        })
        .unwrap();
}
