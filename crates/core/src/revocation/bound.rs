//! How many entries an index holds, how many it may, and whether one had to be left out.

use super::atomic::{AtomicU64, AtomicUsize, Ordering};

/// The bound of an index. What did not fit makes the index incomplete until a reload has taken it in.
#[derive(Debug)]
pub(super) struct Bound {
    capacity: usize,
    /// Raised before an entry is inserted and lowered after it is gone, so never less than there are.
    held: AtomicUsize,
    /// How many entries could not be taken, and up to which of them a reload has made good. Equal: nothing is missing.
    /// `healed` is written with release after the entries: who sees the two equal sees the entries.
    refused: AtomicU64,
    healed: AtomicU64,
}

impl Bound {
    pub(super) fn new(capacity: usize) -> Self {
        Self {
            capacity,
            held: AtomicUsize::new(0),
            refused: AtomicU64::new(0),
            healed: AtomicU64::new(0),
        }
    }

    /// Counts one more entry; at the bound, notes that one is missing instead.
    pub(super) fn admit(&self) -> bool {
        let more = |held: usize| (held < self.capacity).then_some(held.saturating_add(1));
        let admitted = self
            .held
            .fetch_update(Ordering::AcqRel, Ordering::Acquire, more)
            .is_ok();
        if !admitted {
            self.refused.fetch_add(1, Ordering::AcqRel);
        }
        admitted
    }

    /// Counts entries that are gone.
    pub(super) fn release(&self, entries: usize) {
        self.held.fetch_sub(entries, Ordering::AcqRel);
    }

    /// To be taken before everything is read again, and given to [`Bound::end_reload`] when all of it has been inserted.
    pub(super) fn begin_reload(&self) -> u64 {
        self.refused.load(Ordering::Acquire)
    }

    /// Nothing is missing any more, if nothing was refused meanwhile. Says whether that is so.
    pub(super) fn end_reload(&self, begun: u64) -> bool {
        let complete = self.refused.load(Ordering::Acquire) == begun;
        if complete {
            self.healed.fetch_max(begun, Ordering::AcqRel);
        }
        complete
    }

    /// Whether an entry is missing.
    pub(super) fn is_exceeded(&self) -> bool {
        // In this order: what is healed has been refused before, so a reload in between can only make this answer late.
        let healed = self.healed.load(Ordering::Acquire);
        self.refused.load(Ordering::Acquire) != healed
    }

    /// How many entries there are.
    pub(super) fn held(&self) -> usize {
        self.held.load(Ordering::Acquire)
    }

    /// Whether four fifths of the places are taken.
    pub(super) fn is_nearly_reached(&self) -> bool {
        self.held() >= self.capacity / 5 * 4
    }
}
