//! The store contract: what keyturn asks of whatever remembers its sessions.
//!
//! Every method queues one atomic step and returns at once; `done` is called exactly once, on whatever thread finished the
//! step, and only when its effect is durable. A step whose commit fails has changed nothing; a step whose outcome is
//! unknown fails with [`Code::StoreUnavailable`], and asking again is safe. A store decides nothing: it runs the functions
//! of [`crate::session::rotation`] and keeps what they leave.

mod keys;

use std::fmt;

use crate::{
    account::Account,
    error::{Code, Error},
    revocation::{MAX_TOLERANCE, Revocation, Target},
    session::{EndReason, PermissionsAsk, Record, RenewAsk, Renewed, SessionId, SessionLimit, rotation},
    time::{Span, UnixMs},
};

pub use keys::{Purpose, StoredKeys};

/// Receives the outcome of a step, once.
pub type Done<T> = Box<dyn FnOnce(Result<T, StoreError>) + Send>;

/// Receives revocations that another process stored.
pub type Watcher = Box<dyn Fn(&[Revocation]) + Send + Sync>;

/// Is told that another process has stored keys; whoever wants to know which loads them. Runs on a thread of the store's.
pub type KeyWatcher = Box<dyn Fn() + Send + Sync>;

/// What remembers sessions, revocations and keys.
pub trait Store: Send + Sync {
    /// The keys that are stored: one document a purpose.
    fn keys(&self, done: Done<Vec<StoredKeys>>);

    /// Stores a document in place of the one of its purpose, if that one's version is `replaces` or there is none. Answers the
    /// document that is stored after the step: the one given, or the one that stood in its way. Of several processes that do
    /// this at once one succeeds, and all of them know what is stored.
    fn save_keys(&self, keys: StoredKeys, replaces: u64, done: Done<StoredKeys>);

    /// Tells `watcher` whenever another process has stored keys from now on, within the store's reach. Called once.
    fn watch_keys(&self, watcher: KeyWatcher);

    /// Stores a new session, after [`make_room`](crate::session::make_room) for it if there is a limit: those that give way are
    /// ended, with the revocation of their access tokens, in the same step. Of many sign-ins at once none gets past the limit.
    fn create(&self, ask: CreateAsk, done: Done<Created>);

    /// Judges a refresh token ([`rotation::refresh`]) and stores what the judgement leaves; when it ends the session, the
    /// revocation of its access tokens is stored in the same step. `None`: there is no such session. An ask that only checks
    /// ([`rotation::Intent::Check`]) stores nothing but such an end.
    fn refresh(&self, ask: rotation::Ask, done: Done<Option<Refreshed>>);

    /// Judges a refresh token ([`crate::session::renew()`]). If it is granted, the session that takes the place of the token's
    /// and the end of the latter, with its revocation, are stored in the same step, and the new record is the answer. If not,
    /// as [`Store::refresh`]. A store that cannot write two sessions in one step stores the new one first: nobody has its
    /// tokens yet.
    fn renew(&self, ask: RenewAsk, done: Done<Option<Refreshed>>);

    /// Ends sessions and stores the revocation that belongs to it in the same step.
    fn end(&self, ask: EndAsk, done: Done<EndAnswer>);

    /// Changes the claims that the open sessions of a subject carry, and stores the revocation of its older access tokens in the
    /// same step ([`crate::session::change_permissions`]). An error within the answer has changed nothing.
    fn permissions(&self, ask: PermissionsAsk, done: Done<Result<Revocation, Error>>);

    /// Stores a revocation that ends no session.
    fn revoke(&self, revocation: Revocation, done: Done<()>);

    /// Moves the activity of sessions forward.
    fn touch(&self, batch: Vec<(SessionId, UnixMs)>, done: Done<()>);

    /// The sessions of a subject that have neither ended nor reached their absolute end, the oldest first. Which of them rest
    /// too long is not for the store to say: it does not know the latest activity.
    fn list(&self, subject: String, now: UnixMs, done: Done<Vec<Record>>);

    /// Every revocation that has not expired by `now`.
    fn revocations(&self, now: UnixMs, done: Done<Vec<Revocation>>);

    /// Shows `watcher` every revocation that another process stores from now on, within the store's reach. Called once.
    fn watch(&self, watcher: Watcher);

    /// How long ago, by a steady clock, the watcher had certainly been shown every revocation there is. Zero where nobody else
    /// writes. While it grows, others may have revoked what is still accepted here.
    fn staleness(&self) -> Span {
        Span::ZERO
    }

    /// Whether revocations may have been missed since the last call, so that all of them are to be read again.
    fn missed(&self) -> bool {
        false
    }

