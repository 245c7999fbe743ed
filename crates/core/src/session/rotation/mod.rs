//! The rotation table: what becomes of a session when a refresh token is presented.
//!
//! A pure function over one record. The store runs it inside the step that also writes the record back, so judging and
//! committing are one: of many callers with the same token exactly one rotates, and the others replay.

mod ask;
mod model;

use subtle::ConstantTimeEq;

use super::record::{EndReason, Record};
use crate::{
    crypto::Digest,
    error::{Code, Error},
    time::{Span, UnixMs},
};

pub use ask::{Ask, Context, Heal, Intent, Mismatch, NewClaims, Outcome, Verdict};

/// How far the clocks of processes that share a store may differ unnoticed.
const CLOCK_TOLERANCE: Span = Span::from_secs(1);

/// Judges `ask` and moves the record to where the judgement leaves it.
pub fn refresh(record: &mut Record, ask: &Ask) -> Verdict {
    if ask.intent == Intent::Rotate {
        return judge(record, ask);
    }
    let mut after = record.clone();
    let verdict = judge(&mut after, ask);
    if let Verdict::Refused(_) = verdict {
        *record = after;
    }
    verdict
}

fn judge(record: &mut Record, ask: &Ask) -> Verdict {
    if !same_family(record, ask) {
        return Verdict::Refused(Code::RefreshInvalid.into());
    }
    if let Some(ended) = record.ended {
        return Verdict::Refused(end_error(ended.reason));
    }
    let now = ask.now.max(record.latest());
    if ask.revoked {
        return end(record, now, EndReason::Revoked);
    }
    // Expiry is decided on what the server has seen; only then may a report move the activity, and it revives nothing.
    record.touch(ask.seen.unwrap_or_default().min(now));
    if let Some(limit) = record.expired(now) {
        return end(record, now, limit);
    }
    let presented = ask.token.generation;
    let came = ask.arrived.map_or(now, |arrived| arrived.min(now));
    let outcome = if presented == record.generation {
        Outcome::Rotated
    } else if record.generation.checked_sub(1) == Some(presented) && came.since(record.rotated_at) < ask.grace {
        return replay(record, now, ask);
    } else if presented < record.generation && came < record.rotated_at {
        return Verdict::Refused(Error::because(Code::StoreUnavailable, "overtaken"));
    } else if presented < record.generation {
        return end(record, now, EndReason::Reuse);
    } else if record.generation.checked_add(1) == Some(presented) {
        Outcome::Healed
    } else if ask.heal == Heal::Any {
        Outcome::HealedAhead
    } else {
        return end(record, now, EndReason::Rollback);
    };
    rotate(record, now, ask, outcome)
}

/// Answers the predecessor, unless this host's clock was set back behind the rotation: then nobody can say how much of the
/// grace has passed, and the answer waits until the clock is right. The session is left as it is.
fn replay(record: &mut Record, now: UnixMs, ask: &Ask) -> Verdict {
    if differs(record.last_context.as_ref(), ask) {
        return end(record, now, EndReason::Reuse);
    }
    if ask.now.plus(CLOCK_TOLERANCE) < record.rotated_at {
        return Verdict::Refused(Error::because(Code::StoreUnavailable, "clock"));
    }
    Verdict::Granted(Outcome::Replayed)
}

fn rotate(record: &mut Record, now: UnixMs, ask: &Ask, outcome: Outcome) -> Verdict {
    let mut verdict = Verdict::Granted(outcome);
    if let Some(context) = &ask.context
        && differs(record.start_context.as_ref(), ask)
    {
        match context.mismatch {
            Mismatch::Reject => return Verdict::Refused(Error::because(Code::RefreshRefused, "context")),
            Mismatch::Revoke => return end(record, now, EndReason::Context),
            Mismatch::Report if differs(record.last_context.as_ref(), ask) => {
                verdict = Verdict::GrantedElsewhere(outcome);
            }
            Mismatch::Report => {}
        }
    }
    let Some(successor) = ask.token.generation.checked_add(1) else {
        return end(record, now, EndReason::Generation);
    };
    if let Some(claims) = &ask.claims {
        if claims.instead_of != record.claims {
            return Verdict::Outdated;
        }
        record.claims.clone_from(&claims.text);
    }
    if let Some(ago) = ask.report {
        record.touch(now.minus(ago));
    }
    record.generation = successor;
    record.rotated_at = now;
    record.refresh_key = ask.newest_key;
    record.last_context = ask.context.as_ref().map(|context| context.digest);
    // A session from before the binding was asked for is bound to where it is used first.
    record.start_context = record.start_context.or(record.last_context);
    verdict
}

