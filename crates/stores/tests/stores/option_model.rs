//! Whole histories against a naive model, with every option of a refresh and of a sign-in: applications that are asked,
//! contexts, limits, stores that fail, forget what they had acknowledged, or are opened anew, under a virtual clock.

use std::sync::{Arc, LazyLock};

use keyturn_core::{
    crypto::Algorithm,
    error::Code,
    jwt::Scratch,
    keys::{Key, KeySet, LiveKeys},
    random::SystemRandom,
    session::{
        ClaimChanges, Decision, EndReason, Failure, Forget, Granted, Manager, Record, RefreshRequest, SessionId,
        SessionLimit, Settings, SignIn, WhenFull,
        rotation::{Heal, Mismatch},
    },
    store::Store,
    time::{Span, UnixMs},
};
use proptest::prelude::*;

use crate::{
    faults::{Fault, FaultyStore},
    histories::{Open, Rewind, in_file, in_memory, in_redis, play_each},
    support::{START, at, settings, settle, shared, wait},
};

const PLACES: [&str; 2] = ["home", "away"];

/// One HMAC key for all histories: signatures are not what they are about.
static KEYS: LazyLock<Arc<LiveKeys>> = LazyLock::new(|| {
    let key = Key::generate(Algorithm::Hs256, Some("k"), &SystemRandom::new()).unwrap();
    Arc::new(KeySet::new([key]).unwrap().into())
});

/// Choices are cut from the bits of a number, low ones first.
struct Bits(u64);

impl Bits {
    fn below(&mut self, end: u64) -> u64 {
        let value = self.0 % end;
        self.0 /= end;
        value
    }

    fn index(&mut self, length: usize) -> usize {
        usize::try_from(self.below(length.try_into().unwrap())).unwrap()
    }
}

fn options(mut bits: Bits) -> Settings {
    let when_full = [WhenFull::EndOldest, WhenFull::RefuseNewest][bits.index(2)];
    let count = u32::try_from(bits.below(4)).unwrap();
    let mismatches = [Mismatch::Reject, Mismatch::Revoke, Mismatch::Report];
    Settings {
        max_sessions: (count > 0).then_some(SessionLimit { count, when_full }),
        grace: Span::from_secs([10, 10, 10, 0][bits.index(4)]),
        heal: [Heal::One, Heal::Any][bits.index(2)],
        binding: (bits.below(2) == 1).then(|| mismatches[bits.index(3)]),
        on_refresh: bits.below(2) == 1,
        ..settings()
    }
}

/// What the application says when it is asked.
#[derive(Clone, Copy, Debug)]
enum Answer {
    Keep,
    Refuse,
    Roles(u64),
    Throw,
}

impl Answer {
    /// How many other refreshes of the session are done before it.
    fn overtaken_by(self) -> u64 {
        match self {
            Self::Roles(number) if number % 4 == 0 => 1 + number / 4 % 3,
            _ => 0,
        }
    }

    /// How many seconds it takes beside those.
    fn takes(self) -> u64 {
        match self {
            Self::Roles(number) => 1 + number % 15,
            _ => 1,
        }
    }
}

/// What becomes of a commit: of which step of a refresh, and how.
#[derive(Clone, Copy, Debug)]
struct Failing {
    second: bool,
    fault: Fault,
}

/// What the model knows of a session: only what a careful reader of the rules would write down.
#[derive(Clone, Debug)]
struct ModelSession {
    /// `None` if nobody was told of it.
    sid: Option<SessionId>,
    subject: u64,
    started: u64,
    live: u32,
    rotated: u64,
    bound_to: Option<usize>,
    rotated_from: Option<usize>,
    roles: u64,
    ended: Option<&'static str>,
}

struct ModelToken {
    session: usize,
    generation: u32,
    text: String,
}

struct World {
    options: Settings,
    open: Open,
    store: Arc<FaultyStore>,
    rewind: Rewind,
    manager: Arc<Manager>,
    sessions: Vec<ModelSession>,
    /// Of each session, the states that were acknowledged, with what the model knew of them.
    states: Vec<Vec<(Record, ModelSession)>>,
    tokens: Vec<ModelToken>,
    access: Vec<(usize, u64, String)>,
    now: u64,
    failing: Option<Failing>,
}

impl World {
    fn new(options: Settings, open: Open, rewind: Rewind) -> Self {
        let store = FaultyStore::new(open());
        Self {
            manager: opened(&store, &options),
            options,
            open,
            store,
            rewind,
            sessions: Vec::new(),
            states: Vec::new(),
            tokens: Vec::new(),
            access: Vec::new(),
            now: 1,
            failing: None,
        }
    }

