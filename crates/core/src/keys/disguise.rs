//! Recognises an asymmetric key handed over as an HMAC secret.
//!
//! If a server's public key is its HMAC secret, everybody can sign (CVE-2015-9235 and its many successors, which hid the
//! key behind a prefix, in a JWK, in DER or in base64). A generated secret is never mistaken for one: the binary forms
//! need an exact outer length and two nested tags.

use crate::encoding::base64url;

/// Whether `secret` is, in any dress, the text or bytes of an asymmetric key or of a certificate.
pub(super) fn looks_asymmetric(secret: &[u8]) -> bool {
    is_der(secret) || is_pem(secret) || is_jwk(secret) || is_encoded_key(secret)
}

/// PEM anywhere in the text, in any case and behind any prefix (RFC 7468).
fn is_pem(secret: &[u8]) -> bool {
    contains_ignoring_case(secret, b"-----begin")
        || contains_ignoring_case(secret, b"ssh-rsa ")
        || contains_ignoring_case(secret, b"ssh-ed25519 ")
        || contains_ignoring_case(secret, b"ecdsa-sha2-")
}

/// A JWK, a JWKS or an array of them: JSON that names a key type (RFC 7517, section 4.1).
fn is_jwk(secret: &[u8]) -> bool {
    contains_ignoring_case(secret, b"\"kty\"")
}

/// The base64 or base64url text of any other form, line breaks and padding ignored.
fn is_encoded_key(secret: &[u8]) -> bool {
    let mut text = Vec::with_capacity(secret.len());
    for byte in secret {
        match byte {
            b'+' => text.push(b'-'),
            b'/' => text.push(b'_'),
            b' ' | b'\t' | b'\r' | b'\n' | b'=' => {}
            other => text.push(*other),
        }
    }
    // Every key form that base64 carries fills whole bytes; a tail of stray bits is cut before decoding.
    if text.len() % 4 == 1 {
        return false;
    }
    base64url::decode(&text).is_ok_and(|bytes| is_der(&bytes) || is_pem(&bytes) || is_jwk(&bytes))
}

/// One DER SEQUENCE that fills the bytes exactly and begins with a SEQUENCE (SPKI, certificate) or an INTEGER (PKCS#1,
/// PKCS#8, SEC1).
fn is_der(bytes: &[u8]) -> bool {
    let Some((0x30, content, [])) = element(bytes) else {
        return false;
    };
    matches!(element(content), Some((0x30 | 0x02, _, [_, ..])))
}

/// Splits the first DER element into its tag, its content and what follows (X.690, section 8.1).
fn element(bytes: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (&tag, rest) = bytes.split_first()?;
    let (&first, rest) = rest.split_first()?;
    let (length, rest) = if first < 0x80 {
        (usize::from(first), rest)
    } else {
        let (size, rest) = rest.split_at_checked(usize::from(first & 0x7f))?;
        if size.is_empty() || size.len() > 3 {
            return None;
        }
        let length = size.iter().fold(0, |length, byte| length << 8 | usize::from(*byte));
        (length, rest)
    };
    let (content, after) = rest.split_at_checked(length)?;
    Some((tag, content, after))
}

fn contains_ignoring_case(text: &[u8], lower: &[u8]) -> bool {
    text.windows(lower.len())
        .any(|window| window.eq_ignore_ascii_case(lower))
}

#[cfg(test)]
mod tests {
    use base64::{Engine, engine::general_purpose::STANDARD};

    use super::*;
    use crate::random::{Random, SystemRandom};

    const SPKI: [u8; 44] = [
        0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12,
        13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31, 32,
    ];

    #[test]
    fn a_public_key_is_recognised_in_every_dress() {
        let base64 = STANDARD.encode(SPKI);
        let pem = format!("-----BEGIN PUBLIC KEY-----\n{base64}\n-----END PUBLIC KEY-----\n");
        let jwk = r#"{"crv":"Ed25519","kty":"OKP","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}"#;
        for dress in [
            pem.clone(),
            format!("\n{pem}"),
            format!(" {pem}"),
            format!("\u{feff}{pem}"),
            format!("\u{200b}{pem}"),
            format!("# my key\n{pem}"),
            pem.replace('\n', "\r\n"),
            pem.trim_end().to_owned(),
            pem.to_lowercase(),
            jwk.to_owned(),
            format!("{{\"keys\":[{jwk}]}}"),
            format!("[{jwk}]"),
            base64.clone(),
            base64.replace('+', "-").replace('/', "_").replace('=', ""),
            format!("{}\n{}", &base64[..40], &base64[40..]),
            STANDARD.encode(&pem),
            STANDARD.encode(jwk),
            format!("ssh-ed25519 {base64} me@host"),
        ] {
            assert!(looks_asymmetric(dress.as_bytes()), "{dress}");
        }
        assert!(looks_asymmetric(&SPKI));
    }

    #[test]
    fn a_real_secret_is_taken_for_what_it_is() {
        let random = SystemRandom::new();
        let mut secret = [0; 64];
        for length in [32, 48, 64] {
            for _ in 0..2000 {
                random.fill(&mut secret[..length]).unwrap();
                assert!(!looks_asymmetric(&secret[..length]));
                assert!(!looks_asymmetric(STANDARD.encode(&secret[..length]).as_bytes()));
            }
        }
        for text in ["0".repeat(50), "correct horse battery staple correct horse".to_owned()] {
            assert!(!looks_asymmetric(text.as_bytes()), "{text}");
        }
    }
}
