//! The secret under which names are digested.

#![allow(clippy::inline_always, reason = "a call costs as much as the hash of a short name")]

use siphasher::sip128::SipHasher13;

use super::{digest::Digest, nh::Nh};
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

/// The keys for one kind of name.
struct KindKey {
    short: Nh,
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

    #[inline(always)]
    pub(super) fn digest(&self, kind: Kind, name: &str) -> Digest {
        let key = match kind {
            Kind::Key => &self.key,
            Kind::Session => &self.session,
            Kind::Subject => &self.subject,
            Kind::Token => &self.token,
        };
        Digest::of(key.short.sum(name.as_bytes()).unwrap_or_else(|| key.hash_of_long(name)))
    }
}

impl KindKey {
    fn generate(random: &dyn Random) -> Result<Self, Error> {
        Ok(Self {
            short: Nh::generate(random)?,
            long: SipHasher13::new_with_key(&random::array(random)?),
        })
    }

    #[cold]
    fn hash_of_long(&self, name: &str) -> u128 {
        self.long.hash(name.as_bytes()).as_u128()
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
                let digest = key.digest(kind, name);
                assert_eq!(digest, key.digest(kind, name));
                seen.extend([digest.place.get(), digest.hash.get()]);
            }
            seen.sort_unstable();
            seen.dedup();
            assert_eq!(seen.len(), 16, "{name}");
        }
    }

    #[test]
    fn what_goes_by_a_digest_is_spread_evenly() {
        const NAMES: u32 = 1 << 18;
        const BOXES: usize = 256;
        let key = DigestKey::generate(&SystemRandom::new()).unwrap();
        for like in ["user-", "0123456789abcdef-", "an identifier that is rather long: "] {
            let mut boxes = [[0_u32; BOXES]; 8];
            for number in 0..NAMES {
                let Digest { place, hash } = key.digest(Kind::Subject, &format!("{like}{number}"));
                let [bits, word, part] = [place.get() & 63, place.get() >> 6 & 63, place.get() >> 12 & 63];
                let at = [
                    place.part_of(BOXES),
                    place.word_of(BOXES),
                    hash.bucket_of(BOXES),
                    usize::try_from(bits << 2 | place.get() >> 62).unwrap(),
                    usize::try_from(word << 2 | place.get() >> 62).unwrap(),
                    usize::try_from(part << 2 | place.get() >> 62).unwrap(),
                    place.part_of(16) << 4 | hash.bucket_of(16),
                    place.word_of(16) << 4 | hash.bucket_of(16),
                ];
                for (boxes, at) in boxes.iter_mut().zip(at) {
                    boxes[at] += 1;
                }
            }
            // 1,024 in each box, give or take 32; of 6,144 boxes none is off by seven times as much, by chance.
            for boxes in boxes {
                assert!(
                    boxes.iter().all(|names| names.abs_diff(1024) < 7 * 32),
                    "{like}: {boxes:?}"
                );
            }
        }
    }

    #[test]
    fn it_prints_nothing_of_itself() {
        let key = DigestKey::generate(&SystemRandom::new()).unwrap();
        assert_eq!(format!("{key:?}"), "DigestKey");
    }
}
