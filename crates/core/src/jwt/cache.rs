//! Tokens that have been verified, so that the next request with the same one costs no signature.
//!
//! What is remembered is that the bytes of a token are good under the keys and options of one verifier, and what may change
//! later: its times and who it is about. Those are judged anew on every hit. Only tokens that passed enter, so nobody can
//! push others out with tokens that do not verify. The claims themselves stay with the caller, by the number of the slot.
//!
//! At its bound the cache makes room by second chance (the CLOCK algorithm): a hand goes round the slots, passes over each
//! entry that was hit since it last came by, and takes the first that was not. Tokens shown once leave before those that are
//! in use.

use std::{
    collections::HashMap,
    fmt,
    hash::{BuildHasherDefault, Hasher},
};

use siphasher::sip::SipHasher13;

use super::{Verified, times::Times};
use crate::{
    error::{Code, Error},
    random::{self, Random},
    revocation::Fingerprint,
};

/// How many tokens a cache holds unless told otherwise: some ten megabytes of tokens and claims.
pub const DEFAULT_CACHE_ENTRIES: u32 = 10_000;

/// The most that a cache can be told to hold.
pub const MAX_CACHE_ENTRIES: u32 = 1_000_000;

/// The longest token that enters, in bytes. Longer ones are verified in full each time, so that a raised limit for tokens
/// does not raise the memory of a full cache with it.
pub const MAX_CACHED_TOKEN_BYTES: usize = super::DEFAULT_MAX_TOKEN_BYTES;

/// How much of a token's end is hashed: most of a signature or all of it, which differs wherever the rest does.
const HASHED: usize = 64;

/// The verified tokens of one verifier and one caller. Belongs to one thread, like [`super::Scratch`].
pub struct TokenCache {
    hash_key: [u8; 16],
    epoch: Epoch,
    places: HashMap<u64, u32, BuildHasherDefault<Prehashed>>,
    entries: Vec<Entry>,
    hand: usize,
    offer: Option<Offer>,
    offered: Vec<u8>,
    max_entries: u32,
    hits: u64,
    misses: u64,
    evictions: u64,
}

/// How a token was answered.
#[derive(Debug)]
pub enum Answer<'a> {
    /// Out of the cache: the slot in which [`TokenCache::keep`] put it.
    Cached(u32),
    /// By verifying it in full.
    Fresh(Verified<'a>),
}

/// What a cache has done so far.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct CacheStatistics {
    /// Tokens that were found, also those that were refused because they have expired or been revoked since.
    pub hits: u64,
    /// Tokens that were not found and had to be verified in full.
    pub misses: u64,
    /// Entries that made room for others.
    pub evictions: u64,
    /// Entries now.
    pub size: u32,
    /// The bound of `size`.
    pub max_entries: u32,
}

/// What entries depend on; when it changes all of them are forgotten.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(super) struct Epoch {
    pub(super) verifier: u64,
    pub(super) keys: u64,
    pub(super) revocable: bool,
}

pub(super) struct Entry {
    pub(super) times: Times,
    /// Of verifiers with revocation.
    pub(super) fingerprint: Option<Fingerprint>,
    /// Whether it has been hit since the hand last came by.
    pub(super) in_use: bool,
    token: Box<[u8]>,
    hash: u64,
}

pub(super) enum Found<'a> {
    Here(u32, &'a mut Entry),
    /// With the hash under which it can be kept.
    Nowhere(u64),
}

struct Offer {
    hash: u64,
    times: Times,
    fingerprint: Option<Fingerprint>,
}

impl TokenCache {
    /// A cache of 1 to [`MAX_CACHE_ENTRIES`] tokens. Memory is taken as it fills: about 200 bytes for an entry, and its token.
    pub fn new(max_entries: u32, random: &dyn Random) -> Result<Self, Error> {
        if !(1..=MAX_CACHE_ENTRIES).contains(&max_entries) {
            return Err(Error::because(
                Code::OptionInvalid,
                "a cache takes 1 to 1000000 entries",
            ));
        }
        Ok(Self {
            hash_key: random::array(random)?,
            epoch: Epoch::default(),
            places: HashMap::default(),
            entries: Vec::new(),
            hand: 0,
            offer: None,
            offered: Vec::new(),
            max_entries,
            hits: 0,
            misses: 0,
            evictions: 0,
        })
    }

