//! A session as the fields of a hash. Numbers are decimal text.

use std::str;

use keyturn_core::{
    session::{EndReason, Ended, Record, RightsTimes, SessionId},
    store::StoreError,
    time::{Span, UnixMs},
};
use redis::Value;

use super::step::damaged;

/// Fields and their values. There are so few that looking through them is the quickest way to find one.
pub(super) struct Fields<'a>(Vec<(&'a [u8], &'a [u8])>);

impl<'a> Fields<'a> {
    /// As HGETALL gives them.
    pub(super) fn listed(list: &'a [(Vec<u8>, Vec<u8>)]) -> Self {
        Self(
            list.iter()
                .map(|(name, value)| (name.as_slice(), value.as_slice()))
                .collect(),
        )
    }

    /// As scripts give them: names and values in turn, as one array of the `MessagePack` format, which the server makes and redis-rs reads in a
    /// fraction of the time that as many answers of their own take.
    pub(super) fn packed(answer: Option<&'a Value>) -> Result<Self, StoreError> {
        let Some(Value::BulkString(bytes)) = answer else {
            return Err(damaged("an answer"));
        };
        unpacked(bytes).map(Self).ok_or_else(|| damaged("a session"))
    }

    pub(super) fn get(&self, name: &str) -> Option<&'a [u8]> {
        let (_, value) = self.0.iter().find(|(known, _)| *known == name.as_bytes())?;
        Some(value)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

fn unpacked(bytes: &[u8]) -> Option<Vec<(&[u8], &[u8])>> {
    let mut rest = bytes;
    let words = rmp::decode::read_array_len(&mut rest).ok()?;
    let mut word = || {
        let length = rmp::decode::read_str_len(&mut rest).ok()?;
        let (word, after) = rest.split_at_checked(usize::try_from(length).ok()?)?;
        rest = after;
        Some(word)
    };
    (0..words / 2).map(|_| Some((word()?, word()?))).collect()
}

/// The fields of a session that has just begun.
pub(super) fn fields(record: &Record) -> Vec<(&'static str, Vec<u8>)> {
    let number = |number: u64| number.to_string().into_bytes();
    let time = |time: UnixMs| number(time.as_millis());
    let mut fields = vec![
        ("subject", record.subject.clone().into_bytes()),
        ("generation", number(record.generation.into())),
        ("refresh_key", number(record.refresh_key.into())),
        ("family", record.family.to_vec()),
        ("rotated_at", time(record.rotated_at)),
        ("authenticated_at", time(record.authenticated_at)),
        ("last_activity", time(record.last_activity)),
        ("idle", number(record.idle.as_millis())),
        ("absolute_end", time(record.absolute_end)),
        ("rights_at", time(record.rights_at)),
        ("roles_at", time(record.set_at.roles)),
        ("permissions_at", time(record.set_at.permissions)),
        ("claims", record.claims.clone().into_bytes()),
    ];
    if let Some(device) = &record.device {
        fields.push(("device", device.clone().into_bytes()));
    }
    for (name, digest) in [
        ("start_context", record.start_context),
        ("last_context", record.last_context),
    ] {
        fields.extend(digest.map(|digest| (name, digest.to_vec())));
    }
    if let Some(ended) = record.ended {
        fields.push(("ended_at", time(ended.at)));
        fields.push(("ended_reason", ended.reason.as_str().into()));
    }
    fields
}

/// The session of these fields.
pub(super) fn record(sid: SessionId, fields: &Fields<'_>) -> Result<Record, StoreError> {
    read(sid, fields).ok_or_else(|| damaged("a session"))
}

fn read(sid: SessionId, fields: &Fields<'_>) -> Option<Record> {
    let text = |name: &str| fields.get(name).and_then(|value| str::from_utf8(value).ok());
    let number = |name: &str| text(name)?.parse::<u64>().ok();
    let time = |name: &str| number(name).map(UnixMs::new);
    // An empty one is none.
    let context = |name: &str| match fields.get(name) {
        None | Some([]) => Some(None),
        Some(digest) => digest.try_into().ok().map(Some),
    };
    let ended = match (time("ended_at"), text("ended_reason")) {
        (Some(at), Some(reason)) => Some(Ended {
            at,
            reason: EndReason::from_text(reason)?,
        }),
        (None, None) => None,
        _ => return None,
    };
    Some(Record {
        sid,
        subject: text("subject")?.to_owned(),
        generation: number("generation")?.try_into().ok()?,
        refresh_key: number("refresh_key")?.try_into().ok()?,
        family: fields.get("family")?.try_into().ok()?,
        rotated_at: time("rotated_at")?,
        authenticated_at: time("authenticated_at")?,
        last_activity: time("last_activity")?,
        idle: Span::from_millis(number("idle")?),
        absolute_end: time("absolute_end")?,
        start_context: context("start_context")?,
        last_context: context("last_context")?,
        device: text("device").map(str::to_owned),
        rights_at: time("rights_at")?,
        // Sessions from before there was such a time have none.
        set_at: RightsTimes {
            roles: time("roles_at").unwrap_or_default(),
            permissions: time("permissions_at").unwrap_or_default(),
        },
        claims: text("claims")?.to_owned(),
        ended,
    })
}

/// A text in the answer of a script.
pub(super) fn text(value: Option<Value>) -> Result<String, StoreError> {
    redis::from_redis_value(value.unwrap_or_default()).map_err(|_| damaged("an answer"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_read_from_what_the_server_packs() {
        let long = "x".repeat(300);
        let mut bytes = vec![0x84, 0xa1, b'a', 0xa0, 0xa1, b'b', 0xda, 1, 44];
        bytes[0] = 0x94;
        bytes.extend(long.bytes());
        let value = Value::BulkString(bytes.clone());
        let fields = Fields::packed(Some(&value)).unwrap();
        assert_eq!(fields.get("a"), Some(&[][..]));
        assert_eq!(fields.get("b"), Some(long.as_bytes()));
        assert_eq!(fields.get("c"), None);
        for end in 0..bytes.len() {
            let cut = Value::BulkString(bytes[..end].to_vec());
            assert!(Fields::packed(Some(&cut)).is_err(), "{end}");
        }
        // More than there can be in it takes no memory.
        let huge = Value::BulkString(vec![0xdd, 0xff, 0xff, 0xff, 0xff]);
        assert!(Fields::packed(Some(&huge)).is_err());
        assert!(Fields::packed(Some(&Value::Nil)).is_err());
    }
}
