//! The revocation index of one process.
//!
//! Every verification asks it, also when a token comes out of a cache. A look-up reads at most five small maps, does no
//! I/O and allocates nothing; empty maps are passed over by one atomic load each. dashmap is used behind methods that
//! return copies: no guard leaves a method, and no method holds two.
//!
//! Identifiers are kept as 16-byte keyed digests (SipHash-1-3 with 128 bits, key drawn at start), so chosen identifiers can
//! neither collide nor crowd one shard. At its bound the index refuses every verification with
//! [`Code::RevocationFull`] until it has been reloaded within the bound: it never forgets an unexpired entry.

use std::{
    hash::{BuildHasherDefault, Hasher},
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
};

use dashmap::{DashMap, mapref::entry::Entry};
use siphasher::sip128::{Hasher128, SipHasher13};

use super::{
    entry::{Revocation, Target},
    fingerprint::{Digest, Fingerprint, moment},
};
use crate::{
    error::{Code, Error},
    jwt::{Identity, RevocationCheck},
    random::{self, Random},
    session::TimedId,
    time::UnixMs,
};

/// How many entries an index takes unless told otherwise: about half a gigabyte when full.
pub const DEFAULT_CAPACITY: usize = 10_000_000;

/// What is revoked, in memory. Shared by every thread of the process.
#[derive(Debug)]
pub struct RevocationIndex {
    key: [u8; 16],
    capacity: usize,
    /// Tokens, sessions and keys: revoked if present. The value is the entry's expiry.
    ids: DashMap<Digest, UnixMs, BuildHasherDefault<DigestHasher>>,
    subjects: DashMap<Digest, Cutoff, BuildHasherDefault<DigestHasher>>,
    /// The cut-off for everything, in Unix milliseconds plus one; 0 when there is none. Written under the lock beside it,
    /// read without: release on write and acquire on read, so whoever sees it set sees the newest one published.
    everything: AtomicU64,
    /// The same with its expiry, for those who change it.
    everything_cutoff: Mutex<Option<Cutoff>>,
    /// Number of entries in both maps. Raised before an entry is inserted, with release, and read with acquire: whoever can
    /// know of an entry sees a number above zero.
    count: AtomicUsize,
    /// How many entries could not be taken, and how many of those a reload has made good. The index is complete while the
    /// two are equal. Release on write and acquire on read: who sees them equal sees the entries.
    refused: AtomicU64,
    healed: AtomicU64,
}

#[derive(Clone, Copy, Debug)]
struct Cutoff {
    before: UnixMs,
    expires_at: UnixMs,
}

/// The digests are uniformly distributed already; eight of their bytes are the hash.
#[derive(Default)]
struct DigestHasher(u64);

impl Hasher for DigestHasher {
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

#[derive(Clone, Copy)]
enum Kind {
    Key = 1,
    Session = 2,
    Subject = 3,
    Token = 4,
}

impl RevocationIndex {
    /// An empty index for `capacity` entries.
    pub fn new(capacity: usize, random: &dyn Random) -> Result<Self, Error> {
        Ok(Self {
            key: random::array(random)?,
            capacity,
            ids: DashMap::default(),
            subjects: DashMap::default(),
            everything: AtomicU64::new(0),
            everything_cutoff: Mutex::new(None),
            count: AtomicUsize::new(0),
            refused: AtomicU64::new(0),
            healed: AtomicU64::new(0),
        })
    }

    /// Adds an entry; the later expiry and the later cut-off win over one that is there.
    pub fn insert(&self, revocation: &Revocation) {
        let expires_at = revocation.expires_at;
        match &revocation.target {
            Target::Everything { before } => {
                let mut cutoff = self.everything_cutoff.lock().unwrap_or_else(PoisonError::into_inner);
                let merged = cutoff.map_or(
                    Cutoff {
                        before: *before,
                        expires_at,
                    },
                    |known| Cutoff {
                        before: known.before.max(*before),
                        expires_at: known.expires_at.max(expires_at),
                    },
                );
                *cutoff = Some(merged);
                self.everything.store(merged.before.as_millis() + 1, Ordering::Release);
            }
            Target::Key { kid } => self.insert_id(self.digest(Kind::Key, kid.as_bytes()), expires_at),
            Target::Session { sid } => {
                self.insert_id(self.digest(Kind::Session, sid.to_string().as_bytes()), expires_at);
            }
            Target::Token { jti } => self.insert_id(self.digest(Kind::Token, jti.as_bytes()), expires_at),
            Target::Subject { subject, before } => {
                let before = *before;
                match self.subjects.entry(self.digest(Kind::Subject, subject.as_bytes())) {
                    Entry::Occupied(mut there) => {
                        let cutoff = there.get_mut();
                        cutoff.before = cutoff.before.max(before);
                        cutoff.expires_at = cutoff.expires_at.max(expires_at);
                    }
                    Entry::Vacant(free) => {
                        if self.admit() {
                            free.insert(Cutoff { before, expires_at });
                        }
                    }
                }
            }
        }
    }

