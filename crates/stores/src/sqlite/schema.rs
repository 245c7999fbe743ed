//! The tables, and how older files become current ones.
//!
//! Every table is named `keyturn_...`, so that the file may also be an application's own. The version stands in a table
//! and not in `user_version`, which belongs to the application.

use std::{collections::BTreeSet, path::Path};

use keyturn_core::{error::Code, store::StoreError};
use rusqlite::{Connection, OptionalExtension, Result, TransactionBehavior};

use super::connection::failure;

/// The version that this keyturn writes.
#[expect(
    clippy::as_conversions,
    clippy::cast_possible_wrap,
    reason = "a handful; no conversion that can fail is const"
)]
pub(super) const CURRENT: i64 = MIGRATIONS.len() as i64;

/// The table in which the version stands.
const META: &str = "CREATE TABLE IF NOT EXISTS keyturn_meta (name TEXT PRIMARY KEY, value INTEGER NOT NULL) STRICT";

/// Statements that lead from each version to the next; the position is the version they start from.
const MIGRATIONS: &[&str] = &[
    "
    CREATE TABLE keyturn_sessions (
        sid BLOB PRIMARY KEY,
        subject TEXT NOT NULL,
        generation INTEGER NOT NULL,
        refresh_key INTEGER NOT NULL,
        family BLOB NOT NULL,
        started_at INTEGER NOT NULL,
        rotated_at INTEGER NOT NULL,
        authenticated_at INTEGER NOT NULL,
        last_activity INTEGER NOT NULL,
        idle INTEGER NOT NULL,
        absolute_end INTEGER NOT NULL,
        device TEXT,
        claims TEXT NOT NULL,
        ended_at INTEGER,
        ended_reason TEXT
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX keyturn_sessions_by_subject ON keyturn_sessions (subject, started_at);
    CREATE INDEX keyturn_sessions_by_end ON keyturn_sessions (absolute_end);
    CREATE TABLE keyturn_revocations (
        version INTEGER PRIMARY KEY AUTOINCREMENT,
        kind TEXT NOT NULL,
        id TEXT NOT NULL,
        before INTEGER,
        expires_at INTEGER NOT NULL
    ) STRICT;
    CREATE INDEX keyturn_revocations_by_expiry ON keyturn_revocations (expires_at);
    CREATE TABLE keyturn_keys (
        purpose TEXT NOT NULL,
        kid TEXT NOT NULL,
        algorithm TEXT,
        secret BLOB NOT NULL,
        created_at INTEGER NOT NULL,
        PRIMARY KEY (purpose, kid)
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE keyturn_accounts (
        name TEXT PRIMARY KEY,
        subject TEXT NOT NULL,
        password_hash TEXT NOT NULL,
        roles TEXT NOT NULL,
        permissions TEXT NOT NULL
    ) STRICT, WITHOUT ROWID;
",
    "
    ALTER TABLE keyturn_sessions ADD COLUMN start_context BLOB;
    ALTER TABLE keyturn_sessions ADD COLUMN last_context BLOB;
",
    "
    ALTER TABLE keyturn_sessions ADD COLUMN rights_at INTEGER NOT NULL DEFAULT 0;
",
    // Keys become one document a purpose, which core reads (keys::KeyDocument): here the open form, as they were.
    "
    CREATE TABLE keyturn_key_documents (
        purpose TEXT PRIMARY KEY,
        version INTEGER NOT NULL,
        document BLOB NOT NULL
    ) STRICT, WITHOUT ROWID;
    INSERT INTO keyturn_key_documents (purpose, version, document)
        SELECT purpose, 1, CAST(json_object('format', 1, 'keys', json_group_array(json_object(
            'kid', kid, 'alg', algorithm, 'state', iif(purpose = 'signing', 'active', NULL), 'since', created_at,
            'secret', lower(hex(secret))))) AS BLOB)
        FROM keyturn_keys GROUP BY purpose;
    PRAGMA secure_delete = ON;
    DROP TABLE keyturn_keys;
    PRAGMA secure_delete = OFF;
",
    // When the roles and when the permissions were set.
    "
    ALTER TABLE keyturn_sessions ADD COLUMN roles_at INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE keyturn_sessions ADD COLUMN permissions_at INTEGER NOT NULL DEFAULT 0;
",
    // What has taken the place of a session that was renewed.
    "
    ALTER TABLE keyturn_sessions ADD COLUMN successor BLOB;
",
];

/// Whether what another process wrote can still be understood: `None` if so. A newer keyturn may have changed the file while
/// this one was running, or rows may be damaged; going on would mean to miss revocations without a word.
pub(super) fn doubt(db: &Connection, path: &Path, unreadable: usize) -> Option<StoreError> {
    match check_version(db, path) {
        Err(error) => Some(error),
        Ok(_) if unreadable > 0 => {
            let detail = format!("{} holds {unreadable} revocations that cannot be read", path.display());
            Some(StoreError::new(Code::StoreCorrupt, detail))
        }
        Ok(_) => None,
    }
}

/// Brings the file to the current version. Of several processes one does the work and the others wait for it. A file that a
/// newer keyturn wrote is refused and left as it is.
pub(super) fn migrate(db: &mut Connection, path: &Path) -> std::result::Result<(), StoreError> {
    let describe = |error: rusqlite::Error| failure(path, &error);
    let transaction = db
        .transaction_with_behavior(TransactionBehavior::Immediate)
        .map_err(describe)?;
    transaction.execute_batch(META).map_err(describe)?;
    let version = check_version(&transaction, path)?;
    let done = usize::try_from(version).unwrap_or(0);
    for statements in MIGRATIONS.iter().skip(done) {
        transaction.execute_batch(statements).map_err(describe)?;
    }
    if version < CURRENT {
        transaction
            .execute(
                "INSERT OR REPLACE INTO keyturn_meta (name, value) VALUES ('version', ?1)",
                [CURRENT],
            )
            .map_err(describe)?;
    }
    transaction.commit().map_err(describe)
}

/// The version of keyturn's tables in a file; `None` where there are none.
pub(super) fn version(db: &Connection) -> Result<Option<i64>> {
    let is_there: bool = db.query_row(
        "SELECT count(*) FROM sqlite_schema WHERE type = 'table' AND name = 'keyturn_meta'",
        [],
        |row| row.get(0),
    )?;
    is_there.then(|| stored_version(db)).transpose()
}

/// What a file of the current version has and this one has not: tables, `table.column`, indexes.
pub(super) fn missing(db: &Connection) -> Result<Vec<String>> {
    let whole = Connection::open_in_memory()?;
    whole.execute_batch(META)?;
    for statements in MIGRATIONS {
        whole.execute_batch(statements)?;
    }
    let there = parts(db)?;
    Ok(parts(&whole)?
        .into_iter()
        .filter(|part| !there.contains(part))
        .collect())
}

fn parts(db: &Connection) -> Result<BTreeSet<String>> {
    db.prepare(
        "SELECT name FROM sqlite_schema WHERE name GLOB 'keyturn_*'
         UNION SELECT owner.name || '.' || part.name FROM sqlite_schema owner, pragma_table_info(owner.name) part
             WHERE owner.name GLOB 'keyturn_*' AND owner.type = 'table'",
    )?
    .query_map([], |row| row.get(0))?
    .collect()
}

/// The file's version; 0 for a new file, an error for one that this keyturn does not know.
fn check_version(db: &Connection, path: &Path) -> std::result::Result<i64, StoreError> {
    let version = stored_version(db).map_err(|error| failure(path, &error))?;
    if version > CURRENT {
        let detail = format!(
            "{} has version {version}; this keyturn knows up to {CURRENT}",
            path.display()
        );
        return Err(StoreError::new(Code::StoreVersion, detail));
    }
    Ok(version)
}

fn stored_version(db: &Connection) -> Result<i64> {
    let version = db
        .query_row("SELECT value FROM keyturn_meta WHERE name = 'version'", [], |row| {
            row.get(0)
        })
        .optional()?;
    Ok(version.unwrap_or(0))
}
