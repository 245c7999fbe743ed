//! Histories in which sessions are renewed and roles change, under the strategies that store sessions, against a naive model:
//! with failed commits, commits of unknown outcome and restarts.

use std::sync::Arc;

use keyturn_core::{
    crypto::Algorithm,
    error::Code,
    jwt::Scratch,
    keys::{Key, KeySet, LiveKeys},
    random::SystemRandom,
    session::{
        ClaimChanges, Failure, Forget, Manager, RefreshRequest, Renewal, SessionId, Settings, SignIn,
        Strategy as SessionStrategy,
    },
    store::Store,
    time::UnixMs,
};
use proptest::{prelude::*, sample::Index};

use crate::{
    faults::{Fault, FaultyStore},
    histories::{Open, in_file, in_memory, in_redis, play_each},
    support::{START, at, settings, settle, shared, sign_in},
};

#[derive(Clone, Debug)]
enum Step {
    Change { subject: usize },
    Fail { after: bool },
    Refresh { token: Index },
    Renew { token: Index },
    Restart,
    SignIn { subject: usize },
    Wait { seconds: u64 },
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        2 => (0..2_usize).prop_map(|subject| Step::SignIn { subject }),
        6 => any::<Index>().prop_map(|token| Step::Refresh { token }),
        2 => any::<Index>().prop_map(|token| Step::Renew { token }),
        2 => (0..2_usize).prop_map(|subject| Step::Change { subject }),
        1 => any::<bool>().prop_map(|after| Step::Fail { after }),
        1 => Just(Step::Restart),
        // Often no time at all passes, which is the hardest case for what compares times.
        5 => prop_oneof![Just(0_u64), 1_u64..12, 280_u64..320, 1000_u64..4000].prop_map(|seconds| Step::Wait { seconds }),
    ];
    prop::collection::vec(step, 1..40)
}

#[derive(Clone)]
struct ModelSession {
    sid: SessionId,
    subject: usize,
    active: u64,
    absolute_end: u64,
    live: u32,
    rotated: u64,
    ended: Option<&'static str>,
}

struct ModelToken {
    session: usize,
    generation: u32,
    roles: u32,
    expires: u64,
    refresh: String,
    access: String,
}

struct World {
    strategy: SessionStrategy,
    open: Open,
    keys: Arc<LiveKeys>,
    store: Arc<FaultyStore>,
    manager: Arc<Manager>,
    /// How the next refresh or renewal fails.
    failing: Option<Fault>,
    now: u64,
    /// How often the roles of each subject have changed; the role's name is that number.
    roles: [u32; 2],
    sessions: Vec<ModelSession>,
    tokens: Vec<ModelToken>,
}

impl World {
    fn new(strategy: SessionStrategy, open: Open) -> Self {
        let key = Key::generate(Algorithm::Hs256, Some("k"), &SystemRandom::new()).unwrap();
        let keys = Arc::new(LiveKeys::from(KeySet::new([key]).unwrap()));
        let store = FaultyStore::new(open());
        Self {
            strategy,
            manager: opened(strategy, &store, &keys),
            open,
            keys,
            store,
            failing: None,
            now: 1,
            roles: [0; 2],
            sessions: Vec::new(),
            tokens: Vec::new(),
        }
    }

    fn time(&self) -> UnixMs {
        at(self.now)
    }

    fn run(&mut self, step: &Step) {
        match step {
            Step::Wait { seconds } => self.now += seconds,
            Step::SignIn { subject } => self.sign_in(*subject),
            Step::Change { subject } => self.change(*subject),
            Step::Fail { after } => self.failing = Some(if *after { Fault::After } else { Fault::Before }),
            // A new process has nothing but what was stored.
            Step::Restart => {
                self.store = FaultyStore::new((self.open)());
                self.manager = opened(self.strategy, &self.store, &self.keys);
            }
            Step::Refresh { token } if !self.tokens.is_empty() => self.refresh(token.index(self.tokens.len())),
            Step::Renew { token } if !self.tokens.is_empty() => self.renew(token.index(self.tokens.len())),
            Step::Refresh { .. } | Step::Renew { .. } => {}
        }
        self.check_access_tokens();
    }

