//! The ring against a naive model that remembers what happened and works every state out from that.

use std::collections::HashSet;

use proptest::prelude::*;

use super::*;
use crate::random::SystemRandom;

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

fn states(ring: &Ring) -> Vec<(&str, &'static str)> {
    let of = |held: &'static str, kid| (kid, held);
    ring.keys
        .iter()
        .map(|held| of(held.state.as_str(), held.key.kid().unwrap()))
        .collect()
}

fn kid(ring: &Ring, state: KeyState) -> Option<String> {
    ring.in_state(state).and_then(|held| held.key.kid()).map(str::to_owned)
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
    assert_eq!((ring.keys().len(), ring.find(&active)), (1, None));
    let next = ring.publish(after(1), &random).unwrap().kid().unwrap().to_owned();
    ring.retire(&next, None, after(1), &random).unwrap();
    assert_eq!(ring.find(&next), None);
    assert_eq!(ring.retire(&next, None, after(1), &random), Err(NO_SUCH_KEY));
}

#[test]
fn a_revoked_key_is_gone_at_once_and_replaced_if_it_signed() {
    let (mut ring, random) = (ring(None), SystemRandom::new());
    let first = kid(&ring, KeyState::Active).unwrap();
    ring.revoke(&first, START, &random).unwrap();
    assert_eq!((ring.keys().len(), ring.find(&first)), (1, None));
    let second = kid(&ring, KeyState::Active).unwrap();
    let announced = ring.publish(START, &random).unwrap().kid().unwrap().to_owned();
    ring.revoke(&second, START, &random).unwrap();
    assert_eq!(states(&ring), [(announced.as_str(), "active")]);
    ring.revoke(&second, after(1), &random).unwrap();
    assert_eq!(ring.revoke("other", START, &random), Err(NO_SUCH_KEY));
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
    let message = again.active().unwrap().key.sign(b"message").unwrap();
    assert!(ring.active().unwrap().key.verifies(b"message", &message));
    let twice = [ring.keys[0].clone(), stored_as(&ring.keys[0], KeyState::Active)];
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

/// What has happened to one key.
#[derive(Clone, Debug)]
struct Story {
    kid: String,
    announced: UnixMs,
    active: Option<UnixMs>,
    superseded: Option<UnixMs>,
    ends: Option<UnixMs>,
    revoked: bool,
}

/// Remembers everything that ever happened.
struct Model {
    policy: RingPolicy,
    stories: Vec<Story>,
}

#[derive(Clone, Debug)]
enum Step {
    Wait(u64),
    Publish,
    Rotate,
    Retire(usize, Option<u64>),
    Revoke(usize),
}

impl Story {
    fn is_there(&self, now: UnixMs) -> bool {
        !self.revoked && self.ends.is_none_or(|ends| ends > now)
    }

    fn state(&self) -> (&'static str, UnixMs) {
        match (self.superseded, self.active) {
            (Some(at), _) => ("retiring", at),
            (None, Some(at)) => ("active", at),
            (None, None) => ("published", self.announced),
        }
    }
}

impl Model {
    fn here(&self, now: UnixMs) -> Vec<&Story> {
        self.stories.iter().filter(|story| story.is_there(now)).collect()
    }

    fn index(&self, now: UnixMs, state: &str) -> Option<usize> {
        let is = |story: &Story| story.is_there(now) && story.state().0 == state;
        self.stories.iter().position(is)
    }

    fn announce(&mut self, now: UnixMs, kid: String) {
        let [active, superseded, ends] = [None; 3];
        self.stories.push(Story {
            kid,
            announced: now,
            active,
            superseded,
            ends,
            revoked: false,
        });
    }

    fn supersede(&mut self, now: UnixMs) {
        let next = self.index(now, "published").unwrap();
        if let Some(old) = self.index(now, "active") {
            self.stories[old].superseded = Some(now);
            self.stories[old].ends = Some(now.plus(self.policy.keep_for));
        }
        self.stories[next].active = Some(now);
    }

    /// What the schedule does at `now`; `made` is the name of the key that the ring made, if it made one.
    fn tick(&mut self, now: UnixMs, made: Option<&String>) {
        let Some(every) = self.policy.rotate_every else {
            return;
        };
        let active = self.index(now, "active").unwrap();
        let turn = self.stories[active].active.unwrap().plus(every);
        let early = turn.minus(self.policy.publish_for);
        if self.index(now, "published").is_none() && now >= early && self.here(now).len() < MAX_KEYS {
            self.announce(now, made.expect("the ring announces a key").clone());
        }
        if let Some(next) = self.index(now, "published")
            && now >= turn
            && now >= self.stories[next].announced.plus(self.policy.publish_for)
        {
            self.supersede(now);
        }
    }

    fn retire(&mut self, at: usize, within: Option<Span>, now: UnixMs) {
        let asked = now.plus(within.unwrap_or(self.policy.keep_for).min(self.policy.keep_for));
        let story = &mut self.stories[at];
        if story.active.is_none() {
            story.ends = Some(now);
        } else {
            story.ends = Some(story.ends.map_or(asked, |ends| ends.min(asked)));
        }
    }
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let hours = 0..60_u64;
    let step = prop_oneof![
        6 => hours.clone().prop_map(Step::Wait),
        1 => Just(Step::Publish),
        2 => Just(Step::Rotate),
        2 => (0..6_usize, proptest::option::of(hours)).prop_map(|(at, within)| Step::Retire(at, within)),
        1 => (0..6_usize).prop_map(Step::Revoke),
    ];
    proptest::collection::vec(step, 1..60)
}

/// Which key a step is about: one of those that are there.
fn chosen(ring: &Ring, at: usize) -> String {
    let held = &ring.keys[at % ring.keys.len()];
    held.key.kid().unwrap().to_owned()
}

/// Runs one step on the ring; gives the key it was about.
fn run(ring: &mut Ring, step: &Step, now: UnixMs) -> Option<String> {
    let random = SystemRandom::new();
    match step {
        Step::Wait(_) => None,
        Step::Publish => {
            let _full = ring.publish(now, &random).map(|_| ());
            None
        }
        Step::Rotate => {
            let _full = ring.rotate(now, &random).map(|_| ());
            None
        }
        Step::Retire(at, within) => {
            let kid = chosen(ring, *at);
            let within = within.map(|hours| Span::from_secs(hours * 3600));
            let full = ring.retire(&kid, within, now, &random).is_err();
            (!full).then_some(kid)
        }
        Step::Revoke(at) => {
            let kid = chosen(ring, *at);
            ring.revoke(&kid, now, &random).unwrap();
            Some(kid)
        }
    }
}

fn follow(model: &mut Model, step: &Step, kid: Option<String>, made: Option<&String>, now: UnixMs) {
    let at = kid.map(|kid| model.stories.iter().position(|story| story.kid == kid).unwrap());
    let room = model.here(now).len() < MAX_KEYS;
    let announced = model.index(now, "published").is_some();
    let is_active = at.is_some_and(|at| model.stories[at].state().0 == "active");
    let takes_turn = matches!(step, Step::Rotate) || is_active;
    if (takes_turn || matches!(step, Step::Publish)) && !announced && (room || matches!(step, Step::Revoke(_))) {
        model.announce(now, made.expect("the ring makes a key").clone());
    }
    if takes_turn && model.index(now, "published").is_some() {
        model.supersede(now);
    }
    match (step, at) {
        (Step::Retire(_, within), Some(at)) => {
            model.retire(at, within.map(|hours| Span::from_secs(hours * 3600)), now);
        }
        (Step::Revoke(_), Some(at)) => model.stories[at].revoked = true,
        _ => {}
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn the_ring_does_what_the_model_does(
        every in proptest::option::of(2..50_u64),
        announced_for in 0..2_u64,
        steps in steps(),
    ) {
        let mut policy = policy(every);
        policy.publish_for = Span::from_secs(announced_for * 3600);
        let random = SystemRandom::new();
        let mut ring = Ring::new(policy.clone(), &[], START, &random).unwrap();
        let mut model = Model { policy, stories: Vec::new() };
        let mut known = HashSet::new();
        let mut fresh = |ring: &Ring| {
            let kids = ring.keys.iter().filter_map(|held| held.key.kid());
            kids.map(str::to_owned).find(|kid| known.insert(kid.clone()))
        };
        model.announce(START, fresh(&ring).unwrap());
        model.supersede(START);
        let mut now = START;
        for step in &steps {
            if let Step::Wait(hours) = step {
                now = now.plus(Span::from_secs(hours * 3600));
            }
            ring.advance(now, &random).unwrap();
            model.tick(now, fresh(&ring).as_ref());
            let kid = run(&mut ring, step, now);
            follow(&mut model, step, kid, fresh(&ring).as_ref(), now);
            let mut expected: Vec<_> = model.here(now).iter().map(|story| {
                let (state, since) = story.state();
                (story.kid.clone(), state, since, story.ends)
            }).collect();
            let mut found: Vec<_> = ring.keys.iter().map(|held| {
                (held.key.kid().unwrap().to_owned(), held.state.as_str(), held.since, held.until)
            }).collect();
            expected.sort();
            found.sort();
            prop_assert_eq!(found, expected);
        }
    }

    #[test]
    fn whatever_the_clock_does_one_key_signs_and_what_is_gone_stays_gone(
        steps in steps(),
        jumps in proptest::collection::vec(0..200_u64, 60),
    ) {
        let random = SystemRandom::new();
        let mut ring = ring(Some(30));
        let (mut gone, mut superseded) = (HashSet::new(), HashSet::new());
        for (step, jump) in steps.iter().zip(jumps) {
            let before: HashSet<String> = ring.keys.iter().filter_map(|held| held.key.kid()).map(str::to_owned).collect();
            ring.advance(after(jump), &random).unwrap();
            run(&mut ring, step, after(jump));
            let here: HashSet<String> = ring.keys.iter().filter_map(|held| held.key.kid()).map(str::to_owned).collect();
            gone.extend(before.difference(&here).cloned());
            prop_assert!(gone.is_disjoint(&here));
            let set = ring.set().unwrap();
            prop_assert_eq!(set.signing_key().unwrap(), ring.active().unwrap().key.clone());
            let active = kid(&ring, KeyState::Active).unwrap();
            prop_assert!(!superseded.contains(&active));
            superseded.extend(ring.keys.iter().filter(|held| held.state == KeyState::Retiring).filter_map(|held| held.key.kid()).map(str::to_owned));
        }
    }
}
