//! How far this host's clock is from the store's.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::time::{Span, UnixMs};

/// A host that is further off should be looked at.
const NOTICEABLE: Span = Span::from_secs(1);

/// A host that is further off starts no session, judges no refresh and forgets nothing.
const INTOLERABLE: Span = Span::from_secs(30);

/// What is to be thought of this host's clock.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum ClockState {
    /// It is right as far as can be told.
    Right,
    /// It is off by more than a second: an operator should know.
    Off,
    /// It is off by more than 30 seconds: nothing is judged by it that another host would judge otherwise.
    Wrong,
}

impl ClockState {
    /// One word for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Off => "off",
            Self::Right => "right",
            Self::Wrong => "wrong",
        }
    }
}

/// The last comparison with the store's clock. Shared by every thread of the process.
#[derive(Debug, Default)]
pub struct ClockWatch {
    /// By how many milliseconds this host is off at least. Relaxed everywhere: nothing else depends on it.
    off: AtomicU64,
    /// By how many it is ahead at least; 0 where it is behind. Relaxed as well.
    ahead: AtomicU64,
}

impl ClockWatch {
    /// Notes a comparison: the store said `store` at some moment between `asked` and `answered` of this host's clock. What
    /// the way there and back can explain is no difference.
    pub fn compare(&self, store: UnixMs, asked: UnixMs, answered: UnixMs) -> Span {
        let (earliest, latest) = (asked.min(answered), asked.max(answered));
        let ahead = earliest.since(store);
        let off = if store < earliest { ahead } else { store.since(latest) };
        self.off.store(off.as_millis(), Ordering::Relaxed);
        self.ahead.store(ahead.as_millis(), Ordering::Relaxed);
        off
    }

    /// The latest that it can be by the store's clock while this host's says `now`, as far as the last comparison tells.
    pub fn latest(&self, now: UnixMs) -> UnixMs {
        now.minus(Span::from_millis(self.ahead.load(Ordering::Relaxed)))
    }

    /// What the last comparison comes to; right before the first one.
    pub fn state(&self) -> ClockState {
        let off = Span::from_millis(self.off.load(Ordering::Relaxed));
        if off > INTOLERABLE {
            ClockState::Wrong
        } else if off > NOTICEABLE {
            ClockState::Off
        } else {
            ClockState::Right
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_the_way_there_and_back_cannot_explain_counts() {
        let at = |ms: u64| UnixMs::new(1_000_000 + ms);
        let cases = [
            (at(50), at(0), at(100), 0, ClockState::Right),
            (at(1100), at(0), at(100), 1000, ClockState::Right),
            (at(1101), at(0), at(100), 1001, ClockState::Off),
            (at(0), at(1001), at(5000), 1001, ClockState::Off),
            (at(30_100), at(0), at(100), 30_000, ClockState::Off),
            (at(30_101), at(0), at(100), 30_001, ClockState::Wrong),
            (at(0), at(30_001), at(40_000), 30_001, ClockState::Wrong),
            (at(500), at(1000), at(0), 0, ClockState::Right),
        ];
        for (store, asked, answered, off, state) in cases {
            let watch = ClockWatch::default();
            assert_eq!(watch.state(), ClockState::Right);
            assert_eq!(watch.compare(store, asked, answered), Span::from_millis(off));
            assert_eq!(watch.state(), state);
            let latest = if store < asked.min(answered) {
                at(60_000).minus(Span::from_millis(off))
            } else {
                at(60_000)
            };
            assert_eq!(watch.latest(at(60_000)), latest, "only what is ahead is taken back");
        }
    }
}