    fn run(&mut self, mut bits: Bits) {
        match bits.below(20) {
            0..4 => self.sign_in(bits.below(2), bits.index(2)),
            4..7 => self.now += [bits.below(12), 1000 + bits.below(1000)][bits.index(2)],
            7 => {
                let fault = [Fault::Before, Fault::After][bits.index(2)];
                let second = bits.below(2) == 1;
                self.failing = Some(Failing { second, fault });
            }
            8 => {
                self.store = FaultyStore::new((self.open)());
                self.manager = opened(&self.store, &self.options);
            }
            9 | 10 if !self.sessions.is_empty() => self.lose(bits.index(self.sessions.len()), bits.below(3)),
            _ if !self.tokens.is_empty() => {
                // Mostly one of the newest.
                let back = if bits.below(4) > 0 { 4 } else { self.tokens.len() };
                let token = self.tokens.len() - 1 - bits.index(back.min(self.tokens.len()));
                let place = usize::from(bits.below(6) == 0);
                let answer = match bits.below(12) {
                    0 => Answer::Refuse,
                    1 => Answer::Throw,
                    2..5 => Answer::Keep,
                    _ => Answer::Roles(bits.below(1000)),
                };
                self.refresh(token, place, answer);
            }
            _ => {}
        }
        self.check();
    }

    fn time(&self) -> UnixMs {
        at(self.now)
    }

