//! Refreshes that have to bring an access token of their session along.

use std::sync::Arc;

use keyturn_core::{
    error::Code,
    random::SystemRandom,
    revocation::Revocation,
    session::{Failure, Granted, Issued, Manager, Pairing, RefreshRequest, Settings, Strategy},
    store::Store,
    time::UnixMs,
};
use keyturn_stores::MemoryStore;

use crate::{
    faults::{Fault, FaultyStore},
    support::{START, at, settings, settle, shared, sign_in},
};

struct Bench {
    store: Arc<FaultyStore>,
    manager: Arc<Manager>,
}

impl Bench {
    fn new(pairing: Pairing) -> Self {
        let store = FaultyStore::new(Arc::new(MemoryStore::new()));
        let settings = Settings { pairing, ..settings() };
        let random = Arc::new(SystemRandom::new());
        let manager = Manager::new(settings, shared(store.clone()), None, random).unwrap();
        settle(|answer| manager.open(START, answer)).unwrap();
        Self { store, manager }
    }

    fn start(&self, subject: &str, now: UnixMs) -> Issued {
        settle(|answer| self.manager.start(&sign_in(subject), now, answer)).unwrap()
    }

    fn refresh(&self, issued: &Issued, access_token: Option<&str>, now: UnixMs) -> Result<Granted, Failure> {
        let request = RefreshRequest {
            access_token,
            ..RefreshRequest::new(&issued.refresh_token)
        };
        settle(|answer| self.manager.refresh(&request, now, answer))
    }

    /// The reason of a refusal, which must come without the store, since that fails at the first touch.
    fn refused(&self, issued: &Issued, access_token: Option<&str>, now: UnixMs) -> Option<&'static str> {
        self.store.fail_next(Fault::Before);
        let failure = self.refresh(issued, access_token, now).unwrap_err();
        self.store.clear();
        assert_eq!(failure.error.code(), Code::Pairing, "{failure:?}");
        failure.error.reason()
    }
}

#[test]
fn without_an_access_token_of_the_session_nothing_is_refreshed_and_nothing_changes() {
    let bench = Bench::new(Pairing::Required);
    let (alice, other) = (bench.start("alice", at(0)), bench.start("alice", at(0)));
    assert_eq!(bench.refused(&alice, None, at(1)), Some("missing"));
    assert_eq!(bench.refused(&alice, Some(&other.access_token), at(1)), Some("foreign"));
    assert_eq!(bench.refused(&alice, Some("a.b.c"), at(1)), Some("foreign"));
    let mut forged = alice.access_token.clone();
    forged.replace_range(forged.len() - 5..forged.len() - 4, "_");
    assert_eq!(bench.refused(&alice, Some(&forged), at(1)), Some("foreign"));
    let next = bench.refresh(&alice, Some(&alice.access_token), at(2)).unwrap().issued;
    assert_eq!(next.record.generation, 1);
    assert!(
        bench.refresh(&next, Some(&alice.access_token), at(2000)).is_ok(),
        "an expired one and an older one will do"
    );
}

#[test]
fn where_an_expired_one_is_asked_for_the_second_counts() {
    let bench = Bench::new(Pairing::Expired);
    let alice = bench.start("alice", at(0));
    let almost = UnixMs::new(at(300).as_millis() - 1);
    assert_eq!(
        bench.refused(&alice, Some(&alice.access_token), almost),
        Some("unexpired")
    );
    assert!(bench.refresh(&alice, Some(&alice.access_token), at(300)).is_ok());
}

#[test]
fn a_revoked_token_pairs_nothing_as_long_as_it_could() {
    let bench = Bench::new(Pairing::Required);
    let alice = bench.start("alice", at(0));
    let payload = {
        let mut scratch = keyturn_core::jwt::Scratch::default();
        let verified = bench.manager.verify(alice.access_token.as_bytes(), at(1), &mut scratch);
        verified.unwrap().payload.to_owned()
    };
    let claims: serde_json::Value = serde_json::from_str(&payload).unwrap();
    let jti = claims["jti"].as_str().unwrap().to_owned();
    settle(|answer| bench.manager.revoke_token(jti, at(300), answer)).unwrap();
    assert_eq!(bench.refused(&alice, Some(&alice.access_token), at(2)), Some("revoked"));
    bench.manager.shared().index.expire(at(3899));
    assert_eq!(
        bench.refused(&alice, Some(&alice.access_token), at(3899)),
        Some("revoked")
    );
    bench.manager.shared().index.expire(at(4000));
    assert_eq!(
        bench.refused(&alice, Some(&alice.access_token), at(4000)),
        Some("foreign"),
        "it is past use before what revoked it is forgotten"
    );
}

#[test]
fn what_ended_the_session_is_told_before_the_pairing_is() {
    let bench = Bench::new(Pairing::Required);
    let alice = bench.start("alice", at(0));
    let end = Revocation::session(alice.record.sid, at(1));
    bench.manager.shared().index.insert(&end);
    let failure = bench.refresh(&alice, Some(&alice.access_token), at(2)).unwrap_err();
    assert_eq!(failure.error.code(), Code::SessionRevoked);
}

#[test]
fn a_token_of_a_key_that_another_node_has_just_made_is_looked_at_again_with_the_keys_read_anew() {
    let node = |store: &Arc<dyn Store>, pairing, strategy| {
        let settings = Settings {
            pairing,
            strategy,
            ..settings()
        };
        let manager = Manager::new(settings, shared(Arc::clone(store)), None, Arc::new(SystemRandom::new())).unwrap();
        settle(|answer| manager.open(START, answer)).unwrap();
        manager
    };
    for (pairing, strategy, now) in [
        (Pairing::Required, Strategy::Rotation, at(101)),
        (Pairing::Off, Strategy::JtiExchange, at(400)),
    ] {
        let store: Arc<dyn Store> = Arc::new(MemoryStore::new());
        let (here, there) = (node(&store, pairing, strategy), node(&store, pairing, strategy));
        settle(|answer| there.rotate_key(at(100), answer)).unwrap();
        let issued = settle(|answer| there.start(&sign_in("alice"), at(100), answer)).unwrap();
        let request = RefreshRequest {
            access_token: (pairing == Pairing::Required).then_some(issued.access_token.as_str()),
            ..RefreshRequest::new(&issued.refresh_token)
        };
        assert!(
            settle(|answer| here.refresh(&request, now, answer)).is_ok(),
            "{strategy:?}"
        );
    }
}
