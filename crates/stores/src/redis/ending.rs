//! Ending sessions: what revokes them first, then the records.
//!
//! A script touches one key, so a step over several sessions can stop in between. What is stored by then is safe: a record
//! that was not ended is refused by what revokes it.
//!
//! For the same reason a renewal may come in between: the session that is to be ended has made way for another, which was not
//! there to be read. So a renewed session names its successor, and that is ended as well.

use std::collections::HashSet;

use futures_util::{StreamExt, TryStreamExt, future, stream};
use keyturn_core::{
    revocation::Revocation,
    session::{EndReason, Record, SessionId},
    store::{EndAnswer, EndAsk, StoreError, Which},
    time::UnixMs,
};
use redis::Value;

use super::{
    record::{Fields, record, text},
    revocations,
    script::{Call, END},
    sessions::{AT_ONCE, load, load_all, of_everybody, of_subject},
    step::Step,
};

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
            // One that was renewed is asked for its successor, which may have come after the entries were read.
            records.retain(|record| record.ended.is_none_or(|ended| ended.reason == EndReason::Renewed));
            (records, Some(subject.as_str()))
        }
        // Neither is ended one by one.
        Which::AllByToken(_) | Which::Everything { .. } => (Vec::new(), None),
    };
    let mut answer = EndAnswer::default();
    end_records(step, ask, which, records, subject, &mut answer).await?;
    if let Some(subject) = &answer.subject {
        leave_index(step, subject, &answer.ended).await?;
    }
    Ok(answer)
}

/// Ends each of these, and what takes its place meanwhile.
async fn end_records(
    step: &Step,
    ask: &EndAsk,
    which: &Which,
    mut records: Vec<Record>,
    subject: Option<&str>,
    answer: &mut EndAnswer,
) -> Result<(), StoreError> {
    let mut seen = HashSet::new();
    while !records.is_empty() {
        let live = records.iter().filter(|record| record.ended.is_none());
        let news: Vec<_> = live.map(|record| record.revocation_at(ask.now)).collect();
        revocations::store(step, &news).await?;
        let sids: Vec<_> = records.iter().map(|record| record.sid).collect();
        seen.extend(sids.iter().copied());
        let mut successors = Vec::new();
        for ended in end_all(step, ask, sids, subject).await? {
            successors.extend(ended.successor_reached(ask, which).filter(|sid| seen.insert(*sid)));
            let record = ended.record;
            if ended.outcome == Outcome::Now && ask.now < record.absolute_end {
                answer.ended.push(record.sid);
            }
            answer.revocations.extend(record.revocation());
            answer.subject = Some(record.subject);
        }
        records = load_all(step, successors).await?;
    }
    Ok(())
}

/// Ends all that a cut-off reaches, with one revocation, and one for each session that it must not follow. Once they are stored
/// the sessions are dead, whatever happens.
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
    let (mut sids, mut ahead) = (Vec::new(), Vec::new());
    for (sid, absolute_end) in entries {
        if !which.reaches(sid.time()) {
            continue;
        }
        if ask.may_follow(sid.time()) {
            latest_end = latest_end.max(absolute_end);
            latest_start = latest_start.max(sid.time());
        } else {
            ahead.push(sid);
        }
        sids.push(sid);
    }
    let target = which.cut_off(latest_start);
    answer
        .revocations
        .extend(target.map(|target| Revocation::cut_off(target, ask.now, latest_end)));
    let named = load_all(step, ahead).await?;
    let live = named.iter().filter(|record| record.ended.is_none());
    answer
        .revocations
        .extend(live.map(|record| record.revocation_at(ask.now)));
    revocations::store(step, &answer.revocations).await?;
    let mut successors = Vec::new();
    for ended in end_all(step, ask, sids, None).await? {
        successors.extend(ended.successor_reached(ask, which));
        if ended.outcome == Outcome::Now && ask.now < ended.record.absolute_end {
            answer.ended.push(ended.record.sid);
        }
    }
    // The cut-off may lie before their start.
    let records = load_all(step, successors).await?;
    let subject = answer.subject.clone();
    end_records(step, ask, which, records, None, &mut answer).await?;
    answer.subject = subject;
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
) -> Result<Vec<Ended>, StoreError> {
    let ending = &Ending {
        at: ask.now,
        reason: ask.reason,
        activity: String::new(),
        subject,
        unless_changed: None,
        successor: None,
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
    /// What takes its place.
    pub(super) successor: Option<SessionId>,
}

/// A session that was to be ended, as it stands.
pub(super) struct Ended {
    pub(super) outcome: Outcome,
    pub(super) record: Record,
    /// What has taken its place, if it was renewed.
    pub(super) successor: Option<SessionId>,
}

impl Ended {
    /// What took its place so late that it must end with it: it descends from a session that is ended here.
    fn successor_reached(&self, ask: &EndAsk, which: &Which) -> Option<SessionId> {
        let is_late = self.record.ended.is_some_and(|ended| ended.at >= ask.now);
        let (is_reached, spared) = match which {
            Which::Everything { .. } => (is_late, None),
            Which::Subject { before, except, .. } => (is_late || (before.is_none() && except.is_some()), *except),
            // Whoever names one session means that one.
            Which::AllByToken(_) | Which::Session { .. } => (false, None),
        };
        let is_before = self.outcome == Outcome::Before;
        self.successor
            .filter(|sid| is_before && is_reached && spared != Some(*sid))
    }
}

/// What became of a session that was to be ended.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Outcome {
    /// It had ended before.
    Before,
    /// It goes on: it is no longer as it must be.
    Changed,
    /// It has ended now.
    Now,
}

/// Ends a record, and says what became of it; `None` if there is no such session.
pub(super) async fn end_one(step: &Step, sid: &SessionId, ending: &Ending<'_>) -> Result<Option<Ended>, StoreError> {
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
        )
        .arg(ending.successor.map_or_else(String::new, |sid| sid.to_string()));
    let answer: Vec<Value> = step.run_one(&call).await?;
    let mut parts = answer.into_iter();
    let outcome = match text(parts.next())?.as_str() {
        "unknown" => return Ok(None),
        "ended" => Outcome::Before,
        "changed" => Outcome::Changed,
        _ => Outcome::Now,
    };
    let answer = parts.next();
    let fields = Fields::packed(answer.as_ref())?;
    let successor = fields.get("successor").and_then(|sid| std::str::from_utf8(sid).ok());
    Ok(Some(Ended {
        outcome,
        record: record(*sid, &fields)?,
        successor: successor.and_then(|sid| SessionId::parse(sid).ok()),
    }))
}
