//! Signing and verifying any bytes, in compact form (RFC 7515, section 7.1).

use std::str;

use super::{ExtraHeader, Header, compact};
use crate::{
    crypto::Algorithm,
    encoding::base64url,
    error::{Code, Error},
    keys::{Key, KeySet},
};

/// The longest JWS that is looked at. Unlike a token it need not fit into a header of HTTP, but it is held in memory several
/// times over while it is taken apart.
pub const MAX_JWS_BYTES: usize = 1024 * 1024;

/// The longest payload that is signed: with the longest header and the longest signature it fits into [`MAX_JWS_BYTES`].
pub const MAX_PAYLOAD_BYTES: usize = 512 * 1024;

/// A JWS whose signature is good.
#[derive(Debug)]
pub struct Opened {
    /// The protected header's JSON text: one object, with the guarantees of [`crate::encoding::json`].
    pub header: String,
    /// The payload; may be empty.
    pub payload: Vec<u8>,
}

/// The compact JWS of at most [`MAX_PAYLOAD_BYTES`]. The header holds `alg`, the key's `kid` and what `extra` adds; no `typ`
/// unless `extra` has one.
pub fn sign(payload: &[u8], key: &Key, extra: &ExtraHeader) -> Result<String, Error> {
    if payload.len() > MAX_PAYLOAD_BYTES {
        return Err(Error::because(Code::ClaimsInvalid, "a payload takes at most 512 KiB"));
    }
    let header = extra.protected_header(key, None)?;
    let mut out = String::with_capacity(header.len() + base64url::encoded_len(payload.len()) + 700);
    compact::seal(&header, payload, key, &mut out)?;
    Ok(out)
}

/// Verifies a compact JWS of at most [`MAX_JWS_BYTES`] with the strictness of the token verifier: `crit`, `b64`, duplicate
/// members and second forms of base64url are refused, and a key answers for its own algorithm alone. Only what is inside the
/// payload is nobody's business here.
///
/// `algorithms` narrows what the keys' own algorithms allow; empty leaves it at that, and one that no key has is
/// [`Code::OptionInvalid`].
pub fn verify(jws: &[u8], keys: &KeySet, algorithms: &[Algorithm]) -> Result<Opened, Error> {
    for algorithm in algorithms {
        if !keys.keys().iter().any(|key| key.algorithm() == *algorithm) {
            return Err(Error::because(Code::OptionInvalid, "no key has one of the algorithms"));
        }
    }
    check_size(jws.len())?;
    let parts = compact::split(jws)?;
    let header_json = base64url::decode(parts.header)?;
    let header_json = str::from_utf8(&header_json).map_err(|_| Error::because(Code::TokenMalformed, "utf-8"))?;
    let header = Header::parse(header_json)?;
    if !algorithms.is_empty() && !algorithms.contains(&header.algorithm) {
        return Err(Code::AlgorithmNotAllowed.into());
    }
    let candidates = keys.candidates(header.algorithm, header.kid.as_deref())?;
    let signature = base64url::decode(parts.signature)?;
    let payload = base64url::decode(parts.payload)?;
    if !candidates
        .iter()
        .any(|key| key.verifies(parts.signing_input, &signature))
    {
        return Err(Code::SignatureInvalid.into());
    }
    Ok(Opened {
        header: header_json.to_owned(),
        payload,
    })
}

