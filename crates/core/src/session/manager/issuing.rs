//! Sign-in and refresh: everything that hands out tokens.

use std::sync::Arc;

use super::{Answer, Failure, Granted, Issued, Manager, SignIn};
use crate::{
    error::{Code, Error},
    session::{
        EndReason, FamilySecret, Record, RefreshToken, SessionId,
        access_token::carried_claims,
        rotation::{self, Verdict, end_error},
    },
    store::{EndAsk, Refreshed, StoreError, Which},
    time::{Span, UnixMs},
};

impl Manager {
    /// Starts a session.
    pub fn start(self: &Arc<Self>, sign_in: &SignIn, now: UnixMs, done: Answer<Issued>) {
        let (record, family) = match self.new_record(sign_in, now) {
            Ok(made) => made,
            Err(error) => return done(Err(error.into())),
        };
        let manager = Arc::clone(self);
        self.shared.store.create(
            record.clone(),
            Box::new(move |created| {
                let issued = created.map_err(Failure::from).and_then(|()| {
                    manager.unless_cut_off(&record)?;
                    Ok(manager.issue(record, family, now)?)
                });
                done(issued);
            }),
        );
    }

    fn new_record(&self, sign_in: &SignIn, now: UnixMs) -> Result<(Record, FamilySecret), Error> {
        let ready = self.ready()?;
        let subject = &sign_in.subject;
        if subject.is_empty() || subject.len() > 255 || subject.chars().any(char::is_control) {
            return Err(Error::because(
                Code::OptionInvalid,
                "a subject takes 1 to 255 bytes without control characters",
            ));
        }
        let claims = carried_claims(
            sign_in.roles.as_deref(),
            sign_in.permissions.as_deref(),
            sign_in.claims.as_deref(),
        )?;
        let started = self.after_cut_offs(subject, now);
        let family = FamilySecret::generate(self.random.as_ref())?;
        let record = Record {
            sid: SessionId::generate(started, self.random.as_ref())?,
            subject: subject.clone(),
            generation: 0,
            refresh_key: ready.refresh.newest(started),
            family: family.digest(),
            rotated_at: started,
            authenticated_at: started,
            last_activity: started,
            idle: self.settings.idle,
            absolute_end: started.plus(self.settings.absolute),
            device: sign_in.device.as_deref().map(label),
            claims,
            ended: None,
        };
        Ok((record, family))
    }

    /// A new identifier must not be reached by a cut-off of this very millisecond.
    fn after_cut_offs(&self, subject: &str, now: UnixMs) -> UnixMs {
        let cutoff = self.shared.index.cutoff(subject);
        cutoff.map_or(now, |before| now.max(before.plus(Span::from_millis(1))))
    }

    fn issue(&self, record: Record, family: FamilySecret, now: UnixMs) -> Result<Issued, Error> {
        let ready = self.ready()?;
        // A start that was moved behind a cut-off counts as the time: `iat` must not lie before the session's own start.
        let now = now.max(record.latest()).max(record.sid.time());
        let read_at = self.after_cut_offs(&record.subject, now);
        let access = ready.access.issue(&record, now, read_at, self.random.as_ref())?;
        let token = RefreshToken {
            sid: record.sid,
            generation: record.generation,
            family,
        };
        Ok(Issued {
            access_token: access.text,
            refresh_token: ready.refresh.seal(&token, record.refresh_key)?,
            expires_at: access.expires_at,
            record,
        })
    }

    /// Exchanges a refresh token for a new pair, by the table of [`rotation`].
    ///
    /// `report` is how long ago the client says its user was active; without it the refresh is no activity.
    pub fn refresh(self: &Arc<Self>, token: &str, report: Option<Span>, now: UnixMs, done: Answer<Granted>) {
        let ask = match self.ask(token, report, now) {
            Ok(ask) => ask,
            Err(_) if self.names_unknown_key(token) => {
                return self.after_learning(token.to_owned(), report, now, done);
            }
            Err(error) => return done(Err(error.into())),
        };
        self.refresh_asked(ask, now, done);
    }