    fn insert_id(&self, digest: Digest, expires_at: UnixMs) {
        match self.ids.entry(digest) {
            Entry::Occupied(mut there) => {
                let later = expires_at.max(*there.get());
                *there.get_mut() = later;
            }
            Entry::Vacant(free) => {
                if self.admit() {
                    free.insert(expires_at);
                }
            }
        }
    }

    /// Counts one more entry, or marks the index as full.
    fn admit(&self) -> bool {
        let admitted = self.count.fetch_add(1, Ordering::AcqRel) < self.capacity;
        if !admitted {
            self.count.fetch_sub(1, Ordering::Relaxed);
            self.refused.fetch_add(1, Ordering::Release);
        }
        admitted
    }

    /// Whether this session is revoked, by name or by a cut-off for its subject or for everything.
    pub fn reaches_session(&self, sid: &TimedId, subject: &str) -> bool {
        self.has_session(sid) || self.cutoff(subject).is_some_and(|before| sid.time() <= before)
    }

    /// Whether this session itself has been revoked by name.
    pub fn has_session(&self, sid: &TimedId) -> bool {
        self.has(Kind::Session, sid.to_string().as_bytes())
    }

    /// The latest cut-off that a new session of `subject` must start after.
    pub fn cutoff(&self, subject: &str) -> Option<UnixMs> {
        let digest = self.digest(Kind::Subject, subject.as_bytes());
        let own = self.subjects.get(&digest).map(|cutoff| cutoff.before);
        own.max(self.everything_before())
    }

    /// Drops the entries that have expired by `now`.
    pub fn expire(&self, now: UnixMs) {
        {
            let mut cutoff = self.everything_cutoff.lock().unwrap_or_else(PoisonError::into_inner);
            if cutoff.take_if(|cutoff| cutoff.expires_at <= now).is_some() {
                self.everything.store(0, Ordering::Release);
            }
        }
        let mut dropped = 0;
        self.ids.retain(|_, expires_at| {
            let live = *expires_at > now;
            dropped += usize::from(!live);
            live
        });
        self.subjects.retain(|_, cutoff| {
            let live = cutoff.expires_at > now;
            dropped += usize::from(!live);
            live
        });
        self.count.fetch_sub(dropped, Ordering::Relaxed);
    }

    /// Takes every unexpired entry of the store. An index that was full is complete again if all of them fitted and none
    /// was refused meanwhile.
    pub fn reload<'a>(&self, revocations: impl IntoIterator<Item = &'a Revocation>) {
        let refused = self.refused.load(Ordering::Acquire);
        for revocation in revocations {
            self.insert(revocation);
        }
        if self.refused.load(Ordering::Acquire) == refused {
            self.healed.store(refused, Ordering::Release);
        }
    }

    /// How many entries there are.
    pub fn len(&self) -> usize {
        self.count.load(Ordering::Acquire)
    }

    /// Whether there is no entry at all.
    pub fn is_empty(&self) -> bool {
        self.len() == 0 && self.everything_before().is_none()
    }

    /// Whether an entry had to be left out, so that nothing can be verified.
    pub fn is_full(&self) -> bool {
        self.refused.load(Ordering::Acquire) != self.healed.load(Ordering::Acquire)
    }

    /// Whether four fifths of the capacity are taken.
    pub fn is_nearly_full(&self) -> bool {
        self.len() >= self.capacity / 5 * 4
    }

    fn everything_before(&self) -> Option<UnixMs> {
        self.everything.load(Ordering::Acquire).checked_sub(1).map(UnixMs::new)
    }

    fn has(&self, kind: Kind, id: &[u8]) -> bool {
        self.ids.contains_key(&self.digest(kind, id))
    }

    /// Judges a token by the digests of its names and by when it counts as made. Both are asked for only where they matter.
    fn judge(
        &self,
        digest_of: impl Fn(Kind) -> Option<Digest>,
        moment: impl Fn() -> Option<UnixMs>,
    ) -> Result<(), Error> {
        const fn revoked(reason: &'static str) -> Error {
            Error::because(Code::TokenRevoked, reason)
        }
        // The doubtful second is dead, and so is a token that does not say when it was issued.
        let is_cut_off = |before: UnixMs| moment().is_none_or(|moment| moment <= before);
        if self.is_full() {
            return Err(Code::RevocationFull.into());
        }
        // The maps are asked only if there is anything in them: their own is_empty() takes every shard's lock in turn.
        if self.count.load(Ordering::Acquire) > 0 {
            for (kind, reason) in [(Kind::Session, "session"), (Kind::Token, "token"), (Kind::Key, "key")] {
                if digest_of(kind).is_some_and(|digest| self.ids.contains_key(&digest)) {
                    return Err(revoked(reason));
                }
            }
            let cutoff =
                digest_of(Kind::Subject).and_then(|digest| self.subjects.get(&digest).map(|cutoff| cutoff.before));
            if cutoff.is_some_and(is_cut_off) {
                return Err(revoked("subject"));
            }
        }
        if self.everything_before().is_some_and(is_cut_off) {
            return Err(revoked("everything"));
        }
        Ok(())
    }