    fn sign_in(&mut self, subject: usize) {
        let request = SignIn {
            roles: Some(vec![self.roles[subject].to_string()]),
            ..sign_in(&subject.to_string())
        };
        let issued = settle(|answer| self.manager.start(&request, self.time(), answer)).unwrap();
        self.add_session(issued.record.sid, subject, self.now, self.now + 86_400);
        self.add_token(self.sessions.len() - 1, issued.refresh_token, issued.access_token);
    }

    fn add_session(&mut self, sid: SessionId, subject: usize, active: u64, absolute_end: u64) {
        self.sessions.push(ModelSession {
            sid,
            subject,
            active,
            absolute_end,
            live: 0,
            rotated: self.now,
            ended: None,
        });
    }

    fn add_token(&mut self, session: usize, refresh: String, access: String) {
        let known = &self.sessions[session];
        let expires = (self.now + 300).min(known.active + 3600).min(known.absolute_end);
        self.tokens.push(ModelToken {
            session,
            generation: known.live,
            roles: self.roles[known.subject],
            expires,
            refresh,
            access,
        });
    }

    fn change(&mut self, subject: usize) {
        self.roles[subject] += 1;
        let changes = ClaimChanges {
            roles: Some(vec![self.roles[subject].to_string()]),
            ..ClaimChanges::default()
        };
        settle(|answer| {
            self.manager
                .change_permissions(subject.to_string(), changes, self.time(), answer);
        })
        .unwrap();
    }

