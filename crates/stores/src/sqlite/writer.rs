//! The thread that owns the connection, and the queue in front of it.
//!
//! A group of steps is one transaction. If one of them fails in SQLite the group is rolled back and each of its steps runs
//! in a transaction of its own, so nobody pays for a neighbour's failure. Answers are given after the commit only.

use std::{
    mem,
    panic::{AssertUnwindSafe, catch_unwind},
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, MutexGuard, OnceLock, PoisonError,
        atomic::{AtomicU8, Ordering},
        mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError, sync_channel},
    },
    thread,
    time::{Duration, Instant},
};

use keyturn_core::{
    error::Code,
    store::{Done, KeyWatcher, StoreError, Watcher},
};
use rusqlite::{Connection, TransactionBehavior};

use super::{connection, keys, revocations, schema};

/// How often another process's revocations are looked for.
pub(super) const POLL: Duration = Duration::from_millis(100);

/// How many steps wait at most; further ones fail at once instead of growing the queue.
const QUEUE: usize = 16_384;

/// How many steps one commit takes.
const GROUP: usize = 512;

/// How long a group waits for another process's write before it fails.
const PATIENCE: Duration = Duration::from_secs(5);

/// How often the log is tried to be emptied, which another process that reads from it prevents. At the latest it is emptied when
/// the last process closes the file.
pub(super) const SCRUBS: u8 = 20;

/// How long a file that could not be opened is left alone before the next step tries again.
const REOPEN_PAUSE: Duration = Duration::from_millis(500);

/// The caller's end of the queue.
pub(super) struct Writer {
    /// `None` once closed. Dropping it is what tells the thread to finish, so a close never waits for a place in the queue.
    queue: Mutex<Option<SyncSender<Box<dyn Step>>>>,
    /// Who is told when the thread has finished.
    closing: Arc<Mutex<Option<Done<()>>>>,
    watcher: Arc<OnceLock<Watcher>>,
    key_watcher: Arc<OnceLock<KeyWatcher>>,
    scrub: Arc<AtomicU8>,
    /// When everything that others had stored by then had been shown to the watcher.
    in_step: Arc<Mutex<Instant>>,
}

impl std::fmt::Debug for Writer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Writer")
    }
}

/// One step: may run more than once, answers exactly once.
trait Step: Send {
    fn run(&mut self, db: &Connection) -> rusqlite::Result<()>;
    fn answer(self: Box<Self>, outcome: Result<(), StoreError>);
}

struct StepOf<T, F> {
    run: F,
    value: Option<T>,
    done: Done<T>,
}

impl<T: Send, F: FnMut(&Connection) -> rusqlite::Result<T> + Send> Step for StepOf<T, F> {
    fn run(&mut self, db: &Connection) -> rusqlite::Result<()> {
        self.value = Some((self.run)(db)?);
        Ok(())
    }

    fn answer(self: Box<Self>, outcome: Result<(), StoreError>) {
        let Self { value, done, .. } = *self;
        let missing = || StoreError::new(Code::Internal, "a step was answered before it ran");
        done(outcome.and_then(|()| value.ok_or_else(missing)));
    }
}

impl Writer {
    pub(super) fn start(path: &Path) -> Result<Self, StoreError> {
        let (sender, receiver) = sync_channel(QUEUE);
        let watcher = Arc::new(OnceLock::new());
        let key_watcher = Arc::new(OnceLock::new());
        let scrub = Arc::new(AtomicU8::new(0));
        let closing = Arc::new(Mutex::new(None));
        let in_step = Arc::new(Mutex::new(Instant::now()));
        let worker = Worker {
            path: path.to_owned(),
            db: None,
            was_open: false,
            refused: None,
            broken: None,
            watcher: Arc::clone(&watcher),
            key_watcher: Arc::clone(&key_watcher),
            scrub: Arc::clone(&scrub),
            seen: Seen::default(),
            polled: Instant::now(),
            in_step: Arc::clone(&in_step),
        };
        let closed = Arc::clone(&closing);
        thread::Builder::new()
            .name("keyturn-sqlite".into())
            .spawn(move || worker.work(&receiver, &closed))
            .map_err(|error| StoreError::new(Code::StoreUnavailable, format!("no thread for the store: {error}")))?;
        Ok(Self {
            queue: Mutex::new(Some(sender)),
            closing,
            watcher,
            key_watcher,
            scrub,
            in_step,
        })
    }