    fn digest_of(&self, kind: Kind, token: &Identity<'_>) -> Option<Digest> {
        let text = match kind {
            Kind::Key => return token.kid.map(|kid| self.digest(kind, kid.as_bytes())),
            Kind::Session => token.sid,
            Kind::Subject => token.sub,
            Kind::Token => token.jti,
        };
        text.map(|text| self.digest(kind, text.decode().as_bytes()))
    }

    #[expect(clippy::as_conversions, reason = "the discriminants are single bytes")]
    fn digest(&self, kind: Kind, id: &[u8]) -> Digest {
        let mut hasher = SipHasher13::new_with_key(&self.key);
        hasher.write_u8(kind as u8);
        hasher.write(id);
        hasher.finish128().as_bytes()
    }
}

impl RevocationCheck for RevocationIndex {
    fn check(&self, token: &Identity<'_>, _: UnixMs) -> Result<(), Error> {
        self.judge(|kind| self.digest_of(kind, token), || moment(token))
    }

    fn fingerprint(&self, token: &Identity<'_>) -> Fingerprint {
        Fingerprint {
            kid: self.digest_of(Kind::Key, token),
            sid: self.digest_of(Kind::Session, token),
            sub: self.digest_of(Kind::Subject, token),
            jti: self.digest_of(Kind::Token, token),
            moment: moment(token),
        }
    }

    fn check_again(&self, token: &Fingerprint, _: UnixMs) -> Result<(), Error> {
        let digest = |kind| match kind {
            Kind::Key => token.kid,
            Kind::Session => token.sid,
            Kind::Subject => token.sub,
            Kind::Token => token.jti,
        };
        self.judge(digest, || token.moment)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        encoding::json::{Value, scan_object},
        random::SystemRandom,
        time::Span,
    };

    const NOW: UnixMs = UnixMs::new(1_700_000_000_500);
    const LATER: UnixMs = UnixMs::new(1_700_000_060_000);

    fn index(capacity: usize) -> RevocationIndex {
        RevocationIndex::new(capacity, &SystemRandom::new()).unwrap()
    }

    fn sid(at: u64) -> TimedId {
        TimedId::generate(UnixMs::new(at), &SystemRandom::new()).unwrap()
    }

    fn revoke(index: &RevocationIndex, target: Target) {
        index.insert(&Revocation {
            target,
            expires_at: LATER,
        });
    }

