//! The table of revocations.

use keyturn_core::{
    revocation::{Revocation, Target},
    session::SessionId,
    time::UnixMs,
};
use rusqlite::{Connection, Result, Row, params, types::Type};

use super::sessions::{from_ms, to_ms};

/// Stores one.
pub(super) fn insert(db: &Connection, revocation: &Revocation) -> Result<()> {
    let (kind, id, before) = match &revocation.target {
        Target::Everything { before } => ("everything", String::new(), Some(*before)),
        Target::Key { kid } => ("key", kid.clone(), None),
        Target::Permissions { subject, before } => ("permissions", subject.clone(), Some(*before)),
        Target::Session { sid } => ("session", sid.to_string(), None),
        Target::Subject { subject, before } => ("subject", subject.clone(), Some(*before)),
        Target::Token { jti } => ("token", jti.clone(), None),
    };
    db.prepare_cached("INSERT INTO keyturn_revocations (kind, id, before, expires_at) VALUES (?1, ?2, ?3, ?4)")?
        .execute(params![kind, id, before.map(to_ms), to_ms(revocation.expires_at)])?;
    Ok(())
}

/// Those that have not expired.
pub(super) fn unexpired(db: &Connection, now: UnixMs) -> Result<Vec<Revocation>> {
    db.prepare_cached("SELECT version, kind, id, before, expires_at FROM keyturn_revocations WHERE expires_at > ?1")?
        .query_map([to_ms(now)], read)?
        .collect()
}

/// What has been stored after a version.
pub(super) struct News {
    pub(super) revocations: Vec<Revocation>,
    /// The last version there is.
    pub(super) last: i64,
    /// How many rows could not be read. They keep nobody from reading the others.
    pub(super) unreadable: usize,
}

/// Reads what has been stored after a version.
pub(super) fn after(db: &Connection, version: i64) -> Result<News> {
    let mut statement = db.prepare_cached(
        "SELECT version, kind, id, before, expires_at FROM keyturn_revocations WHERE version > ?1 ORDER BY version",
    )?;
    let mut news = News {
        revocations: Vec::new(),
        last: version,
        unreadable: 0,
    };
    let mut rows = statement.query([version])?;
    while let Some(row) = rows.next()? {
        news.last = row.get(0)?;
        match read(row) {
            Ok(revocation) => news.revocations.push(revocation),
            Err(_) => news.unreadable += 1,
        }
    }
    Ok(news)
}

/// Shows every row there is, those too that cannot be read.
pub(super) fn each(db: &Connection, mut show: impl FnMut(Result<Revocation>) -> Result<()>) -> Result<()> {
    let mut statement = db.prepare("SELECT version, kind, id, before, expires_at FROM keyturn_revocations")?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        show(read(row))?;
    }
    Ok(())
}

/// The version of the newest one; 0 when there is none.
pub(super) fn last(db: &Connection) -> Result<i64> {
    db.query_row("SELECT coalesce(max(version), 0) FROM keyturn_revocations", [], |row| {
        row.get(0)
    })
}

/// Deletes up to `most` that have expired, and says how many it found.
pub(super) fn purge(db: &Connection, now: UnixMs, most: usize) -> Result<usize> {
    db.prepare_cached(
        "DELETE FROM keyturn_revocations WHERE version IN
             (SELECT version FROM keyturn_revocations WHERE expires_at <= ?1 LIMIT ?2)",
    )?
    .execute(params![to_ms(now), i64::try_from(most).unwrap_or(i64::MAX)])
}

/// Borrows the texts: at the start there may be a million rows.
fn read(row: &Row<'_>) -> Result<Revocation> {
    let id = row.get_ref(2)?.as_str()?;
    let before = |row: &Row<'_>| row.get(3).map(from_ms);
    let damaged = || rusqlite::Error::InvalidColumnType(1, "kind".into(), Type::Text);
    let target = match row.get_ref(1)?.as_str()? {
        "everything" => Target::Everything { before: before(row)? },
        "key" => Target::Key { kid: id.to_owned() },
        "permissions" => Target::Permissions {
            subject: id.to_owned(),
            before: before(row)?,
        },
        "session" => Target::Session {
            sid: SessionId::parse(id).map_err(|_| damaged())?,
        },
        "subject" => Target::Subject {
            subject: id.to_owned(),
            before: before(row)?,
        },
        "token" => Target::Token { jti: id.to_owned() },
        _ => return Err(damaged()),
    };
    let expires_at = from_ms(row.get(4)?);
    Ok(Revocation { target, expires_at })
}
