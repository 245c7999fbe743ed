//! JSON Web Keys for encryption (RFC 7517, RFC 7518 section 6, RFC 8037) in, public ones and thumbprints (RFC 7638) out.

use super::{
    EncryptionKey,
    import::{Binding, from_secret, unbound},
    key::{Parts, Uses},
};
use crate::{
    crypto::{
        ContentEncryption, Curve, EcdhPublic, EcdhSecret, KeyFamily, KeyManagement, OaepPublic, OaepSecret, sha256,
    },
    encoding::{base64url, json::write_string},
    error::Error,
    keys::jwk_members::{Members, RsaNumbers, decoded, refused, secret},
};

pub(super) fn import(binding: Binding, json: &str, kid: Option<&str>) -> Result<EncryptionKey, Error> {
    let jwk = Members::parse(json)?;
    if jwk.r#use.as_deref().is_some_and(|usage| usage != "enc") {
        return Err(refused("the JWK's use is not enc"));
    }
    let kid = kid.or(jwk.kid.as_deref());
    match (binding.algorithm.family(), jwk.kty.as_str()) {
        (KeyFamily::Secret(_), "oct") => {
            let binding = named(binding, jwk.alg.as_deref())?;
            let uses = secret_uses(binding.algorithm, jwk.key_ops.as_deref())?;
            from_secret(binding, secret(jwk.k.as_deref(), "the JWK has no k")?, kid, uses)
        }
        (KeyFamily::Rsa, "RSA") => asymmetric(binding, &jwk, kid, rsa(&jwk)?),
        (KeyFamily::Ecdh, "EC" | "OKP") => asymmetric(binding, &jwk, kid, ecdh(&jwk)?),
        _ => Err(refused("the JWK's kty does not belong to the algorithm")),
    }
}

fn asymmetric(binding: Binding, jwk: &Members, kid: Option<&str>, parts: Parts) -> Result<EncryptionKey, Error> {
    unbound(binding)?;
    if jwk.alg.as_deref().is_some_and(|alg| alg != binding.algorithm.as_str()) {
        return Err(OTHER_ALGORITHM);
    }
    let allowed: &[&str] = match (&parts, jwk.key_ops.as_deref()) {
        // The public half of an agreement has no operation of its own to name.
        (_, None) | (Parts::EcdhPublic(_), Some([])) => return EncryptionKey::new(binding.algorithm, None, kid, parts),
        (Parts::EcdhPrivate(_) | Parts::EcdhPublic(_), _) => &["deriveKey", "deriveBits"],
        (Parts::RsaPrivate(_), _) => &["unwrapKey", "decrypt"],
        _ => &["wrapKey", "encrypt"],
    };
    if !names(jwk.key_ops.as_deref(), allowed) {
        return Err(OPERATIONS);
    }
    EncryptionKey::new(binding.algorithm, None, kid, parts)
}

const OTHER_ALGORITHM: Error = refused("the JWK's alg is another algorithm");
const OPERATIONS: Error = refused("the JWK's key_ops do not allow this use");

/// A JWK for direct encryption names `dir`, or the content encryption as RFC 7520 does in section 5.6.1.
fn named(binding: Binding, alg: Option<&str>) -> Result<Binding, Error> {
    let Some(alg) = alg.filter(|alg| *alg != binding.algorithm.as_str()) else {
        return Ok(binding);
    };
    let encryption = ContentEncryption::from_name(alg)
        .filter(|_| binding.algorithm == KeyManagement::Dir)
        .filter(|own| binding.encryption.is_none_or(|wanted| wanted == *own))
        .ok_or(OTHER_ALGORITHM)?;
    Ok(Binding {
        encryption: Some(encryption),
        ..binding
    })
}