/// Refuses a JWS of more than [`MAX_JWS_BYTES`]; for who would rather not copy it first.
pub fn check_size(bytes: usize) -> Result<(), Error> {
    if bytes > MAX_JWS_BYTES {
        return Err(Error::because(Code::TokenTooLarge, "a JWS takes at most 1 MiB"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::SystemRandom;

    fn key(algorithm: Algorithm, kid: Option<&str>) -> Key {
        Key::generate(algorithm, kid, &SystemRandom::new()).unwrap()
    }

    fn set(keys: &[&Key]) -> KeySet {
        KeySet::new(keys.iter().map(|key| (*key).clone()).collect::<Vec<_>>()).unwrap()
    }

    fn plain(payload: &[u8], key: &Key) -> String {
        sign(payload, key, &ExtraHeader::default()).unwrap()
    }

    fn with_header(key: &Key, header: &[u8]) -> String {
        let mut out = String::new();
        compact::seal(&base64url::encode(header), b"payload", key, &mut out).unwrap();
        out
    }

    fn refusal(jws: &str, keys: &KeySet) -> Code {
        verify(jws.as_bytes(), keys, &[]).unwrap_err().code()
    }

    #[test]
    fn any_bytes_come_back_with_their_header() {
        for algorithm in Algorithm::ALL {
            let key = key(*algorithm, Some("k"));
            for payload in [&b""[..], b"\0", b"{}", b"\xff\xfe not text", &[7; 5000]] {
                let opened = verify(plain(payload, &key).as_bytes(), &set(&[&key]), &[]).unwrap();
                assert_eq!(opened.payload, payload);
                assert_eq!(
                    opened.header,
                    format!(r#"{{"alg":"{}","kid":"k"}}"#, algorithm.as_str())
                );
            }
        }
    }

    #[test]
    fn no_single_character_can_be_changed() {
        let key = key(Algorithm::Hs256, None);
        let keys = set(&[&key]);
        let jws = plain(b"foo", &key);
        for index in 0..jws.len() {
            for replacement in ["A", "_", ".", "=", " ", "", "AA", "\u{141}"] {
                let tampered = format!("{}{replacement}{}", &jws[..index], &jws[index + 1..]);
                if tampered != jws {
                    assert!(verify(tampered.as_bytes(), &keys, &[]).is_err(), "{tampered}");
                }
            }
        }
    }

    #[test]
    fn a_header_is_as_strict_as_that_of_a_token() {
        let key = key(Algorithm::Hs256, None);
        for (header, code) in [
            (&br#"{"alg":"none"}"#[..], Code::AlgorithmNotAllowed),
            (br#"{"alg":"EdDSA"}"#, Code::AlgorithmNotAllowed),
            (br#"{"alg":"HS256","crit":[]}"#, Code::HeaderUnsupported),
            (br#"{"alg":"HS256","b64":false}"#, Code::HeaderUnsupported),
            (br#"{"alg":"HS256","alg":"HS256"}"#, Code::TokenMalformed),
            (br#"{"alg":"HS256","__proto__":{}}"#, Code::TokenMalformed),
            (b"{\"alg\":\"HS256\",\"a\":\"\xff\"}", Code::TokenMalformed),
            (br#"{"alg":"HS256"} x"#, Code::TokenMalformed),
            (b"", Code::TokenMalformed),
        ] {
            assert_eq!(refusal(&with_header(&key, header), &set(&[&key])), code, "{header:?}");
        }
    }

    #[test]
    fn the_key_is_the_one_that_the_header_names() {
        let (one, other) = (key(Algorithm::Hs256, Some("a")), key(Algorithm::Hs256, Some("b")));
        let jws = plain(b"foo", &one);
        assert!(verify(jws.as_bytes(), &set(&[&other, &one]), &[]).is_ok());
        assert_eq!(refusal(&jws, &set(&[&other])), Code::KeyUnknown);
        let unnamed = with_header(&one, br#"{"alg":"HS256"}"#);
        assert!(verify(unnamed.as_bytes(), &set(&[&other, &one]), &[]).is_ok());
        assert_eq!(refusal(&unnamed, &set(&[&other])), Code::SignatureInvalid);
    }

    #[test]
    fn algorithms_narrow_what_the_keys_allow() {
        let (secret, pair) = (key(Algorithm::Hs256, None), key(Algorithm::EdDsa, None));
        let keys = set(&[&secret, &pair]);
        let only = |algorithm| verify(plain(b"", &secret).as_bytes(), &keys, &[algorithm]);
        assert!(only(Algorithm::Hs256).is_ok());
        assert_eq!(only(Algorithm::EdDsa).unwrap_err().code(), Code::AlgorithmNotAllowed);
        let unfit = verify(b"", &set(&[&secret]), &[Algorithm::EdDsa]).unwrap_err();
        assert_eq!(unfit.code(), Code::OptionInvalid);
    }

    #[test]
    fn both_directions_are_bounded_and_fit_each_other() {
        let key = key(Algorithm::Hs256, Some(&"k".repeat(256)));
        let longest = sign(
            &vec![0; MAX_PAYLOAD_BYTES],
            &key,
            &ExtraHeader::parse(&format!(r#"{{"a":"{}"}}"#, "x".repeat(4000))).unwrap(),
        )
        .unwrap();
        assert!(verify(longest.as_bytes(), &set(&[&key]), &[]).is_ok());
        let more = sign(&vec![0; MAX_PAYLOAD_BYTES + 1], &key, &ExtraHeader::default());
        assert_eq!(more.unwrap_err().code(), Code::ClaimsInvalid);
        let dots = ".".repeat(MAX_JWS_BYTES + 1);
        assert_eq!(refusal(&dots, &set(&[&key])), Code::TokenTooLarge);
        assert_eq!(refusal(&dots[1..], &set(&[&key])), Code::TokenMalformed);
    }

    #[test]
    fn a_public_key_does_not_sign() {
        let public = Key::from_jwk(
            Algorithm::EdDsa,
            r#"{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}"#,
            None,
        )
        .unwrap();
        assert_eq!(
            sign(b"", &public, &ExtraHeader::default()).unwrap_err().code(),
            Code::KeyInvalid
        );
    }
}
