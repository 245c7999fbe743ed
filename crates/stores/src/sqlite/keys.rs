//! The table of key documents.

use keyturn_core::store::{Purpose, StoredKeys};
use rusqlite::{Connection, OptionalExtension, Result, Row, params, types::Type};
use zeroize::Zeroizing;

/// Every document.
pub(super) fn load(db: &Connection) -> Result<Vec<StoredKeys>> {
    db.prepare_cached("SELECT purpose, version, document FROM keyturn_key_documents")?
        .query_map([], read)?
        .collect()
}

/// Stores a document unless one of another version than `replaces` is there, and answers the one that is there then. Runs in
/// a write transaction, so of several processes the first one's document wins and the others learn of it.
pub(super) fn save(db: &Connection, keys: &StoredKeys, replaces: u64) -> Result<StoredKeys> {
    let stored = db
        .prepare_cached("SELECT purpose, version, document FROM keyturn_key_documents WHERE purpose = ?1")?
        .query_row([keys.purpose.as_str()], read)
        .optional()?;
    if let Some(stored) = stored.filter(|stored| stored.version != replaces) {
        return Ok(stored);
    }
    // A document that is replaced may have been open: its bytes must not stay behind in the pages that it leaves.
    db.pragma_update(None, "secure_delete", "ON")?;
    let written = db
        .prepare_cached(
            "INSERT OR REPLACE INTO keyturn_key_documents (purpose, version, document) VALUES (?1, ?2, ?3)",
        )?
        .execute(params![
            keys.purpose.as_str(),
            i64::try_from(keys.version).unwrap_or(i64::MAX),
            keys.document.as_slice(),
        ]);
    db.pragma_update(None, "secure_delete", "OFF")?;
    written?;
    Ok(keys.clone())
}

/// Changes whenever a document does.
pub(super) fn state(db: &Connection) -> Result<i64> {
    db.prepare_cached("SELECT coalesce(sum(version), 0) FROM keyturn_key_documents")?
        .query_row([], |row| row.get(0))
}

fn read(row: &Row<'_>) -> Result<StoredKeys> {
    let damaged = |column, name: &str| rusqlite::Error::InvalidColumnType(column, name.to_owned(), Type::Text);
    let purpose: String = row.get(0)?;
    let version: i64 = row.get(1)?;
    Ok(StoredKeys {
        purpose: Purpose::from_text(&purpose).ok_or_else(|| damaged(0, "purpose"))?,
        version: u64::try_from(version).map_err(|_| damaged(1, "version"))?,
        document: Zeroizing::new(row.get(2)?),
    })
}
