//! Putting a new session in the place of one.

use std::sync::Arc;

use super::{Answer, Checked, Failure, Issued, Manager, RefreshRequest, Renewal, refreshing::UnderWay};
use crate::{
    error::{Code, Error},
    random,
    session::{
        FamilySecret, Record, RenewAsk, SessionId, Strategy, changed_claims,
        renew::SUPERSEDED,
        rotation::{Intent, Outcome, Verdict},
    },
    store::{Refreshed, StoreError},
    time::UnixMs,
};

impl Manager {
    /// Ends the session of a live refresh token and starts one in its place, under the same absolute end: [`crate::session::renew()`].
    pub fn renew(self: &Arc<Self>, renewal: &Renewal<'_>, now: UnixMs, done: Answer<Issued>) {
        if self.settings.strategy == Strategy::Renewal {
            return self.renew_stateless(renewal, now, done);
        }
        if self.settings.on_refresh && renewal.read_at.is_none() {
            return done(Err(
                Error::because(Code::Internal, "the application was not asked").into()
            ));
        }
        let (ask, family) = match self.check_clock().and_then(|()| self.renew_ask(renewal, now)) {
            Ok(made) => made,
            Err(error) => return done(Err(error.into())),
        };
        let manager = Arc::clone(self);
        let (sid, read_at) = (ask.by.token.sid, renewal.read_at);
        let settle = move |answer| {
            let issue = |record| manager.issue(record, family, now, read_at);
            done(manager.settle_renewal(sid, answer, issue));
        };
        self.shared.store.renew(ask, Box::new(settle));
    }

    /// Whether a refresh token would be renewed, which the application is asked about before it is. Like
    /// [`Manager::check_refresh`] it changes a session only by ending it.
    pub fn check_renewal(self: &Arc<Self>, request: &RefreshRequest<'_>, now: UnixMs, done: Answer<Checked>) {
        let asked = self.check_clock().and_then(|()| self.ask(request, Intent::Check, now));
        match asked {
            Ok(ask) => self.judge_asked(
                UnderWay::of(request, &ask),
                ask,
                done,
                |manager, under_way, answer, outcome, _| match outcome {
                    Outcome::Replayed => Err(SUPERSEDED),
                    _ => Ok(manager.checked(answer.record, under_way.now)),
                },
            ),
            Err(error) => done(Err(error.into())),
        }
    }

    fn renew_ask(&self, renewal: &Renewal<'_>, now: UnixMs) -> Result<(RenewAsk, FamilySecret), Error> {
        let unique = random::array(self.random.as_ref())?;
        let family = self.new_family(SessionId::at(now, unique)?)?;
        let request = RefreshRequest {
            context: renewal.context,
            ..RefreshRequest::new(renewal.token)
        };
        let by = self.ask(&request, Intent::Rotate, now)?;
        // What can be refused without the store is.
        changed_claims("", &renewal.changes)?;
        let ask = RenewAsk {
            by,
            changes: renewal.changes.clone(),
            authenticated: renewal.authenticated,
            unique,
            family: family.digest(),
            context: renewal.context.map(|context| family.context_digest(context)),
        };
        Ok((ask, family))
    }

    fn settle_renewal(
        self: &Arc<Self>,
        sid: SessionId,
        answer: Result<Option<Refreshed>, StoreError>,
        issue: impl FnOnce(Record) -> Result<Issued, Error>,
    ) -> Result<Issued, Failure> {
        let concerning = |failure: Failure, subject: Option<String>| Failure {
            sid: Some(sid),
            subject,
            ..failure
        };
        let answer = match answer {
            Ok(Some(answer)) => answer,
            Ok(None) => return Err(concerning(Error::new(Code::RefreshInvalid).into(), None)),
            Err(error) => {
                // It may have been committed all the same, and then the old session has ended.
                self.shared.doubt(&error);
                return Err(concerning(error.into(), None));
            }
        };
        if let Some(revocation) = &answer.revocation {
            self.shared.index.insert(revocation);
        }
        let subject = answer.record.subject.clone();
        let issued = match answer.verdict {
            Verdict::Refused(error) => Err(error),
            Verdict::Outdated => Err(Code::Internal.into()),
            Verdict::Granted(_) | Verdict::GrantedElsewhere(_) => {
                self.unless_cut_off(&answer.record).and_then(|()| issue(answer.record))
            }
        };
        issued.map_err(|error| concerning(error.into(), Some(subject)))
    }
}
