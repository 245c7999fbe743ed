//! The JSON of claims and headers: accepted exactly when `serde_json` accepts it, but for the documented strictness, and read
//! the same, member by member.
#![no_main]

use keyturn_core::encoding::json::{Value, scan_object, write_string};
use keyturn_fuzz::json::{self, Verdict};
use libfuzzer_sys::fuzz_target;
use serde_json::Value as Json;

fuzz_target!(|data: &[u8]| {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    let mut members = Vec::new();
    let scanned = scan_object(text, |name, value| members.push((name, value)));
    let claims = match (scanned, json::object(text)) {
        (Ok(()), Verdict::Object(claims)) => claims,
        (Err(_), Verdict::Refused) | (_, Verdict::Undecided) => return,
        (scanned, verdict) => panic!("keyturn says {scanned:?}, the oracle {verdict:?}: {text}"),
    };
    assert_eq!(members.len(), claims.len(), "{text}");
    for (name, value) in members {
        let name = name.decode();
        let expected = claims.get(name.as_ref()).expect("a member that is there");
        assert_eq!(read(value), *expected, "{name}");
        let mut written = String::new();
        write_string(&name, &mut written);
        assert_eq!(
            serde_json::from_str::<String>(&written).ok().as_deref(),
            Some(name.as_ref())
        );
    }
});

/// The value by the oracle's reader; only what is text or a word is taken as keyturn read it.
fn read(value: Value<'_>) -> Json {
    match value {
        Value::Array(text) | Value::Number(text) | Value::Object(text) => {
            serde_json::from_str(text).expect("a text that was found good")
        }
        Value::Bool(value) => Json::Bool(value),
        Value::Null => Json::Null,
        Value::String(text) => Json::String(text.decode().into_owned()),
    }
}
