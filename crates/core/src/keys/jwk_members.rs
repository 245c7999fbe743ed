//! The members of a JWK as they come in (RFC 7517, section 4; RFC 7518, section 6), for keys of signatures and of encryption.

use serde::{Deserialize, Deserializer, de::IgnoredAny};
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use crate::{
    crypto::RsaComponents,
    encoding::base64url,
    error::{Code, Error},
};

/// The longest JWK that is read; one with a private RSA key of 8192 bits takes 6 KiB.
pub(super) const MAX_JWK_BYTES: usize = 16 * 1024;

/// The members that are read; a duplicate of any of them is an error, unknown members are ignored (RFC 7517, section 4).
#[derive(Deserialize, Zeroize, ZeroizeOnDrop)]
pub(super) struct Members {
    pub(super) kty: String,
    pub(super) alg: Option<String>,
    pub(super) crv: Option<String>,
    pub(super) d: Option<String>,
    dp: Option<String>,
    dq: Option<String>,
    e: Option<String>,
    pub(super) k: Option<String>,
    pub(super) key_ops: Option<Vec<String>>,
    pub(super) kid: Option<String>,
    n: Option<String>,
    #[serde(default, deserialize_with = "present")]
    oth: bool,
    p: Option<String>,
    q: Option<String>,
    qi: Option<String>,
    pub(super) r#use: Option<String>,
    pub(super) x: Option<String>,
    pub(super) y: Option<String>,
}

/// The numbers of an RSA key.
pub(super) enum RsaNumbers {
    Private(RsaComponents),
    Public { n: Vec<u8>, e: Vec<u8> },
}

impl Members {
    /// Reads a JWK's JSON text of at most 16 KiB.
    pub(super) fn parse(json: &str) -> Result<Self, Error> {
        if json.len() > MAX_JWK_BYTES {
            return Err(refused("a JWK takes at most 16 KiB"));
        }
        serde_json::from_str(json).map_err(|_| refused("not a JWK (RFC 7517)"))
    }

    /// The numbers of an RSA key; a private one needs all of them (RFC 7518, section 6.3.2).
    pub(super) fn rsa(&self) -> Result<RsaNumbers, Error> {
        const CRT: &str = "a private RSA JWK needs d, p, q, dp, dq and qi (RFC 7518, section 6.3.2)";
        if self.oth {
            return Err(refused("RSA keys of more than two primes are not taken"));
        }
        let n = decoded(self.n.as_deref(), "the JWK has no n")?;
        let e = decoded(self.e.as_deref(), "the JWK has no e")?;
        if self.d.is_none() {
            return Ok(RsaNumbers::Public { n, e });
        }
        Ok(RsaNumbers::Private(RsaComponents {
            n,
            e,
            d: secret(self.d.as_deref(), CRT)?,
            p: secret(self.p.as_deref(), CRT)?,
            q: secret(self.q.as_deref(), CRT)?,
            dp: secret(self.dp.as_deref(), CRT)?,
            dq: secret(self.dq.as_deref(), CRT)?,
            qi: secret(self.qi.as_deref(), CRT)?,
        }))
    }
}

/// The bytes of a public member.
pub(super) fn decoded(text: Option<&str>, missing: &'static str) -> Result<Vec<u8>, Error> {
    base64url::decode(text.ok_or(refused(missing))?.as_bytes()).map_err(|_| NOT_BASE64URL)
}

/// The bytes of a secret member.
pub(super) fn secret(text: Option<&str>, missing: &'static str) -> Result<Zeroizing<Vec<u8>>, Error> {
    base64url::decode_secret(text.ok_or(refused(missing))?.as_bytes()).map_err(|_| NOT_BASE64URL)
}

/// The refusal of a JWK, with its reason.
pub(super) const fn refused(reason: &'static str) -> Error {
    Error::because(Code::KeyInvalid, reason)
}

const NOT_BASE64URL: Error = refused("a member of the JWK is not canonical base64url");

/// Whether the member is there, whatever it is.
fn present<'de, D: Deserializer<'de>>(deserializer: D) -> Result<bool, D::Error> {
    IgnoredAny::deserialize(deserializer).map(|_| true)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reason(json: &str) -> Option<&'static str> {
        Members::parse(json).and_then(|members| members.rsa()).err()?.reason()
    }

    #[test]
    fn an_rsa_key_is_public_or_whole() {
        let public = r#"{"kty":"RSA","n":"AQAB","e":"AQAB"}"#;
        assert!(matches!(
            Members::parse(public).unwrap().rsa(),
            Ok(RsaNumbers::Public { .. })
        ));
        let whole = r#"{"kty":"RSA","n":"AQAB","e":"AQAB","d":"AQAB","p":"AQAB","q":"AQAB","dp":"AQAB","dq":"AQAB","qi":"AQAB"}"#;
        assert!(matches!(
            Members::parse(whole).unwrap().rsa(),
            Ok(RsaNumbers::Private(_))
        ));
        for part in ["p", "q", "dp", "dq", "qi"] {
            let lacking = whole.replace(&format!(r#","{part}":"AQAB""#), "");
            assert_eq!(
                reason(&lacking),
                Some("a private RSA JWK needs d, p, q, dp, dq and qi (RFC 7518, section 6.3.2)")
            );
        }
        for value in ["[]", "null", "7"] {
            let manifold = whole.replace('{', &format!(r#"{{"oth":{value},"#));
            assert_eq!(
                reason(&manifold),
                Some("RSA keys of more than two primes are not taken")
            );
        }
    }

    #[test]
    fn what_is_long_or_ambiguous_is_no_jwk() {
        let padded = |length: usize| format!(r#"{{"kty":"RSA","x5t":"{}"}}"#, "a".repeat(length));
        assert!(Members::parse(&padded(MAX_JWK_BYTES - 22)).is_ok());
        assert_eq!(reason(&padded(MAX_JWK_BYTES)), Some("a JWK takes at most 16 KiB"));
        for json in [
            "",
            "[]",
            "{}",
            r#"{"kty":7}"#,
            r#"{"kty":"RSA","kty":"RSA"}"#,
            r#"{"kty":"RSA"} x"#,
        ] {
            assert_eq!(reason(json), Some("not a JWK (RFC 7517)"), "{json}");
        }
    }
}
