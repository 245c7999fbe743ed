//! The revocation index of one process.
//!
//! Every verification asks it, also when a token comes out of a cache. A look-up asks at most five tables, does no I/O and
//! allocates nothing; empty tables are passed over by one atomic load each, and most names that are not held by a filter.
//!
//! Names are kept as 16-byte keyed digests: sessions, tokens and keys in tables of our own, the cut-offs of subjects in
//! dashmaps. At its bound the index refuses every verification with
//! [`Code::RevocationFull`] until it has been reloaded within the bound: it never forgets an unexpired entry.

use super::{
    asked::{Asked, Undigested},
    atomic::{AtomicUsize, Ordering},
    bound::Bound,
    cutoff::Cutoff,
    cutoffs::Cutoffs,
    digest_key::{DigestKey, Kind},
    entries::{Entries, Part, Swept},
    entry::{Revocation, Target},
    everything::Everything,
    expiry::Expiry,
    fingerprint::Fingerprint,
    table::Table,
};
use crate::{
    error::{Code, Error},
    jwt::{Identity, RevocationCheck},
    random::Random,
    session::TimedId,
    time::UnixMs,
};

/// How many entries an index takes unless told otherwise: about 400 megabytes when full.
pub const DEFAULT_CAPACITY: usize = 10_000_000;

/// In how many parts the sessions are swept, and the tokens: of ten million entries, ten thousand at a time. Half of them
/// lie behind one lock, so that of a thousand look-ups less than one meets the sweep.
const PARTS: usize = 1024;

/// The same for subjects, which are revoked one by one less often.
const PARTS_OF_SUBJECTS: usize = 64;

/// The same for keys, of which there are few.
const PARTS_OF_KEYS: usize = 1;

/// How many entries one step of the expiry looks at before it lets go, and what a part costs beside its entries: together
/// well under a millisecond.
const STEP: usize = 40_000;
const COST_OF_PART: usize = 16;

/// What is revoked, in memory. Shared by every thread of the process.
#[derive(Debug)]
pub struct RevocationIndex {
    key: DigestKey,
    bound: Bound,
    /// Revoked if present. Apart from the tokens, of which few are ever revoked by name: then none is digested and looked for.
    sessions: Entries<Table>,
    /// The same for tokens.
    tokens: Entries<Table>,
    /// The same for keys.
    keys: Entries<Table>,
    /// Cut-offs for sessions, by subject.
    subjects: Entries<Cutoffs>,
    /// Cut-offs for roles and permissions, by subject.
    permissions: Entries<Cutoffs>,
    everything: Everything,
    /// The part that the next step of the expiry begins with.
    swept: AtomicUsize,
}

impl RevocationIndex {
    /// An empty index for `capacity` entries.
    pub fn new(capacity: usize, random: &dyn Random) -> Result<Self, Error> {
        Self::in_parts(capacity, [PARTS, PARTS_OF_SUBJECTS], random)
    }

    /// The same in so many parts for sessions and tokens, and for subjects. The model has few, since they are most of the
    /// cost of a short life.
    pub(super) fn in_parts(
        capacity: usize,
        [parts, parts_of_subjects]: [usize; 2],
        random: &dyn Random,
    ) -> Result<Self, Error> {
        Ok(Self {
            key: DigestKey::generate(random)?,
            bound: Bound::new(capacity),
            sessions: Entries::new(parts, capacity),
            tokens: Entries::new(parts, capacity),
            keys: Entries::new(PARTS_OF_KEYS, 0),
            subjects: Entries::new(parts_of_subjects, capacity),
            permissions: Entries::new(parts_of_subjects, capacity),
            everything: Everything::new(),
            swept: AtomicUsize::new(0),
        })
    }

    /// Adds an entry; the later expiry and the later cut-off win over one that is there.
    pub fn insert(&self, revocation: &Revocation) {
        let expiry = Expiry::from(revocation.expires_at);
        let admit = || self.bound.admit();
        let digest = |kind, name: &str| self.key.digest(kind, name);
        match &revocation.target {
            Target::Everything { before } => self.everything.insert(Cutoff::new(*before, expiry)),
            Target::Key { kid } => self.keys.insert(digest(Kind::Key, kid), expiry, admit),
            Target::Permissions { subject, before } => {
                let cutoff = Cutoff::new(*before, expiry);
                self.permissions.insert(digest(Kind::Subject, subject), cutoff, admit);
            }
            Target::Session { sid } => self
                .sessions
                .insert(digest(Kind::Session, sid.text().as_str()), expiry, admit),
            Target::Subject { subject, before } => {
                let cutoff = Cutoff::new(*before, expiry);
                self.subjects.insert(digest(Kind::Subject, subject), cutoff, admit);
            }
            Target::Token { jti } => self.tokens.insert(digest(Kind::Token, jti), expiry, admit),
        }
    }

    /// Whether this session is revoked, by name or by a cut-off for its subject or for everything.
    pub fn reaches_session(&self, sid: &TimedId, subject: &str) -> bool {
        self.has_session(sid) || self.cutoff(subject).is_some_and(|before| sid.time() <= before)
    }

    /// Whether this session itself has been revoked by name.
    pub fn has_session(&self, sid: &TimedId) -> bool {
        self.sessions.get(self.key.digest(Kind::Session, sid.text().as_str()))
    }

    /// The latest cut-off that a new session of `subject` must start after.
    pub fn cutoff(&self, subject: &str) -> Option<UnixMs> {
        self.cutoff_in(&self.subjects, subject).max(self.everything.before())
    }