    /// How far the clocks of those who share the store may lie apart. A cut-off that is meant to be now is set so much later,
    /// and what is made afterwards is made later still.
    fn clock_skew(&self) -> Span {
        Span::ZERO
    }

    /// Keeps the longest lives that anybody has ever used with this store, and answers them: entries have to outlive sessions
    /// that were started under other options. A store that lasts no longer than its users may answer what it is given.
    fn lives(&self, own: Lives, done: Done<Lives>) {
        done(Ok(own));
    }

    /// Deletes what is past every use: sessions over their absolute end by a minute, and expired revocations.
    fn purge(&self, now: UnixMs, done: Done<()>);

    /// Stores an account in place of the one of that name. `unless_present`: only if there is none; answers whether it was
    /// stored.
    fn save_account(&self, account: Account, unless_present: bool, done: Done<bool>);

    /// The account of that name.
    fn account(&self, name: String, done: Done<Option<Account>>);

    /// The store's own clock, which all who share it can be compared with. `None`, as here, where it has none: then every
    /// process that uses the store has the clock of one host.
    fn time(&self, done: Done<Option<UnixMs>>) {
        done(Ok(None));
    }

    /// Finishes what is queued and lets go of everything. Steps queued later fail with [`Code::StoreClosed`].
    fn close(&self, done: Done<()>);
}

/// A session to be stored.
#[derive(Clone, Debug)]
pub struct CreateAsk {
    /// The session.
    pub record: Record,
    /// How many its subject may have.
    pub limit: Option<SessionLimit>,
    /// The time of the sign-in; the record's own times may have been moved behind a cut-off.
    pub now: UnixMs,
}

/// A session without a limit, now.
impl From<Record> for CreateAsk {
    fn from(record: Record) -> Self {
        Self {
            now: record.rotated_at,
            limit: None,
            record,
        }
    }
}

/// What became of a session that was to be stored.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Created {
    /// Whether it was stored; otherwise the limit refused it, and nothing has changed.
    pub admitted: bool,
    /// The sessions that gave way, ended.
    pub ended: Vec<Record>,
}

/// The answer to a refresh: the judgement, and the record as it stands after it.
#[derive(Clone, Debug)]
pub struct Refreshed {
    /// The judgement.
    pub verdict: rotation::Verdict,
    /// The record after it.
    pub record: Record,
    /// The revocation that was stored because the session ended in this step.
    pub revocation: Option<Revocation>,
}

impl Refreshed {
    /// The answer to a renewal, given what became of the old session.
    pub fn renewed(renewed: Result<Renewed, Error>, old: Record, revocation: Option<Revocation>) -> Self {
        let (verdict, record) = match renewed {
            Ok(Renewed { record, verdict }) => (verdict, record),
            Err(error) => (rotation::Verdict::Refused(error), old),
        };
        Self {
            verdict,
            record,
            revocation,
        }
    }
}

/// How long what is handed out can be used at most.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Lives {
    /// The absolute limit of a session.
    pub absolute: Span,
    /// How long after its end an access token is still good for something: the idle limit where an expired one is exchanged
    /// for a new one, otherwise zero.
    pub after_expiry: Span,
}

impl Lives {
    /// Of both the longer.
    #[must_use]
    pub fn longest(self, other: Self) -> Self {
        Self {
            absolute: self.absolute.max(other.absolute),
            after_expiry: self.after_expiry.max(other.after_expiry),
        }
    }
}

/// Which sessions to end.
#[derive(Clone, Debug)]
pub struct EndAsk {
    /// Which ones.
    pub which: Which,
    /// Why.
    pub reason: EndReason,
    /// When.
    pub now: UnixMs,
    /// The longest that a session can last which a cut-off reaches and the store does not know yet: another process may be
    /// about to store it.
    pub longest: Span,
    /// [`Store::clock_skew`]: how much later than now a cut-off lies that does not say when.
    pub skew: Span,
}

impl EndAsk {
    /// An end at `now`.
    pub const fn new(which: Which, reason: EndReason, now: UnixMs) -> Self {
        Self {
            which,
            reason,
            now,
            longest: Span::ZERO,
            skew: Span::ZERO,
        }
    }

    /// Now, for a cut-off: so late as it may be for anybody who shares the store.
    pub const fn latest_now(&self) -> UnixMs {
        self.now.plus(self.skew)
    }

    /// Whether a cut-off of all there is may be moved behind a session that started then. Nobody starts one later whose clock is
    /// right, and moved behind that one it would reach for as long whatever starts from now on: that one is ended by name.
    pub fn may_follow(&self, started: UnixMs) -> bool {
        started <= self.latest_now().plus(MAX_TOLERANCE)
    }
}

