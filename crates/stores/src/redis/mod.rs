//! The Redis store: one server, a master behind Sentinels, or a Cluster, for any number of hosts.
//!
//! Steps run side by side on one connection to each server. A step on one session is one Lua script on one key, so it is
//! atomic; a step over several is many, in an order that is safe to be stopped in (see `sessions`).

mod accounts;
mod creation;
mod ending;
mod judgement;
mod keys;
mod ledger;
mod link;
mod lives;
mod names;
mod permissions;
mod record;
mod renewal;
mod revocations;
mod runtime;
mod script;
mod sessions;
mod step;
mod trouble;
mod url;
mod watch;

use std::{
    future::Future,
    sync::{
        Arc, Mutex, MutexGuard, OnceLock, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    time::Instant,
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
use tokio::{runtime::Handle, sync::Notify, task::AbortHandle};

use ledger::Ledger;
use link::Link;
use names::Names;
use step::Step;
pub use url::RedisUrl;
use watch::Watch;

/// How many steps are under way or wait at most; further ones fail at once instead of growing the queue.
const QUEUE: usize = 16_384;

/// How far the clocks of hosts that share a store may lie apart.
const CLOCK_SKEW: Span = Span::from_secs(1);

/// Sessions in Redis.
pub struct RedisStore {
    names: Names,
    runtime: &'static Handle,
    under_way: Arc<UnderWay>,
    ledger: Arc<Ledger>,
    /// The keys as they were last stored or loaded here: what Redis loses of them is written back.
    known_keys: Arc<Mutex<Vec<StoredKeys>>>,
    key_watcher: Arc<OnceLock<KeyWatcher>>,
    /// `None` once closed.
    link: Mutex<Option<Arc<Link>>>,
    watching: Mutex<Option<AbortHandle>>,
    /// When everything that others had stored by then had been shown to the watcher.
    in_step: Arc<Mutex<Instant>>,
}

/// Steps that have not been answered.
#[derive(Default)]
struct UnderWay {
    count: AtomicUsize,
    ended: Notify,
}

impl std::fmt::Debug for RedisStore {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RedisStore")
            .field("names", &self.names)
            .finish_non_exhaustive()
    }
}

impl RedisStore {
    /// A store at `url`. It begins to connect, and never stops to try: as long as it cannot, every step says why.
    pub fn open(url: &RedisUrl) -> Result<Self, StoreError> {
        let runtime = runtime::handle()?;
        let _entered = runtime.enter();
        Ok(Self {
            names: Names(url.prefix.clone()),
            runtime,
            under_way: Arc::default(),
            ledger: Arc::default(),
            known_keys: Arc::default(),
            key_watcher: Arc::default(),
            watching: Mutex::default(),
            in_step: Arc::new(Mutex::new(Instant::now())),
            link: Mutex::new(Some(Arc::new(Link::start(url.clone())))),
        })
    }

    /// Begins a step. It is answered on one of the runtime's threads.
    fn step<T, F>(&self, done: Done<T>, work: impl FnOnce(Arc<Step>) -> F)
    where
        T: Send + 'static,
        F: Future<Output = Result<T, StoreError>> + Send + 'static,
    {
        let link = locked(&self.link).clone();
        let Some(link) = link else {
            return done(Err(StoreError::closed()));
        };
        let Some(place) = Place::take(&self.under_way) else {
            let error = StoreError::new(Code::StoreUnavailable, "too many steps wait for Redis");
            return done(Err(error.untouched()));
        };
        let work = work(Arc::new(Step::new(link, self.names.clone(), Arc::clone(&self.ledger))));
        self.runtime.spawn(async move {
            let answer = work.await;
            // Before the answer: whoever gets it may begin the next at once.
            drop(place);
            done(answer);
        });
    }
}

impl Store for RedisStore {
    fn keys(&self, done: Done<Vec<StoredKeys>>) {
        let known = Arc::clone(&self.known_keys);
        self.step(done, |step| async move {
            let keys = keys::load(&step).await?;
            locked(&known).clone_from(&keys);
            Ok(keys)
        });
    }

    fn save_keys(&self, keys: StoredKeys, replaces: u64, done: Done<StoredKeys>) {
        let known = Arc::clone(&self.known_keys);
        self.step(done, move |step| async move {
            let stored = keys::save(&step, &keys, replaces).await?;
            let mut known = locked(&known);
            known.retain(|keys| keys.purpose != stored.purpose);
            known.push(stored.clone());
            Ok(stored)
        });
    }

    fn watch_keys(&self, watcher: KeyWatcher) {
        let _second = self.key_watcher.set(watcher);
    }

    fn create(&self, ask: CreateAsk, done: Done<Created>) {
        self.step(done, |step| async move { creation::create(&step, &ask).await });
    }

    fn refresh(&self, ask: rotation::Ask, done: Done<Option<Refreshed>>) {
        self.step(done, |step| async move { judgement::refresh(&step, &ask).await });
    }

    fn renew(&self, ask: RenewAsk, done: Done<Option<Refreshed>>) {
        self.step(done, |step| async move { renewal::renew(&step, &ask).await });
    }

    fn permissions(&self, ask: PermissionsAsk, done: Done<Result<Revocation, Error>>) {
        self.step(done, |step| async move { permissions::change(&step, &ask).await });
    }

    fn end(&self, ask: EndAsk, done: Done<EndAnswer>) {
        self.step(done, |step| async move { ending::end(&step, &ask).await });
    }

    fn revoke(&self, revocation: Revocation, done: Done<()>) {
        self.step(
            done,
            |step| async move { revocations::store(&step, &[revocation]).await },
        );
    }

    fn touch(&self, batch: Vec<(SessionId, UnixMs)>, done: Done<()>) {
        self.step(done, |step| async move { sessions::touch(&step, batch).await });
    }

    fn list(&self, subject: String, now: UnixMs, done: Done<Vec<Record>>) {
        self.step(
            done,
            move |step| async move { sessions::list(&step, &subject, now).await },
        );
    }

    fn revocations(&self, now: UnixMs, done: Done<Vec<Revocation>>) {
        self.step(done, move |step| async move {
            let mut found = revocations::all(&step).await?;
            found.retain(|revocation| revocation.expires_at > now);
            Ok(found)
        });
    }

    fn watch(&self, watcher: Watcher) {
        let Some(link) = locked(&self.link).clone() else {
            return;
        };
        let (for_steps, names, ledger) = (Arc::clone(&link), self.names.clone(), Arc::clone(&self.ledger));
        let watch = Watch {
            link,
            step: Box::new(move || Step::new(Arc::clone(&for_steps), names.clone(), Arc::clone(&ledger))),
            names: self.names.clone(),
            watcher,
            in_step: Arc::clone(&self.in_step),
            known_keys: Arc::clone(&self.known_keys),
            key_watcher: Arc::clone(&self.key_watcher),
        };
        let watching = self.runtime.spawn(watch.follow()).abort_handle();
        if let Some(earlier) = locked(&self.watching).replace(watching) {
            earlier.abort();
        }
    }

    fn staleness(&self) -> Span {
        let behind = locked(&self.in_step).elapsed();
        Span::from_millis(u64::try_from(behind.as_millis()).unwrap_or(u64::MAX))
    }

    fn clock_skew(&self) -> Span {
        CLOCK_SKEW
    }

    fn lives(&self, own: Lives, done: Done<Lives>) {
        self.step(done, move |step| async move { lives::longest(&step, own).await });
    }

    fn purge(&self, now: UnixMs, done: Done<()>) {
        self.step(done, move |step| async move {
            sessions::purge(&step, now).await?;
            step.ledger.expire(now);
            revocations::purge(&step, now).await
        });
    }

    fn save_account(&self, account: Account, unless_present: bool, done: Done<bool>) {
        self.step(done, move |step| async move {
            accounts::save(&step, &account, unless_present).await
        });
    }

    fn account(&self, name: String, done: Done<Option<Account>>) {
        self.step(done, |step| async move { accounts::load(&step, &name).await });
    }

    fn time(&self, done: Done<Option<UnixMs>>) {
        self.step(done, |step| async move { step.server_time().await.map(Some) });
    }

    fn close(&self, done: Done<()>) {
        let link = locked(&self.link).take();
        if let Some(watching) = locked(&self.watching).take() {
            watching.abort();
        }
        let under_way = Arc::clone(&self.under_way);
        self.runtime.spawn(async move {
            under_way.until_none().await;
            drop(link);
            done(Ok(()));
        });
    }
}

/// Stops watching; the connections go with their last user.
impl Drop for RedisStore {
    fn drop(&mut self) {
        if let Some(watching) = locked(&self.watching).take() {
            watching.abort();
        }
    }
}

/// A step's place among those under way, given back when it is dropped.
struct Place(Arc<UnderWay>);

impl Place {
    fn take(under_way: &Arc<UnderWay>) -> Option<Self> {
        let free = |count: usize| (count < QUEUE).then_some(count + 1);
        let taken = under_way.count.fetch_update(Ordering::AcqRel, Ordering::Acquire, free);
        taken.ok().map(|_| Self(Arc::clone(under_way)))
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if self.0.count.fetch_sub(1, Ordering::AcqRel) == 1 {
            self.0.ended.notify_waiters();
        }
    }
}

impl UnderWay {
    async fn until_none(&self) {
        loop {
            let ended = self.ended.notified();
            tokio::pin!(ended);
            // Listens before it looks, so that the last one is not missed.
            ended.as_mut().enable();
            if self.count.load(Ordering::Acquire) == 0 {
                return;
            }
            ended.await;
        }
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
