//! How many sessions a subject may have at once.

use super::record::{EndReason, Record};
use crate::time::{Span, UnixMs};

/// How many sessions a subject may have at once, and what gives way.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct SessionLimit {
    /// At least one.
    pub count: u32,
    /// What gives way.
    pub when_full: WhenFull,
}

/// What gives way when a subject that has all its sessions signs in once more.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum WhenFull {
    /// The session that started first.
    EndOldest,
    /// The new one.
    RefuseNewest,
}

impl WhenFull {
    /// The option of that name.
    pub fn from_text(text: &str) -> Option<Self> {
        match text {
            "end-oldest" => Some(Self::EndOldest),
            "refuse-newest" => Some(Self::RefuseNewest),
            _ => None,
        }
    }
}

/// Makes room for one more session of a subject, or answers `false` and changes nothing. `sessions` are those of the subject
/// that have not ended, in any order; the store runs this in the step that stores the new one, and stores those that ended.
///
/// A session counts until it is over its absolute end, or over its idle end by [`slack`] as far as the store knows. One that
/// rests for so long is ended here: nobody can have used it without the store having heard, unless the store was out of reach
/// for that long, and otherwise it could come back as one too many.
pub fn make_room(limit: SessionLimit, sessions: &mut [Record], now: UnixMs) -> bool {
    let mut counted: Vec<&mut Record> = Vec::with_capacity(sessions.len());
    let mut resting: Vec<&mut Record> = Vec::new();
    for record in sessions.iter_mut().filter(|record| record.is_open(now)) {
        if now >= record.idle_end().plus(slack(record)) {
            resting.push(record);
        } else {
            counted.push(record);
        }
    }
    let count = usize::try_from(limit.count).unwrap_or(usize::MAX);
    let excess = (counted.len() + 1).saturating_sub(count);
    if excess > 0 && limit.when_full == WhenFull::RefuseNewest {
        return false;
    }
    for record in resting {
        end(record, now, EndReason::Idle);
    }
    // A `sid` begins with the start of its session.
    counted.sort_by_key(|record| record.sid);
    for record in counted.into_iter().take(excess) {
        end(record, now, EndReason::Limit);
    }
    true
}

/// How long activity may take to get into the store: twice what a process waits before it stores a batch.
fn slack(record: &Record) -> Span {
    Span::from_millis((record.idle.as_millis() / 5).min(10_000))
}

fn end(record: &mut Record, now: UnixMs, reason: EndReason) {
    record.end(now.max(record.latest()), reason);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        random::SystemRandom,
        session::{
            SessionId,
            record::tests::{START, record},
        },
    };

    const HOUR_AND_SLACK: u64 = 3610;

    fn at(seconds: u64) -> UnixMs {
        START.plus(Span::from_secs(seconds))
    }

    fn started(seconds: u64) -> Record {
        Record {
            sid: SessionId::generate(at(seconds), &SystemRandom::new()).unwrap(),
            last_activity: at(seconds),
            absolute_end: at(seconds + 86_400),
            ..record()
        }
    }

    fn limit(count: u32, when_full: WhenFull) -> SessionLimit {
        SessionLimit { count, when_full }
    }

    fn ends(sessions: &[Record]) -> Vec<Option<EndReason>> {
        sessions
            .iter()
            .map(|record| record.ended.map(|end| end.reason))
            .collect()
    }

    #[test]
    fn the_oldest_give_way_and_no_more_of_them_than_needed() {
        let mut sessions = [started(3), started(1), started(2)];
        assert!(make_room(limit(4, WhenFull::EndOldest), &mut sessions, at(4)));
        assert_eq!(ends(&sessions), [None, None, None]);
        assert!(make_room(limit(2, WhenFull::EndOldest), &mut sessions, at(4)));
        assert_eq!(ends(&sessions), [None, Some(EndReason::Limit), Some(EndReason::Limit)]);
    }

    #[test]
    fn the_newest_is_refused_and_nothing_changes() {
        let mut sessions = [started(0), started(0)];
        sessions[0].last_activity = at(4000);
        let before = sessions.clone();
        assert!(!make_room(limit(1, WhenFull::RefuseNewest), &mut sessions, at(4000)));
        assert_eq!(sessions, before, "not even one that rests is ended");
        assert!(make_room(limit(2, WhenFull::RefuseNewest), &mut sessions, at(4000)));
        assert_eq!(ends(&sessions), [None, Some(EndReason::Idle)]);
    }

    #[test]
    fn what_is_over_counts_no_longer_and_what_rests_counts_until_its_activity_must_have_come() {
        let mut sessions = [started(0)];
        let one = limit(1, WhenFull::RefuseNewest);
        assert!(!make_room(one, &mut sessions, at(HOUR_AND_SLACK - 1)));
        assert!(make_room(one, &mut sessions, at(HOUR_AND_SLACK)));
        assert_eq!(ends(&sessions), [Some(EndReason::Idle)]);
        let mut over = [started(0)];
        over[0].last_activity = at(86_399);
        assert!(make_room(one, &mut over, at(86_400)));
        assert_eq!(
            ends(&over),
            [None],
            "past its absolute end there is nothing left to end"
        );
    }

    #[test]
    fn time_does_not_run_backwards_for_what_is_ended() {
        let mut sessions = [started(10)];
        assert!(make_room(limit(1, WhenFull::EndOldest), &mut sessions, at(5)));
        assert_eq!(sessions[0].ended.map(|end| end.at), Some(at(10)));
    }
}
