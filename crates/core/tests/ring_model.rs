//! The ring against a naive model, which remembers all that ever happened and works every state out from that.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, reason = "tests")]

use std::collections::HashSet;

use keyturn_core::{
    crypto::Algorithm,
    keys::{KeyState, MAX_KEYS, Ring, RingPolicy},
    random::SystemRandom,
    time::{Span, UnixMs},
};
use proptest::prelude::*;

const START: UnixMs = UnixMs::new(1_700_000_000_000);

fn span(hours: u64) -> Span {
    Span::from_secs(hours * 3600)
}

fn policy(every: Option<u64>, announced_for: u64) -> RingPolicy {
    RingPolicy {
        algorithm: Algorithm::Hs256,
        rotate_every: every.map(span),
        publish_for: span(announced_for),
        keep_for: span(24),
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
    let held = &ring.keys()[at % ring.keys().len()];
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
            let within = within.map(span);
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
            model.retire(at, within.map(span), now);
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
        let policy = policy(every, announced_for);
        let random = SystemRandom::new();
        let mut ring = Ring::new(policy.clone(), &[], START, &random).unwrap();
        let mut model = Model { policy, stories: Vec::new() };
        let mut known = HashSet::new();
        let mut fresh = |ring: &Ring| {
            let kids = ring.keys().iter().filter_map(|held| held.key.kid());
            kids.map(str::to_owned).find(|kid| known.insert(kid.clone()))
        };
        model.announce(START, fresh(&ring).unwrap());
        model.supersede(START);
        let mut now = START;
        for step in &steps {
            if let Step::Wait(hours) = step {
                now = now.plus(span(*hours));
            }
            ring.advance(now, &random).unwrap();
            model.tick(now, fresh(&ring).as_ref());
            let kid = run(&mut ring, step, now);
            follow(&mut model, step, kid, fresh(&ring).as_ref(), now);
            let mut expected: Vec<_> = model.here(now).iter().map(|story| {
                let (state, since) = story.state();
                (story.kid.clone(), state, since, story.ends)
            }).collect();
            let mut found: Vec<_> = ring.keys().iter().map(|held| {
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
        let mut ring = Ring::new(policy(Some(30), 1), &[], START, &random).unwrap();
        let (mut gone, mut superseded) = (HashSet::new(), HashSet::new());
        for (step, jump) in steps.iter().zip(jumps) {
            let before: HashSet<String> = ring.keys().iter().filter_map(|held| held.key.kid()).map(str::to_owned).collect();
            ring.advance(START.plus(span(jump)), &random).unwrap();
            run(&mut ring, step, START.plus(span(jump)));
            let here: HashSet<String> = ring.keys().iter().filter_map(|held| held.key.kid()).map(str::to_owned).collect();
            gone.extend(before.difference(&here).cloned());
            prop_assert!(gone.is_disjoint(&here));
            let set = ring.set().unwrap();
            prop_assert_eq!(set.signing_key().unwrap(), ring.keys()[0].key.clone());
            prop_assert_eq!(ring.keys()[0].state, KeyState::Active);
            let active = ring.keys()[0].key.kid().unwrap().to_owned();
            prop_assert!(!superseded.contains(&active));
            superseded.extend(ring.keys().iter().filter(|held| held.state == KeyState::Retiring).filter_map(|held| held.key.kid()).map(str::to_owned));
        }
    }
}
