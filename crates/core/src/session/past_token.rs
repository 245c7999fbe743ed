//! Access tokens that are looked at whether they have expired or not: brought along with a refresh, or exchanged.

use std::sync::Arc;

use super::{SessionId, TimedId, access_token::TYP, settings::Settings};
use crate::{
    encoding::json::{Value, scan_object},
    error::{Code, Error},
    jwt::{Policy, RevocationCheck, Scratch, Verifier},
    keys::LiveKeys,
    revocation::{MAX_TOKEN_LIFE, MAX_TOLERANCE},
    time::{Span, UnixMs},
};

/// Longer than anything lasts here, so that a verifier with this tolerance leaves the times to [`PastTokens::read`].
const ANY_AGE: Span = Span::from_secs(1000 * 24 * 3600);

/// What every access token of these sessions is asked for.
pub(super) fn policy(settings: &Settings) -> Policy {
    let mut policy = Policy::default().with_typ(TYP);
    policy.issuers = vec![settings.issuer.clone()];
    policy.audiences = vec![settings.audience.clone()];
    policy.required = ["sub", "sid", "jti", "iat"].map(str::to_owned).to_vec();
    policy
}

/// The same for tokens that are to be accepted: none that lives longer than what revokes it is kept, should the application's
/// own keys have signed one.
pub(super) fn verifying(settings: &Settings) -> Policy {
    let mut policy = policy(settings);
    policy.max_life = Some(MAX_TOKEN_LIFE);
    policy.max_life_slack = Some(MAX_TOLERANCE);
    policy
}

/// Reads the access tokens of one set of sessions, also past their end.
#[derive(Debug)]
pub(super) struct PastTokens {
    verifier: Verifier,
    idle: Span,
}

/// What such a token says, its signature having been checked.
#[derive(Clone, Debug)]
pub(super) struct PastToken {
    pub(super) sid: SessionId,
    pub(super) jti: TimedId,
    pub(super) subject: String,
    pub(super) issued_at: UnixMs,
    pub(super) expires_at: UnixMs,
    pub(super) authenticated_at: UnixMs,
    /// The JSON text of all its claims.
    pub(super) payload: String,
    /// The revocation that reaches it, if any.
    pub(super) revoked: Option<Error>,
}

impl PastToken {
    /// Whether it has expired by this clock, without tolerance.
    pub(super) fn is_past(&self, now: UnixMs) -> bool {
        now >= self.expires_at
    }
}

impl PastTokens {
    pub(super) fn new(keys: Arc<LiveKeys>, settings: &Settings) -> Result<Self, Error> {
        let mut policy = policy(settings);
        policy.tolerance = ANY_AGE;
        Ok(Self {
            verifier: Verifier::new(keys, Vec::new(), policy)?,
            idle: settings.idle,
        })
    }

    /// Whether the key that a token names is not known. That is found before any signature is checked.
    pub(super) fn names_unknown_key(&self, token: &str, now: UnixMs) -> bool {
        let mut scratch = Scratch::default();
        let verified = self.verifier.verify(token.as_bytes(), now, None, &mut scratch);
        verified.is_err_and(|error| matches!(error.code(), Code::KeyUnknown | Code::AlgorithmNotAllowed))
    }

    /// Checks everything about a token but whether it has expired: signature, issuer, audience, type, and that it is not past
    /// its end by more than the idle limit. The latest token of a live session never is, because only a good token or a
    /// refresh shows activity; and what revoked an older one is not kept for longer.
    pub(super) fn read(&self, token: &str, now: UnixMs, revocation: &dyn RevocationCheck) -> Result<PastToken, Error> {
        let mut scratch = Scratch::default();
        let verified = self.verifier.verify(token.as_bytes(), now, None, &mut scratch)?;
        let revoked = revocation.check(&verified.identity, now).err();
        let token = parse(verified.payload, revoked).ok_or(Code::TokenMalformed)?;
        if now >= token.expires_at.plus(self.idle) {
            return Err(Code::TokenExpired.into());
        }
        Ok(token)
    }
}

/// The claims that keyturn sets, as it sets them; `None` for a token of another making.
fn parse(payload: &str, revoked: Option<Error>) -> Option<PastToken> {
    let (mut sid, mut jti, mut subject) = (None, None, None);
    let (mut issued, mut expires, mut authenticated) = (None, None, None);
    let mut limited = false;
    let id = |value| match value {
        Value::String(text) => TimedId::parse(&text.decode()).ok(),
        _ => None,
    };
    let time = |value| match value {
        Value::Number(text) => text.parse().ok().map(UnixMs::from_secs),
        _ => None,
    };
    scan_object(payload, |name, value| match &*name.decode() {
        "sid" => sid = id(value),
        "jti" => jti = id(value),
        "sub" => {
            if let Value::String(text) = value {
                subject = Some(text.decode().into_owned());
            }
        }
        "iat" => issued = time(value),
        "exp" => expires = time(value),
        "auth_time" => authenticated = time(value),
        "nbf" => limited = true,
        _ => {}
    })
    .ok()?;
    if limited {
        return None;
    }
    Some(PastToken {
        sid: sid?,
        jti: jti?,
        subject: subject?,
        issued_at: issued?,
        expires_at: expires?,
        authenticated_at: authenticated?,
        payload: payload.to_owned(),
        revoked,
    })
}