fn secret_uses(algorithm: KeyManagement, operations: Option<&[String]>) -> Result<Uses, Error> {
    let (encrypt, decrypt): (&[&str], &[&str]) = if algorithm == KeyManagement::Dir {
        (&["encrypt"], &["decrypt"])
    } else {
        (&["wrapKey", "encrypt"], &["unwrapKey", "decrypt"])
    };
    let uses = Uses {
        encrypt: names(operations, encrypt),
        decrypt: names(operations, decrypt),
    };
    if uses.encrypt || uses.decrypt {
        Ok(uses)
    } else {
        Err(OPERATIONS)
    }
}

fn names(operations: Option<&[String]>, wanted: &[&str]) -> bool {
    operations.is_none_or(|operations| operations.iter().any(|operation| wanted.contains(&operation.as_str())))
}

fn rsa(jwk: &Members) -> Result<Parts, Error> {
    Ok(match jwk.rsa()? {
        RsaNumbers::Private(parts) => Parts::RsaPrivate(OaepSecret::from_components(&parts)?),
        RsaNumbers::Public { n, e } => Parts::RsaPublic(OaepPublic::from_components(&n, &e)?),
    })
}

fn ecdh(jwk: &Members) -> Result<Parts, Error> {
    let curve = jwk
        .crv
        .as_deref()
        .and_then(Curve::from_name)
        .filter(|curve| curve.key_type() == jwk.kty)
        .ok_or(refused("the JWK's crv is not P-256, P-384, P-521 or X25519"))?;
    let x = decoded(jwk.x.as_deref(), "the JWK has no x")?;
    let y = match curve {
        Curve::X25519 => None,
        _ => Some(decoded(jwk.y.as_deref(), "the JWK has no y")?),
    };
    let public = EcdhPublic::from_coordinates(curve, &x, y.as_deref())?;
    if jwk.d.is_none() {
        return Ok(Parts::EcdhPublic(public));
    }
    let private = EcdhSecret::from_scalar(curve, &secret(jwk.d.as_deref(), "the JWK has no d")?)?;
    if *private.public() != public {
        return Err(refused("the JWK's public part does not belong to its d"));
    }
    Ok(Parts::EcdhPrivate(private))
}

impl EncryptionKey {
    /// The public JWK's JSON text, with `use: enc`, `alg` and `kid`. A symmetric key has none and is refused.
    pub fn public_jwk(&self) -> Result<String, Error> {
        let mut json = self.required_members()?;
        json.pop();
        let members = [
            ("use", Some("enc")),
            ("alg", Some(self.algorithm().as_str())),
            ("kid", self.kid()),
        ];
        for (name, value) in members {
            if let Some(value) = value {
                json.push(',');
                write_member(name, value, &mut json);
            }
        }
        json.push('}');
        Ok(json)
    }

    /// The JWK thumbprint (RFC 7638, SHA-256, base64url). Refused for symmetric keys, whose thumbprint would be a hash of the bare
    /// secret (RFC 7638, section 7).
    pub fn thumbprint(&self) -> Result<String, Error> {
        Ok(base64url::encode(&sha256(self.required_members()?.as_bytes())))
    }

    /// The members that RFC 7638 hashes, in its order.
    fn required_members(&self) -> Result<String, Error> {
        match self.parts() {
            Parts::EcdhPrivate(secret) => Ok(ecdh_members(secret.public())),
            Parts::EcdhPublic(public) => Ok(ecdh_members(public)),
            Parts::RsaPrivate(secret) => Ok(rsa_members(secret.public())),
            Parts::RsaPublic(public) => Ok(rsa_members(public)),
            Parts::Secret(_) => Err(refused("a symmetric key is secret wholly and has no public form")),
        }
    }
}

/// `crv`, `kty`, `x` and `y` as a JSON object: an agreement key as a JWK with nothing else.
fn ecdh_members(public: &EcdhPublic) -> String {
    let (x, y) = public.coordinates();
    let (x, y) = (base64url::encode(x), y.map(base64url::encode));
    let curve = public.curve();
    object(&[
        ("crv", Some(curve.as_str())),
        ("kty", Some(curve.key_type())),
        ("x", Some(&x)),
        ("y", y.as_deref()),
    ])
}

