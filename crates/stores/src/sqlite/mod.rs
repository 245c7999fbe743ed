//! The SQLite store: one file, any number of processes of one host.
//!
//! One thread owns the one connection. Steps queue up for it and are committed in groups: `synchronous=FULL` makes each
//! commit wait for the disk, and a group waits once. Other processes' revocations are noticed by asking for
//! `PRAGMA data_version`, at least every [`writer::POLL`].

mod accounts;
mod connection;
mod examine;
mod keys;
mod lives;
mod purge;
mod revocations;
mod schema;
mod sessions;
mod writer;

use std::{
    path::Path,
    sync::{Arc, atomic::Ordering},
};

use keyturn_core::{
    account::Account,
    error::Error,
    revocation::Revocation,
    session::{PermissionsAsk, Record, RenewAsk, SessionId, rotation},
    store::{
        CreateAsk, Created, Done, EndAnswer, EndAsk, KeyWatcher, Lives, Refreshed, Store, StoreError, StoredKeys,
        Watcher,
    },
    time::{Span, UnixMs},
};

pub use examine::{Contents, Examination, KeyFacts, RevocationCounts, SessionCounts, Unexamined, examine};
use purge::Purge;
use writer::Writer;

/// Sessions in an SQLite file.
#[derive(Debug)]
pub struct SqliteStore {
    writer: Arc<Writer>,
    purge: Purge,
}

impl SqliteStore {
    /// A store in the file at `path`, which is made with mode 0600 if there is none. The file is opened by the store's own
    /// thread; if it cannot be, every step says why, and each later step tries again.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        Ok(Self {
            writer: Arc::new(Writer::start(path)?),
            purge: Purge::default(),
        })
    }
}

impl Store for SqliteStore {
    fn keys(&self, done: Done<Vec<StoredKeys>>) {
        self.writer.queue(done, keys::load);
    }

    fn save_keys(&self, keys: StoredKeys, replaces: u64, done: Done<StoredKeys>) {
        let scrub = self.writer.scrubbing();
        self.writer.queue(done, move |db| {
            scrub.store(writer::SCRUBS, Ordering::Release);
            keys::save(db, &keys, replaces)
        });
    }

    fn watch_keys(&self, watcher: KeyWatcher) {
        self.writer.watch_keys(watcher);
    }

    fn create(&self, ask: CreateAsk, done: Done<Created>) {
        self.writer.queue(done, move |db| sessions::create(db, &ask));
    }

    fn refresh(&self, ask: rotation::Ask, done: Done<Option<Refreshed>>) {
        self.writer.queue(done, move |db| sessions::refresh(db, &ask));
    }

    fn renew(&self, ask: RenewAsk, done: Done<Option<Refreshed>>) {
        self.writer.queue(done, move |db| sessions::renew(db, &ask));
    }

    fn end(&self, ask: EndAsk, done: Done<EndAnswer>) {
        self.writer.queue(done, move |db| sessions::end(db, &ask));
    }

    fn permissions(&self, ask: PermissionsAsk, done: Done<Result<Revocation, Error>>) {
        self.writer.queue(done, move |db| sessions::permissions(db, &ask));
    }

    fn revoke(&self, revocation: Revocation, done: Done<()>) {
        self.writer.queue(done, move |db| revocations::insert(db, &revocation));
    }

    fn touch(&self, batch: Vec<(SessionId, UnixMs)>, done: Done<()>) {
        self.writer.queue(done, move |db| sessions::touch(db, &batch));
    }

    fn list(&self, subject: String, now: UnixMs, done: Done<Vec<Record>>) {
        self.writer.queue(done, move |db| sessions::list(db, &subject, now));
    }

    fn revocations(&self, now: UnixMs, done: Done<Vec<Revocation>>) {
        self.writer.queue(done, move |db| revocations::unexpired(db, now));
    }

    fn watch(&self, watcher: Watcher) {
        self.writer.watch(watcher);
    }

    fn staleness(&self) -> Span {
        Span::from_millis(u64::try_from(self.writer.staleness().as_millis()).unwrap_or(u64::MAX))
    }

    fn lives(&self, own: Lives, done: Done<Lives>) {
        self.writer.queue(done, move |db| lives::longest(db, own));
    }

    fn purge(&self, now: UnixMs, done: Done<()>) {
        self.purge.start(&self.writer, now, done);
    }

    fn save_account(&self, account: Account, unless_present: bool, done: Done<bool>) {
        self.writer
            .queue(done, move |db| accounts::save(db, &account, unless_present));
    }

    fn account(&self, name: String, done: Done<Option<Account>>) {
        self.writer.queue(done, move |db| accounts::load(db, &name));
    }

    fn close(&self, done: Done<()>) {
        self.writer.close(done);
    }
}
