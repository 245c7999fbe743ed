//! Recognises an asymmetric key handed over as an HMAC secret.
//!
//! If a server's public key is its HMAC secret, everybody can sign (CVE-2015-9235 and its many successors, which hid the
//! key behind a prefix, in a JWK, in DER or in base64). A generated secret is not mistaken for one: what is looked for in
//! bytes has some forty fixed bits at one of a few places, or seven fixed bytes anywhere.
//!
//! Bare numbers have no mark and pass: the 32 bytes of an Ed25519 key, a compressed EC point, a modulus without its exponent.

use std::str;

use serde_json::Value;
use zeroize::Zeroizing;

use crate::{
    crypto::{Algorithm, EcdsaPublic},
    encoding::{
        base64url,
        der::{INTEGER, OCTET_STRING, SEQUENCE, element},
    },
};

/// Whether `secret` is, in any dress, the text or bytes of an asymmetric key or of a certificate.
pub(super) fn looks_asymmetric(secret: &[u8]) -> bool {
    // UTF-16 text is ASCII with zeros between; a random secret of 32 bytes has one zero in eight.
    let narrow: Bytes = Zeroizing::new(secret.iter().copied().filter(|byte| *byte != 0).collect());
    let is_wide = narrow.len() * 2 <= secret.len() + 2 && !narrow.is_empty();
    is_plain(secret) || (is_wide && is_plain(&narrow)) || latin1(secret).is_some_and(|bytes| is_der_key(&bytes))
}

/// Forms of a secret are as secret as it is.
type Bytes = Zeroizing<Vec<u8>>;

/// The bytes that were read as Latin-1 text before they were written as UTF-8; `None` for any other text.
fn latin1(secret: &[u8]) -> Option<Bytes> {
    let text = str::from_utf8(secret).ok().filter(|text| !text.is_ascii())?;
    let bytes: Option<Vec<u8>> = text.chars().map(|char| u8::try_from(u32::from(char)).ok()).collect();
    bytes.map(Zeroizing::new)
}

fn is_plain(secret: &[u8]) -> bool {
    // Twice, because a key in base64 is sometimes wrapped in base64 once more on its way through a configuration.
    let once = decoded(secret);
    let twice = once.iter().flat_map(|bytes| decoded(bytes));
    is_key(secret) || once.iter().any(|bytes| is_key(bytes)) || twice.into_iter().any(|bytes| is_key(&bytes))
}

fn is_key(bytes: &[u8]) -> bool {
    is_der_key(bytes) || has_mark(bytes) || is_jwk(bytes)
}

/// What names a key anywhere in a text, in any case and behind any prefix: PEM (RFC 7468), OpenSSH's one-line form and that of
/// RFC 4716, the parts of a JWK however it is quoted, Microsoft's XML form.
const MARKS: [&[u8]; 10] = [
    b"----begin",
    b"---- begin",
    b"ssh-rsa ",
    b"ssh-ed25519 ",
    b"ecdsa-sha2-",
    b"\"crv\"",
    b"'crv'",
    b"crv:",
    b"\"e\":\"aqab\"",
    b"<rsakeyvalue",
];

fn has_mark(text: &[u8]) -> bool {
    // In one pass, since this runs over every decoding of a secret; few bytes begin a mark.
    text.iter().enumerate().any(|(at, first)| {
        matches!(first | 0x20, b'-' | b's' | b'e' | b'"' | b'\'' | b'c' | b'<')
            && MARKS.iter().any(|mark| {
                let found = text.get(at..).and_then(|rest| rest.get(..mark.len()));
                found.is_some_and(|found| found.eq_ignore_ascii_case(mark))
            })
    })
}

/// A JWK, a JWKS or an array of them: text that names an asymmetric key type (RFC 7517, section 4.1), however it is quoted, or
/// the bytes of a key as a list of numbers.
fn is_jwk(secret: &[u8]) -> bool {
    let start = secret.iter().position(|byte| matches!(byte, b'{' | b'['));
    let json = start.and_then(|start| secret.get(start..)).unwrap_or_default();
    names_key_type(secret)
        || serde_json::Deserializer::from_slice(json)
            .into_iter::<Value>()
            .next()
            .is_some_and(|value| value.is_ok_and(|value| holds_key(&value)))
}

