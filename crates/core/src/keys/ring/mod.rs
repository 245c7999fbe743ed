//! A ring of signing keys: one signs, the next is announced, superseded ones still verify.
//!
//! A key goes one way only: published, active, retiring, gone; revoking takes it out wherever it is. The ring reads no clock
//! and starts no timer. Each step is a function of what the ring holds and of the time it is given, so a late question makes
//! a late step and never a wrong one, and a clock that is set back undoes nothing.

mod policy;

use super::{Key, KeySet, MAX_KEYS};
use crate::{
    crypto::Algorithm,
    error::{Code, Error},
    random::Random,
    time::{Span, UnixMs},
};

pub use policy::RingPolicy;

/// What a key of a ring is for at the moment.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum KeyState {
    /// It stands in the JWKS and verifies, so that everybody knows it before it signs.
    Published,
    /// It signs.
    Active,
    /// It verifies what it has signed.
    Retiring,
    /// It is gone, and its tokens are refused.
    Revoked,
}

impl KeyState {
    /// Its name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Published => "published",
            Self::Active => "active",
            Self::Retiring => "retiring",
            Self::Revoked => "revoked",
        }
    }

    /// The state of that name.
    pub fn from_text(name: &str) -> Option<Self> {
        let all = [Self::Published, Self::Active, Self::Retiring, Self::Revoked];
        all.into_iter().find(|state| state.as_str() == name)
    }
}

/// A key that the ring holds. With [`Key::material`] it is all that a store needs to keep.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct RingKey {
    /// The key, which has a `kid`.
    pub key: Key,
    /// What it is for.
    pub state: KeyState,
    /// Since when it is for that.
    pub since: UnixMs,
    /// From when on a retiring key no longer verifies; `None` for one that stays until it is told to go.
    pub until: Option<UnixMs>,
}

/// A key that was revoked: its name alone, for as long as a token of it might still come.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct RevokedKey {
    /// Its `kid`.
    pub kid: Box<str>,
    /// Its algorithm.
    pub algorithm: Algorithm,
    /// Since when.
    pub since: UnixMs,
}

/// One to [`MAX_KEYS`] keys of which exactly one is active. Secrets and asymmetric keys do not mix.
#[derive(Clone, Debug)]
pub struct Ring {
    policy: RingPolicy,
    /// The active one first, then the published one, then the retiring ones, the latest first.
    keys: Vec<RingKey>,
    revoked: Vec<RevokedKey>,
}

impl Ring {
    /// A ring of these keys: the first that can sign is active, the others verify until they are told to go. Without any it
    /// makes one.
    pub fn new(policy: RingPolicy, keys: &[Key], now: UnixMs, random: &dyn Random) -> Result<Self, Error> {
        policy.check(keys.len())?;
        let mut named = keys.iter().map(Key::named).collect::<Result<Vec<_>, _>>()?;
        if named.is_empty() {
            named.push(Key::generate(policy.algorithm, None, random)?.named()?);
        }
        let active = named
            .iter()
            .position(Key::can_sign)
            .ok_or(Error::because(Code::KeyInvalid, "none of the ring's keys can sign"))?;
        let signing = named.remove(active);
        named.insert(0, signing);
        let kept = named.into_iter().enumerate().map(|(index, key)| RingKey {
            key,
            state: if index == 0 {
                KeyState::Active
            } else {
                KeyState::Retiring
            },
            since: now,
            until: None,
        });
        Self::restore(policy, kept.collect(), Vec::new())
    }

