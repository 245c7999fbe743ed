//! A token that is asked about, by its names.

#![allow(clippy::inline_always, reason = "a call costs as much as the hash of a short name")]

use super::{
    digest::Digest,
    digest_key::{DigestKey, Kind},
    fingerprint::{Fingerprint, made, read},
};
use crate::{encoding::json::Text, jwt::Identity, time::UnixMs};

/// What the index wants to know of a token, each when it matters.
pub(super) trait Asked {
    /// The digest of one of its names, if it has it.
    fn name(&self, kind: Kind) -> Option<Digest>;

    /// When it counts as made, for cut-offs of sessions.
    fn made(&self) -> Option<UnixMs>;

    /// When its roles and permissions count as read.
    fn read(&self) -> Option<UnixMs>;
}

/// A token whose names are still to be digested.
pub(super) struct Undigested<'a> {
    pub(super) key: &'a DigestKey,
    pub(super) token: &'a Identity<'a>,
}

impl Asked for Undigested<'_> {
    #[inline(always)]
    fn name(&self, kind: Kind) -> Option<Digest> {
        let text = match kind {
            Kind::Key => self.token.kid.map(Text::literal),
            Kind::Session => self.token.sid,
            Kind::Subject => self.token.sub,
            Kind::Token => self.token.jti,
        }?;
        Some(match text.plain() {
            Some(plain) => self.key.digest(kind, plain),
            None => self.digest_of_escaped(kind, &text),
        })
    }

    fn made(&self) -> Option<UnixMs> {
        made(self.token)
    }

    fn read(&self) -> Option<UnixMs> {
        read(self.token)
    }
}

impl Undigested<'_> {
    #[cold]
    fn digest_of_escaped(&self, kind: Kind, text: &Text<'_>) -> Digest {
        self.key.digest(kind, &text.decode())
    }
}

impl Asked for Fingerprint {
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