/// A selection of sessions.
#[derive(Clone, Debug)]
pub enum Which {
    /// All sessions of the subject whose session this refresh token is of, if a refresh with it would be granted now. An
    /// older token of the lineage ends its own session and no other. See [`Which::resolve`].
    AllByToken(Box<rotation::Ask>),
    /// All sessions that started at or before a moment.
    Everything {
        /// The cut-off; `None` reaches every session that is stored, also one whose start was moved behind an earlier cut-off
        /// of the same millisecond.
        before: Option<UnixMs>,
    },
    /// One session; with `subject`, only if it is that subject's.
    Session {
        /// Its identifier.
        sid: SessionId,
        /// Whose it must be.
        subject: Option<String>,
    },
    /// Those sessions of a subject that started at or before a moment.
    Subject {
        /// The subject.
        subject: String,
        /// The cut-off, as for [`Which::Everything`].
        before: Option<UnixMs>,
        /// One that is left alone; then no cut-off is stored, but the end of each of the others.
        except: Option<SessionId>,
    },
}

impl Which {
    /// The cut-off that is stored with it; `None` where the end of each session is stored instead. `latest` is the later of
    /// [`EndAsk::latest_now`] and the latest start of any selected session that it [may follow](EndAsk::may_follow).
    pub fn cut_off(&self, latest: UnixMs) -> Option<Target> {
        match self {
            Self::Everything { before } => Some(Target::Everything {
                before: before.unwrap_or(latest),
            }),
            Self::Subject {
                subject,
                before,
                except: None,
            } => Some(Target::Subject {
                subject: subject.clone(),
                before: before.unwrap_or(latest),
            }),
            Self::AllByToken(_) | Self::Session { .. } | Self::Subject { .. } => None,
        }
    }

    /// Whether a cut-off is stored in place of the end of each session.
    pub fn is_cut_off(&self) -> bool {
        self.cut_off(UnixMs::default()).is_some()
    }

    /// Whether a session that started then is reached.
    pub fn reaches(&self, started: UnixMs) -> bool {
        match self {
            Self::Everything { before } | Self::Subject { before, .. } => before.is_none_or(|before| started <= before),
            Self::AllByToken(_) | Self::Session { .. } => true,
        }
    }

    /// For [`Which::AllByToken`] what it comes to, given the record of the token's session; anything else is itself. A
    /// store calls this before it selects. `None`: nothing is to be ended.
    pub fn resolve<E>(&self, load: impl FnOnce(&SessionId) -> Result<Option<Record>, E>) -> Result<Option<Self>, E> {
        let Self::AllByToken(ask) = self else {
            return Ok(Some(self.clone()));
        };
        let Some(mut record) = load(&ask.token.sid)? else {
            return Ok(None);
        };
        let subject = record.subject.clone();
        Ok(match rotation::refresh(&mut record, ask) {
            rotation::Verdict::Granted(_) | rotation::Verdict::GrantedElsewhere(_) => Some(Self::Subject {
                subject,
                before: None,
                except: None,
            }),
            rotation::Verdict::Refused(error) if error.code() == Code::RefreshInvalid => None,
            rotation::Verdict::Outdated | rotation::Verdict::Refused(_) => Some(Self::Session {
                sid: ask.token.sid,
                subject: None,
            }),
        })
    }
}

/// What was ended.
#[derive(Clone, Debug, Default)]
pub struct EndAnswer {
    /// The sessions that had not ended before.
    pub ended: Vec<SessionId>,
    /// Whose they were.
    pub subject: Option<String>,
    /// The revocations that were stored with it.
    pub revocations: Vec<Revocation>,
}

/// Why a store could not do what it was asked. The detail is for the operator; it names files and causes, never secrets.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct StoreError {
    /// The code.
    pub code: Code,
    /// The cause in words.
    pub detail: String,
    /// Whether the step certainly changed nothing; otherwise its outcome is unknown.
    pub untouched: bool,
}

impl StoreError {
    /// An error with its cause.
    pub fn new(code: Code, detail: impl Into<String>) -> Self {
        Self {
            code,
            detail: detail.into(),
            untouched: false,
        }
    }

    /// The same for a step that certainly changed nothing.
    #[must_use]
    pub fn untouched(mut self) -> Self {
        self.untouched = true;
        self
    }

    /// The answer to every step after `close`.
    pub fn closed() -> Self {
        Self::new(Code::StoreClosed, "the store has been closed").untouched()
    }
}

impl fmt::Display for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.code.as_str(), self.detail)
    }
}

impl std::error::Error for StoreError {}
