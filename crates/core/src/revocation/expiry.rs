//! Until when an entry is kept, in four bytes.

use crate::time::UnixMs;

/// A whole second, rounded up: an entry is kept up to a second longer than it need be, never shorter.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(super) struct Expiry(u32);

impl Expiry {
    /// What stands for every second that four bytes cannot say: from 2106 on, entries are kept for ever.
    const NEVER: Self = Self(u32::MAX);

    pub(super) const fn from_bytes(bytes: [u8; 4]) -> Self {
        Self(u32::from_be_bytes(bytes))
    }

    pub(super) const fn to_bytes(self) -> [u8; 4] {
        self.0.to_be_bytes()
    }

    /// What [`Expiry::as_secs`] gave.
    pub(super) const fn from_stored(secs: u32) -> Self {
        Self(secs)
    }

    pub(super) const fn as_secs(self) -> u32 {
        self.0
    }

    /// Whether it may be forgotten at `now`.
    pub(super) fn is_past(self, now: UnixMs) -> bool {
        self != Self::NEVER && UnixMs::from_secs(u64::from(self.0)) <= now
    }
}

impl From<UnixMs> for Expiry {
    fn from(at: UnixMs) -> Self {
        u32::try_from(at.as_secs_ceil()).map_or(Self::NEVER, Self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_rounded_up_to_the_second_and_ends_in_for_ever() {
        let expiry = Expiry::from(UnixMs::new(1_700_000_000_001));
        assert!(!expiry.is_past(UnixMs::new(1_700_000_000_999)));
        assert!(expiry.is_past(UnixMs::new(1_700_000_001_000)));
        assert!(Expiry::from(UnixMs::from_secs(1_700_000_000)).is_past(UnixMs::from_secs(1_700_000_000)));
        for at in [UnixMs::MAX, UnixMs::from_secs(u64::from(u32::MAX))] {
            assert!(!Expiry::from(at).is_past(UnixMs::MAX));
        }
    }
}
