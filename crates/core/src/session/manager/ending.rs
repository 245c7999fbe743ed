//! Ends and revocations: durable in the store, then visible in the index, then acknowledged.

use std::sync::Arc;

use super::{Answer, Failure, Manager, RefreshRequest, waiting::Pending};
use crate::{
    error::{Blame, Code, Error},
    revocation::Revocation,
    session::{EndReason, SessionId, Strategy, rotation::Intent},
    store::{EndAnswer, EndAsk, Which},
    time::UnixMs,
};

impl Manager {
    /// Ends sessions; the answer names those that were live. [`Code::SessionUnknown`] if one was asked for by name and there
    /// is no such live session, or it is not that subject's; [`Code::OptionInvalid`] for a cut-off in the future.
    pub fn end(self: &Arc<Self>, ask: EndAsk, done: Answer<EndAnswer>) {
        if let Err(error) = self.ready().and_then(|_| is_past(&ask)) {
            return done(Err(error.into()));
        }
        self.end_unchecked(ask, done);
    }

    /// The same also while the store is closing: what waits to be stored has its last chance then.
    pub(super) fn end_unchecked(self: &Arc<Self>, mut ask: EndAsk, done: Answer<EndAnswer>) {
        ask.longest = ask
            .longest
            .max(self.shared.lives().absolute)
            .max(self.settings.absolute);
        ask.skew = self.shared.store.clock_skew();
        if self.settings.strategy == Strategy::Renewal && !ask.which.is_cut_off() {
            return self.end_stateless(&ask, done);
        }
        let manager = Arc::clone(self);
        let retry = ask.clone();
        self.shared.store.end(
            ask,
            Box::new(move |answer| match answer {
                Ok(answer) => {
                    for revocation in &answer.revocations {
                        manager.shared.index.insert(revocation);
                    }
                    match retry.which {
                        // A store that has lost the session knows nothing of it, while its access tokens are still good.
                        Which::Session { sid, subject: None }
                            if answer.revocations.is_empty()
                                && retry.now < sid.time().plus(retry.longest)
                                && !manager.shared.index.has_session(&sid) =>
                        {
                            let unknown = |()| Err(Error::new(Code::SessionUnknown).into());
                            let settle = move |stored: Result<(), Failure>| done(stored.and_then(unknown));
                            manager.revoke_unchecked(manager.end_of_unknown(sid, retry.now), Box::new(settle));
                        }
                        Which::Session { .. } if answer.ended.is_empty() => {
                            done(Err(Error::new(Code::SessionUnknown).into()));
                        }
                        _ => done(Ok(answer)),
                    }
                }
                Err(error) => {
                    manager.shared.doubt(&error);
                    manager.keep_for_later(retry);
                    done(Err(error.into()));
                }
            }),
        );
    }

    /// Makes an end visible here though it is not stored, and keeps it to be stored.
    fn keep_for_later(&self, mut ask: EndAsk) {
        let (now, latest_now) = (ask.now, ask.latest_now());
        // Asked again later, "all there is" would end sessions that start in the meantime.
        match &mut ask.which {
            Which::Everything { before }
            | Which::Subject {
                before, except: None, ..
            } => {
                before.get_or_insert(latest_now);
            }
            // The tag has proved the token's own session, which ends whatever else does.
            Which::AllByToken(by) => {
                ask.which = Which::Session {
                    sid: by.token.sid,
                    subject: None,
                }
            }
            Which::Session { .. } | Which::Subject { .. } => {}
        }
        let revocation = match &ask.which {
            Which::Session { sid, subject: None } => self.end_of_unknown(*sid, now),
            // Whose session it is, or which others there are, only the store knows: nothing may be ended on a guess.
            which => match which.cut_off(latest_now) {
                Some(target) => Revocation::cut_off(target, now, now.plus(ask.longest)),
                None => return,
            },
        };
        self.shared.index.insert(&revocation);
        self.shared.keep(Pending::End(ask));
    }

