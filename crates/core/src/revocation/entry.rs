//! One revocation, as it is stored and handed around.

use crate::{
    session::SessionId,
    time::{Span, UnixMs},
};

/// The longest life of a token that anybody may verify against the index: entries outlive it.
pub const MAX_TOKEN_LIFE: Span = Span::from_secs(24 * 3600);

/// How far the clocks of those who share a store may differ, and the largest tolerance of a verifier that asks the index.
pub const MAX_TOLERANCE: Span = Span::from_secs(60);

/// What a revocation reaches.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Target {
    /// Every token up to a moment.
    Everything {
        /// Sessions that started at or before it, and foreign tokens issued up to its second.
        before: UnixMs,
    },
    /// Every token that a key signed.
    Key {
        /// Its `kid`.
        kid: String,
    },
    /// Access tokens of one subject whose roles and permissions were read up to a moment. Ends no session: the next refresh
    /// gets a token with newer ones.
    Permissions {
        /// Its `sub`.
        subject: String,
        /// Compared with the time in a `jti` of ours; foreign tokens that were issued up to its second.
        before: UnixMs,
    },
    /// One session with all its access tokens.
    Session {
        /// Its `sid`.
        sid: SessionId,
    },
    /// Everything of one subject up to a moment.
    Subject {
        /// Its `sub`.
        subject: String,
        /// As for [`Target::Everything`].
        before: UnixMs,
    },
    /// One token.
    Token {
        /// Its `jti`.
        jti: String,
    },
}

/// A target and the moment from which nothing that it reaches can still be used.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Revocation {
    /// What is revoked.
    pub target: Target,
    /// When the entry may be forgotten.
    pub expires_at: UnixMs,
}

impl Revocation {
    /// One token, until it would have expired.
    pub fn token(jti: String, expires_at: UnixMs) -> Self {
        Self {
            target: Target::Token { jti },
            expires_at: expires_at.plus(MAX_TOLERANCE),
        }
    }

    /// One session, until every token that named it when it ended is over: no token lives longer that anybody may verify
    /// against the index.
    pub fn session(sid: SessionId, ended: UnixMs) -> Self {
        Self {
            target: Target::Session { sid },
            expires_at: ended.plus(MAX_TOKEN_LIFE).plus(MAX_TOLERANCE),
        }
    }

    /// The same for at least as long as its refresh token would be good: a store may lose an end that it has acknowledged.
    #[must_use]
    pub fn at_least_until(self, last_use: UnixMs) -> Self {
        Self {
            expires_at: self.expires_at.max(last_use.plus(MAX_TOLERANCE)),
            ..self
        }
    }

    /// Everything that a key signed, for ever: nothing says that it will not sign again.
    pub fn key(kid: String) -> Self {
        Self {
            target: Target::Key { kid },
            expires_at: UnixMs::MAX,
        }
    }

    /// A cut-off for a subject's roles and permissions, until every token that was issued up to it is over.
    pub fn permissions(subject: String, before: UnixMs) -> Self {
        Self {
            target: Target::Permissions { subject, before },
            expires_at: before.plus(MAX_TOKEN_LIFE).plus(MAX_TOLERANCE),
        }
    }

    /// A cut-off that ends sessions. `latest_end` is the latest absolute end of any session that it reaches.
    pub fn cut_off(target: Target, now: UnixMs, latest_end: UnixMs) -> Self {
        Self {
            target,
            expires_at: now.plus(MAX_TOKEN_LIFE).max(latest_end).plus(MAX_TOLERANCE),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_outlives_everything_it_reaches() {
        let now = UnixMs::from_secs(1_700_000_000);
        let hour = Span::from_secs(3600);
        assert!(Revocation::token("a".into(), now.plus(hour)).expires_at > now.plus(hour));
        assert_eq!(Revocation::key("k".into()).expires_at, UnixMs::MAX);
        assert!(Revocation::permissions("a".into(), now).expires_at > now.plus(MAX_TOKEN_LIFE));
        let target = Target::Everything { before: now };
        let far = now.plus(Span::from_secs(90 * 86_400));
        assert!(Revocation::cut_off(target.clone(), now, far).expires_at > far);
        assert!(Revocation::cut_off(target, now, now).expires_at > now.plus(MAX_TOKEN_LIFE));
    }
}