    /// The ring that [`Ring::keys`] and [`Ring::revoked`] described.
    pub fn restore(policy: RingPolicy, keys: Vec<RingKey>, revoked: Vec<RevokedKey>) -> Result<Self, Error> {
        let mut ring = Self { policy, keys, revoked };
        ring.sort();
        let of = |state| ring.keys.iter().filter(|held| held.state == state).count();
        if of(KeyState::Active) != 1 || of(KeyState::Published) > 1 || of(KeyState::Revoked) > 0 {
            return Err(Error::because(Code::KeyInvalid, "a ring has exactly one active key"));
        }
        if ring.keys.iter().any(|held| held.key.kid().is_none()) {
            return Err(Error::because(Code::KeyInvalid, "every key of a ring has a kid"));
        }
        let set = ring.set()?;
        if set.signing_key()? != ring.active()?.key {
            return Err(Error::because(Code::KeyInvalid, "the ring's active key cannot sign"));
        }
        if ring.policy.algorithm.is_symmetric() != ring.active()?.key.algorithm().is_symmetric() {
            return Err(Error::because(
                Code::OptionInvalid,
                "a ring goes on with keys of its own kind: HMAC or asymmetric",
            ));
        }
        Ok(ring)
    }

    /// Its keys, the active one first.
    pub fn keys(&self) -> &[RingKey] {
        &self.keys
    }

    /// What was revoked lately, the latest first.
    pub fn revoked(&self) -> &[RevokedKey] {
        &self.revoked
    }

    /// All that verify, the one that signs first.
    pub fn set(&self) -> Result<KeySet, Error> {
        let keys: Vec<Key> = self.keys.iter().map(|held| held.key.clone()).collect();
        KeySet::of_one_kind(keys)
    }

    /// When the passing of time alone changes the ring next.
    pub fn next_change(&self) -> Option<UnixMs> {
        let ends = self.keys.iter().filter_map(|held| held.until);
        ends.chain(self.next_turn()).min()
    }

    /// Does what is due at `now`.
    pub fn advance(&mut self, now: UnixMs, random: &dyn Random) -> Result<(), Error> {
        self.follow_clock_back(now);
        self.keys.retain(|held| held.until.is_none_or(|until| until > now));
        let keep_for = self.policy.keep_for;
        self.revoked.retain(|gone| gone.since.plus(keep_for) > now);
        // Twice, because a key that needs no announcement is made and used in one go.
        for _ in 0..2 {
            if self.next_turn().is_none_or(|turn| turn > now) {
                break;
            }
            if self.published().is_none() {
                self.publish(now, random)?;
            } else {
                self.activate(now);
            }
        }
        Ok(())
    }

    /// Announces the next key, if none is, and gives it. [`Code::KeyInvalid`] if the ring is full.
    pub fn publish(&mut self, now: UnixMs, random: &dyn Random) -> Result<&Key, Error> {
        if self.published().is_none() {
            if self.keys.len() >= MAX_KEYS {
                return Err(Error::because(
                    Code::KeyInvalid,
                    "the ring holds 32 keys; retire one, or rotate less often",
                ));
            }
            let key = Key::generate(self.policy.algorithm, None, random)?.named()?;
            self.keys.push(RingKey {
                key,
                state: KeyState::Published,
                since: now,
                until: None,
            });
            self.sort();
        }
        self.published().map(|held| &held.key).ok_or(Code::Internal.into())
    }

    /// Puts the announced key, or a new one, in the active one's place at once, and gives it.
    pub fn rotate(&mut self, now: UnixMs, random: &dyn Random) -> Result<&Key, Error> {
        self.publish(now, random)?;
        self.activate(now);
        Ok(&self.active()?.key)
    }

    /// Lets a key verify for `within` and no longer, which is at most as long as superseded keys do. An active one is rotated
    /// out first; one that was only announced goes at once.
    pub fn retire(&mut self, kid: &str, within: Option<Span>, now: UnixMs, random: &dyn Random) -> Result<(), Error> {
        let state = self.find(kid).ok_or(NO_SUCH_KEY)?.state;
        if state == KeyState::Active {
            self.rotate(now, random)?;
        }
        let span = within.map_or(self.policy.keep_for, |within| within.min(self.policy.keep_for));
        let asked = now.plus(span);
        if let Some(held) = self.keys.iter_mut().find(|held| held.key.kid() == Some(kid)) {
            held.until = Some(held.until.map_or(asked, |until| until.min(asked)));
        }
        self.keys.retain(|held| {
            let ended = held.until.is_some_and(|until| until <= now) || state == KeyState::Published;
            held.key.kid() != Some(kid) || !ended
        });
        Ok(())
    }

