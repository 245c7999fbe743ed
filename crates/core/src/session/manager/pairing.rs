//! Refreshes that have to bring an access token along.

use super::Manager;
use crate::{
    error::{Code, Error},
    session::{Pairing, SessionId},
    time::UnixMs,
};

impl Manager {
    /// Whether a refresh for `sid` may be judged at all. Reads no store, and what it refuses has changed nothing.
    pub(super) fn check_pairing(&self, sid: SessionId, access_token: Option<&str>, now: UnixMs) -> Result<(), Error> {
        if self.settings.pairing == Pairing::Off {
            return Ok(());
        }
        let refused = |reason| Error::because(Code::Pairing, reason);
        let text = access_token.ok_or(refused("missing"))?;
        let token = self
            .ready()?
            .past
            .read(text, now, &self.shared.index)
            .map_err(|_| refused("foreign"))?;
        self.settings.pairing.judge(&token, sid, now)?;
        match token.revoked {
            Some(error) if error.code() == Code::RevocationFull => Err(error),
            // Whatever ended the session is for the store to tell, which knows the reason; stale rights are what a refresh mends.
            Some(error) if matches!(error.reason(), Some("token" | "key")) => Err(refused("revoked")),
            _ => Ok(()),
        }
    }
}
