//! What a store remembers of one session: a record of constant size, however often the session is refreshed.

use super::{SessionId, permissions::RightsTimes};
use crate::{
    crypto::Digest,
    revocation::Revocation,
    time::{Span, UnixMs},
};

/// One session. It is kept, ended, until its absolute end, so that whoever comes late is told the right reason.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Record {
    /// Its identifier, which carries the start.
    pub sid: SessionId,
    /// Whose it is.
    pub subject: String,
    /// The number of the one live refresh token.
    pub generation: u32,
    /// The number of the refresh key under which that token was sealed.
    pub refresh_key: u8,
    /// SHA-256 of the family secret.
    pub family: Digest,
    /// When the live refresh token came to be; the grace for its predecessor counts from here.
    pub rotated_at: UnixMs,
    /// When the user last proved who they are (`auth_time`).
    pub authenticated_at: UnixMs,
    /// The last user activity that is known.
    pub last_activity: UnixMs,
    /// How long it may rest.
    pub idle: Span,
    /// When it ends whatever happens; fixed at sign-in.
    pub absolute_end: UnixMs,
    /// What it was started in, if sessions are bound to that: an HMAC under a key that the store does not hold.
    pub start_context: Option<Digest>,
    /// The same of whoever rotated last.
    pub last_context: Option<Digest>,
    /// A label for the owner's list.
    pub device: Option<String>,
    /// When the claims below were set, if that was after the last rotation. Access tokens carry the later of the two in `jti`,
    /// and what changes the claims reaches every token that was made before.
    pub rights_at: UnixMs,
    /// When the roles and the permissions among the claims below were set, by the clock of whoever set them. A change that is
    /// stored late takes back nothing that was set after it.
    pub set_at: RightsTimes,
    /// The claims to issue again: the members of a JSON object, without braces.
    pub claims: String,
    /// Its end, if it has ended.
    pub ended: Option<Ended>,
}

/// When and why a session ended.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Ended {
    /// When.
    pub at: UnixMs,
    /// Why.
    pub reason: EndReason,
}

/// Why a session ended. The text is stored and shown; existing texts never change.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum EndReason {
    /// Its absolute end passed.
    Absolute,
    /// Its refresh token came from another context than the one that it is bound to.
    Context,
    /// Its last possible generation was used up.
    Generation,
    /// It rested longer than its idle limit.
    Idle,
    /// Its subject signed in once more than the limit of sessions allows.
    Limit,
    /// A new sign-in from the same browser took its place.
    Login,
    /// Its user signed out.
    Logout,
    /// The application refused to go on with it when it was refreshed.
    Refused,
    /// A session with other rights or a newer sign-in took its place: [`super::renew()`].
    Renewed,
    /// A refresh token was used twice.
    Reuse,
    /// The application or an operator ended it.
    Revoked,
    /// Its refresh token is ahead of the store by more than one step.
    Rollback,
}

impl EndReason {
    const ALL: [Self; 12] = [
        Self::Absolute,
        Self::Context,
        Self::Generation,
        Self::Idle,
        Self::Limit,
        Self::Login,
        Self::Logout,
        Self::Refused,
        Self::Renewed,
        Self::Reuse,
        Self::Revoked,
        Self::Rollback,
    ];

    /// One word for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Absolute => "absolute",
            Self::Context => "context",
            Self::Generation => "generation",
            Self::Idle => "idle",
            Self::Limit => "limit",
            Self::Login => "login",
            Self::Logout => "logout",
            Self::Refused => "refused",
            Self::Renewed => "renewed",
            Self::Reuse => "reuse",
            Self::Revoked => "revoked",
            Self::Rollback => "rollback",
        }
    }

    /// The reason with that word.
    pub fn from_text(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|reason| reason.as_str() == text)
    }
}

impl Record {
    /// When it ends by resting, as far as is known.
    pub fn idle_end(&self) -> UnixMs {
        self.last_activity.plus(self.idle)
    }

    /// The limit that it has passed at `now`, if any.
    pub fn expired(&self, now: UnixMs) -> Option<EndReason> {
        if now >= self.absolute_end {
            Some(EndReason::Absolute)
        } else if now >= self.idle_end() {
            Some(EndReason::Idle)
        } else {
            None
        }
    }

    /// Whether it can still be used at `now`.
    pub fn is_live(&self, now: UnixMs) -> bool {
        self.ended.is_none() && self.expired(now).is_none()
    }

    /// Whether it can still be used as far as a store can tell, which does not know the latest activity.
    pub fn is_open(&self, now: UnixMs) -> bool {
        self.ended.is_none() && now < self.absolute_end
    }

    /// Ends it, unless it has ended already: the first reason stays.
    pub fn end(&mut self, at: UnixMs, reason: EndReason) {
        self.ended.get_or_insert(Ended { at, reason });
    }

