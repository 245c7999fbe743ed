//! The thread that owns the connection, and the queue in front of it.
//!
//! A group of steps is one transaction. If one of them fails in SQLite the group is rolled back and each of its steps runs
//! in a transaction of its own, so nobody pays for a neighbour's failure. Answers are given after the commit only.

use std::{
    mem,
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, OnceLock, PoisonError,
        mpsc::{Receiver, RecvTimeoutError, SyncSender, TryRecvError, TrySendError, sync_channel},
    },
    thread,
    time::{Duration, Instant},
};

use keyturn_core::{
    error::Code,
    store::{Done, StoreError, Watcher},
};
use rusqlite::{Connection, TransactionBehavior};

use super::{connection, revocations};

/// How often another process's revocations are looked for.
pub(super) const POLL: Duration = Duration::from_millis(100);

/// How many steps wait at most; further ones fail at once instead of growing the queue.
const QUEUE: usize = 16_384;

/// How many steps one commit takes.
const GROUP: usize = 512;

/// How long a file that could not be opened is left alone before the next step tries again.
const REOPEN_PAUSE: Duration = Duration::from_millis(500);

/// The caller's end of the queue.
pub(super) struct Writer {
    /// `None` once closed.
    queue: Mutex<Option<SyncSender<Message>>>,
    watcher: Arc<OnceLock<Watcher>>,
}

impl std::fmt::Debug for Writer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Writer")
    }
}

enum Message {
    Close(Done<()>),
    Step(Box<dyn Step>),
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
        let worker = Worker {
            path: path.to_owned(),
            db: None,
            refused: None,
            watcher: Arc::clone(&watcher),
            seen: Seen::default(),
        };
        thread::Builder::new()
            .name("keyturn-sqlite".into())
            .spawn(move || worker.work(&receiver))
            .map_err(|error| StoreError::new(Code::StoreUnavailable, format!("no thread for the store: {error}")))?;
        Ok(Self {
            queue: Mutex::new(Some(sender)),
            watcher,
        })
    }

    /// Queues a step. `run` may be called more than once and must leave no trace but in the database.
    pub(super) fn queue<T: Send + 'static>(
        &self,
        done: Done<T>,
        run: impl FnMut(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) {
        let step = Box::new(StepOf { run, value: None, done });
        let queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let Some(queue) = queue else {
            return step.answer(Err(StoreError::closed()));
        };
        let (Message::Step(step), error) = (match queue.try_send(Message::Step(step)) {
            Ok(()) => return,
            Err(TrySendError::Full(back)) => (
                back,
                StoreError::new(Code::StoreUnavailable, "too many steps wait for the disk"),
            ),
            Err(TrySendError::Disconnected(back)) => (back, StoreError::closed()),
        }) else {
            return;
        };
        step.answer(Err(error));
    }

    /// Sets the watcher; the first one stays.
    pub(super) fn watch(&self, watcher: Watcher) {
        let _second = self.watcher.set(watcher);
    }

    pub(super) fn close(&self, done: Done<()>) {
        let queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner).take();
        let Some(queue) = queue else {
            return done(Ok(()));
        };
        // Waits for a place if the queue is full: a close is never lost, and what is queued before it is still done.
        if let Err(unsent) = queue.send(Message::Close(done))
            && let Message::Close(done) = unsent.0
        {
            done(Ok(()));
        }
    }
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
}

struct Worker {
    path: PathBuf,
    db: Option<Connection>,
    refused: Option<(Instant, StoreError)>,
    watcher: Arc<OnceLock<Watcher>>,
    seen: Seen,
}

impl Worker {
    fn work(mut self, queue: &Receiver<Message>) {
        let mut polled = Instant::now();
        loop {
            let mut group: Vec<Box<dyn Step>> = Vec::new();
            let mut closing = None;
            match queue.recv_timeout(POLL.saturating_sub(polled.elapsed())) {
                Ok(Message::Step(step)) => group.push(step),
                Ok(Message::Close(done)) => closing = Some(done),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return,
            }
            while closing.is_none() && !group.is_empty() && group.len() < GROUP {
                match queue.try_recv() {
                    Ok(Message::Step(step)) => group.push(step),
                    Ok(Message::Close(done)) => closing = Some(done),
                    Err(TryRecvError::Empty | TryRecvError::Disconnected) => break,
                }
            }
            if !group.is_empty() {
                self.commit(group);
            }
            if polled.elapsed() >= POLL {
                self.poll();
                polled = Instant::now();
            }
            if let Some(done) = closing {
                let closed = self.db.take().map(Connection::close);
                return done(match closed {
                    Some(Err((_, error))) => Err(connection::failure(&self.path, &error)),
                    _ => Ok(()),
                });
            }
        }
    }

    fn commit(&mut self, group: Vec<Box<dyn Step>>) {
        if let Err(error) = self.connect() {
            return group.into_iter().for_each(|step| step.answer(Err(error.clone())));
        }
        let mut group = group;
        match self.transact(&mut group) {
            Ok(()) => return group.into_iter().for_each(|step| step.answer(Ok(()))),
            // No step has run: alone each of them would only wait for the same lock again.
            Err(Failed::ToBegin(error)) => {
                let error = connection::failure(&self.path, &error);
                return group.into_iter().for_each(|step| step.answer(Err(error.clone())));
            }
            Err(Failed::Later(_)) => {}
        }
        for step in group {
            let mut alone = vec![step];
            let outcome = self.transact(&mut alone).map_err(|failed| {
                let (Failed::ToBegin(error) | Failed::Later(error)) = failed;
                connection::failure(&self.path, &error)
            });
            for step in alone {
                step.answer(outcome.clone());
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
                // What is there already is loaded by whoever opens the sessions; the poll begins after it.
                self.seen.revocation = revocations::last(&db).unwrap_or_default();
                self.db = Some(db);
                self.refused = None;
                Ok(())
            }
            Err(error) => {
                self.refused = Some((Instant::now(), error.clone()));
                Err(error)
            }
        }
    }

    /// Shows the watcher what others have revoked. A failure is left to the next turn: the steps report it.
    fn poll(&mut self) {
        let Some(db) = &self.db else {
            return;
        };
        let Ok(version) = db.pragma_query_value(None, "data_version", |row| row.get::<_, i64>(0)) else {
            return;
        };
        if mem::replace(&mut self.seen.data_version, version) == version {
            return;
        }
        match revocations::after(db, self.seen.revocation) {
            Ok((revocations, last)) => {
                self.seen.revocation = last;
                if let (Some(watcher), false) = (self.watcher.get(), revocations.is_empty()) {
                    watcher(&revocations);
                }
            }
            // Read again at the next turn.
            Err(_) => self.seen.data_version = 0,
        }
    }
}
