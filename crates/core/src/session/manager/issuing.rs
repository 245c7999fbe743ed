//! Sign-in, and how a pair of tokens is made.

use std::sync::Arc;

use super::{Answer, Failure, Issued, Manager, SignIn};
use crate::{
    error::{Code, Error},
    session::{
        EndReason, FamilySecret, Record, RefreshToken, RightsTimes, SessionId, Strategy, TimedId,
        access_token::carried_claims, exchange, rotation::end_error,
    },
    store::{CreateAsk, Created, EndAsk, Which},
    time::{Span, UnixMs},
};

impl Manager {
    /// Starts a session. Not by a clock that is wrong: a session keeps its start, and what ends it compares with that.
    pub fn start(self: &Arc<Self>, sign_in: &SignIn, now: UnixMs, done: Answer<Issued>) {
        let (record, family) = match self.check_clock().and_then(|()| self.new_record(sign_in, now)) {
            Ok(made) => made,
            Err(error) => return done(Err(error.into())),
        };
        if self.settings.strategy == Strategy::Renewal {
            return done(self.issue(record, family, now, None).map_err(Failure::from));
        }
        let manager = Arc::clone(self);
        let ask = CreateAsk {
            record: record.clone(),
            limit: self.settings.max_sessions,
            now,
        };
        self.shared.store.create(
            ask,
            Box::new(move |created| {
                let issued = match created {
                    Ok(created) => manager.started(record, family, created, now).map_err(Failure::from),
                    Err(error) => {
                        // It may have been committed all the same, and may have ended others.
                        manager.shared.doubt(&error);
                        Err(error.into())
                    }
                };
                done(issued);
            }),
        );
    }

    fn started(
        self: &Arc<Self>,
        record: Record,
        family: FamilySecret,
        created: Created,
        now: UnixMs,
    ) -> Result<Issued, Error> {
        if !created.admitted {
            return Err(Code::SessionLimit.into());
        }
        for ended in &created.ended {
            if let Some(revocation) = ended.revocation() {
                self.shared.index.insert(&revocation);
            }
        }
        self.unless_cut_off(&record)?;
        let issued = self.issue(record, family, now, None)?;
        Ok(Issued {
            ended: created.ended,
            ..issued
        })
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
        self.check_context(sign_in.context.as_deref())?;
        let sid = SessionId::generate(started, self.random.as_ref())?;
        let family = self.new_family(sid)?;
        let context = sign_in.context.as_deref().map(|context| family.context_digest(context));
        let record = Record {
            sid,
            subject: subject.clone(),
            generation: 0,
            refresh_key: ready.refresh.newest(started),
            family: family.digest(),
            rotated_at: started,
            authenticated_at: started,
            last_activity: started,
            idle: self.settings.idle,
            absolute_end: started.plus(self.settings.absolute),
            start_context: context,
            last_context: context,
            device: sign_in.device.as_deref().map(label),
            rights_at: self.after_change_of_rights(subject, started),
            set_at: RightsTimes::both(self.time_of_setting(subject, now)),
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

    /// What a sign-in brings along was read now, which must not count as before a change of this very millisecond.
    pub(super) fn after_change_of_rights(&self, subject: &str, now: UnixMs) -> UnixMs {
        let cutoff = self.shared.index.permissions_cutoff(subject);
        cutoff.map_or(now, |before| now.max(before.plus(Span::from_millis(1))))
    }

    /// `read_at` is when the claims were read, if they are not those that the record has carried since
    /// [`Record::read_at`]. A cut-off since then reaches them, so it is never put behind one that is merely known here: that
    /// might have come after they were read.
    pub(super) fn issue(
        &self,
        record: Record,
        family: FamilySecret,
        now: UnixMs,
        read_at: Option<UnixMs>,
    ) -> Result<Issued, Error> {
        let ready = self.ready()?;
        // A start that was moved behind a cut-off counts as the time: `iat` must not lie before the session's own start.
        let now = now.max(record.latest()).max(record.sid.time());
        let read_at = read_at.unwrap_or_else(|| record.read_at());
        let jti = match self.settings.strategy {
            Strategy::JtiExchange => exchange::jti(
                &ready.refresh,
                record.refresh_key,
                record.sid,
                record.generation,
                read_at,
            )?,
            Strategy::Rotation | Strategy::Renewal => TimedId::generate(read_at, &self.unique)?,
        };
        let access = ready.access.issue(&record, now, jti)?;
        let refresh_token = match self.settings.strategy {
            Strategy::Rotation => {
                let token = RefreshToken {
                    sid: record.sid,
                    generation: record.generation,
                    family,
                };
                ready.refresh.seal(&token, record.refresh_key)?
            }
            Strategy::JtiExchange | Strategy::Renewal => access.text.clone(),
        };
        Ok(Issued {
            access_token: access.text,
            refresh_token,
            expires_at: access.expires_at,
            record,
            ended: Vec::new(),
        })
    }

    /// Ends a session that was stored a moment after a cut-off that reaches it: its access tokens would be dead already.
    pub(super) fn unless_cut_off(self: &Arc<Self>, record: &Record) -> Result<(), Error> {
        if !self.shared.index.reaches_session(&record.sid, &record.subject) {
            return Ok(());
        }
        self.end_again(record)
    }

    /// The same for one that took the place of `old`, if that was cut off, though its record had not been ended by then.
    pub(super) fn unless_cut_off_before(self: &Arc<Self>, old: &SessionId, record: &Record) -> Result<(), Error> {
        let cutoff = self.shared.index.cutoff(&record.subject);
        if cutoff.is_none_or(|before| old.time() > before) {
            return Ok(());
        }
        self.end_again(record)
    }

    fn end_again(self: &Arc<Self>, record: &Record) -> Result<(), Error> {
        let which = Which::Session {
            sid: record.sid,
            subject: None,
        };
        let reason = EndReason::Revoked;
        let now = record.latest();
        self.end(EndAsk::new(which, reason, now), Box::new(|_| {}));
        Err(end_error(reason))
    }
}

fn label(device: &str) -> String {
    device
        .chars()
        .filter(|character| !character.is_control())
        .take(255)
        .collect()
}
