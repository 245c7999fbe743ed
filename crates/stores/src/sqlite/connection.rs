//! Opening the file, and SQLite's errors in our codes.

use std::{
    fs::{self, OpenOptions},
    io,
    path::Path,
    thread,
    time::Duration,
};

use keyturn_core::{error::Code, store::StoreError};
use rusqlite::{Connection, ErrorCode, OpenFlags};

use super::schema;

/// How often the lock is asked for while the file is opened, about five seconds, and by one try of a transaction, about a
/// tenth. SQLite's own handler sleeps up to 100 ms at a time; these ask every millisecond at first.
const TRIES_TO_OPEN: i32 = 1000;
const TRIES_TO_WRITE: i32 = 90;

/// Opens the file, making it and its folder if needed, and brings its tables up to date.
pub(super) fn open(path: &Path) -> Result<Connection, StoreError> {
    prepare_folder(path)?;
    prepare_file(path).map_err(|error| unavailable(path, &error))?;
    let describe = |error: rusqlite::Error| failure(path, &error);
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let mut db = Connection::open_with_flags(path, flags).map_err(describe)?;
    db.busy_handler(Some(wait_to_open)).map_err(describe)?;
    // Asked for before the journal mode is changed, so that a file that is no database is called that.
    db.query_row("SELECT count(*) FROM sqlite_master", [], |_| Ok(()))
        .map_err(describe)?;
    let mode = write_ahead(&db).map_err(describe)?;
    if mode != "wal" {
        let detail = format!(
            "{} cannot have a write-ahead log where it lies (journal mode {mode})",
            path.display()
        );
        return Err(StoreError::new(Code::StoreUnavailable, detail));
    }
    for (name, value) in [("synchronous", "FULL"), ("mmap_size", "0"), ("trusted_schema", "OFF")] {
        db.pragma_update(None, name, value).map_err(describe)?;
    }
    db.set_prepared_statement_cache_capacity(64);
    schema::migrate(&mut db, path)?;
    db.busy_handler(Some(wait_to_write)).map_err(describe)?;
    Ok(db)
}

/// Asks for a write-ahead log and answers the mode that the file then has.
fn write_ahead(db: &Connection) -> rusqlite::Result<String> {
    let mut tries = 0;
    loop {
        match db.pragma_update_and_check(None, "journal_mode", "wal", |row| row.get(0)) {
            // Of several processes that open a new file at once only one can change the mode, and SQLite does not ask the
            // busy handler here, since two that wait for each other would wait for ever.
            Err(error) if is_busy(&error) && wait_to_open(tries) => tries += 1,
            answer => return answer,
        }
    }
}

fn prepare_folder(path: &Path) -> Result<(), StoreError> {
    let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) else {
        return Ok(());
    };
    fs::create_dir_all(folder).map_err(|error| {
        let detail = format!(
            "the folder {} of {} cannot be made: {error}",
            folder.display(),
            path.display()
        );
        StoreError::new(Code::StoreUnavailable, detail)
    })
}

/// Makes an empty file that only its owner may read: SQLite gives its log files the same mode.
fn prepare_file(path: &Path) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    match options.open(path) {
        Ok(_) => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        Err(error) => Err(error),
    }
}

/// Whether another process holds the lock that was asked for.
pub(super) fn is_busy(error: &rusqlite::Error) -> bool {
    error.sqlite_error_code() == Some(ErrorCode::DatabaseBusy)
}

fn wait_to_open(tries: i32) -> bool {
    wait(tries, TRIES_TO_OPEN)
}

fn wait_to_write(tries: i32) -> bool {
    wait(tries, TRIES_TO_WRITE)
}

fn wait(tries: i32, most: i32) -> bool {
    if tries >= most {
        return false;
    }
    thread::sleep(Duration::from_millis(if tries < 100 { 1 } else { 5 }));
    true
}

fn unavailable(path: &Path, error: &io::Error) -> StoreError {
    StoreError::new(Code::StoreUnavailable, format!("{}: {error}", path.display()))
}

/// An SQLite error as ours. Result codes are stable; messages are SQLite's own and name no data.
pub(super) fn failure(path: &Path, error: &rusqlite::Error) -> StoreError {
    let code = match error.sqlite_error_code() {
        Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => Code::StoreCorrupt,
        None if matches!(
            error,
            rusqlite::Error::FromSqlConversionFailure(..) | rusqlite::Error::InvalidColumnType(..)
        ) =>
        {
            Code::StoreCorrupt
        }
        _ => Code::StoreUnavailable,
    };
    StoreError::new(code, format!("{}: {error}", path.display()))
}