    /// The index's answer for a token with these claims, signed by key `k`.
    fn reason(index: &RevocationIndex, claims: &str) -> Option<&'static str> {
        let mut identity = Identity {
            jti: None,
            sid: None,
            sub: None,
            kid: Some("k"),
            issued: None,
        };
        scan_object(claims, |name, value| match (name.plain(), value) {
            (Some("jti"), Value::String(text)) => identity.jti = Some(text),
            (Some("sid"), Value::String(text)) => identity.sid = Some(text),
            (Some("sub"), Value::String(text)) => identity.sub = Some(text),
            (Some("iat"), Value::Number(number)) => identity.issued = number.parse().ok(),
            _ => {}
        })
        .unwrap();
        let answer = index.check(&identity, NOW);
        let again = index.check_again(&index.fingerprint(&identity), NOW);
        assert_eq!(again, answer, "a fingerprint is judged as the token itself is");
        answer.err().map(|error| {
            assert_eq!(error.code(), Code::TokenRevoked);
            error.reason().unwrap()
        })
    }

    #[test]
    fn a_token_a_session_and_a_key_are_revoked_by_name() {
        let index = index(10);
        let sid = sid(1_700_000_000_000);
        assert_eq!(reason(&index, r#"{"jti":"a"}"#), None);
        revoke(&index, Target::Token { jti: "a".into() });
        revoke(&index, Target::Session { sid });
        assert_eq!(reason(&index, r#"{"jti":"a"}"#), Some("token"));
        assert_eq!(reason(&index, r#"{"jti":"\u0061"}"#), Some("token"));
        assert_eq!(reason(&index, &format!(r#"{{"sid":"{sid}"}}"#)), Some("session"));
        assert_eq!(reason(&index, r#"{"jti":"b","sid":"a","sub":"a"}"#), None);
        revoke(&index, Target::Key { kid: "k".into() });
        assert_eq!(reason(&index, "{}"), Some("key"));
    }

    #[test]
    fn a_cut_off_compares_with_the_start_of_the_session_to_the_millisecond() {
        let index = index(10);
        revoke(
            &index,
            Target::Subject {
                subject: "alice".into(),
                before: NOW,
            },
        );
        let claims = |sub: &str, start: u64| format!(r#"{{"sub":"{sub}","sid":"{}","iat":1700000001}}"#, sid(start));
        assert_eq!(reason(&index, &claims("alice", NOW.as_millis())), Some("subject"));
        assert_eq!(reason(&index, &claims("alice", NOW.as_millis() + 1)), None);
        assert_eq!(reason(&index, &claims("bob", NOW.as_millis())), None);
        revoke(&index, Target::Everything { before: NOW });
        assert_eq!(reason(&index, &claims("bob", NOW.as_millis())), Some("everything"));
        assert_eq!(reason(&index, &claims("bob", NOW.as_millis() + 1)), None);
    }

    #[test]
    fn a_foreign_token_is_judged_by_its_second_and_the_doubtful_one_is_dead() {
        let index = index(10);
        revoke(
            &index,
            Target::Subject {
                subject: "alice".into(),
                before: NOW,
            },
        );
        for (claims, expected) in [
            (r#"{"sub":"alice","iat":1700000000}"#, Some("subject")),
            (r#"{"sub":"alice","iat":1700000001}"#, None),
            (r#"{"sub":"alice"}"#, Some("subject")),
            (
                r#"{"sub":"alice","sid":"f81d4fae-7dec-11d0-a765-00a0c91e6bf6","iat":1700000000}"#,
                Some("subject"),
            ),
            // 22 characters that read as a time long before or after the token's own are no sid of ours.
            (
                r#"{"sub":"alice","sid":"AAAAAAAAAAAAAAAAAAAAAA","iat":1700000001}"#,
                None,
            ),
            (
                r#"{"sub":"alice","sid":"_____________________w","iat":1700000000}"#,
                Some("subject"),
            ),
        ] {
            assert_eq!(reason(&index, claims), expected, "{claims}");
        }
    }

    #[test]
    fn the_later_cut_off_wins() {
        let index = index(10);
        revoke(
            &index,
            Target::Subject {
                subject: "alice".into(),
                before: NOW,
            },
        );
        revoke(
            &index,
            Target::Subject {
                subject: "alice".into(),
                before: UnixMs::new(5),
            },
        );
        assert_eq!(index.cutoff("alice"), Some(NOW));
        revoke(&index, Target::Everything { before: LATER });
        assert_eq!(index.cutoff("alice"), Some(LATER));
        assert_eq!(index.cutoff("bob"), Some(LATER));
        assert_eq!(index.len(), 1);
    }

    #[test]
    fn an_entry_is_kept_until_it_expires_and_not_longer() {
        let index = index(10);
        revoke(&index, Target::Token { jti: "a".into() });
        revoke(&index, Target::Everything { before: NOW });
        index.expire(LATER.minus(Span::from_millis(1)));
        assert_eq!(reason(&index, r#"{"jti":"a","iat":1700000001}"#), Some("token"));
        index.expire(LATER);
        assert_eq!(reason(&index, r#"{"jti":"a","iat":1}"#), None);
        assert!(index.is_empty());
    }

    #[test]
    fn at_its_bound_it_refuses_everything_and_forgets_nothing() {
        let index = index(5);
        for jti in ["a", "b", "c", "d"] {
            revoke(&index, Target::Token { jti: jti.into() });
        }
        assert!(index.is_nearly_full());
        revoke(&index, Target::Token { jti: "e".into() });
        assert!(!index.is_full());
        revoke(&index, Target::Token { jti: "a".into() });
        assert!(!index.is_full(), "an entry that is there already takes no room");
        revoke(&index, Target::Token { jti: "f".into() });
        let identity = Identity {
            jti: None,
            sid: None,
            sub: None,
            kid: None,
            issued: None,
        };
        assert_eq!(index.check(&identity, NOW).unwrap_err().code(), Code::RevocationFull);
        let stored = |jtis: &[&str]| -> Vec<Revocation> {
            let target = |jti: &&str| Target::Token { jti: (*jti).to_owned() };
            jtis.iter()
                .map(|jti| Revocation {
                    target: target(jti),
                    expires_at: LATER,
                })
                .collect()
        };
        index.reload(&stored(&["a", "b", "c", "d", "e", "f"]));
        assert!(index.is_full(), "what does not fit cannot be made good");
        index.reload(&stored(&["a", "b", "c", "d", "e"]));
        assert!(!index.is_full());
        assert_eq!(index.len(), 5);
        assert_eq!(reason(&index, r#"{"jti":"e"}"#), Some("token"));
    }
}
