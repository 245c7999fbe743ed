//! The revocation index of one process.
//!
//! Every verification asks it, also when a token comes out of a cache. A look-up reads at most three maps, does no I/O and
//! allocates nothing; as long as all of them are empty none is asked. dashmap is used behind methods that
//! return copies: no guard leaves a method, and no method holds two.
//!
//! Identifiers are kept as 16-byte keyed digests (SipHash-1-3 with 128 bits, key drawn at start), so chosen identifiers can
//! neither collide nor crowd one shard. At its bound the index refuses every verification with
//! [`Code::RevocationFull`] until it has been reloaded within the bound: it never forgets an unexpired entry.

use std::{
    hash::BuildHasherDefault,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
};

use dashmap::{DashMap, mapref::entry::Entry};

use super::{
    cutoffs::{Cutoff, Cutoffs},
    digest::{Digest, DigestHasher, DigestKey, Kind},
    entry::{Revocation, Target},
    fingerprint::{Fingerprint, made, read},
};
use crate::{
    error::{Code, Error},
    jwt::{Identity, RevocationCheck},
    random::Random,
    session::TimedId,
    time::UnixMs,
};

/// How many entries an index takes unless told otherwise: about half a gigabyte when full.
pub const DEFAULT_CAPACITY: usize = 10_000_000;

/// What is revoked, in memory. Shared by every thread of the process.
#[derive(Debug)]
pub struct RevocationIndex {
    key: DigestKey,
    capacity: usize,
    /// Tokens, sessions and keys: revoked if present. The value is the entry's expiry.
    ids: DashMap<Digest, UnixMs, BuildHasherDefault<DigestHasher>>,
    /// For sessions, by subject.
    subjects: Cutoffs,
    /// For roles and permissions, by subject.
    permissions: Cutoffs,
    /// The cut-off for everything, in Unix milliseconds plus one; 0 when there is none. Written under the lock beside it,
    /// read without: release on write and acquire on read, so whoever sees it set sees the newest one published.
    everything: AtomicU64,
    /// The same with its expiry, for those who change it.
    everything_cutoff: Mutex<Option<Cutoff>>,
    /// Number of entries in the three maps. Raised before an entry is inserted, with release, and read with acquire: whoever can
    /// know of an entry sees a number above zero.
    count: AtomicUsize,
    /// How many entries could not be taken, and how many of those a reload has made good. The index is complete while the
    /// two are equal. Release on write and acquire on read: who sees them equal sees the entries.
    refused: AtomicU64,
    healed: AtomicU64,
}

impl RevocationIndex {
    /// An empty index for `capacity` entries.
    pub fn new(capacity: usize, random: &dyn Random) -> Result<Self, Error> {
        Ok(Self {
            key: DigestKey::generate(random)?,
            capacity,
            ids: DashMap::default(),
            subjects: Cutoffs::default(),
            permissions: Cutoffs::default(),
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
                let new = Cutoff {
                    before: *before,
                    expires_at,
                };
                let mut cutoff = self.everything_cutoff.lock().unwrap_or_else(PoisonError::into_inner);
                let merged = cutoff.map_or(new, |known| known.merged(new));
                *cutoff = Some(merged);
                self.everything.store(merged.before.as_millis() + 1, Ordering::Release);
            }
            Target::Key { kid } => self.insert_id(self.digest(Kind::Key, kid.as_bytes()), expires_at),
            Target::Session { sid } => {
                self.insert_id(self.digest(Kind::Session, sid.to_string().as_bytes()), expires_at);
            }
            Target::Token { jti } => self.insert_id(self.digest(Kind::Token, jti.as_bytes()), expires_at),
            Target::Permissions { subject, before } => {
                self.insert_cutoff(&self.permissions, subject, *before, expires_at);
            }
            Target::Subject { subject, before } => self.insert_cutoff(&self.subjects, subject, *before, expires_at),
        }
    }

    fn insert_cutoff(&self, cutoffs: &Cutoffs, subject: &str, before: UnixMs, expires_at: UnixMs) {
        let name = self.digest(Kind::Subject, subject.as_bytes());
        cutoffs.insert(name, Cutoff { before, expires_at }, || self.admit());
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
        let own = self.subjects.before(&self.digest(Kind::Subject, subject.as_bytes()));
        own.max(self.everything_before())
    }

