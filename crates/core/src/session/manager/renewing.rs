//! Putting a new session in the place of one.

use std::sync::Arc;

use super::{Answer, Checked, Failure, Granted, Issued, Manager, RefreshRequest, Renewal, refreshing::UnderWay};
use crate::{
    error::{Code, Error},
    random,
    session::{
        FamilySecret, RenewAsk, SessionId, Strategy, changed_claims,
        renew::SUPERSEDED,
        rotation::{Intent, Outcome},
    },
    store::Refreshed,
    time::UnixMs,
};

impl Manager {
    /// Ends the session of a live refresh token and starts one in its place, under the same absolute end: [`crate::session::renew()`].
    pub fn renew(self: &Arc<Self>, renewal: &Renewal<'_>, now: UnixMs, done: Answer<Granted>) {
        if self.settings.strategy == Strategy::Renewal {
            let granted = |issued: Result<Issued, Failure>| done(issued.map(Granted::renewed));
            return self.renew_stateless(renewal, now, Box::new(granted));
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
            let granted = |mut answer: Refreshed, outcome, elsewhere| {
                manager.unless_cut_off(&answer.record)?;
                manager.unless_cut_off_before(&sid, &answer.record)?;
                manager.put_waiting_change_in_force(&mut answer.record);
                let issued = manager.issue(answer.record, family, now, read_at)?;
                Ok(Granted {
                    outcome,
                    elsewhere,
                    ..Granted::renewed(issued)
                })
            };
            done(manager.settle(sid, answer, granted));
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
                    _ => manager.checked(answer.record, under_way.now),
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
}