    /// The revocation that kills every token with its `sid`; `None` while it has not ended.
    pub fn revocation(&self) -> Option<Revocation> {
        self.ended.map(|ended| self.revocation_at(ended.at))
    }

    /// The revocation that belongs to an end at that time. It outlasts the session as that would have been without the end,
    /// which a store may lose in a fail-over while others still know what is revoked, and tokens that a clock far ahead made.
    pub fn revocation_at(&self, ended: UnixMs) -> Revocation {
        let ended = ended.max(self.latest());
        let last_use = ended.plus(self.idle).min(self.absolute_end);
        Revocation::session(self.sid, ended).at_least_until(last_use)
    }

    /// Takes note of activity; an earlier time changes nothing.
    pub fn touch(&mut self, at: UnixMs) {
        self.last_activity = self.last_activity.max(at);
    }

    /// When its claims were read last: at a rotation, or when they were set since.
    pub fn read_at(&self) -> UnixMs {
        self.rotated_at.max(self.rights_at)
    }

    /// The latest moment that the record knows of: time never runs backwards for a session.
    pub fn latest(&self) -> UnixMs {
        self.rotated_at.max(self.last_activity).max(self.authenticated_at)
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::{random::SystemRandom, session::FamilySecret};

    pub(crate) const START: UnixMs = UnixMs::new(1_700_000_000_000);

    pub(crate) fn record() -> Record {
        Record {
            sid: SessionId::generate(START, &SystemRandom::new()).unwrap(),
            subject: "alice".into(),
            generation: 0,
            refresh_key: 0,
            family: [0; 32],
            rotated_at: START,
            authenticated_at: START,
            last_activity: START,
            idle: Span::from_secs(3600),
            absolute_end: START.plus(Span::from_secs(86_400)),
            start_context: None,
            last_context: None,
            device: None,
            rights_at: START,
            set_at: RightsTimes::both(START),
            claims: String::new(),
            ended: None,
        }
    }

    /// The same with the secret of its lineage.
    pub(crate) fn record_and_family() -> (Record, FamilySecret) {
        let family = FamilySecret::generate(&SystemRandom::new()).unwrap();
        let record = Record {
            family: family.digest(),
            ..record()
        };
        (record, family)
    }

    #[test]
    fn a_session_ends_at_its_limits_to_the_millisecond() {
        let record = record();
        let idle_end = START.plus(Span::from_secs(3600));
        assert!(record.is_live(idle_end.minus(Span::from_millis(1))));
        assert_eq!(record.expired(idle_end), Some(EndReason::Idle));
        assert_eq!(record.expired(record.absolute_end), Some(EndReason::Absolute));
    }

    #[test]
    fn activity_moves_the_idle_end_and_never_the_absolute_one() {
        let mut record = record();
        let almost = record.absolute_end.minus(Span::from_secs(1));
        record.touch(almost);
        record.touch(START);
        assert_eq!(record.last_activity, almost);
        assert!(record.is_live(almost));
        assert_eq!(record.expired(record.absolute_end), Some(EndReason::Absolute));
    }

    #[test]
    fn the_first_reason_stays() {
        let mut record = record();
        record.end(START, EndReason::Reuse);
        record.end(START, EndReason::Logout);
        assert_eq!(record.ended.map(|ended| ended.reason), Some(EndReason::Reuse));
    }

    #[test]
    fn an_end_is_known_for_as_long_as_the_session_would_have_lasted_without_it() {
        const DAY: Span = Span::from_secs(86_400);
        const MINUTE: Span = Span::from_secs(60);
        let ended = |idle: u64, absolute: u64| {
            let mut record = Record {
                idle: Span::from_secs(idle * 86_400),
                absolute_end: START.plus(Span::from_secs(absolute * 86_400)),
                ..record()
            };
            record.end(START.plus(DAY), EndReason::Logout);
            record.revocation().map(|revocation| revocation.expires_at)
        };
        let after = |days: u64| Some(START.plus(Span::from_secs(days * 86_400)).plus(MINUTE));
        assert_eq!(ended(7, 30), after(8), "after its end it could have rested for a week");
        assert_eq!(ended(7, 5), after(5), "and no longer than to its absolute end");
        assert_eq!(ended(1, 30), after(2), "an access token may live for a day");
        assert_eq!(ended(0, 30), after(2));
        let mut ahead = record();
        ahead.rotated_at = START.plus(DAY);
        ahead.end(START, EndReason::Logout);
        let expires_at = ahead.revocation().map(|revocation| revocation.expires_at);
        assert_eq!(
            expires_at,
            after(2),
            "its tokens are good for a day from when they say that they were made"
        );
    }

    #[test]
    fn every_reason_reads_back_from_its_word() {
        for reason in EndReason::ALL {
            assert_eq!(EndReason::from_text(reason.as_str()), Some(reason));
        }
        assert_eq!(EndReason::from_text("other"), None);
    }
}
