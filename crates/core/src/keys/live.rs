//! Keys that change while verifiers and signers use them: a ring that rotates, a remote set that was fetched again.

use std::sync::{
    Arc, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard,
    atomic::{AtomicU64, Ordering},
};

use super::{KeySet, Ring, term::Term};
use crate::{
    error::{Code, Error},
    random::Random,
    time::UnixMs,
};

/// No moment is as late as this.
const NEVER: u64 = u64::MAX;

/// The number while loaded keys do not hold; that of no keys.
const LAPSED: u64 = 0;

/// The keys that hold now, with a number that changes whenever they do. Any thread may read and replace them.
///
/// Asking for the number costs three atomic loads, so a verifier may keep what it derived from the keys for as long as the
/// number stays the same. Keys that change with time change when they are asked for: there is no timer.
#[derive(Debug)]
pub struct LiveKeys {
    held: RwLock<Held>,
    /// Written under the lock of `held`.
    version: AtomicU64,
    /// When the keys want to be looked at again, in Unix milliseconds.
    due: AtomicU64,
    /// When they were looked at last, or loaded. A clock before that has been set back.
    seen: AtomicU64,
    keeper: Keeper,
}

#[derive(Debug)]
struct Held {
    set: Arc<KeySet>,
    /// Of loaded keys.
    term: Option<Term>,
}

/// Who decides about the keys.
#[derive(Debug)]
enum Keeper {
    /// Whoever calls [`LiveKeys::replace`].
    Nobody,
    /// Somebody who loads them from elsewhere, and for how long they hold then.
    Loader,
    /// A ring.
    Ring(Mutex<Kept>),
}

struct Kept {
    ring: Ring,
    random: Arc<dyn Random>,
}

impl LiveKeys {
    /// Keys that hold from now on.
    pub fn new(set: KeySet) -> Self {
        Self::kept(set, Keeper::Nobody)
    }

    /// Keys that are to be loaded; until then every token is [`Code::NotReady`].
    pub fn unloaded() -> Self {
        Self::kept(KeySet::unloaded(), Keeper::Loader)
    }

    /// The keys of a ring, which rotates by itself whenever the time comes with a question.
    pub fn of_ring(ring: Ring, random: Arc<dyn Random>) -> Result<Self, Error> {
        let set = ring.set()?;
        let due = ring.next_change().map_or(NEVER, UnixMs::as_millis);
        let live = Self::kept(set, Keeper::Ring(Mutex::new(Kept { ring, random })));
        live.due.store(due, Ordering::Relaxed);
        Ok(live)
    }

    fn kept(set: KeySet, keeper: Keeper) -> Self {
        Self {
            held: RwLock::new(Held {
                set: Arc::new(set),
                term: None,
            }),
            version: AtomicU64::new(1),
            due: AtomicU64::new(NEVER),
            seen: AtomicU64::new(0),
            keeper,
        }
    }

    /// Changes with every change of the keys; never 0.
    pub fn version(&self) -> u64 {
        // Acquire, with the release of `put`: who sees the new number finds the new keys.
        self.version.load(Ordering::Acquire)
    }

    /// The same, after what the time asks for has been done: a ring has rotated. 0 while loaded keys are past their time.
    pub fn version_at(&self, now: UnixMs) -> u64 {
        if self.is_settled(now) {
            self.version()
        } else {
            self.attend(now).0
        }
    }

    /// The keys that were put last, whether or not their time is over.
    pub fn snapshot(&self) -> Arc<KeySet> {
        Arc::clone(&self.read().set)
    }

    /// The keys that hold at `now`.
    pub fn snapshot_at(&self, now: UnixMs) -> Arc<KeySet> {
        self.at(now).1
    }

    /// The keys that hold at `now` and the number that belongs to them.
    pub fn at(&self, now: UnixMs) -> (u64, Arc<KeySet>) {
        if self.is_settled(now) {
            let held = self.read();
            // Under the lock, so that they belong together.
            (self.version(), Arc::clone(&held.set))
        } else {
            self.attend(now)
        }
    }

    /// Whether the keys come from elsewhere, so that nothing can be said of them in advance.
    pub fn is_loaded_later(&self) -> bool {
        matches!(self.keeper, Keeper::Loader)
    }

    /// Puts other keys in their place. A verification that is under way finishes with the old ones.
    pub fn replace(&self, set: KeySet) {
        self.put(&mut self.write(), set);
    }