    fn context(&self, place: usize) -> Option<&'static str> {
        self.options.binding.map(|_| PLACES[place])
    }

    fn sign_in(&mut self, subject: u64, place: usize) {
        // Each sign-in has a second of its own, so that it is clear which is the oldest.
        self.now += 1;
        let request = SignIn {
            subject: subject.to_string(),
            roles: Some(vec!["0".into()]),
            context: self.context(place).map(str::to_owned),
            ..SignIn::default()
        };
        let fault = self.inject(false);
        let result = settle(|answer| self.manager.start(&request, self.time(), answer));
        let admitted = fault != Some(Fault::Before) && self.make_room(subject);
        if admitted {
            let place = self.options.binding.map(|_| place);
            self.sessions.push(ModelSession {
                sid: result.as_ref().ok().map(|issued| issued.record.sid),
                subject,
                started: self.now,
                live: 0,
                rotated: self.now,
                bound_to: place,
                rotated_from: place,
                roles: 0,
                ended: None,
            });
            self.states.push(Vec::new());
        }
        match result {
            Ok(issued) => {
                assert!(fault.is_none() && admitted);
                let session = self.sessions.len() - 1;
                self.remember(session);
                self.tokens.push(ModelToken {
                    session,
                    generation: 0,
                    text: issued.refresh_token,
                });
                self.access.push((session, self.now + 300, issued.access_token));
            }
            Err(failure) if fault.is_some() => {
                assert_eq!(failure.error.code(), Code::StoreUnavailable);
                self.settle_doubt();
            }
            Err(failure) => {
                assert_eq!(failure.error.code(), Code::SessionLimit);
                assert!(!admitted);
            }
        }
    }

    /// Whether one more session of the subject is let in; ends those that give way.
    fn make_room(&mut self, subject: u64) -> bool {
        let Some(limit) = self.options.max_sessions else {
            return true;
        };
        let now = self.now;
        let of_subject = |session: &&mut ModelSession| session.subject == subject && session.ended.is_none();
        let (mut resting, mut counted): (Vec<_>, Vec<_>) = self
            .sessions
            .iter_mut()
            .filter(of_subject)
            .partition(|session| now >= session.started + 3610);
        let count = usize::try_from(limit.count).unwrap();
        if limit.when_full == WhenFull::RefuseNewest && counted.len() >= count {
            return false;
        }
        for session in &mut resting {
            session.ended = Some("idle");
        }
        while counted.len() >= count {
            // They were pushed in the order of their starts.
            counted.remove(0).ended = Some("limit");
        }
        true
    }

    /// A store that forgets the latest rotations of a session, which it had acknowledged.
    fn lose(&mut self, session: usize, steps: u64) {
        let states = &mut self.states[session];
        if self.sessions[session].ended.is_some() || states.is_empty() {
            return;
        }
        for _ in 0..steps {
            if states.len() > 1 {
                states.pop();
            }
        }
        let (record, model) = states.last().unwrap();
        (self.rewind)(record);
        self.sessions[session] = model.clone();
    }

    fn refresh(&mut self, token: usize, place: usize, answer: Answer) {
        let text = self.tokens[token].text.clone();
        let request = RefreshRequest {
            context: self.context(place),
            ..RefreshRequest::new(&text)
        };
        if self.options.on_refresh {
            self.refresh_asked(token, place, answer, &request);
        } else {
            self.refresh_step(token, place, None, None, &request);
        }
    }

    fn refresh_asked(&mut self, token: usize, place: usize, answer: Answer, request: &RefreshRequest<'_>) {
        let session = self.tokens[token].session;
        let mut after = self.sessions[session].clone();
        let expected = self.expect(&mut after, token, place, None, None);
        let fault = self.inject(false);
        let checked = settle(|answer| self.manager.check_refresh(request, self.time(), answer));
        if fault != Some(Fault::Before) && after.ended.is_some() {
            self.sessions[session] = after;
        }
        if fault.is_some() {
            assert_eq!(reason(&checked.err().unwrap()), "ERR_STORE_UNAVAILABLE");
            return self.settle_doubt();
        }
        let checked = match checked {
            Ok(checked) => checked,
            Err(failure) => return assert_eq!(reason(&failure), expected),
        };
        assert!(is_grant(expected), "{expected}");
        let mut changes = ClaimChanges::default();
        let mut roles = None;
        match answer {
            Answer::Throw => return,
            Answer::Refuse => {
                let ended = settle(|answer| {
                    self.manager
                        .end_by_refresh_token(request.token, EndReason::Refused, self.time(), answer);
                });
                assert!(ended.unwrap().is_some());
                self.sessions[session].ended = Some("refused");
                return;
            }
            Answer::Keep => {}
            Answer::Roles(number) => {
                roles = Some(number);
                changes.roles = Some(vec![number.to_string()]);
            }
        }
        // Time goes by while the application decides, and others may be quicker.
        let arrived = self.now;
        for _ in 0..answer.overtaken_by() {
            self.now += 1;
            let live = self.tokens.iter().rposition(|token| token.session == session).unwrap();
            self.refresh(live, place, Answer::Keep);
        }
        self.now += answer.takes();
        let request = RefreshRequest {
            decision: Some(Decision {
                changes,
                instead_of: checked.record.claims,
                arrived: at(arrived),
                read_at: checked.read_at,
            }),
            ..request.clone()
        };
        self.refresh_step(token, place, Some(arrived), roles, &request);
    }

    fn refresh_step(
        &mut self,
        token: usize,
        place: usize,
        arrived: Option<u64>,
        roles: Option<u64>,
        request: &RefreshRequest<'_>,
    ) {
        let session = self.tokens[token].session;
        let mut after = self.sessions[session].clone();
        let expected = self.expect(&mut after, token, place, arrived, roles);
        let fault = self.inject(true);
        let result = settle(|answer| self.manager.refresh(request, self.time(), answer));
        if fault != Some(Fault::Before) {
            self.sessions[session] = after;
        }
        if fault.is_some() {
            assert_eq!(reason(&result.err().unwrap()), "ERR_STORE_UNAVAILABLE");
            return self.settle_doubt();
        }
        match result {
            Ok(granted) => self.granted(session, expected, roles, granted),
            Err(failure) => assert_eq!(reason(&failure), expected),
        }
    }

    fn granted(&mut self, session: usize, expected: &'static str, roles: Option<u64>, granted: Granted) {
        let elsewhere = if granted.elsewhere { " elsewhere" } else { "" };
        assert_eq!(format!("{}{elsewhere}", granted.outcome.as_str()), expected);
        let model = &self.sessions[session];
        let own = roles.unwrap_or(model.roles);
        assert_eq!(granted.issued.record.claims, format!("\"roles\":[\"{own}\"]"));
        let life = (self.now + 300).min(model.started + 3600);
        self.access.push((session, life, granted.issued.access_token));
        self.tokens.push(ModelToken {
            session,
            generation: model.live,
            text: granted.issued.refresh_token,
        });
        if expected != "replayed" {
            self.remember(session);
        }
    }

    /// The table as naively as it can be written.
    fn expect(
        &self,
        session: &mut ModelSession,
        token: usize,
        place: usize,
        arrived: Option<u64>,
        roles: Option<u64>,
    ) -> &'static str {
        if let Some(reason) = session.ended {
            return reason;
        }
        let generation = self.tokens[token].generation;
        let place = self.options.binding.map(|_| place);
        let elsewhere = |noted: Option<usize>| place != noted;
        let mut end = |reason| {
            session.ended = Some(reason);
            reason
        };
        if self.now >= session.started + 3600 {
            return end("idle");
        }
        if generation < session.live {
            let came = arrived.unwrap_or(self.now);
            let in_grace = generation + 1 == session.live && at(came).since(at(session.rotated)) < self.options.grace;
            if !in_grace && came < session.rotated {
                return "overtaken";
            }
            let replayed = in_grace && !elsewhere(session.rotated_from);
            return if replayed { "replayed" } else { end("reuse") };
        }
        let ahead = generation - session.live;
        if ahead > 1 && self.options.heal == Heal::One {
            return end("rollback");
        }
        let moved = elsewhere(session.bound_to);
        match self.options.binding {
            Some(Mismatch::Reject) if moved => return "context",
            Some(Mismatch::Revoke) if moved => return end("context"),
            _ => {}
        }
        let told = moved && elsewhere(session.rotated_from);
        session.live = generation + 1;
        session.rotated = self.now;
        session.rotated_from = place;
        session.roles = roles.unwrap_or(session.roles);
        match (ahead, told) {
            (0, false) => "rotated",
            (0, true) => "rotated elsewhere",
            (1, false) => "healed",
            (1, true) => "healed elsewhere",
            (_, false) => "healed_ahead",
            (_, true) => "healed_ahead elsewhere",
        }
    }

    /// Lets the coming step fail if one is to.
    fn inject(&mut self, second: bool) -> Option<Fault> {
        let only_step = !self.options.on_refresh;
        let failing = self.failing.take_if(|failing| only_step || failing.second == second)?;
        self.store.fail_next_here(failing.fault);
        Some(failing.fault)
    }

    /// What may have been committed is read again at the next turn of the upkeep.
    fn settle_doubt(&self) {
        settle(|answer| self.manager.maintain(self.time(), Forget::HerePast, answer)).unwrap();
    }

    /// Notes a state that was acknowledged.
    fn remember(&mut self, session: usize) {
        let model = self.sessions[session].clone();
        let record = self.stored(&model).expect("it was acknowledged");
        self.states[session].push((record, model));
    }

    fn stored(&self, session: &ModelSession) -> Option<Record> {
        let listed = wait(|done| self.store.list(session.subject.to_string(), START, done)).unwrap();
        listed.into_iter().find(|record| Some(record.sid) == session.sid)
    }

    /// The store holds what the model does, and every access token ever handed out is good exactly while its session lives.
    fn check(&self) {
        for session in self.sessions.iter().filter(|session| session.sid.is_some()) {
            let found = self.stored(session);
            assert_eq!(found.is_none(), session.ended.is_some());
            if let Some(record) = found {
                assert_eq!(
                    (record.generation, record.rotated_at),
                    (session.live, at(session.rotated))
                );
                assert_eq!(record.claims, format!("\"roles\":[\"{}\"]", session.roles));
            }
        }
        let mut scratch = Scratch::default();
        for (session, expires, token) in &self.access {
            let verdict = self.manager.verify(token.as_bytes(), self.time(), &mut scratch);
            let expected = if self.now >= *expires {
                Err(Code::TokenExpired)
            } else if self.sessions[*session].ended.is_some() {
                Err(Code::TokenRevoked)
            } else {
                Ok(())
            };
            let verdict = verdict.map(|_| ()).map_err(keyturn_core::error::Error::code);
            assert_eq!(verdict, expected);
        }
        if let Some(limit) = self.options.max_sessions {
            for subject in 0..2 {
                let open = |session: &&ModelSession| session.subject == subject && session.ended.is_none();
                let count = self.sessions.iter().filter(open).count();
                assert!(count <= usize::try_from(limit.count).unwrap());
            }
        }
    }
}

