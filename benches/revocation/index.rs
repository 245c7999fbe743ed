//! The index itself, asked as a verification asks it: by names, which it digests, and by everything that can be revoked.

use std::error::Error as StdError;

use keyturn_core::{
    encoding::json::Text,
    error::{Code, Error},
    jwt::{Identity, RevocationCheck},
    random::SystemRandom,
    revocation::{Fingerprint, Revocation, RevocationIndex, Target},
    session::SessionId,
    time::UnixMs,
};

use super::contender::{Contender, digest};

pub(crate) struct Index {
    index: RevocationIndex,
    held: Held,
}

/// What is held.
#[derive(Clone, Copy, Eq, PartialEq)]
pub(crate) enum Held {
    /// Sessions that ended, and nothing else: of a token one name is looked for.
    OnlySessions,
    /// Sessions that ended, a subject and a single token: three names are.
    Sessions,
    /// The same, with sessions and single tokens by turns.
    Both,
}

/// The names in a token: its session or its own `jti` is the one with the number, the other is never revoked.
pub(crate) struct Names {
    sid: String,
    jti: String,
}

impl Index {
    pub(crate) fn new(entries: u32, held: Held) -> Result<Self, Box<dyn StdError>> {
        // Four fifths full: from there on an operator is warned.
        let capacity = usize::try_from(entries)? / 4 * 5;
        let index = RevocationIndex::new(capacity, &SystemRandom::new())?;
        if held == Held::OnlySessions {
            return Ok(Self { index, held });
        }
        // Somebody has been signed out everywhere, so that the subject of every token is looked for as well.
        index.insert(&Revocation {
            target: Target::Subject {
                subject: "somebody else".to_owned(),
                before: UnixMs::from_secs(1),
            },
            expires_at: UnixMs::MAX,
        });
        // And a token has been revoked by itself, so that every token is.
        let jti = "another".to_owned();
        let target = Target::Token { jti };
        let expires_at = UnixMs::MAX;
        index.insert(&Revocation { target, expires_at });
        Ok(Self { index, held })
    }

    fn is_session(&self, number: u32) -> bool {
        self.held != Held::Both || number.is_multiple_of(2)
    }
}

impl Contender for Index {
    type Question = Names;

    fn insert(&self, number: u32, expires_at: u32) {
        let sid = SessionId::from_bytes(digest(number));
        let target = if self.is_session(number) {
            Target::Session { sid }
        } else {
            Target::Token { jti: sid.to_string() }
        };
        let expires_at = UnixMs::from_secs(expires_at.into());
        self.index.insert(&Revocation { target, expires_at });
    }

    fn expire(&self, now: u32) {
        self.index.expire(UnixMs::from_secs(now.into()));
    }

    fn question(&self, number: u32) -> Names {
        let named = SessionId::from_bytes(digest(number)).to_string();
        let other = SessionId::from_bytes(digest(number | 1 << 31)).to_string();
        if self.is_session(number) {
            Names { sid: named, jti: other }
        } else {
            Names { sid: other, jti: named }
        }
    }

    fn is_revoked(&self, names: &Names) -> bool {
        is_revoked(self.index.check(&identity(names), UnixMs::default()))
    }
}

/// The same sessions, asked again for tokens whose names have been digested before, as the cache of verified tokens does.
pub(crate) struct Again(Index);

impl Again {
    pub(crate) fn new(entries: u32) -> Result<Self, Box<dyn StdError>> {
        Index::new(entries, Held::Sessions).map(Self)
    }
}

impl Contender for Again {
    type Question = Fingerprint;

    fn insert(&self, number: u32, expires_at: u32) {
        self.0.insert(number, expires_at);
    }

    fn expire(&self, now: u32) {
        self.0.expire(now);
    }

    fn question(&self, number: u32) -> Fingerprint {
        self.0.index.fingerprint(&identity(&self.0.question(number)))
    }

    fn is_revoked(&self, token: &Fingerprint) -> bool {
        is_revoked(self.0.index.check_again(token, UnixMs::default()))
    }
}

fn identity(names: &Names) -> Identity<'_> {
    Identity {
        jti: Some(Text::literal(&names.jti)),
        sid: Some(Text::literal(&names.sid)),
        sub: Some(Text::literal("user-1842")),
        kid: Some("k1"),
        issued: Some(1_767_225_600),
    }
}

fn is_revoked(answer: Result<(), Error>) -> bool {
    answer.is_err_and(|error| error.code() == Code::TokenRevoked)
}
