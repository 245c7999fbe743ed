//! Who a token is about, as far as revocation is concerned.

use super::{claims::ClaimsView, numeric_date::NumericDate};
use crate::{encoding::json::Text, error::Error, keys::Key, revocation::Fingerprint, time::UnixMs};

/// The identity of a verified token, for revocation: decoded values, never the token's text.
#[derive(Debug)]
pub struct Identity<'a> {
    /// `jti`.
    pub jti: Option<Text<'a>>,
    /// `sid`.
    pub sid: Option<Text<'a>>,
    /// `sub`.
    pub sub: Option<Text<'a>>,
    /// The `kid` of the key that verified it.
    pub kid: Option<&'a str>,
    /// `iat` in whole seconds.
    pub issued: Option<u64>,
}

/// Something that knows which tokens are revoked.
pub trait RevocationCheck {
    /// Refuses a revoked token with the code that says how.
    fn check(&self, token: &Identity<'_>, now: UnixMs) -> Result<(), Error>;

    /// What [`RevocationCheck::check_again`] needs to know of a token.
    fn fingerprint(&self, token: &Identity<'_>) -> Fingerprint;

    /// Answers as [`RevocationCheck::check`] would, for a token that is remembered by the fingerprint that this made of it.
    fn check_again(&self, token: &Fingerprint, now: UnixMs) -> Result<(), Error>;
}

impl<'a> Identity<'a> {
    pub(super) fn of(claims: &ClaimsView<'a>, key: &'a Key) -> Self {
        Self {
            jti: claims.jti,
            sid: claims.sid,
            sub: claims.sub,
            kid: key.kid(),
            issued: claims.iat.map(NumericDate::whole_seconds),
        }
    }
}
