//! Refresh: what asks whether the next pair would be handed out, and what hands it out.

use std::sync::Arc;

use super::{Answer, Checked, Decision, Failure, Granted, Manager, RefreshRequest};
use crate::{
    error::{Code, Error},
    session::{
        ClockState, FamilySecret, NewRights, Pairing, Record, Strategy,
        claims::changed_claims,
        rotation::{self, Context, Intent, NewClaims, Outcome},
    },
    store::{Refreshed, StoreError},
    time::{Span, UnixMs},
};

/// What is remembered of a request while the store is at work.
pub(super) struct UnderWay {
    family: FamilySecret,
    origin: Option<String>,
    decision: Option<Decision>,
    pub(super) now: UnixMs,
}

impl UnderWay {
    pub(super) fn of(request: &RefreshRequest<'_>, ask: &rotation::Ask) -> Self {
        Self {
            family: ask.token.family.clone(),
            origin: request.origin.map(str::to_owned),
            decision: request.decision.clone(),
            now: ask.now,
        }
    }
}

/// A request that waits for keys.
struct Kept {
    token: String,
    context: Option<String>,
    origin: Option<String>,
    access_token: Option<String>,
    report: Option<Span>,
    decision: Option<Decision>,
}

impl Kept {
    fn of(request: &RefreshRequest<'_>) -> Self {
        Self {
            token: request.token.to_owned(),
            context: request.context.map(str::to_owned),
            origin: request.origin.map(str::to_owned),
            access_token: request.access_token.map(str::to_owned),
            report: request.report,
            decision: request.decision.clone(),
        }
    }

    fn request(&self) -> RefreshRequest<'_> {
        RefreshRequest {
            token: &self.token,
            context: self.context.as_deref(),
            origin: self.origin.as_deref(),
            access_token: self.access_token.as_deref(),
            report: self.report,
            decision: self.decision.clone(),
        }
    }
}

/// What is made of a grant. Its last arguments are how it was granted, and whether that was elsewhere.
pub(super) type WhenGranted<T> = fn(&Arc<Manager>, &UnderWay, Refreshed, Outcome, bool) -> Result<T, Error>;

impl Manager {
    /// Exchanges a refresh token for a new pair, by the table of [`rotation`]. Where the application is asked at each refresh
    /// ([`crate::session::Settings::on_refresh`]) the request holds its decision; fails with [`Code::StoreUnavailable`], reason
    /// `outdated`, if it has to be asked again.
    pub fn refresh(self: &Arc<Self>, request: &RefreshRequest<'_>, now: UnixMs, done: Answer<Granted>) {
        if self.settings.on_refresh && request.decision.is_none() {
            return done(Err(
                Error::because(Code::Internal, "the application was not asked").into()
            ));
        }
        if self.settings.strategy == Strategy::Renewal {
            let renewed = self.check_clock().and_then(|()| self.renew_token(request, now));
            return done(renewed.map_err(Failure::from));
        }
        self.judge(request, Intent::Rotate, now, done, Self::grant);
    }

    /// Says what a refresh would come to, without rotating; what it would refuse it refuses here, and a session that would end
    /// ends. The first half of a refresh at which the application is asked: nothing is held from here to the second.
    pub fn check_refresh(self: &Arc<Self>, request: &RefreshRequest<'_>, now: UnixMs, done: Answer<Checked>) {
        self.judge(request, Intent::Check, now, done, |manager, under_way, answer, _, _| {
            manager.checked(answer.record, under_way.now)
        });
    }

