//! The generic cell rate algorithm: one number a key, the moment at which its bucket will be empty again.
//!
//! The table has a fixed size. A key lives in one of the eight places of its set; when all eight are taken by keys that are
//! still counting, the one that is nearest to being free gives way. So memory never grows and nobody is locked out because the
//! table is full; what gives way is the key with the fewest attempts, unless its set is crowded by keys with more. A call costs one lock and at most eight
//! comparisons.

use std::sync::{Mutex, PoisonError};

use siphasher::sip128::{Hasher128, SipHasher13};

use crate::{
    error::{Code, Error},
    random::{self, Random},
    time::{Span, UnixMs},
};

const WAYS: usize = 8;

/// A limit of so many in a window, for many keys.
#[derive(Debug)]
pub struct Limiter {
    key: [u8; 16],
    /// The time one cell takes to drain, in microseconds so that a limit that does not divide its window stays exact.
    interval: u64,
    window: u64,
    sets: Box<[Mutex<[Slot; WAYS]>]>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Slot {
    digest: u128,
    /// When the bucket is empty, in microseconds since the epoch: the algorithm's theoretical arrival time.
    empty_at: u64,
}

impl Limiter {
    /// `limit` per `window` for each key, all of them at once or evenly spread; `max_keys` keys are told apart.
    pub fn new(limit: u32, window: Span, max_keys: usize, random: &dyn Random) -> Result<Self, Error> {
        let window = window.as_millis().saturating_mul(1000);
        let interval = window.checked_div(u64::from(limit)).unwrap_or_default();
        if interval == 0 || window > 366 * 24 * 3_600_000_000 || max_keys == 0 {
            return Err(Error::because(
                Code::OptionInvalid,
                "a limit takes 1 or more in at most a year",
            ));
        }
        Ok(Self {
            key: random::array(random)?,
            interval,
            window,
            sets: (0..max_keys.div_ceil(WAYS)).map(|_| Mutex::default()).collect(),
        })
    }

    /// Counts one for `key`. `Err` is how long to wait until the next one fits; nothing is counted then.
    pub fn take(&self, key: &str, now: UnixMs) -> Result<(), Span> {
        let now = now.as_millis().saturating_mul(1000);
        let digest = self.digest(key);
        let Some(set) = self.set(digest) else {
            return Ok(());
        };
        let mut set = set.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(slot) = slot(&mut set, digest) else {
            return Ok(());
        };
        let known = if slot.digest == digest { slot.empty_at } else { 0 };
        // A clock that went back must not lock a key out for longer than its window.
        let start = known.clamp(now, now.saturating_add(self.window));
        let filled = start.saturating_add(self.interval);
        let over = filled.saturating_sub(now).saturating_sub(self.window);
        // The remainder of a window that the limit does not divide is not worth a wait of a microsecond.
        if over >= self.interval.min(1000) {
            return Err(Span::from_millis(over.div_ceil(1000)));
        }
        *slot = Slot {
            digest,
            empty_at: filled,
        };
        Ok(())
    }

    /// Forgets what was counted for `key`, for instance after it proved itself.
    pub fn reset(&self, key: &str) {
        let digest = self.digest(key);
        if let Some(set) = self.set(digest) {
            let mut set = set.lock().unwrap_or_else(PoisonError::into_inner);
            for slot in set.iter_mut().filter(|slot| slot.digest == digest) {
                *slot = Slot::default();
            }
        }
    }

    fn digest(&self, key: &str) -> u128 {
        let mut hasher = SipHasher13::new_with_key(&self.key);
        std::hash::Hasher::write(&mut hasher, key.as_bytes());
        hasher.finish128().as_u128()
    }

