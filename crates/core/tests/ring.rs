//! The rules of a key ring, one by one, seen from outside.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, reason = "tests")]

use keyturn_core::{
    crypto::Algorithm,
    error::Code,
    keys::{Key, KeyState, MAX_KEYS, Ring, RingKey, RingPolicy},
    random::SystemRandom,
    time::{Span, UnixMs},
};

const START: UnixMs = UnixMs::new(1_700_000_000_000);
const HOUR: Span = Span::from_secs(3600);

fn after(hours: u64) -> UnixMs {
    START.plus(Span::from_secs(hours * 3600))
}

fn policy(every: Option<u64>) -> RingPolicy {
    RingPolicy {
        algorithm: Algorithm::Hs256,
        rotate_every: every.map(|hours| Span::from_secs(hours * 3600)),
        publish_for: HOUR,
        keep_for: Span::from_secs(24 * 3600),
    }
}

fn ring(every: Option<u64>) -> Ring {
    Ring::new(policy(every), &[], START, &SystemRandom::new()).unwrap()
}

fn key(algorithm: Algorithm, kid: &str) -> Key {
    Key::generate(algorithm, Some(kid), &SystemRandom::new()).unwrap()
}

fn has(ring: &Ring, kid: &str) -> bool {
    ring.keys().iter().any(|held| held.key.kid() == Some(kid))
}

fn states(ring: &Ring) -> Vec<(&str, &'static str)> {
    let state = |held| -> (&str, &'static str) {
        let held: &RingKey = held;
        (held.key.kid().unwrap(), held.state.as_str())
    };
    ring.keys().iter().map(state).collect()
}

fn kid(ring: &Ring, state: KeyState) -> Option<String> {
    let held = ring.keys().iter().find(|held| held.state == state);
    held.and_then(|held| held.key.kid()).map(str::to_owned)
}

#[test]
fn the_first_key_that_can_sign_signs_and_the_others_stay_until_they_are_told_to_go() {
    let random = SystemRandom::new();
    let jwk = r#"{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}"#;
    let public = Key::from_jwk(Algorithm::EdDsa, jwk, Some("public")).unwrap();
    let given = [public, key(Algorithm::EdDsa, "a"), key(Algorithm::EdDsa, "b")];
    let mut policy = policy(None);
    policy.algorithm = Algorithm::EdDsa;
    let mut ring = Ring::new(policy.clone(), &given, START, &random).unwrap();
    ring.advance(after(10_000), &random).unwrap();
    assert_eq!(
        states(&ring),
        [("a", "active"), ("public", "retiring"), ("b", "retiring")]
    );
    assert_eq!(ring.next_change(), None);
    ring.retire("public", None, after(10_000), &random).unwrap();
    assert_eq!(ring.next_change(), Some(after(10_024)));
    let lone = Ring::new(policy.clone(), &given[..1], START, &random).unwrap_err();
    assert_eq!(lone.reason(), Some("none of the ring's keys can sign"));
    policy.algorithm = Algorithm::Hs256;
    assert!(Ring::new(policy.clone(), &given, START, &random).is_err());
    let mixed = [key(Algorithm::Hs256, "h"), key(Algorithm::EdDsa, "e")];
    assert!(Ring::new(policy, &mixed, START, &random).is_err());
}

#[test]
fn the_next_key_is_announced_before_it_signs() {
    let (mut ring, random) = (ring(Some(48)), SystemRandom::new());
    let first = kid(&ring, KeyState::Active);
    assert_eq!(ring.next_change(), Some(after(47)));
    ring.advance(after(47), &random).unwrap();
    let next = kid(&ring, KeyState::Published);
    assert!(next.is_some());
    assert_eq!(
        (kid(&ring, KeyState::Active), ring.next_change()),
        (first.clone(), Some(after(48)))
    );
    ring.advance(after(48), &random).unwrap();
    assert_eq!(kid(&ring, KeyState::Active), next);
    assert_eq!(kid(&ring, KeyState::Retiring), first);
    ring.advance(after(72), &random).unwrap();
    assert_eq!(ring.keys().len(), 1);
}

#[test]
fn a_question_that_comes_late_announces_first_all_the_same() {
    let (mut ring, random) = (ring(Some(48)), SystemRandom::new());
    let first = kid(&ring, KeyState::Active);
    ring.advance(after(1000), &random).unwrap();
    assert_eq!(
        (kid(&ring, KeyState::Active), ring.next_change()),
        (first.clone(), Some(after(1001)))
    );
    ring.advance(after(1001), &random).unwrap();
    assert_eq!(kid(&ring, KeyState::Retiring), first);
}

#[test]
fn a_retired_key_verifies_no_longer_than_asked() {
    let (mut ring, random) = (ring(None), SystemRandom::new());
    let first = kid(&ring, KeyState::Active).unwrap();
    ring.retire(&first, Some(HOUR), START, &random).unwrap();
    assert_eq!((ring.keys().len(), ring.next_change()), (2, Some(after(1))));
    ring.retire(&first, None, START, &random).unwrap();
    assert_eq!(ring.next_change(), Some(after(1)), "it cannot be prolonged");
    ring.advance(after(1), &random).unwrap();
    assert_eq!(ring.keys().len(), 1);
    let active = kid(&ring, KeyState::Active).unwrap();
    ring.retire(&active, Some(Span::ZERO), after(1), &random).unwrap();
    assert_eq!((ring.keys().len(), has(&ring, &active)), (1, false));
    let next = ring.publish(after(1), &random).unwrap().kid().unwrap().to_owned();
    ring.retire(&next, None, after(1), &random).unwrap();
    assert!(!has(&ring, &next));
    let unknown = ring.retire(&next, None, after(1), &random).unwrap_err();
    assert_eq!(unknown.code(), Code::OptionInvalid);
}

