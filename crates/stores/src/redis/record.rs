//! A session as the fields of a hash. Numbers are decimal text.

use std::collections::HashMap;

use keyturn_core::{
    session::{EndReason, Ended, Record, RightsTimes, SessionId},
    store::StoreError,
    time::{Span, UnixMs},
};
use redis::Value;

use super::step::damaged;

/// Fields by name, as HGETALL gives them.
pub(super) type Fields = HashMap<String, Vec<u8>>;

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
pub(super) fn record(sid: SessionId, fields: &Fields) -> Result<Record, StoreError> {
    read(sid, fields).ok_or_else(|| damaged("a session"))
}

fn read(sid: SessionId, fields: &Fields) -> Option<Record> {
    let text = |name: &str| fields.get(name).and_then(|value| String::from_utf8(value.clone()).ok());
    let number = |name: &str| text(name)?.parse::<u64>().ok();
    let time = |name: &str| number(name).map(UnixMs::new);
    // An empty one is none.
    let context = |name: &str| match fields.get(name).map(Vec::as_slice) {
        None | Some([]) => Some(None),
        Some(digest) => digest.try_into().ok().map(Some),
    };
    let ended = match (time("ended_at"), text("ended_reason")) {
        (Some(at), Some(reason)) => Some(Ended {
            at,
            reason: EndReason::from_text(&reason)?,
        }),
        (None, None) => None,
        _ => return None,
    };
    Some(Record {
        sid,
        subject: text("subject")?,
        generation: number("generation")?.try_into().ok()?,
        refresh_key: number("refresh_key")?.try_into().ok()?,
        family: fields.get("family")?.as_slice().try_into().ok()?,
        rotated_at: time("rotated_at")?,
        authenticated_at: time("authenticated_at")?,
        last_activity: time("last_activity")?,
        idle: Span::from_millis(number("idle")?),
        absolute_end: time("absolute_end")?,
        start_context: context("start_context")?,
        last_context: context("last_context")?,
        device: text("device"),
        rights_at: time("rights_at")?,
        // Sessions from before there was such a time have none.
        set_at: RightsTimes {
            roles: time("roles_at").unwrap_or_default(),
            permissions: time("permissions_at").unwrap_or_default(),
        },
        claims: text("claims")?,
        ended,
    })
}

/// A text in the answer of a script.
pub(super) fn text(value: Option<Value>) -> Result<String, StoreError> {
    redis::from_redis_value(value.unwrap_or_default()).map_err(|_| damaged("an answer"))
}

/// Fields in the answer of a script.
pub(super) fn read_fields(value: Option<Value>) -> Result<Fields, StoreError> {
    redis::from_redis_value(value.unwrap_or_default()).map_err(|_| damaged("a session"))
}