fn opened(store: &Arc<FaultyStore>, options: &Settings) -> Arc<Manager> {
    let store: Arc<dyn Store> = store.clone();
    let random = Arc::new(SystemRandom::new());
    let manager = Manager::new(options.clone(), shared(store), Some(Arc::clone(&KEYS)), random).unwrap();
    settle(|answer| manager.open(START, answer)).unwrap();
    manager
}

fn reason(failure: &Failure) -> &'static str {
    failure.error.reason().unwrap_or(failure.error.code().as_str())
}

fn is_grant(expected: &str) -> bool {
    ["rotated", "replayed", "healed"]
        .iter()
        .any(|grant| expected.starts_with(grant))
}

fn run(options: u64, steps: Vec<u64>, (open, rewind): (Open, Rewind)) {
    let mut world = World::new(self::options(Bits(options)), open, rewind);
    for step in steps {
        world.run(Bits(step));
    }
}

fn steps() -> impl Strategy<Value = Vec<u64>> {
    prop::collection::vec(any::<u64>(), 1..30)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn every_history_on_the_memory_store_goes_as_the_model_says(options: u64, steps in steps()) {
        run(options, steps, in_memory());
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn every_history_on_sqlite_goes_as_the_model_says(options: u64, steps in steps()) {
        let folder = tempfile::tempdir().unwrap();
        run(options, steps, in_file(&folder.path().join("keyturn.db")));
    }
}

#[test]
fn every_history_on_redis_goes_as_the_model_says() {
    play_each(&(any::<u64>(), steps()), |place, (options, steps)| {
        run(options, steps, in_redis(place));
    });
}