    /// Lets the store judge, and makes of a grant what `granted` does.
    fn judge<T: 'static>(
        self: &Arc<Self>,
        request: &RefreshRequest<'_>,
        intent: Intent,
        now: UnixMs,
        done: Answer<T>,
        granted: WhenGranted<T>,
    ) {
        match self.refresh_ask(request, intent, now) {
            Ok(ask) => self.judge_asked(UnderWay::of(request, &ask), ask, done, granted),
            // Another process may have announced the key just now: looked at once more after the keys have been read again.
            Err(_) if self.brings_unknown_key(request, now) => {
                let (manager, kept) = (Arc::clone(self), Kept::of(request));
                let look = move || {
                    let request = kept.request();
                    match manager.refresh_ask(&request, intent, now) {
                        Ok(ask) => manager.judge_asked(UnderWay::of(&request, &ask), ask, done, granted),
                        Err(error) => done(Err(error.into())),
                    }
                };
                self.shared.learn_keys(now, Some(Box::new(look)));
            }
            Err(error) => done(Err(error.into())),
        }
    }

    /// Whether one of its tokens is of a key that is not known here. A signing key is announced long before it signs, unless
    /// an operator has rotated at once.
    fn brings_unknown_key(&self, request: &RefreshRequest<'_>, now: UnixMs) -> bool {
        let access_token = match self.settings.strategy {
            Strategy::JtiExchange => Some(request.token),
            _ => request.access_token.filter(|_| self.settings.pairing != Pairing::Off),
        };
        let is_unknown = |token| self.ready().is_ok_and(|ready| ready.past.names_unknown_key(token, now));
        self.names_unknown_key(request.token) || (self.configured.is_none() && access_token.is_some_and(is_unknown))
    }

    pub(super) fn judge_asked<T: 'static>(
        self: &Arc<Self>,
        under_way: UnderWay,
        ask: rotation::Ask,
        done: Answer<T>,
        granted: WhenGranted<T>,
    ) {
        let manager = Arc::clone(self);
        let sid = ask.token.sid;
        let settle = move |answer: Result<Option<Refreshed>, StoreError>| {
            let granted = |answer, outcome, elsewhere| granted(&manager, &under_way, answer, outcome, elsewhere);
            done(manager.settle(sid, answer, granted));
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
        let refreshed = answer.as_ref().ok().and_then(Option::as_ref);
        let is_known = |number| self.ready().is_ok_and(|ready| ready.refresh.has(number));
        if refreshed.is_none_or(|refreshed| is_known(refreshed.record.refresh_key)) {
            then(answer);
        } else {
            self.shared.read_keys(Box::new(move || then(answer)));
        }
    }

    fn grant(
        self: &Arc<Self>,
        under_way: &UnderWay,
        answer: Refreshed,
        outcome: Outcome,
        elsewhere: bool,
    ) -> Result<Granted, Error> {
        let mut record = answer.record;
        self.unless_cut_off(&record)?;
        self.put_waiting_change_in_force(&mut record);
        let read_at = match &under_way.decision {
            // The record keeps what the rotation stored. This token says what the application said just now.
            Some(decision) => {
                record.claims = changed_claims(&record.claims, &decision.changes)?;
                Some(decision.read_at)
            }
            None => None,
        };
        let origin = under_way.origin.as_deref();
        let contention = self
            .shared
            .contention
            .note(record.sid, outcome, record.generation, origin);
        let issued = self.issue(record, under_way.family.clone(), under_way.now, read_at)?;
        Ok(Granted {
            issued,
            outcome,
            elsewhere,
            contention,
        })
    }

    /// What the application is asked about. It answers as of now, hence behind the last change of permissions that is known,
    /// also where that lies ahead of this clock. While a change waits to be stored the record does not say what it is asked
    /// about, and nobody is asked.
    pub(super) fn checked(&self, record: Record, now: UnixMs) -> Result<Checked, Error> {
        let waiting = self.shared.waiting_change(&record.subject);
        if waiting.is_some_and(|change| change.rights != NewRights::default()) {
            return Err(Error::because(Code::StoreUnavailable, "unstored"));
        }
        let read_at = self.after_change_of_rights(&record.subject, now).max(record.rights_at);
        Ok(Checked { record, read_at })
    }

    /// On a host whose clock is wrong nobody can say what has expired, or how much of a grace has passed.
    pub(super) fn check_clock(&self) -> Result<(), Error> {
        if self.shared.clock.state() == ClockState::Wrong {
            return Err(Error::because(Code::StoreUnavailable, "clock"));
        }
        Ok(())
    }

    fn refresh_ask(&self, request: &RefreshRequest<'_>, intent: Intent, now: UnixMs) -> Result<rotation::Ask, Error> {
        self.check_clock()?;
        self.check_expired(request.token, now)?;
        let ask = self.ask(request, intent, now)?;
        self.check_pairing(ask.token.sid, request.access_token, now)?;
        Ok(ask)
    }

    pub(super) fn ask(
        &self,
        request: &RefreshRequest<'_>,
        intent: Intent,
        now: UnixMs,
    ) -> Result<rotation::Ask, Error> {
        let ready = self.ready()?;
        let token = self.presented(request.token, now)?;
        self.check_context(request.context)?;
        let context = self
            .settings
            .binding
            .zip(request.context)
            .map(|(mismatch, context)| Context {
                digest: token.family.context_digest(context),
                mismatch,
            });
        Ok(rotation::Ask {
            intent,
            now,
            arrived: request.decision.as_ref().map(|decision| decision.arrived),
            grace: self.settings.grace,
            heal: self.settings.heal,
            newest_key: ready.refresh.newest(now),
            seen: self.shared.activity.seen(&token.sid),
            report: request.report,
            revoked: self.shared.index.has_session(&token.sid),
            context,
            claims: request.decision.as_ref().map(new_claims).transpose()?.flatten(),
            token,
        })
    }

    /// A context is given exactly where sessions are bound to it: one that nobody compares would be a false comfort.
    pub(super) fn check_context(&self, context: Option<&str>) -> Result<(), Error> {
        let refused = |reason| Err(Error::because(Code::OptionInvalid, reason));
        match (self.settings.binding, context) {
            (Some(_), None) => refused("with refresh.binding every sign-in and refresh needs a context"),
            (None, Some(_)) => refused("a context is compared only if refresh.binding is set"),
            _ => Ok(()),
        }
    }
}

/// What is to be stored, if anything changes.
fn new_claims(decision: &Decision) -> Result<Option<NewClaims>, Error> {
    let text = changed_claims(&decision.instead_of, &decision.changes)?;
    Ok((text != decision.instead_of).then(|| NewClaims {
        text,
        instead_of: decision.instead_of.clone(),
    }))
}
