//! base64url against the `base64` crate: both accept the same texts, read the same bytes from them and write the same.
#![no_main]

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use keyturn_core::encoding::base64url;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let decoded = base64url::decode(data).ok();
    assert_eq!(decoded, URL_SAFE_NO_PAD.decode(data).ok(), "decoding {data:?}");
    if let Some(bytes) = decoded {
        assert_eq!(
            base64url::encode(&bytes).as_bytes(),
            data,
            "a second text for the same bytes"
        );
    }

    let text = base64url::encode(data);
    assert_eq!(text, URL_SAFE_NO_PAD.encode(data), "encoding {data:?}");
    assert_eq!(text.len(), base64url::encoded_len(data.len()));
    assert_eq!(base64url::decode(text.as_bytes()).as_deref(), Ok(data));

    let fixed = <[u8; 32]>::try_from(data).ok();
    assert_eq!(base64url::decode_array::<32>(text.as_bytes()).ok(), fixed);
});
