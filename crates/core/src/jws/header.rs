//! The protected header (RFC 7515, section 4).

use crate::{
    crypto::Algorithm,
    encoding::{
        base64url,
        json::{Text, Value, scan_object, write_string},
    },
    error::{Code, Error},
    keys::MAX_KID,
};

/// What a verifier reads of a header. Embedded keys and links (`jwk`, `jku`, `x5c`, `x5u`) are never looked at: a token
/// does not choose its key (RFC 8725, section 3.10).
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Header {
    /// `alg`.
    pub algorithm: Algorithm,
    /// `kid`.
    pub kid: Option<String>,
    /// `typ`, in lower case and without `application/` (RFC 7515, section 4.1.9).
    pub typ: Option<String>,
}

impl Header {
    /// Reads a header from its JSON text.
    ///
    /// `crit` is refused whatever it lists, since no extension is supported, and so is `b64` (RFC 7797).
    pub fn parse(json: &str) -> Result<Self, Error> {
        let mut alg = None;
        let mut kid = None;
        let mut typ = None;
        let mut extended = false;
        scan_object(json, |name, value| match name.plain() {
            Some("alg") => alg = Some(string(value)),
            Some("kid") => kid = Some(string(value)),
            Some("typ") => typ = Some(string(value)),
            Some("crit" | "b64") => extended = true,
            Some(_) => {}
            // A parameter that somebody bothered to write with escapes is refused if it is one of those above.
            None => extended |= ["alg", "kid", "typ", "crit", "b64"].iter().any(|known| name == **known),
        })
        .map_err(|fault| Error::because(Code::TokenMalformed, fault.as_str()))?;
        if extended {
            return Err(Code::HeaderUnsupported.into());
        }
        let text = |member: Option<Option<Text<'_>>>| match member {
            None => Ok(None),
            Some(Some(text)) => Ok(Some(text.decode().into_owned())),
            Some(None) => Err(Error::because(Code::TokenMalformed, "header")),
        };
        let kid = text(kid)?;
        if kid.as_ref().is_some_and(|kid| kid.len() > MAX_KID) {
            return Err(Error::because(Code::TokenMalformed, "kid"));
        }
        let alg = text(alg)?.ok_or(Error::because(Code::TokenMalformed, "header"))?;
        Ok(Self {
            algorithm: Algorithm::from_name(&alg).ok_or(Code::AlgorithmNotAllowed)?,
            kid,
            typ: text(typ)?.map(|typ| media_type(&typ)),
        })
    }
}

/// `typ` in the form in which it is compared: lower case, without `application/` (RFC 7515, section 4.1.9).
pub(crate) fn media_type(typ: &str) -> String {
    let lower = typ.to_ascii_lowercase();
    match lower.strip_prefix("application/") {
        Some(rest) if !rest.contains('/') => rest.to_owned(),
        _ => lower,
    }
}

/// The base64url text of a header with these parameters, made once for a signer.
pub fn protected_header(algorithm: Algorithm, typ: Option<&str>, kid: Option<&str>) -> String {
    let mut json = String::from("{");
    let mut members = Members::new(&mut json);
    members.string("alg", algorithm.as_str());
    for (name, value) in [("typ", typ), ("kid", kid)] {
        if let Some(value) = value {
            members.string(name, value);
        }
    }
    json.push('}');
    base64url::encode(json.as_bytes())
}

/// Writes the members of a JSON object, commas between them.
pub(super) struct Members<'a> {
    out: &'a mut String,
    first: bool,
}

impl<'a> Members<'a> {
    pub(super) fn new(out: &'a mut String) -> Self {
        Self { out, first: true }
    }

    pub(super) fn string(&mut self, name: &str, value: &str) {
        self.name(name);
        write_string(value, self.out);
    }

    /// A value that is JSON already.
    pub(super) fn raw(&mut self, name: &str, value: &str) {
        self.name(name);
        self.out.push_str(value);
    }

