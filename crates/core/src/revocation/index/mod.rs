//! The revocation index of one process.
//!
//! Every verification asks it, also when a token comes out of a cache. A look-up reads at most five maps, does no I/O and
//! allocates nothing; empty maps are passed over by one atomic load each, and so are most names that are not held.
//!
//! Names are kept as 16-byte keyed digests. At its bound the index refuses every verification with
//! [`Code::RevocationFull`] until it has been reloaded within the bound: it never forgets an unexpired entry.

use super::{
    atomic::{AtomicUsize, Ordering},
    bound::Bound,
    cutoff::Cutoff,
    digest::{Digest, DigestKey, Kind},
    entries::{Entries, Swept},
    entry::{Revocation, Target},
    everything::Everything,
    expiry::Expiry,
    fingerprint::{Fingerprint, made, read},
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

/// In how many parts the sessions and tokens are swept: of ten million entries, twenty thousand at a time.
const PARTS: usize = 512;

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
    /// Sessions and tokens: revoked if present.
    ids: Entries<Expiry>,
    /// The same for keys.
    keys: Entries<Expiry>,
    /// Cut-offs for sessions, by subject.
    subjects: Entries<Cutoff>,
    /// Cut-offs for roles and permissions, by subject.
    permissions: Entries<Cutoff>,
    everything: Everything,
    /// The part that the next step of the expiry begins with.
    swept: AtomicUsize,
}

impl RevocationIndex {
    /// An empty index for `capacity` entries.
    pub fn new(capacity: usize, random: &dyn Random) -> Result<Self, Error> {
        Ok(Self {
            key: DigestKey::generate(random)?,
            bound: Bound::new(capacity),
            ids: Entries::new(PARTS, capacity),
            keys: Entries::new(PARTS_OF_KEYS, 0),
            subjects: Entries::new(PARTS_OF_SUBJECTS, capacity),
            permissions: Entries::new(PARTS_OF_SUBJECTS, capacity),
            everything: Everything::new(),
            swept: AtomicUsize::new(0),
        })
    }

    /// Adds an entry; the later expiry and the later cut-off win over one that is there.
    pub fn insert(&self, revocation: &Revocation) {
        let expiry = Expiry::from(revocation.expires_at);
        let admit = || self.bound.admit();
        let digest = |kind, name: &str| self.key.digest(kind, name.as_bytes());
        match &revocation.target {
            Target::Everything { before } => self.everything.insert(Cutoff::new(*before, expiry)),
            Target::Key { kid } => self.keys.insert(digest(Kind::Key, kid), expiry, admit),
            Target::Permissions { subject, before } => {
                let cutoff = Cutoff::new(*before, expiry);
                self.permissions.insert(digest(Kind::Subject, subject), cutoff, admit);
            }
            Target::Session { sid } => self.ids.insert(digest(Kind::Session, &sid.to_string()), expiry, admit),
            Target::Subject { subject, before } => {
                let cutoff = Cutoff::new(*before, expiry);
                self.subjects.insert(digest(Kind::Subject, subject), cutoff, admit);
            }
            Target::Token { jti } => self.ids.insert(digest(Kind::Token, jti), expiry, admit),
        }
    }

    /// Whether this session is revoked, by name or by a cut-off for its subject or for everything.
    pub fn reaches_session(&self, sid: &TimedId, subject: &str) -> bool {
        self.has_session(sid) || self.cutoff(subject).is_some_and(|before| sid.time() <= before)
    }

    /// Whether this session itself has been revoked by name.
    pub fn has_session(&self, sid: &TimedId) -> bool {
        self.ids
            .contains(&self.key.digest(Kind::Session, sid.to_string().as_bytes()))
    }

    /// The latest cut-off that a new session of `subject` must start after.
    pub fn cutoff(&self, subject: &str) -> Option<UnixMs> {
        let own = self.subjects.get(&self.key.digest(Kind::Subject, subject.as_bytes()));
        own.map(Cutoff::before).max(self.everything.before())
    }

    /// The latest cut-off for roles and permissions of `subject`. A new `jti` must carry a later time; it is to be asked for
    /// before the roles are read, or a token could hold the old ones under a time that promises the new ones.
    pub fn permissions_cutoff(&self, subject: &str) -> Option<UnixMs> {
        let own = self
            .permissions
            .get(&self.key.digest(Kind::Subject, subject.as_bytes()));
        own.map(Cutoff::before)
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
        if part < self.ids.parts() {
            return Some(self.ids.sweep(part, now));
        }
        part -= self.ids.parts();
        if part < self.keys.parts() {
            return Some(self.keys.sweep(part, now));
        }
        part -= self.keys.parts();
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

    /// Judges a token by the digests of its names and by its moments. All are asked for only where they matter.
    fn judge(
        &self,
        digest_of: impl Fn(Kind) -> Option<Digest>,
        made: impl Fn() -> Option<UnixMs>,
        read: impl Fn() -> Option<UnixMs>,
    ) -> Result<(), Error> {
        const fn revoked(reason: &'static str) -> Result<(), Error> {
            Err(Error::because(Code::TokenRevoked, reason))
        }
        let is_in = |entries: &Entries<Expiry>, kind| {
            !entries.is_empty() && digest_of(kind).is_some_and(|digest| entries.contains(&digest))
        };
        let has_cutoffs = !self.subjects.is_empty() || !self.permissions.is_empty();
        let subject = if has_cutoffs { digest_of(Kind::Subject) } else { None };
        let cutoff_in = |cutoffs: &Entries<Cutoff>| {
            let subject = subject.filter(|_| !cutoffs.is_empty())?;
            cutoffs.get(&subject).map(Cutoff::before)
        };
        // The doubtful second is dead, and so is a token that does not say when it was issued.
        let is_cut_off = |before: UnixMs| made().is_none_or(|made| made <= before);
        if self.bound.is_exceeded() {
            return Err(Code::RevocationFull.into());
        }
        if is_in(&self.ids, Kind::Session) {
            return revoked("session");
        }
        if is_in(&self.ids, Kind::Token) {
            return revoked("token");
        }
        if is_in(&self.keys, Kind::Key) {
            return revoked("key");
        }
        if cutoff_in(&self.subjects).is_some_and(is_cut_off) {
            return revoked("subject");
        }
        if self.everything.before().is_some_and(is_cut_off) {
            return revoked("everything");
        }
        // Last: a refresh makes good what is merely stale, and nothing else.
        if cutoff_in(&self.permissions).is_some_and(|before| read().is_none_or(|read| read <= before)) {
            return Err(Code::PermissionsStale.into());
        }
        Ok(())
    }

    fn digest_of(&self, kind: Kind, token: &Identity<'_>) -> Option<Digest> {
        let text = match kind {
            Kind::Key => return token.kid.map(|kid| self.key.digest(kind, kid.as_bytes())),
            Kind::Session => token.sid,
            Kind::Subject => token.sub,
            Kind::Token => token.jti,
        };
        text.map(|text| self.key.digest(kind, text.decode().as_bytes()))
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
mod tests;
