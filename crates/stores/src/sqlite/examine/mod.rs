//! What a file looks like from outside: facts for an operator. Nothing here judges or words them, nothing writes, and no
//! process that uses the file has to wait.

mod contents;
mod way;

use std::{path::Path, thread, time::Duration};

use keyturn_core::{error::Code, keys::MasterKeys, store::StoreError, time::UnixMs};
use rusqlite::{Connection, Error, ErrorCode, Result};

use super::{connection, schema};
pub use contents::{Contents, KeyFacts, RevocationCounts, SessionCounts};
use way::Way;

/// How long a lock of another process is waited for. Readers of a write-ahead log wait for nobody but its recovery.
const PATIENCE: Duration = Duration::from_secs(5);

/// How often it is begun anew when another process began or stopped to use the file meanwhile, and how long after. While
/// the last process closes the file there is for a moment a log without an index.
const TRIES: usize = 10;
const PAUSE: Duration = Duration::from_millis(20);

/// How many findings of damage are listed; a file that is broken has thousands.
const MOST_DAMAGE: usize = 20;

/// What a file is, as far as SQLite could read it.
#[derive(Clone, Debug, PartialEq)]
pub struct Examination {
    /// Bytes of a page.
    pub page_bytes: u32,
    /// How many pages there are.
    pub pages: u32,
    /// Of those, how many hold nothing at the moment.
    pub free_pages: u32,
    /// Whether the file is in the mode that keyturn puts it into.
    pub write_ahead: bool,
    /// The version of keyturn's tables; `None` where there are none.
    pub version: Option<i64>,
    /// The version that this keyturn writes, and the newest that it reads.
    pub known_version: i64,
    /// Tables (`keyturn_sessions`), columns (`keyturn_sessions.sid`) and indexes that a file of the known version has and this one
    /// lacks. Empty for a file of another version.
    pub missing: Vec<String>,
    /// What SQLite's check of the whole file found, in its words, at most 20 lines, and whether the file was cut short within a
    /// page, which that check cannot always see. Empty: nothing.
    pub damage: Vec<String>,
    /// What the tables hold; `None` if their version is not the known one.
    pub contents: Option<std::result::Result<Contents, StoreError>>,
}

/// Why a file could not be examined.
#[derive(Clone, Debug, PartialEq)]
pub enum Unexamined {
    /// Its log holds something and the index that reading it takes is missing. Only who may write could make one.
    LogAlone,
    /// [`Code::StoreCorrupt`] if it is no database or too damaged to begin with, [`Code::StoreUnavailable`] if it could not be opened
    /// or is locked.
    Refused(StoreError),
}

/// Examines the file of a store at `path` as of `now`. `masters` open the keys in it, if they are sealed.
///
/// The file is opened for reading only and nothing beside it is made or changed, whether or not other processes use it: they
/// can write meanwhile, but their log can begin anew only afterwards. Reads the whole file and blocks the thread.
///
/// Never for a file that this process uses or is about to use: SQLite has one mapping of a log's index for all of a process, and
/// here it is for reading only.
pub fn examine(path: &Path, now: UnixMs, masters: Option<&MasterKeys>) -> std::result::Result<Examination, Unexamined> {
    let real = path.canonicalize().map_err(|error| unavailable(path, &error))?;
    if !real.is_file() {
        return Err(unavailable(path, &"it is not a file"));
    }
    let mut last = unavailable(path, &"other processes began and stopped to use it all the while");
    for turn in 0..TRIES {
        if turn > 0 {
            thread::sleep(PAUSE);
        }
        let way = Way::to(&real).map_err(|error| unavailable(path, &error))?;
        if way == Way::LogAlone {
            last = Unexamined::LogAlone;
            continue;
        }
        let outcome = look(&real, &way, now, masters);
        // What was read of a file that was taken for unchanging counts only if it did not change.
        let counts = Way::to(&real).is_ok_and(|after| after.is_as_before(&way));
        match outcome {
            Err(error) if is_passing(&error) => last = refused(path, &error),
            outcome if counts => return outcome.map_err(|error| refused(path, &error)),
            _ => {}
        }
    }
    Err(last)
}

fn look(path: &Path, way: &Way, now: UnixMs, masters: Option<&MasterKeys>) -> Result<Examination> {
    let db = way.open(path)?;
    db.busy_timeout(PATIENCE)?;
    for (name, value) in [
        ("trusted_schema", "OFF"),
        ("query_only", "ON"),
        ("cell_size_check", "ON"),
        ("mmap_size", "0"),
    ] {
        db.pragma_update(None, name, value)?;
    }
    let number = |name| db.pragma_query_value(None, name, |row| row.get::<_, u32>(0));
    let version = schema::version(&db)?;
    let is_known = version == Some(schema::CURRENT);
    let page_bytes = number("page_size")?;
    Ok(Examination {
        page_bytes,
        pages: number("page_count")?,
        free_pages: number("freelist_count")?,
        write_ahead: way.is_write_ahead(path, &db)?,
        version,
        known_version: schema::CURRENT,
        missing: if is_known { schema::missing(&db)? } else { Vec::new() },
        damage: damage(&db).into_iter().chain(cut_short(path, page_bytes)).collect(),
        contents: is_known
            .then(|| contents::read(&db, now, masters).map_err(|error| connection::failure(path, &error))),
    })
}

/// What `PRAGMA integrity_check` says. It names tables, indexes and pages, and no value in them.
fn damage(db: &Connection) -> Vec<String> {
    let mut lines = Vec::new();
    let listed = db
        .prepare(&format!("PRAGMA integrity_check({MOST_DAMAGE})"))
        .and_then(|mut check| {
            let mut rows = check.query([])?;
            while let Some(row) = rows.next()? {
                let text: String = row.get(0)?;
                lines.extend(text.lines().map(str::to_owned));
            }
            Ok(())
        });
    if let Err(error) = listed {
        lines.push(error.to_string());
    }
    lines.retain(|line| line != "ok");
    lines.truncate(MOST_DAMAGE);
    lines
}

/// SQLite reads zeros where a page ends early, which is no contradiction in a column that no index holds.
fn cut_short(path: &Path, page_bytes: u32) -> Option<String> {
    let bytes = path.metadata().ok()?.len();
    let rest = bytes.checked_rem(page_bytes.into())?;
    (rest > 0).then(|| "the file ends within a page".to_owned())
}

/// What SQLite says when the files it needs come and go; of a file that this user may not read as well.
fn is_passing(error: &Error) -> bool {
    use ErrorCode::{CannotOpen, FileLockingProtocolFailed, ReadOnly};
    matches!(
        error.sqlite_error_code(),
        Some(CannotOpen | FileLockingProtocolFailed | ReadOnly)
    )
}

/// That it cannot open a file SQLite says with the URL that it was given, which names no file to anybody.
fn refused(path: &Path, error: &Error) -> Unexamined {
    match error.sqlite_error_code() {
        Some(ErrorCode::CannotOpen) => unavailable(path, &"SQLite cannot open it for reading"),
        _ => Unexamined::Refused(connection::failure(path, error)),
    }
}

fn unavailable(path: &Path, why: &dyn std::fmt::Display) -> Unexamined {
    let detail = format!("{}: {why}", path.display());
    Unexamined::Refused(StoreError::new(Code::StoreUnavailable, detail))
}

/// That a row cannot be understood, and not that it cannot be reached.
fn is_unreadable(error: &Error) -> bool {
    error.sqlite_error_code().is_none()
}