    /// The latest cut-off for roles and permissions of `subject`. A new `jti` must carry a later time; it is to be asked for
    /// before the roles are read, or a token could hold the old ones under a time that promises the new ones.
    pub fn permissions_cutoff(&self, subject: &str) -> Option<UnixMs> {
        self.permissions.before(&self.digest(Kind::Subject, subject.as_bytes()))
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
        dropped += self.subjects.expire(now) + self.permissions.expire(now);
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

    /// Judges a token by the digests of its names and by its moments. All are asked for only where they matter.
    fn judge(
        &self,
        digest_of: impl Fn(Kind) -> Option<Digest>,
        made: impl Fn() -> Option<UnixMs>,
        read: impl Fn() -> Option<UnixMs>,
    ) -> Result<(), Error> {
        const fn revoked(reason: &'static str) -> Error {
            Error::because(Code::TokenRevoked, reason)
        }
        // The doubtful second is dead, and so is a token that does not say when it was issued.
        let is_cut_off = |before: UnixMs| made().is_none_or(|made| made <= before);
        if self.is_full() {
            return Err(Code::RevocationFull.into());
        }
        // The maps are asked only if there is anything in them: their own is_empty() takes every shard's lock in turn.
        let mut stale = false;
        if self.count.load(Ordering::Acquire) > 0 {
            for (kind, reason) in [(Kind::Session, "session"), (Kind::Token, "token"), (Kind::Key, "key")] {
                if digest_of(kind).is_some_and(|digest| self.ids.contains_key(&digest)) {
                    return Err(revoked(reason));
                }
            }
            if let Some(subject) = digest_of(Kind::Subject) {
                if self.subjects.before(&subject).is_some_and(is_cut_off) {
                    return Err(revoked("subject"));
                }
                let before = self.permissions.before(&subject);
                stale = before.is_some_and(|before| read().is_none_or(|read| read <= before));
            }
        }
        if self.everything_before().is_some_and(is_cut_off) {
            return Err(revoked("everything"));
        }
        // Last: a refresh makes good what is merely stale, and nothing else.
        if stale {
            return Err(Code::PermissionsStale.into());
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

    fn digest(&self, kind: Kind, name: &[u8]) -> Digest {
        self.key.digest(kind, name)
    }
}

impl RevocationCheck for RevocationIndex {
    fn check(&self, token: &Identity<'_>, _: UnixMs) -> Result<(), Error> {
        self.judge(|kind| self.digest_of(kind, token), || made(token), || read(token))
    }

    fn fingerprint(&self, token: &Identity<'_>) -> Fingerprint {
        Fingerprint {
            kid: self.digest_of(Kind::Key, token),
            sid: self.digest_of(Kind::Session, token),
            sub: self.digest_of(Kind::Subject, token),
            jti: self.digest_of(Kind::Token, token),
            made: made(token),
            read: read(token),
        }
    }

    fn check_again(&self, token: &Fingerprint, _: UnixMs) -> Result<(), Error> {
        let digest = |kind| match kind {
            Kind::Key => token.kid,
            Kind::Session => token.sid,
            Kind::Subject => token.sub,
            Kind::Token => token.jti,
        };
        self.judge(digest, || token.made, || token.read)
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
        answer.err().map(|error| match error.code() {
            Code::PermissionsStale => "stale",
            code => {
                assert_eq!(code, Code::TokenRevoked);
                error.reason().unwrap()
            }
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
    fn stale_permissions_go_by_the_time_in_the_jti_to_the_millisecond() {
        let index = index(10);
        let before = NOW;
        revoke(
            &index,
            Target::Permissions {
                subject: "alice".into(),
                before,
            },
        );
        let claims = |sub: &str, read: u64, iat: u64| format!(r#"{{"sub":"{sub}","jti":"{}","iat":{iat}}}"#, sid(read));
        let now = NOW.as_millis();
        assert_eq!(reason(&index, &claims("alice", now, 1_700_000_000)), Some("stale"));
        assert_eq!(reason(&index, &claims("alice", now + 1, 1_700_000_000)), None);
        assert_eq!(reason(&index, &claims("bob", now, 1_700_000_000)), None);
        // Read long before it was issued, as a renewed token's are.
        assert_eq!(reason(&index, &claims("alice", now - 1, 1_700_005_000)), Some("stale"));
        // Moved behind the cut-off of a host whose clock is a little ahead.
        assert_eq!(reason(&index, &claims("alice", now + 1, 1_699_999_980)), None);
        assert_eq!(index.permissions_cutoff("alice"), Some(before));
        assert_eq!(index.permissions_cutoff("bob"), None);
        assert_eq!(index.cutoff("alice"), None, "sessions go on");
    }

    #[test]
    fn foreign_permissions_of_the_doubtful_second_are_stale_and_so_are_undated_ones() {
        let index = index(10);
        revoke(
            &index,
            Target::Permissions {
                subject: "alice".into(),
                before: NOW,
            },
        );
        for jti in [
            "",
            r#""jti":"x","#,
            r#""jti":"AAAAAAAAAAAAAAAAAAAAAA","#,
            r#""jti":"__________________________","#,
        ] {
            let at = |iat: &str| reason(&index, &format!(r#"{{"sub":"alice",{jti}"x":0{iat}}}"#));
            assert_eq!(at(r#","iat":1700000000"#), Some("stale"), "{jti}");
            assert_eq!(at(r#","iat":1700000001"#), None, "{jti}");
            assert_eq!(at(""), Some("stale"), "{jti}");
        }
    }

    #[test]
    fn what_is_revoked_and_stale_is_revoked() {
        let index = index(10);
        let subject = "alice".to_owned();
        revoke(&index, Target::Permissions { subject, before: NOW });
        revoke(&index, Target::Everything { before: NOW });
        assert_eq!(reason(&index, r#"{"sub":"alice","iat":1}"#), Some("everything"));
        index.expire(LATER);
        assert_eq!(reason(&index, r#"{"sub":"alice","iat":1}"#), None);
        assert!(index.is_empty());
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
