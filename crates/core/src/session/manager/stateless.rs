//! [`crate::session::Strategy::Renewal`]: the access token is all there is. Signing in and renewing touch no store.
//!
//! What ends a session still does: it is stored as a revocation, which reaches as far as the store does.

use std::sync::Arc;

use super::{Answer, Failure, Granted, Issued, Manager, RefreshRequest, Renewal};
use crate::{
    error::{Blame, Code, Error},
    random,
    revocation::{MAX_TOLERANCE, Revocation},
    session::{
        EndReason, Record, RightsTimes, SessionId, TimedId, changed_claims,
        claims::carried_of,
        exchange,
        past_token::PastToken,
        rotation::{Outcome, end_error},
    },
    store::{EndAnswer, EndAsk, Which},
    time::{Span, UnixMs},
};

impl Manager {
    /// Gives a token in the place of one that is in the second half of its life, if its user has been active since it was
    /// issued; otherwise the same token again. The old one stays good until it expires.
    pub(super) fn renew_token(&self, request: &RefreshRequest<'_>, now: UnixMs) -> Result<Granted, Error> {
        let past = self.unended(request.token, now)?;
        let mut record = self.record_of(&past)?;
        let seen = self.shared.activity.seen(&past.sid);
        let reported = request.report.map(|ago| now.minus(ago));
        // With `iat` in whole seconds, what came in the second of the issue counts as after it.
        let active = seen
            .max(reported)
            .map(|at| at.min(now))
            .filter(|at| *at > past.issued_at);
        let half = Span::from_millis(past.expires_at.since(past.issued_at).as_millis() / 2);
        let Some(active) = active.filter(|_| now.plus(half) >= past.expires_at) else {
            return Ok(same_again(request.token, record, &past));
        };
        record.last_activity = active;
        record.rotated_at = now;
        let renewed = self.issue(record.clone(), exchange::family(past.sid), now, Some(past.jti.time()))?;
        if renewed.expires_at <= past.expires_at {
            return Ok(same_again(request.token, record, &past));
        }
        Ok(granted(renewed, Outcome::Rotated))
    }

    /// A session in the place of a token's own, from the same start, so that its end and every cut-off reach it as before.
    pub(super) fn renew_stateless(self: &Arc<Self>, renewal: &Renewal<'_>, now: UnixMs, done: Answer<Issued>) {
        let unended = self.check_clock().and_then(|()| self.unended(renewal.token, now));
        let made = unended.and_then(|past| {
            let old = self.record_of(&past)?;
            let record = Record {
                sid: TimedId::at(past.sid.time(), random::array(self.random.as_ref())?)?,
                claims: changed_claims(&old.claims, &renewal.changes)?,
                authenticated_at: if renewal.authenticated {
                    now
                } else {
                    old.authenticated_at
                },
                last_activity: if renewal.authenticated { now } else { old.last_activity },
                rotated_at: now,
                ..old
            };
            let issued = self.issue(record, exchange::family(past.sid), now, Some(past.jti.time()))?;
            Ok((past.sid, issued))
        });
        let (old, issued) = match made {
            Ok(made) => made,
            Err(error) => return done(Err(error.into())),
        };
        let settle = move |ended: Result<(), Failure>| done(ended.map(|()| issued));
        self.revoke(self.end_of(old, now), Box::new(settle));
    }

    /// Ends sessions that nobody remembers. One that is asked for with its owner cannot be told to be that owner's, and "all
    /// but one" cannot be told from all.
    pub(super) fn end_stateless(self: &Arc<Self>, ask: &EndAsk, done: Answer<EndAnswer>) {
        match &ask.which {
            Which::Session { sid, subject: None } => {
                let revocation = self.end_of(*sid, ask.now);
                let answer = EndAnswer {
                    ended: vec![*sid],
                    subject: None,
                    revocations: vec![revocation.clone()],
                };
                let settle = move |stored: Result<(), Failure>| done(stored.map(|()| answer));
                self.revoke_unchecked(revocation, Box::new(settle));
            }
            Which::Session { .. } => done(Err(Error::new(Code::SessionUnknown).into())),
            _ => done(Err(Error::because(
                Code::OptionInvalid,
                "the strategy 'renewal' knows no sessions that it could spare: end all of them",
            )
            .into())),
        }
    }

