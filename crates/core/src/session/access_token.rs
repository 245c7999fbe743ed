//! The access token (RFC 9068 shape): the payload is put together from parts that were rendered before.

use std::{
    fmt::Write as _,
    sync::{Arc, PoisonError, RwLock},
};

use super::{TimedId, record::Record, rotation::access_expiry, settings::Settings};
use crate::{
    encoding::{
        base64url,
        json::{scan_object, write_string},
    },
    error::{Code, Error},
    jws::{finish, protected_header},
    keys::{Key, LiveKeys},
    time::UnixMs,
};

/// The `typ` of access tokens (RFC 9068, section 2.1).
pub(super) const TYP: &str = "at+jwt";

/// The longest text of the claims that a session carries from token to token.
const MAX_CLAIMS_BYTES: usize = 4096;

/// What a payload holds beside issuer, audience, subject and carried claims, roughly; it grows for more.
const REST_BYTES: usize = 160;

/// The same for what a token holds beside header and payload: an HMAC or a signature over a curve, mostly.
const SIGNATURE_CHARS: usize = 96;

/// Names that keyturn gives a meaning: an application cannot set them through its own claims.
pub(super) const RESERVED: [&str; 13] = [
    "iss",
    "aud",
    "sub",
    "sid",
    "jti",
    "iat",
    "exp",
    "nbf",
    "auth_time",
    "roles",
    "permissions",
    "scope",
    "cnf",
];

/// Makes the access tokens of one set of sessions.
#[derive(Debug)]
pub(super) struct AccessTokens {
    keys: Arc<LiveKeys>,
    signing: RwLock<Arc<Signing>>,
    prefix: String,
    settings: Settings,
}

/// The key that signs, and the header that says so.
#[derive(Debug)]
struct Signing {
    version: u64,
    key: Key,
    header: String,
}

impl Signing {
    fn new(keys: &LiveKeys, version: u64) -> Result<Arc<Self>, Error> {
        let key = keys.snapshot().signing_key()?;
        let header = protected_header(key.algorithm(), Some(TYP), key.kid());
        Ok(Arc::new(Self { version, key, header }))
    }
}

/// A finished access token.
pub(super) struct AccessToken {
    pub(super) text: String,
    pub(super) expires_at: UnixMs,
}

impl AccessTokens {
    pub(super) fn new(keys: Arc<LiveKeys>, settings: &Settings) -> Result<Self, Error> {
        let mut prefix = String::from("{\"iss\":");
        write_string(&settings.issuer, &mut prefix);
        prefix.push_str(",\"aud\":");
        write_string(&settings.audience, &mut prefix);
        let signing = RwLock::new(Signing::new(&keys, keys.version())?);
        Ok(Self {
            keys,
            signing,
            prefix,
            settings: settings.clone(),
        })
    }

    /// A token for the session as its record stands. The time in its `jti` is when the roles in it were read.
    pub(super) fn issue(&self, record: &Record, now: UnixMs, jti: TimedId) -> Result<AccessToken, Error> {
        let expires_at = access_expiry(record, now, self.settings.access_ttl);
        let signing = self.signing_at(now)?;
        let payload = self.prefix.len() + record.subject.len() + record.claims.len() + REST_BYTES;
        // Payload and its text stand side by side for a moment.
        let room = signing.header.len() + payload + base64url::encoded_len(payload) + SIGNATURE_CHARS;
        let mut text = String::with_capacity(room);
        text.push_str(&signing.header);
        text.push('.');
        let start = text.len();
        self.write_payload(record, now, expires_at, jti, &mut text);
        base64url::encode_tail(&mut text, start);
        finish(&signing.key, &mut text)?;
        Ok(AccessToken { text, expires_at })
    }

    fn write_payload(&self, record: &Record, now: UnixMs, expires_at: UnixMs, jti: TimedId, out: &mut String) {
        let mut digits = itoa::Buffer::new();
        out.push_str(&self.prefix);
        out.push_str(",\"sub\":");
        write_string(&record.subject, out);
        out.push_str(",\"sid\":\"");
        out.push_str(record.sid.text().as_str());
        out.push_str("\",\"jti\":\"");
        out.push_str(jti.text().as_str());
        out.push_str("\",\"iat\":");
        out.push_str(digits.format(now.as_secs()));
        out.push_str(",\"exp\":");
        out.push_str(digits.format(expires_at.as_secs()));
        out.push_str(",\"auth_time\":");
        out.push_str(digits.format(record.authenticated_at.as_secs()));
        if !record.claims.is_empty() {
            out.push(',');
            out.push_str(&record.claims);
        }
        out.push('}');
    }

    fn signing_at(&self, now: UnixMs) -> Result<Arc<Signing>, Error> {
        let version = self.keys.version_at(now);
        let current = Arc::clone(&self.signing.read().unwrap_or_else(PoisonError::into_inner));
        if current.version == version {
            return Ok(current);
        }
        let next = Signing::new(&self.keys, version)?;
        *self.signing.write().unwrap_or_else(PoisonError::into_inner) = Arc::clone(&next);
        Ok(next)
    }
}

