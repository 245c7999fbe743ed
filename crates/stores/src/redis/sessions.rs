//! Sessions: one hash each, which one script changes, and indexes of them, which are hints.
//!
//! A script touches one key, so a step over several of them can stop in between. The order is such that what is left is
//! safe: what revokes is stored first, records are ended after it, and a record that was not ended is refused by what
//! revokes it. An index entry without a session means nothing.

use std::collections::HashMap;

use futures_util::{StreamExt, TryStreamExt, future, stream};
use keyturn_core::{
    error::{Code, Error},
    revocation::Revocation,
    session::{
        EndReason, Record, SessionId,
        rotation::{self, Heal, Intent, Mismatch, Outcome, Verdict, end_error},
    },
    store::{EndAnswer, EndAsk, Refreshed, StoreError, Which},
    time::{Span, UnixMs},
};
use redis::Value;

use super::{
    record::{Fields, record},
    revocations,
    script::{Call, END, REFRESH, TOUCH},
    step::{Step, damaged},
};

/// How many commands of one step are under way at once.
const AT_ONCE: usize = 128;

/// How many sessions are read from an index at once.
const PAGE: isize = 5000;

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
    let judged = record(sid, &read_fields(parts.next())?)?;
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
        "ended" => ended(&judged),
        "end" => return end_judged(step, sid, rest).await.map(Some),
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
        .timely()
}

/// Ends a session as it was judged: first what revokes its access tokens, then the record. Whoever comes in between finds it
/// revoked; whoever ended it first has given the reason.
async fn end_judged(
    step: &Step,
    sid: SessionId,
    mut rest: impl Iterator<Item = Value>,
) -> Result<Refreshed, StoreError> {
    let reason = EndReason::from_text(&text(rest.next())?).ok_or_else(|| damaged("a reason"))?;
    let at = text(rest.next())?
        .parse()
        .map(UnixMs::new)
        .map_err(|_| damaged("a time"))?;
    let activity = text(rest.next())?;
    revocations::store(step, &[Revocation::session(sid, at)]).await?;
    let ending = Ending {
        at,
        reason,
        activity,
        subject: None,
        unless_changed: None,
    };
    let Some((outcome, record)) = end_one(step, &sid, &ending).await? else {
        return Err(StoreError::new(
            Code::StoreUnavailable,
            "the session went while it was ended",
        ));
    };
    let verdict = match reason {
        EndReason::Reuse if outcome == Ended::Now => {
            Verdict::Refused(Error::because(Code::RefreshReused, reason.as_str()))
        }
        _ => ended(&record)?,
    };
    Ok(Refreshed {
        verdict,
        revocation: record.revocation(),
        record,
    })
}

fn ended(record: &Record) -> Result<Verdict, StoreError> {
    let ended = record.ended.ok_or_else(|| damaged("a session"))?;
    Ok(Verdict::Refused(end_error(ended.reason)))
}

/// How a session is ended.
pub(super) struct Ending<'a> {
    pub(super) at: UnixMs,
    pub(super) reason: EndReason,
    /// Its last activity as decimal text, if that is to move.
    pub(super) activity: String,
    /// Whose it must be.
    pub(super) subject: Option<&'a str>,
    /// How it must still be: of this generation, with these rights.
    pub(super) unless_changed: Option<&'a Record>,
}

/// What became of a session that was to be ended.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Ended {
    /// It had ended before.
    Before,
    /// It goes on: it is no longer as it must be.
    Changed,
    /// It has ended now.
    Now,
}

/// Ends a record, and says what became of it; `None` if there is no such session.
pub(super) async fn end_one(
    step: &Step,
    sid: &SessionId,
    ending: &Ending<'_>,
) -> Result<Option<(Ended, Record)>, StoreError> {
    let call = Call::new(&END, [step.names.session(sid)])
        .number(ending.at.as_millis())
        .arg(ending.reason.as_str())
        .arg(&ending.activity)
        .arg(ending.subject.unwrap_or_default())
        .arg(
            ending
                .unless_changed
                .map_or_else(String::new, |record| record.generation.to_string()),
        )
        .arg(
            ending
                .unless_changed
                .map_or_else(String::new, |record| record.rights_at.as_millis().to_string()),
        );
    let answer: Vec<Value> = step.run_one(&call).await?;
    let mut parts = answer.into_iter();
    let outcome = match text(parts.next())?.as_str() {
        "unknown" => return Ok(None),
        "ended" => Ended::Before,
        "changed" => Ended::Changed,
        _ => Ended::Now,
    };
    let record = record(*sid, &read_fields(parts.next())?)?;
    Ok(Some((outcome, record)))
}

/// Ends sessions and stores what revokes their access tokens.
pub(super) async fn end(step: &Step, ask: &EndAsk) -> Result<EndAnswer, StoreError> {
    let named = match &ask.which {
        Which::AllByToken(by) => load(step, &by.token.sid).await?,
        _ => None,
    };
    match ask.which.resolve(|_| Ok::<_, StoreError>(named))? {
        None => Ok(EndAnswer::default()),
        Some(which) if which.is_cut_off() => cut_off(step, ask, &which).await,
        Some(which) => end_each(step, ask, &which).await,
    }
}

