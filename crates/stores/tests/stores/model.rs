//! Whole histories against a naive model: sign-ins, refreshes with any token ever handed out, ends, cut-offs, failed
//! commits and restarts, under a virtual clock.

use std::sync::Arc;

use keyturn_core::{
    error::Code,
    jwt::Scratch,
    session::{EndReason, Failure, Forget, Granted, Manager, RefreshRequest, SessionId, rotation::Outcome},
    store::{EndAsk, Which},
    time::UnixMs,
};
use proptest::{prelude::*, sample::Index};

use crate::{
    faults::{Fault, FaultyStore},
    histories::{Open, in_file, in_memory, in_redis, play_each},
    support::{at, manager, settle, sign_in},
};

#[derive(Clone, Debug)]
enum Step {
    CutOff { subject: usize },
    End { session: Index },
    Fail { after: bool },
    LogOut { token: Index },
    Refresh { token: Index },
    Restart,
    SignIn { subject: usize },
    Wait { seconds: u64 },
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        2 => (0..3_usize).prop_map(|subject| Step::SignIn { subject }),
        8 => any::<Index>().prop_map(|token| Step::Refresh { token }),
        1 => any::<Index>().prop_map(|session| Step::End { session }),
        1 => any::<Index>().prop_map(|token| Step::LogOut { token }),
        1 => (0..3_usize).prop_map(|subject| Step::CutOff { subject }),
        1 => any::<bool>().prop_map(|after| Step::Fail { after }),
        1 => Just(Step::Restart),
        4 => prop_oneof![0_u64..12, 1000_u64..4000].prop_map(|seconds| Step::Wait { seconds }),
    ];
    prop::collection::vec(step, 1..40)
}

/// What the model knows of a session: only what a careful reader of the rules would write down.
struct ModelSession {
    sid: SessionId,
    subject: usize,
    started: u64,
    live: u32,
    rotated: u64,
    ended: Option<&'static str>,
}

/// A refresh token that was handed out.
struct ModelToken {
    session: usize,
    generation: u32,
    text: String,
}

struct World {
    open: Open,
    store: Arc<FaultyStore>,
    manager: Arc<Manager>,
    sessions: Vec<ModelSession>,
    tokens: Vec<ModelToken>,
    access: Vec<(usize, u64, String)>,
    now: u64,
    fault: Option<Fault>,
}

impl World {
    fn new(open: Open) -> Self {
        let store = FaultyStore::new(open());
        Self {
            manager: manager(store.clone()),
            open,
            store,
            sessions: Vec::new(),
            tokens: Vec::new(),
            access: Vec::new(),
            now: 1,
            fault: None,
        }
    }

    fn run(&mut self, step: &Step) {
        match step {
            Step::Wait { seconds } => self.now += seconds,
            Step::Fail { after } => {
                let fault = if *after { Fault::After } else { Fault::Before };
                self.store.fail_next_here(fault);
                self.fault = Some(fault);
            }
            // A new process has nothing but what was stored.
            Step::Restart => {
                self.fault = None;
                self.store = FaultyStore::new((self.open)());
                self.manager = manager(self.store.clone());
                settle(|answer| self.manager.maintain(at(self.now), Forget::EverywherePast, answer)).unwrap();
            }
            Step::SignIn { subject } => self.sign_in(*subject),
            Step::Refresh { token } if !self.tokens.is_empty() => self.refresh(token.index(self.tokens.len())),
            Step::LogOut { token } if !self.tokens.is_empty() => self.log_out(token.index(self.tokens.len())),
            Step::End { session } if !self.sessions.is_empty() => self.end(session.index(self.sessions.len())),
            Step::CutOff { subject } => self.cut_off(*subject),
            Step::Refresh { .. } | Step::LogOut { .. } | Step::End { .. } => {}
        }
        self.check_access_tokens();
    }

    fn time(&self) -> UnixMs {
        at(self.now)
    }

    fn sign_in(&mut self, subject: usize) {
        // Each sign-in has a second of its own, so that no two sessions share a start.
        self.now += 1;
        let fault = self.fault.take();
        let result = settle(|answer| self.manager.start(&sign_in(&subject.to_string()), self.time(), answer));
        match (fault, result) {
            (None, Ok(issued)) => {
                let session = self.sessions.len();
                self.sessions.push(ModelSession {
                    sid: issued.record.sid,
                    subject,
                    started: self.now,
                    live: 0,
                    rotated: self.now,
                    ended: None,
                });
                self.tokens.push(ModelToken {
                    session,
                    generation: 0,
                    text: issued.refresh_token,
                });
                self.access.push((session, self.now + 300, issued.access_token));
            }
            // Nobody got a token of a session whose creation was not acknowledged.
            (Some(_), Err(failure)) => assert_eq!(failure.error.code(), Code::StoreUnavailable),
            (fault, result) => panic!("{fault:?} {:?}", result.err()),
        }
    }