/// The claims that a session carries, as the members of a JSON object without its braces.
///
/// `own` is the text of a JSON object. Reserved names in it, and more than 4 KiB in all, are [`Code::ClaimsInvalid`].
pub(super) fn carried_claims(
    roles: Option<&[String]>,
    permissions: Option<&[String]>,
    own: Option<&str>,
) -> Result<String, Error> {
    let mut out = String::new();
    for (name, values) in [("roles", roles), ("permissions", permissions)] {
        if let Some(values) = values {
            if !out.is_empty() {
                out.push(',');
            }
            let _written = write!(out, "\"{name}\":[");
            for (index, value) in values.iter().enumerate() {
                if index > 0 {
                    out.push(',');
                }
                write_string(value, &mut out);
            }
            out.push(']');
        }
    }
    if let Some(own) = own {
        let mut reserved = false;
        let mut empty = true;
        scan_object(own, |name, _| {
            empty = false;
            reserved |= RESERVED.iter().any(|taken| name == **taken);
        })
        .map_err(|fault| Error::because(Code::ClaimsInvalid, fault.as_str()))?;
        if reserved {
            return Err(Error::because(
                Code::ClaimsInvalid,
                "iss, aud, sub, sid, jti, iat, exp, nbf, auth_time, roles, permissions, scope and cnf are reserved",
            ));
        }
        if !empty {
            if !out.is_empty() {
                out.push(',');
            }
            let inside = own.trim().strip_prefix('{').and_then(|rest| rest.strip_suffix('}'));
            out.push_str(inside.unwrap_or_default().trim());
        }
    }
    if out.len() > MAX_CLAIMS_BYTES {
        return Err(Error::because(
            Code::ClaimsInvalid,
            "a session carries at most 4096 bytes of claims",
        ));
    }
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        crypto::Algorithm,
        keys::KeySet,
        random::SystemRandom,
        session::{
            record::tests::{START, record},
            settings::tests::settings,
        },
        time::Span,
    };

    fn payload(record: &Record) -> serde_json::Value {
        let key = Key::generate(Algorithm::EdDsa, Some("k"), &SystemRandom::new()).unwrap();
        let keys = Arc::new(KeySet::new([key]).unwrap().into());
        let token = AccessTokens::new(keys, &settings())
            .unwrap()
            .issue(record, START, TimedId::generate(START, &SystemRandom::new()).unwrap())
            .unwrap();
        assert_eq!(token.expires_at, START.plus(Span::from_secs(300)));
        let segment = token.text.split('.').nth(1).unwrap();
        serde_json::from_slice(&base64url::decode(segment.as_bytes()).unwrap()).unwrap()
    }

    #[test]
    fn a_token_says_who_which_session_and_how_long() {
        let mut record = record();
        record.claims = carried_claims(Some(&["admin".into()]), Some(&[]), Some(r#"{ "tenant": "a\"b" }"#)).unwrap();
        let payload = payload(&record);
        assert_eq!(payload["iss"], "https://app.test");
        assert_eq!(payload["aud"], "app");
        assert_eq!(payload["sub"], "alice");
        assert_eq!(payload["sid"], record.sid.to_string());
        assert_eq!(payload["iat"], 1_700_000_000);
        assert_eq!(payload["exp"], 1_700_000_300);
        assert_eq!(payload["auth_time"], 1_700_000_000);
        assert_eq!(payload["roles"], serde_json::json!(["admin"]));
        assert_eq!(payload["permissions"], serde_json::json!([]));
        assert_eq!(payload["tenant"], "a\"b");
        let jti = TimedId::parse(payload["jti"].as_str().unwrap()).unwrap();
        assert_eq!(jti.time(), START);
    }

    #[test]
    fn absent_means_absent() {
        assert_eq!(carried_claims(None, None, None).unwrap(), "");
        assert_eq!(carried_claims(None, None, Some(" {} ")).unwrap(), "");
        assert!(payload(&record()).get("roles").is_none());
    }

    #[test]
    fn reserved_names_and_unclean_claims_are_refused() {
        for name in RESERVED {
            let error = carried_claims(None, None, Some(&format!("{{\"{name}\":1}}"))).unwrap_err();
            assert_eq!(error.code(), Code::ClaimsInvalid, "{name}");
        }
        for own in ["[]", "{", r#"{"a":1,"a":2}"#, r#"{"\u0073ub":1}"#, r#"{"__proto__":1}"#] {
            assert_eq!(
                carried_claims(None, None, Some(own)).unwrap_err().code(),
                Code::ClaimsInvalid,
                "{own}"
            );
        }
        let huge = format!("{{\"a\":\"{}\"}}", "x".repeat(5000));
        assert_eq!(
            carried_claims(None, None, Some(&huge)).unwrap_err().code(),
            Code::ClaimsInvalid
        );
    }
}
