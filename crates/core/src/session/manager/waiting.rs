//! What is in force here and waits to be stored: ends and revocations that were made while the store could not be reached.

use std::{
    collections::{HashSet, VecDeque},
    mem,
    sync::{Arc, MutexGuard, PoisonError},
};

use super::{Failure, Manager, shared::Shared};
use crate::{
    error::Code,
    revocation::{Revocation, Target},
    session::{EndReason, PermissionsAsk, SessionId},
    store::{EndAnswer, EndAsk, Which},
    time::UnixMs,
};

/// How much waits at most. Further ones are in force here, the caller has been told that they are not stored, and they are
/// counted.
const MAX_WAITING: usize = 10_000;

/// Something that the store has yet to hear of.
#[derive(Clone, Debug)]
pub(super) enum Pending {
    /// Sessions to end.
    End(EndAsk),
    /// Roles and permissions to change.
    Permissions(PermissionsAsk),
    /// A revocation to keep.
    Revoke(Revocation),
    /// A signing key to take out and revoke.
    RevokeKey(String),
}

/// All of it.
#[derive(Default)]
pub(super) struct Waiting {
    queue: Vec<Pending>,
    /// The changes of permissions that the store is being asked to store right now, as they were asked for: mostly the first
    /// one is answered first.
    changing: VecDeque<PermissionsAsk>,
    /// The sessions in it. Whoever signs out again and again while the store is away must not push out others.
    sessions: HashSet<(Kind, SessionId)>,
    /// How many the store is being asked to store right now.
    under_way: usize,
    dropped: u64,
    stored: Vec<StoredLate>,
    /// What is done as soon as nothing is under way.
    settled: Vec<Settled>,
}

/// Is called once nothing is under way.
type Settled = Box<dyn FnOnce() + Send>;

/// What is to be stored of a session.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
enum Kind {
    End,
    Revocation,
}

/// Something that was stored after its caller had been told that it was not.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct StoredLate {
    /// What it reaches: `everything`, `key`, `permissions`, `session`, `subject` or `token`.
    pub what: &'static str,
    /// The session, if it is one.
    pub sid: Option<SessionId>,
    /// Whose it is, as far as that is known.
    pub subject: Option<String>,
    /// Why sessions were ended, if they were.
    pub reason: Option<EndReason>,
}

/// How much is in force here alone.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Unstored {
    /// What waits to be stored.
    pub waiting: usize,
    /// What was not even kept, because too much waited already: it ends with this process.
    pub dropped: u64,
}

impl Pending {
    fn session(&self) -> Option<(Kind, SessionId)> {
        match self {
            Self::End(EndAsk {
                which: Which::Session { sid, .. },
                ..
            }) => Some((Kind::End, *sid)),
            Self::Revoke(Revocation {
                target: Target::Session { sid },
                ..
            }) => Some((Kind::Revocation, *sid)),
            _ => None,
        }
    }

    fn told(&self) -> StoredLate {
        let (what, sid, subject) = match self {
            Self::End(ask) => match &ask.which {
                Which::AllByToken(by) => ("session", Some(by.token.sid), None),
                Which::Everything { .. } => ("everything", None, None),
                Which::Session { sid, subject } => ("session", Some(*sid), subject.clone()),
                Which::Subject { subject, .. } => ("subject", None, Some(subject.clone())),
            },
            Self::Permissions(ask) => ("permissions", None, Some(ask.subject.clone())),
            Self::Revoke(revocation) => match &revocation.target {
                Target::Everything { .. } => ("everything", None, None),
                Target::Key { .. } => ("key", None, None),
                Target::Permissions { subject, .. } => ("permissions", None, Some(subject.clone())),
                Target::Session { sid } => ("session", Some(*sid), None),
                Target::Subject { subject, .. } => ("subject", None, Some(subject.clone())),
                Target::Token { .. } => ("token", None, None),
            },
            Self::RevokeKey(_) => ("key", None, None),
        };
        let reason = match self {
            Self::End(ask) => Some(ask.reason),
            _ => None,
        };
        StoredLate {
            what,
            sid,
            subject,
            reason,
        }
    }
}

impl Waiting {
    fn keep(&mut self, pending: Pending) {
        let session = pending.session();
        if session.is_some_and(|session| self.sessions.contains(&session)) {
            return;
        }
        if self.queue.len() >= MAX_WAITING {
            self.dropped = self.dropped.saturating_add(1);
            return;
        }
        self.sessions.extend(session);
        self.queue.push(pending);
    }

