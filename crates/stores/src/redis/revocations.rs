//! Revocations: a set of all by expiry, and a stream of the latest with versions, by which the other processes learn.

use std::{
    collections::HashSet,
    hash::{BuildHasher, RandomState},
};

use keyturn_core::{
    revocation::{Revocation, Target},
    session::SessionId,
    store::StoreError,
    time::UnixMs,
};

use super::{
    script::{Call, FORGET, REVOKE},
    step::{Step, damaged},
};

/// How many of the latest stay in the stream. Whoever was away for longer reads all of them again.
const NEWS: u64 = 100_000;

/// How many one script stores or deletes.
const PORTION: usize = 500;

/// How long the keys live after the last revocation at least: the longest absolute limit.
const LIFE_MS: u64 = 400 * 24 * 3_600_000;

/// Stores revocations. The same one a second time changes nothing and is no news.
pub(super) async fn store(step: &Step, revocations: &[Revocation]) -> Result<(), StoreError> {
    for portion in revocations.chunks(PORTION) {
        let mut call = Call::new(&REVOKE, [step.names.head(), step.names.live(), step.names.news()])
            .arg(epoch())
            .number(LIFE_MS)
            .number(NEWS);
        for revocation in portion {
            call = call.number(revocation.expires_at.as_millis()).arg(text(revocation));
        }
        step.run_one::<i64>(&call).await?;
        step.ledger.note(portion);
    }
    Ok(())
}

/// Every revocation there is, the expired ones included.
pub(super) async fn all(step: &Step) -> Result<Vec<Revocation>, StoreError> {
    let key = step.names.live();
    let mut cursor = 0_u64;
    let mut texts = HashSet::new();
    loop {
        let mut command = redis::cmd("ZSCAN");
        command.arg(&key).arg(cursor).arg("COUNT").arg(5000);
        let (next, entries): (u64, Vec<redis::Value>) = step.read(&key, &command).await?;
        // A scan may give an entry twice.
        for entry in entries.chunks(2) {
            let [text, _expiry] = entry else {
                return Err(damaged("a revocation"));
            };
            texts.insert(redis::from_redis_value_ref::<String>(text).map_err(|_| damaged("a revocation"))?);
        }
        cursor = next;
        if cursor == 0 {
            break;
        }
    }
    texts.iter().map(|text| read(text)).collect()
}

/// Deletes those that have expired.
pub(super) async fn purge(step: &Step, now: UnixMs) -> Result<(), StoreError> {
    loop {
        let call = Call::new(&FORGET, [step.names.live()])
            .number(now.as_millis())
            .number(u64::try_from(PORTION).unwrap_or(1));
        let deleted: usize = step.run_one(&call).await?;
        if deleted < PORTION {
            return Ok(());
        }
    }
}

/// One revocation as text: kind, expiry, cut-off or nothing, and name, which may hold anything.
pub(super) fn text(revocation: &Revocation) -> String {
    let (kind, before, name) = match &revocation.target {
        Target::Everything { before } => ("everything", Some(before), String::new()),
        Target::Key { kid } => ("key", None, kid.clone()),
        Target::Permissions { subject, before } => ("permissions", Some(before), subject.clone()),
        Target::Session { sid } => ("session", None, sid.to_string()),
        Target::Subject { subject, before } => ("subject", Some(before), subject.clone()),
        Target::Token { jti } => ("token", None, jti.clone()),
    };
    let before = before.map_or_else(String::new, |before| before.as_millis().to_string());
    format!("{kind} {} {before} {name}", revocation.expires_at.as_millis())
}

/// The revocation of a text. What is not understood is an error: to go on would be to miss it without a word.
pub(super) fn read(text: &str) -> Result<Revocation, StoreError> {
    parse(text).ok_or_else(|| damaged("a revocation"))
}

fn parse(text: &str) -> Option<Revocation> {
    let mut parts = text.splitn(4, ' ');
    let (kind, expires_at, before, name) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?.to_owned());
    let before = || before.parse().ok().map(UnixMs::new);
    let target = match kind {
        "everything" => Target::Everything { before: before()? },
        "key" => Target::Key { kid: name },
        "permissions" => Target::Permissions {
            before: before()?,
            subject: name,
        },
        "session" => Target::Session {
            sid: SessionId::parse(&name).ok()?,
        },
        "subject" => Target::Subject {
            before: before()?,
            subject: name,
        },
        "token" => Target::Token { jti: name },
        _ => return None,
    };
    Some(Revocation {
        target,
        expires_at: UnixMs::new(expires_at.parse().ok()?),
    })
}

/// A name for a count of versions that begins; only its being another matters.
fn epoch() -> String {
    format!("{:016x}", RandomState::new().hash_one(0_u8))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_target_reads_back() {
        let at = UnixMs::new(1_700_000_000_000);
        let sid = SessionId::from_bytes([7; 16]);
        for target in [
            Target::Everything { before: at },
            Target::Key { kid: String::new() },
            Target::Permissions {
                subject: "a".into(),
                before: at,
            },
            Target::Session { sid },
            Target::Subject {
                subject: "a b {c}".into(),
                before: at,
            },
            Target::Token { jti: " x  y ".into() },
        ] {
            let revocation = Revocation {
                target,
                expires_at: UnixMs::MAX,
            };
            assert_eq!(read(&text(&revocation)).unwrap(), revocation);
        }
        for damaged in [
            "",
            "token",
            "token 1",
            "token 1 ",
            "token x  y",
            "subject 1  a",
            "other 1  a",
        ] {
            assert!(read(damaged).is_err(), "{damaged:?}");
        }
    }
}
