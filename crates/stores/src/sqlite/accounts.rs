//! The table of accounts.

use keyturn_core::account::Account;
use rusqlite::{Connection, OptionalExtension, Result, Row, params, types::Type};

/// Stores an account; `unless_present`: only if the name is free. Answers whether it was stored.
pub(super) fn save(db: &Connection, account: &Account, unless_present: bool) -> Result<bool> {
    let conflict = if unless_present { "IGNORE" } else { "REPLACE" };
    let stored = db
        .prepare_cached(&format!(
            "INSERT OR {conflict} INTO keyturn_accounts (name, subject, password_hash, roles, permissions)
             VALUES (?1, ?2, ?3, ?4, ?5)"
        ))?
        .execute(params![
            account.name,
            account.subject,
            account.password_hash,
            serde_json::Value::from(account.roles.clone()).to_string(),
            serde_json::Value::from(account.permissions.clone()).to_string(),
        ])?;
    Ok(stored > 0)
}

/// The account of that name.
pub(super) fn load(db: &Connection, name: &str) -> Result<Option<Account>> {
    db.prepare_cached("SELECT name, subject, password_hash, roles, permissions FROM keyturn_accounts WHERE name = ?1")?
        .query_row([name], read)
        .optional()
}

fn read(row: &Row<'_>) -> Result<Account> {
    let list = |column: usize| {
        let text: String = row.get(column)?;
        serde_json::from_str(&text).map_err(|_| rusqlite::Error::InvalidColumnType(column, "roles".into(), Type::Text))
    };
    Ok(Account {
        name: row.get(0)?,
        subject: row.get(1)?,
        password_hash: row.get(2)?,
        roles: list(3)?,
        permissions: list(4)?,
    })
}
