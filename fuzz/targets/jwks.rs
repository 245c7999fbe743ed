//! JWK Sets of others: whatever a server answers, what is taken is public, usable and named once, and nothing is lost from
//! the count.
#![no_main]

use std::sync::LazyLock;

use keyturn_core::{
    crypto::Algorithm,
    error::Code,
    keys::{Key, KeySet},
    random::SystemRandom,
};
use keyturn_fuzz::json::{self, Verdict};
use libfuzzer_sys::fuzz_target;
use serde_json::Value;

const MOST: usize = 8;

/// A set that shares no key with any other.
static BEFORE: LazyLock<KeySet> = LazyLock::new(|| {
    let key = Key::generate(Algorithm::EdDsa, None, &SystemRandom::new()).expect("a key");
    KeySet::new([key]).expect("a set")
});

fuzz_target!(|data: &[u8]| {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    let loaded = match KeySet::from_jwks(text, &[], MOST, &BEFORE) {
        Ok(loaded) => loaded,
        Err(error) => {
            assert_eq!(error.code(), Code::KeySetUnavailable, "{error:?}");
            return;
        }
    };
    let keys = loaded.set.keys();
    assert!((1..=MOST).contains(&keys.len()));
    for (index, key) in keys.iter().enumerate() {
        assert!(!key.can_sign() && !key.algorithm().is_symmetric(), "{key:?}");
        let same_name = |other: &Key| key.kid().is_some() && other.kid() == key.kid();
        assert!(!keys.iter().take(index).any(same_name), "{key:?}");
    }
    match json::object(text) {
        Verdict::Object(set) => {
            let listed = set.get("keys").and_then(Value::as_array).expect("a list of keys");
            assert_eq!(listed.len(), keys.len() + loaded.skipped);
        }
        Verdict::Refused => panic!("a set was read from {text}"),
        Verdict::Undecided => {}
    }
    let again = KeySet::from_jwks(text, &[], MOST, &loaded.set).expect("the same text");
    assert_eq!(again.set.keys().len(), keys.len());
});
