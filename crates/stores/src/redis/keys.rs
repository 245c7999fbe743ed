//! The keys: one hash, without an end.

use std::collections::HashMap;

use keyturn_core::{
    crypto::Algorithm,
    encoding::base64url,
    store::{Purpose, StoreError, StoredKey},
    time::UnixMs,
};
use zeroize::Zeroizing;

use super::{
    script::{Call, KEYS},
    step::{Step, damaged},
};

/// Stores the candidates of every purpose that has no key yet, and loads all keys.
pub(super) async fn load_or_store(step: &Step, candidates: &[StoredKey]) -> Result<Vec<StoredKey>, StoreError> {
    let mut call = Call::new(&KEYS, [step.names.keys()]);
    for candidate in candidates {
        call = call
            .arg(candidate.purpose.as_str())
            .arg(&candidate.kid)
            .arg(text(candidate));
    }
    let stored: HashMap<String, String> = step.run(&call).await?;
    let mut keys = Vec::with_capacity(stored.len());
    for (name, text) in stored {
        let text = Zeroizing::new(text);
        keys.push(read(&name, &text).ok_or_else(|| damaged("a key"))?);
    }
    keys.sort_by(|one, other| (one.created_at, &one.kid).cmp(&(other.created_at, &other.kid)));
    Ok(keys)
}

/// Algorithm, time and secret, in one line.
fn text(key: &StoredKey) -> Zeroizing<String> {
    let algorithm = key.algorithm.map_or("-", Algorithm::as_str);
    let secret = Zeroizing::new(base64url::encode(&key.secret));
    Zeroizing::new(format!(
        "{algorithm} {} {}",
        key.created_at.as_millis(),
        secret.as_str()
    ))
}

fn read(name: &str, text: &str) -> Option<StoredKey> {
    let (purpose, kid) = name.split_once(' ')?;
    let mut parts = text.splitn(3, ' ');
    let algorithm = match parts.next()? {
        "-" => None,
        name => Some(Algorithm::from_name(name)?),
    };
    Some(StoredKey {
        purpose: Purpose::from_text(purpose)?,
        kid: kid.to_owned(),
        algorithm,
        created_at: UnixMs::new(parts.next()?.parse().ok()?),
        secret: Zeroizing::new(base64url::decode(parts.next()?.as_bytes()).ok()?),
    })
}
