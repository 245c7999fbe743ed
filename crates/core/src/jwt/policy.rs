//! What a verifier asks of the claims.

use crate::{jws, time::Span};

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
}
