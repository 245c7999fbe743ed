//! The session manager over a key ring.

use std::sync::Arc;

use keyturn_core::{
    crypto::Algorithm,
    jwt::Scratch,
    keys::{LiveKeys, Ring, RingPolicy},
    random::SystemRandom,
    session::{Issued, Manager},
    time::Span,
};
use keyturn_stores::MemoryStore;

use crate::support::{START, at, settings, settle, shared, sign_in};

#[test]
fn a_configured_ring_rotates_without_a_logout() {
    let random = Arc::new(SystemRandom::new());
    let policy = RingPolicy {
        algorithm: Algorithm::EdDsa,
        rotate_every: Some(Span::from_secs(100)),
        publish_for: Span::from_secs(10),
        keep_for: Span::from_secs(300),
    };
    let ring = Ring::new(policy, &[], START, random.as_ref()).unwrap();
    let keys = Arc::new(LiveKeys::of_ring(ring, random.clone()).unwrap());
    let manager = Manager::new(settings(), shared(Arc::new(MemoryStore::new())), Some(keys), random).unwrap();
    settle(|answer| manager.open(START, answer)).unwrap();
    let kids = |seconds| {
        let set = manager.keys(at(seconds)).unwrap();
        set.keys()
            .iter()
            .map(|key| key.kid().unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    let start = |seconds| -> Issued { settle(|answer| manager.start(&sign_in("alice"), at(seconds), answer)).unwrap() };
    let verify = |token: &str| {
        manager
            .verify(token.as_bytes(), at(100), &mut Scratch::default())
            .map(|_| ())
    };
    let before = start(0);
    let (first, announced) = (kids(0), kids(90));
    assert_eq!((first.len(), announced.len()), (1, 2));
    assert_eq!(kids(100), [announced[1].clone(), announced[0].clone()]);
    let later = start(100);
    assert_eq!(verify(&before.access_token), Ok(()));
    assert_eq!(verify(&later.access_token), Ok(()));
    assert_ne!(header(&before.access_token), header(&later.access_token));
}

fn header(token: &str) -> &str {
    token.split('.').next().unwrap()
}
