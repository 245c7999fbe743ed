//! Cut-offs by name: the latest moment up to which a name's tokens are refused.

use std::hash::BuildHasherDefault;

use dashmap::{DashMap, mapref::entry::Entry};

use super::digest::{Digest, DigestHasher};
use crate::time::UnixMs;

/// A moment, and when it may be forgotten.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Cutoff {
    pub(super) before: UnixMs,
    pub(super) expires_at: UnixMs,
}

impl Cutoff {
    /// Of both the later.
    pub(super) fn merged(self, other: Self) -> Self {
        Self {
            before: self.before.max(other.before),
            expires_at: self.expires_at.max(other.expires_at),
        }
    }
}

/// Cut-offs by the digest of a name.
#[derive(Debug, Default)]
pub(super) struct Cutoffs(DashMap<Digest, Cutoff, BuildHasherDefault<DigestHasher>>);

impl Cutoffs {
    /// Merges a cut-off into the one that is there; a name that is new is asked about first.
    pub(super) fn insert(&self, name: Digest, cutoff: Cutoff, admit: impl FnOnce() -> bool) {
        match self.0.entry(name) {
            Entry::Occupied(mut there) => {
                let merged = there.get().merged(cutoff);
                *there.get_mut() = merged;
            }
            Entry::Vacant(free) => {
                if admit() {
                    free.insert(cutoff);
                }
            }
        }
    }

    /// The moment that stands for a name.
    pub(super) fn before(&self, name: &Digest) -> Option<UnixMs> {
        self.0.get(name).map(|cutoff| cutoff.before)
    }

    /// Drops those that have expired and says how many.
    pub(super) fn expire(&self, now: UnixMs) -> usize {
        let mut dropped = 0;
        self.0.retain(|_, cutoff| {
            let live = cutoff.expires_at > now;
            dropped += usize::from(!live);
            live
        });
        dropped
    }
}