/// Whether the token comes from another context than the recorded one; where either is unknown there is nothing to compare.
fn differs(recorded: Option<&Digest>, ask: &Ask) -> bool {
    let (Some(recorded), Some(context)) = (recorded, &ask.context) else {
        return false;
    };
    !bool::from(recorded.ct_eq(&context.digest))
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
    record.family.ct_eq(&ask.token.family.digest()).into()
}

fn end(record: &mut Record, now: UnixMs, reason: EndReason) -> Verdict {
    record.end(now, reason);
    match reason {
        EndReason::Reuse => Verdict::Refused(Error::because(Code::RefreshReused, reason.as_str())),
        _ => Verdict::Refused(end_error(reason)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::session::{
        FamilySecret, RefreshToken,
        record::tests::{START, record_and_family},
    };

    const GRACE: Span = Span::from_secs(10);

    fn ask(record: &Record, family: &FamilySecret, generation: u32, after_ms: u64) -> Ask {
        Ask {
            token: RefreshToken {
                sid: record.sid,
                generation,
                family: family.clone(),
            },
            intent: Intent::Rotate,
            now: START.plus(Span::from_millis(after_ms)),
            arrived: None,
            grace: GRACE,
            heal: Heal::One,
            newest_key: 1,
            seen: None,
            report: None,
            revoked: false,
            context: None,
            claims: None,
        }
    }

    fn present(record: &mut Record, family: &FamilySecret, generation: u32, after_ms: u64) -> Verdict {
        let ask = ask(record, family, generation, after_ms);
        refresh(record, &ask)
    }

    fn code(verdict: Verdict) -> (Code, Option<&'static str>) {
        match verdict {
            Verdict::Refused(error) => (error.code(), error.reason()),
            other => panic!("not refused: {other:?}"),
        }
    }

    #[test]
    fn the_live_token_rotates_once_and_its_predecessor_replays() {
        let (mut record, family) = record_and_family();
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
        let (mut record, family) = record_and_family();
        present(&mut record, &family, 0, 1000);
        let verdict = present(&mut record, &family, 0, 11_000);
        assert_eq!(code(verdict), (Code::RefreshReused, Some("reuse")));
        let owner = present(&mut record, &family, 1, 11_001);
        assert_eq!(code(owner), (Code::SessionRevoked, Some("reuse")));
    }

    #[test]
    fn a_grandparent_is_reuse_even_within_the_grace() {
        let (mut record, family) = record_and_family();
        present(&mut record, &family, 0, 1000);
        present(&mut record, &family, 1, 1001);
        let verdict = present(&mut record, &family, 0, 1002);
        assert_eq!(code(verdict), (Code::RefreshReused, Some("reuse")));
    }

    #[test]
    fn without_grace_every_second_use_is_reuse() {
        let (mut record, family) = record_and_family();
        present(&mut record, &family, 0, 1000);
        let strict = Ask {
            grace: Span::ZERO,
            ..ask(&record, &family, 0, 1000)
        };
        assert_eq!(code(refresh(&mut record, &strict)).0, Code::RefreshReused);
    }

    #[test]
    fn one_step_ahead_heals_a_store_that_lost_a_rotation() {
        let (mut record, family) = record_and_family();
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
        let (mut record, family) = record_and_family();
        let verdict = present(&mut record, &family, 2, 1000);
        assert_eq!(code(verdict), (Code::SessionRevoked, Some("rollback")));
    }

    #[test]
    fn the_last_generation_ends_the_session() {
        let (record, family) = record_and_family();
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
        let (mut record, _) = record_and_family();
        let (_, other) = record_and_family();
        let before = record.clone();
        assert_eq!(
            code(refresh(&mut record, &ask(&before, &other, 0, 1000))),
            (Code::RefreshInvalid, None)
        );
        assert_eq!(record, before);
    }

    #[test]
    fn limits_are_judged_on_what_the_server_saw_and_a_report_revives_nothing() {
        let (mut record, family) = record_and_family();
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
        let (mut record, family) = record_and_family();
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
        let (mut record, _) = record_and_family();
        let ttl = Span::from_secs(300);
        assert_eq!(access_expiry(&record, START, ttl), START.plus(ttl));
        record.idle = Span::from_secs(60);
        assert_eq!(access_expiry(&record, START, ttl), START.plus(Span::from_secs(60)));
        record.absolute_end = START.plus(Span::from_secs(30));
        assert_eq!(access_expiry(&record, START, ttl), START.plus(Span::from_secs(30)));
    }

    #[test]
    fn a_clock_that_goes_back_neither_opens_the_grace_again_nor_ends_a_session() {
        let (mut record, family) = record_and_family();
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
        let (mut record, family) = record_and_family();
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

    #[test]
    fn an_operator_may_let_any_generation_ahead_be_taken_over() {
        let (mut record, family) = record_and_family();
        let ask = Ask {
            heal: Heal::Any,
            ..ask(&record, &family, 7, 1000)
        };
        assert_eq!(refresh(&mut record, &ask), Verdict::Granted(Outcome::HealedAhead));
        assert_eq!(record.generation, 8);
        let again = Ask {
            heal: Heal::Any,
            ..self::ask(&record, &family, 9, 2000)
        };
        assert_eq!(refresh(&mut record, &again), Verdict::Granted(Outcome::Healed));
    }

    #[test]
    fn a_check_says_what_would_happen_and_stores_nothing_but_an_end() {
        let (mut record, family) = record_and_family();
        let before = record.clone();
        let check = |record: &Record, generation, after_ms| Ask {
            intent: Intent::Check,
            report: Some(Span::ZERO),
            seen: Some(START.plus(Span::from_secs(1))),
            ..ask(record, &family, generation, after_ms)
        };
        let live = check(&record, 0, 5000);
        assert_eq!(refresh(&mut record, &live), Verdict::Granted(Outcome::Rotated));
        assert_eq!(record, before);
        present(&mut record, &family, 0, 5000);
        let late = check(&record, 0, 15_000);
        assert_eq!(code(refresh(&mut record, &late)), (Code::RefreshReused, Some("reuse")));
        assert!(record.ended.is_some());
    }

    #[test]
    fn what_waited_for_the_application_is_judged_by_when_it_came() {
        let (mut record, family) = record_and_family();
        let late = |record: &Record, generation, arrived, now| Ask {
            arrived: Some(START.plus(Span::from_millis(arrived))),
            ..ask(record, &family, generation, now)
        };
        present(&mut record, &family, 0, 1000);
        let in_grace = late(&record, 0, 10_999, 14_000);
        assert_eq!(refresh(&mut record, &in_grace), Verdict::Granted(Outcome::Replayed));
        let too_late = late(&record, 0, 11_000, 14_000);
        assert_eq!(code(refresh(&mut record.clone(), &too_late)).0, Code::RefreshReused);
        present(&mut record, &family, 1, 12_000);
        let before = record.clone();
        let overtaken = late(&record, 0, 10_000, 14_000);
        assert_eq!(
            code(refresh(&mut record, &overtaken)),
            (Code::StoreUnavailable, Some("overtaken"))
        );
        assert_eq!(record, before, "two tabs are no theft");
        let stolen = late(&record, 0, 12_000, 14_000);
        assert_eq!(code(refresh(&mut record, &stolen)).0, Code::RefreshReused);
    }

    #[test]
    fn new_claims_come_with_a_rotation_and_never_with_a_replay() {
        let (mut record, family) = record_and_family();
        let claims = |text: &str, instead_of: &str| {
            Some(NewClaims {
                text: text.into(),
                instead_of: instead_of.into(),
            })
        };
        let rotated = Ask {
            claims: claims("\"a\":1", ""),
            ..ask(&record, &family, 0, 1000)
        };
        assert_eq!(refresh(&mut record, &rotated), Verdict::Granted(Outcome::Rotated));
        assert_eq!(record.claims, "\"a\":1");
        let replayed = Ask {
            claims: claims("\"a\":2", ""),
            ..ask(&record, &family, 0, 2000)
        };
        assert_eq!(refresh(&mut record, &replayed), Verdict::Granted(Outcome::Replayed));
        assert_eq!(record.claims, "\"a\":1");
        let before = record.clone();
        let outdated = Ask {
            claims: claims("\"a\":2", "\"a\":0"),
            ..ask(&record, &family, 1, 3000)
        };
        assert_eq!(refresh(&mut record, &outdated), Verdict::Outdated);
        assert_eq!(record, before, "somebody else has rewritten them since they were read");
    }

    /// A session that was started in a context, and what presents a token of it from another.
    fn bound(mismatch: Mismatch) -> (Record, impl Fn(&mut Record, u32, u64, &str) -> Verdict) {
        let (record, family) = record_and_family();
        let record = Record {
            start_context: Some(family.context_digest("home")),
            last_context: Some(family.context_digest("home")),
            ..record
        };
        let present = move |record: &mut Record, generation, after_ms, from: &str| {
            let context = Some(Context {
                digest: family.context_digest(from),
                mismatch,
            });
            let ask = Ask {
                context,
                ..ask(record, &family, generation, after_ms)
            };
            refresh(record, &ask)
        };
        (record, present)
    }

    #[test]
    fn a_live_token_from_elsewhere_is_rejected_revoked_or_reported() {
        let (mut record, present) = bound(Mismatch::Reject);
        let before = record.clone();
        let rejected = present(&mut record, 0, 1000, "away");
        assert_eq!(code(rejected), (Code::RefreshRefused, Some("context")));
        assert_eq!(record, before);
        assert_eq!(
            present(&mut record, 0, 2000, "home"),
            Verdict::Granted(Outcome::Rotated)
        );

        let (mut record, present) = bound(Mismatch::Revoke);
        let revoked = present(&mut record, 0, 1000, "away");
        assert_eq!(code(revoked), (Code::SessionRevoked, Some("context")));
        assert_eq!(
            code(present(&mut record, 0, 2000, "home")),
            (Code::SessionRevoked, Some("context"))
        );

        let (mut record, present) = bound(Mismatch::Report);
        let granted = |verdict| match verdict {
            Verdict::GrantedElsewhere(Outcome::Rotated) => "elsewhere",
            Verdict::Granted(Outcome::Rotated) => "same",
            other => panic!("{other:?}"),
        };
        let story = ["away", "away", "home", "away", "further"];
        let told = story.iter().zip(0..).map(|(from, generation)| {
            let at = u64::from(generation) * 60_000;
            granted(present(&mut record, generation, at, from))
        });
        let told: Vec<_> = told.collect();
        assert_eq!(told, ["elsewhere", "same", "same", "elsewhere", "elsewhere"]);
    }

    #[test]
    fn within_the_grace_a_predecessor_from_elsewhere_is_reuse_whatever_the_policy() {
        for mismatch in [Mismatch::Reject, Mismatch::Revoke, Mismatch::Report] {
            let (mut record, present) = bound(mismatch);
            present(&mut record, 0, 1000, "home");
            assert_eq!(
                present(&mut record, 0, 2000, "home"),
                Verdict::Granted(Outcome::Replayed)
            );
            let stolen = present(&mut record, 0, 2000, "away");
            assert_eq!(code(stolen), (Code::RefreshReused, Some("reuse")), "{mismatch:?}");
        }
    }

    #[test]
    fn a_session_from_before_the_binding_is_bound_to_where_it_is_used_first() {
        let (mut record, present) = bound(Mismatch::Reject);
        (record.start_context, record.last_context) = (None, None);
        assert_eq!(
            present(&mut record, 0, 1000, "away"),
            Verdict::Granted(Outcome::Rotated)
        );
        assert_eq!(code(present(&mut record, 1, 60_000, "home")).0, Code::RefreshRefused);
    }
}
