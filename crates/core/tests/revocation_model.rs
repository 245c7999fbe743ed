//! The revocation index against a model that is a plain list, with a clock that the test moves.
//!
//! A case is a row of steps: revoke, let time pass, expire, reload what a store would have kept; some indexes have a bound
//! that the case reaches. After each step every token is judged by both, as it is and by its fingerprint.
#![allow(clippy::unwrap_used, reason = "in a test a failure is the point")]

use std::collections::BTreeMap;

use keyturn_core::{
    encoding::json::Text,
    error::{Code, Error},
    jwt::{Identity, RevocationCheck},
    random::SystemRandom,
    revocation::{Revocation, RevocationIndex, Target},
    session::SessionId,
    time::{Span, UnixMs},
};
use proptest::prelude::*;

const START: u64 = 1_700_000_000_000;

/// Few names, so that they meet.
const NAMES: u64 = 4;

#[derive(Clone, Debug)]
enum Step {
    Revoke { target: Target, lives_ms: u64 },
    Pass { ms: u64 },
    Expire,
    Reload,
}

/// A token: who, when its session started and when its roles were read, each a few milliseconds or seconds after the start.
#[derive(Clone, Copy, Debug)]
struct Token {
    who: u64,
    started: u64,
    read: u64,
    issued_s: u64,
    is_ours: bool,
}

struct Model {
    capacity: usize,
    now: UnixMs,
    /// What a store holds: everything that was ever revoked.
    stored: Vec<Revocation>,
    /// What the index should hold: one entry a name, with the later cut-off and the later expiry of all that was said of it.
    held: BTreeMap<String, Revocation>,
    is_full: bool,
    index: RevocationIndex,
}

fn id(moment: u64, who: u64) -> SessionId {
    let mut bytes = [0; 16];
    bytes[..6].copy_from_slice(&(START + moment).to_be_bytes()[2..]);
    bytes[15] = u8::try_from(who).unwrap();
    SessionId::from_bytes(bytes)
}

fn name(who: u64) -> String {
    format!("user {who}")
}

fn target() -> impl Strategy<Value = Target> {
    let who = 0..NAMES;
    let moment = 0_u64..4000;
    prop_oneof![
        (who.clone(), moment.clone()).prop_map(|(who, at)| Target::Subject {
            subject: name(who),
            before: UnixMs::new(START + at)
        }),
        (who.clone(), moment.clone()).prop_map(|(who, at)| Target::Permissions {
            subject: name(who),
            before: UnixMs::new(START + at)
        }),
        moment.clone().prop_map(|at| Target::Everything {
            before: UnixMs::new(START + at)
        }),
        (who.clone(), 0_u64..4).prop_map(|(who, at)| Target::Session {
            sid: id(at * 1000, who)
        }),
        (who.clone(), 0_u64..4).prop_map(|(who, at)| Target::Token {
            jti: id(at * 1000, who).to_string()
        }),
        who.prop_map(|who| Target::Key { kid: name(who) }),
    ]
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => (target(), 1_u64..20_000).prop_map(|(target, lives_ms)| Step::Revoke { target, lives_ms }),
        2 => (0_u64..5000).prop_map(|ms| Step::Pass { ms }),
        2 => Just(Step::Expire),
        1 => Just(Step::Reload),
    ]
}

fn token() -> impl Strategy<Value = Token> {
    (0..NAMES, 0_u64..5, 0_u64..5, 0_u64..5, any::<bool>()).prop_map(|(who, started, read, later, is_ours)| Token {
        who,
        started: started * 1000,
        read: (started + read) * 1000,
        issued_s: started + later,
        is_ours,
    })
}

impl Model {
    fn new(capacity: usize) -> Self {
        Self {
            capacity,
            now: UnixMs::new(START),
            stored: Vec::new(),
            held: BTreeMap::new(),
            is_full: false,
            index: RevocationIndex::new(capacity, &SystemRandom::new()).unwrap(),
        }
    }

    fn take(&mut self, step: Step) {
        match step {
            Step::Revoke { target, lives_ms } => {
                let expires_at = self.now.plus(Span::from_millis(lives_ms));
                let revocation = Revocation { target, expires_at };
                self.index.insert(&revocation);
                self.hold(&revocation);
                self.stored.push(revocation);
            }
            Step::Pass { ms } => self.now = self.now.plus(Span::from_millis(ms)),
            Step::Expire => self.expire(),
            Step::Reload => {
                self.expire();
                let unexpired: Vec<_> = self.unexpired().cloned().collect();
                self.index.reload(&unexpired);
                self.is_full = false;
                for revocation in &unexpired {
                    self.hold(revocation);
                }
            }
        }
        assert_eq!(self.index.is_full(), self.is_full);
        let counted = self.held.len() - usize::from(self.held.contains_key("everything"));
        assert_eq!(self.index.len(), counted);
    }

