//! The table of sessions.

use keyturn_core::{
    error::Error,
    revocation::Revocation,
    session::{
        self, EndReason, Ended, PermissionsAsk, Record, RenewAsk, RightsTimes, SessionId, change_permissions,
        make_room, rotation,
    },
    store::{CreateAsk, Created, EndAnswer, EndAsk, Refreshed, Which},
    time::{Span, UnixMs},
};
use rusqlite::{
    Connection, OptionalExtension, Result, Row, ToSql, params,
    types::{Type, Value},
};

use super::revocations;

const COLUMNS: &str = "sid, subject, generation, refresh_key, family, rotated_at, authenticated_at, last_activity, idle, \
     absolute_end, device, claims, ended_at, ended_reason, start_context, last_context, \
     rights_at, roles_at, permissions_at";

/// Stores a new session, after making room for it.
pub(super) fn create(db: &Connection, ask: &CreateAsk) -> Result<Created> {
    let mut created = Created {
        admitted: true,
        ended: Vec::new(),
    };
    if let Some(limit) = ask.limit {
        let mut others = list(db, &ask.record.subject, ask.now)?;
        created.admitted = make_room(limit, &mut others, ask.now);
        others.retain(|record| record.ended.is_some());
        created.ended = others;
    }
    for record in &created.ended {
        update(db, record)?;
        if let Some(revocation) = record.revocation() {
            revocations::insert(db, &revocation)?;
        }
    }
    if created.admitted {
        insert(db, &ask.record)?;
    }
    Ok(created)
}

fn insert(db: &Connection, record: &Record) -> Result<()> {
    db.prepare_cached(&format!(
        "INSERT INTO keyturn_sessions ({COLUMNS}, started_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19,
             ?20)"
    ))?
    .execute(params![
        record.sid.as_bytes(),
        record.subject,
        record.generation,
        record.refresh_key,
        record.family,
        to_ms(record.rotated_at),
        to_ms(record.authenticated_at),
        to_ms(record.last_activity),
        to_ms(UnixMs::new(record.idle.as_millis())),
        to_ms(record.absolute_end),
        record.device,
        record.claims,
        record.ended.map(|ended| to_ms(ended.at)),
        record.ended.map(|ended| ended.reason.as_str()),
        record.start_context,
        record.last_context,
        to_ms(record.rights_at),
        to_ms(record.set_at.roles),
        to_ms(record.set_at.permissions),
        to_ms(record.sid.time()),
    ])?;
    Ok(())
}

/// Judges a refresh token and stores what the judgement leaves.
pub(super) fn refresh(db: &Connection, ask: &rotation::Ask) -> Result<Option<Refreshed>> {
    let Some(before) = load(db, &ask.token.sid)? else {
        return Ok(None);
    };
    let mut record = before.clone();
    let verdict = rotation::refresh(&mut record, ask);
    if record != before {
        update(db, &record)?;
    }
    let revocation = record.revocation();
    if let (None, Some(revocation)) = (before.ended, &revocation) {
        revocations::insert(db, revocation)?;
    }
    Ok(Some(Refreshed {
        verdict,
        record,
        revocation,
    }))
}

/// Judges a refresh token and puts a new session in the place of its own.
pub(super) fn renew(db: &Connection, ask: &RenewAsk) -> Result<Option<Refreshed>> {
    let Some(before) = load(db, &ask.by.token.sid)? else {
        return Ok(None);
    };
    let mut record = before.clone();
    let renewed = session::renew(&mut record, ask);
    if record != before {
        update(db, &record)?;
    }
    if let Ok(renewed) = &renewed {
        insert(db, &renewed.record)?;
        db.prepare_cached("UPDATE keyturn_sessions SET successor = ?2 WHERE sid = ?1")?
            .execute([before.sid.as_bytes(), renewed.record.sid.as_bytes()])?;
    }
    let revocation = record.revocation();
    if let (None, Some(revocation)) = (before.ended, &revocation) {
        revocations::insert(db, revocation)?;
    }
    Ok(Some(Refreshed::renewed(renewed, record, revocation)))
}

