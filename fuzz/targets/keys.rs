//! Keys from JWK, PKCS#8 and SPKI: what is taken works, says the same of itself once it was written and read again, and a
//! public key is never taken as a secret, whatever stands around it.
//!
//! The first byte says what the rest is, and for which algorithm.
#![no_main]

use base64::{Engine, engine::general_purpose::STANDARD};
use keyturn_core::{
    crypto::Algorithm,
    error::{Code, Error},
    keys::Key,
};
use libfuzzer_sys::fuzz_target;
use zeroize::Zeroizing;

fuzz_target!(|data: &[u8]| {
    let Some((&mode, input)) = data.split_first() else {
        return;
    };
    let mode = usize::from(mode);
    let algorithm = Algorithm::ALL[mode / 5 % Algorithm::ALL.len()];
    let key = match mode % 5 {
        0 => std::str::from_utf8(input).map_or(Err(Code::KeyInvalid.into()), |json| {
            Key::from_jwk(algorithm, json, None)
        }),
        1 => Key::from_pkcs8(algorithm, input, None),
        2 => Key::from_spki(algorithm, input, None),
        3 => Key::hmac(algorithm, Zeroizing::new(input.to_vec()), None),
        _ => {
            refuse_disguised(input);
            return;
        }
    };
    match key {
        Ok(key) => check(&key),
        Err(error) => judge(error),
    }
});

/// What every key holds to.
fn check(key: &Key) {
    const MESSAGE: &[u8] = b"message";
    if key.can_sign() {
        let signature = key.sign(MESSAGE).expect("a key that can sign");
        assert!(key.verifies(MESSAGE, &signature));
        assert!(!key.verifies(b"another", &signature));
        let material = key.material().expect("material").expect("a secret");
        let kept = Key::from_material(material, key.kid()).expect("a key that was judged");
        assert!(kept.verifies(MESSAGE, &signature));
    }
    assert_eq!(key.public_jwk().is_err(), key.algorithm().is_symmetric());
    let Ok(jwk) = key.public_jwk() else {
        return;
    };
    let json = serde_json::to_string(&jwk).expect("JSON");
    let public = Key::from_jwk(key.algorithm(), &json, None).expect("our own JWK");
    assert!(!public.can_sign());
    assert_eq!(public.kid(), key.kid());
    assert_eq!(public.thumbprint(), key.thumbprint());
    if let Ok(signature) = key.sign(MESSAGE) {
        assert!(public.verifies(MESSAGE, &signature));
    }
}

/// A refusal is about the key, never about us.
fn judge(error: Error) {
    assert!(matches!(error.code(), Code::KeyInvalid | Code::KeyTooWeak), "{error:?}");
}

/// An Ed25519 public key as `SubjectPublicKeyInfo` (RFC 8410, section 10.1).
const SPKI: [u8; 44] = [
    0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00, 0x19, 0xbf, 0x44, 0x09, 0x69, 0x84, 0xcd,
    0xfe, 0x85, 0x41, 0xba, 0xc1, 0x67, 0xdc, 0x3b, 0x96, 0xc8, 0x50, 0x86, 0xaa, 0x30, 0xb6, 0xb6, 0xcb, 0x0c, 0x5c,
    0x38, 0xad, 0x70, 0x31, 0x66, 0xe1,
];

/// Puts a public key, in the dress that the first byte says, between what comes before and after a zero.
fn refuse_disguised(input: &[u8]) {
    let Some((dress, around)) = input.split_first() else {
        return;
    };
    let base64 = STANDARD.encode(SPKI);
    let pem = format!("-----BEGIN PUBLIC KEY-----\n{base64}\n-----END PUBLIC KEY-----");
    let dressed = match dress % 5 {
        0 => pem,
        1 => pem.to_lowercase(),
        2 => r#"{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}"#.to_owned(),
        3 => format!("\n{base64}\n"),
        _ => format!("ssh-ed25519 {base64}"),
    };
    let zero = around.iter().position(|byte| *byte == 0).unwrap_or(around.len());
    let (before, after) = around.split_at(zero);
    let secret = [before, dressed.as_bytes(), after].concat();
    for algorithm in Algorithm::ALL.iter().filter(|algorithm| algorithm.is_symmetric()) {
        assert!(
            Key::hmac(*algorithm, Zeroizing::new(secret.clone()), None).is_err(),
            "taken for a secret: {secret:?}"
        );
    }
}
