//! Bounded threads for work that would hold the event loop, in lanes that do not wait for each other.
//!
//! A lane has threads of its own, started when first needed and shared by the whole process, so that a thousand sign-ins that
//! take 20 ms each delay no token, nor tokens a sign-in. It also has a bound: one job more is refused at once, so that a flood
//! costs refusals and not memory.

use std::{
    sync::{
        Arc, Mutex, OnceLock, PoisonError,
        atomic::{AtomicUsize, Ordering},
        mpsc::{Receiver, Sender, channel},
    },
    thread,
};

use keyturn_core::error::{Code, Error};

/// Passwords being hashed: as many as there are cores, since somebody waits for each; 256 wait.
pub(crate) static PASSWORDS: Lane = Lane::new("keyturn-password", 0, 256);

/// Signatures that take long: one core is left to the event loop; 4096 wait, about a second's work.
pub(crate) static SIGNATURES: Lane = Lane::new("keyturn-sign", 1, 4096);

/// The most threads of a lane, however many cores there are.
const MOST_THREADS: usize = 4;

/// Work, with the place that it holds.
type Job = Box<dyn FnOnce(Place) + Send>;

/// Threads and a queue.
pub(crate) struct Lane {
    name: &'static str,
    cores_left_free: usize,
    waiting: usize,
    taken: AtomicUsize,
    queue: OnceLock<Option<Sender<(Job, Place)>>>,
}

/// One of the places of a lane, held until the work is done.
pub(crate) struct Place(&'static Lane);

impl Lane {
    const fn new(name: &'static str, cores_left_free: usize, waiting: usize) -> Self {
        Self {
            name,
            cores_left_free,
            waiting,
            taken: AtomicUsize::new(0),
            queue: OnceLock::new(),
        }
    }

    /// Queues a job, or fails with [`Code::PoolFull`].
    pub(crate) fn run(&'static self, job: impl FnOnce(Place) + Send + 'static) -> Result<(), Error> {
        let queue = self.queue.get_or_init(|| self.start()).as_ref().ok_or(Code::Internal)?;
        let place = self.take_place().ok_or(Code::PoolFull)?;
        queue
            .send((Box::new(job), place))
            .map_err(|_| Error::new(Code::Internal))
    }

    /// How many jobs it takes at once, under way or waiting.
    pub(crate) fn most(&self) -> usize {
        self.threads() + self.waiting
    }

    fn take_place(&'static self) -> Option<Place> {
        let most = self.most();
        // Relaxed: a count that guards no other memory; the queue hands over what the job needs.
        let taken = self.taken.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |taken| {
            (taken < most).then_some(taken + 1)
        });
        // Not made before it is taken: a place that is dropped is given back.
        taken.ok().map(|_| Place(self))
    }

    fn threads(&self) -> usize {
        static CORES: OnceLock<usize> = OnceLock::new();
        let cores = *CORES.get_or_init(|| thread::available_parallelism().map_or(1, usize::from));
        cores.saturating_sub(self.cores_left_free).clamp(1, MOST_THREADS)
    }

    /// Starts the threads; `None` if not even one could be started.
    fn start(&self) -> Option<Sender<(Job, Place)>> {
        let (sender, receiver) = channel();
        // Protects the receiving end only: a thread holds it while it waits for a job, never while it works.
        let receiver = Arc::new(Mutex::new(receiver));
        let started = (0..self.threads()).filter(|_| {
            let receiver = Arc::clone(&receiver);
            let named = thread::Builder::new().name(self.name.into());
            named.spawn(move || work(&receiver)).is_ok()
        });
        (started.count() > 0).then_some(sender)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.0.taken.fetch_sub(1, Ordering::Relaxed);
    }
}

fn work(queue: &Mutex<Receiver<(Job, Place)>>) {
    loop {
        let job = queue.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok((job, place)) = job else {
            return;
        };
        // A job that panics has dropped its promise, which settles it; the thread goes on.
        let _panic = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| job(place)));
    }
}