    /// The revocation of a session whose record is not at hand, for as long as it could have lasted under these settings.
    pub(super) fn end_of_unknown(&self, sid: SessionId, ended: UnixMs) -> Revocation {
        let absolute = self.shared.lives().absolute.max(self.settings.absolute);
        let last_use = ended.plus(self.settings.idle).min(sid.time().plus(absolute));
        Revocation::session(sid, ended).at_least_until(last_use)
    }

    /// Ends the session of a refresh token of any generation. Answers `Ok(None)` when there was none to end.
    pub fn end_by_refresh_token(
        self: &Arc<Self>,
        token: &str,
        reason: EndReason,
        now: UnixMs,
        done: Answer<Option<EndAnswer>>,
    ) {
        let sid = match self.session_of(token, now) {
            Ok(sid) => sid,
            Err(error) if error.code().blame() != Blame::Operator => return done(Ok(None)),
            Err(error) => return done(Err(error.into())),
        };
        let which = Which::Session { sid, subject: None };
        let settle = move |answer: Result<EndAnswer, Failure>| match answer {
            Ok(answer) => done(Ok(Some(answer))),
            Err(failure) if failure.error.code() == Code::SessionUnknown => done(Ok(None)),
            Err(failure) => done(Err(failure)),
        };
        self.end(EndAsk::new(which, reason, now), Box::new(settle));
    }

    /// Ends every session of the subject that a refresh token belongs to, if a refresh with it would be granted now; an older
    /// one ends its own session only. Answers `Ok(None)` when there was none to end. Of the request, token and context count.
    pub fn end_all_by_refresh_token(
        self: &Arc<Self>,
        request: &RefreshRequest<'_>,
        reason: EndReason,
        now: UnixMs,
        done: Answer<Option<EndAnswer>>,
    ) {
        if self.settings.strategy == Strategy::Renewal {
            return self.end_all_stateless(request.token, reason, now, done);
        }
        let ask = match self.ask(request, Intent::Rotate, now) {
            Ok(ask) => ask,
            Err(error) if error.code() == Code::RefreshInvalid => return done(Ok(None)),
            Err(error) => return done(Err(error.into())),
        };
        let which = Which::AllByToken(Box::new(ask));
        let settle = |answer: Result<EndAnswer, Failure>| done(answer.map(Some));
        self.end(EndAsk::new(which, reason, now), Box::new(settle));
    }

    /// Revokes one token, until nothing can be done with it any more.
    pub fn revoke_token(self: &Arc<Self>, jti: String, expires_at: UnixMs, done: Answer<()>) {
        let last_use = expires_at.plus(self.shared.lives().after_expiry);
        self.revoke(Revocation::token(jti, last_use), done);
    }

    /// Stores and applies a revocation that ends no session.
    pub fn revoke(self: &Arc<Self>, revocation: Revocation, done: Answer<()>) {
        match self.ready() {
            Ok(_) => self.revoke_unchecked(revocation, done),
            Err(error) => done(Err(error.into())),
        }
    }

    pub(super) fn revoke_unchecked(self: &Arc<Self>, revocation: Revocation, done: Answer<()>) {
        let manager = Arc::clone(self);
        let entry = revocation.clone();
        self.shared.store.revoke(
            revocation,
            Box::new(move |stored| {
                manager.shared.index.insert(&entry);
                if stored.is_err() {
                    manager.shared.keep(Pending::Revoke(entry));
                }
                done(stored.map_err(Failure::from));
            }),
        );
    }
}

/// Nothing can be cut off before it is there: what starts between now and then would be dead at once.
fn is_past(ask: &EndAsk) -> Result<(), Error> {
    match &ask.which {
        Which::Everything { before: Some(before) }
        | Which::Subject {
            before: Some(before), ..
        } if *before > ask.now => Err(Error::because(Code::OptionInvalid, "before lies in the future")),
        _ => Ok(()),
    }
}