/// `kty` and then, behind nothing but quotes, colons, blanks and the like, a type with a public half.
fn names_key_type(text: &[u8]) -> bool {
    const FURTHEST: usize = 24;
    let mut windows = text.windows(3).enumerate();
    windows.any(|(at, window)| {
        window.eq_ignore_ascii_case(b"kty") && {
            let after = text.get(at + 3..).unwrap_or_default();
            (1..=FURTHEST).any(|skipped| {
                let (between, value) = after.split_at_checked(skipped).unwrap_or_default();
                is_punctuation(between) && is_key_type(value)
            })
        }
    })
}

/// Whether there is nothing but punctuation, percent-encoded or not.
fn is_punctuation(text: &[u8]) -> bool {
    match text {
        [] => true,
        [b'%', high, low, rest @ ..] if high.is_ascii_hexdigit() && low.is_ascii_hexdigit() => is_punctuation(rest),
        [first, rest @ ..] => !first.is_ascii_alphanumeric() && is_punctuation(rest),
    }
}

fn is_key_type(value: &[u8]) -> bool {
    [&b"rsa"[..], b"ec", b"okp", b"akp"].iter().any(|name| {
        let (start, after) = value.split_at_checked(name.len()).unwrap_or_default();
        start.eq_ignore_ascii_case(name) && !after.first().is_some_and(u8::is_ascii_alphanumeric)
    })
}

fn holds_key(value: &Value) -> bool {
    match value {
        Value::Array(items) => {
            let bytes = items
                .iter()
                .map(|item| item.as_u64().and_then(|byte| u8::try_from(byte).ok()));
            let bytes: Option<Vec<u8>> = bytes.collect();
            bytes.map(Zeroizing::new).is_some_and(|bytes| is_der_key(&bytes)) || items.iter().any(holds_key)
        }
        Value::Object(members) => {
            let kind = members.get("kty").and_then(Value::as_str);
            kind.is_some_and(|kind| is_key_type(kind.as_bytes()))
                || members.contains_key("crv")
                || members.values().any(holds_key)
        }
        Value::String(text) => names_key_type(text.as_bytes()),
        _ => false,
    }
}

/// What the text is in base64 (or base64url) and in hexadecimal. Once as a whole, everything outside the alphabet ignored:
/// marks, quotes, line breaks and padding; and once each unbroken run by itself, whatever stands around it.
fn decoded(secret: &[u8]) -> Vec<Bytes> {
    let runs = secret.split(|byte| base64_character(*byte).is_none());
    let runs: Vec<&[u8]> = runs.filter(|run| !run.is_empty()).collect();
    // A single run is the whole as well.
    let whole = (runs.len() > 1).then(|| in_alphabet(secret));
    let long = runs.into_iter().filter(|run| run.len() >= SHORTEST);
    // A word in front that is written in the alphabet itself moves the quads by one, two or three characters.
    let texts = long.map(in_alphabet).chain(whole).flat_map(|text| {
        let moved = (0..4).filter_map(|skipped| base64_prefix(text.get(skipped..)?));
        moved.collect::<Vec<Bytes>>()
    });
    texts.chain([hexadecimal(secret)]).collect()
}

/// Fewer characters of base64 hold no key.
const SHORTEST: usize = 24;

/// The characters of base64 among these, as those of base64url.
fn in_alphabet(text: &[u8]) -> Bytes {
    Zeroizing::new(text.iter().copied().filter_map(base64_character).collect())
}

fn base64_character(byte: u8) -> Option<u8> {
    match byte {
        b'+' => Some(b'-'),
        b'/' => Some(b'_'),
        b'-' | b'_' | b'0'..=b'9' | b'A'..=b'Z' | b'a'..=b'z' => Some(byte),
        _ => None,
    }
}

/// The bytes of as much of the text as decodes: a stray tail must not hide the key before it.
fn base64_prefix(text: &[u8]) -> Option<Bytes> {
    if text.len() < SHORTEST {
        return None;
    }
    let quads = text.get(..text.len() / 4 * 4)?;
    let bytes = base64url::decode(text).or_else(|_| base64url::decode(quads)).ok();
    bytes.map(Zeroizing::new)
}

