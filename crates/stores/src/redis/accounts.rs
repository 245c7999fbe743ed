//! Accounts: one JSON text each, without an end.

use keyturn_core::{account::Account, store::StoreError};
use serde_json::{Value, json};

use super::step::{Step, damaged};

/// Stores an account; `unless_present`: only if the name is free. Answers whether it was stored.
pub(super) async fn save(step: &Step, account: &Account, unless_present: bool) -> Result<bool, StoreError> {
    let key = step.names.account(&account.name);
    let text = json!({
        "subject": account.subject,
        "password_hash": account.password_hash,
        "roles": account.roles,
        "permissions": account.permissions,
    });
    let mut command = redis::cmd("SET");
    command.arg(&key).arg(text.to_string());
    if unless_present {
        command.arg("NX");
    }
    step.write(&key, &command).await
}

/// The account of that name.
pub(super) async fn load(step: &Step, name: &str) -> Result<Option<Account>, StoreError> {
    let key = step.names.account(name);
    let mut command = redis::cmd("GET");
    command.arg(&key);
    let Some(text) = step.read::<Option<String>>(&key, &command).await? else {
        return Ok(None);
    };
    read(name, &text).ok_or_else(|| damaged("an account")).map(Some)
}

fn read(name: &str, text: &str) -> Option<Account> {
    let account: Value = serde_json::from_str(text).ok()?;
    let field = |name: &str| account.get(name)?.as_str().map(str::to_owned);
    let list = |name: &str| {
        let items = account.get(name)?.as_array()?.iter();
        items
            .map(|item| item.as_str().map(str::to_owned))
            .collect::<Option<Vec<_>>>()
    };
    Some(Account {
        name: name.to_owned(),
        subject: field("subject")?,
        password_hash: field("password_hash")?,
        roles: list("roles")?,
        permissions: list("permissions")?,
    })
}
