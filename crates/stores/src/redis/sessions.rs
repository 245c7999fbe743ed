//! Sessions: one hash each, and indexes of them, which are hints. An index entry without a session means nothing.

use std::collections::HashMap;

use futures_util::{StreamExt, TryStreamExt, future, stream};
use keyturn_core::{
    session::{Record, SessionId},
    store::StoreError,
    time::{Span, UnixMs},
};

use super::{
    record::{Fields, record},
    script::{Call, TOUCH},
    step::{Step, damaged},
};

/// How many commands of one step are under way at once.
pub(super) const AT_ONCE: usize = 128;

/// How many sessions are read from an index at once.
const PAGE: isize = 5000;

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
    let list: Vec<(Vec<u8>, Vec<u8>)> = step.read(&key, &command).await?;
    let fields = Fields::listed(&list);
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

pub(super) async fn of_everybody(step: &Step) -> Result<Vec<(SessionId, UnixMs)>, StoreError> {
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