/// The bytes of all hexadecimal digits in a row; the zero of `0x` is none.
fn hexadecimal(secret: &[u8]) -> Bytes {
    let mut digits = Zeroizing::new(Vec::with_capacity(secret.len()));
    let mut before = 0;
    for byte in secret {
        if byte.eq_ignore_ascii_case(&b'x') && before == b'0' {
            let _zero = digits.pop();
        }
        digits.extend(char::from(*byte).to_digit(16));
        before = *byte;
    }
    let pairs = digits.as_chunks::<2>().0.iter();
    let bytes = pairs.map(|[high, low]| u8::try_from(high << 4 | low).unwrap_or_default());
    Zeroizing::new(bytes.collect())
}

/// DER of a key: whole, or its beginning behind a few bytes of something else (a count, a mark, a line break), or one that
/// names its algorithm anywhere.
fn is_der_key(bytes: &[u8]) -> bool {
    const FURTHEST: usize = 4;
    is_der(bytes)
        || is_point(bytes)
        || (0..=FURTHEST).any(|skipped| bytes.get(skipped..).is_some_and(begins_der))
        || holds_identifier(bytes)
}

fn holds_identifier(bytes: &[u8]) -> bool {
    bytes.iter().enumerate().any(|(at, first)| {
        matches!(first, 0x2a | 0x30 | 0 | b'e')
            && IDENTIFIERS
                .iter()
                .any(|identifier| bytes.get(at..).is_some_and(|rest| rest.starts_with(identifier)))
    })
}

/// rsaEncryption and id-RSASSA-PSS (RFC 8017, appendix C), id-ecPublicKey (RFC 5480), Ed25519 in its sequence (RFC 8410), and the
/// names inside of OpenSSH's keys (RFC 4253, section 6.6).
const IDENTIFIERS: [&[u8]; 7] = [
    &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01],
    &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x0a],
    &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01],
    &[0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70],
    b"\0\0\0\x07ssh-rsa",
    b"\0\0\0\x0bssh-ed25519",
    b"ecdsa-sha2-nistp",
];

/// An uncompressed point that lies on one of the curves, which no secret does by chance.
fn is_point(bytes: &[u8]) -> bool {
    let algorithm = match bytes.len() {
        65 => Algorithm::Es256,
        97 => Algorithm::Es384,
        133 => Algorithm::Es512,
        _ => return false,
    };
    bytes.first() == Some(&4) && EcdsaPublic::from_point(algorithm, bytes).is_ok()
}

/// The first bytes of an SPKI, a PKCS#1 key or a certificate, of which the rest may stand on further lines.
fn begins_der(bytes: &[u8]) -> bool {
    // An OBJECT IDENTIFIER of a key's algorithm has 3, 7 or 9 bytes, and begins with iso.member-body or iso.organization.
    matches!(
        bytes,
        [0x30, _, 0x30, _, 0x06, 3 | 7 | 9, 0x2a | 0x2b, ..]
            | [0x30, 0x81, _, 0x30, _, 0x06, 3 | 7 | 9, 0x2a | 0x2b, ..]
            | [0x30, 0x82, _, _, 0x30, _, 0x06, 3 | 7 | 9, 0x2a | 0x2b, ..]
            | [0x30, 0x82, _, _, 0x30, 0x82, _, _, 0xa0 | 0x02 | 0x30, ..]
            | [0x30, 0x82, _, _, 0x02, 0x82, 1..=4, _, 0x00, ..]
    )
}

/// One DER SEQUENCE that fills the bytes but for two at the most, and begins as a key does: with a SEQUENCE (SPKI,
/// certificate), or with an INTEGER and another part (PKCS#1, PKCS#8, SEC1).
fn is_der(bytes: &[u8]) -> bool {
    let Some((SEQUENCE, content, [] | [_] | [_, _])) = element(bytes) else {
        return false;
    };
    match element(content) {
        Some((SEQUENCE, inner, _)) => matches!(inner.first(), Some(&(OBJECT_IDENTIFIER | SEQUENCE | INTEGER | 0xa0))),
        Some((INTEGER, [_, ..], rest)) => matches!(element(rest), Some((INTEGER | OCTET_STRING | SEQUENCE, _, _))),
        _ => false,
    }
}

