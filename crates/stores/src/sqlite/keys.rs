//! The table of keys.

use keyturn_core::{
    crypto::Algorithm,
    store::{Purpose, StoredKey},
};
use rusqlite::{Connection, Result, Row, params, types::Type};
use zeroize::Zeroizing;

use super::sessions::{from_ms, to_ms};

/// Stores the candidates of every purpose that has no key yet, and loads all keys. Runs in a write transaction, so of
/// several processes the first one's candidates win and the others load them.
pub(super) fn load_or_store(db: &Connection, candidates: &[StoredKey]) -> Result<Vec<StoredKey>> {
    for candidate in candidates {
        db.prepare_cached(
            "INSERT INTO keyturn_keys (purpose, kid, algorithm, secret, created_at) SELECT ?1, ?2, ?3, ?4, ?5
             WHERE NOT EXISTS (SELECT 1 FROM keyturn_keys WHERE purpose = ?1)",
        )?
        .execute(params![
            candidate.purpose.as_str(),
            candidate.kid,
            candidate.algorithm.map(Algorithm::as_str),
            candidate.secret.as_slice(),
            to_ms(candidate.created_at),
        ])?;
    }
    db.prepare_cached("SELECT purpose, kid, algorithm, secret, created_at FROM keyturn_keys ORDER BY created_at, kid")?
        .query_map([], read)?
        .collect()
}

fn read(row: &Row<'_>) -> Result<StoredKey> {
    let damaged = |column, name: &str| rusqlite::Error::InvalidColumnType(column, name.to_owned(), Type::Text);
    let purpose: String = row.get(0)?;
    let algorithm: Option<String> = row.get(2)?;
    Ok(StoredKey {
        purpose: Purpose::from_text(&purpose).ok_or_else(|| damaged(0, "purpose"))?,
        kid: row.get(1)?,
        algorithm: algorithm
            .map(|name| Algorithm::from_name(&name).ok_or_else(|| damaged(2, "algorithm")))
            .transpose()?,
        secret: Zeroizing::new(row.get(3)?),
        created_at: from_ms(row.get(4)?),
    })
}
