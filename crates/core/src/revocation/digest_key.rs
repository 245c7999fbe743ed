//! The secret under which names are digested.

#![allow(clippy::inline_always, reason = "a call costs as much as the hash of a short name")]

use siphasher::sip128::SipHasher13;

use super::{
    digest::{Digest, Hash, Place},
    multilinear::Multilinear,
};
use crate::{
    error::Error,
    random::{self, Random},
};

/// What a name is a name of. Equal names of two kinds have different digests.
#[derive(Clone, Copy)]
pub(super) enum Kind {
    Key,
    Session,
    Subject,
    Token,
}

/// The keys of one index, one for each kind: drawn at start, so chosen names can neither collide nor crowd one part.
pub(super) struct DigestKey {
    key: KindKey,
    session: KindKey,
    subject: KindKey,
    token: KindKey,
}

/// The keys for one kind of name: for each half of the digests of short ones, and for long ones.
pub(super) struct KindKey {
    place: Multilinear,
    hash: Multilinear,
    long: SipHasher13,
}

impl DigestKey {
    pub(super) fn generate(random: &dyn Random) -> Result<Self, Error> {
        Ok(Self {
            key: KindKey::generate(random)?,
            session: KindKey::generate(random)?,
            subject: KindKey::generate(random)?,
            token: KindKey::generate(random)?,
        })
    }

    #[inline]
    pub(super) const fn of(&self, kind: Kind) -> &KindKey {
        match kind {
            Kind::Key => &self.key,
            Kind::Session => &self.session,
            Kind::Subject => &self.subject,
            Kind::Token => &self.token,
        }
    }
}

impl KindKey {
    fn generate(random: &dyn Random) -> Result<Self, Error> {
        Ok(Self {
            place: Multilinear::generate(random)?,
            hash: Multilinear::generate(random)?,
            long: SipHasher13::new_with_key(&random::array(random)?),
        })
    }

    pub(super) fn digest(&self, name: &str) -> Digest {
        Digest {
            place: self.place(name),
            hash: self.hash(name),
        }
    }

    #[inline(always)]
    pub(super) fn place(&self, name: &str) -> Place {
        let place = self.place.hash(name.as_bytes());
        Place::new(place.unwrap_or_else(|| self.long_place(name)))
    }

    #[inline]
    pub(super) fn hash(&self, name: &str) -> Hash {
        let hash = self.hash.hash(name.as_bytes());
        Hash::new(hash.unwrap_or_else(|| self.long(name)[1]))
    }

    #[cold]
    fn long_place(&self, name: &str) -> u64 {
        self.long(name)[0]
    }

    /// Both halves for a name that is too long for the others.
    #[cold]
    fn long(&self, name: &str) -> [u64; 2] {
        let digest = self.long.hash(name.as_bytes());
        [digest.h1, digest.h2]
    }
}

impl std::fmt::Debug for DigestKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("DigestKey")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::SystemRandom;

    const KINDS: [Kind; 4] = [Kind::Key, Kind::Session, Kind::Subject, Kind::Token];

    #[test]
    fn a_name_has_one_digest_a_kind_and_a_key() {
        let keys = [(); 2].map(|()| DigestKey::generate(&SystemRandom::new()).unwrap());
        for name in [
            "",
            "alice",
            &"long".repeat(16),
            &"longer".repeat(11),
            &"longest".repeat(1000),
        ] {
            let mut seen = Vec::new();
            for (key, kind) in keys.iter().flat_map(|key| KINDS.map(|kind| (key, kind))) {
                let digest = key.of(kind).digest(name);
                assert_eq!(digest, key.of(kind).digest(name));
                seen.extend([digest.place.get(), digest.hash.get()]);
            }
            seen.sort_unstable();
            seen.dedup();
            assert_eq!(seen.len(), 16, "{name}");
        }
    }

    #[test]
    fn it_prints_nothing_of_itself() {
        let key = DigestKey::generate(&SystemRandom::new()).unwrap();
        assert_eq!(format!("{key:?}"), "DigestKey");
    }
}