/// Changes what the open sessions of a subject carry, and stores what makes its older access tokens stale.
pub(super) fn permissions(db: &Connection, ask: &PermissionsAsk) -> Result<std::result::Result<Revocation, Error>> {
    let mut sessions = list(db, &ask.subject, ask.now)?;
    let revocation = match change_permissions(&mut sessions, ask) {
        Ok(revocation) => revocation,
        Err(error) => return Ok(Err(error)),
    };
    for record in &sessions {
        update(db, record)?;
    }
    revocations::insert(db, &revocation)?;
    Ok(Ok(revocation))
}

/// Ends sessions and stores what revokes their access tokens.
pub(super) fn end(db: &Connection, ask: &EndAsk) -> Result<EndAnswer> {
    match ask.which.resolve(|sid| load(db, sid))? {
        None => Ok(EndAnswer::default()),
        Some(which) if which.is_cut_off() => cut_off(db, ask, &which),
        Some(which) => end_each(db, ask, &which),
    }
}

/// Ends sessions one by one, each with a revocation of its own.
fn end_each(db: &Connection, ask: &EndAsk, which: &Which) -> Result<EndAnswer> {
    let mut answer = EndAnswer::default();
    for mut record in select(db, which)? {
        if record.is_open(ask.now) {
            answer.ended.push(record.sid);
        }
        let was_ended = record.ended.is_some();
        record.end(ask.now, ask.reason);
        let revocation = record.revocation();
        if let (false, Some(revocation)) = (was_ended, &revocation) {
            update(db, &record)?;
            revocations::insert(db, revocation)?;
        }
        answer.revocations.extend(revocation);
        answer.subject = Some(record.subject);
    }
    Ok(answer)
}

/// Ends all that a cut-off reaches in one statement, with one revocation; further ones are of sessions that it must not follow.
fn cut_off(db: &Connection, ask: &EndAsk, which: &Which) -> Result<EndAnswer> {
    let (condition, values) = reached(which);
    let values: Vec<&dyn ToSql> = values.iter().map(|value| -> &dyn ToSql { value }).collect();
    let mut answer = EndAnswer::default();
    let (mut latest_end, mut latest_start) = (ask.now.plus(ask.longest), ask.latest_now());
    let mut ahead = Vec::new();
    let mut statement = db.prepare_cached(&format!(
        "SELECT sid, absolute_end FROM keyturn_sessions WHERE {condition} AND ended_at IS NULL"
    ))?;
    let mut rows = statement.query(values.as_slice())?;
    while let Some(row) = rows.next()? {
        let sid = SessionId::from_bytes(row.get(0)?);
        let absolute_end = from_ms(row.get(1)?);
        if ask.may_follow(sid.time()) {
            latest_end = latest_end.max(absolute_end);
            latest_start = latest_start.max(sid.time());
        } else {
            ahead.push(sid);
        }
        if ask.now < absolute_end {
            answer.ended.push(sid);
        }
    }
    drop(rows);
    let (at, reason) = (to_ms(ask.now), ask.reason.as_str());
    let mut set = values;
    set.push(&at);
    set.push(&reason);
    let (at, reason) = (set.len() - 1, set.len());
    db.prepare_cached(&format!(
        "UPDATE keyturn_sessions SET ended_at = ?{at}, ended_reason = ?{reason} WHERE {condition} AND ended_at IS NULL"
    ))?
    .execute(set.as_slice())?;
    if let Which::Subject { subject, .. } = which {
        answer.subject = Some(subject.clone());
    }
    if let Some(target) = which.cut_off(latest_start) {
        let revocation = Revocation::cut_off(target, ask.now, latest_end);
        revocations::insert(db, &revocation)?;
        answer.revocations.push(revocation);
    }
    for sid in ahead {
        if let Some(revocation) = load(db, &sid)?.and_then(|record| record.revocation()) {
            revocations::insert(db, &revocation)?;
            answer.revocations.push(revocation);
        }
    }
    end_successors(db, ask, which, &mut answer)?;
    Ok(answer)
}