    /// The outcome that the rules give, and the model moved to where it leaves it.
    fn expect_refresh(&mut self, token: usize) -> &'static str {
        let ModelToken {
            session, generation, ..
        } = self.tokens[token];
        let now = self.now;
        let session = &mut self.sessions[session];
        if let Some(reason) = session.ended {
            return reason;
        }
        let outcome = if now >= session.started + 86_400 {
            "absolute"
        } else if now >= session.started + 3600 {
            "idle"
        } else if generation == session.live {
            session.live += 1;
            session.rotated = now;
            return "rotated";
        } else if generation + 1 == session.live && now < session.rotated + 10 {
            return "replayed";
        } else {
            "reuse"
        };
        session.ended = Some(outcome);
        outcome
    }

    fn refresh(&mut self, token: usize) {
        let text = self.tokens[token].text.clone();
        let fault = self.fault.take();
        let before = self.tokens[token].session;
        let snapshot = (
            self.sessions[before].live,
            self.sessions[before].rotated,
            self.sessions[before].ended,
        );
        let expected = self.expect_refresh(token);
        let result = settle(|answer| self.manager.refresh(&RefreshRequest::new(&text), self.time(), answer));
        match fault {
            None => {
                assert_eq!(outcome(&result), expected);
                if let Ok(granted) = result {
                    self.tokens.push(ModelToken {
                        session: before,
                        generation: self.sessions[before].live,
                        text: granted.issued.refresh_token,
                    });
                    let life = (self.now + 300).min(self.sessions[before].started + 3600);
                    self.access.push((before, life, granted.issued.access_token));
                }
            }
            Some(fault) => {
                assert_eq!(outcome(&result), "ERR_STORE_UNAVAILABLE");
                if fault == Fault::Before {
                    let session = &mut self.sessions[before];
                    (session.live, session.rotated, session.ended) = snapshot;
                }
                // What may have been committed is read again at the next turn of the upkeep.
                settle(|answer| self.manager.maintain(self.time(), Forget::HerePast, answer)).unwrap();
            }
        }
    }

    fn end_ask(&mut self, which: Which) {
        let ask = EndAsk::new(which, EndReason::Revoked, self.time());
        let failed = self.fault.take().is_some();
        let result = settle(|answer| self.manager.end(ask, answer));
        if failed {
            assert_eq!(result.unwrap_err().error.code(), Code::StoreUnavailable);
            // It holds here already, and is stored as soon as the store is there again.
            settle(|answer| self.manager.maintain(self.time(), Forget::HerePast, answer)).unwrap();
        }
    }

    fn end(&mut self, session: usize) {
        let sid = self.sessions[session].sid;
        self.end_ask(Which::Session { sid, subject: None });
        self.sessions[session].ended.get_or_insert("revoked");
    }

    fn log_out(&mut self, token: usize) {
        self.fault = None;
        self.store.clear();
        let ModelToken { session, ref text, .. } = self.tokens[token];
        settle(|answer| {
            self.manager
                .end_by_refresh_token(text, EndReason::Logout, self.time(), answer);
        })
        .unwrap();
        self.sessions[session].ended.get_or_insert("logout");
    }

    fn cut_off(&mut self, subject: usize) {
        let before = None;
        self.end_ask(Which::Subject {
            subject: subject.to_string(),
            before,
            except: None,
        });
        for session in self.sessions.iter_mut().filter(|session| session.subject == subject) {
            session.ended.get_or_insert("revoked");
        }
        // A sign-in after the cut-off is after it by a second.
        self.now += 1;
    }

    /// Every access token ever handed out is good exactly while its session lives and its time has not come.
    fn check_access_tokens(&self) {
        let mut scratch = Scratch::default();
        for (session, expires, token) in &self.access {
            let session = &self.sessions[*session];
            let verdict = self.manager.verify(token.as_bytes(), self.time(), &mut scratch);
            let code = verdict.err().map(keyturn_core::error::Error::code);
            if self.now >= *expires {
                assert_eq!(code, Some(Code::TokenExpired));
            } else if session.ended.is_some() {
                assert_eq!(code, Some(Code::TokenRevoked), "{:?}", session.ended);
            } else {
                assert_eq!(code, None);
            }
        }
    }
}

fn outcome(result: &Result<Granted, Failure>) -> &'static str {
    match result {
        Ok(granted) => match granted.outcome {
            Outcome::Healed => "healed",
            Outcome::HealedAhead => "healed ahead",
            Outcome::Replayed => "replayed",
            Outcome::Rotated => "rotated",
        },
        Err(failure) => failure.error.reason().unwrap_or(failure.error.code().as_str()),
    }
}

fn run(open: Open, steps: &[Step]) {
    let mut world = World::new(open);
    for step in steps {
        world.run(step);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(3000))]

    #[test]
    fn every_history_on_the_memory_store_goes_as_the_model_says(steps in steps()) {
        run(in_memory().0, &steps);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn every_history_on_sqlite_goes_as_the_model_says(steps in steps()) {
        let folder = tempfile::tempdir().unwrap();
        run(in_file(&folder.path().join("keyturn.db")).0, &steps);
    }
}

#[test]
fn every_history_on_redis_goes_as_the_model_says() {
    play_each(&steps(), |place, steps| run(in_redis(place).0, &steps));
}
