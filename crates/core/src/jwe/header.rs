//! The protected header (RFC 7516, section 4; RFC 7518, sections 4.6.1 and 4.7.1).

use crate::{
    crypto::{ContentEncryption, Curve, EcdhPublic, KeyManagement},
    encoding::{
        base64url,
        json::{Text, Value, scan_object, write_string},
    },
    error::{Code, Error},
    keys::{EncryptionKey, MAX_KID},
};

/// What a recipient reads of a header. Embedded keys and links (`jwk`, `jku`, `x5c`, `x5u`) are never looked at.
#[derive(Debug)]
pub struct Header {
    /// `alg`.
    pub algorithm: KeyManagement,
    /// `enc`.
    pub encryption: ContentEncryption,
    /// `kid`.
    pub kid: Option<String>,
    pub(super) parameters: Parameters,
}

/// What the algorithm needs besides the encrypted key.
#[derive(Debug)]
pub(super) enum Parameters {
    /// Nothing.
    None,
    /// The sender's ephemeral key, and between whom a key is agreed.
    Agreement {
        epk: EphemeralKey,
        apu: Vec<u8>,
        apv: Vec<u8>,
    },
    /// The vector and the tag under which the CEK is wrapped.
    GcmWrap { iv: [u8; 12], tag: [u8; 16] },
}

/// The sender's ephemeral public key as it stands in the header. Whether its point is on the curve is found out by the key that
/// it is to agree with.
#[derive(Debug)]
pub(super) struct EphemeralKey {
    curve: Curve,
    x: Vec<u8>,
    y: Option<Vec<u8>>,
}

impl EphemeralKey {
    /// The key, if it is a point on its curve and not of small order.
    pub(super) fn parse(&self) -> Option<EcdhPublic> {
        EcdhPublic::from_coordinates(self.curve, &self.x, self.y.as_deref()).ok()
    }
}

const MALFORMED: Error = Error::because(Code::TokenMalformed, "header");

/// The parameters that are read. `crit`, `zip` and `b64` are refused whatever they say: nothing they could ask for is supported,
/// and what is never inflated cannot burst.
const KNOWN: [&str; 12] = [
    "alg", "apu", "apv", "b64", "crit", "cty", "enc", "epk", "iv", "kid", "tag", "typ",
];
const REFUSED: [&str; 3] = ["b64", "crit", "zip"];

/// The values of those among [`KNOWN`] that matter.
#[derive(Default)]
struct Found<'a> {
    alg: Option<Value<'a>>,
    apu: Option<Value<'a>>,
    apv: Option<Value<'a>>,
    cty: Option<Value<'a>>,
    enc: Option<Value<'a>>,
    epk: Option<Value<'a>>,
    iv: Option<Value<'a>>,
    kid: Option<Value<'a>>,
    tag: Option<Value<'a>>,
    typ: Option<Value<'a>>,
}

impl Header {
    /// Reads a header from its JSON text.
    pub fn parse(json: &str) -> Result<Self, Error> {
        let found = Found::scan(json)?;
        let kid = optional(found.kid)?;
        if kid.as_ref().is_some_and(|kid| kid.len() > MAX_KID) {
            return Err(Error::because(Code::TokenMalformed, "kid"));
        }
        optional(found.typ)?;
        optional(found.cty)?;
        let algorithm =
            KeyManagement::from_name(&optional(found.alg)?.ok_or(MALFORMED)?).ok_or(Code::AlgorithmNotAllowed)?;
        let encryption =
            ContentEncryption::from_name(&optional(found.enc)?.ok_or(MALFORMED)?).ok_or(Code::AlgorithmNotAllowed)?;
        let parameters = match algorithm {
            KeyManagement::EcdhEs | KeyManagement::EcdhEsA128Kw | KeyManagement::EcdhEsA256Kw => {
                Parameters::Agreement {
                    epk: ephemeral_key(found.epk)?,
                    apu: bytes(found.apu, "apu")?.unwrap_or_default(),
                    apv: bytes(found.apv, "apv")?.unwrap_or_default(),
                }
            }
            KeyManagement::A128GcmKw | KeyManagement::A256GcmKw => Parameters::GcmWrap {
                iv: exactly(found.iv, "iv")?,
                tag: exactly(found.tag, "tag")?,
            },
            _ => Parameters::None,
        };
        Ok(Self {
            algorithm,
            encryption,
            kid,
            parameters,
        })
    }
}

