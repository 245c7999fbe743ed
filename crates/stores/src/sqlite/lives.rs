//! The longest lives ever used with a file, beside its version.

use keyturn_core::{store::Lives, time::Span};
use rusqlite::{Connection, Result};

/// Keeps the longer of what is stored and what is given, and answers it.
pub(super) fn longest(db: &Connection, own: Lives) -> Result<Lives> {
    Ok(Lives {
        absolute: longer(db, "longest_absolute", own.absolute)?,
        after_expiry: longer(db, "longest_after_expiry", own.after_expiry)?,
    })
}

fn longer(db: &Connection, name: &str, own: Span) -> Result<Span> {
    let own = i64::try_from(own.as_millis()).unwrap_or(i64::MAX);
    let longer: i64 = db
        .prepare_cached(
            "INSERT INTO keyturn_meta (name, value) VALUES (?1, ?2)
             ON CONFLICT (name) DO UPDATE SET value = max(value, excluded.value) RETURNING value",
        )?
        .query_row((name, own), |row| row.get(0))?;
    Ok(Span::from_millis(u64::try_from(longer).unwrap_or(0)))
}