    /// Takes in the token that was verified last, and gives its slot. Slots are numbered from 0 without gaps; one that was
    /// given before holds this token now, and not the earlier one.
    ///
    /// `None`: the last token was not verified in full, was kept already, or is longer than [`MAX_CACHED_TOKEN_BYTES`].
    pub fn keep(&mut self) -> Option<u32> {
        let offer = self.offer.take()?;
        let slot = self.place_for(offer.hash)?;
        let entry = Entry {
            times: offer.times,
            fingerprint: offer.fingerprint,
            in_use: false,
            token: self.offered.as_slice().into(),
            hash: offer.hash,
        };
        let index = usize::try_from(slot).ok()?;
        if let Some(earlier) = self.entries.get(index) {
            self.places.remove(&earlier.hash);
            self.evictions += 1;
        }
        // The entry itself comes last: until then no token is found at this place.
        self.places.insert(offer.hash, slot);
        match self.entries.get_mut(index) {
            Some(earlier) => *earlier = entry,
            None => self.entries.push(entry),
        }
        Some(slot)
    }

    /// What it has done so far.
    pub fn statistics(&self) -> CacheStatistics {
        CacheStatistics {
            hits: self.hits,
            misses: self.misses,
            evictions: self.evictions,
            size: u32::try_from(self.entries.len()).unwrap_or(u32::MAX),
            max_entries: self.max_entries,
        }
    }

    /// Looks for a token, after having forgotten everything if the epoch is another one.
    pub(super) fn look_up(&mut self, token: &[u8], epoch: Epoch) -> Found<'_> {
        self.offer = None;
        if self.epoch != epoch {
            self.places.clear();
            self.entries.clear();
            self.hand = 0;
            self.epoch = epoch;
        }
        let hash = self.hash(token);
        let slot = self.places.get(&hash).copied().unwrap_or(u32::MAX);
        let entry = usize::try_from(slot).ok().and_then(|index| self.entries.get_mut(index));
        if let Some(entry) = entry.filter(|entry| *entry.token == *token) {
            self.hits += 1;
            Found::Here(slot, entry)
        } else {
            self.misses += 1;
            Found::Nowhere(hash)
        }
    }

    /// Remembers a token until [`TokenCache::keep`] or the next look-up.
    pub(super) fn offer(&mut self, token: &[u8], hash: u64, verified: &Verified<'_>, fingerprint: Option<Fingerprint>) {
        // Other keys than those of the epoch: they have changed since the look-up, and under these the token has not passed.
        if token.len() > MAX_CACHED_TOKEN_BYTES || verified.keys != self.epoch.keys {
            return;
        }
        self.offered.clear();
        self.offered.extend_from_slice(token);
        self.offer = Some(Offer {
            hash,
            times: verified.times,
            fingerprint,
        });
    }

    /// The slot for a new entry: that of the only entry it cannot stand beside, a new one, or the one that the hand takes.
    fn place_for(&mut self, hash: u64) -> Option<u32> {
        if let Some(slot) = self.places.get(&hash) {
            return Some(*slot);
        }
        let size = u32::try_from(self.entries.len()).ok()?;
        if size < self.max_entries {
            return Some(size);
        }
        // Ends within one round: whatever it passes over is no longer in use.
        loop {
            let index = self.hand;
            self.hand = (index + 1) % self.entries.len().max(1);
            let entry = self.entries.get_mut(index)?;
            if !entry.in_use {
                return u32::try_from(index).ok();
            }
            entry.in_use = false;
        }
    }

    /// Keyed, so that nobody who has tokens made can choose them to collide; equality of all bytes is checked afterwards.
    fn hash(&self, token: &[u8]) -> u64 {
        let end = token.get(token.len().saturating_sub(HASHED)..).unwrap_or_default();
        SipHasher13::new_with_key(&self.hash_key).hash(end)
    }
}

/// Counts only: the tokens are credentials.
impl fmt::Debug for TokenCache {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TokenCache")
            .field("statistics", &self.statistics())
            .finish_non_exhaustive()
    }
}

/// The keys of the map are keyed hashes already.
#[derive(Default)]
struct Prehashed(u64);

