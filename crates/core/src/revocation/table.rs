//! One part of what is revoked by name: a set of digests, each with its expiry.
//!
//! A table of millions lies in no cache, so a look-up costs as much as the lines of memory that it waits for, one after
//! another. Here that is one line for most names: a bucket is 64 bytes and holds three entries whole. A name that finds its
//! bucket full goes to the next one that is not, and each bucket counts the names that have passed it, so a look-up ends at the
//! first bucket that none has passed.
//!
//! Readers do not wait for writers, who take turns. Entries never move within the buckets; a writer counts a name past the
//! full buckets before it is in, and takes it out before it takes that back, so whoever looks for a name that is in finds the
//! way to it. For a table that is to be larger or smaller the entries are copied to new buckets, and readers wait only while
//! those take the place of the old ones.

use std::{array, iter, mem, ptr};

use super::{
    atomic::{AtomicU32, AtomicU64, Mutex, MutexGuard, Ordering, PoisonError, RwLock, RwLockReadGuard},
    digest::{Digest, Hash, Place},
    entries::{Part, Swept},
    expiry::Expiry,
};
use crate::time::UnixMs;

/// How many entries a bucket holds.
const SLOTS: usize = 3;

/// What stands in a slot that is free.
const FREE: u64 = 0;

/// A set of digests with their expiries.
#[derive(Debug)]
#[repr(align(64))]
pub(super) struct Table {
    buckets: RwLock<Box<[Bucket]>>,
    /// How many entries there are. Whoever writes holds it; the buckets are locked for less, and only after it.
    held: Mutex<usize>,
}

#[derive(Debug)]
#[repr(align(64))]
struct Bucket {
    hashes: [AtomicU64; SLOTS],
    places: [AtomicU64; SLOTS],
    expiries: [AtomicU32; SLOTS],
    /// How many entries looked for a slot here and are further on.
    passed: AtomicU32,
}

/// One entry's place in a bucket.
struct Slot<'a> {
    hash: &'a AtomicU64,
    place: &'a AtomicU64,
    expiry: &'a AtomicU32,
}

impl Part for Table {
    type Held = Expiry;
    type Found = bool;

    fn new() -> Self {
        Self {
            buckets: RwLock::new(Box::default()),
            held: Mutex::new(0),
        }
    }

    fn find(&self, name: Digest) -> bool {
        let buckets = self.read();
        let Some(first) = buckets.get(name.hash.bucket_of(buckets.len())) else {
            return false;
        };
        first.holds(name) || first.is_passed() && is_further(&buckets, name)
    }

    fn insert(&self, name: Digest, expiry: Expiry, admit: impl FnOnce() -> bool) {
        let mut held = self.writing();
        if postpone(&self.read(), name, expiry) || !admit() {
            return;
        }
        *held += 1;
        if is_full(*held, self.read().len()) {
            self.resize(*held);
        }
        put(&self.read(), name, expiry);
    }

    fn sweep(&self, now: UnixMs, left: impl FnOnce(&[Place])) -> Swept {
        let mut held = self.writing();
        let buckets = self.read();
        let mut swept = Swept::default();
        let mut names = Vec::with_capacity(*held);
        for bucket in &*buckets {
            for slot in bucket.slots() {
                let Some(name) = slot.name() else { continue };
                swept.seen += 1;
                if slot.expiry().is_past(now) {
                    swept.dropped += 1;
                    slot.hash.store(FREE, Ordering::Release);
                    for passed in way(&buckets, name.hash).take_while(|passed| !ptr::eq(*passed, bucket)) {
                        passed.passed.fetch_sub(1, Ordering::AcqRel);
                    }
                } else {
                    names.push(name.place);
                }
            }
        }
        left(&names);
        *held -= swept.dropped;
        let is_sparse = swept.dropped > 0 && is_sparse(*held, buckets.len());
        drop(buckets);
        // After a flood the memory goes back, with room left so that it is not asked for again at once.
        if is_sparse {
            self.resize(*held);
        }
        swept
    }
}

