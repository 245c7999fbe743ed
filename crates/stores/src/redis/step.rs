//! One step of the store: its commands, one deadline for all of them, and what is known of it when one fails.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Instant,
};

use keyturn_core::{
    error::Code,
    store::StoreError,
    time::{Span, UnixMs},
};
use redis::{Cmd, FromRedisValue, Value};

use super::{
    ledger::Ledger,
    link::{Link, PATIENCE, Request},
    names::Names,
    script::Call,
};

/// A step under way.
pub(super) struct Step {
    link: Arc<Link>,
    pub(super) names: Names,
    pub(super) ledger: Arc<Ledger>,
    begun: Instant,
    /// Writes that were begun: after the first nobody can say that nothing has changed.
    writes: AtomicUsize,
}

impl Step {
    pub(super) fn new(link: Arc<Link>, names: Names, ledger: Arc<Ledger>) -> Self {
        Self {
            link,
            names,
            ledger,
            begun: Instant::now(),
            writes: AtomicUsize::new(0),
        }
    }

    /// When whoever asked gives up. One part of very many has as long as a whole step from when it begins.
    fn deadline(&self, of_many: bool) -> Instant {
        let from = if of_many { Instant::now() } else { self.begun };
        from + PATIENCE
    }

    pub(super) async fn read<T: FromRedisValue>(&self, key: &str, command: &Cmd) -> Result<T, StoreError> {
        let value = self.link.call(key, Request::Read(command), self.deadline(true)).await;
        convert(self.known(value)?)
    }

    /// What the clock of a server says: in a Cluster that of the one that keeps the revocations.
    pub(super) async fn server_time(&self) -> Result<UnixMs, StoreError> {
        let (seconds, micros): (u64, u64) = self.read(&self.names.head(), &redis::cmd("TIME")).await?;
        Ok(UnixMs::from_secs(seconds).plus(Span::from_millis(micros / 1000)))
    }

    pub(super) async fn write<T: FromRedisValue>(&self, key: &str, command: &Cmd) -> Result<T, StoreError> {
        self.writes.fetch_add(1, Ordering::AcqRel);
        let value = self.link.call(key, Request::Write(command), self.deadline(true)).await;
        convert(self.known(value)?)
    }

    pub(super) async fn run<T: FromRedisValue>(&self, call: &Call) -> Result<T, StoreError> {
        self.run_until(call, self.deadline(false)).await
    }

    /// The same for one of very many: it has its own time.
    pub(super) async fn run_one<T: FromRedisValue>(&self, call: &Call) -> Result<T, StoreError> {
        self.run_until(call, self.deadline(true)).await
    }

    async fn run_until<T: FromRedisValue>(&self, call: &Call, deadline: Instant) -> Result<T, StoreError> {
        if call.writes() {
            self.writes.fetch_add(1, Ordering::AcqRel);
        }
        let value = self.link.call(call.key(), Request::Script(call), deadline).await;
        convert(self.known(value)?)
    }

    /// A step of which another part may have been run is not untouched.
    fn known(&self, value: Result<Value, StoreError>) -> Result<Value, StoreError> {
        value.map_err(|error| {
            let alone = self.writes.load(Ordering::Acquire) <= 1;
            StoreError {
                untouched: error.untouched && alone,
                ..error
            }
        })
    }
}

fn convert<T: FromRedisValue>(value: Value) -> Result<T, StoreError> {
    T::from_redis_value(value).map_err(|_| damaged("an answer"))
}

/// What is stored is not what keyturn writes.
pub(super) fn damaged(what: &str) -> StoreError {
    StoreError::new(
        Code::StoreCorrupt,
        format!("{what} in Redis is not what keyturn has written"),
    )
}