    /// The same for a change of permissions, of which a subject has one.
    fn keep_change(&mut self, change: PermissionsAsk) {
        let was_late = change.late;
        let change = PermissionsAsk { late: true, ..change };
        let queued = self.queue.iter_mut().find_map(|pending| match pending {
            Pending::Permissions(queued) if queued.subject == change.subject => Some(queued),
            _ => None,
        });
        match queued {
            // It was tried again, and the other one came meanwhile.
            Some(queued) if was_late => queued.merge(change),
            Some(queued) => {
                let earlier = mem::replace(queued, change);
                queued.merge(earlier);
            }
            None => self.keep(Pending::Permissions(change)),
        }
    }

    /// What the store has not been heard to hold of a subject's changes.
    fn change_of(&self, subject: &str) -> Option<PermissionsAsk> {
        let queued = self.queue.iter().filter_map(|pending| match pending {
            Pending::Permissions(change) => Some(change),
            _ => None,
        });
        let of_subject = queued.chain(&self.changing).filter(|change| change.subject == subject);
        of_subject.cloned().reduce(|mut later, change| {
            later.merge(change);
            later
        })
    }

    fn take(&mut self) -> Vec<Pending> {
        self.sessions.clear();
        let taken = mem::take(&mut self.queue);
        let changes = taken.iter().filter_map(|pending| match pending {
            Pending::Permissions(change) => Some(change.clone()),
            _ => None,
        });
        self.changing.extend(changes);
        self.under_way = self.under_way.saturating_add(taken.len());
        taken
    }

    fn change_answered(&mut self, change: &PermissionsAsk) {
        if let Some(place) = self.changing.iter().position(|changing| changing == change) {
            self.changing.remove(place);
        }
    }

    /// Gives what is to be done now.
    fn answered(&mut self, stored: Option<StoredLate>) -> Vec<Settled> {
        self.under_way = self.under_way.saturating_sub(1);
        // Whoever never asks what was stored late misses what comes after that.
        if self.stored.len() < MAX_WAITING {
            self.stored.extend(stored);
        }
        if self.under_way > 0 {
            return Vec::new();
        }
        mem::take(&mut self.settled)
    }
}

impl Shared {
    /// Keeps something to be stored later.
    pub(super) fn keep(&self, pending: Pending) {
        self.waiting().keep(pending);
    }

    /// The same for a change of permissions, which is put together with another one of its subject.
    pub(super) fn keep_change(&self, change: PermissionsAsk) {
        self.waiting().keep_change(change);
    }

    /// The change of a subject's permissions that is in force here and, as far as is known, not in the store.
    pub(super) fn waiting_change(&self, subject: &str) -> Option<PermissionsAsk> {
        self.waiting().change_of(subject)
    }

    /// How much is in force here alone.
    pub fn unstored(&self) -> Unstored {
        let waiting = self.waiting();
        Unstored {
            waiting: waiting.queue.len().saturating_add(waiting.under_way),
            dropped: waiting.dropped,
        }
    }

    /// What was stored late and has not been told of: each is answered once, whoever asks.
    pub fn take_stored_late(&self) -> Vec<StoredLate> {
        mem::take(&mut self.waiting().stored)
    }

    /// Calls `settled` once the store is not being asked for any of it: some of it takes several steps.
    pub(super) fn once_settled(&self, settled: Box<dyn FnOnce() + Send>) {
        let mut waiting = self.waiting();
        if waiting.under_way > 0 {
            waiting.settled.push(settled);
            return;
        }
        drop(waiting);
        settled();
    }