    /// Puts keys in their place that came at `now` and hold until a time, from which on every token is [`Code::NotReady`].
    /// The same keys with a later end leave the number as it is.
    ///
    /// A clock that is wrong for a while takes nothing away: once it is right again, so is the answer. If it is set back to
    /// before `now`, the keys hold from there for as long as they would have.
    pub fn load(&self, set: KeySet, now: UnixMs, until: UnixMs) {
        let mut held = self.write();
        if *held.set != set {
            self.put(&mut held, set);
        }
        held.term = Some(Term::new(now, until));
        // Release, after the number: who sees the new times does not take the old keys for those that hold.
        self.seen.store(now.as_millis(), Ordering::Release);
        self.due.store(until.as_millis(), Ordering::Release);
    }

    /// Looks at the ring as it is at `now`. [`Code::OptionInvalid`] for keys that are no ring's.
    pub fn ring<T>(&self, now: UnixMs, read: impl FnOnce(&Ring) -> T) -> Result<T, Error> {
        self.version_at(now);
        Ok(read(&self.lock_ring()?.ring))
    }

    /// Changes the ring, and with it the keys that hold.
    pub fn change_ring<T>(
        &self,
        now: UnixMs,
        change: impl FnOnce(&mut Ring, &dyn Random) -> Result<T, Error>,
    ) -> Result<T, Error> {
        let mut kept = self.lock_ring()?;
        let Kept { ring, random } = &mut *kept;
        ring.advance(now, random.as_ref())?;
        let result = change(ring, random.as_ref());
        self.publish(ring, now)?;
        result
    }

    /// Whether `now` asks for nothing to be done or judged.
    fn is_settled(&self, now: UnixMs) -> bool {
        let ms = now.as_millis();
        ms < self.due.load(Ordering::Acquire) && ms >= self.seen.load(Ordering::Acquire)
    }

    #[cold]
    fn attend(&self, now: UnixMs) -> (u64, Arc<KeySet>) {
        // At a time that is none every token has expired, and nothing that lasts may follow from it.
        if let Keeper::Ring(kept) = &self.keeper
            && now != UnixMs::MAX
        {
            let mut kept = kept.lock().unwrap_or_else(PoisonError::into_inner);
            let Kept { ring, random } = &mut *kept;
            // A rotation that fails for want of randomness is tried again at the next question; the keys still hold.
            if ring.advance(now, random.as_ref()).is_ok() {
                let _unchanged = self.publish(ring, now);
            }
        }
        let mut held = self.write();
        if held.term.as_mut().is_none_or(|term| term.judge(now)) {
            (self.version(), Arc::clone(&held.set))
        } else {
            (LAPSED, Arc::new(KeySet::unloaded()))
        }
    }

    fn put(&self, held: &mut Held, set: KeySet) {
        held.set = Arc::new(set);
        self.version.fetch_add(1, Ordering::Release);
    }

    fn read(&self) -> RwLockReadGuard<'_, Held> {
        self.held.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, Held> {
        self.held.write().unwrap_or_else(PoisonError::into_inner)
    }

    fn lock_ring(&self) -> Result<MutexGuard<'_, Kept>, Error> {
        match &self.keeper {
            Keeper::Ring(kept) => Ok(kept.lock().unwrap_or_else(PoisonError::into_inner)),
            _ => Err(Error::because(Code::OptionInvalid, "these keys are not a ring's")),
        }
    }

    fn publish(&self, ring: &Ring, now: UnixMs) -> Result<(), Error> {
        let set = ring.set()?;
        if *self.snapshot() != set {
            self.replace(set);
        }
        let due = ring.next_change().map_or(NEVER, UnixMs::as_millis);
        self.due.store(due, Ordering::Relaxed);
        self.seen.store(now.as_millis(), Ordering::Relaxed);
        Ok(())
    }
}

impl From<KeySet> for LiveKeys {
    fn from(set: KeySet) -> Self {
        Self::new(set)
    }
}