impl<'a> Found<'a> {
    fn scan(json: &'a str) -> Result<Self, Error> {
        let mut found = Self::default();
        let mut extended = false;
        scan_object(json, |name, value| match name.plain() {
            Some("alg") => found.alg = Some(value),
            Some("apu") => found.apu = Some(value),
            Some("apv") => found.apv = Some(value),
            Some("cty") => found.cty = Some(value),
            Some("enc") => found.enc = Some(value),
            Some("epk") => found.epk = Some(value),
            Some("iv") => found.iv = Some(value),
            Some("kid") => found.kid = Some(value),
            Some("tag") => found.tag = Some(value),
            Some("typ") => found.typ = Some(value),
            Some(other) => extended |= REFUSED.contains(&other),
            // A parameter that somebody bothered to write with escapes is refused if it is one that matters.
            None => extended |= KNOWN.iter().chain(&REFUSED).any(|known| name == **known),
        })
        .map_err(|fault| Error::because(Code::TokenMalformed, fault.as_str()))?;
        if extended {
            return Err(Code::HeaderUnsupported.into());
        }
        Ok(found)
    }
}

/// A JWK with the members of a public key; one that shows its private half is refused.
fn ephemeral_key(value: Option<Value<'_>>) -> Result<EphemeralKey, Error> {
    const EPK: Error = Error::because(Code::TokenMalformed, "epk");
    let Some(Value::Object(json)) = value else {
        return Err(EPK);
    };
    let (mut kty, mut crv, mut x, mut y) = (None, None, None, None);
    let mut foreign = false;
    scan_object(json, |name, value| match name.plain() {
        Some("kty") => kty = text(value),
        Some("crv") => crv = text(value),
        Some("x") => x = text(value),
        Some("y") => y = text(value),
        Some(other) => foreign |= other == "d",
        None => foreign = true,
    })
    .map_err(|_| EPK)?;
    let coordinate = |text: Text<'_>| base64url::decode(text.decode().as_bytes()).map_err(|_| EPK);
    let curve = crv
        .and_then(|crv| Curve::from_name(&crv.decode()))
        .filter(|curve| kty.is_some_and(|kty| kty == *curve.key_type()))
        .filter(|_| !foreign)
        .ok_or(EPK)?;
    Ok(EphemeralKey {
        curve,
        x: coordinate(x.ok_or(EPK)?)?,
        y: y.filter(|_| curve != Curve::X25519).map(coordinate).transpose()?,
    })
}

fn optional(value: Option<Value<'_>>) -> Result<Option<String>, Error> {
    match value {
        None => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.decode().into_owned())),
        Some(_) => Err(MALFORMED),
    }
}

