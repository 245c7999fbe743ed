//! A store that fails when it is told to.

use std::sync::{Arc, Mutex};

use keyturn_core::{
    account::Account,
    error::Code,
    revocation::Revocation,
    session::{Record, SessionId, rotation},
    store::{Done, EndAnswer, EndAsk, KeyWatcher, Refreshed, Store, StoreError, StoredKeys, Watcher},
    time::UnixMs,
};

/// How the next step goes wrong.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Fault {
    /// The commit fails and has changed nothing.
    Before,
    /// The commit is done, but its outcome never arrives.
    After,
}

/// Passes every step on, or fails it.
pub(crate) struct FaultyStore {
    inner: Arc<dyn Store>,
    next: Mutex<Option<Fault>>,
}

impl FaultyStore {
    pub(crate) fn new(inner: Arc<dyn Store>) -> Arc<Self> {
        Arc::new(Self {
            inner,
            next: Mutex::new(None),
        })
    }

    /// The next step that changes sessions, revocations or keys fails so.
    pub(crate) fn fail_next(&self, fault: Fault) {
        *self.next.lock().unwrap() = Some(fault);
    }

    /// Nothing fails any more.
    pub(crate) fn clear(&self) {
        *self.next.lock().unwrap() = None;
    }

    fn step<T: Send + 'static>(&self, done: Done<T>, run: impl FnOnce(Done<T>)) {
        let lost = || StoreError::new(Code::StoreUnavailable, "injected");
        let fault = self.next.lock().unwrap().take();
        match fault {
            None => run(done),
            Some(Fault::Before) => done(Err(lost())),
            Some(Fault::After) => run(Box::new(move |_| done(Err(lost())))),
        }
    }
}

impl Store for FaultyStore {
    fn keys(&self, done: Done<Vec<StoredKeys>>) {
        self.inner.keys(done);
    }

    fn save_keys(&self, keys: StoredKeys, replaces: u64, done: Done<StoredKeys>) {
        self.step(done, |done| self.inner.save_keys(keys, replaces, done));
    }

    fn watch_keys(&self, watcher: KeyWatcher) {
        self.inner.watch_keys(watcher);
    }

    fn create(&self, record: Record, done: Done<()>) {
        self.step(done, |done| self.inner.create(record, done));
    }

    fn refresh(&self, ask: rotation::Ask, done: Done<Option<Refreshed>>) {
        self.step(done, |done| self.inner.refresh(ask, done));
    }

    fn end(&self, ask: EndAsk, done: Done<EndAnswer>) {
        self.step(done, |done| self.inner.end(ask, done));
    }

    fn revoke(&self, revocation: Revocation, done: Done<()>) {
        self.step(done, |done| self.inner.revoke(revocation, done));
    }

    fn touch(&self, batch: Vec<(SessionId, UnixMs)>, done: Done<()>) {
        self.step(done, |done| self.inner.touch(batch, done));
    }

    fn list(&self, subject: String, now: UnixMs, done: Done<Vec<Record>>) {
        self.inner.list(subject, now, done);
    }

    fn revocations(&self, now: UnixMs, done: Done<Vec<Revocation>>) {
        self.inner.revocations(now, done);
    }

    fn watch(&self, watcher: Watcher) {
        self.inner.watch(watcher);
    }

    fn purge(&self, now: UnixMs, done: Done<()>) {
        self.inner.purge(now, done);
    }

    fn save_account(&self, account: Account, unless_present: bool, done: Done<bool>) {
        self.inner.save_account(account, unless_present, done);
    }

    fn account(&self, name: String, done: Done<Option<Account>>) {
        self.inner.account(name, done);
    }

    /// Stays open: histories go on over the same store after a restart, and a killed process closes nothing.
    fn close(&self, done: Done<()>) {
        done(Ok(()));
    }
}
