//! Entries by the digest of a name, in many small parts behind one filter.
//!
//! Small parts make each sweep and each growth short: whoever meets one waits for its few thousand entries, and nobody else
//! waits.

use super::{
    atomic::{AtomicUsize, Ordering},
    digest::{Digest, Place},
    filter::Filter,
};
use crate::time::UnixMs;

/// A part: entries of which each is found by its name. Each method may wait for others of the same part.
pub(super) trait Part {
    /// What an entry holds beside its name.
    type Held;
    /// What is said of a name; the default if it is not held.
    type Found: Default;

    fn new() -> Self;

    fn find(&self, name: Digest) -> Self::Found;

    /// Merges into the entry that is there. For a name that is new `admit` decides, while nobody else writes here.
    fn insert(&self, name: Digest, new: Self::Held, admit: impl FnOnce() -> bool);

    /// Drops what is past, and hands all other names to `left` before anybody else can write here.
    fn sweep(&self, now: UnixMs, left: impl FnOnce(&[Place])) -> Swept;
}

/// What is held by name.
#[derive(Debug)]
pub(super) struct Entries<P> {
    filter: Filter,
    parts: Box<[P]>,
    /// Raised before an entry is inserted and lowered after it is gone: whoever can know of an entry sees more than zero.
    held: AtomicUsize,
}

/// What a sweep did.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(super) struct Swept {
    pub(super) seen: usize,
    pub(super) dropped: usize,
}

impl<P: Part> Entries<P> {
    /// No entries, in so many parts, of which there will be some `expected` when there are very many.
    pub(super) fn new(parts: usize, expected: usize) -> Self {
        Self {
            filter: Filter::new(parts, expected / parts.max(1)),
            parts: (0..parts).map(|_| P::new()).collect(),
            held: AtomicUsize::new(0),
        }
    }

    /// Merges into the entry that is there; for a name that is new, `admit` decides.
    pub(super) fn insert(&self, name: Digest, new: P::Held, admit: impl FnOnce() -> bool) {
        let at = name.place.part_of(self.parts.len());
        let Some(part) = self.parts.get(at) else {
            return;
        };
        part.insert(name, new, || {
            let is_admitted = admit();
            if is_admitted {
                self.held.fetch_add(1, Ordering::AcqRel);
                self.filter.add(at, name.place);
            }
            is_admitted
        });
    }

    /// What is said of a name.
    #[inline]
    pub(super) fn get(&self, name: Digest) -> P::Found {
        let at = name.place.part_of(self.parts.len());
        if self.filter.may_hold(at, name.place) {
            self.find(at, name)
        } else {
            P::Found::default()
        }
    }

    /// Apart from the rest, which goes on without it for nearly every name.
    #[inline(never)]
    fn find(&self, at: usize, name: Digest) -> P::Found {
        self.parts
            .get(at)
            .map_or_else(P::Found::default, |part| part.find(name))
    }

    /// Whether there is none. One atomic load.
    #[inline]
    pub(super) fn is_empty(&self) -> bool {
        self.held.load(Ordering::Acquire) == 0
    }

    /// In how many parts it is swept.
    pub(super) fn parts(&self) -> usize {
        self.parts.len()
    }

    /// Drops what is past in one part.
    pub(super) fn sweep(&self, at: usize, now: UnixMs) -> Swept {
        let mut swept = Swept::default();
        if let Some(part) = self.parts.get(at).filter(|_| !self.is_empty()) {
            swept = part.sweep(now, |left| self.filter.rebuild(at, left));
            self.held.fetch_sub(swept.dropped, Ordering::AcqRel);
        }
        swept
    }
}

/// What only tests want to know.
#[cfg(test)]
impl<P: Part> Entries<P> {
    /// What the filter alone says.
    pub(super) fn may_hold(&self, name: Digest) -> bool {
        self.filter.may_hold(name.place.part_of(self.parts.len()), name.place)
    }
}
