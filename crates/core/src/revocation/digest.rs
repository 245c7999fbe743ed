//! What is kept of a name: a keyed digest.

use std::hash::Hasher;

use siphasher::sip128::SipHasher13;

use crate::{
    error::Error,
    random::{self, Random},
};

/// A keyed digest of a name.
pub(super) type Digest = [u8; 16];

/// What a name is a name of. Equal names of two kinds have different digests.
#[derive(Clone, Copy)]
pub(super) enum Kind {
    Key,
    Session,
    Subject,
    Token,
}

/// The keys of one index, one for each kind: drawn at start, so chosen names can neither collide nor crowd one shard.
pub(super) struct DigestKey {
    key: SipHasher13,
    session: SipHasher13,
    subject: SipHasher13,
    token: SipHasher13,
}

impl DigestKey {
    pub(super) fn generate(random: &dyn Random) -> Result<Self, Error> {
        let drawn = || random::array(random).map(|key| SipHasher13::new_with_key(&key));
        Ok(Self {
            key: drawn()?,
            session: drawn()?,
            subject: drawn()?,
            token: drawn()?,
        })
    }

    #[inline]
    pub(super) fn digest(&self, kind: Kind, name: &[u8]) -> Digest {
        let hasher = match kind {
            Kind::Key => &self.key,
            Kind::Session => &self.session,
            Kind::Subject => &self.subject,
            Kind::Token => &self.token,
        };
        // In one go: the streaming face, which buffers, takes about three times as long for a name of 22 characters.
        hasher.hash(name).as_bytes()
    }
}

impl std::fmt::Debug for DigestKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("DigestKey")
    }
}

/// The digests are uniformly distributed already; eight of their bytes are the hash.
#[derive(Default)]
pub(super) struct DigestHasher(u64);

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
