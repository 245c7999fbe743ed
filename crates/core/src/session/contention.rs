//! Replays that look like two parties who keep in step on one session.
//!
//! A replay leaves the record as it is, so this is counted here, in each process for itself: one that answers all refreshes
//! of a session sees all of them, of several each sees its share. The log is bounded; at its bound the older half of what it
//! knows is forgotten, which can only keep an alarm from being raised.

use std::{
    collections::HashMap,
    mem,
    sync::{Mutex, PoisonError},
};

use super::{SessionId, rotation::Outcome};

/// How many sessions each of the two halves takes: some 10 MB in all.
const HALF: usize = 32_768;

/// In how many generations running there must have been replays.
const RUNNING: u32 = 3;

/// The longest origin that is remembered; what is longer is no prefix of an address.
const MAX_ORIGIN: usize = 64;

/// Why two parties seem to share a session.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Contention {
    /// A replay came from another origin than the rotation that it repeats.
    Origin,
    /// There were replays in three generations running.
    Running,
}

impl Contention {
    /// One word for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Origin => "origin",
            Self::Running => "running",
        }
    }
}

/// What has lately been granted, by session. Shared by every thread of the process.
#[derive(Debug, Default)]
pub struct ContentionLog(Mutex<Halves>);

#[derive(Debug, Default)]
struct Halves {
    newer: HashMap<SessionId, Seen>,
    older: HashMap<SessionId, Seen>,
}

#[derive(Debug, Default)]
struct Seen {
    /// The generation of the last rotation that this process saw, and where it came from.
    rotated: u32,
    origin: Option<Box<str>>,
    /// The last generation that was replayed, and for how many it has been running.
    replayed: Option<u32>,
    running: u32,
    told_of_origin: Option<u32>,
}

impl ContentionLog {
    /// Notes a grant that left the session at `generation`. `origin` is where the request came from, as coarsely as the
    /// application wants it compared. Each reason is given once to a generation.
    pub fn note(&self, sid: SessionId, outcome: Outcome, generation: u32, origin: Option<&str>) -> Option<Contention> {
        let origin = origin.filter(|origin| origin.len() <= MAX_ORIGIN);
        if outcome != Outcome::Replayed && origin.is_none() {
            // Where it came from is all that a rotation could tell.
            return None;
        }
        let mut halves = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut seen = halves.take(&sid);
        let found = if outcome == Outcome::Replayed {
            seen.replay(generation, origin)
        } else {
            seen.rotated = generation;
            seen.origin = origin.map(Box::from);
            None
        };
        halves.put(sid, seen);
        found
    }
}

impl Halves {
    fn take(&mut self, sid: &SessionId) -> Seen {
        let newer = self.newer.remove(sid);
        newer.or_else(|| self.older.remove(sid)).unwrap_or_default()
    }

    fn put(&mut self, sid: SessionId, seen: Seen) {
        if self.newer.len() >= HALF {
            self.older = mem::take(&mut self.newer);
        }
        self.newer.insert(sid, seen);
    }
}

impl Seen {
    fn replay(&mut self, generation: u32, origin: Option<&str>) -> Option<Contention> {
        let is_first = self.replayed != Some(generation);
        if is_first {
            let follows = self
                .replayed
                .is_some_and(|last| last.checked_add(1) == Some(generation));
            self.running = if follows { self.running.saturating_add(1) } else { 1 };
            self.replayed = Some(generation);
        }
        let known = self.origin.as_deref().filter(|_| self.rotated == generation);
        if let (Some(known), Some(origin)) = (known, origin)
            && known != origin
            && self.told_of_origin != Some(generation)
        {
            self.told_of_origin = Some(generation);
            return Some(Contention::Origin);
        }
        (is_first && self.running >= RUNNING).then_some(Contention::Running)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{random::SystemRandom, time::UnixMs};

    fn sid() -> SessionId {
        SessionId::generate(UnixMs::new(1), &SystemRandom::new()).unwrap()
    }

    #[test]
    fn replays_in_three_generations_running_are_told_once_for_each_from_the_third_on() {
        let (log, sid) = (ContentionLog::default(), sid());
        let replay = |generation| log.note(sid, Outcome::Replayed, generation, None);
        assert_eq!([1, 1, 2, 2].map(replay), [None; 4]);
        assert_eq!(replay(3), Some(Contention::Running));
        assert_eq!(replay(3), None);
        assert_eq!(replay(4), Some(Contention::Running));
        assert_eq!(
            [6, 7].map(replay),
            [None; 2],
            "a generation without a replay begins anew"
        );
        assert_eq!(replay(8), Some(Contention::Running));
    }

    #[test]
    fn a_replay_from_another_origin_than_the_rotation_is_told() {
        let (log, sid) = (ContentionLog::default(), sid());
        let note = |outcome, generation, origin| log.note(sid, outcome, generation, Some(origin));
        assert_eq!(note(Outcome::Rotated, 1, "10.0.0.0/24"), None);
        assert_eq!(note(Outcome::Replayed, 1, "10.0.0.0/24"), None);
        assert_eq!(note(Outcome::Replayed, 1, "10.9.0.0/24"), Some(Contention::Origin));
        assert_eq!(note(Outcome::Replayed, 1, "10.9.0.0/24"), None);
        assert_eq!(
            note(Outcome::Replayed, 2, "10.9.0.0/24"),
            None,
            "another process rotated"
        );
        let too_much = "x".repeat(65);
        assert_eq!(log.note(sid, Outcome::Rotated, 9, Some(&too_much)), None);
        assert_eq!(note(Outcome::Replayed, 9, "y"), None);
    }

    #[test]
    fn sessions_do_not_mix_and_at_the_bound_the_older_half_is_forgotten() {
        let noted = ContentionLog::default();
        let (one, other) = (sid(), sid());
        noted.note(one, Outcome::Replayed, 1, None);
        noted.note(other, Outcome::Replayed, 2, None);
        noted.note(one, Outcome::Replayed, 2, None);
        for _ in 0..HALF {
            noted.note(sid(), Outcome::Replayed, 1, None);
        }
        assert_eq!(noted.note(one, Outcome::Replayed, 3, None), Some(Contention::Running));
        for _ in 0..2 * HALF + 2 {
            noted.note(sid(), Outcome::Replayed, 1, None);
        }
        assert_eq!(noted.note(one, Outcome::Replayed, 4, None), None);
        let halves = noted.0.lock().unwrap();
        assert!(halves.newer.len() <= HALF && halves.older.len() <= HALF);
    }
}
