//! A bounded pool of threads for work that would hold the event loop.
//!
//! At most four threads, started when first needed, shared by the whole process. At most [`QUEUE`] jobs wait; one more is
//! refused at once, so that a flood of sign-ins costs refusals and not memory.

use std::{
    sync::{
        Arc, Mutex, OnceLock, PoisonError,
        mpsc::{Receiver, SyncSender, sync_channel},
    },
    thread,
};

use keyturn_core::error::{Code, Error};

const MOST_THREADS: usize = 4;
const QUEUE: usize = 256;

type Job = Box<dyn FnOnce() + Send>;

/// Queues a job, or fails with [`Code::PoolFull`].
pub(crate) fn run(job: Job) -> Result<(), Error> {
    static POOL: OnceLock<Option<SyncSender<Job>>> = OnceLock::new();
    let queue = POOL.get_or_init(start).as_ref().ok_or(Code::Internal)?;
    queue.try_send(job).map_err(|_| Code::PoolFull.into())
}

/// Starts the threads; `None` if not even one could be started.
fn start() -> Option<SyncSender<Job>> {
    let (sender, receiver) = sync_channel(QUEUE);
    // Protects the receiving end only: a thread holds it while it waits for a job, never while it works.
    let receiver = Arc::new(Mutex::new(receiver));
    let wanted = thread::available_parallelism().map_or(1, usize::from).min(MOST_THREADS);
    let started = (0..wanted).filter(|_| {
        let receiver = Arc::clone(&receiver);
        let named = thread::Builder::new().name("keyturn-pool".into());
        named.spawn(move || work(&receiver)).is_ok()
    });
    (started.count() > 0).then_some(sender)
}

fn work(queue: &Mutex<Receiver<Job>>) {
    loop {
        let job = queue.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok(job) = job else {
            return;
        };
        // A job that panics has dropped its promise, which settles it; the thread goes on.
        let _panic = std::panic::catch_unwind(std::panic::AssertUnwindSafe(job));
    }
}