    /// Queues a step. `run` may be called more than once and must leave no trace but in the database.
    pub(super) fn queue<T: Send + 'static>(
        &self,
        done: Done<T>,
        run: impl FnMut(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) {
        let step = Box::new(StepOf { run, value: None, done });
        let queue = locked(&self.queue).clone();
        let Some(queue) = queue else {
            return step.answer(Err(StoreError::closed()));
        };
        match queue.try_send(step) {
            Ok(()) => {}
            Err(TrySendError::Full(step)) => {
                let error = StoreError::new(Code::StoreUnavailable, "too many steps wait for the disk");
                step.answer(Err(error.untouched()));
            }
            Err(TrySendError::Disconnected(step)) => step.answer(Err(StoreError::closed())),
        }
    }

    /// Sets the watcher; the first one stays.
    pub(super) fn watch(&self, watcher: Watcher) {
        let _second = self.watcher.set(watcher);
    }

    /// The same for keys.
    pub(super) fn watch_keys(&self, watcher: KeyWatcher) {
        let _second = self.key_watcher.set(watcher);
    }

    /// To be set to [`SCRUBS`] by a step after which nothing that it replaced must be left in the log.
    pub(super) fn scrubbing(&self) -> Arc<AtomicU8> {
        Arc::clone(&self.scrub)
    }

    /// How long ago that was.
    pub(super) fn staleness(&self) -> Duration {
        locked(&self.in_step).elapsed()
    }