    /// What becomes of a token that is presented, and the model moved to where the rules leave it.
    fn expect(&mut self, token: usize, renews: bool) -> &'static str {
        let ModelToken {
            session,
            generation,
            roles,
            expires,
            ..
        } = self.tokens[token];
        let now = self.now;
        let is_stale = roles != self.roles[self.sessions[session].subject];
        let session = &mut self.sessions[session];
        if self.strategy == SessionStrategy::JtiExchange {
            if now >= expires + 3600 {
                return "idle";
            }
            if !renews && now < expires && !is_stale && session.ended.is_none() {
                return "unexpired";
            }
        }
        if let Some(reason) = session.ended {
            return reason;
        }
        let outcome = if now >= session.absolute_end {
            "absolute"
        } else if now >= session.active + 3600 {
            "idle"
        } else if generation == session.live {
            if renews {
                session.ended = Some("renewed");
            } else {
                session.live += 1;
                session.rotated = now;
            }
            return "rotated";
        } else if generation + 1 == session.live && now < session.rotated + 10 {
            return if renews { "superseded" } else { "replayed" };
        } else {
            "reuse"
        };
        session.ended = Some(outcome);
        outcome
    }

    /// Lets the coming step fail if one is to, unless it is refused without the store.
    fn inject(&mut self, token: usize, renews: bool) -> Option<Fault> {
        let session = self.tokens[token].session;
        let before = self.sessions[session].clone();
        let is_asked = !["unexpired", "idle"].contains(&self.expect(token, renews));
        self.sessions[session] = before;
        let fault = self.failing.take_if(|_| is_asked)?;
        self.store.fail_next_here(fault);
        Some(fault)
    }

    /// A step that failed has changed the session or has not. What it may have changed is read again by the upkeep.
    fn failed(&mut self, fault: Fault, token: usize, before: ModelSession, failure: &Failure) {
        assert_eq!(reason(failure), "ERR_STORE_UNAVAILABLE");
        if fault == Fault::Before {
            self.sessions[self.tokens[token].session] = before;
        }
        settle(|answer| self.manager.maintain(self.time(), Forget::HerePast, answer)).unwrap();
    }

    fn refresh(&mut self, token: usize) {
        let text = self.tokens[token].refresh.clone();
        let fault = self.inject(token, false);
        let before = self.sessions[self.tokens[token].session].clone();
        let expected = self.expect(token, false);
        let result = settle(|answer| self.manager.refresh(&RefreshRequest::new(&text), self.time(), answer));
        if let Some(fault) = fault {
            return self.failed(fault, token, before, &result.err().unwrap());
        }
        match result {
            Ok(granted) => {
                assert_eq!(granted.outcome.as_str(), expected);
                let session = self.tokens[token].session;
                self.add_token(session, granted.issued.refresh_token, granted.issued.access_token);
            }
            Err(failure) => assert_eq!(reason(&failure), expected),
        }
    }

    fn renew(&mut self, token: usize) {
        let text = self.tokens[token].refresh.clone();
        let fault = self.inject(token, true);
        let before = self.sessions[self.tokens[token].session].clone();
        let expected = self.expect(token, true);
        let renewal = Renewal {
            token: &text,
            authenticated: true,
            ..Renewal::default()
        };
        let result = settle(|answer| self.manager.renew(&renewal, self.time(), answer));
        if let Some(fault) = fault {
            return self.failed(fault, token, before, &result.err().unwrap());
        }
        match result {
            Ok(granted) => {
                assert_eq!(granted.outcome.as_str(), expected);
                let issued = granted.issued;
                let old = &self.sessions[self.tokens[token].session];
                let (subject, absolute_end) = (old.subject, old.absolute_end);
                self.add_session(issued.record.sid, subject, self.now, absolute_end);
                self.add_token(self.sessions.len() - 1, issued.refresh_token, issued.access_token);
            }
            Err(failure) => assert_eq!(reason(&failure), expected),
        }
    }

    /// Every access token ever handed out says the latest roles, or is refused with the right code.
    fn check_access_tokens(&self) {
        let mut scratch = Scratch::default();
        for token in &self.tokens {
            let session = &self.sessions[token.session];
            let verdict = self.manager.verify(token.access.as_bytes(), self.time(), &mut scratch);
            let roles = self.roles[session.subject];
            if self.now >= token.expires {
                assert_eq!(verdict.unwrap_err().code(), Code::TokenExpired);
            } else if session.ended.is_some() {
                assert_eq!(verdict.unwrap_err().code(), Code::TokenRevoked, "{:?}", session.ended);
            } else if token.roles != roles {
                assert_eq!(verdict.unwrap_err().code(), Code::PermissionsStale);
            } else {
                let payload = verdict.expect("it is live and up to date").payload;
                assert!(payload.contains(&format!(r#""roles":["{roles}"]"#)));
                assert!(payload.contains(&session.sid.to_string()));
            }
        }
    }
}

fn reason(failure: &Failure) -> &'static str {
    failure.error.reason().unwrap_or(failure.error.code().as_str())
}

fn opened(strategy: SessionStrategy, store: &Arc<FaultyStore>, keys: &Arc<LiveKeys>) -> Arc<Manager> {
    let settings = Settings { strategy, ..settings() };
    let store: Arc<dyn Store> = store.clone();
    let random = Arc::new(SystemRandom::new());
    let manager = Manager::new(settings, shared(store), Some(Arc::clone(keys)), random).unwrap();
    settle(|answer| manager.open(START, answer)).unwrap();
    manager
}

fn play(strategy: SessionStrategy, open: Open, steps: &[Step]) {
    let mut world = World::new(strategy, open);
    for step in steps {
        world.run(step);
    }
}

fn strategies() -> impl Strategy<Value = SessionStrategy> {
    prop_oneof![Just(SessionStrategy::Rotation), Just(SessionStrategy::JtiExchange)]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(3000))]

    #[test]
    fn every_history_of_rights_on_the_memory_store_goes_as_the_model_says(strategy in strategies(), steps in steps()) {
        play(strategy, in_memory().0, &steps);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn every_history_of_rights_on_sqlite_goes_as_the_model_says(strategy in strategies(), steps in steps()) {
        let folder = tempfile::tempdir().unwrap();
        play(strategy, in_file(&folder.path().join("keyturn.db")).0, &steps);
    }
}

#[test]
fn every_history_of_rights_on_redis_goes_as_the_model_says() {
    play_each(&(strategies(), steps()), |place, (strategy, steps)| {
        play(strategy, in_redis(place).0, &steps);
    });
}