impl Table {
    fn writing(&self) -> MutexGuard<'_, usize> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn read(&self) -> RwLockReadGuard<'_, Box<[Bucket]>> {
        self.buckets.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// Moves all entries to buckets for so many.
    fn resize(&self, entries: usize) {
        let buckets: Box<[Bucket]> = iter::repeat_with(Bucket::new).take(buckets_for(entries)).collect();
        for slot in self.read().iter().flat_map(Bucket::slots) {
            if let Some(name) = slot.name() {
                put(&buckets, name, slot.expiry());
            }
        }
        let mut current = self.buckets.write().unwrap_or_else(PoisonError::into_inner);
        let old = mem::replace(&mut *current, buckets);
        drop(current);
        // Freed while nobody waits.
        drop(old);
    }
}

/// Whether as many entries leave too few slots free: at most 21 are in ten buckets. Then 86 of 100 are in their first one.
const fn is_full(entries: usize, buckets: usize) -> bool {
    entries * 10 > buckets * 21
}

/// Whether new buckets would take less than a third of the memory.
const fn is_sparse(entries: usize, buckets: usize) -> bool {
    buckets_for(entries) * 3 < buckets
}

/// Room for a third more: at ten million entries from 30 to 40 bytes each.
const fn buckets_for(entries: usize) -> usize {
    entries * 13 / 21 + 1
}

/// The buckets in which a name may be, from the first on.
fn way(buckets: &[Bucket], hash: Hash) -> impl Iterator<Item = &Bucket> {
    let (end, begin) = buckets
        .split_at_checked(hash.bucket_of(buckets.len()))
        .unwrap_or_default();
    begin.iter().chain(end)
}

/// Whether a name is in a bucket after its first one.
#[inline(never)]
fn is_further(buckets: &[Bucket], name: Digest) -> bool {
    for bucket in way(buckets, name.hash).skip(1) {
        if bucket.holds(name) {
            return true;
        }
        if !bucket.is_passed() {
            return false;
        }
    }
    false
}

/// Keeps an entry that is there for as long as is now asked for, if that is longer; `false` if it is not there.
fn postpone(buckets: &[Bucket], name: Digest, expiry: Expiry) -> bool {
    for bucket in way(buckets, name.hash) {
        if let Some(slot) = bucket.slots().find(|slot| slot.name() == Some(name)) {
            let later = slot.expiry().max(expiry);
            slot.expiry.store(later.as_secs(), Ordering::Relaxed);
            return true;
        }
        if bucket.passed.load(Ordering::Relaxed) == 0 {
            return false;
        }
    }
    false
}

/// Puts an entry that is not there into the first free slot on its way.
fn put(buckets: &[Bucket], name: Digest, expiry: Expiry) {
    for bucket in way(buckets, name.hash) {
        if let Some(slot) = bucket.slots().find(|slot| slot.name().is_none()) {
            slot.place.store(name.place.get(), Ordering::Relaxed);
            slot.expiry.store(expiry.as_secs(), Ordering::Relaxed);
            // Whoever sees the hash sees the place, and the counts on the way here.
            slot.hash.store(name.hash.get(), Ordering::Release);
            return;
        }
        bucket.passed.fetch_add(1, Ordering::AcqRel);
    }
}

impl Bucket {
    fn new() -> Self {
        Self {
            hashes: array::from_fn(|_| AtomicU64::new(FREE)),
            places: array::from_fn(|_| AtomicU64::new(0)),
            expiries: array::from_fn(|_| AtomicU32::new(0)),
            passed: AtomicU32::new(0),
        }
    }

    /// Looks at all slots at once: which of them has a name is chance, and a guess of the processor would mostly be wrong.
    fn holds(&self, name: Digest) -> bool {
        self.slots().fold(false, |is_held, slot| {
            // In this order: the place of a hash was written before it.
            let is_hash = slot.hash.load(Ordering::Acquire) == name.hash.get();
            is_held | is_hash & (slot.place.load(Ordering::Acquire) == name.place.get())
        })
    }

    /// Whether somebody has looked for a slot here and is further on.
    fn is_passed(&self) -> bool {
        self.passed.load(Ordering::Acquire) > 0
    }

    fn slots(&self) -> impl Iterator<Item = Slot<'_>> {
        let slots = self.hashes.iter().zip(&self.places).zip(&self.expiries);
        slots.map(|((hash, place), expiry)| Slot { hash, place, expiry })
    }
}

impl Slot<'_> {
    fn name(&self) -> Option<Digest> {
        Some(Digest {
            hash: Hash::stored(self.hash.load(Ordering::Relaxed))?,
            place: Place::new(self.place.load(Ordering::Relaxed)),
        })
    }

    fn expiry(&self) -> Expiry {
        Expiry::from_stored(self.expiry.load(Ordering::Relaxed))
    }
}

/// What only tests want to know.
#[cfg(test)]
impl Table {
    pub(super) fn len(&self) -> usize {
        *self.writing()
    }

    pub(super) fn buckets(&self) -> usize {
        self.read().len()
    }

    /// How many buckets a look-up of a name that is held looks at.
    pub(super) fn steps(&self, name: Digest) -> Option<usize> {
        let buckets = self.read();
        way(&buckets, name.hash)
            .position(|bucket| bucket.holds(name))
            .map(|at| at + 1)
    }

    /// How many buckets all entries together have passed.
    pub(super) fn passed(&self) -> u32 {
        self.read()
            .iter()
            .map(|bucket| bucket.passed.load(Ordering::Relaxed))
            .sum()
    }
}