#[test]
fn a_revoked_key_is_gone_at_once_and_replaced_if_it_signed() {
    let (mut ring, random) = (ring(None), SystemRandom::new());
    let first = kid(&ring, KeyState::Active).unwrap();
    ring.revoke(&first, START, &random).unwrap();
    assert_eq!((ring.keys().len(), has(&ring, &first)), (1, false));
    let second = kid(&ring, KeyState::Active).unwrap();
    let announced = ring.publish(START, &random).unwrap().kid().unwrap().to_owned();
    ring.revoke(&second, START, &random).unwrap();
    assert_eq!(states(&ring), [(announced.as_str(), "active")]);
    ring.revoke(&second, after(1), &random).unwrap();
    let unknown = ring.revoke("other", START, &random).unwrap_err();
    assert_eq!(unknown.code(), Code::OptionInvalid);
    assert_eq!(ring.revoked().len(), 2);
    ring.advance(after(24), &random).unwrap();
    assert_eq!(ring.revoked().len(), 0, "no token of it can still be alive");
}

#[test]
fn a_full_ring_goes_on_with_what_it_has() {
    let random = SystemRandom::new();
    let mut ring = ring(Some(48));
    while ring.keys().len() < MAX_KEYS {
        ring.rotate(START, &random).unwrap();
    }
    let active = kid(&ring, KeyState::Active).unwrap();
    assert_eq!(ring.rotate(START, &random).unwrap_err().code(), Code::KeyInvalid);
    assert_eq!(ring.next_change(), Some(after(24)));
    ring.revoke(&active, START, &random).unwrap();
    assert_eq!(ring.keys().len(), MAX_KEYS);
    ring.advance(after(24), &random).unwrap();
    assert_eq!(ring.keys().len(), 1);
}

#[test]
fn a_timetable_that_cannot_be_kept_is_refused() {
    let random = SystemRandom::new();
    for (every, publish_for, keep_for, given, good) in [
        (1, 1, 24, 0, true),
        (1, 2, 24, 0, false),
        (1, 1, 30, 0, true),
        (1, 1, 31, 0, false),
        (24, 1, 24, 30, true),
        (24, 1, 24, 31, false),
        (0, 0, 0, 0, false),
    ] {
        let hours = |count: u64| Span::from_secs(count * 3600);
        let policy = RingPolicy {
            algorithm: Algorithm::Hs256,
            rotate_every: Some(hours(every)),
            publish_for: hours(publish_for),
            keep_for: hours(keep_for),
        };
        let keys: Vec<Key> = (0..given).map(|n| key(Algorithm::Hs256, &format!("{n}"))).collect();
        let made = Ring::new(policy, &keys, START, &random);
        assert_eq!(made.is_ok(), good, "{every} {publish_for} {keep_for} {given}");
    }
}

#[test]
fn a_clock_that_was_ahead_neither_undoes_nor_stops_a_rotation() {
    let (mut ring, random) = (ring(Some(48)), SystemRandom::new());
    ring.advance(after(100_000), &random).unwrap();
    ring.advance(after(100_001), &random).unwrap();
    let active = kid(&ring, KeyState::Active);
    ring.advance(after(10), &random).unwrap();
    assert_eq!(kid(&ring, KeyState::Active), active);
    assert_eq!(
        ring.next_change(),
        Some(after(34)),
        "the retiring key is kept for no longer than ever"
    );
    ring.advance(after(57), &random).unwrap();
    ring.advance(after(58), &random).unwrap();
    assert_ne!(kid(&ring, KeyState::Active), active);
}

#[test]
fn a_ring_comes_back_from_what_a_store_keeps() {
    let (mut ring, random) = (ring(Some(48)), SystemRandom::new());
    let first = kid(&ring, KeyState::Active).unwrap();
    ring.rotate(after(1), &random).unwrap();
    ring.publish(after(2), &random).unwrap();
    ring.revoke(&first, after(2), &random).unwrap();
    let stored: Vec<RingKey> = ring.keys().iter().rev().map(stored).collect();
    let again = Ring::restore(policy(Some(48)), stored, ring.revoked().to_vec()).unwrap();
    assert_eq!(states(&again), states(&ring));
    assert_eq!(
        (again.next_change(), again.revoked()),
        (ring.next_change(), ring.revoked())
    );
    let message = again.keys()[0].key.sign(b"message").unwrap();
    assert!(ring.keys()[0].key.verifies(b"message", &message));
    let twice = [ring.keys()[0].clone(), stored_as(&ring.keys()[0], KeyState::Active)];
    assert!(Ring::restore(policy(None), twice.to_vec(), Vec::new()).is_err());
    assert!(Ring::restore(policy(None), Vec::new(), Vec::new()).is_err());
}

fn stored(held: &RingKey) -> RingKey {
    stored_as(held, held.state)
}

fn stored_as(held: &RingKey, state: KeyState) -> RingKey {
    let material = held.key.material().unwrap().unwrap();
    RingKey {
        key: Key::from_material(material, held.key.kid()).unwrap(),
        state,
        ..held.clone()
    }
}
