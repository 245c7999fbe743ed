//! A moment up to which tokens are refused, in ten bytes.

use super::expiry::Expiry;
use crate::time::UnixMs;

/// A cut-off and until when it is kept. Without alignment, since ten million of them may be held.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Cutoff {
    before: [u8; 6],
    expiry: [u8; 4],
}

impl Cutoff {
    /// A moment beyond 48 bits, the year 10889, is cut to them.
    pub(super) fn new(before: UnixMs, expiry: Expiry) -> Self {
        let [_, _, before @ ..] = before.as_millis().min((1 << 48) - 1).to_be_bytes();
        Self {
            before,
            expiry: expiry.to_bytes(),
        }
    }

    /// The moment.
    pub(super) fn before(self) -> UnixMs {
        let mut bytes = [0; 8];
        bytes[2..].copy_from_slice(&self.before);
        UnixMs::new(u64::from_be_bytes(bytes))
    }

    pub(super) fn expiry(self) -> Expiry {
        Expiry::from_bytes(self.expiry)
    }

    /// Of both the later.
    pub(super) fn merged(self, other: Self) -> Self {
        Self::new(self.before().max(other.before()), self.expiry().max(other.expiry()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_reads_back_and_the_later_of_two_wins_in_both_parts() {
        assert_eq!(size_of::<Cutoff>(), 10);
        let (early, late) = (UnixMs::new(1_700_000_000_123), UnixMs::new(1_700_000_000_124));
        let (soon, far) = (Expiry::from(late), Expiry::from(UnixMs::MAX));
        let merged = Cutoff::new(early, far).merged(Cutoff::new(late, soon));
        assert_eq!((merged.before(), merged.expiry()), (late, far));
        assert_eq!(Cutoff::new(UnixMs::MAX, far).before(), UnixMs::new((1 << 48) - 1));
    }
}
