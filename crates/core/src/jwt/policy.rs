//! What a verifier asks of the claims, and whether they answer it.

use super::claims::ClaimsView;
use crate::{
    error::{Claim, Code, Error},
    jws,
    time::Span,
};

/// The longest token that is looked at unless a policy says otherwise: what fits into a cookie twice over, and well below
/// Node's 16 KiB header limit.
pub const DEFAULT_MAX_TOKEN_BYTES: usize = 8192;

/// The demands of one verifier, resolved once. An empty list or `None` asks for nothing.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Policy {
    /// Who may have issued the token: any of these (RFC 7519, section 4.1.1).
    pub issuers: Vec<String>,
    /// For whom it may be: any of these. Empty: a token with an `aud` is refused (RFC 7519, section 4.1.3).
    pub audiences: Vec<String>,
    /// About whom it must be.
    pub subject: Option<String>,
    /// Its media type; see [`Policy::with_typ`].
    pub(super) typ: Option<String>,
    /// How far clocks may differ.
    pub tolerance: Span,
    /// How long ago it may have been issued.
    pub max_age: Option<Span>,
    /// How long it may live, counted from its issue, which it then must tell. Asked for where tokens can be revoked: entries are not kept for ever.
    pub max_life: Option<Span>,
    /// How much further ahead than `max_life` it may end, where other hosts issue by clocks of their own and behind cut-offs that
    /// lie ahead; its `iat` may then lie ahead, too. `None`: no further than `tolerance`, and its `iat` no more.
    pub max_life_slack: Option<Span>,
    /// Whether `exp` must be there.
    pub require_exp: bool,
    /// Further claims that must be there, whatever their value.
    pub required: Vec<String>,
    /// The longest token, in bytes, that is looked at.
    pub max_token_bytes: usize,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            issuers: Vec::new(),
            audiences: Vec::new(),
            subject: None,
            typ: None,
            tolerance: Span::ZERO,
            max_age: None,
            max_life: None,
            max_life_slack: None,
            require_exp: true,
            required: Vec::new(),
            max_token_bytes: DEFAULT_MAX_TOKEN_BYTES,
        }
    }
}

impl Policy {
    /// Asks for a `typ`, compared as a media type: case and `application/` do not matter (RFC 7515, section 4.1.9).
    #[must_use]
    pub fn with_typ(mut self, typ: &str) -> Self {
        self.typ = Some(jws::media_type(typ));
        self
    }

    /// Everything that is asked of the claims but their times, which [`super::times::Times`] judges.
    pub(super) fn judge(&self, claims: &ClaimsView<'_>) -> Result<(), Error> {
        let missing = |claim| Error::about(Code::ClaimMissing, claim);
        let invalid = |claim| Error::about(Code::ClaimInvalid, claim);
        if !self.issuers.is_empty() {
            let iss = claims.iss.ok_or(missing(Claim::Iss))?;
            if !self.issuers.iter().any(|issuer| iss == **issuer) {
                return Err(invalid(Claim::Iss));
            }
        }
        match &claims.aud {
            Some(aud) if !self.audiences.iter().any(|audience| aud.names(audience)) => {
                return Err(invalid(Claim::Aud));
            }
            None if !self.audiences.is_empty() => return Err(missing(Claim::Aud)),
            _ => {}
        }
        if let Some(subject) = &self.subject
            && claims.sub.ok_or(missing(Claim::Sub))? != **subject
        {
            return Err(invalid(Claim::Sub));
        }
        for index in 0..self.required.len() {
            if claims.found & (1 << index) == 0 {
                return Err(missing(Claim::Required(u8::try_from(index).unwrap_or(u8::MAX))));
            }
        }
        Ok(())
    }
}
