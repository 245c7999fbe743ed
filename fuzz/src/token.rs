//! The strict verifier once more, for one HS256 key: every step spelt out after RFC 7515 and RFC 7519, nothing shared with
//! keyturn-core.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Map, Value};
use sha2::Sha256;

use crate::json::{self, Verdict};

/// The key of every target that needs one. `scripts/fuzz.mjs` signs its seeds with it.
pub const SECRET: &[u8; 32] = b"a secret of 32 bytes for fuzzing";

/// The time at which every token is judged.
pub const NOW_MS: u64 = 1_700_000_000_000;

/// What is asked of the claims, besides that they are well-formed.
#[derive(Clone, Copy, Debug)]
pub struct Demands {
    /// Who must have issued it.
    pub issuer: Option<&'static str>,
    /// For whom it must be; a token for somebody is refused where nobody is expected.
    pub audience: Option<&'static str>,
    /// Whether it must have an end.
    pub needs_end: bool,
}

/// The compact form of a header and a payload, signed.
#[must_use]
pub fn seal(header: &[u8], payload: &[u8]) -> String {
    let input = format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(payload));
    let tag = mac(input.as_bytes()).finalize().into_bytes();
    format!("{input}.{}", URL_SAFE_NO_PAD.encode(tag))
}

/// What the oracle makes of a token.
#[must_use]
pub fn judge(token: &[u8], demands: Demands) -> Verdict {
    check(token, demands).unwrap_or(Verdict::Refused)
}

/// `None` refuses.
fn check(token: &[u8], demands: Demands) -> Option<Verdict> {
    if token.len() > 8192 {
        return None;
    }
    let segments: Vec<&[u8]> = token.split(|byte| *byte == b'.').collect();
    let [header, payload, tag] = segments[..] else {
        return None;
    };
    let header_text = String::from_utf8(URL_SAFE_NO_PAD.decode(header).ok()?).ok()?;
    let payload_bytes = URL_SAFE_NO_PAD.decode(payload).ok()?;
    mac(&token[..header.len() + 1 + payload.len()])
        .verify_slice(&URL_SAFE_NO_PAD.decode(tag).ok()?)
        .ok()?;
    match json::object(&header_text) {
        // A parameter that is written with escapes is refused if it is one that matters, which cannot be seen any more.
        Verdict::Object(header) if is_fine_header(&header) && header_text.contains('\\') => {
            return Some(Verdict::Undecided);
        }
        Verdict::Object(header) if is_fine_header(&header) => {}
        Verdict::Undecided => return Some(Verdict::Undecided),
        _ => return None,
    }
    match json::object(&String::from_utf8(payload_bytes).ok()?) {
        Verdict::Object(claims) if are_fine_claims(&claims, demands)? => Some(Verdict::Object(claims)),
        Verdict::Undecided => Some(Verdict::Undecided),
        _ => None,
    }
}

fn is_fine_header(header: &Map<String, Value>) -> bool {
    let is_text = |name: &str| header.get(name).is_none_or(Value::is_string);
    header.get("alg").is_some_and(|alg| alg == "HS256")
        && is_text("kid")
        && is_text("typ")
        && header
            .get("kid")
            .and_then(Value::as_str)
            .is_none_or(|kid| kid.len() <= 256)
        && !header.contains_key("crit")
        && !header.contains_key("b64")
}

/// `None` refuses, as `false` does.
fn are_fine_claims(claims: &Map<String, Value>, demands: Demands) -> Option<bool> {
    let now = NOW_MS as f64;
    let (exp, nbf) = (date(claims, "exp")?, date(claims, "nbf")?);
    date(claims, "iat")?;
    for name in ["iss", "sub", "jti", "sid"] {
        text(claims, name)?;
    }
    let audiences: Option<Vec<&str>> = match claims.get("aud") {
        None => None,
        Some(Value::String(one)) => Some(vec![one]),
        Some(Value::Array(many)) => Some(many.iter().map(Value::as_str).collect::<Option<_>>()?),
        Some(_) => return None,
    };
    let is_alive = exp.map_or(!demands.needs_end, |exp| now < exp * 1000.0);
    let is_active = nbf.is_none_or(|nbf| now >= nbf * 1000.0);
    let is_issued = demands
        .issuer
        .is_none_or(|wanted| claims.get("iss").is_some_and(|iss| iss == wanted));
    let is_for_us = match (audiences, demands.audience) {
        (None, None) => true,
        (Some(named), Some(wanted)) => named.contains(&wanted),
        _ => false,
    };
    Some(is_alive && is_active && is_issued && is_for_us)
}

/// The outer `None` refuses: a claim that is there and is no point in time between 0 and 2^53.
fn date(claims: &Map<String, Value>, name: &str) -> Option<Option<f64>> {
    let Some(value) = claims.get(name) else {
        return Some(None);
    };
    let seconds = value.as_f64()?;
    (seconds.is_sign_positive() && seconds <= 9_007_199_254_740_991.0).then_some(Some(seconds))
}

/// `None` refuses: a claim that is there and is no text.
fn text(claims: &Map<String, Value>, name: &str) -> Option<()> {
    claims.get(name).is_none_or(Value::is_string).then_some(())
}

fn mac(input: &[u8]) -> Hmac<Sha256> {
    let mut mac = Hmac::new_from_slice(SECRET).expect("HMAC takes a key of any length");
    mac.update(input);
    mac
}
