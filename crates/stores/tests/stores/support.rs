//! Waiting for callbacks, and things to store.

use std::sync::{Arc, mpsc};

use keyturn_core::{
    random::SystemRandom,
    revocation::RevocationIndex,
    session::{
        Answer, Failure, FamilySecret, Manager, Pairing, Record, RefreshToken, RightsTimes, SessionId, Settings,
        Shared, SignIn, Strategy,
        rotation::{self, Heal, Intent},
    },
    store::{Done, Store, StoreError},
    time::{Span, UnixMs},
};

pub(crate) const START: UnixMs = UnixMs::new(1_700_000_000_000);

pub(crate) fn at(seconds: u64) -> UnixMs {
    START.plus(Span::from_secs(seconds))
}

/// The answer of a store's step.
pub(crate) fn wait<T: Send + 'static>(step: impl FnOnce(Done<T>)) -> Result<T, StoreError> {
    let (sender, receiver) = mpsc::channel();
    step(Box::new(move |answer| sender.send(answer).unwrap()));
    receiver.recv().expect("a step answers exactly once")
}

/// The answer of a manager's method.
pub(crate) fn settle<T: Send + 'static>(call: impl FnOnce(Answer<T>)) -> Result<T, Failure> {
    let (sender, receiver) = mpsc::channel();
    call(Box::new(move |answer| sender.send(answer).unwrap()));
    receiver.recv().expect("a call answers exactly once")
}

pub(crate) fn session(subject: &str, started: UnixMs) -> (Record, FamilySecret) {
    let random = SystemRandom::new();
    let family = FamilySecret::generate(&random).unwrap();
    let record = Record {
        sid: SessionId::generate(started, &random).unwrap(),
        subject: subject.into(),
        generation: 0,
        refresh_key: 0,
        family: family.digest(),
        rotated_at: started,
        authenticated_at: started,
        last_activity: started,
        idle: Span::from_secs(3600),
        absolute_end: started.plus(Span::from_secs(86_400)),
        start_context: Some([7; 32]),
        last_context: Some([8; 32]),
        rights_at: started.plus(Span::from_millis(1)),
        set_at: RightsTimes {
            roles: started.plus(Span::from_millis(2)),
            permissions: started.plus(Span::from_millis(3)),
        },
        device: Some("a device".into()),
        claims: r#""roles":["user"]"#.into(),
        ended: None,
    };
    (record, family)
}

pub(crate) fn ask(record: &Record, family: &FamilySecret, generation: u32, now: UnixMs) -> rotation::Ask {
    rotation::Ask {
        token: RefreshToken {
            sid: record.sid,
            generation,
            family: family.clone(),
        },
        intent: Intent::Rotate,
        now,
        arrived: None,
        grace: Span::from_secs(10),
        heal: Heal::One,
        newest_key: 0,
        seen: None,
        report: None,
        revoked: false,
        context: None,
        claims: None,
    }
}

pub(crate) fn settings() -> Settings {
    Settings {
        strategy: Strategy::Rotation,
        issuer: "https://app.test".into(),
        audience: "app".into(),
        access_ttl: Span::from_secs(300),
        grace: Span::from_secs(10),
        pairing: Pairing::Off,
        idle: Span::from_secs(3600),
        absolute: Span::from_secs(86_400),
        heal: Heal::One,
        binding: None,
        on_refresh: false,
        max_sessions: None,
    }
}

pub(crate) fn shared(store: Arc<dyn Store>) -> Arc<Shared> {
    Shared::new(store, RevocationIndex::new(1000, &SystemRandom::new()).unwrap())
}

/// An opened manager over a store.
pub(crate) fn manager(store: Arc<dyn Store>) -> Arc<Manager> {
    let manager = Manager::new(settings(), shared(store), None, Arc::new(SystemRandom::new())).unwrap();
    settle(|answer| manager.open(START, answer)).unwrap();
    manager
}

pub(crate) fn sign_in(subject: &str) -> SignIn {
    SignIn {
        subject: subject.into(),
        ..SignIn::default()
    }
}
