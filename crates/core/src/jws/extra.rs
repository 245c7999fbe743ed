//! Further members of a protected header, as a caller gives them: judged once, before anything is signed.

use super::header::Members;
use crate::{
    encoding::{
        base64url,
        json::{Fault, Value, scan_object},
    },
    error::{Code, Error},
    keys::{Key, MAX_KID},
};

/// The longest header that is added to a token, as JSON. What is longer hardly fits into the 8 KiB that a verifier of
/// tokens takes by default.
pub const MAX_EXTRA_BYTES: usize = 4096;

/// Header members that a caller adds: never those that decide how a token is verified (`alg`, `crit`, `b64`), nor a key or
/// a place to fetch one from (`jwk`, `jku`, `x5c`, `x5u`): a token does not choose its key (RFC 8725, section 3.10).
#[derive(Clone, Debug, Default)]
pub struct ExtraHeader {
    typ: Option<String>,
    kid: Option<String>,
    rest: String,
}

impl ExtraHeader {
    /// Reads them from the text of a JSON object of at most [`MAX_EXTRA_BYTES`].
    ///
    /// What the strict verifier would refuse is [`Code::OptionInvalid`] here: duplicates, `__proto__`, lone surrogates, deep
    /// nesting, a `typ` or `kid` that is no string.
    pub fn parse(json: &str) -> Result<Self, Error> {
        if json.len() > MAX_EXTRA_BYTES {
            return Err(refused("header takes at most 4096 bytes of JSON"));
        }
        let mut extra = Self::default();
        let mut fault = None;
        let mut members = Members::new(&mut extra.rest);
        scan_object(json, |name, value| {
            let name = name.decode();
            match name.as_ref() {
                "alg" => fault = Some(refused("header names alg, which the key fixes")),
                "crit" | "b64" => fault = Some(refused("header names crit or b64, which no verifier here accepts")),
                "jwk" | "jku" | "x5c" | "x5u" => {
                    fault = Some(refused(
                        "header holds a key or a link to one (jwk, jku, x5c, x5u), which a token must not bring along",
                    ));
                }
                "typ" => extra.typ = string(value, &mut fault),
                "kid" => extra.kid = string(value, &mut fault),
                name => members.value(name, value),
            }
        })
        .map_err(|fault| refused(unclean(fault)))?;
        fault.map_or(Ok(extra), Err)
    }

    /// The base64url text of the header for `key`: `alg`, `typ`, `kid`, then the members in the order they were given in.
    ///
    /// `typ` is what another option says; it is [`Code::OptionInvalid`] if these members say otherwise. So is a `kid` that
    /// is not the key's; a key without one takes theirs.
    pub fn protected_header(&self, key: &Key, typ: Option<&str>) -> Result<String, Error> {
        let typ = agreed(typ, self.typ.as_deref(), "header.typ contradicts the typ option")?;
        let kid = agreed(key.kid(), self.kid.as_deref(), "header.kid contradicts the key's kid")?;
        let mut json = String::from("{");
        let mut members = Members::new(&mut json);
        members.string("alg", key.algorithm().as_str());
        for (name, value) in [("typ", typ), ("kid", kid)] {
            if let Some(value) = value {
                members.string(name, value);
            }
        }
        if !self.rest.is_empty() {
            json.push(',');
            json.push_str(&self.rest);
        }
        json.push('}');
        Ok(base64url::encode(json.as_bytes()))
    }

    /// The `typ` among them.
    pub fn typ(&self) -> Option<&str> {
        self.typ.as_deref()
    }
}

/// The one of two statements that there is; they must not differ.
fn agreed<'a>(one: Option<&'a str>, other: Option<&'a str>, otherwise: &'static str) -> Result<Option<&'a str>, Error> {
    match (one, other) {
        (Some(one), Some(other)) if one != other => Err(refused(otherwise)),
        _ => Ok(one.or(other)),
    }
}

fn string(value: Value<'_>, fault: &mut Option<Error>) -> Option<String> {
    let text = match value {
        Value::String(text) => text.decode().into_owned(),
        _ => String::new(),
    };
    if text.is_empty() || text.len() > MAX_KID || text.chars().any(char::is_control) {
        *fault = Some(refused(
            "typ and kid of a header are strings of 1 to 256 bytes without control characters",
        ));
        return None;
    }
    Some(text)
}

const fn refused(reason: &'static str) -> Error {
    Error::because(Code::OptionInvalid, reason)
}

