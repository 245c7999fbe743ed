//! One connection that is kept up: dialled again whenever it is lost, with a growing, jittered pause in between.

use std::{
    future::Future,
    hash::{BuildHasher, RandomState},
    sync::Arc,
    time::{Duration, Instant},
};

use keyturn_core::{error::Code, store::StoreError};
use tokio::{
    sync::watch,
    task::AbortHandle,
    time::{sleep, timeout, timeout_at},
};

use super::{super::trouble::Trouble, Live, PATIENCE};

/// The pause after the first attempt that failed, and the longest.
const FIRST_PAUSE: Duration = Duration::from_millis(20);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// How often a connection is asked whether it still answers. It also follows the server's clock.
const HEARTBEAT: Duration = Duration::from_secs(1);

/// A connection to one server, or to whichever is the master.
pub(super) struct Lane {
    state: watch::Receiver<State>,
    keeper: AbortHandle,
}

#[derive(Clone)]
enum State {
    Down { since: Instant, why: Option<Arc<Trouble>> },
    Up(Arc<Live>),
}

impl Lane {
    /// Begins to dial, and goes on as long as the lane exists.
    pub(super) fn start<F>(dial: impl Fn() -> F + Send + 'static) -> Self
    where
        F: Future<Output = Result<Live, Trouble>> + Send + 'static,
    {
        let down = State::Down {
            since: Instant::now(),
            why: None,
        };
        let (publish, state) = watch::channel(down);
        let keeper = tokio::spawn(keep(dial, publish)).abort_handle();
        Self { state, keeper }
    }

    /// The connection, if there is one.
    pub(super) fn live_now(&self) -> Option<Arc<Live>> {
        match &*self.state.borrow() {
            State::Up(live) if !live.is_lost() => Some(Arc::clone(live)),
            _ => None,
        }
    }

    /// The connection, waited for until `deadline`. A server that has been gone for longer than [`PATIENCE`], or that refuses
    /// us, is not waited for.
    pub(super) async fn live(&self, deadline: Instant) -> Result<Arc<Live>, StoreError> {
        let mut state = self.state.clone();
        loop {
            let (until, why) = match &*state.borrow_and_update() {
                State::Up(live) if !live.is_lost() => return Ok(Arc::clone(live)),
                State::Up(_) => (deadline, None),
                State::Down { why: Some(why), .. } if why.lasting => return Err(why.error.clone()),
                State::Down { since, why } => (deadline.min(*since + PATIENCE), why.clone()),
            };
            match timeout_at(until.into(), state.changed()).await {
                Ok(Ok(())) => {}
                Ok(Err(_)) => return Err(StoreError::closed()),
                Err(_) => {
                    return Err(why.map_or_else(
                        || StoreError::new(Code::StoreUnavailable, "Redis cannot be reached").untouched(),
                        |why| why.error.clone(),
                    ));
                }
            }
        }
    }
}

impl Drop for Lane {
    fn drop(&mut self) {
        self.keeper.abort();
    }
}

async fn keep<F: Future<Output = Result<Live, Trouble>>>(dial: impl Fn() -> F, publish: watch::Sender<State>) {
    let mut pause = FIRST_PAUSE;
    let mut since = Instant::now();
    loop {
        match timeout(PATIENCE, dial())
            .await
            .unwrap_or_else(|_| Err(Trouble::passing("Redis did not answer in time")))
        {
            Ok(live) => {
                let live = Arc::new(live);
                publish.send_replace(State::Up(Arc::clone(&live)));
                watch_over(&live).await;
                since = Instant::now();
                pause = FIRST_PAUSE;
                publish.send_replace(State::Down { since, why: None });
            }
            Err(trouble) => {
                publish.send_replace(State::Down {
                    since,
                    why: Some(Arc::new(trouble)),
                });
                sleep(jittered(pause)).await;
                pause = (pause * 2).min(LONGEST_PAUSE);
            }
        }
    }
}

/// Returns once the connection is lost.
async fn watch_over(live: &Live) {
    while timeout(HEARTBEAT, live.until_lost()).await.is_err() {
        let answered = timeout(PATIENCE, live.follow_clock()).await;
        if !matches!(answered, Ok(Ok(()))) {
            live.lose();
        }
    }
}

/// Between half of the pause and all of it, so that many processes do not come back in step.
pub(in super::super) fn jittered(pause: Duration) -> Duration {
    // Hashing under fresh keys is randomness enough for a pause.
    let dice = u32::try_from(RandomState::new().hash_one(0_u8) % 1000).unwrap_or(0);
    pause / 2 + pause * dice / 2000
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pause_is_jittered_by_up_to_half() {
        let pauses: Vec<_> = (0..100).map(|_| jittered(LONGEST_PAUSE)).collect();
        assert!(
            pauses
                .iter()
                .all(|pause| (LONGEST_PAUSE / 2..=LONGEST_PAUSE).contains(pause))
        );
        assert!(pauses.iter().any(|pause| *pause != pauses[0]));
    }
}