/// Ends what took the place of sessions that the cut-off would have reached, had it been stored when it was asked for: another
/// process renewed them since, and the successors may have started behind it.
fn end_successors(db: &Connection, ask: &EndAsk, which: &Which, answer: &mut EndAnswer) -> Result<()> {
    let (condition, mut values) = reached(which);
    values.push(to_ms(ask.now).into());
    let values: Vec<&dyn ToSql> = values.iter().map(|value| -> &dyn ToSql { value }).collect();
    let late = values.len();
    let mut successors: Vec<SessionId> = db
        .prepare_cached(&format!(
            "SELECT successor FROM keyturn_sessions
             WHERE {condition} AND ended_at >= ?{late} AND ended_reason = 'renewed' AND successor IS NOT NULL"
        ))?
        .query_map(values.as_slice(), |row| row.get(0).map(SessionId::from_bytes))?
        .collect::<Result<_>>()?;
    while let Some(sid) = successors.pop() {
        let Some(mut record) = load(db, &sid)? else {
            continue;
        };
        if record.ended.is_some() {
            let next: Option<[u8; 16]> = db
                .prepare_cached("SELECT successor FROM keyturn_sessions WHERE sid = ?1")?
                .query_row([sid.as_bytes()], |row| row.get(0))?;
            successors.extend(next.map(SessionId::from_bytes));
            continue;
        }
        if record.is_open(ask.now) {
            answer.ended.push(sid);
        }
        record.end(ask.now, ask.reason);
        update(db, &record)?;
        if let Some(revocation) = record.revocation() {
            revocations::insert(db, &revocation)?;
            answer.revocations.push(revocation);
        }
    }
    Ok(())
}

/// Moves activity forward; sessions that have ended stay as they are.
pub(super) fn touch(db: &Connection, batch: &[(SessionId, UnixMs)]) -> Result<()> {
    let mut statement = db.prepare_cached(
        "UPDATE keyturn_sessions SET last_activity = max(last_activity, ?2) WHERE sid = ?1 AND ended_at IS NULL",
    )?;
    for (sid, at) in batch {
        statement.execute(params![sid.as_bytes(), to_ms(*at)])?;
    }
    Ok(())
}

/// The open sessions of a subject, the oldest first.
pub(super) fn list(db: &Connection, subject: &str, now: UnixMs) -> Result<Vec<Record>> {
    query(
        db,
        "subject = ?1 AND ended_at IS NULL AND absolute_end > ?2 ORDER BY started_at, sid",
        &[&subject, &to_ms(now)],
    )
}

/// Shows every row there is, those too that cannot be read.
pub(super) fn each(db: &Connection, mut show: impl FnMut(Result<Record>) -> Result<()>) -> Result<()> {
    let mut statement = db.prepare(&format!("SELECT {COLUMNS} FROM keyturn_sessions"))?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        show(read(row))?;
    }
    Ok(())
}

/// Deletes up to `most` sessions that are over their absolute end by a minute, and says how many it found.
pub(super) fn purge(db: &Connection, now: UnixMs, most: usize) -> Result<usize> {
    db.prepare_cached(
        "DELETE FROM keyturn_sessions WHERE sid IN
             (SELECT sid FROM keyturn_sessions WHERE absolute_end < ?1 LIMIT ?2)",
    )?
    .execute(params![
        to_ms(now.minus(Span::from_secs(60))),
        i64::try_from(most).unwrap_or(i64::MAX)
    ])
}

fn load(db: &Connection, sid: &SessionId) -> Result<Option<Record>> {
    db.prepare_cached(&format!("SELECT {COLUMNS} FROM keyturn_sessions WHERE sid = ?1"))?
        .query_row([sid.as_bytes()], read)
        .optional()
}

fn select(db: &Connection, which: &Which) -> Result<Vec<Record>> {
    match which {
        Which::Session { sid, subject: None } => query(db, "sid = ?1", &[sid.as_bytes()]),
        Which::Session {
            sid,
            subject: Some(subject),
        } => query(db, "sid = ?1 AND subject = ?2", &[sid.as_bytes(), subject]),
        _ => {
            let (condition, values) = reached(which);
            let values: Vec<&dyn ToSql> = values.iter().map(|value| -> &dyn ToSql { value }).collect();
            query(db, &format!("{condition} AND ended_at IS NULL"), &values)
        }
    }
}