fn text(value: Value<'_>) -> Option<Text<'_>> {
    match value {
        Value::String(text) => Some(text),
        _ => None,
    }
}

fn bytes(value: Option<Value<'_>>, name: &'static str) -> Result<Option<Vec<u8>>, Error> {
    let malformed = Error::because(Code::TokenMalformed, name);
    let Some(value) = value else {
        return Ok(None);
    };
    let text = text(value).ok_or(malformed)?;
    base64url::decode(text.decode().as_bytes())
        .map(Some)
        .map_err(|_| malformed)
}

fn exactly<const N: usize>(value: Option<Value<'_>>, name: &'static str) -> Result<[u8; N], Error> {
    let malformed = Error::because(Code::TokenMalformed, name);
    bytes(value, name)?.ok_or(malformed)?.try_into().map_err(|_| malformed)
}

/// What encryption adds to a header besides `alg`, `kid` and `enc`.
pub(super) enum Added<'a> {
    Nothing,
    EphemeralKey(&'a EcdhPublic),
    GcmWrap { iv: &'a [u8], tag: &'a [u8] },
}

/// The JSON text of a protected header. `extra` is the inside of a JSON object, without its braces.
pub(super) fn write_header(
    key: &EncryptionKey,
    encryption: ContentEncryption,
    added: &Added<'_>,
    extra: &str,
) -> String {
    let mut json = String::from("{\"alg\":");
    write_string(key.algorithm().as_str(), &mut json);
    if let Some(kid) = key.kid() {
        member("kid", kid, &mut json);
    }
    match added {
        Added::Nothing => {}
        Added::EphemeralKey(public) => {
            let (x, y) = public.coordinates();
            json.push_str(",\"epk\":{\"kty\":");
            write_string(public.curve().key_type(), &mut json);
            member("crv", public.curve().as_str(), &mut json);
            member("x", &base64url::encode(x), &mut json);
            if let Some(y) = y {
                member("y", &base64url::encode(y), &mut json);
            }
            json.push('}');
        }
        Added::GcmWrap { iv, tag } => {
            member("tag", &base64url::encode(tag), &mut json);
            member("iv", &base64url::encode(iv), &mut json);
        }
    }
    member("enc", encryption.as_str(), &mut json);
    if !extra.is_empty() {
        json.push(',');
        json.push_str(extra);
    }
    json.push('}');
    json
}

fn member(name: &str, value: &str, json: &mut String) {
    json.push(',');
    write_string(name, json);
    json.push(':');
    write_string(value, json);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(json: &str) -> (Code, Option<&'static str>) {
        let error = Header::parse(json).expect_err(json);
        (error.code(), error.reason())
    }

    fn with(member: &str) -> String {
        format!(r#"{{"alg":"dir","enc":"A128GCM",{member}}}"#)
    }

    #[test]
    fn extensions_and_compression_are_refused_whatever_they_say() {
        for member in [
            r#""zip":"DEF""#,
            r#""zip":null"#,
            r#""crit":["exp"]"#,
            r#""crit":[]"#,
            r#""b64":true"#,
            r#""z\u0069p":"DEF""#,
            r#""cr\u0069t":[]"#,
            r#""\u0065pk":{}"#,
        ] {
            assert_eq!(refusal(&with(member)), (Code::HeaderUnsupported, None), "{member}");
        }
    }

    #[test]
    fn unknown_algorithms_are_not_allowed_and_missing_ones_malformed() {
        for (alg, enc) in [
            ("RSA1_5", "A128GCM"),
            ("PBES2-HS256+A128KW", "A128GCM"),
            ("none", "A128GCM"),
            ("HS256", "A128GCM"),
            ("Dir", "A128GCM"),
            ("dir", "A192GCM"),
            ("dir", "none"),
            ("dir", ""),
        ] {
            let json = format!(r#"{{"alg":"{alg}","enc":"{enc}"}}"#);
            assert_eq!(refusal(&json).0, Code::AlgorithmNotAllowed, "{json}");
        }
        for json in [
            r#"{"alg":"dir"}"#,
            r#"{"enc":"A128GCM"}"#,
            r#"{"alg":["dir"],"enc":"A128GCM"}"#,
            r#"{"alg":"dir","enc":1}"#,
        ] {
            assert_eq!(refusal(json), (Code::TokenMalformed, Some("header")), "{json}");
        }
        assert_eq!(
            refusal(&with(r#""alg":"dir""#)),
            (Code::TokenMalformed, Some("duplicate"))
        );
        assert_eq!(refusal(&with(r#""typ":1"#)), (Code::TokenMalformed, Some("header")));
        assert_eq!(refusal(&with(r#""cty":null"#)), (Code::TokenMalformed, Some("header")));
    }

    #[test]
    fn an_ephemeral_key_is_a_public_jwk() {
        let epk = |json: &str| format!(r#"{{"alg":"ECDH-ES","enc":"A128GCM","epk":{json}}}"#);
        assert!(Header::parse(&epk(r#"{"kty":"OKP","crv":"X25519","x":"AA"}"#)).is_ok());
        for json in [
            "null",
            "[]",
            "{}",
            r#"{"kty":"EC","crv":"X25519","x":"AA"}"#,
            r#"{"kty":"OKP","crv":"Ed25519","x":"AA"}"#,
            r#"{"kty":"OKP","crv":"X25519"}"#,
            r#"{"kty":"OKP","crv":"X25519","x":"AA=="}"#,
            r#"{"kty":"OKP","crv":"X25519","x":1}"#,
            r#"{"kty":"OKP","crv":"X25519","x":"AA","d":"AA"}"#,
            r#"{"kty":"OKP","crv":"X25519","\u0078":"AA"}"#,
        ] {
            assert_eq!(refusal(&epk(json)), (Code::TokenMalformed, Some("epk")), "{json}");
        }
        assert_eq!(
            refusal(r#"{"alg":"ECDH-ES","enc":"A128GCM"}"#),
            (Code::TokenMalformed, Some("epk"))
        );
        let apu = r#"{"alg":"ECDH-ES","enc":"A128GCM","epk":{"kty":"OKP","crv":"X25519","x":"AA"},"apu":"A"}"#;
        assert_eq!(refusal(apu), (Code::TokenMalformed, Some("apu")));
    }

    #[test]
    fn the_vector_and_tag_of_a_wrapped_key_have_exact_lengths() {
        let header =
            |iv: &str, tag: &str| format!(r#"{{"alg":"A128GCMKW","enc":"A128GCM","iv":"{iv}","tag":"{tag}"}}"#);
        let (iv, tag) = (base64url::encode(&[1; 12]), base64url::encode(&[1; 16]));
        assert!(Header::parse(&header(&iv, &tag)).is_ok());
        for length in [0, 11, 13, 16] {
            let json = header(&base64url::encode(&vec![1; length]), &tag);
            assert_eq!(refusal(&json), (Code::TokenMalformed, Some("iv")));
        }
        for length in [0, 4, 12, 15, 17] {
            let json = header(&iv, &base64url::encode(&vec![1; length]));
            assert_eq!(refusal(&json), (Code::TokenMalformed, Some("tag")));
        }
    }
}