    pub(super) fn close(&self, done: Done<()>) {
        let Some(queue) = locked(&self.queue).take() else {
            return done(Ok(()));
        };
        *locked(&self.closing) = Some(done);
        drop(queue);
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// How a transaction failed.
enum Failed {
    /// In a step or in the commit.
    Later(rusqlite::Error),
    /// Before any step ran: the file is locked or gone.
    ToBegin(rusqlite::Error),
}

/// How far this process has read what others wrote.
#[derive(Default)]
struct Seen {
    data_version: i64,
    revocation: i64,
    keys: i64,
}

struct Worker {
    path: PathBuf,
    db: Option<Connection>,
    was_open: bool,
    /// Why the file could not be opened, and when that was.
    refused: Option<(Instant, StoreError)>,
    /// Why nothing more is done with the file until a restart: what it holds is not understood.
    broken: Option<StoreError>,
    watcher: Arc<OnceLock<Watcher>>,
    key_watcher: Arc<OnceLock<KeyWatcher>>,
    scrub: Arc<AtomicU8>,
    seen: Seen,
    polled: Instant,
    in_step: Arc<Mutex<Instant>>,
}

impl Worker {
    fn work(mut self, queue: &Receiver<Box<dyn Step>>, closing: &Mutex<Option<Done<()>>>) {
        loop {
            let mut group = match queue.recv_timeout(POLL.saturating_sub(self.polled.elapsed())) {
                Ok(step) => vec![step],
                Err(RecvTimeoutError::Timeout) => Vec::new(),
                // Everything that was queued has been done.
                Err(RecvTimeoutError::Disconnected) => return self.finish(closing),
            };
            while !group.is_empty() && group.len() < GROUP {
                match queue.try_recv() {
                    Ok(step) => group.push(step),
                    Err(_) => break,
                }
            }
            // A panic must not take the store with it: whoever waited is told by the drop of its callback, and the
            // connection, whose state is in doubt, is opened anew.
            let turn = catch_unwind(AssertUnwindSafe(|| {
                if !group.is_empty() {
                    self.commit(group);
                }
                self.poll_if_due();
            }));
            if turn.is_err() {
                self.db = None;
            }
        }
    }

    fn finish(mut self, closing: &Mutex<Option<Done<()>>>) {
        let closed = self.db.take().map(Connection::close);
        let outcome = match closed {
            Some(Err((_, error))) => Err(connection::failure(&self.path, &error)),
            _ => Ok(()),
        };
        let done = locked(closing).take();
        if let Some(done) = done {
            done(outcome);
        }
    }

    fn commit(&mut self, mut group: Vec<Box<dyn Step>>) {
        if let Err(error) = self.connect() {
            return refuse(group, &error);
        }
        // One deadline for all of them: alone each would only wait for the same lock again.
        let deadline = Instant::now() + PATIENCE;
        match self.transact_until(deadline, &mut group) {
            Ok(()) => {
                self.scrub_if_asked();
                return group.into_iter().for_each(|step| step.answer(Ok(())));
            }
            Err(Failed::ToBegin(error)) => return refuse(group, &connection::failure(&self.path, &error)),
            Err(Failed::Later(_)) => {}
        }
        let mut rest = group.into_iter();
        while let Some(step) = rest.next() {
            let mut alone = vec![step];
            let outcome = match self.transact_until(deadline, &mut alone) {
                Ok(()) => Ok(()),
                Err(Failed::Later(error)) => Err(connection::failure(&self.path, &error)),
                Err(Failed::ToBegin(error)) => {
                    let error = connection::failure(&self.path, &error);
                    return refuse(alone.into_iter().chain(rest), &error);
                }
            };
            for step in alone {
                step.answer(outcome.clone());
            }
        }
    }

    /// One transaction over the group. While another process holds the file it looks for that process's revocations between
    /// one try and the next, so that waiting to write does not make anybody blind.
    fn transact_until(&mut self, deadline: Instant, group: &mut [Box<dyn Step>]) -> Result<(), Failed> {
        loop {
            match self.transact(group) {
                Err(Failed::ToBegin(error)) if connection::is_busy(&error) && Instant::now() < deadline => {
                    self.poll_if_due();
                }
                outcome => return outcome,
            }
        }
    }

    fn transact(&mut self, group: &mut [Box<dyn Step>]) -> Result<(), Failed> {
        let db = self.db.as_mut().ok_or(Failed::ToBegin(rusqlite::Error::InvalidQuery))?;
        let transaction = db
            .transaction_with_behavior(TransactionBehavior::Immediate)
            .map_err(Failed::ToBegin)?;
        for step in group {
            step.run(&transaction).map_err(Failed::Later)?;
        }
        transaction.commit().map_err(Failed::Later)
    }

    fn connect(&mut self) -> Result<(), StoreError> {
        if let Some(error) = &self.broken {
            return Err(error.clone());
        }
        if self.db.is_some() {
            return Ok(());
        }
        if let Some((since, error)) = &self.refused
            && since.elapsed() < REOPEN_PAUSE
        {
            return Err(error.clone());
        }
        match connection::open(&self.path) {
            Ok(db) => {
                // What is there already is loaded by whoever opens the sessions; the poll begins after it. A connection that
                // is opened anew goes on from where the last one was.
                if self.seen.revocation == 0 {
                    self.seen.revocation = revocations::last(&db).unwrap_or_default();
                }
                self.seen.data_version = 0;
                self.db = Some(db);
                self.was_open = true;
                self.refused = None;
                Ok(())
            }
            Err(error) => {
                self.refused = Some((Instant::now(), error.clone()));
                Err(error)
            }
        }
    }

    fn poll_if_due(&mut self) {
        if self.polled.elapsed() >= POLL {
            self.polled = Instant::now();
            if self.poll() && self.broken.is_none() {
                *locked(&self.in_step) = self.polled;
            }
            self.scrub_if_asked();
        }
    }

    /// Brings the log into the file and empties it. While another process reads from it that waits for the next turn.
    fn scrub_if_asked(&self) {
        let left = self.scrub.load(Ordering::Acquire);
        let (Some(left), Some(db)) = (left.checked_sub(1), &self.db) else {
            return;
        };
        let is_busy = db.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get::<_, bool>(0));
        let is_empty = is_busy.is_ok_and(|is_busy| !is_busy);
        self.scrub.store(if is_empty { 0 } else { left }, Ordering::Release);
    }

    /// Shows the watchers what others have stored, and says whether that was all of it. A failure is left to the next turn:
    /// the steps report it.
    fn poll(&mut self) -> bool {
        // A connection that was lost is opened anew; the first one is for the first step.
        if self.db.is_none() && self.was_open {
            let _refused = self.connect();
        }
        let Some(db) = &self.db else {
            return false;
        };
        let Ok(version) = db.pragma_query_value(None, "data_version", |row| row.get::<_, i64>(0)) else {
            return false;
        };
        if mem::replace(&mut self.seen.data_version, version) == version {
            return true;
        }
        let Ok(news) = revocations::after(db, self.seen.revocation) else {
            // Read again at the next turn.
            self.seen.data_version = 0;
            return false;
        };
        self.seen.revocation = news.last;
        if let (Some(watcher), false) = (self.watcher.get(), news.revocations.is_empty()) {
            watcher(&news.revocations);
        }
        self.broken = self
            .broken
            .take()
            .or_else(|| schema::doubt(db, &self.path, news.unreadable));
        self.look_for_keys();
        true
    }

    fn look_for_keys(&mut self) {
        let Some(state) = self.db.as_ref().and_then(|db| keys::state(db).ok()) else {
            self.seen.data_version = 0;
            return;
        };
        // Our own changes count as news once, which costs a look and no more.
        if mem::replace(&mut self.seen.keys, state) != state
            && let Some(watcher) = self.key_watcher.get()
        {
            watcher();
        }
    }
}

/// Answers steps that have not run.
fn refuse(steps: impl IntoIterator<Item = Box<dyn Step>>, error: &StoreError) {
    for step in steps {
        step.answer(Err(error.clone().untouched()));
    }
}