    /// Ends everything of a token's subject if the token could be renewed now, else its own session. `None`: it is none of ours.
    ///
    /// The cut-off is one of this host's clock. A session that a host ahead of it started lies behind, so the one that asks is
    /// ended by name as well, and first.
    pub(super) fn end_all_stateless(
        self: &Arc<Self>,
        token: &str,
        reason: EndReason,
        now: UnixMs,
        done: Answer<Option<EndAnswer>>,
    ) {
        let past = match (self.unended(token, now), self.session_of(token, now)) {
            (Ok(past), _) => past,
            (Err(_), Ok(sid)) => {
                let which = Which::Session { sid, subject: None };
                let settle = |answer: Result<EndAnswer, Failure>| done(answer.map(Some));
                return self.end(EndAsk::new(which, reason, now), Box::new(settle));
            }
            (Err(_), Err(error)) if error.code().blame() != Blame::Operator => return done(Ok(None)),
            (Err(_), Err(error)) => return done(Err(error.into())),
        };
        let which = Which::Subject {
            subject: past.subject,
            before: None,
            except: None,
        };
        let manager = Arc::clone(self);
        let then = move |named: Result<(), Failure>| {
            let settle = |answer: Result<EndAnswer, Failure>| done(named.and(answer).map(Some));
            manager.end(EndAsk::new(which, reason, now), Box::new(settle));
        };
        self.revoke(self.end_of(past.sid, now), Box::new(then));
    }

    /// The revocation of a session for as long as tokens of it could be renewed.
    fn end_of(&self, sid: SessionId, now: UnixMs) -> Revocation {
        let end = Revocation::session(sid, now);
        Revocation {
            expires_at: end.expires_at.max(
                sid.time()
                    .plus(self.shared.lives().absolute.max(self.settings.absolute))
                    .plus(MAX_TOLERANCE),
            ),
            ..end
        }
    }

    /// A token that has neither expired nor been revoked in any way.
    fn unended(&self, token: &str, now: UnixMs) -> Result<PastToken, Error> {
        let ready = self.ready()?;
        let past = self.past_token(ready, token, now)?;
        match past.revoked {
            Some(error) if error.code() == Code::TokenRevoked => return Err(end_error(EndReason::Revoked)),
            Some(error) => return Err(error),
            None => {}
        }
        if now >= past.sid.time().plus(self.settings.absolute) {
            return Err(end_error(EndReason::Absolute));
        }
        if past.is_past(now) {
            return Err(end_error(EndReason::Idle));
        }
        Ok(past)
    }

    fn record_of(&self, past: &PastToken) -> Result<Record, Error> {
        Ok(Record {
            sid: past.sid,
            subject: past.subject.clone(),
            generation: 0,
            refresh_key: 0,
            family: exchange::family(past.sid).digest(),
            rotated_at: past.issued_at,
            authenticated_at: past.authenticated_at,
            last_activity: past.issued_at,
            idle: self.settings.idle,
            absolute_end: past.sid.time().plus(self.settings.absolute),
            start_context: None,
            last_context: None,
            device: None,
            rights_at: past.jti.time(),
            set_at: RightsTimes::both(past.jti.time()),
            claims: carried_of(&past.payload)?,
            ended: None,
        })
    }
}

fn same_again(token: &str, record: Record, past: &PastToken) -> Granted {
    let issued = Issued {
        access_token: token.to_owned(),
        refresh_token: token.to_owned(),
        expires_at: past.expires_at,
        record,
        ended: Vec::new(),
    };
    granted(issued, Outcome::Replayed)
}

fn granted(issued: Issued, outcome: Outcome) -> Granted {
    Granted {
        issued,
        outcome,
        elsewhere: false,
        contention: None,
    }
}