const fn unclean(fault: Fault) -> &'static str {
    match fault {
        Fault::Depth => "header nests deeper than 32",
        Fault::Duplicate => "a member of header occurs twice",
        Fault::Proto => "a member of header is named __proto__",
        Fault::Surrogate => "a string of header holds half of a surrogate pair",
        Fault::Syntax => "header must be an object of plain JSON data",
    }
}

impl Members<'_> {
    fn value(&mut self, name: &str, value: Value<'_>) {
        match value {
            Value::Array(text) | Value::Number(text) | Value::Object(text) => self.raw(name, text),
            Value::Bool(flag) => self.raw(name, if flag { "true" } else { "false" }),
            Value::Null => self.raw(name, "null"),
            Value::String(text) => self.string(name, &text.decode()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{crypto::Algorithm, random::SystemRandom};

    fn key(kid: Option<&str>) -> Key {
        Key::generate(Algorithm::Hs256, kid, &SystemRandom::new()).unwrap()
    }

    fn header(json: &str, kid: Option<&str>, typ: Option<&str>) -> Result<String, Error> {
        let text = ExtraHeader::parse(json)?.protected_header(&key(kid), typ)?;
        Ok(String::from_utf8(base64url::decode(text.as_bytes()).unwrap()).unwrap())
    }

    #[test]
    fn members_follow_those_of_the_key_in_the_order_given() {
        let json = r#"{"cty":"text/\"plain\"","x":[1, {"y":null}],"n":-1.5e3,"ok":true,"no":null}"#;
        assert_eq!(
            header(json, Some("k"), Some("at+jwt")).unwrap(),
            r#"{"alg":"HS256","typ":"at+jwt","kid":"k","cty":"text/\"plain\"","x":[1, {"y":null}],"n":-1.5e3,"ok":true,"no":null}"#
        );
        assert_eq!(header("{}", None, None).unwrap(), r#"{"alg":"HS256"}"#);
        assert_eq!(
            header(r#"{"typ":"a","kid":"b"}"#, None, None).unwrap(),
            r#"{"alg":"HS256","typ":"a","kid":"b"}"#
        );
    }

    #[test]
    fn what_agrees_is_written_once() {
        assert_eq!(
            header(r#"{"kid":"k","typ":"JWT"}"#, Some("k"), Some("JWT")).unwrap(),
            r#"{"alg":"HS256","typ":"JWT","kid":"k"}"#
        );
    }

    #[test]
    fn what_contradicts_is_refused() {
        for (json, kid, typ) in [
            (r#"{"kid":"other"}"#, Some("k"), None),
            (r#"{"kid":"K"}"#, Some("k"), None),
            (r#"{"typ":"jwt"}"#, None, Some("JWT")),
        ] {
            assert_eq!(
                header(json, kid, typ).unwrap_err().code(),
                Code::OptionInvalid,
                "{json}"
            );
        }
    }

    #[test]
    fn a_header_that_decides_its_own_verification_is_refused() {
        for json in [
            r#"{"alg":"HS256"}"#,
            r#"{"\u0061lg":"none"}"#,
            r#"{"crit":["exp"]}"#,
            r#"{"b64":true}"#,
            r#"{"jwk":{}}"#,
            r#"{"jku":"https://keys.test"}"#,
            r#"{"x5c":[]}"#,
            r#"{"x5u":"https://keys.test"}"#,
            r#"{"typ":1}"#,
            r#"{"typ":""}"#,
            r#"{"kid":null}"#,
            r#"{"kid":"a\r\nb"}"#,
            r#"{"a":1,"a":2}"#,
            r#"{"__proto__":{}}"#,
            r#"{"a":"\ud800"}"#,
            "[]",
            "",
            "null",
            "{} ,",
        ] {
            assert_eq!(
                ExtraHeader::parse(json).unwrap_err().code(),
                Code::OptionInvalid,
                "{json}"
            );
        }
        assert!(ExtraHeader::parse(r#"{"x5t#S256":"A4DtL2Jmkz"}"#).is_ok());
    }

    #[test]
    fn a_header_is_bounded() {
        let header = |length: usize| format!(r#"{{"a":"{}"}}"#, "x".repeat(length - 8));
        assert!(ExtraHeader::parse(&header(MAX_EXTRA_BYTES)).is_ok());
        assert!(ExtraHeader::parse(&header(MAX_EXTRA_BYTES + 1)).is_err());
    }
}
