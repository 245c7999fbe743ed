//! The keys: one hash without an end, with a version and a document for each purpose.

use std::collections::HashMap;

use keyturn_core::store::{Purpose, StoreError, StoredKeys};
use zeroize::Zeroizing;

use super::{
    script::{Call, SAVE_KEYS},
    step::{Step, damaged},
};

/// Every document.
pub(super) async fn load(step: &Step) -> Result<Vec<StoredKeys>, StoreError> {
    let key = step.names.keys();
    let mut command = redis::cmd("HGETALL");
    command.arg(&key);
    let mut stored: HashMap<String, Vec<u8>> = step.read(&key, &command).await?;
    let mut keys = Vec::new();
    for purpose in Purpose::ALL {
        let version = stored.remove(&format!("{} version", purpose.as_str()));
        let document = stored.remove(&format!("{} document", purpose.as_str()));
        match (version, document) {
            (None, None) => {}
            (Some(version), Some(document)) => keys.push(read(purpose, version, document)?),
            _ => return Err(damaged("a key")),
        }
    }
    Ok(keys)
}

/// Stores a document unless one of another version than `replaces` is there, and answers the one that is there then.
pub(super) async fn save(step: &Step, keys: &StoredKeys, replaces: u64) -> Result<StoredKeys, StoreError> {
    let call = Call::new(&SAVE_KEYS, [step.names.keys()])
        .arg(keys.purpose.as_str())
        .number(keys.version)
        .arg(keys.document.as_slice())
        .number(replaces);
    let (version, document): (Vec<u8>, Vec<u8>) = step.run(&call).await?;
    read(keys.purpose, version, document)
}

/// Stores what is known here and was lost there.
pub(super) async fn write_back(step: &Step, known: &[StoredKeys]) -> Result<(), StoreError> {
    let stored = load(step).await?;
    for keys in known {
        if !stored.iter().any(|there| there.purpose == keys.purpose) {
            save(step, keys, 0).await?;
        }
    }
    Ok(())
}

fn read(purpose: Purpose, version: Vec<u8>, document: Vec<u8>) -> Result<StoredKeys, StoreError> {
    let version = String::from_utf8(version).ok().and_then(|version| version.parse().ok());
    Ok(StoredKeys {
        purpose,
        version: version.ok_or_else(|| damaged("a key"))?,
        document: Zeroizing::new(document),
    })
}