    fn hold(&mut self, new: &Revocation) {
        let (name, room) = match &new.target {
            Target::Everything { .. } => ("everything".to_owned(), true),
            Target::Key { kid } => (format!("key {kid}"), false),
            Target::Permissions { subject, .. } => (format!("permissions {subject}"), false),
            Target::Session { sid } => (format!("session {sid}"), false),
            Target::Subject { subject, .. } => (format!("subject {subject}"), false),
            Target::Token { jti } => (format!("token {jti}"), false),
        };
        let counted = self.held.len() - usize::from(self.held.contains_key("everything"));
        let is_known = self.held.contains_key(&name);
        if !is_known && !room && counted >= self.capacity {
            self.is_full = true;
            return;
        }
        let known = self.held.entry(name).or_insert_with(|| new.clone());
        known.expires_at = known.expires_at.max(new.expires_at);
        match (&mut known.target, &new.target) {
            (Target::Everything { before }, Target::Everything { before: new })
            | (Target::Permissions { before, .. }, Target::Permissions { before: new, .. })
            | (Target::Subject { before, .. }, Target::Subject { before: new, .. }) => *before = (*before).max(*new),
            _ => {}
        }
    }

    /// An expiry is kept in whole seconds, rounded up.
    fn expire(&mut self) {
        while !self.index.expire(self.now) {}
        self.held
            .retain(|_, held| UnixMs::from_secs(held.expires_at.as_secs_ceil()) > self.now);
    }

    fn unexpired(&self) -> impl Iterator<Item = &Revocation> {
        self.stored.iter().filter(|revocation| revocation.expires_at > self.now)
    }

    fn judged_by<'a>(token: &Token, revocations: impl Iterator<Item = &'a Revocation>) -> Option<Code> {
        let issued = START + token.issued_s * 1000;
        let made = UnixMs::new(if token.is_ours { START + token.started } else { issued });
        let read = UnixMs::new(if token.is_ours { START + token.read } else { issued });
        let mut worst = None;
        for revocation in revocations {
            let code = match &revocation.target {
                Target::Everything { before } if made <= *before => Code::TokenRevoked,
                Target::Subject { subject, before } if *subject == name(token.who) && made <= *before => {
                    Code::TokenRevoked
                }
                Target::Key { kid } if *kid == name(token.who) => Code::TokenRevoked,
                Target::Session { sid } if token.is_ours && *sid == id(token.started, token.who) => Code::TokenRevoked,
                Target::Token { jti } if token.is_ours && *jti == id(token.read, token.who).to_string() => {
                    Code::TokenRevoked
                }
                Target::Permissions { subject, before } if *subject == name(token.who) && read <= *before => {
                    Code::PermissionsStale
                }
                _ => continue,
            };
            if worst != Some(Code::TokenRevoked) {
                worst = Some(code);
            }
        }
        worst
    }

    fn answer(&self, token: &Token) -> Option<Code> {
        let (sid, jti) = if token.is_ours {
            (
                id(token.started, token.who).to_string(),
                id(token.read, token.who).to_string(),
            )
        } else {
            ("somewhere-else".to_owned(), "x".to_owned())
        };
        let (sub, kid) = (name(token.who), name(token.who));
        let identity = Identity {
            jti: Some(Text::literal(&jti)),
            sid: Some(Text::literal(&sid)),
            sub: Some(Text::literal(&sub)),
            kid: Some(&kid),
            issued: Some(START / 1000 + token.issued_s),
        };
        let answer = self.index.check(&identity, self.now).err().map(Error::code);
        let again = self.index.check_again(&self.index.fingerprint(&identity), self.now);
        assert_eq!(again.err().map(Error::code), answer);
        answer
    }

    fn check(&self, token: &Token) {
        let answer = self.answer(token);
        if self.is_full {
            assert_eq!(answer, Some(Code::RevocationFull));
            return;
        }
        assert_eq!(answer, Self::judged_by(token, self.held.values()), "{token:?}");
        // Whatever is held, nothing that was said and still counts may be missing.
        match Self::judged_by(token, self.unexpired()) {
            Some(Code::PermissionsStale) => assert!(answer.is_some(), "{token:?}"),
            demanded => assert!(demanded.is_none() || answer == demanded, "{token:?}"),
        }
    }
}

fn cases() -> u32 {
    if std::env::var_os("KEYTURN_LONG").is_some() {
        100_000
    } else {
        2000
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: cases(), failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_index_answers_as_the_list_of_all_revocations_does(
        capacity in prop_oneof![Just(1000_usize), 1_usize..12],
        steps in prop::collection::vec(step(), 1..40),
        tokens in prop::collection::vec(token(), 1..12),
    ) {
        let mut model = Model::new(capacity);
        for step in steps {
            model.take(step);
            for token in &tokens {
                model.check(token);
            }
        }
    }
}