    /// The latest cut-off for roles and permissions of `subject`. A new `jti` must carry a later time; it is to be asked for
    /// before the roles are read, or a token could hold the old ones under a time that promises the new ones.
    pub fn permissions_cutoff(&self, subject: &str) -> Option<UnixMs> {
        self.cutoff_in(&self.permissions, subject)
    }

    fn cutoff_in(&self, cutoffs: &Entries<Cutoffs>, subject: &str) -> Option<UnixMs> {
        cutoffs.get(self.key.digest(Kind::Subject, subject)).map(Cutoff::before)
    }

    /// One small step of forgetting what has expired by `now`: at most some ten thousand entries, of which one part at a
    /// time is locked. Says whether it was the last of a round over all of them. Threads that do this at once share a round.
    pub fn expire(&self, now: UnixMs) -> bool {
        let mut cost = 0;
        loop {
            let part = self.swept.fetch_add(1, Ordering::AcqRel);
            let Some(swept) = self.sweep(part, now) else {
                // Others may have taken parts beyond the end meanwhile; the round begins anew for them too.
                self.swept.store(0, Ordering::Release);
                self.everything.expire(now);
                return true;
            };
            self.bound.release(swept.dropped);
            cost += swept.seen + COST_OF_PART;
            if cost >= STEP {
                return false;
            }
        }
    }

    /// Sweeps a part, counted over all maps; `None` past the last one.
    fn sweep(&self, part: usize, now: UnixMs) -> Option<Swept> {
        let mut part = part;
        for names in [&self.sessions, &self.tokens, &self.keys] {
            if part < names.parts() {
                return Some(names.sweep(part, now));
            }
            part -= names.parts();
        }
        for cutoffs in [&self.subjects, &self.permissions] {
            if part < cutoffs.parts() {
                return Some(cutoffs.sweep(part, now));
            }
            part -= cutoffs.parts();
        }
        None
    }

    /// Takes every unexpired entry of the store. An index that was full is complete again if all of them fitted and none
    /// was refused meanwhile.
    pub fn reload<'a>(&self, revocations: impl IntoIterator<Item = &'a Revocation>) {
        let begun = self.bound.begin_reload();
        for revocation in revocations {
            self.insert(revocation);
        }
        self.bound.end_reload(begun);
    }

    /// How many entries there are, the cut-off for everything apart.
    pub fn len(&self) -> usize {
        self.bound.held()
    }

    /// Whether there is no entry at all.
    pub fn is_empty(&self) -> bool {
        self.len() == 0 && self.everything.before().is_none()
    }

    /// Whether an entry had to be left out, so that nothing can be verified.
    pub fn is_full(&self) -> bool {
        self.bound.is_exceeded()
    }

    /// Whether four fifths of the capacity are taken.
    pub fn is_nearly_full(&self) -> bool {
        self.bound.is_nearly_reached()
    }

    /// Judges a token by its names and moments. All are asked for only where they matter.
    fn judge<T: Asked>(&self, token: &T) -> Result<(), Error> {
        const fn revoked(reason: &'static str) -> Result<(), Error> {
            Err(Error::because(Code::TokenRevoked, reason))
        }
        // The doubtful second is dead, and so is a token that does not say when it was issued.
        let is_cut_off = |before: UnixMs| token.made().is_none_or(|made| made <= before);
        if self.bound.is_exceeded() {
            return Err(Code::RevocationFull.into());
        }
        if found(&self.sessions, token, Kind::Session) {
            return revoked("session");
        }
        if found(&self.tokens, token, Kind::Token) {
            return revoked("token");
        }
        if found(&self.keys, token, Kind::Key) {
            return revoked("key");
        }
        if found(&self.subjects, token, Kind::Subject)
            .map(Cutoff::before)
            .is_some_and(is_cut_off)
        {
            return revoked("subject");
        }
        if self.everything.before().is_some_and(is_cut_off) {
            return revoked("everything");
        }
        // Last: a refresh makes good what is merely stale, and nothing else.
        let is_stale = |before: UnixMs| token.read().is_none_or(|read| read <= before);
        if found(&self.permissions, token, Kind::Subject)
            .map(Cutoff::before)
            .is_some_and(is_stale)
        {
            return Err(Code::PermissionsStale.into());
        }
        Ok(())
    }
}

/// What is said of one of a token's names. A processor begins to look for the next name while it waits for this one's
/// filter, and even for the next token's names, if the way there is short: so it is written for few instructions.
#[allow(
    clippy::inline_always,
    reason = "three of them make a question, and a call is a third of each"
)]
#[inline(always)]
fn found<P: Part>(entries: &Entries<P>, token: &impl Asked, kind: Kind) -> P::Found {
    if entries.is_empty() {
        return P::Found::default();
    }
    token
        .name(kind)
        .map_or_else(P::Found::default, |name| entries.get(name))
}

impl RevocationCheck for RevocationIndex {
    fn check(&self, token: &Identity<'_>, _: UnixMs) -> Result<(), Error> {
        self.judge(&Undigested { key: &self.key, token })
    }

    fn fingerprint(&self, token: &Identity<'_>) -> Fingerprint {
        let asked = Undigested { key: &self.key, token };
        Fingerprint {
            kid: asked.name(Kind::Key),
            sid: asked.name(Kind::Session),
            sub: asked.name(Kind::Subject),
            jti: asked.name(Kind::Token),
            made: asked.made(),
            read: asked.read(),
        }
    }

    fn check_again(&self, token: &Fingerprint, _: UnixMs) -> Result<(), Error> {
        self.judge(token)
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
