//! Entries by the digest of a name, in many small maps.
//!
//! dashmap is used behind methods that return copies: no guard leaves a method, and no method holds two. A dashmap sweeps
//! only all of its shards in one call, so there are many dashmaps of two shards each, and a sweep takes them one by one.
//! Small shards also make each growth short: whoever asks for a name in a shard that grows waits for its few thousand
//! entries to move, and nobody else waits.

use std::hash::BuildHasherDefault;

use dashmap::{DashMap, mapref::entry::Entry};

use super::{
    atomic::{AtomicUsize, Ordering},
    cutoff::Cutoff,
    digest::{Digest, DigestHasher},
    expiry::Expiry,
    filter::Filter,
};
use crate::time::UnixMs;

/// The fewest that a dashmap takes.
const SHARDS_OF_PART: usize = 2;

/// What an entry holds beside its name.
pub(super) trait Held: Copy {
    /// Until when it is kept.
    fn expiry(self) -> Expiry;
    /// Of two entries for one name, both in one.
    fn merged(self, other: Self) -> Self;
}

impl Held for Expiry {
    fn expiry(self) -> Expiry {
        self
    }

    fn merged(self, other: Self) -> Self {
        self.max(other)
    }
}

impl Held for Cutoff {
    fn expiry(self) -> Expiry {
        self.expiry()
    }

    fn merged(self, other: Self) -> Self {
        self.merged(other)
    }
}

#[derive(Debug)]
struct Part<T> {
    filter: Filter,
    map: DashMap<Digest, T, BuildHasherDefault<DigestHasher>>,
}

/// What is held by name.
#[derive(Debug)]
pub(super) struct Entries<T> {
    parts: Box<[Part<T>]>,
    /// Raised before an entry is inserted and lowered after it is gone: whoever can know of an entry sees more than zero.
    held: AtomicUsize,
}

/// What one part of a sweep did.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(super) struct Swept {
    pub(super) seen: usize,
    pub(super) dropped: usize,
}

impl<T: Held> Entries<T> {
    /// No entries, in `parts` maps, of which there will be some `expected` when there are very many.
    pub(super) fn new(parts: usize, expected: usize) -> Self {
        let part = |_| Part {
            filter: Filter::new(expected / parts.max(1)),
            map: DashMap::with_hasher_and_shard_amount(BuildHasherDefault::default(), SHARDS_OF_PART),
        };
        Self {
            parts: (0..parts).map(part).collect(),
            held: AtomicUsize::new(0),
        }
    }

    /// Merges into the entry that is there; for a name that is new, `admit` decides.
    pub(super) fn insert(&self, name: Digest, new: T, admit: impl FnOnce() -> bool) {
        let Some(part) = self.part(&name) else {
            return;
        };
        match part.map.entry(name) {
            Entry::Occupied(mut there) => {
                let merged = there.get().merged(new);
                *there.get_mut() = merged;
            }
            Entry::Vacant(free) => {
                if admit() {
                    self.held.fetch_add(1, Ordering::AcqRel);
                    part.filter.add(&name);
                    free.insert(new);
                }
            }
        }
    }

    /// The entry of a name.
    pub(super) fn get(&self, name: &Digest) -> Option<T> {
        let part = self.part(name).filter(|part| part.filter.may_hold(name))?;
        Some(*part.map.get(name)?)
    }

    /// Whether there is an entry of that name.
    pub(super) fn contains(&self, name: &Digest) -> bool {
        self.part(name)
            .is_some_and(|part| part.filter.may_hold(name) && part.map.contains_key(name))
    }

    /// Whether there is none. One atomic load; a dashmap's own answer takes every shard's lock in turn.
    pub(super) fn is_empty(&self) -> bool {
        self.held.load(Ordering::Acquire) == 0
    }

    /// How many parts a sweep has.
    pub(super) fn parts(&self) -> usize {
        self.parts.len()
    }

    /// Drops what is past in one part.
    pub(super) fn sweep(&self, part: usize, now: UnixMs) -> Swept {
        let mut swept = Swept::default();
        let Some(part) = self.parts.get(part).filter(|_| !self.is_empty()) else {
            return swept;
        };
        part.filter.rebuild(part.map.len(), |keep| {
            part.map.retain(|name, held| {
                let is_past = held.expiry().is_past(now);
                swept.seen += 1;
                swept.dropped += usize::from(is_past);
                if !is_past {
                    keep(name);
                }
                !is_past
            });
        });
        self.held.fetch_sub(swept.dropped, Ordering::AcqRel);
        // After a flood the memory goes back, with room left so that it is not asked for again at once.
        let left = swept.seen - swept.dropped;
        if swept.dropped > 0 && part.map.capacity() / 8 > left {
            part.map.shrink_to_fit();
        }
        swept
    }

    /// The part of a name, by other bytes of the digest than the map's own hash and the filter take.
    fn part(&self, name: &Digest) -> Option<&Part<T>> {
        let (_, last) = name.split_last_chunk::<8>()?;
        let (place, _) = last.split_first_chunk()?;
        let scaled = usize::from(u16::from_le_bytes(*place)) * self.parts.len();
        self.parts.get(scaled >> u16::BITS)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(n: u64) -> Digest {
        let mut name = [0; 16];
        name[..8].copy_from_slice(&n.wrapping_mul(0x9e37_79b9_7f4a_7c15).to_le_bytes());
        // Four parts take turns.
        name[9] = u8::try_from(n % 4).unwrap() << 6;
        name[10..].copy_from_slice(&n.to_le_bytes()[..6]);
        name
    }

    #[test]
    fn a_sweep_takes_part_after_part_and_gives_memory_back() {
        let entries = Entries::new(4, 4000);
        for n in 0..4000 {
            let expiry = Expiry::from(UnixMs::from_secs(if n < 3900 { 10 } else { 20 }));
            entries.insert(name(n), expiry, || true);
        }
        let room = |entries: &Entries<Expiry>| entries.parts.iter().map(|part| part.map.capacity()).sum::<usize>();
        let before = room(&entries);
        let now = UnixMs::from_secs(10);
        for part in 0..entries.parts() {
            assert!((0..3900).filter(|n| entries.contains(&name(*n))).count() > 0, "{part}");
            assert_eq!(
                entries.sweep(part, now),
                Swept {
                    seen: 1000,
                    dropped: 975
                }
            );
        }
        assert_eq!((0..4000).filter(|n| entries.contains(&name(*n))).count(), 100);
        assert!(room(&entries) < before / 4);
        assert!(!entries.is_empty());
    }

    #[test]
    fn what_is_not_admitted_is_not_held() {
        let entries = Entries::new(1, 1);
        let at = |secs| Expiry::from(UnixMs::from_secs(secs));
        entries.insert(name(1), at(1), || false);
        assert!(entries.is_empty() && !entries.contains(&name(1)));
        entries.insert(name(1), at(1), || true);
        entries.insert(name(1), at(3), || unreachable!("it is there"));
        entries.insert(name(1), at(2), || unreachable!("it is there"));
        assert_eq!(entries.get(&name(1)), Some(at(3)));
    }
}
