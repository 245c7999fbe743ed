//! A token that is asked about, by its names.

#![allow(clippy::inline_always, reason = "a call costs as much as the hash of a short name")]

use super::{
    digest::{Digest, Hash, Place},
    digest_key::{DigestKey, Kind, KindKey},
    fingerprint::{Fingerprint, made, read},
};
use crate::{encoding::json::Text, jwt::Identity, time::UnixMs};

/// What the index wants to know of a token, each when it matters.
pub(super) trait Asked {
    type Name: Name;

    /// One of its names, if it has it.
    fn name(&self, kind: Kind) -> Option<Self::Name>;

    /// When it counts as made, for cut-offs of sessions.
    fn made(&self) -> Option<UnixMs>;

    /// When its roles and permissions count as read.
    fn read(&self) -> Option<UnixMs>;
}

/// A name whose digest is made half by half, since the second half is rarely needed.
pub(super) trait Name {
    fn place(&self) -> Place;
    fn hash(&self) -> Hash;
}

/// A token whose names are still to be digested.
pub(super) struct Undigested<'a> {
    pub(super) key: &'a DigestKey,
    pub(super) token: &'a Identity<'a>,
}

/// A name that is still to be digested, and the keys for its kind.
pub(super) struct UndigestedName<'a> {
    key: &'a KindKey,
    text: Text<'a>,
}

impl<'a> Asked for Undigested<'a> {
    type Name = UndigestedName<'a>;

    #[inline(always)]
    fn name(&self, kind: Kind) -> Option<UndigestedName<'a>> {
        let text = match kind {
            Kind::Key => self.token.kid.map(Text::literal),
            Kind::Session => self.token.sid,
            Kind::Subject => self.token.sub,
            Kind::Token => self.token.jti,
        }?;
        let key = self.key.of(kind);
        Some(UndigestedName { key, text })
    }

    fn made(&self) -> Option<UnixMs> {
        made(self.token)
    }

    fn read(&self) -> Option<UnixMs> {
        read(self.token)
    }
}

impl Name for UndigestedName<'_> {
    #[inline(always)]
    fn place(&self) -> Place {
        match self.text.plain() {
            Some(plain) => self.key.place(plain),
            None => self.place_of_escaped(),
        }
    }

    #[inline(never)]
    fn hash(&self) -> Hash {
        self.key.hash(&self.text.decode())
    }
}

impl UndigestedName<'_> {
    #[cold]
    fn place_of_escaped(&self) -> Place {
        self.key.place(&self.text.decode())
    }
}

impl Asked for Fingerprint {
    type Name = Digest;

    fn name(&self, kind: Kind) -> Option<Digest> {
        match kind {
            Kind::Key => self.kid,
            Kind::Session => self.sid,
            Kind::Subject => self.sub,
            Kind::Token => self.jti,
        }
    }

    fn made(&self) -> Option<UnixMs> {
        self.made
    }

    fn read(&self) -> Option<UnixMs> {
        self.read
    }
}

impl Name for Digest {
    fn place(&self) -> Place {
        self.place
    }

    fn hash(&self) -> Hash {
        self.hash
    }
}