    /// A token under a key that another process may have announced just now: looked at a second time once the keys have been
    /// read again.
    fn after_learning(self: &Arc<Self>, token: String, report: Option<Span>, now: UnixMs, done: Answer<Granted>) {
        let manager = Arc::clone(self);
        let look = move || match manager.ask(&token, report, now) {
            Ok(ask) => manager.refresh_asked(ask, now, done),
            Err(error) => done(Err(error.into())),
        };
        self.shared.learn_keys(now, Some(Box::new(look)));
    }

    fn refresh_asked(self: &Arc<Self>, ask: rotation::Ask, now: UnixMs, done: Answer<Granted>) {
        let manager = Arc::clone(self);
        let family = ask.token.family.clone();
        let sid = ask.token.sid;
        let settle = move |answer: Result<Option<Refreshed>, StoreError>| {
            let concerning = |failure: Failure, subject: Option<String>| Failure {
                sid: Some(sid),
                subject,
                ..failure
            };
            let answer = match answer {
                Ok(Some(answer)) => answer,
                Ok(None) => return done(Err(concerning(Error::new(Code::RefreshInvalid).into(), None))),
                Err(error) => {
                    // It may have been committed all the same, and may have ended the session.
                    manager.shared.doubt(&error);
                    return done(Err(concerning(error.into(), None)));
                }
            };
            if let Some(revocation) = &answer.revocation {
                manager.shared.index.insert(revocation);
            }
            let subject = answer.record.subject.clone();
            let result = match answer.verdict {
                Verdict::Refused(error) => Err(error),
                Verdict::Granted(outcome) => manager
                    .unless_cut_off(&answer.record)
                    .and_then(|()| manager.issue(answer.record, family, now))
                    .map(|issued| Granted { issued, outcome }),
            };
            done(result.map_err(|error| concerning(error.into(), Some(subject))));
        };
        let manager = Arc::clone(self);
        let answered = move |answer| manager.with_its_key(answer, settle);
        self.shared.store.refresh(ask, Box::new(answered));
    }

    /// Goes on once the key that a record names is known here, so that a successor is the same bytes whoever makes it.
    fn with_its_key<F>(&self, answer: Result<Option<Refreshed>, StoreError>, then: F)
    where
        F: FnOnce(Result<Option<Refreshed>, StoreError>) + Send + 'static,
    {
        let named = answer
            .as_ref()
            .ok()
            .and_then(Option::as_ref)
            .map(|answer| answer.record.refresh_key);
        let is_known = |number| self.ready().is_ok_and(|ready| ready.refresh.has(number));
        if named.is_none_or(is_known) {
            then(answer);
        } else {
            self.shared.read_keys(Box::new(move || then(answer)));
        }
    }

    /// Ends a session that was stored a moment after a cut-off that reaches it: its access tokens would be dead already.
    fn unless_cut_off(self: &Arc<Self>, record: &Record) -> Result<(), Error> {
        if !self.shared.index.reaches_session(&record.sid, &record.subject) {
            return Ok(());
        }
        let which = Which::Session {
            sid: record.sid,
            subject: None,
        };
        let reason = EndReason::Revoked;
        let now = record.latest();
        self.end(EndAsk::new(which, reason, now), Box::new(|_| {}));
        Err(end_error(reason))
    }

    pub(super) fn ask(&self, token: &str, report: Option<Span>, now: UnixMs) -> Result<rotation::Ask, Error> {
        let ready = self.ready()?;
        let token = ready.refresh.open(token)?;
        Ok(rotation::Ask {
            now,
            grace: self.settings.grace,
            newest_key: ready.refresh.newest(now),
            seen: self.shared.activity.seen(&token.sid),
            report,
            revoked: self.shared.index.has_session(&token.sid),
            token,
        })
    }
}

fn label(device: &str) -> String {
    device
        .chars()
        .filter(|character| !character.is_control())
        .take(255)
        .collect()
}