    fn name(&mut self, name: &str) {
        if !self.first {
            self.out.push(',');
        }
        self.first = false;
        write_string(name, self.out);
        self.out.push(':');
    }
}

fn string(value: Value<'_>) -> Option<Text<'_>> {
    match value {
        Value::String(text) => Some(text),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(json: &str) -> Code {
        Header::parse(json).expect_err(json).code()
    }

    #[test]
    fn what_is_written_reads_back() {
        let text = protected_header(Algorithm::Hs256, Some("at+jwt"), Some("k\"1"));
        let json = String::from_utf8(base64url::decode(text.as_bytes()).unwrap()).unwrap();
        let header = Header::parse(&json).unwrap();
        assert_eq!(header.algorithm, Algorithm::Hs256);
        assert_eq!(header.kid.as_deref(), Some("k\"1"));
        assert_eq!(header.typ.as_deref(), Some("at+jwt"));
    }

    #[test]
    fn every_spelling_of_none_and_of_unknown_algorithms_is_refused() {
        for alg in [
            "none", "None", "nOnE", " none", "", "hs256", "HS256 ", "RS1", "ES256K", "Ed25519 ",
        ] {
            assert_eq!(
                code(&format!("{{\"alg\":\"{alg}\"}}")),
                Code::AlgorithmNotAllowed,
                "{alg:?}"
            );
        }
    }

    #[test]
    fn an_algorithm_that_is_missing_or_no_string_is_malformed() {
        for json in [
            "{}",
            r#"{"alg":["HS256"]}"#,
            r#"{"alg":null}"#,
            r#"{"alg":1}"#,
            r#"{"ALG":"HS256"}"#,
        ] {
            assert_eq!(code(json), Code::TokenMalformed, "{json}");
        }
        for json in [
            r#"{"alg":"none","alg":"HS256"}"#,
            r#"{"alg":"HS256"} "#.trim_end(),
            "HS256",
        ] {
            assert!(json.ends_with('}') && !json.contains("none") || code(json) == Code::TokenMalformed);
        }
    }

    #[test]
    fn extensions_are_refused_whatever_they_say() {
        for member in [
            r#""crit":["exp"]"#,
            r#""crit":[]"#,
            r#""crit":1"#,
            r#""crit":["b64"],"b64":false"#,
            r#""b64":false"#,
            r#""b64":true"#,
            r#""cr\u0069t":["x"]"#,
        ] {
            assert_eq!(
                code(&format!("{{\"alg\":\"HS256\",{member}}}")),
                Code::HeaderUnsupported,
                "{member}"
            );
        }
    }

    #[test]
    fn a_kid_or_typ_that_is_no_string_is_malformed() {
        for member in [r#""kid":1"#, r#""kid":null"#, r#""kid":["a"]"#, r#""typ":{}"#] {
            assert_eq!(
                code(&format!("{{\"alg\":\"HS256\",{member}}}")),
                Code::TokenMalformed,
                "{member}"
            );
        }
    }

    #[test]
    fn a_kid_longer_than_any_key_can_have_is_malformed() {
        let header = |length| format!(r#"{{"alg":"HS256","kid":"{}"}}"#, "k".repeat(length));
        assert!(Header::parse(&header(MAX_KID)).is_ok());
        assert_eq!(code(&header(MAX_KID + 1)), Code::TokenMalformed);
    }

    #[test]
    fn embedded_keys_are_never_looked_at() {
        let json = r#"{"alg":"HS256","jwk":{"kty":"oct","k":"AA"},"jku":"https://evil.test","x5c":["MII"]}"#;
        assert_eq!(Header::parse(json).unwrap().kid, None);
    }

    #[test]
    fn a_type_is_compared_as_a_media_type() {
        assert_eq!(media_type("application/at+JWT"), "at+jwt");
        assert_eq!(media_type("JWT"), "jwt");
        assert_eq!(media_type("application/a/b"), "application/a/b");
    }
}
