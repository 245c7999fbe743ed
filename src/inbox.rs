//! Where the pool and the stores leave their answers for one environment.
//!
//! A promise with a threadsafe function of its own costs an event-loop handle each, and a thousand of them cost as much again
//! at every wake-up. So an environment has one inbox: a finished job leaves its answer and rings once, however many answers
//! lie there by the time that JavaScript comes to fetch them.

use std::{
    collections::VecDeque,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
};

use keyturn_core::error::{Code, Error};
use napi::{
    Env, Status,
    bindgen_prelude::Function,
    threadsafe_function::{ThreadsafeFunction, ThreadsafeFunctionCallMode},
};
use napi_derive::napi;

use crate::{
    error::number,
    pool::{Lane, Place},
};

/// How many answers are handed over at once. Each goes on in code of the application, and the event loop must turn in between.
const AT_ONCE: usize = 32;

/// Wakes the environment; never keeps it alive by itself.
type Bell = ThreadsafeFunction<(), (), (), Status, false, true>;

/// One environment's inbox.
#[napi]
pub struct NativeInbox {
    inbox: Arc<Inbox>,
}

/// An answer to the job of that ticket: text, or an error number.
#[napi(object)]
pub struct NativeLetter {
    pub ticket: u32,
    pub text: Option<String>,
    pub error: Option<u32>,
}

/// Letters, and whether more lie in the inbox.
#[napi(object)]
pub struct NativeLetters {
    pub letters: Vec<NativeLetter>,
    pub more: bool,
}

#[napi]
impl NativeInbox {
    /// An inbox that calls `bell` when letters lie in it, once until all have been taken.
    #[napi(factory, catch_unwind)]
    pub fn open(bell: Function<'_, (), ()>) -> napi::Result<Self> {
        let bell = bell.build_threadsafe_function().weak::<true>().build()?;
        let inbox = Arc::new(Inbox {
            letters: Mutex::default(),
            asked_for: Arc::default(),
            bell: Mutex::new(bell),
        });
        Ok(Self { inbox })
    }

    /// The oldest letters. If there are more, nobody rings for them: come again.
    #[napi(catch_unwind)]
    pub fn take(&self) -> NativeLetters {
        let mut letters = lock(&self.inbox.letters);
        let count = letters.waiting.len().min(AT_ONCE);
        let taken = letters.waiting.drain(..count).map(NativeLetter::from).collect();
        letters.rung = !letters.waiting.is_empty();
        NativeLetters {
            letters: taken,
            more: letters.rung,
        }
    }

    /// Whether the process waits for letters before it ends by itself.
    #[napi(catch_unwind)]
    pub fn hold_process(&self, env: Env, hold: bool) -> napi::Result<()> {
        let mut bell = lock(&self.inbox.bell);
        #[expect(
            deprecated,
            reason = "in place of these the crate offers to drop the function, which would have to be made anew for each job"
        )]
        if hold { bell.refer(&env) } else { bell.unref(&env) }
    }
}

impl NativeInbox {
    /// For letters that nobody's pool writes.
    pub(crate) fn shared(&self) -> Arc<Inbox> {
        Arc::clone(&self.inbox)
    }

    /// Queues work whose answer comes as a letter with that ticket. Fails at once with [`Code::PoolFull`] where there is no
    /// place for it, be it that the lane is at work for everybody or that nobody fetches the letters here.
    pub(crate) fn send_from(
        &self,
        lane: &'static Lane,
        ticket: u32,
        work: impl FnOnce() -> Result<String, Error> + Send + 'static,
    ) -> Result<(), Error> {
        let inbox = Arc::clone(&self.inbox);
        let share = Share::of(&inbox.asked_for, lane.most()).ok_or(Code::PoolFull)?;
        lane.run(move |place| {
            let mut errand = Errand {
                inbox,
                ticket,
                share: Some(share),
                answer: Err(Code::Internal.into()),
                place: Some(place),
            };
            // Nobody waits for what a worker that was ended had asked for.
            if !lock(&errand.inbox.bell).aborted() {
                errand.answer = work();
            }
        })
    }
}

/// The end that letters are left at.
pub(crate) struct Inbox {
    letters: Mutex<Letters>,
    /// Jobs and letters that have not been fetched.
    asked_for: Arc<AtomicUsize>,
    // A lock of its own: held while the bell is rung, when letters must not wait.
    bell: Mutex<Bell>,
}

#[derive(Default)]
struct Letters {
    waiting: VecDeque<Letter>,
    /// Whether JavaScript has been told of the letters and will come for all of them.
    rung: bool,
}

struct Letter {
    ticket: u32,
    answer: Result<String, Error>,
    /// Kept until the letter is fetched, so that letters are bounded as the pool's jobs are.
    _share: Option<Share>,
}

/// One of what an environment may ask for and leave unfetched. The place in the lane is given back when the work is done:
/// an environment that fetches nothing must not take the pool from the others.
struct Share(Arc<AtomicUsize>);

impl Share {
    fn of(asked_for: &Arc<AtomicUsize>, most: usize) -> Option<Self> {
        // Relaxed: a count that guards no other memory.
        let taken = asked_for.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |count| {
            (count < most).then_some(count + 1)
        });
        taken.ok().map(|_| Self(Arc::clone(asked_for)))
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// A job that is under way. Dropping it delivers its answer, so that a panic answers too.
struct Errand {
    inbox: Arc<Inbox>,
    ticket: u32,
    share: Option<Share>,
    answer: Result<String, Error>,
    place: Option<Place>,
}

impl Drop for Errand {
    fn drop(&mut self) {
        let Some(share) = self.share.take() else {
            return;
        };
        // First: whoever is answered may ask for the next at once.
        self.place.take();
        let answer = std::mem::replace(&mut self.answer, Err(Code::Internal.into()));
        self.inbox.deliver(Letter {
            ticket: self.ticket,
            answer,
            _share: Some(share),
        });
    }
}

impl Inbox {
    /// Leaves an answer. Whoever sends bounds how many may be asked for.
    pub(crate) fn send(&self, ticket: u32, text: String) {
        self.deliver(Letter {
            ticket,
            answer: Ok(text),
            _share: None,
        });
    }

    fn deliver(&self, letter: Letter) {
        let ring = {
            let mut letters = lock(&self.letters);
            letters.waiting.push_back(letter);
            !std::mem::replace(&mut letters.rung, true)
        };
        if !ring {
            return;
        }
        let status = lock(&self.bell).call((), ThreadsafeFunctionCallMode::NonBlocking);
        if status != Status::Ok {
            // The environment is gone: nobody will fetch them.
            let mut letters = lock(&self.letters);
            letters.waiting.clear();
            letters.rung = false;
        }
    }
}

impl From<Letter> for NativeLetter {
    fn from(letter: Letter) -> Self {
        let (text, error) = match letter.answer {
            Ok(text) => (Some(text), None),
            Err(error) => (None, Some(number(error))),
        };
        Self {
            ticket: letter.ticket,
            text,
            error,
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
