//! How far the revocations of this process can lie behind.

use std::sync::atomic::Ordering;

use super::Manager;
use crate::time::{Span, UnixMs};

impl Manager {
    /// How long ago the index certainly held every revocation there is: since others may have written unseen, or since a
    /// step had an unknown outcome and reading everything again has not succeeded.
    pub fn staleness(&self, now: UnixMs) -> Span {
        let unsure_since = self.shared.unsure_since.load(Ordering::Acquire);
        let unsure = unsure_since
            .checked_sub(1)
            .map_or(Span::ZERO, |since| now.since(UnixMs::new(since)));
        self.shared.store.staleness().max(unsure)
    }

    /// Whether there is a doubt about the index, so that all is to be read again. Notes since when.
    pub(super) fn notice_doubt(&self, now: UnixMs) -> bool {
        let missed = self.shared.store.missed();
        let doubt = self.shared.unsure.swap(false, Ordering::AcqRel) || missed;
        if doubt {
            let mark = now.as_millis().saturating_add(1);
            // The earliest; but a clock that has been set back must not make an old doubt look like a new one for long.
            let earliest = |since: u64| Some(if since == 0 { mark } else { since.min(mark) });
            let _always_set = self
                .shared
                .unsure_since
                .fetch_update(Ordering::AcqRel, Ordering::Acquire, earliest);
        }
        doubt
    }
}
