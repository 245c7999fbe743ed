//! A new session in the place of one.
//!
//! The two lie in different slots. The new one is stored first, since nobody has its tokens; then the old one is ended on
//! condition that it is still as it was judged; then what revokes its access tokens is stored. Were that first, a renewal
//! that comes second to a refresh would kill the session that it leaves alone. Whoever stops in between has been told of no
//! success, and comes again: the old session is found ended by a renewal, and the revocation is stored then.

use keyturn_core::{
    error::Code,
    revocation::Revocation,
    session::{EndReason, Record, RenewAsk, SessionId, renew as judge, rotation},
    store::{Refreshed, StoreError},
};

use super::{
    creation,
    ending::{Ending, Outcome, end_one},
    judgement, revocations,
    sessions::load,
    step::Step,
};

/// How often it is tried while others change the session.
const TRIES: usize = 20;

/// Judges a refresh token and stores what takes the place of its session.
pub(super) async fn renew(step: &Step, ask: &RenewAsk) -> Result<Option<Refreshed>, StoreError> {
    for _ in 0..TRIES {
        let Some(before) = load(step, &ask.by.token.sid).await? else {
            return Ok(None);
        };
        let mut record = before.clone();
        let renewed = match judge(&mut record, ask) {
            Ok(renewed) => renewed,
            Err(error) if record == before => {
                let revocation = revoke_again(step, &record).await?;
                return Ok(Some(Refreshed::renewed(Err(error), record, revocation)));
            }
            Err(_) => match refuse(step, ask).await? {
                Some(refused) => return Ok(refused),
                None => continue,
            },
        };
        creation::store(step, &renewed.record).await?;
        if let Some(old) = replace(step, &before, &record, renewed.record.sid).await? {
            let revocation = revoke_again(step, &old).await?;
            return Ok(Some(Refreshed::renewed(Ok(renewed), old, revocation)));
        }
        creation::discard(step, &renewed.record).await?;
    }
    Err(StoreError::new(
        Code::StoreUnavailable,
        "others keep changing the session",
    ))
}

/// Ends the old session if it is still as it was judged.
async fn replace(
    step: &Step,
    before: &Record,
    after: &Record,
    successor: SessionId,
) -> Result<Option<Record>, StoreError> {
    let Some(ended) = after.ended else {
        return Ok(None);
    };
    let ending = Ending {
        at: ended.at,
        reason: ended.reason,
        activity: String::new(),
        subject: None,
        unless_changed: Some(before),
        successor: Some(successor),
    };
    Ok(match end_one(step, &before.sid, &ending).await? {
        Some(ended) if ended.outcome == Outcome::Now => Some(ended.record),
        _ => None,
    })
}

/// Leaves what a refused refresh leaves. `None`: by now it would not be refused.
async fn refuse(step: &Step, ask: &RenewAsk) -> Result<Option<Option<Refreshed>>, StoreError> {
    let by = rotation::Ask {
        intent: rotation::Intent::Check,
        ..ask.by.clone()
    };
    let answer = judgement::refresh(step, &by).await?;
    let is_refused = |answer: &Refreshed| matches!(answer.verdict, rotation::Verdict::Refused(_));
    Ok(answer.as_ref().is_none_or(is_refused).then_some(answer))
}

/// The revocation of an ended session. Of one that was renewed it may not have been stored; a second time it is no news.
async fn revoke_again(step: &Step, record: &Record) -> Result<Option<Revocation>, StoreError> {
    let revocation = record.revocation();
    if record.ended.is_some_and(|ended| ended.reason == EndReason::Renewed) {
        revocations::store(step, revocation.as_slice()).await?;
    }
    Ok(revocation)
}