    fn answered(&self, stored: Option<StoredLate>) {
        let settled = self.waiting().answered(stored);
        for settled in settled {
            settled();
        }
    }

    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Manager {
    /// Tries again what waits. What fails again waits again.
    pub(super) fn store_late(self: &Arc<Self>, now: UnixMs) {
        let taken = self.shared.waiting().take();
        for pending in taken {
            let (shared, told) = (Arc::clone(&self.shared), pending.told());
            let tell = move |stored: Option<Option<String>>| {
                let told = stored.map(|subject| StoredLate {
                    subject: subject.or(told.subject),
                    ..told
                });
                shared.answered(told);
            };
            if let Pending::End(ask) = pending {
                let (manager, which, asked) = (Arc::clone(self), ask.which.clone(), ask.now);
                let settle = move |answer: Result<EndAnswer, Failure>| match (answer, which) {
                    (Ok(answer), _) => tell(Some(answer.subject)),
                    // It has been ended, by the first try perhaps; or the store has lost it, and others have yet to hear of its end.
                    (Err(failure), Which::Session { sid, .. }) if failure.error.code() == Code::SessionUnknown => {
                        let told = move |stored: Result<(), Failure>| tell(stored.is_ok().then_some(None));
                        manager.revoke_unchecked(manager.end_of_unknown(sid, asked), Box::new(told));
                    }
                    _ => tell(None),
                };
                self.end_unchecked(ask, Box::new(settle));
                continue;
            }
            let settle = move |stored: Result<(), Failure>| tell(stored.is_ok().then_some(None));
            match pending {
                Pending::End(_) => {}
                Pending::Permissions(ask) => {
                    let (shared, change) = (Arc::clone(&self.shared), ask.clone());
                    let settle = move |stored| {
                        shared.waiting().change_answered(&change);
                        settle(stored);
                    };
                    self.change_unchecked(ask, Box::new(settle));
                }
                Pending::Revoke(revocation) => self.revoke_unchecked(revocation, Box::new(settle)),
                Pending::RevokeKey(kid) => self.revoke_key_unchecked(kid, now, Box::new(settle)),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        session::{ClaimChanges, NewRights},
        time::Span,
    };

    fn sid(number: usize) -> SessionId {
        let mut bytes = [0; 16];
        bytes[8..].copy_from_slice(&number.to_be_bytes());
        SessionId::from_bytes(bytes)
    }

    fn end(number: usize) -> Pending {
        let which = Which::Session {
            sid: sid(number),
            subject: None,
        };
        Pending::End(EndAsk::new(which, EndReason::Logout, UnixMs::default()))
    }

    #[test]
    fn what_does_not_fit_is_counted_and_the_earlier_ones_stay() {
        let mut waiting = Waiting::default();
        (0..MAX_WAITING + 3).for_each(|number| waiting.keep(end(number)));
        assert_eq!((waiting.queue.len(), waiting.dropped), (MAX_WAITING, 3));
        assert_eq!(waiting.queue[0].session(), Some((Kind::End, sid(0))));
        assert_eq!(waiting.take().len(), MAX_WAITING);
        // As far as they are not stored they come back, and there is room for them.
        (0..MAX_WAITING).for_each(|number| {
            waiting.keep(end(number));
            waiting.answered(None);
        });
        assert_eq!(
            (waiting.queue.len(), waiting.under_way, waiting.dropped),
            (MAX_WAITING, 0, 3)
        );
    }

    #[test]
    fn who_signs_out_again_and_again_takes_one_place() {
        let mut waiting = Waiting::default();
        (0..MAX_WAITING * 2).for_each(|_| waiting.keep(end(1)));
        waiting.keep(Pending::Revoke(Revocation::session(sid(1), UnixMs::default())));
        assert_eq!((waiting.queue.len(), waiting.dropped), (2, 0));
        waiting.take();
        waiting.keep(end(1));
        assert_eq!(waiting.queue.len(), 1);
    }

    fn change(subject: &str, roles: Option<&str>, permissions: Option<&str>, seconds: u64) -> PermissionsAsk {
        let at = UnixMs::from_secs(seconds);
        let names = |name: &str| vec![name.to_owned()];
        let changes = ClaimChanges {
            roles: roles.map(names),
            permissions: permissions.map(names),
            own: None,
        };
        PermissionsAsk {
            subject: subject.into(),
            rights: NewRights::of(changes, at),
            now: at,
            skew: Span::ZERO,
            late: false,
        }
    }

    #[test]
    fn of_a_change_that_fails_again_the_parts_stay_that_a_later_one_leaves_out() {
        let mut waiting = Waiting::default();
        waiting.keep_change(change("alice", Some("admin"), Some("none"), 1));
        waiting.keep_change(change("bob", Some("other"), None, 1));
        let taken = waiting.take();
        // While they are under way another one comes to wait.
        waiting.keep_change(change("alice", Some("user"), None, 2));
        let expected = PermissionsAsk {
            late: true,
            rights: NewRights {
                permissions: change("alice", None, Some("none"), 1).rights.permissions,
                ..change("alice", Some("user"), None, 2).rights
            },
            ..change("alice", None, None, 2)
        };
        assert_eq!(waiting.change_of("alice").as_ref(), Some(&expected));
        for pending in taken {
            let Pending::Permissions(change) = pending else {
                panic!("{pending:?}")
            };
            waiting.keep_change(change.clone());
            waiting.change_answered(&change);
            waiting.answered(None);
        }
        assert_eq!((waiting.queue.len(), waiting.changing.len()), (2, 0));
        assert_eq!(waiting.change_of("alice"), Some(expected));
        assert_eq!(waiting.change_of("carol"), None);
    }

    #[test]
    fn what_was_stored_late_is_told_once_and_in_bounded_number() {
        let mut waiting = Waiting::default();
        for number in 0..MAX_WAITING * 2 {
            waiting.answered(Some(end(number).told()));
        }
        assert_eq!(waiting.stored.len(), MAX_WAITING);
        assert_eq!(
            waiting.stored[7],
            StoredLate {
                what: "session",
                sid: Some(sid(7)),
                subject: None,
                reason: Some(EndReason::Logout)
            }
        );
    }
}
