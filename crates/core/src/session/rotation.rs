//! The rotation table: what becomes of a session when a refresh token is presented.
//!
//! A pure function over one record. The store runs it inside the step that also writes the record back, so judging and
//! committing are one: of many callers with the same token exactly one rotates, and the others replay.

use super::{
    record::{EndReason, Record},
    refresh_token::RefreshToken,
};
use crate::{
    error::{Code, Error},
    time::{Span, UnixMs},
};

/// How far the clocks of processes that share a store may differ unnoticed.
const CLOCK_TOLERANCE: Span = Span::from_secs(1);

/// Everything besides the record that the judgement depends on.
#[derive(Clone, Debug)]
pub struct Ask {
    /// The token, its tag having been checked.
    pub token: RefreshToken,
    /// The time at which the request came.
    pub now: UnixMs,
    /// How long a predecessor is answered with the same successor again; zero: never.
    pub grace: Span,
    /// The number of the refresh key that seals a new successor.
    pub newest_key: u8,
    /// Activity that this process has seen and not stored yet.
    pub seen: Option<UnixMs>,
    /// How long ago the client says its user was active.
    pub report: Option<Span>,
    /// Whether the revocation index of this process reaches the session.
    pub revoked: bool,
}

/// How a refresh was granted.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Outcome {
    /// The store had lost an acknowledged rotation; the token proved it, and was rotated.
    Healed,
    /// The predecessor came again within its grace and gets the same successor again.
    Replayed,
    /// The live token was rotated.
    Rotated,
}

/// The judgement. Whatever it is, the record is to be stored if it differs from before.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Verdict {
    /// A pair may be issued for the record as it now stands.
    Granted(Outcome),
    /// Nothing may be issued. If the record has ended, its access tokens must die too.
    Refused(Error),
}

/// Judges `ask` and moves the record to where the judgement leaves it.
pub fn refresh(record: &mut Record, ask: &Ask) -> Verdict {
    if !same_family(record, ask) {
        return refused(Code::RefreshInvalid);
    }
    if let Some(ended) = record.ended {
        return Verdict::Refused(end_error(ended.reason));
    }
    let now = ask.now.max(record.latest());
    if ask.revoked {
        return end(record, now, EndReason::Revoked);
    }
    // Expiry is decided on what the server has seen; only then may a report move the activity, and it revives nothing.
    record.last_activity = record.last_activity.max(ask.seen.unwrap_or_default().min(now));
    if let Some(limit) = record.expired(now) {
        return end(record, now, limit);
    }
    let presented = ask.token.generation;
    let outcome = if presented == record.generation {
        Outcome::Rotated
    } else if record.generation.checked_sub(1) == Some(presented) && now.since(record.rotated_at) < ask.grace {
        return replay(record, ask);
    } else if presented < record.generation {
        return end(record, now, EndReason::Reuse);
    } else if record.generation.checked_add(1) == Some(presented) {
        Outcome::Healed
    } else {
        return end(record, now, EndReason::Rollback);
    };
    let Some(successor) = presented.checked_add(1) else {
        return end(record, now, EndReason::Generation);
    };
    if let Some(ago) = ask.report {
        record.touch(now.minus(ago));
    }
    record.generation = successor;
    record.rotated_at = now;
    record.refresh_key = ask.newest_key;
    Verdict::Granted(outcome)
}

/// Answers the predecessor, unless this host's clock was set back behind the rotation: then nobody can say how much of the
/// grace has passed, and the answer waits until the clock is right. The session is left as it is.
fn replay(record: &Record, ask: &Ask) -> Verdict {
    if ask.now.plus(CLOCK_TOLERANCE) < record.rotated_at {
        return Verdict::Refused(Error::because(Code::StoreUnavailable, "clock"));
    }
    Verdict::Granted(Outcome::Replayed)
}

/// When an access token issued at `now` expires: after its life, or with the session if that comes first.
pub fn access_expiry(record: &Record, now: UnixMs, access_ttl: Span) -> UnixMs {
    now.plus(access_ttl).min(record.idle_end()).min(record.absolute_end)
}

/// The answer to whoever comes to a session that has ended.
pub fn end_error(reason: EndReason) -> Error {
    let code = match reason {
        EndReason::Absolute | EndReason::Idle => Code::SessionExpired,
        _ => Code::SessionRevoked,
    };
    Error::because(code, reason.as_str())
}

fn same_family(record: &Record, ask: &Ask) -> bool {
    use subtle::ConstantTimeEq;
    record.family.ct_eq(&ask.token.family.digest()).into()
}

fn end(record: &mut Record, now: UnixMs, reason: EndReason) -> Verdict {
    record.end(now, reason);
    match reason {
        EndReason::Reuse => Verdict::Refused(Error::because(Code::RefreshReused, reason.as_str())),
        _ => Verdict::Refused(end_error(reason)),
    }
}

