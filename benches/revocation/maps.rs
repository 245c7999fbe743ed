//! Bare maps from a digest to an expiry, each as one would use it: 2048 shards where there are shards, swept one by one.

use std::{
    hash::{BuildHasherDefault, Hasher},
    sync::{
        Mutex, RwLock,
        atomic::{AtomicUsize, Ordering},
    },
};

use super::contender::{Contender, digest};

type Digest = [u8; 16];
type Build = BuildHasherDefault<FirstBytes>;

const SHARDS: usize = 2048;

/// The digests are uniformly distributed already.
#[derive(Default)]
pub(crate) struct FirstBytes(u64);

impl Hasher for FirstBytes {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        if let Some((first, _)) = bytes.split_first_chunk() {
            self.0 = u64::from_le_bytes(*first);
        }
    }

    fn write_usize(&mut self, _: usize) {}
}

fn part_of(digest: &Digest, parts: usize) -> usize {
    usize::from(u16::from_le_bytes([digest[14], digest[15]])) % parts
}

/// As the index holds its cut-offs: dashmaps of two shards each.
pub(crate) struct Dash {
    parts: Vec<dashmap::DashMap<Digest, u32, Build>>,
    next: AtomicUsize,
}

impl Dash {
    pub(crate) fn new() -> Self {
        let part = |_| dashmap::DashMap::with_hasher_and_shard_amount(Build::default(), 2);
        Self {
            parts: (0..SHARDS / 2).map(part).collect(),
            next: AtomicUsize::new(0),
        }
    }
}

impl Contender for Dash {
    type Question = Digest;

    fn insert(&self, number: u32, expires_at: u32) {
        let digest = digest(number);
        self.parts[part_of(&digest, SHARDS / 2)].insert(digest, expires_at);
    }

    fn expire(&self, now: u32) {
        let next = self.next.fetch_add(1, Ordering::Relaxed);
        self.parts[next % (SHARDS / 2)].retain(|_, expires_at| *expires_at > now);
    }

    fn question(&self, number: u32) -> Digest {
        digest(number)
    }

    fn is_revoked(&self, digest: &Digest) -> bool {
        self.parts[part_of(digest, SHARDS / 2)].contains_key(digest)
    }
}

/// One map without locks. What has expired is remembered apart, because it cannot be swept in parts.
pub(crate) struct Papaya {
    map: papaya::HashMap<Digest, u32, Build>,
    rounds: Mutex<u32>,
}

impl Papaya {
    pub(crate) fn new() -> Self {
        Self {
            map: papaya::HashMap::with_hasher(Build::default()),
            rounds: Mutex::new(0),
        }
    }
}

impl Contender for Papaya {
    type Question = Digest;

    fn insert(&self, number: u32, expires_at: u32) {
        self.map.pin().insert(digest(number), expires_at);
    }

    /// As much work as the others do in as many steps as they have shards.
    fn expire(&self, now: u32) {
        let is_due = {
            let mut rounds = self.rounds.lock().unwrap();
            *rounds += 1;
            rounds.is_multiple_of(1024)
        };
        if is_due {
            self.map.pin().retain(|_, expires_at| *expires_at > now);
        }
    }

    fn question(&self, number: u32) -> Digest {
        digest(number)
    }

    fn is_revoked(&self, digest: &Digest) -> bool {
        self.map.pin().contains_key(digest)
    }
}

/// The standard library's map and lock, sharded by hand.
pub(crate) struct Sharded {
    shards: Vec<RwLock<std::collections::HashMap<Digest, u32, Build>>>,
    next: AtomicUsize,
}

impl Sharded {
    pub(crate) fn new() -> Self {
        Self {
            shards: (0..SHARDS).map(|_| RwLock::default()).collect(),
            next: AtomicUsize::new(0),
        }
    }
}

impl Contender for Sharded {
    type Question = Digest;

    fn insert(&self, number: u32, expires_at: u32) {
        let digest = digest(number);
        let shard = &self.shards[part_of(&digest, SHARDS)];
        shard.write().unwrap().insert(digest, expires_at);
    }

    fn expire(&self, now: u32) {
        for _ in 0..2 {
            let next = self.next.fetch_add(1, Ordering::Relaxed);
            let shard = &self.shards[next % SHARDS];
            shard.write().unwrap().retain(|_, expires_at| *expires_at > now);
        }
    }

    fn question(&self, number: u32) -> Digest {
        digest(number)
    }

    fn is_revoked(&self, digest: &Digest) -> bool {
        self.shards[part_of(digest, SHARDS)]
            .read()
            .unwrap()
            .contains_key(digest)
    }
}