/// Ends sessions one by one, each with a revocation of its own.
async fn end_each(step: &Step, ask: &EndAsk, which: &Which) -> Result<EndAnswer, StoreError> {
    let (records, subject) = match which {
        Which::Session { sid, subject } => {
            let found = load(step, sid).await?;
            let owned = |record: &Record| subject.as_ref().is_none_or(|subject| *subject == record.subject);
            (found.into_iter().filter(owned).collect(), subject.as_deref())
        }
        Which::Subject { subject, except, .. } => {
            let entries = of_subject(step, subject).await?;
            let reached = |(sid, _): &(SessionId, UnixMs)| which.reaches(sid.time()) && Some(*sid) != *except;
            let sids = entries.into_iter().filter(reached).map(|(sid, _)| sid).collect();
            let mut records = load_all(step, sids).await?;
            records.retain(|record| record.ended.is_none());
            (records, Some(subject.as_str()))
        }
        // Neither is ended one by one.
        Which::AllByToken(_) | Which::Everything { .. } => (Vec::new(), None),
    };
    let live = records.iter().filter(|record| record.ended.is_none());
    let news: Vec<_> = live.map(|record| Revocation::session(record.sid, ask.now)).collect();
    revocations::store(step, &news).await?;
    let sids = records.iter().map(|record| record.sid).collect();
    let mut answer = EndAnswer::default();
    for (outcome, record) in end_all(step, ask, sids, subject).await? {
        if outcome == Ended::Now && ask.now < record.absolute_end {
            answer.ended.push(record.sid);
        }
        answer.revocations.extend(record.revocation());
        answer.subject = Some(record.subject);
    }
    if let Some(subject) = &answer.subject {
        leave_index(step, subject, &answer.ended).await?;
    }
    Ok(answer)
}

/// Ends all that a cut-off reaches, with one revocation. Once that is stored the sessions are dead, whatever happens.
async fn cut_off(step: &Step, ask: &EndAsk, which: &Which) -> Result<EndAnswer, StoreError> {
    let mut answer = EndAnswer::default();
    let entries = match which {
        Which::Subject { subject, .. } => {
            answer.subject = Some(subject.clone());
            of_subject(step, subject).await?
        }
        _ => of_everybody(step).await?,
    };
    let (mut latest_end, mut latest_start) = (ask.now.plus(ask.longest), ask.latest_now());
    let mut sids = Vec::new();
    for (sid, absolute_end) in entries {
        if which.reaches(sid.time()) {
            latest_end = latest_end.max(absolute_end);
            latest_start = latest_start.max(sid.time());
            sids.push(sid);
        }
    }
    if let Some(target) = which.cut_off(latest_start) {
        let revocation = Revocation::cut_off(target, ask.now, latest_end);
        revocations::store(step, std::slice::from_ref(&revocation)).await?;
        answer.revocations.push(revocation);
    }
    for (outcome, record) in end_all(step, ask, sids, None).await? {
        if outcome == Ended::Now && ask.now < record.absolute_end {
            answer.ended.push(record.sid);
        }
    }
    if let Some(subject) = &answer.subject {
        leave_index(step, subject, &answer.ended).await?;
    }
    Ok(answer)
}

/// Takes ended sessions out of the index of their subject. Those that stay in it, because something stopped in between, are
/// passed over by whoever reads it.
async fn leave_index(step: &Step, subject: &str, ended: &[SessionId]) -> Result<(), StoreError> {
    let index = step.names.subject(subject);
    for page in ended.chunks(1000) {
        let mut command = redis::cmd("ZREM");
        command.arg(&index);
        for sid in page {
            command.arg(sid.to_string());
        }
        step.write::<i64>(&index, &command).await?;
    }
    Ok(())
}

async fn end_all(
    step: &Step,
    ask: &EndAsk,
    sids: Vec<SessionId>,
    subject: Option<&str>,
) -> Result<Vec<(Ended, Record)>, StoreError> {
    let ending = &Ending {
        at: ask.now,
        reason: ask.reason,
        activity: String::new(),
        subject,
        unless_changed: None,
    };
    let ended: Vec<_> = sids
        .into_iter()
        .map(|sid| async move { end_one(step, &sid, ending).await })
        .collect();
    stream::iter(ended)
        .buffered(AT_ONCE)
        .try_filter_map(|ended| future::ready(Ok(ended)))
        .try_collect()
        .await
}

/// Moves activity forward; sessions that have ended stay as they are.
pub(super) async fn touch(step: &Step, batch: Vec<(SessionId, UnixMs)>) -> Result<(), StoreError> {
    let touch = |(sid, at): (SessionId, UnixMs)| async move {
        let call = Call::new(&TOUCH, [step.names.session(&sid)]).number(at.as_millis());
        step.run_one::<i64>(&call).await
    };
    let touched: Vec<_> = batch.into_iter().map(touch).collect();
    stream::iter(touched)
        .buffer_unordered(AT_ONCE)
        .try_for_each(|_| future::ready(Ok(())))
        .await
}