    fn set(&self, digest: u128) -> Option<&Mutex<[Slot; WAYS]>> {
        let count = u128::try_from(self.sets.len()).ok()?;
        self.sets.get(usize::try_from(digest.checked_rem(count)?).ok()?)
    }
}

/// The slot that holds the key already, else the one that is nearest to being free.
fn slot(set: &mut [Slot; WAYS], digest: u128) -> Option<&mut Slot> {
    let place = match set.iter().position(|slot| slot.digest == digest) {
        Some(place) => place,
        None => set.iter().enumerate().min_by_key(|(_, slot)| slot.empty_at)?.0,
    };
    set.get_mut(place)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::random::SystemRandom;

    fn limiter(limit: u32, seconds: u64, max_keys: usize) -> Limiter {
        Limiter::new(limit, Span::from_secs(seconds), max_keys, &SystemRandom::new()).unwrap()
    }

    fn at(milliseconds: u64) -> UnixMs {
        UnixMs::new(1_700_000_000_000 + milliseconds)
    }

    #[test]
    fn so_many_pass_at_once_and_the_next_one_waits_for_one_interval() {
        let limiter = limiter(5, 60, 64);
        for _ in 0..5 {
            assert_eq!(limiter.take("a", at(0)), Ok(()));
        }
        assert_eq!(limiter.take("a", at(0)), Err(Span::from_secs(12)));
        assert_eq!(limiter.take("a", at(11_999)), Err(Span::from_millis(1)));
        assert_eq!(limiter.take("a", at(12_000)), Ok(()));
        assert!(limiter.take("a", at(12_000)).is_err());
        assert_eq!(limiter.take("b", at(0)), Ok(()));
    }

    #[test]
    fn being_refused_does_not_prolong_the_wait() {
        let limiter = limiter(1, 10, 64);
        assert_eq!(limiter.take("a", at(0)), Ok(()));
        for ms in 1..100 {
            assert_eq!(limiter.take("a", at(ms)), Err(Span::from_millis(10_000 - ms)));
        }
        assert_eq!(limiter.take("a", at(10_000)), Ok(()));
    }

    #[test]
    fn a_clock_that_goes_back_locks_nobody_out_for_longer_than_the_window() {
        let limiter = limiter(1, 10, 64);
        assert_eq!(limiter.take("a", at(3_600_000)), Ok(()));
        assert_eq!(limiter.take("a", at(0)), Err(Span::from_secs(10)));
    }

    #[test]
    fn a_reset_gives_the_whole_limit_back() {
        let limiter = limiter(1, 10, 64);
        assert_eq!(limiter.take("a", at(0)), Ok(()));
        limiter.reset("a");
        assert_eq!(limiter.take("a", at(0)), Ok(()));
    }

    #[test]
    fn a_flood_of_keys_takes_no_more_memory_and_does_not_free_the_one_under_attack() {
        let limiter = limiter(3, 3600, 8);
        for _ in 0..3 {
            assert_eq!(limiter.take("victim", at(0)), Ok(()));
        }
        for key in 0..10_000 {
            assert_eq!(
                limiter.take(&key.to_string(), at(1)),
                Ok(()),
                "a stranger is never locked out"
            );
        }
        assert!(limiter.take("victim", at(2)).is_err());
    }

    #[test]
    fn limits_that_mean_nothing_are_refused() {
        let random = SystemRandom::new();
        for (limit, window, keys) in [(0, 60, 1), (5, 0, 1), (5, 60, 0), (5, 367 * 24 * 3600, 1)] {
            let error = Limiter::new(limit, Span::from_secs(window), keys, &random).unwrap_err();
            assert_eq!(error.code(), Code::OptionInvalid);
        }
    }

    proptest! {
        #[test]
        fn never_more_than_twice_the_limit_in_any_window(
            limit in 1_u32..20, seconds in 1_u64..100, steps in prop::collection::vec(0_u64..5_000, 1..200),
        ) {
            let limiter = limiter(limit, seconds, 64);
            let mut now = 0;
            let mut passed = Vec::new();
            for step in steps {
                now += step;
                if limiter.take("a", at(now)).is_ok() {
                    passed.push(now);
                }
            }
            for (index, start) in passed.iter().enumerate() {
                let inside = passed[index..].iter().take_while(|time| **time < start + seconds * 1000).count();
                prop_assert!(inside < 2 * usize::try_from(limit).unwrap() + 1);
            }
        }

        #[test]
        fn the_wait_it_names_is_enough(limit in 1_u32..50, seconds in 1_u64..100) {
            let limiter = limiter(limit, seconds, 64);
            for _ in 0..limit {
                prop_assert_eq!(limiter.take("a", at(0)), Ok(()));
            }
            let wait = limiter.take("a", at(0)).unwrap_err();
            prop_assert_eq!(limiter.take("a", at(wait.as_millis())), Ok(()));
        }
    }
}
