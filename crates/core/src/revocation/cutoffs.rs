//! One part of the cut-offs by subject.
//!
//! dashmap is used behind methods that return copies: no guard leaves a method, and no method holds two. A dashmap sweeps
//! only all of its shards in one call, so each part is a small dashmap of its own.

use std::hash::{BuildHasherDefault, Hasher};

use dashmap::{DashMap, mapref::entry::Entry};

use super::{
    atomic::{Mutex, MutexGuard, PoisonError},
    cutoff::Cutoff,
    digest::{Digest, Place},
    entries::{Part, Swept},
};
use crate::time::UnixMs;

/// The fewest that a dashmap takes.
const SHARDS: usize = 2;

/// From the digest of a subject to its cut-off. Digests as bytes, which need no alignment.
#[derive(Debug)]
pub(super) struct Cutoffs {
    held: DashMap<[u8; 16], Cutoff, BuildHasherDefault<FirstBytes>>,
    /// Whoever writes holds it: a sweep speaks for both shards.
    writing: Mutex<()>,
}

impl Part for Cutoffs {
    type Held = Cutoff;
    type Found = Option<Cutoff>;

    fn new() -> Self {
        Self {
            held: DashMap::with_hasher_and_shard_amount(BuildHasherDefault::default(), SHARDS),
            writing: Mutex::new(()),
        }
    }

    fn find(&self, name: Digest) -> Option<Cutoff> {
        self.held.get(&name.to_bytes()).map(|held| *held)
    }

    fn insert(&self, name: Digest, new: Cutoff, admit: impl FnOnce() -> bool) {
        let _writing = self.writing();
        match self.held.entry(name.to_bytes()) {
            Entry::Occupied(mut there) => {
                let merged = there.get().merged(new);
                *there.get_mut() = merged;
            }
            Entry::Vacant(free) => {
                if admit() {
                    free.insert(new);
                }
            }
        }
    }

    fn sweep(&self, now: UnixMs, left: impl FnOnce(&[Place])) -> Swept {
        let _writing = self.writing();
        let mut swept = Swept::default();
        let mut names = Vec::with_capacity(self.held.len());
        self.held.retain(|name, held| {
            let is_past = held.expiry().is_past(now);
            swept.seen += 1;
            swept.dropped += usize::from(is_past);
            if !is_past {
                names.push(Digest::from_bytes(*name).place);
            }
            !is_past
        });
        left(&names);
        // After a flood the memory goes back, with room left so that it is not asked for again at once.
        if swept.dropped > 0 && self.held.capacity() / 8 > names.len() {
            self.held.shrink_to_fit();
        }
        swept
    }
}

impl Cutoffs {
    fn writing(&self) -> MutexGuard<'_, ()> {
        self.writing.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Digests are uniformly distributed already; their first eight bytes are the hash.
#[derive(Default)]
struct FirstBytes(u64);

impl Hasher for FirstBytes {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        if let Some((first, _)) = bytes.split_first_chunk() {
            self.0 = u64::from_le_bytes(*first);
        }
    }

    // An array announces its length before its bytes; the length says nothing.
    fn write_usize(&mut self, _: usize) {}
}

#[cfg(test)]
mod tests {
    use super::{
        super::{
            digest::{Hash, Place},
            expiry::Expiry,
        },
        *,
    };

    fn name(n: u64) -> Digest {
        let n = n.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        Digest {
            place: Place::new(n),
            hash: Hash::new(n),
        }
    }

    fn cutoff(before: u64, secs: u64) -> Cutoff {
        Cutoff::new(UnixMs::new(before), Expiry::from(UnixMs::from_secs(secs)))
    }

    #[test]
    fn the_later_of_two_counts_and_what_is_not_admitted_is_not_held() {
        let cutoffs = Cutoffs::new();
        cutoffs.insert(name(1), cutoff(5, 10), || false);
        assert_eq!(cutoffs.find(name(1)), None);
        cutoffs.insert(name(1), cutoff(5, 10), || true);
        cutoffs.insert(name(1), cutoff(4, 20), || unreachable!("it is there"));
        assert_eq!(cutoffs.find(name(1)), Some(cutoff(5, 20)));
        assert_eq!(cutoffs.find(name(2)), None);
    }

    #[test]
    fn a_sweep_names_what_it_leaves_and_gives_memory_back() {
        let cutoffs = Cutoffs::new();
        (0..4000).for_each(|n| cutoffs.insert(name(n), cutoff(5, if n < 3900 { 10 } else { 20 }), || true));
        let before = cutoffs.held.capacity();
        let mut kept = Vec::new();
        let swept = cutoffs.sweep(UnixMs::from_secs(10), |left| kept.extend_from_slice(left));
        assert_eq!((swept.seen, swept.dropped), (4000, 3900));
        assert_eq!(kept.len(), 100);
        assert!((3900..4000).all(|n| kept.contains(&name(n).place)));
        assert_eq!(cutoffs.held.len(), 100);
        assert!(cutoffs.held.capacity() < before / 4);
    }
}