/// The open sessions of a subject, the oldest first.
pub(super) async fn list(step: &Step, subject: &str, now: UnixMs) -> Result<Vec<Record>, StoreError> {
    let entries = of_subject(step, subject).await?;
    let mut records = load_all(step, entries.into_iter().map(|(sid, _)| sid).collect()).await?;
    records.retain(|record| record.is_open(now) && record.subject == subject);
    Ok(records)
}

/// Deletes sessions that are over their absolute end by a minute: the entry in the list of all last, so that whatever stops
/// in between is done again.
pub(super) async fn purge(step: &Step, now: UnixMs) -> Result<(), StoreError> {
    let over = now.minus(Span::from_secs(60)).as_millis();
    for part in step.names.parts() {
        loop {
            let mut command = redis::cmd("ZRANGEBYSCORE");
            command
                .arg(&part)
                .arg("-inf")
                .arg(format!("({over}"))
                .arg("LIMIT")
                .arg(0)
                .arg(PAGE);
            let sids: Vec<String> = step.read(&part, &command).await?;
            if sids.is_empty() {
                break;
            }
            let deleted: Vec<_> = sids.iter().map(|sid| delete(step, sid)).collect();
            stream::iter(deleted)
                .buffer_unordered(AT_ONCE)
                .try_for_each(|()| future::ready(Ok(())))
                .await?;
            let mut command = redis::cmd("ZREM");
            command.arg(&part).arg(&sids);
            step.write::<i64>(&part, &command).await?;
        }
    }
    Ok(())
}

async fn delete(step: &Step, sid: &str) -> Result<(), StoreError> {
    let Ok(id) = SessionId::parse(sid) else {
        return Ok(());
    };
    let session = step.names.session(&id);
    let mut command = redis::cmd("HGET");
    command.arg(&session).arg("subject");
    if let Some(subject) = step.read::<Option<String>>(&session, &command).await? {
        let index = step.names.subject(&subject);
        let mut command = redis::cmd("ZREM");
        command.arg(&index).arg(sid);
        step.write::<i64>(&index, &command).await?;
        let mut command = redis::cmd("UNLINK");
        command.arg(&session);
        step.write::<i64>(&session, &command).await?;
    }
    Ok(())
}

pub(super) async fn load(step: &Step, sid: &SessionId) -> Result<Option<Record>, StoreError> {
    let key = step.names.session(sid);
    let mut command = redis::cmd("HGETALL");
    command.arg(&key);
    let fields: Fields = step.read(&key, &command).await?;
    if fields.is_empty() {
        return Ok(None);
    }
    record(*sid, &fields).map(Some)
}

pub(super) async fn load_all(step: &Step, sids: Vec<SessionId>) -> Result<Vec<Record>, StoreError> {
    let loaded: Vec<_> = sids
        .into_iter()
        .map(|sid| async move { load(step, &sid).await })
        .collect();
    stream::iter(loaded)
        .buffered(AT_ONCE)
        .try_filter_map(|record| future::ready(Ok(record)))
        .try_collect()
        .await
}

pub(super) async fn of_subject(step: &Step, subject: &str) -> Result<Vec<(SessionId, UnixMs)>, StoreError> {
    entries(step, &step.names.subject(subject)).await
}

async fn of_everybody(step: &Step) -> Result<Vec<(SessionId, UnixMs)>, StoreError> {
    let mut all = Vec::new();
    for part in step.names.parts() {
        all.extend(entries(step, &part).await?);
    }
    Ok(all)
}

/// The sessions of an index with their absolute ends.
async fn entries(step: &Step, index: &str) -> Result<Vec<(SessionId, UnixMs)>, StoreError> {
    // By sid: entries that are deleted meanwhile move the others, and one may come twice.
    let mut found = HashMap::new();
    for page in 0.. {
        let mut command = redis::cmd("ZRANGE");
        command
            .arg(index)
            .arg(page * PAGE)
            .arg((page + 1) * PAGE - 1)
            .arg("WITHSCORES");
        let entries: Vec<(String, f64)> = step.read(index, &command).await?;
        let count = entries.len();
        for (sid, absolute_end) in entries {
            let sid = SessionId::parse(&sid).map_err(|_| damaged("an index"))?;
            let absolute_end = format!("{absolute_end:.0}").parse().map_err(|_| damaged("an index"))?;
            found.insert(sid, UnixMs::new(absolute_end));
        }
        if isize::try_from(count).is_ok_and(|count| count < PAGE) {
            break;
        }
    }
    let mut found: Vec<_> = found.into_iter().collect();
    found.sort_unstable_by_key(|(sid, _)| *sid);
    Ok(found)
}

fn text(value: Option<Value>) -> Result<String, StoreError> {
    redis::from_redis_value(value.unwrap_or_default()).map_err(|_| damaged("an answer"))
}

fn read_fields(value: Option<Value>) -> Result<Fields, StoreError> {
    redis::from_redis_value(value.unwrap_or_default()).map_err(|_| damaged("a session"))
}