impl Hasher for Prehashed {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, _: &[u8]) {}

    fn write_u64(&mut self, hash: u64) {
        self.0 = hash;
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use proptest::prelude::*;

    use super::*;
    use crate::{
        crypto::Algorithm,
        jws::{protected_header, seal},
        jwt::{Policy, RevocationCheck, Scratch, Verifier},
        keys::{Key, KeySet, LiveKeys},
        random::SystemRandom,
        revocation::{Revocation, RevocationIndex, Target},
        time::{Span, UnixMs},
    };

    const START: u64 = 1_700_000_000;

    fn key(kid: &str) -> Key {
        Key::generate(Algorithm::Hs256, Some(kid), &SystemRandom::new()).unwrap()
    }

    fn token(key: &Key, payload: &str) -> String {
        let mut out = String::new();
        let header = protected_header(key.algorithm(), Some("JWT"), key.kid());
        seal(&header, payload.as_bytes(), key, &mut out).unwrap();
        out
    }

    /// A verifier with a cache, used as the binding uses them, beside the same verifier without.
    struct Cached {
        live: Arc<LiveKeys>,
        verifier: Verifier,
        index: Option<RevocationIndex>,
        cache: TokenCache,
        scratch: Scratch,
        /// What JavaScript would hold: the payload for each slot.
        claims: Vec<String>,
    }

    impl Cached {
        fn new(keys: &[Key], policy: Policy, max_entries: u32, revocable: bool) -> Self {
            let live = Arc::new(LiveKeys::new(KeySet::new(keys).unwrap()));
            Self {
                verifier: Verifier::new(Arc::clone(&live), vec![], policy).unwrap(),
                live,
                index: revocable.then(|| RevocationIndex::new(100, &SystemRandom::new()).unwrap()),
                cache: TokenCache::new(max_entries, &SystemRandom::new()).unwrap(),
                scratch: Scratch::default(),
                claims: Vec::new(),
            }
        }

        /// The answer and whether it was remembered, after both have been compared with what full verification says.
        fn verify(&mut self, token: &str, now: UnixMs) -> Result<(String, bool), Code> {
            let revocation = self.index.as_ref().map(|index| -> &dyn RevocationCheck { index });
            let bytes = token.as_bytes();
            let full = self
                .verifier
                .verify(bytes, now, revocation, &mut Scratch::default())
                .map(|verified| verified.payload.to_owned());
            let answer = self
                .verifier
                .verify_cached(bytes, now, revocation, &mut self.scratch, &mut self.cache)
                .map(|answer| match answer {
                    Answer::Cached(slot) => (self.claims[usize::try_from(slot).unwrap()].clone(), true),
                    Answer::Fresh(verified) => (verified.payload.to_owned(), false),
                });
            assert_eq!(answer.as_ref().map(|(payload, _)| payload), full.as_ref());
            if let Ok((payload, false)) = &answer
                && let Some(slot) = self.cache.keep()
            {
                let slot = usize::try_from(slot).unwrap();
                if slot == self.claims.len() {
                    self.claims.push(String::new());
                }
                self.claims[slot].clone_from(payload);
            }
            assert_eq!(self.cache.keep(), None, "a token is kept once");
            answer.map_err(Error::code)
        }

        fn seen(&mut self, token: &str, now: UnixMs) -> bool {
            self.verify(token, now).unwrap().1
        }
    }

    fn at(seconds: u64) -> UnixMs {
        UnixMs::from_secs(START + seconds)
    }

    fn lasting(name: &str) -> String {
        format!(
            r#"{{"sub":"{name}","jti":"{name}","iat":{START},"exp":{}}}"#,
            START + 60
        )
    }

    #[test]
    fn a_verified_token_is_found_again_and_any_other_text_is_not() {
        let key = key("k");
        let mut cached = Cached::new(std::slice::from_ref(&key), Policy::default(), 10, false);
        let good = token(&key, &lasting("a"));
        assert!(!cached.seen(&good, at(0)));
        assert!(cached.seen(&good, at(0)));
        let (head, tail) = good.split_at(good.len() / 2);
        for bad in [
            format!("{head}A{tail}"),
            format!("{good}A"),
            good.replacen("ey", "eY", 1),
            good[1..].to_owned(),
        ] {
            assert!(cached.verify(&bad, at(0)).is_err());
            assert!(cached.verify(&bad, at(0)).is_err());
        }
        let statistics = cached.cache.statistics();
        assert_eq!(
            (statistics.hits, statistics.misses, statistics.size),
            (1, 9, 1),
            "only good tokens enter"
        );
    }

    #[test]
    fn a_hit_is_judged_by_the_clock_each_time() {
        let key = key("k");
        let policy = Policy {
            max_age: Some(Span::from_secs(50)),
            ..Policy::default()
        };
        let mut cached = Cached::new(std::slice::from_ref(&key), policy, 10, false);
        let token = token(
            &key,
            &format!(r#"{{"iat":{START},"nbf":{},"exp":{}}}"#, START + 10, START + 40),
        );
        assert_eq!(cached.verify(&token, at(9)), Err(Code::TokenNotActive));
        assert!(!cached.seen(&token, at(10)));
        assert!(cached.seen(&token, at(39)));
        assert_eq!(cached.verify(&token, at(40)), Err(Code::TokenExpired));
        assert_eq!(cached.verify(&token, at(9)), Err(Code::TokenNotActive));
        assert_eq!(cached.verify(&token, UnixMs::MAX), Err(Code::TokenExpired));
        assert!(cached.seen(&token, at(10)), "it was found all along");
        assert_eq!(cached.cache.statistics().hits, 5);
    }

    #[test]
    fn loaded_keys_past_their_time_take_remembered_tokens_and_headers_with_them() {
        let key = key("k");
        let set = || KeySet::new([key.clone()]).unwrap();
        let mut cached = Cached::new(std::slice::from_ref(&key), Policy::default(), 10, false);
        cached.live.load(set(), at(0), at(30));
        let token = token(&key, &lasting("a"));
        for _ in 0..2 {
            assert!(!cached.seen(&token, at(0)));
            assert!(cached.seen(&token, at(29)));
            assert_eq!(cached.verify(&token, at(30)), Err(Code::NotReady));
            let again = cached
                .verifier
                .verify(token.as_bytes(), at(30), None, &mut cached.scratch);
            assert_eq!(again.unwrap_err().code(), Code::NotReady);
        }
        cached.live.load(set(), at(30), at(50));
        assert!(!cached.seen(&token, at(30)));
        assert!(cached.seen(&token, at(30)));
    }

    #[test]
    fn tokens_in_use_stay_and_those_shown_once_leave() {
        let key = key("k");
        let mut cached = Cached::new(std::slice::from_ref(&key), Policy::default(), 3, false);
        let used: Vec<String> = ["a", "b"].map(|name| token(&key, &lasting(name))).to_vec();
        for token in used.iter().chain(&used) {
            cached.verify(token, at(0)).unwrap();
        }
        for stranger in 0..20 {
            assert!(!cached.seen(&token(&key, &lasting(&stranger.to_string())), at(0)));
            assert!(used.iter().all(|token| cached.seen(token, at(0))), "{stranger}");
        }
        let statistics = cached.cache.statistics();
        assert_eq!((statistics.size, statistics.evictions), (3, 19));
    }

    #[test]
    fn tokens_that_do_not_verify_push_nobody_out() {
        let (ours, theirs) = (key("k"), key("k"));
        let mut cached = Cached::new(std::slice::from_ref(&ours), Policy::default(), 1, false);
        let good = token(&ours, &lasting("a"));
        assert!(!cached.seen(&good, at(0)));
        for n in 0..10 {
            let forged = token(&theirs, &lasting(&n.to_string()));
            assert_eq!(cached.verify(&forged, at(0)), Err(Code::SignatureInvalid));
        }
        assert!(cached.seen(&good, at(0)));
    }

    #[test]
    fn other_keys_another_verifier_and_other_revocation_find_nothing() {
        let (one, other) = (key("one"), key("other"));
        let both = [one.clone(), other.clone()];
        let mut cached = Cached::new(&both, Policy::default(), 10, false);
        let good = token(&one, &lasting("a"));
        assert!(!cached.seen(&good, at(0)));
        cached.live.replace(KeySet::new([other]).unwrap());
        assert_eq!(cached.verify(&good, at(0)), Err(Code::KeyUnknown));
        assert_eq!(cached.cache.statistics().size, 0);
        cached.live.replace(KeySet::new(both).unwrap());
        assert!(!cached.seen(&good, at(0)));
        assert!(cached.seen(&good, at(0)));
        cached.index = Some(RevocationIndex::new(10, &SystemRandom::new()).unwrap());
        assert!(!cached.seen(&good, at(0)));
        cached.verifier = Verifier::new(Arc::clone(&cached.live), vec![], Policy::default()).unwrap();
        assert!(!cached.seen(&good, at(0)));
    }

    #[test]
    fn longer_tokens_are_verified_each_time() {
        let key = key("k");
        let policy = Policy {
            max_token_bytes: 20_000,
            ..Policy::default()
        };
        let mut cached = Cached::new(std::slice::from_ref(&key), policy, 10, false);
        let padded = |length: usize| token(&key, &lasting(&"x".repeat(length)));
        let (fits, exceeds) = (padded(3_000), padded(3_100));
        assert!(
            fits.len() <= MAX_CACHED_TOKEN_BYTES && exceeds.len() > MAX_CACHED_TOKEN_BYTES,
            "{}",
            fits.len()
        );
        for _ in 0..2 {
            cached.verify(&fits, at(0)).unwrap();
            assert!(!cached.seen(&exceeds, at(0)));
        }
        assert!(cached.seen(&fits, at(0)));
    }

    #[test]
    fn a_cache_without_a_bound_is_refused_and_nothing_secret_is_printed() {
        for entries in [0, MAX_CACHE_ENTRIES + 1] {
            let error = TokenCache::new(entries, &SystemRandom::new()).unwrap_err();
            assert_eq!(error.code(), Code::OptionInvalid);
        }
        let key = key("k");
        let mut cached = Cached::new(std::slice::from_ref(&key), Policy::default(), 2, false);
        cached.verify(&token(&key, &lasting("a")), at(0)).unwrap();
        assert_eq!(
            format!("{:?}", cached.cache),
            "TokenCache { statistics: CacheStatistics { hits: 0, misses: 1, evictions: 0, size: 1, max_entries: 2 }, .. }"
        );
    }

    #[derive(Clone, Debug)]
    enum Step {
        Show(usize),
        Clock(u64),
        Revoke(usize, u8),
        Keys(bool),
    }

    fn step() -> impl Strategy<Value = Step> {
        prop_oneof![
            20 => (0..12_usize).prop_map(Step::Show),
            3 => (0..80_u64).prop_map(Step::Clock),
            2 => (0..12_usize, 0..4_u8).prop_map(|(token, how)| Step::Revoke(token, how)),
            1 => any::<bool>().prop_map(Step::Keys),
        ]
    }

    proptest! {
        /// [`Cached::verify`] compares every answer with what full verification says at that moment.
        #[test]
        fn no_history_makes_the_cache_say_anything_else(steps in prop::collection::vec(step(), 1..200), max_entries in 1..14_u32) {
            let keys = [key("one"), key("other")];
            let tokens: Vec<(String, String)> = (0..12_u64).map(|n| {
                let name = format!("{n}");
                let (nbf, exp) = (START + n % 3 * 10, START + 30 + n % 5 * 10);
                let payload = format!(r#"{{"jti":"{name}","sub":"s{}","iat":{START},"nbf":{nbf},"exp":{exp}}}"#, n % 2);
                (name, token(&keys[usize::from(n % 4 == 3)], &payload))
            }).collect();
            let policy = Policy { max_life: Some(Span::from_secs(600)), ..Policy::default() };
            let mut cached = Cached::new(&keys, policy, max_entries, true);
            let mut now = at(0);
            let mut shown = 0;
            for step in steps {
                match step {
                    Step::Show(which) => {
                        let _answer = cached.verify(&tokens[which].1, now);
                        shown += 1;
                    }
                    Step::Clock(seconds) => now = at(seconds),
                    Step::Revoke(which, how) => cached.index.as_ref().unwrap().insert(&Revocation {
                        target: match how {
                            0 => Target::Subject { subject: format!("s{}", which % 2), before: now.minus(Span::from_secs(20)) },
                            1 => Target::Everything { before: now.minus(Span::from_secs(20)) },
                            2 => Target::Key { kid: "other".to_owned() },
                            _ => Target::Token { jti: tokens[which].0.clone() },
                        },
                        expires_at: UnixMs::MAX,
                    }),
                    Step::Keys(both) => {
                        let set = if both { keys.to_vec() } else { vec![keys[0].clone()] };
                        cached.live.replace(KeySet::new(set).unwrap());
                    }
                }
                let statistics = cached.cache.statistics();
                prop_assert!(statistics.size <= max_entries);
                prop_assert_eq!(statistics.hits + statistics.misses, shown);
            }
        }
    }
}