const fn refused(code: Code) -> Verdict {
    Verdict::Refused(Error::new(code))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::{
        random::SystemRandom,
        session::{
            record::tests::{START, record},
            refresh_token::FamilySecret,
        },
    };

    const GRACE: Span = Span::from_secs(10);

    fn session() -> (Record, FamilySecret) {
        let family = FamilySecret::generate(&SystemRandom::new()).unwrap();
        let record = Record {
            family: family.digest(),
            ..record()
        };
        (record, family)
    }

    fn ask(record: &Record, family: &FamilySecret, generation: u32, after_ms: u64) -> Ask {
        Ask {
            token: RefreshToken {
                sid: record.sid,
                generation,
                family: family.clone(),
            },
            now: START.plus(Span::from_millis(after_ms)),
            grace: GRACE,
            newest_key: 1,
            seen: None,
            report: None,
            revoked: false,
        }
    }

    fn present(record: &mut Record, family: &FamilySecret, generation: u32, after_ms: u64) -> Verdict {
        let ask = ask(record, family, generation, after_ms);
        refresh(record, &ask)
    }

    fn code(verdict: Verdict) -> (Code, Option<&'static str>) {
        match verdict {
            Verdict::Refused(error) => (error.code(), error.reason()),
            Verdict::Granted(outcome) => panic!("granted: {outcome:?}"),
        }
    }

    #[test]
    fn the_live_token_rotates_once_and_its_predecessor_replays() {
        let (mut record, family) = session();
        assert_eq!(
            present(&mut record, &family, 0, 1000),
            Verdict::Granted(Outcome::Rotated)
        );
        assert_eq!((record.generation, record.refresh_key), (1, 1));
        let rotated = record.clone();
        for after_ms in [1000, 5000, 10_999] {
            let verdict = present(&mut record, &family, 0, after_ms);
            assert_eq!(verdict, Verdict::Granted(Outcome::Replayed));
            assert_eq!(
                record, rotated,
                "a replay changes nothing, the window is never extended"
            );
        }
    }

    #[test]
    fn after_the_grace_the_predecessor_is_reuse_and_ends_the_session() {
        let (mut record, family) = session();
        present(&mut record, &family, 0, 1000);
        let verdict = present(&mut record, &family, 0, 11_000);
        assert_eq!(code(verdict), (Code::RefreshReused, Some("reuse")));
        let owner = present(&mut record, &family, 1, 11_001);
        assert_eq!(code(owner), (Code::SessionRevoked, Some("reuse")));
    }

    #[test]
    fn a_grandparent_is_reuse_even_within_the_grace() {
        let (mut record, family) = session();
        present(&mut record, &family, 0, 1000);
        present(&mut record, &family, 1, 1001);
        let verdict = present(&mut record, &family, 0, 1002);
        assert_eq!(code(verdict), (Code::RefreshReused, Some("reuse")));
    }

    #[test]
    fn without_grace_every_second_use_is_reuse() {
        let (mut record, family) = session();
        present(&mut record, &family, 0, 1000);
        let strict = Ask {
            grace: Span::ZERO,
            ..ask(&record, &family, 0, 1000)
        };
        assert_eq!(code(refresh(&mut record, &strict)).0, Code::RefreshReused);
    }

    #[test]
    fn one_step_ahead_heals_a_store_that_lost_a_rotation() {
        let (mut record, family) = session();
        let verdict = present(&mut record, &family, 1, 1000);
        assert_eq!(verdict, Verdict::Granted(Outcome::Healed));
        assert_eq!(record.generation, 2);
        let stale = present(&mut record, &family, 0, 1001);
        assert_eq!(
            code(stale).0,
            Code::RefreshReused,
            "the token that the store still believed in is caught"
        );
    }

    #[test]
    fn further_ahead_ends_the_session() {
        let (mut record, family) = session();
        let verdict = present(&mut record, &family, 2, 1000);
        assert_eq!(code(verdict), (Code::SessionRevoked, Some("rollback")));
    }

    #[test]
    fn the_last_generation_ends_the_session() {
        let (record, family) = session();
        let mut last = Record {
            generation: u32::MAX,
            ..record.clone()
        };
        let verdict = refresh(&mut last, &ask(&record, &family, u32::MAX, 1000));
        assert_eq!(code(verdict), (Code::SessionRevoked, Some("generation")));
        let mut before = Record {
            generation: u32::MAX - 1,
            ..record.clone()
        };
        let verdict = refresh(&mut before, &ask(&record, &family, u32::MAX, 1000));
        assert_eq!(code(verdict), (Code::SessionRevoked, Some("generation")));
    }

    #[test]
    fn a_wrong_family_secret_is_unknown_and_changes_nothing() {
        let (mut record, _) = session();
        let (_, other) = session();
        let before = record.clone();
        assert_eq!(
            code(refresh(&mut record, &ask(&before, &other, 0, 1000))),
            (Code::RefreshInvalid, None)
        );
        assert_eq!(record, before);
    }

    #[test]
    fn limits_are_judged_on_what_the_server_saw_and_a_report_revives_nothing() {
        let (mut record, family) = session();
        let late = Ask {
            report: Some(Span::ZERO),
            ..ask(&record, &family, 0, 3_600_000)
        };
        assert_eq!(
            code(refresh(&mut record.clone(), &late)),
            (Code::SessionExpired, Some("idle"))
        );
        let seen = Ask {
            seen: Some(START.plus(Span::from_millis(1))),
            ..late
        };
        assert_eq!(refresh(&mut record, &seen), Verdict::Granted(Outcome::Rotated));
        let over = ask(&record, &family, 1, 86_400_000);
        assert_eq!(
            code(refresh(&mut record, &over)),
            (Code::SessionExpired, Some("absolute"))
        );
        assert_eq!(
            code(refresh(&mut record, &over)),
            (Code::SessionExpired, Some("absolute"))
        );
    }

    #[test]
    fn a_refresh_without_a_report_is_no_activity_and_a_report_is_clamped() {
        let (mut record, family) = session();
        present(&mut record, &family, 0, 60_000);
        assert_eq!(record.last_activity, START);
        let reported = Ask {
            report: Some(Span::from_secs(20)),
            ..ask(&record, &family, 1, 120_000)
        };
        refresh(&mut record, &reported);
        assert_eq!(record.last_activity, START.plus(Span::from_secs(100)));
        let older = Ask {
            report: Some(Span::from_secs(9999)),
            ..ask(&record, &family, 2, 180_000)
        };
        refresh(&mut record, &older);
        assert_eq!(
            record.last_activity,
            START.plus(Span::from_secs(100)),
            "never earlier than recorded"
        );
    }

    #[test]
    fn an_access_token_never_outlives_its_session() {
        let (mut record, _) = session();
        let ttl = Span::from_secs(300);
        assert_eq!(access_expiry(&record, START, ttl), START.plus(ttl));
        record.idle = Span::from_secs(60);
        assert_eq!(access_expiry(&record, START, ttl), START.plus(Span::from_secs(60)));
        record.absolute_end = START.plus(Span::from_secs(30));
        assert_eq!(access_expiry(&record, START, ttl), START.plus(Span::from_secs(30)));
    }

    #[test]
    fn a_clock_that_goes_back_neither_opens_the_grace_again_nor_ends_a_session() {
        let (mut record, family) = session();
        present(&mut record, &family, 0, 60_000);
        let back = present(&mut record, &family, 1, 0);
        assert_eq!(back, Verdict::Granted(Outcome::Rotated));
        assert_eq!(record.rotated_at, START.plus(Span::from_secs(60)));
        let before = record.clone();
        assert_eq!(
            code(present(&mut record, &family, 1, 58_000)),
            (Code::StoreUnavailable, Some("clock"))
        );
        assert_eq!(
            record, before,
            "nothing is lost, and nothing is handed out while the clock is behind"
        );
        let later = present(&mut record, &family, 1, 59_500);
        assert_eq!(later, Verdict::Granted(Outcome::Replayed));
    }

    #[test]
    fn what_the_index_revoked_is_refused_though_the_store_does_not_know_yet() {
        let (mut record, family) = session();
        let revoked = Ask {
            revoked: true,
            ..ask(&record, &family, 0, 1000)
        };
        assert_eq!(
            code(refresh(&mut record, &revoked)),
            (Code::SessionRevoked, Some("revoked"))
        );
        assert!(record.ended.is_some());
    }

    /// The table once more, as naively as it can be written: a list of what happened to each token.
    #[derive(Default)]
    struct Model {
        live: u32,
        rotated_at: u64,
        ended: bool,
    }

    impl Model {
        fn expect(&mut self, generation: u32, now: u64) -> &'static str {
            if self.ended {
                "ended"
            } else if now >= 3_600_000 {
                self.ended = true;
                "idle"
            } else if generation == self.live || generation == self.live + 1 {
                let outcome = if generation == self.live { "rotated" } else { "healed" };
                self.live = generation + 1;
                self.rotated_at = now;
                outcome
            } else if generation + 1 == self.live && now - self.rotated_at < 10_000 {
                "replayed"
            } else {
                self.ended = true;
                if generation < self.live { "reuse" } else { "rollback" }
            }
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(20_000))]

        #[test]
        fn every_history_goes_as_the_naive_model_says(steps in prop::collection::vec((0_u32..4, 0_u64..9_000), 1..40)) {
            let (mut record, family) = session();
            let mut model = Model::default();
            let mut now = 0;
            for (back, wait) in steps {
                now += wait;
                // Mostly tokens around the live one: its two predecessors, itself, and one ahead.
                let generation = (record.generation + 1).saturating_sub(back);
                let was_ended = record.ended.is_some();
                let verdict = present(&mut record, &family, generation, now);
                let got = match verdict {
                    Verdict::Granted(Outcome::Rotated) => "rotated",
                    Verdict::Granted(Outcome::Replayed) => "replayed",
                    Verdict::Granted(Outcome::Healed) => "healed",
                    Verdict::Refused(_) if was_ended => "ended",
                    Verdict::Refused(error) => error.reason().unwrap(),
                };
                prop_assert_eq!(got, model.expect(generation, now));
            }
        }
    }
}
