//! Whether a refresh has to bring an access token of its session along.

use super::past_token::PastToken;
use crate::{
    error::{Code, Error},
    session::SessionId,
    time::UnixMs,
};

/// What a refresh has to bring along besides its own token. For clients that keep the access token across a reload: whoever
/// has got hold of the refresh token alone cannot use it.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Pairing {
    /// Nothing.
    #[default]
    Off,
    /// An access token of the same session, expired or not.
    Required,
    /// An access token of the same session that has expired by this host's clock, without tolerance.
    Expired,
}

impl Pairing {
    /// The pairing of that name.
    pub fn from_text(text: &str) -> Option<Self> {
        match text {
            "off" => Some(Self::Off),
            "required" => Some(Self::Required),
            "expired" => Some(Self::Expired),
            _ => None,
        }
    }

    /// Refuses a refresh for `sid` with [`Code::Pairing`] unless `token` goes with it. The reason is `foreign` or `unexpired`.
    pub(super) fn judge(self, token: &PastToken, sid: SessionId, now: UnixMs) -> Result<(), Error> {
        if token.sid != sid {
            return Err(Error::because(Code::Pairing, "foreign"));
        }
        if self == Self::Expired && !token.is_past(now) {
            return Err(Error::because(Code::Pairing, "unexpired"));
        }
        Ok(())
    }
}