fn rsa_members(public: &OaepPublic) -> String {
    let (e, n) = (
        base64url::encode(public.exponent()),
        base64url::encode(public.modulus()),
    );
    object(&[("e", Some(&e)), ("kty", Some("RSA")), ("n", Some(&n))])
}

fn object(members: &[(&str, Option<&str>)]) -> String {
    let mut json = String::from("{");
    for (name, value) in members {
        if let Some(value) = value {
            if json.len() > 1 {
                json.push(',');
            }
            write_member(name, value, &mut json);
        }
    }
    json.push('}');
    json
}

fn write_member(name: &str, value: &str, json: &mut String) {
    write_string(name, json);
    json.push(':');
    write_string(value, json);
}

#[cfg(test)]
mod tests {
    use super::{super::Shape, *};
    use crate::{error::Code, keys::jwk_members::MAX_JWK_BYTES, random::SystemRandom};

    const BOB: &str = r#"{"kty":"EC","crv":"P-256","x":"weNJy2HscCSM6AEDTDg04biOvhFhyyWvOHQfeF_PxMQ","y":"e8lnCO-AlStT-NJVX-crhB7QRYhiix03illJOVAOyck","d":"VEmDZpDXXK8p8N0Cndsxs924q6nS1RXFASRl6BfUqdw"}"#;

    fn bind(algorithm: KeyManagement) -> Binding {
        Binding {
            algorithm,
            encryption: None,
        }
    }

    fn taken(algorithm: KeyManagement, json: &str) -> bool {
        match EncryptionKey::from_jwk(bind(algorithm), json, None) {
            Ok(_) => true,
            Err(error) => {
                assert_eq!(error.code(), Code::KeyInvalid, "{json}");
                false
            }
        }
    }

    fn with(jwk: &str, member: &str) -> String {
        jwk.replacen('{', &format!("{{{member},"), 1)
    }

    #[test]
    fn a_jwk_made_for_something_else_is_refused() {
        let alg = KeyManagement::EcdhEs;
        assert!(taken(alg, BOB));
        for good in [
            r#""alg":"ECDH-ES""#,
            r#""use":"enc""#,
            r#""key_ops":["deriveBits"]"#,
            r#""key_ops":["sign","deriveKey"]"#,
        ] {
            assert!(taken(alg, &with(BOB, good)), "{good}");
        }
        for bad in [
            r#""alg":"ECDH-ES+A128KW""#,
            r#""alg":"ES256""#,
            r#""use":"sig""#,
            r#""key_ops":["decrypt"]"#,
            r#""key_ops":[]"#,
            r#""x":"AAAA""#,
        ] {
            assert!(!taken(alg, &with(BOB, bad)), "{bad}");
        }
        for json in [
            BOB.replace("P-256", "P-384"),
            BOB.replace("\"EC\"", "\"OKP\""),
            BOB.replace("VEmD", "VEmE"),
            BOB.replace("e8ln", "f8ln"),
            BOB.replace("weNJ", "weN="),
            "{}".to_owned(),
        ] {
            assert!(!taken(alg, &json), "{json}");
        }
        assert!(!taken(KeyManagement::RsaOaep, BOB));
        assert!(!taken(KeyManagement::A128Kw, BOB));
    }