impl std::fmt::Debug for Kept {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Kept").field("ring", &self.ring).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        crypto::Algorithm,
        keys::{Key, RingPolicy},
        random::SystemRandom,
        time::Span,
    };

    const NOW: UnixMs = UnixMs::new(1_700_000_000_000);
    const HOUR: Span = Span::from_secs(3600);

    fn live() -> LiveKeys {
        let policy = RingPolicy {
            algorithm: Algorithm::Hs256,
            rotate_every: Some(Span::from_secs(7 * 3600)),
            publish_for: HOUR,
            keep_for: HOUR,
        };
        let ring = Ring::new(policy, &[], NOW, &SystemRandom::new()).unwrap();
        LiveKeys::of_ring(ring, Arc::new(SystemRandom::new())).unwrap()
    }

    fn hours(count: u64) -> UnixMs {
        NOW.plus(Span::from_secs(count * 3600))
    }

    #[test]
    fn a_ring_moves_on_when_it_is_asked_and_not_before() {
        let live = live();
        let first = live.snapshot_at(NOW).signing_key().unwrap();
        assert_eq!((live.version_at(hours(5)), live.snapshot().keys().len()), (1, 1));
        assert_eq!((live.version_at(hours(6)), live.snapshot().keys().len()), (2, 2));
        assert_eq!(live.snapshot().signing_key().unwrap(), first);
        assert_eq!(live.version_at(hours(7)), 3);
        assert_ne!(live.snapshot().signing_key().unwrap(), first);
        assert_eq!((live.version_at(hours(8)), live.snapshot().keys().len()), (4, 1));
    }

    #[test]
    fn a_clock_that_was_set_back_or_broke_changes_no_key() {
        let live = live();
        live.version_at(hours(6));
        let version = live.version_at(hours(7));
        for now in [hours(6), NOW, UnixMs::default(), UnixMs::MAX] {
            assert_eq!(live.version_at(now), version, "{now:?}");
        }
    }

    #[test]
    fn loaded_keys_are_gone_past_their_time() {
        let live = LiveKeys::unloaded();
        assert_eq!(candidate(&live, NOW), Err(Code::NotReady));
        let set = set();
        live.load(set.clone(), NOW, hours(1));
        assert_eq!((candidate(&live, NOW), live.version_at(NOW)), (Ok(()), 2));
        live.load(set, NOW, hours(2));
        assert_eq!((candidate(&live, hours(1)), live.version_at(hours(1))), (Ok(()), 2));
        assert_eq!(
            (candidate(&live, hours(2)), live.version_at(hours(2))),
            (Err(Code::NotReady), LAPSED)
        );
        assert!(live.ring(NOW, |_| ()).is_err());
    }

    #[test]
    fn loaded_keys_are_back_when_a_clock_that_was_wrong_is_right_again() {
        let live = LiveKeys::unloaded();
        live.load(set(), NOW, hours(24));
        for wrong in [hours(26), UnixMs::MAX] {
            assert_eq!(
                (candidate(&live, wrong), live.version_at(wrong)),
                (Err(Code::NotReady), LAPSED)
            );
            assert_eq!((candidate(&live, hours(1)), live.version_at(hours(1))), (Ok(()), 2));
        }
    }

    #[test]
    fn keys_loaded_under_a_clock_ahead_do_not_hold_longer_for_it() {
        let live = LiveKeys::unloaded();
        live.load(set(), hours(26), hours(27));
        assert_eq!((candidate(&live, NOW), live.version_at(NOW)), (Ok(()), 2));
        assert_eq!(live.version_at(hours(1)), LAPSED);
        assert_eq!(candidate(&live, hours(2)), Err(Code::NotReady));
    }

    #[test]
    fn a_question_at_a_later_time_never_undoes_a_load() {
        let live = LiveKeys::unloaded();
        std::thread::scope(|scope| {
            scope.spawn(|| (0..2000).for_each(|_| assert_eq!(candidate(&live, hours(9)), Err(Code::NotReady))));
            for _ in 0..200 {
                live.load(set(), NOW, hours(1));
                let (version, keys) = live.at(NOW);
                assert_eq!((version, keys.keys().len()), (live.version(), 1));
            }
        });
    }

    fn set() -> KeySet {
        KeySet::new([Key::generate(Algorithm::EdDsa, Some("a"), &SystemRandom::new()).unwrap()]).unwrap()
    }

    fn candidate(live: &LiveKeys, now: UnixMs) -> Result<(), Code> {
        let found = live.snapshot_at(now).candidates(Algorithm::EdDsa, Some("a"));
        found.map(|_| ()).map_err(Error::code)
    }
}
