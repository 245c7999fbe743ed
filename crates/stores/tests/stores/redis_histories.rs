//! The models' histories on a real Redis: each under a prefix of its own, so that none sees what another left.

use std::{cell::Cell, env, sync::Arc};

use keyturn_core::{session::Record, store::Store};
use proptest::{
    strategy::Strategy,
    test_runner::{Config, TestRunner},
};
use redis::{Client, Connection};

use crate::redis_server::{RedisServer, open};

/// Where one history happens.
pub(crate) struct Place {
    url: String,
    prefix: String,
}

impl Place {
    /// A store there, as a process that has just started has it.
    pub(crate) fn store(&self) -> Arc<dyn Store> {
        Arc::new(open(&format!("{}?prefix={}", self.url, self.prefix)).unwrap())
    }

    pub(crate) fn connection(&self) -> Connection {
        Client::open(self.url.as_str()).unwrap().get_connection().unwrap()
    }

    /// The name of a session's key.
    pub(crate) fn session(&self, record: &Record) -> String {
        format!("{}session:{{{}}}", self.prefix, record.sid)
    }
}

/// Plays histories on one server; far more of them where everything takes its time.
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
