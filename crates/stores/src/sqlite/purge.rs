//! Deleting what is past use, a little at a time.
//!
//! A portion is a step like any other and shares a commit with what others wait for, so it is small. While there is more,
//! the next one queues up behind them: however many sessions are started, they are deleted as fast.

use std::sync::{
    Arc, Weak,
    atomic::{AtomicBool, Ordering},
};

use keyturn_core::{
    store::{Done, StoreError},
    time::UnixMs,
};

use super::{revocations, sessions, writer::Writer};

/// How many rows of a table one step deletes: a few milliseconds.
const PORTION: usize = 500;

/// Whether a purge is under way. The next one has nothing to add to it.
#[derive(Debug, Default)]
pub(super) struct Purge {
    is_running: Arc<AtomicBool>,
}

/// One that is under way, until it is dropped.
struct Running(Arc<AtomicBool>);

impl Drop for Running {
    fn drop(&mut self) {
        self.0.store(false, Ordering::Release);
    }
}

impl Purge {
    /// Deletes what is past use by `now`, and answers when nothing is left; at once if another purge is under way.
    pub(super) fn start(&self, writer: &Arc<Writer>, now: UnixMs, done: Done<()>) {
        if self.is_running.swap(true, Ordering::AcqRel) {
            return done(Ok(()));
        }
        delete(writer, now, Running(Arc::clone(&self.is_running)), done);
    }
}

fn delete(writer: &Arc<Writer>, now: UnixMs, running: Running, done: Done<()>) {
    // Weak, or a purge would keep a store open that nobody holds any more.
    let rest = Arc::downgrade(writer);
    let then = move |is_more: Result<bool, StoreError>| match (is_more, Weak::upgrade(&rest)) {
        (Ok(true), Some(writer)) => delete(&writer, now, running, done),
        (is_more, _) => {
            drop(running);
            done(is_more.map(|_| ()));
        }
    };
    writer.queue(Box::new(then), move |db| {
        let sessions = sessions::purge(db, now, PORTION)?;
        let revocations = revocations::purge(db, now, PORTION)?;
        Ok(sessions.max(revocations) >= PORTION)
    });
}