/// The sessions up to a moment, as a condition and its values.
fn reached(which: &Which) -> (&'static str, Vec<Value>) {
    let latest = |before: &Option<UnixMs>| Value::from(to_ms(before.unwrap_or(UnixMs::MAX)));
    match which {
        Which::Everything { before } => ("started_at <= ?1", vec![latest(before)]),
        Which::Subject {
            subject,
            before,
            except,
        } => (
            "subject = ?1 AND started_at <= ?2 AND sid <> ?3",
            vec![
                subject.clone().into(),
                latest(before),
                except.map_or_else(Vec::new, |sid| sid.as_bytes().to_vec()).into(),
            ],
        ),
        // Neither is a matter of time: one is resolved before, the other named.
        Which::AllByToken(_) | Which::Session { .. } => ("FALSE", Vec::new()),
    }
}

fn query(db: &Connection, condition: &str, values: &[&dyn ToSql]) -> Result<Vec<Record>> {
    db.prepare_cached(&format!("SELECT {COLUMNS} FROM keyturn_sessions WHERE {condition}"))?
        .query_map(values, read)?
        .collect()
}

/// Writes back what can change after the start.
fn update(db: &Connection, record: &Record) -> Result<()> {
    db.prepare_cached(
        "UPDATE keyturn_sessions SET generation = ?2, refresh_key = ?3, rotated_at = ?4, authenticated_at = ?5,
             last_activity = ?6, claims = ?7, ended_at = ?8, ended_reason = ?9, start_context = ?10, last_context = ?11,
             rights_at = ?12, roles_at = ?13, permissions_at = ?14
         WHERE sid = ?1",
    )?
    .execute(params![
        record.sid.as_bytes(),
        record.generation,
        record.refresh_key,
        to_ms(record.rotated_at),
        to_ms(record.authenticated_at),
        to_ms(record.last_activity),
        record.claims,
        record.ended.map(|ended| to_ms(ended.at)),
        record.ended.map(|ended| ended.reason.as_str()),
        record.start_context,
        record.last_context,
        to_ms(record.rights_at),
        to_ms(record.set_at.roles),
        to_ms(record.set_at.permissions),
    ])?;
    Ok(())
}

fn read(row: &Row<'_>) -> Result<Record> {
    let time = |column: usize| row.get(column).map(from_ms);
    let ended_at: Option<i64> = row.get(12)?;
    let reason: Option<String> = row.get(13)?;
    let ended = match (ended_at, reason) {
        (Some(at), Some(reason)) => Some(Ended {
            at: from_ms(at),
            reason: EndReason::from_text(&reason)
                .ok_or_else(|| rusqlite::Error::InvalidColumnType(13, "ended_reason".into(), Type::Text))?,
        }),
        _ => None,
    };
    Ok(Record {
        sid: SessionId::from_bytes(row.get(0)?),
        subject: row.get(1)?,
        generation: row.get(2)?,
        refresh_key: row.get(3)?,
        family: row.get(4)?,
        rotated_at: time(5)?,
        authenticated_at: time(6)?,
        last_activity: time(7)?,
        idle: time(8)?.since(UnixMs::default()),
        absolute_end: time(9)?,
        start_context: row.get(14)?,
        last_context: row.get(15)?,
        rights_at: time(16)?,
        set_at: RightsTimes {
            roles: time(17)?,
            permissions: time(18)?,
        },
        device: row.get(10)?,
        claims: row.get(11)?,
        ended,
    })
}

/// A time as SQLite keeps it. Times stay below 2^53, so nothing is lost.
pub(super) fn to_ms(time: UnixMs) -> i64 {
    i64::try_from(time.as_millis()).unwrap_or(i64::MAX)
}

/// A time as SQLite kept it; a negative one, which we never write, is the epoch.
pub(super) fn from_ms(milliseconds: i64) -> UnixMs {
    UnixMs::new(u64::try_from(milliseconds).unwrap_or(0))
}
