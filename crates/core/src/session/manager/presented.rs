//! What is presented to be refreshed: a refresh token, or under other strategies an access token.

use super::{Manager, Ready};
use crate::{
    error::{Code, Error},
    session::{FamilySecret, RefreshToken, SessionId, Strategy, exchange, past_token::PastToken},
    time::UnixMs,
};

impl Manager {
    /// The session of a token that may be presented, whether it could be refreshed or not. Reads no store.
    pub fn session_of(&self, token: &str, now: UnixMs) -> Result<SessionId, Error> {
        let ready = self.ready()?;
        match self.settings.strategy {
            Strategy::Rotation => Ok(ready.refresh.open(token)?.sid),
            Strategy::JtiExchange => Ok(self.exchanged(ready, token, now)?.0.sid),
            Strategy::Renewal => Ok(self.past_token(ready, token, now)?.sid),
        }
    }

    /// What the rotation table is asked about. [`Code::RefreshInvalid`] for anything that is not of our making.
    pub(super) fn presented(&self, token: &str, now: UnixMs) -> Result<RefreshToken, Error> {
        let ready = self.ready()?;
        match self.settings.strategy {
            Strategy::Rotation => {
                let token = ready.refresh.open(token)?;
                if token.family.is(&exchange::family(token.sid)) {
                    return Err(Code::RefreshInvalid.into());
                }
                Ok(token)
            }
            Strategy::JtiExchange => Ok(self.exchanged(ready, token, now)?.0),
            Strategy::Renewal => Err(Code::Internal.into()),
        }
    }

    /// Refuses an access token that is still good: it is not exchanged before it has expired by this host's clock, unless its
    /// roles are stale, for then it is of no use either. If its session was revoked, the store says why. The session is left as
    /// it is.
    pub(super) fn check_expired(&self, token: &str, now: UnixMs) -> Result<(), Error> {
        if self.settings.strategy != Strategy::JtiExchange {
            return Ok(());
        }
        let (_, token) = self.exchanged(self.ready()?, token, now)?;
        if token.is_past(now) || token.revoked.is_some() {
            Ok(())
        } else {
            Err(Error::because(Code::RefreshInvalid, "unexpired"))
        }
    }

    fn exchanged(&self, ready: &Ready, token: &str, now: UnixMs) -> Result<(RefreshToken, PastToken), Error> {
        let past = self.past_token(ready, token, now)?;
        let token = exchange::open(&ready.refresh, past.sid, past.jti).ok_or(Code::RefreshInvalid)?;
        Ok((token, past))
    }

    /// An access token of ours, expired or not, unless it was revoked by itself or with its key. What ended its session is for
    /// others to tell.
    pub(super) fn past_token(&self, ready: &Ready, token: &str, now: UnixMs) -> Result<PastToken, Error> {
        let past = ready
            .past
            .read(token, now, &self.shared.index)
            .map_err(|error| match error.code() {
                // Past its end by more than the idle limit; whoever had been there would have a newer one.
                Code::TokenExpired => Error::because(Code::SessionExpired, "idle"),
                _ => Code::RefreshInvalid.into(),
            })?;
        match past.revoked {
            Some(error) if error.code() == Code::RevocationFull => Err(error),
            Some(error) if matches!(error.reason(), Some("token" | "key")) => Err(error),
            _ => Ok(past),
        }
    }

    /// What a new session's lineage is known by.
    pub(super) fn new_family(&self, sid: SessionId) -> Result<FamilySecret, Error> {
        match self.settings.strategy {
            Strategy::Rotation => FamilySecret::generate(self.random.as_ref()),
            Strategy::JtiExchange | Strategy::Renewal => Ok(exchange::family(sid)),
        }
    }
}
