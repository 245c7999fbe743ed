//! The rotation table in Lua against the one in Rust.

use keyturn_core::{
    random::SystemRandom,
    session::{
        EndReason, Ended, FamilySecret, Record, RefreshToken, RightsTimes, SessionId,
        rotation::{self, Ask, Context, Heal, Intent, Mismatch, NewClaims},
    },
    store::Store,
    time::{Span, UnixMs},
};
use keyturn_stores::RedisStore;
use proptest::{
    prelude::*,
    test_runner::{Config, TestRunner},
};

use crate::redis_server::RedisServer;
use crate::support::{START, wait};

/// A time near the others, or at one of the ends of time.
fn time() -> impl Strategy<Value = UnixMs> {
    prop_oneof![
        12 => (0_u64..30).prop_map(|steps| START.plus(Span::from_millis(steps * 500))),
        1 => Just(UnixMs::default()),
        1 => Just(UnixMs::MAX),
    ]
}

fn span() -> impl Strategy<Value = Span> {
    prop_oneof![
        8 => (0_u64..40).prop_map(|steps| Span::from_millis(steps * 500)),
        1 => Just(Span::ZERO),
        1 => Just(Span::from_millis(u64::MAX)),
    ]
}

fn generation() -> impl Strategy<Value = u32> {
    prop_oneof![4 => 0_u32..6, 1 => u32::MAX - 3..=u32::MAX]
}

fn digest() -> impl Strategy<Value = Option<[u8; 32]>> {
    prop_oneof![Just(None), (1_u8..4).prop_map(|byte| Some([byte; 32]))]
}

fn claims() -> impl Strategy<Value = String> {
    prop_oneof![
        Just(String::new()),
        Just(r#""roles":["user"]"#.to_owned()),
        Just(r#""x":"\u00e9""#.to_owned())
    ]
}

fn ended() -> impl Strategy<Value = Option<Ended>> {
    let reason = prop_oneof![Just(EndReason::Logout), Just(EndReason::Idle), Just(EndReason::Reuse)];
    prop_oneof![9 => Just(None), 1 => (time(), reason).prop_map(|(at, reason)| Some(Ended { at, reason }))]
}

prop_compose! {
    fn record()(
        generation in generation(),
        refresh_key in 0_u8..16,
        (rotated_at, authenticated_at, last_activity, absolute_end) in (time(), time(), time(), time()),
        idle in span(),
        start_context in digest(),
        last_context in digest(),
        device in prop_oneof![Just(None), Just(Some("a \u{e9}".to_owned())), Just(Some(String::new()))],
        (rights_at, roles, permissions, claims) in (time(), time(), time(), claims()),
        ended in ended(),
    ) -> Record {
        Record {
            sid: SessionId::from_bytes([0; 16]),
            subject: "alice".into(),
            generation,
            refresh_key,
            family: [0; 32],
            rotated_at,
            authenticated_at,
            last_activity,
            // What the settings allow at most, and a little more.
            idle: Span::from_millis(idle.as_millis().min(1 << 40)),
            absolute_end: absolute_end.max(START.plus(Span::from_secs(15))),
            start_context,
            last_context,
            device,
            rights_at,
            set_at: RightsTimes { roles, permissions },
            claims,
            ended,
        }
    }
}

prop_compose! {
    fn context()(digest in digest(), mismatch in prop_oneof![Just(Mismatch::Reject), Just(Mismatch::Report), Just(Mismatch::Revoke)])
        -> Option<Context> {
        digest.map(|digest| Context { digest, mismatch })
    }
}

/// An ask without its token, and how far that is from the record's generation.
fn ask() -> impl Strategy<Value = (Ask, i64, bool)> {
    let times = (
        time(),
        prop::option::of(time()),
        prop::option::of(span()),
        prop::option::weighted(0.3, time()),
    );
    let rules = (
        prop_oneof![4 => Just(Span::from_secs(10)), 1 => Just(Span::ZERO)],
        prop_oneof![3 => Just(Heal::One), 1 => Just(Heal::Any)],
        prop_oneof![3 => Just(Intent::Rotate), 1 => Just(Intent::Check)],
        prop::bool::weighted(0.05),
        0_u8..16,
    );
    let claims = prop::option::of((claims(), claims()).prop_map(|(text, instead_of)| NewClaims { text, instead_of }));
    let offset = prop_oneof![3 => Just(0_i64), 2 => Just(-1), 1 => Just(1), 1 => -3_i64..4];
    (times, rules, context(), claims, offset, prop::bool::weighted(0.05)).prop_map(
        |(
            (now, seen, report, arrived),
            (grace, heal, intent, revoked, newest_key),
            context,
            claims,
            offset,
            is_foreign,
        )| {
            let ask = Ask {
                token: RefreshToken {
                    sid: SessionId::from_bytes([0; 16]),
                    generation: 0,
                    family: FamilySecret::generate(&SystemRandom::new()).unwrap(),
                },
                intent,
                now,
                arrived,
                grace,
                heal,
                newest_key,
                seen,
                report,
                revoked,
                context,
                claims,
            };
            (ask, offset, is_foreign)
        },
    )
}

/// Runs the same asks through both, each on what the one before has left.
fn compare(store: &RedisStore, record: Record, asks: Vec<(Ask, i64, bool)>) {
    let random = SystemRandom::new();
    let family = FamilySecret::generate(&random).unwrap();
    let mut record = Record {
        sid: SessionId::generate(START, &random).unwrap(),
        family: family.digest(),
        ..record
    };
    wait(|done| store.create(record.clone().into(), done)).unwrap();
    for (ask, offset, is_foreign) in asks {
        let generation = (i64::from(record.generation) + offset).clamp(0, u32::MAX.into());
        let foreign = ask.token.family.clone();
        let ask = Ask {
            token: RefreshToken {
                sid: record.sid,
                generation: u32::try_from(generation).unwrap(),
                family: if is_foreign { foreign } else { family.clone() },
            },
            ..ask
        };
        let before = record.clone();
        let verdict = rotation::refresh(&mut record, &ask);
        let answer = wait(|done| store.refresh(ask.clone(), done)).unwrap().unwrap();
        let about = format!("{before:?}\n{ask:?}");
        assert_eq!(answer.verdict, verdict, "{about}");
        assert_eq!(answer.record, record, "{about}");
        assert_eq!(answer.revocation, record.revocation(), "{about}");
    }
}

#[test]
fn every_judgement_in_lua_is_the_one_in_rust() {
    let Some(server) = RedisServer::start() else { return };
    let store = server.store();
    let config = Config {
        failure_persistence: None,
        ..Config::with_cases(5000)
    };
    let case = (record(), prop::collection::vec(ask(), 1..6));
    TestRunner::new(config)
        .run(&case, |(record, asks)| {
            compare(&store, record, asks);
            Ok(())
        })
        .unwrap();
}
