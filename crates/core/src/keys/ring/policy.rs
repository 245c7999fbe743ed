//! How a ring rotates.

use crate::{
    crypto::Algorithm,
    error::{Code, Error},
    keys::MAX_KEYS,
    time::Span,
};

/// The timetable of a ring.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct RingPolicy {
    /// The algorithm of the keys it makes.
    pub algorithm: Algorithm,
    /// How long a key signs; `None`: until it is told to stop.
    pub rotate_every: Option<Span>,
    /// How long a key is announced before the schedule lets it sign.
    pub publish_for: Span,
    /// How long a superseded key still verifies: as long as the longest token lives.
    pub keep_for: Span,
}

impl RingPolicy {
    /// Refuses a timetable that cannot be kept with 32 keys, of which `given` are there from the beginning.
    pub(crate) fn check(&self, given: usize) -> Result<(), Error> {
        let refused = |reason| Err(Error::because(Code::OptionInvalid, reason));
        let Some(every) = self.rotate_every else {
            return Ok(());
        };
        if every == Span::ZERO {
            return refused("rotateEvery must be longer than nothing");
        }
        if self.publish_for > every {
            return refused("publishFor must not be longer than rotateEvery: one key is announced at a time");
        }
        // Those that retired within keep_for, and the active and the announced one.
        let retiring = self.keep_for.as_millis().div_ceil(every.as_millis());
        let most = u64::try_from(MAX_KEYS.saturating_sub(given.max(1))).unwrap_or(0);
        if retiring + 1 > most {
            return refused("rotateEvery is too short for keepFor: the ring would hold more than 32 keys");
        }
        Ok(())
    }
}
