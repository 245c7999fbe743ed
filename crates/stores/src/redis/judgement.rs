//! A refresh token is judged and its session changed in one script.
//!
//! A judgement that ends the session is carried out in two more steps, since what revokes its access tokens lies in another
//! slot: the revocation first, so that whoever comes in between finds the session revoked, and then the record.

use keyturn_core::{
    error::{Code, Error},
    session::{
        EndReason, Record,
        rotation::{self, Heal, Intent, Mismatch, Outcome, Verdict, end_error},
    },
    store::{Refreshed, StoreError},
    time::{Span, UnixMs},
};
use redis::Value;

use super::{
    ending::{self, Ending, end_one},
    record::{Fields, record, text},
    revocations,
    script::{Call, REFRESH},
    step::{Step, damaged},
};

/// Judges a refresh token and stores what the judgement leaves.
pub(super) async fn refresh(step: &Step, ask: &rotation::Ask) -> Result<Option<Refreshed>, StoreError> {
    let sid = ask.token.sid;
    let answer: Vec<Value> = step.run(&judgement(step, ask)).await?;
    let mut parts = answer.into_iter();
    let verdict = text(parts.next())?;
    match verdict.as_str() {
        "unknown" => return Ok(None),
        "late" => {
            let error = StoreError::new(Code::StoreUnavailable, "Redis came to it too late");
            return Err(error.untouched());
        }
        _ => {}
    }
    let judged = record(sid, &Fields::packed(parts.next().as_ref())?)?;
    let mut rest = parts;
    let granted = |outcome, elsewhere: Option<Value>| {
        let elsewhere = elsewhere.map_or(Ok(false), |mark| text(Some(mark)).map(|mark| !mark.is_empty()))?;
        Ok(if elsewhere {
            Verdict::GrantedElsewhere(outcome)
        } else {
            Verdict::Granted(outcome)
        })
    };
    let verdict = match verdict.as_str() {
        "rotated" => granted(Outcome::Rotated, rest.next()),
        "replayed" => granted(Outcome::Replayed, rest.next()),
        "healed" => granted(Outcome::Healed, rest.next()),
        "healed_ahead" => granted(Outcome::HealedAhead, rest.next()),
        "outdated" => Ok(Verdict::Outdated),
        "context" => Ok(Verdict::Refused(Error::because(Code::RefreshRefused, "context"))),
        "invalid" => Ok(Verdict::Refused(Code::RefreshInvalid.into())),
        "clock" => Ok(Verdict::Refused(Error::because(Code::StoreUnavailable, "clock"))),
        "overtaken" => Ok(Verdict::Refused(Error::because(Code::StoreUnavailable, "overtaken"))),
        "ended" => refused(&judged),
        // In a box, which few need: what is reserved for it would make every judgement several times as large.
        "end" => return Box::pin(end_judged(step, &judged, rest)).await.map(Some),
        _ => Err(damaged("a verdict")),
    }?;
    Ok(Some(Refreshed {
        verdict,
        revocation: judged.revocation(),
        record: judged,
    }))
}

fn judgement(step: &Step, ask: &rotation::Ask) -> Call {
    // Longer ago than there has been time is the same as at its beginning.
    let report = |ago: Span| ago.as_millis().min(UnixMs::MAX.as_millis()).to_string();
    let intent = match ask.intent {
        Intent::Check => "check",
        Intent::Rotate => "rotate",
    };
    let heal = match ask.heal {
        Heal::Any => "any",
        Heal::One => "one",
    };
    let (context, mismatch) = ask.context.as_ref().map_or((&[][..], ""), |context| {
        let mismatch = match context.mismatch {
            Mismatch::Reject => "reject",
            Mismatch::Report => "report",
            Mismatch::Revoke => "revoke",
        };
        (context.digest.as_slice(), mismatch)
    });
    let claims = ask.claims.as_ref();
    Call::new(&REFRESH, [step.names.session(&ask.token.sid)])
        .arg(ask.token.family.digest())
        .number(ask.token.generation)
        .number(ask.now.as_millis())
        .number(ask.grace.as_millis())
        .number(ask.newest_key)
        .number(ask.seen.unwrap_or_default().as_millis())
        .arg(ask.report.map_or_else(String::new, report))
        .number(ask.revoked)
        .arg(intent)
        .arg(heal)
        .arg(context)
        .arg(mismatch)
        .number(claims.is_some())
        .arg(claims.map_or("", |claims| claims.text.as_str()))
        .arg(claims.map_or("", |claims| claims.instead_of.as_str()))
        .arg(
            ask.arrived
                .map_or_else(String::new, |arrived| arrived.as_millis().to_string()),
        )
        .timely()
}

/// Ends a session as it was judged: first what revokes its access tokens, then the record. Whoever comes in between finds it
/// revoked; whoever ended it first has given the reason.
async fn end_judged(
    step: &Step,
    judged: &Record,
    mut rest: impl Iterator<Item = Value>,
) -> Result<Refreshed, StoreError> {
    let reason = EndReason::from_text(&text(rest.next())?).ok_or_else(|| damaged("a reason"))?;
    let at = text(rest.next())?
        .parse()
        .map(UnixMs::new)
        .map_err(|_| damaged("a time"))?;
    let activity = text(rest.next())?;
    revocations::store(step, &[judged.revocation_at(at)]).await?;
    let ending = Ending {
        at,
        reason,
        activity,
        subject: None,
        unless_changed: None,
        successor: None,
    };
    let Some(ended) = end_one(step, &judged.sid, &ending).await? else {
        return Err(StoreError::new(
            Code::StoreUnavailable,
            "the session went while it was ended",
        ));
    };
    let record = ended.record;
    let verdict = match reason {
        EndReason::Reuse if ended.outcome == ending::Outcome::Now => {
            Verdict::Refused(Error::because(Code::RefreshReused, reason.as_str()))
        }
        _ => refused(&record)?,
    };
    Ok(Refreshed {
        verdict,
        revocation: record.revocation(),
        record,
    })
}

/// The answer to whoever comes to a session that has ended.
fn refused(record: &Record) -> Result<Verdict, StoreError> {
    let ended = record.ended.ok_or_else(|| damaged("a session"))?;
    Ok(Verdict::Refused(end_error(ended.reason)))
}
