//! The store that forgets everything with the process: for tests, and for applications that say so.
//!
//! One lock around plain maps; every step runs and answers on the caller's thread.

use std::{
    collections::{BTreeSet, HashMap},
    convert::Infallible,
    sync::{Mutex, PoisonError},
};

use keyturn_core::{
    account::Account,
    error::{Code, Error},
    revocation::Revocation,
    session::{
        PermissionsAsk, Record, RenewAsk, SessionId, SessionLimit, change_permissions, make_room, renew, rotation,
    },
    store::{
        CreateAsk, Created, Done, EndAnswer, EndAsk, KeyWatcher, Refreshed, Store, StoreError, StoredKeys, Watcher,
        Which,
    },
    time::{Span, UnixMs},
};

/// How many sessions it takes: about half a gigabyte. A sign-in beyond that fails; nobody else is signed out for it.
const MAX_SESSIONS: usize = 1_000_000;

/// How many revocations of its own it takes, beside one for each session.
const MAX_REVOCATIONS: usize = 2_000_000;

/// How many accounts it takes.
const MAX_ACCOUNTS: usize = 100_000;

/// Sessions in memory.
#[derive(Debug, Default)]
pub struct MemoryStore(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    closed: bool,
    sessions: HashMap<SessionId, Record>,
    by_subject: HashMap<String, BTreeSet<SessionId>>,
    revocations: Vec<Revocation>,
    keys: Vec<StoredKeys>,
    accounts: HashMap<String, Account>,
}

impl MemoryStore {
    /// An empty store.
    pub fn new() -> Self {
        Self::default()
    }

    /// Runs one step under the lock and answers after it has been released.
    fn step<T>(&self, done: Done<T>, run: impl FnOnce(&mut State) -> Result<T, StoreError>) {
        let answer = {
            let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            if state.closed {
                Err(StoreError::closed())
            } else {
                run(&mut state)
            }
        };
        done(answer);
    }
}

impl Store for MemoryStore {
    fn keys(&self, done: Done<Vec<StoredKeys>>) {
        self.step(done, |state| Ok(state.keys.clone()));
    }

    fn save_keys(&self, keys: StoredKeys, replaces: u64, done: Done<StoredKeys>) {
        self.step(done, |state| {
            match state.keys.iter_mut().find(|held| held.purpose == keys.purpose) {
                Some(held) if held.version != replaces => return Ok(held.clone()),
                Some(held) => *held = keys.clone(),
                None => state.keys.push(keys.clone()),
            }
            Ok(keys)
        });
    }

    /// There is no other process.
    fn watch_keys(&self, _: KeyWatcher) {}

    fn create(&self, ask: CreateAsk, done: Done<Created>) {
        self.step(done, |state| {
            if state.sessions.len() >= MAX_SESSIONS {
                return Err(full());
            }
            let CreateAsk { record, limit, now } = ask;
            let ended = match limit {
                Some(limit) => state.make_room(limit, &record.subject, now),
                None => Some(Vec::new()),
            };
            let Some(ended) = ended else {
                return Ok(Created::default());
            };
            state.insert(record);
            Ok(Created { admitted: true, ended })
        });
    }

    fn refresh(&self, ask: rotation::Ask, done: Done<Option<Refreshed>>) {
        self.step(done, |state| {
            let Some(record) = state.sessions.get_mut(&ask.token.sid) else {
                return Ok(None);
            };
            let was_live = record.ended.is_none();
            let verdict = rotation::refresh(record, &ask);
            let record = record.clone();
            let revocation = record.revocation();
            if was_live {
                state.revocations.extend(revocation.clone());
            }
            Ok(Some(Refreshed {
                verdict,
                record,
                revocation,
            }))
        });
    }

    fn renew(&self, ask: RenewAsk, done: Done<Option<Refreshed>>) {
        self.step(done, |state| {
            if state.sessions.len() >= MAX_SESSIONS {
                return Err(full());
            }
            let Some(record) = state.sessions.get_mut(&ask.by.token.sid) else {
                return Ok(None);
            };
            let was_live = record.ended.is_none();
            let renewed = renew(record, &ask);
            let before = record.clone();
            let revocation = before.revocation();
            if was_live {
                state.revocations.extend(revocation.clone());
            }
            if let Ok(renewed) = &renewed {
                state.insert(renewed.record.clone());
            }
            Ok(Some(Refreshed::renewed(renewed, before, revocation)))
        });
    }

    fn end(&self, ask: EndAsk, done: Done<EndAnswer>) {
        self.step(done, |state| Ok(state.end(&ask)));
    }

    fn permissions(&self, ask: PermissionsAsk, done: Done<Result<Revocation, Error>>) {
        self.step(done, |state| {
            if state.revocations.len() >= MAX_REVOCATIONS {
                return Err(full());
            }
            let mut sessions = state.open_sessions(&ask.subject, ask.now);
            let revocation = match change_permissions(&mut sessions, &ask) {
                Ok(revocation) => revocation,
                Err(error) => return Ok(Err(error)),
            };
            for record in sessions {
                state.sessions.insert(record.sid, record);
            }
            state.revocations.push(revocation.clone());
            Ok(Ok(revocation))
        });
    }

    fn revoke(&self, revocation: Revocation, done: Done<()>) {
        self.step(done, |state| {
            if state.revocations.len() >= MAX_REVOCATIONS {
                return Err(full());
            }
            state.revocations.push(revocation);
            Ok(())
        });
    }