    /// Takes a key out at once. An active one is replaced by the announced one, or by a new one. One that was revoked before
    /// is left at that.
    pub fn revoke(&mut self, kid: &str, now: UnixMs, random: &dyn Random) -> Result<(), Error> {
        if self.revoked.iter().any(|gone| *gone.kid == *kid) {
            return Ok(());
        }
        let found = self.find(kid).ok_or(NO_SUCH_KEY)?.clone();
        let mut rest = self.keys.clone();
        rest.retain(|held| held.key != found.key);
        if found.state == KeyState::Active {
            // The successor first: without one the ring stays as it is, for it is never empty.
            let mut ring = Self {
                policy: self.policy.clone(),
                keys: rest,
                revoked: Vec::new(),
            };
            ring.publish(now, random)?;
            ring.activate(now);
            rest = ring.keys;
        }
        self.keys = rest;
        self.revoked.insert(
            0,
            RevokedKey {
                kid: kid.into(),
                algorithm: found.key.algorithm(),
                since: now,
            },
        );
        self.revoked.truncate(MAX_KEYS);
        Ok(())
    }

    /// When the schedule asks for something: for the announcement of the next key, or, once it has been announced for long
    /// enough, for its turn. Never, while the ring is full.
    fn next_turn(&self) -> Option<UnixMs> {
        let due = self.active().ok()?.since.plus(self.policy.rotate_every?);
        match self.published() {
            Some(next) => Some(due.max(next.since.plus(self.policy.publish_for))),
            None if self.keys.len() >= MAX_KEYS => None,
            None => Some(due.minus(self.policy.publish_for)),
        }
    }

    fn activate(&mut self, now: UnixMs) {
        if self.published().is_none() {
            return;
        }
        for held in &mut self.keys {
            match held.state {
                KeyState::Active => {
                    held.state = KeyState::Retiring;
                    held.since = now;
                    held.until = Some(now.plus(self.policy.keep_for));
                }
                KeyState::Published => {
                    held.state = KeyState::Active;
                    held.since = now;
                }
                KeyState::Retiring | KeyState::Revoked => {}
            }
        }
        self.keys.retain(|held| held.until.is_none_or(|until| until > now));
        self.sort();
    }

    /// Nothing began in the future. Without this a clock that was ahead for a moment would stop the ring until then.
    fn follow_clock_back(&mut self, now: UnixMs) {
        let latest = now.plus(self.policy.keep_for);
        for held in &mut self.keys {
            held.since = held.since.min(now);
            held.until = held.until.map(|until| until.min(latest));
        }
        for gone in &mut self.revoked {
            gone.since = gone.since.min(now);
        }
    }

    fn active(&self) -> Result<&RingKey, Error> {
        self.in_state(KeyState::Active).ok_or(Code::Internal.into())
    }

    fn published(&self) -> Option<&RingKey> {
        self.in_state(KeyState::Published)
    }

    fn in_state(&self, state: KeyState) -> Option<&RingKey> {
        self.keys.iter().find(|held| held.state == state)
    }

    fn find(&self, kid: &str) -> Option<&RingKey> {
        self.keys.iter().find(|held| held.key.kid() == Some(kid))
    }

    fn sort(&mut self) {
        let place = |state| match state {
            KeyState::Active => 0_u8,
            KeyState::Published => 1,
            KeyState::Retiring | KeyState::Revoked => 2,
        };
        // Stable: keys that retired at the same moment stay in their order.
        self.keys.sort_by(|a, b| {
            let places = place(a.state).cmp(&place(b.state));
            places.then_with(|| b.since.cmp(&a.since))
        });
    }
}

const NO_SUCH_KEY: Error = Error::because(Code::OptionInvalid, "the ring has no key with this kid");
