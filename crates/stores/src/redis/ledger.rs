//! The revocations that this process knows of, in full: the index holds digests only, and what Redis has lost is written back
//! from here.

use std::{
    collections::HashSet,
    mem,
    sync::{Mutex, PoisonError},
};

use keyturn_core::{revocation::Revocation, time::UnixMs};

use super::revocations::{read, text};

/// How many each half takes: some 100 MB in all.
const HALF: usize = 500_000;

/// Revocations as Redis keeps them. At its bound the older half goes: what a fail-over loses are the latest, and this process
/// itself forgets nothing, since its index does not.
#[derive(Debug)]
pub(super) struct Ledger {
    half: usize,
    halves: Mutex<Halves>,
}

impl Default for Ledger {
    fn default() -> Self {
        Self::of(HALF)
    }
}

#[derive(Debug, Default)]
struct Halves {
    young: HashSet<Box<str>>,
    old: HashSet<Box<str>>,
}

impl Ledger {
    fn of(half: usize) -> Self {
        Self {
            half,
            halves: Mutex::default(),
        }
    }

    /// Takes note of revocations that are stored.
    pub(super) fn note(&self, revocations: &[Revocation]) {
        let mut halves = self.halves.lock().unwrap_or_else(PoisonError::into_inner);
        for revocation in revocations {
            let text = text(revocation).into_boxed_str();
            if halves.old.contains(&text) || !halves.young.insert(text) {
                continue;
            }
            if halves.young.len() >= self.half {
                halves.old = mem::take(&mut halves.young);
            }
        }
    }

    /// Those that are known here and are not among `stored`.
    pub(super) fn missing(&self, stored: &[Revocation]) -> Vec<Revocation> {
        let stored: HashSet<String> = stored.iter().map(text).collect();
        let halves = self.halves.lock().unwrap_or_else(PoisonError::into_inner);
        let known = halves.old.iter().chain(&halves.young);
        known
            .filter(|text| !stored.contains(text.as_ref()))
            .filter_map(|text| read(text).ok())
            .collect()
    }

    /// Forgets those that have expired.
    pub(super) fn expire(&self, now: UnixMs) {
        let mut halves = self.halves.lock().unwrap_or_else(PoisonError::into_inner);
        let is_live = |text: &str| read(text).is_ok_and(|revocation| revocation.expires_at > now);
        halves.young.retain(|text| is_live(text));
        halves.old.retain(|text| is_live(text));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn token(number: usize, expires_at: u64) -> Revocation {
        Revocation::token(number.to_string(), UnixMs::new(expires_at))
    }

    #[test]
    fn what_is_not_stored_is_missing_until_it_expires() {
        let ledger = Ledger::default();
        ledger.note(&[token(1, 10), token(2, 999_999), token(2, 999_999)]);
        assert_eq!(ledger.missing(&[token(1, 10)]), [token(2, 999_999)]);
        ledger.expire(token(1, 10).expires_at);
        assert_eq!(ledger.missing(&[]), [token(2, 999_999)]);
    }

    #[test]
    fn at_its_bound_the_older_half_goes() {
        let ledger = Ledger::of(10);
        for number in 0..=20 {
            ledger.note(&[token(number, 10)]);
        }
        let missing = ledger.missing(&[]);
        assert_eq!(missing.len(), 11);
        assert!(missing.contains(&token(20, 10)) && !missing.contains(&token(0, 10)));
    }
}