const OBJECT_IDENTIFIER: u8 = 0x06;

#[cfg(test)]
mod tests {
    use base64::{Engine, engine::general_purpose::STANDARD};

    use super::*;
    use crate::random::{Random, SystemRandom};

    #[test]
    fn every_mark_and_every_identifier_is_found_wherever_it_stands() {
        for mark in MARKS.iter().flat_map(|mark| [mark.to_vec(), mark.to_ascii_uppercase()]) {
            assert!(has_mark(&[b"in front ", &mark[..], b" behind"].concat()));
            assert!(!has_mark(&mark[..mark.len() - 1]) && !has_mark(&mark[1..]));
        }
        for identifier in IDENTIFIERS {
            assert!(holds_identifier(&[&[7; 9], identifier, &[7]].concat()));
            assert!(!holds_identifier(&identifier[..identifier.len() - 1]));
        }
    }

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
        let wide = |text: &str| -> Vec<u8> { text.encode_utf16().flat_map(u16::to_le_bytes).collect() };
        let hex: String = SPKI
            .iter()
            .flat_map(|byte| [byte >> 4, byte & 15])
            .map(|digit| char::from(b"0123456789ABCDEF"[usize::from(digit)]))
            .collect();
        let mut longer = SPKI.to_vec();
        longer.push(b'\n');
        let rsa: Vec<u8> = [
            &[
                0x30, 0x82, 0x01, 0x22, 0x30, 0x0d, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d,
            ][..],
            &[0x9c; 280],
        ]
        .concat();
        let as_latin1: String = rsa.iter().copied().map(char::from).collect();
        for dress in [
            wide(&pem),
            wide(&format!("\u{feff}{jwk}")),
            longer,
            [&[0][..], &SPKI].concat(),
            [&b"\xef\xbb\xbf\n"[..], &rsa].concat(),
            rsa,
            as_latin1.into_bytes(),
            hex.clone().into_bytes(),
            format!("0x{hex}").into_bytes(),
            hex.as_bytes()
                .chunks(2)
                .flat_map(|pair| [b"\\x", pair].concat())
                .collect(),
            format!("X{base64}").into_bytes(),
            format!("ed-{base64}").into_bytes(),
            format!("eddsa-{base64}").into_bytes(),
            format!("{SPKI:?}").into_bytes(),
            format!("{{\"type\":\"Buffer\",\"data\":{SPKI:?}}}").into_bytes(),
            jwk.replace('"', "'").into_bytes(),
            jwk.replace('"', "").into_bytes(),
            jwk.replace(r#""kty":"OKP","#, "").into_bytes(),
            pem.get(1..).unwrap_or_default().as_bytes().to_vec(),
            serde_json::to_vec(jwk).unwrap(),
            jwk.replace('"', "\\\"").into_bytes(),
            jwk.replace('"', "%22").replace(':', "%3A").into_bytes(),
            b"kty: RSA\nn: AQAB".to_vec(),
            b"<RSAKeyValue><Modulus>AQAB</Modulus></RSAKeyValue>".to_vec(),
            STANDARD.encode(b"\0\0\0\x07ssh-rsa\0\0\0\x03\x01\0\x01").into_bytes(),
            hex.to_lowercase().into_bytes(),
            format!("\u{feff}{base64}").into_bytes(),
            format!("\"{base64}\"\n").into_bytes(),
            jwk.replace("kty", "\\u006bty").into_bytes(),
            format!("# public key\n{base64}").into_bytes(),
            format!("{base64}\n-----END PUBLIC KEY-----\n").into_bytes(),
            STANDARD.encode(&base64).into_bytes(),
        ] {
            assert!(looks_asymmetric(&dress), "{}", String::from_utf8_lossy(&dress));
        }
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
        // A symmetric JWK is a secret in JSON, and a name alone is no key.
        let oct = r#"{"kty":"oct","k":"AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T"}"#.to_owned();
        for text in [
            "0".repeat(50),
            oct,
            "the kty of ecology is not a key type".to_owned(),
            "correct horse battery staple correct horse".to_owned(),
        ] {
            assert!(!looks_asymmetric(text.as_bytes()), "{text}");
        }
    }
}
