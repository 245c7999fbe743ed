//! The options of one set of sessions.

use super::{
    Pairing, SessionLimit, Strategy,
    rotation::{Heal, Mismatch},
};
use crate::{
    error::{Code, Error},
    store::Lives,
    time::Span,
};

/// The longest grace. Whoever holds a stolen predecessor may use it for so long without being noticed.
const MAX_GRACE: Span = Span::from_secs(300);

/// The longest absolute limit: 400 days, what browsers keep a cookie for.
const MAX_ABSOLUTE: Span = Span::from_secs(400 * 24 * 3600);

/// How sessions live. Checked once by [`Settings::check`].
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Settings {
    /// What is exchanged for the next access token.
    pub strategy: Strategy,
    /// `iss` of the access tokens.
    pub issuer: String,
    /// `aud` of the access tokens.
    pub audience: String,
    /// The life of an access token; at most a day.
    pub access_ttl: Span,
    /// How long a refresh token's predecessor is answered with the same successor.
    pub grace: Span,
    /// What a refresh has to bring along.
    pub pairing: Pairing,
    /// How long a session may rest.
    pub idle: Span,
    /// How long a session lasts at most.
    pub absolute: Span,
    /// What becomes of a refresh token that is ahead of the store.
    pub heal: Heal,
    /// Whether sessions are bound to the context in which they are used, and what becomes of a token from elsewhere.
    pub binding: Option<Mismatch>,
    /// Whether the application is asked at each refresh: then none is granted without its answer.
    pub on_refresh: bool,
    /// How many sessions a subject may have at once; `None`: any number.
    pub max_sessions: Option<SessionLimit>,
}

impl Settings {
    /// How long what is handed out under these settings can be used.
    pub fn lives(&self) -> Lives {
        Lives {
            absolute: self.absolute,
            after_expiry: if self.strategy == Strategy::Rotation && self.pairing == Pairing::Off {
                Span::ZERO
            } else {
                self.idle
            },
        }
    }

    /// Refuses values that contradict each other or cannot be meant, saying which.
    pub fn check(&self) -> Result<(), Error> {
        let refused = |reason| Err(Error::because(Code::OptionInvalid, reason));
        let second = Span::from_secs(1);
        if self.issuer.is_empty() || self.audience.is_empty() {
            return refused("issuer and audience must not be empty");
        }
        if self.access_ttl < second || self.access_ttl > Span::from_secs(24 * 3600) {
            return refused("access.ttl takes 1 second to 24 hours");
        }
        if self.grace > MAX_GRACE {
            return refused("refresh.grace takes 0 to 5 minutes");
        }
        if self.idle < second || self.absolute < second {
            return refused("idle and absolute take 1 second or more");
        }
        if self.absolute > MAX_ABSOLUTE {
            return refused("absolute takes at most 400 days");
        }
        if self.max_sessions.is_some_and(|limit| limit.count == 0) {
            return refused("maxSessions takes 1 or more");
        }
        if self.idle > self.absolute {
            return refused("idle must not be longer than absolute");
        }
        self.check_strategy()
    }

    /// What an access token that is exchanged or renewed cannot hold, or what nobody remembers, cannot be asked for.
    fn check_strategy(&self) -> Result<(), Error> {
        let refused = |reason| Err(Error::because(Code::OptionInvalid, reason));
        if self.strategy == Strategy::Rotation {
            return Ok(());
        }
        if self.pairing != Pairing::Off || self.binding.is_some() {
            return refused("refresh.pairing and refresh.binding are for the strategy 'rotation'");
        }
        if self.strategy == Strategy::Renewal && (self.on_refresh || self.max_sessions.is_some()) {
            return refused(
                "the strategy 'renewal' remembers no sessions: refresh.onRefresh and maxSessions need another",
            );
        }
        Ok(())
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::session::WhenFull;

    pub(crate) fn settings() -> Settings {
        Settings {
            strategy: Strategy::Rotation,
            issuer: "https://app.test".into(),
            audience: "app".into(),
            access_ttl: Span::from_secs(300),
            grace: Span::from_secs(10),
            pairing: Pairing::Off,
            idle: Span::from_secs(3600),
            absolute: Span::from_secs(86_400),
            heal: Heal::One,
            binding: None,
            on_refresh: false,
            max_sessions: None,
        }
    }

    #[test]
    fn the_defaults_are_fine_and_nonsense_is_refused() {
        assert_eq!(settings().check(), Ok(()));
        let wrong: [fn(&mut Settings); 11] = [
            |s| {
                s.strategy = Strategy::JtiExchange;
                s.pairing = Pairing::Required;
            },
            |s| {
                s.strategy = Strategy::Renewal;
                s.on_refresh = true;
            },
            |s| s.issuer = String::new(),
            |s| s.audience = String::new(),
            |s| s.access_ttl = Span::from_millis(999),
            |s| s.access_ttl = Span::from_secs(86_401),
            |s| s.grace = Span::from_secs(301),
            |s| s.idle = Span::ZERO,
            |s| s.idle = Span::from_secs(86_401),
            |s| s.absolute = Span::from_secs(401 * 86_400),
            |s| {
                s.max_sessions = Some(SessionLimit {
                    count: 0,
                    when_full: WhenFull::EndOldest,
                });
            },
        ];
        for change in wrong {
            let mut settings = settings();
            change(&mut settings);
            assert_eq!(
                settings.check().unwrap_err().code(),
                Code::OptionInvalid,
                "{settings:?}"
            );
        }
    }
}
