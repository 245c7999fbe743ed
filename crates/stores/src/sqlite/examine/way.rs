//! How to read a file that others may be using without leaving a trace.
//!
//! A reader of a write-ahead log needs its index (`-shm`), and by default SQLite makes whatever of the two is missing. What it
//! makes would belong to whoever examines, and could lock the store's own user out.

use std::{
    fs::{self, File, Metadata},
    io::{self, ErrorKind, Read as _},
    path::{Path, PathBuf},
    time::SystemTime,
};

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_encode};
use rusqlite::{Connection, OpenFlags, Result};

/// What stands in a path as it is.
const ESCAPED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'/')
    .remove(b'.')
    .remove(b'-')
    .remove(b'_')
    .remove(b':');

/// Where the first page says how the file is written and read, and what stands there for a write-ahead log
/// (<https://www.sqlite.org/fileformat.html>, section 1.3).
const FORMAT_VERSIONS: usize = 18;
const WRITE_AHEAD: u8 = 2;

/// Who seems to be using the file.
#[derive(Debug, Eq, PartialEq)]
pub(super) enum Way {
    /// Perhaps somebody: there is a log and its index. The index is mapped for reading only; if no process is left that keeps
    /// it, SQLite builds one of its own in memory.
    Shared,
    /// Perhaps somebody, by a rollback journal, which readers respect by locks alone.
    Journal,
    /// Nobody: what was written is in the file. So it is read as one that does not change, as of when it last did.
    Alone { length: u64, modified: Option<SystemTime> },
    /// A log that holds something, without an index. Only who may write can read it.
    LogAlone,
}

impl Way {
    pub(super) fn to(path: &Path) -> io::Result<Self> {
        let log = beside(path, "-wal")?;
        match (log, beside(path, "-shm")?) {
            (Some(_), Some(_)) => return Ok(Self::Shared),
            (Some(log), None) if log.len() > 0 => return Ok(Self::LogAlone),
            _ => {}
        }
        if beside(path, "-journal")?.is_some() {
            return Ok(Self::Journal);
        }
        let file = fs::metadata(path)?;
        Ok(Self::Alone {
            length: file.len(),
            modified: file.modified().ok(),
        })
    }

    /// Whether what was read by the way `before` was read rightly. Who reads beside others is told by SQLite.
    pub(super) fn is_as_before(&self, before: &Self) -> bool {
        !matches!(before, Self::Alone { .. }) || self == before
    }

    pub(super) fn open(&self, path: &Path) -> Result<Connection> {
        let how = match self {
            Self::Shared => "&readonly_shm=1",
            Self::Alone { .. } => "&immutable=1",
            Self::Journal | Self::LogAlone => "",
        };
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_URI | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        Connection::open_with_flags(format!("file://{}?mode=ro{how}", url_path(path)), flags)
    }

    /// Whether the file has a write-ahead log, whatever is in it.
    pub(super) fn is_write_ahead(&self, path: &Path, db: &Connection) -> Result<bool> {
        match self {
            // SQLite does not say of a file that it takes for unchanging. That no process of ours has it open is what lets it be
            // read here: closing it would drop the process's locks.
            Self::Alone { .. } => Ok(versions(path).is_ok_and(|versions| versions == [WRITE_AHEAD; 2])),
            _ => db.pragma_query_value(None, "journal_mode", |row| Ok(row.get_ref(0)?.as_str()? == "wal")),
        }
    }
}

fn versions(path: &Path) -> io::Result<[u8; 2]> {
    let mut head = [0; FORMAT_VERSIONS + 2];
    File::open(path)?.read_exact(&mut head)?;
    let [.., write, read] = head;
    Ok([write, read])
}

/// A file of the same name with something behind it, if there is one.
fn beside(path: &Path, suffix: &str) -> io::Result<Option<Metadata>> {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    match fs::metadata(PathBuf::from(name)) {
        Ok(found) => Ok(Some(found)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// The path part of a `file:` URL for a whole path.
#[cfg(unix)]
fn url_path(path: &Path) -> String {
    use std::os::unix::ffi::OsStrExt as _;
    percent_encode(path.as_os_str().as_bytes(), ESCAPED).to_string()
}

/// The same where paths have letters for drives, and may begin with `\\?\`.
#[cfg(not(unix))]
fn url_path(path: &Path) -> String {
    let text = path.to_string_lossy();
    let plain = text.strip_prefix(r"\\?\").unwrap_or(&text).replace('\\', "/");
    format!("/{}", percent_encode(plain.as_bytes(), ESCAPED))
}