    fn touch(&self, batch: Vec<(SessionId, UnixMs)>, done: Done<()>) {
        self.step(done, |state| {
            for (sid, at) in batch {
                if let Some(record) = state.sessions.get_mut(&sid).filter(|record| record.ended.is_none()) {
                    record.touch(at);
                }
            }
            Ok(())
        });
    }

    fn list(&self, subject: String, now: UnixMs, done: Done<Vec<Record>>) {
        self.step(done, |state| Ok(state.open_sessions(&subject, now)));
    }

    fn revocations(&self, now: UnixMs, done: Done<Vec<Revocation>>) {
        self.step(done, |state| {
            let live = state
                .revocations
                .iter()
                .filter(|revocation| revocation.expires_at > now);
            Ok(live.cloned().collect())
        });
    }

    /// There is no other process.
    fn watch(&self, _: Watcher) {}

    fn purge(&self, now: UnixMs, done: Done<()>) {
        self.step(done, |state| {
            state.revocations.retain(|revocation| revocation.expires_at > now);
            let over = |record: &Record| record.absolute_end.plus(Span::from_secs(60)) < now;
            for record in state.sessions.values().filter(|record| over(record)) {
                if let Some(sids) = state.by_subject.get_mut(&record.subject) {
                    sids.remove(&record.sid);
                }
            }
            state.by_subject.retain(|_, sids| !sids.is_empty());
            state.sessions.retain(|_, record| !over(record));
            Ok(())
        });
    }

    fn save_account(&self, account: Account, unless_present: bool, done: Done<bool>) {
        self.step(done, |state| {
            if state.accounts.len() >= MAX_ACCOUNTS && !state.accounts.contains_key(&account.name) {
                return Err(full());
            }
            if unless_present && state.accounts.contains_key(&account.name) {
                return Ok(false);
            }
            state.accounts.insert(account.name.clone(), account);
            Ok(true)
        });
    }

    fn account(&self, name: String, done: Done<Option<Account>>) {
        self.step(done, |state| Ok(state.accounts.get(&name).cloned()));
    }

    fn close(&self, done: Done<()>) {
        self.step(done, |state| {
            *state = State {
                closed: true,
                ..State::default()
            };
            Ok(())
        });
    }
}

impl State {
    fn insert(&mut self, record: Record) {
        self.by_subject
            .entry(record.subject.clone())
            .or_default()
            .insert(record.sid);
        self.sessions.insert(record.sid, record);
    }

    /// Ends what gives way to one more session of the subject; `None` if nothing does.
    fn make_room(&mut self, limit: SessionLimit, subject: &str, now: UnixMs) -> Option<Vec<Record>> {
        let mut others = self.open_sessions(subject, now);
        if !make_room(limit, &mut others, now) {
            return None;
        }
        others.retain(|record| record.ended.is_some());
        for record in &others {
            self.revocations.extend(record.revocation());
            self.sessions.insert(record.sid, record.clone());
        }
        Some(others)
    }

    fn open_sessions(&self, subject: &str, now: UnixMs) -> Vec<Record> {
        let sids = self.by_subject.get(subject).into_iter().flatten();
        let records = sids.filter_map(|sid| self.sessions.get(sid));
        records.filter(|record| record.is_open(now)).cloned().collect()
    }

    fn end(&mut self, ask: &EndAsk) -> EndAnswer {
        let mut answer = EndAnswer::default();
        let (mut latest_end, mut latest_start) = (ask.now.plus(ask.longest), ask.latest_now());
        let resolved = ask
            .which
            .resolve(|sid| Ok::<_, Infallible>(self.sessions.get(sid).cloned()));
        let Ok(Some(which)) = resolved else {
            return answer;
        };
        let mut named = Vec::new();
        for sid in self.selected(&which) {
            let Some(record) = self.sessions.get_mut(&sid) else {
                continue;
            };
            let is_cut_off = which.is_cut_off() && ask.may_follow(sid.time());
            if is_cut_off {
                latest_end = latest_end.max(record.absolute_end);
                latest_start = latest_start.max(sid.time());
            }
            answer.subject = Some(record.subject.clone());
            if record.is_open(ask.now) {
                answer.ended.push(sid);
            }
            let was_ended = record.ended.is_some();
            record.end(ask.now, ask.reason);
            if !is_cut_off {
                let revocation = record.revocation();
                if !was_ended {
                    self.revocations.extend(revocation.clone());
                }
                named.extend(revocation);
            }
        }
        if let Some(target) = which.cut_off(latest_start) {
            let revocation = Revocation::cut_off(target, ask.now, latest_end);
            self.revocations.push(revocation.clone());
            answer.revocations.push(revocation);
        }
        answer.revocations.extend(named);
        answer
    }

    fn selected(&self, which: &Which) -> Vec<SessionId> {
        match which {
            // Resolved before anything is selected.
            Which::AllByToken(_) => Vec::new(),
            Which::Everything { .. } => self
                .sessions
                .keys()
                .filter(|sid| which.reaches(sid.time()))
                .copied()
                .collect(),
            Which::Session { sid, subject } => {
                let owned = |record: &&Record| subject.as_ref().is_none_or(|subject| *subject == record.subject);
                self.sessions
                    .get(sid)
                    .filter(owned)
                    .map(|record| record.sid)
                    .into_iter()
                    .collect()
            }
            Which::Subject { subject, except, .. } => {
                let sids = self.by_subject.get(subject).into_iter().flatten();
                sids.filter(|sid| which.reaches(sid.time()) && Some(**sid) != *except)
                    .copied()
                    .collect()
            }
        }
    }
}

fn full() -> StoreError {
    StoreError::new(Code::StoreUnavailable, "the memory store is full").untouched()
}
