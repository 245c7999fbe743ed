//! A store that fails when it is told to.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, ThreadId},
};

use keyturn_core::{
    account::Account,
    error::{Code, Error},
    revocation::Revocation,
    session::{PermissionsAsk, Record, RenewAsk, SessionId, rotation},
    store::{
        CreateAsk, Created, Done, EndAnswer, EndAsk, KeyWatcher, Lives, Refreshed, Store, StoreError, StoredKeys,
        Watcher,
    },
    time::{Span, UnixMs},
};

/// How the next step goes wrong.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Fault {
    /// The commit fails and has changed nothing.
    Before,
    /// The commit is done, but its outcome never arrives.
    After,
    /// The store cannot be read.
    Corrupt,
}

/// Passes every step on, or fails it.
pub(crate) struct FaultyStore {
    inner: Arc<dyn Store>,
    next: Mutex<Option<(Fault, Option<ThreadId>)>>,
    time: Mutex<Option<UnixMs>>,
    staleness: Mutex<Span>,
    missed: AtomicBool,
    skew: Mutex<Option<Span>>,
    blind: AtomicBool,
    /// Steps that wait for [`FaultyStore::release`], if they are to.
    held: Mutex<Option<Vec<Held>>>,
    closes: AtomicBool,
}

type Held = Box<dyn FnOnce() + Send>;

impl FaultyStore {
    pub(crate) fn new(inner: Arc<dyn Store>) -> Arc<Self> {
        Arc::new(Self {
            inner,
            next: Mutex::new(None),
            time: Mutex::new(None),
            staleness: Mutex::default(),
            missed: AtomicBool::new(false),
            skew: Mutex::default(),
            blind: AtomicBool::new(false),
            held: Mutex::default(),
            closes: AtomicBool::new(false),
        })
    }

    /// The next step that changes sessions, revocations or keys fails so.
    pub(crate) fn fail_next(&self, fault: Fault) {
        *self.next.lock().unwrap() = Some((fault, None));
    }

    /// The same for the next step that this thread begins. What the upkeep has under way elsewhere is left alone.
    pub(crate) fn fail_next_here(&self, fault: Fault) {
        *self.next.lock().unwrap() = Some((fault, Some(thread::current().id())));
    }

    /// From now on the store has a clock, which stands still.
    pub(crate) fn set_time(&self, time: UnixMs) {
        *self.time.lock().unwrap() = Some(time);
    }

    /// Others have not been heard of for so long.
    pub(crate) fn lag(&self, staleness: Span) {
        *self.staleness.lock().unwrap() = staleness;
    }

    /// What others stored may have been missed.
    pub(crate) fn miss(&self) {
        self.missed.store(true, Ordering::Relaxed);
    }

    /// The hosts' clocks lie apart.
    pub(crate) fn skew(&self, skew: Span) {
        *self.skew.lock().unwrap() = Some(skew);
    }

    /// Whether revocations cannot be read.
    pub(crate) fn blind(&self, is_blind: bool) {
        self.blind.store(is_blind, Ordering::Relaxed);
    }

    /// Nothing fails any more.
    pub(crate) fn clear(&self) {
        *self.next.lock().unwrap() = None;
    }

    /// From now on the reading of keys, and ends, wait.
    pub(crate) fn hold(&self) {
        *self.held.lock().unwrap() = Some(Vec::new());
    }

    /// Lets those go on, and all that come after them.
    pub(crate) fn release(&self) {
        let held = self.held.lock().unwrap().take();
        for step in held.into_iter().flatten() {
            step();
        }
    }

    /// From now on a close reaches the store.
    pub(crate) fn close_with_the_last_user(&self) {
        self.closes.store(true, Ordering::Relaxed);
    }

    fn unless_held(&self, step: Held) {
        if let Some(held) = &mut *self.held.lock().unwrap() {
            return held.push(step);
        }
        step();
    }

    fn step<T: Send + 'static>(&self, done: Done<T>, run: impl FnOnce(Done<T>)) {
        let lost = || StoreError::new(Code::StoreUnavailable, "injected");
        let is_meant = |(_, of): &mut (Fault, Option<ThreadId>)| of.is_none_or(|of| of == thread::current().id());
        let fault = self.next.lock().unwrap().take_if(is_meant);
        match fault.map(|(fault, _)| fault) {
            None => run(done),
            Some(Fault::Before) => done(Err(lost())),
            Some(Fault::Corrupt) => done(Err(StoreError::new(Code::StoreCorrupt, "injected"))),
            Some(Fault::After) => run(Box::new(move |_| done(Err(lost())))),
        }
    }
}

impl Store for FaultyStore {
    fn keys(&self, done: Done<Vec<StoredKeys>>) {
        let inner = Arc::clone(&self.inner);
        self.unless_held(Box::new(move || inner.keys(done)));
    }

    fn save_keys(&self, keys: StoredKeys, replaces: u64, done: Done<StoredKeys>) {
        self.step(done, |done| self.inner.save_keys(keys, replaces, done));
    }

    fn watch_keys(&self, watcher: KeyWatcher) {
        self.inner.watch_keys(watcher);
    }

    fn create(&self, ask: CreateAsk, done: Done<Created>) {
        self.step(done, |done| self.inner.create(ask, done));
    }

    fn refresh(&self, ask: rotation::Ask, done: Done<Option<Refreshed>>) {
        self.step(done, |done| self.inner.refresh(ask, done));
    }

    fn renew(&self, ask: RenewAsk, done: Done<Option<Refreshed>>) {
        self.step(done, |done| self.inner.renew(ask, done));
    }

    fn end(&self, ask: EndAsk, done: Done<EndAnswer>) {
        self.step(done, |done| {
            let inner = Arc::clone(&self.inner);
            self.unless_held(Box::new(move || inner.end(ask, done)));
        });
    }

    fn permissions(&self, ask: PermissionsAsk, done: Done<Result<Revocation, Error>>) {
        self.step(done, |done| self.inner.permissions(ask, done));
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
        if self.blind.load(Ordering::Relaxed) {
            return done(Err(StoreError::new(Code::StoreUnavailable, "injected")));
        }
        self.inner.revocations(now, done);
    }

    fn watch(&self, watcher: Watcher) {
        self.inner.watch(watcher);
    }

    fn staleness(&self) -> Span {
        *self.staleness.lock().unwrap()
    }

    fn missed(&self) -> bool {
        self.missed.swap(false, Ordering::Relaxed) | self.inner.missed()
    }

    fn clock_skew(&self) -> Span {
        let set = *self.skew.lock().unwrap();
        set.unwrap_or_else(|| self.inner.clock_skew())
    }

    fn lives(&self, own: Lives, done: Done<Lives>) {
        self.inner.lives(own, done);
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

    fn time(&self, done: Done<Option<UnixMs>>) {
        done(Ok(*self.time.lock().unwrap()));
    }

    /// Stays open, unless it is told otherwise: histories go on over the same store after a restart, and a killed process closes
    /// nothing.
    fn close(&self, done: Done<()>) {
        if self.closes.load(Ordering::Relaxed) {
            return self.inner.close(done);
        }
        done(Ok(()));
    }
}