    #[test]
    fn a_jwk_has_a_bound_and_two_primes() {
        let padded = |length: usize| with(BOB, &format!("\"pad\":\"{}\"", "a".repeat(length)));
        let room = MAX_JWK_BYTES - padded(0).len();
        assert!(taken(KeyManagement::EcdhEs, &padded(room)));
        let error = EncryptionKey::from_jwk(bind(KeyManagement::EcdhEs), &padded(room + 1), None).unwrap_err();
        assert_eq!(
            (error.code(), error.reason()),
            (Code::KeyInvalid, Some("a JWK takes at most 16 KiB"))
        );
        let key = EncryptionKey::generate(KeyManagement::RsaOaep, Shape::quick(), None, &SystemRandom::new()).unwrap();
        let json = key.public_jwk().unwrap();
        assert!(taken(KeyManagement::RsaOaep, &json));
        for oth in ["[]", "null", r#"[{"r":"AQ","d":"AQ","t":"AQ"}]"#] {
            let json = with(&json, &format!("\"oth\":{oth}"));
            let error = EncryptionKey::from_jwk(bind(KeyManagement::RsaOaep), &json, None).unwrap_err();
            assert_eq!(error.reason(), Some("RSA keys of more than two primes are not taken"));
        }
    }

    #[test]
    fn the_operations_of_a_secret_say_what_it_does() {
        let json = r#"{"kty":"oct","k":"AAECAwQFBgcICQoLDA0ODw"}"#;
        let uses = |alg, ops: &str| {
            EncryptionKey::from_jwk(bind(alg), &with(json, &format!("\"key_ops\":{ops}")), None)
                .map(|key| (key.can_encrypt(), key.can_decrypt()))
                .map_err(Error::code)
        };
        assert_eq!(uses(KeyManagement::A128Kw, r#"["wrapKey"]"#), Ok((true, false)));
        assert_eq!(uses(KeyManagement::A128Kw, r#"["unwrapKey","x"]"#), Ok((false, true)));
        assert_eq!(uses(KeyManagement::Dir, r#"["encrypt","decrypt"]"#), Ok((true, true)));
        assert_eq!(uses(KeyManagement::Dir, r#"["wrapKey"]"#), Err(Code::KeyInvalid));
        assert_eq!(uses(KeyManagement::A128Kw, r#"["sign"]"#), Err(Code::KeyInvalid));
    }

    #[test]
    fn a_direct_key_may_name_its_content_encryption() {
        let json =
            |alg: &str| format!(r#"{{"kty":"oct","alg":"{alg}","k":"AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8"}}"#);
        let bound = |alg: &str, encryption| {
            let binding = Binding {
                algorithm: KeyManagement::Dir,
                encryption,
            };
            EncryptionKey::from_jwk(binding, &json(alg), None)
                .ok()
                .and_then(|key| key.encryption())
        };
        assert_eq!(bound("A128CBC-HS256", None), Some(ContentEncryption::A128CbcHs256));
        assert_eq!(bound("dir", None), Some(ContentEncryption::A256Gcm));
        assert_eq!(bound("A128CBC-HS256", Some(ContentEncryption::A256Gcm)), None);
        assert_eq!(bound("A128GCM", None), None);
        assert!(!taken(KeyManagement::A256Kw, &json("A256GCM")));
    }

    #[test]
    fn public_forms_read_back_and_show_no_secret() {
        for algorithm in KeyManagement::ALL {
            for curve in Curve::ALL {
                let shape = Shape {
                    curve: *curve,
                    ..Shape::quick()
                };
                let key = EncryptionKey::generate(*algorithm, shape, Some("k\"1"), &SystemRandom::new()).unwrap();
                if matches!(algorithm.family(), KeyFamily::Secret(_)) {
                    assert_eq!(key.public_jwk().unwrap_err().code(), Code::KeyInvalid);
                    assert_eq!(key.thumbprint().unwrap_err().code(), Code::KeyInvalid);
                    continue;
                }
                let json = key.public_jwk().unwrap();
                assert!(!json.contains("\"d\""));
                let public = EncryptionKey::from_jwk(bind(*algorithm), &json, None).unwrap();
                assert!(public.can_encrypt() && !public.can_decrypt());
                assert_eq!(public.kid(), Some("k\"1"));
                assert_eq!(public.thumbprint().unwrap(), key.thumbprint().unwrap());
                if algorithm.family() == KeyFamily::Rsa {
                    break;
                }
            }
        }
    }
}
