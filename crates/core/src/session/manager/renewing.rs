//! Putting a new session in the place of one.

use std::sync::Arc;

use super::{Answer, Failure, Issued, Manager, RefreshRequest, Renewal};
use crate::{
    error::{Code, Error},
    random,
    session::{
        FamilySecret, RenewAsk, SessionId, Strategy, changed_claims,
        rotation::{Intent, Verdict},
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
        let (ask, family) = match self.check_clock().and_then(|()| self.renew_ask(renewal, now)) {
            Ok(made) => made,
            Err(error) => return done(Err(error.into())),
        };
        let manager = Arc::clone(self);
        let sid = ask.by.token.sid;
        self.shared.store.renew(
            ask,
            Box::new(move |answer| done(manager.settle_renewal(sid, answer, family, now))),
        );
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
        family: FamilySecret,
        now: UnixMs,
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
            Verdict::Granted(_) | Verdict::GrantedElsewhere(_) => self
                .unless_cut_off(&answer.record)
                .and_then(|()| self.issue(answer.record, family, now, None)),
        };
        issued.map_err(|error| concerning(error.into(), Some(subject)))
    }
}
