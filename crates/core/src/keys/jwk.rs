//! JSON Web Keys (RFC 7517, RFC 7518 section 6, RFC 8037) in, and public ones and thumbprints (RFC 7638) out.

use jsonwebtoken::jwk::{
    AlgorithmParameters, CommonParameters, EllipticCurve, EllipticCurveKeyParameters, EllipticCurveKeyType, Jwk,
    OctetKeyPairParameters, OctetKeyPairType, RSAKeyParameters, RSAKeyType, ThumbprintHash,
};
use serde::Serialize;

use super::{
    Key,
    jwk_members::{Members, RsaNumbers, decoded, refused, secret},
    key::Parts,
};
use crate::{
    crypto::{
        Algorithm, EcdsaPublic, EcdsaSecret, Ed25519Public, Ed25519Secret, Family, RsaPublic, RsaSecret,
        install_provider,
    },
    encoding::base64url,
    error::{Code, Error},
};

/// A public key to publish (RFC 7517): what others need to verify with it, and what it is for.
#[derive(Debug, PartialEq, Serialize)]
pub struct PublicJwk {
    #[serde(flatten)]
    parameters: AlgorithmParameters,
    r#use: &'static str,
    alg: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    kid: Option<String>,
}

pub(super) fn import(algorithm: Algorithm, json: &str, kid: Option<&str>) -> Result<Key, Error> {
    let jwk = Members::parse(json)?;
    let named = jwk.alg.as_deref();
    if named.is_some_and(|alg| Algorithm::from_name(alg) != Some(algorithm)) {
        return Err(refused("the JWK's alg is another algorithm"));
    }
    if jwk.r#use.as_deref().is_some_and(|usage| usage != "sig") {
        return Err(refused("the JWK's use is not sig"));
    }
    let private = jwk.d.is_some() || jwk.k.is_some();
    if !allows(&jwk, private) {
        return Err(refused("the JWK's key_ops do not allow this use"));
    }
    let kid = kid.or(jwk.kid.as_deref());
    match (algorithm.family(), jwk.kty.as_str()) {
        (Family::Ecdsa, "EC") => ec(algorithm, &jwk, kid),
        (Family::EdDsa, "OKP") => okp(&jwk, kid),
        (Family::Hmac, "oct") => {
            let secret = secret(jwk.k.as_deref(), "the JWK has no k")?;
            Key::hmac(algorithm, secret, kid)
        }
        (Family::Rsa, "RSA") => rsa(algorithm, &jwk, kid),
        _ => Err(refused("the JWK's kty does not belong to the algorithm")),
    }
}

fn allows(jwk: &Members, private: bool) -> bool {
    let Some(operations) = &jwk.key_ops else {
        return true;
    };
    let has = |wanted: &str| operations.iter().any(|operation| operation == wanted);
    if private {
        has("sign") || (jwk.k.is_some() && has("verify"))
    } else {
        has("verify")
    }
}

fn ec(algorithm: Algorithm, jwk: &Members, kid: Option<&str>) -> Result<Key, Error> {
    if jwk.crv.as_deref() != curve(algorithm).map(|(name, _)| name) {
        return Err(refused("the JWK's crv is not the algorithm's curve"));
    }
    let x = decoded(jwk.x.as_deref(), "the JWK has no x")?;
    let y = decoded(jwk.y.as_deref(), "the JWK has no y")?;
    if jwk.d.is_none() {
        return Key::ecdsa_public(algorithm, EcdsaPublic::from_coordinates(algorithm, &x, &y)?, kid);
    }
    let d = secret(jwk.d.as_deref(), "the JWK has no d")?;
    Key::ecdsa(
        algorithm,
        EcdsaSecret::from_scalar_and_point(algorithm, &d, &x, &y)?,
        kid,
    )
}

fn okp(jwk: &Members, kid: Option<&str>) -> Result<Key, Error> {
    if jwk.crv.as_deref() != Some("Ed25519") {
        return Err(refused("the JWK's crv is not Ed25519"));
    }
    let public = decoded(jwk.x.as_deref(), "the JWK has no x")?;
    if jwk.d.is_none() {
        return Key::ed25519_public(Ed25519Public::from_bytes(&public)?, kid);
    }
    let seed = secret(jwk.d.as_deref(), "the JWK has no d")?;
    Key::ed25519(Ed25519Secret::from_seed_and_public(&seed, &public)?, kid)
}

fn rsa(algorithm: Algorithm, jwk: &Members, kid: Option<&str>) -> Result<Key, Error> {
    match jwk.rsa()? {
        RsaNumbers::Private(parts) => Key::rsa(algorithm, RsaSecret::from_components(algorithm, &parts)?, kid),
        RsaNumbers::Public { n, e } => Key::rsa_public(algorithm, RsaPublic::from_components(algorithm, &n, &e)?, kid),
    }
}

const fn curve(algorithm: Algorithm) -> Option<(&'static str, EllipticCurve)> {
    Some(match algorithm {
        Algorithm::Es256 => ("P-256", EllipticCurve::P256),
        Algorithm::Es384 => ("P-384", EllipticCurve::P384),
        Algorithm::Es512 => ("P-521", EllipticCurve::P521),
        _ => return None,
    })
}

impl Key {
    /// The public JWK, with `use: sig`, `alg` and `kid`. An HMAC key has none and is refused.
    pub fn public_jwk(&self) -> Result<PublicJwk, Error> {
        Ok(PublicJwk {
            parameters: self.public_parameters()?,
            r#use: "sig",
            alg: self.algorithm().as_str(),
            kid: self.kid().map(str::to_owned),
        })
    }

    /// The JWK thumbprint (RFC 7638, SHA-256, base64url). Refused for HMAC keys, whose thumbprint would be a hash of the
    /// bare secret (RFC 7638, section 7).
    pub fn thumbprint(&self) -> Result<String, Error> {
        install_provider();
        let jwk = Jwk {
            common: CommonParameters::default(),
            algorithm: self.public_parameters()?,
        };
        jwk.thumbprint(ThumbprintHash::SHA256)
            .map_err(|_| Error::new(Code::Internal))
    }

    fn public_parameters(&self) -> Result<AlgorithmParameters, Error> {
        Ok(match self.parts() {
            Parts::Ecdsa { public, .. } => {
                let (_, curve) = curve(self.algorithm()).ok_or(Error::new(Code::Internal))?;
                let (x, y) = public.coordinates();
                AlgorithmParameters::EllipticCurve(EllipticCurveKeyParameters {
                    key_type: EllipticCurveKeyType::EC,
                    curve,
                    x: base64url::encode(x),
                    y: base64url::encode(y),
                })
            }
            Parts::Ed25519 { public, .. } => AlgorithmParameters::OctetKeyPair(OctetKeyPairParameters {
                key_type: OctetKeyPairType::OctetKeyPair,
                curve: EllipticCurve::Ed25519,
                x: base64url::encode(public.as_bytes()),
            }),
            Parts::Hmac { .. } => return Err(refused("an HMAC key is secret wholly and has no public form")),
            Parts::Rsa { public, .. } => AlgorithmParameters::RSA(RSAKeyParameters {
                key_type: RSAKeyType::RSA,
                n: base64url::encode(public.modulus()),
                e: base64url::encode(public.exponent()),
            }),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{crypto::RsaSize, random::SystemRandom};

    // RFC 8037, appendix A.1 and A.2.
    const PRIVATE: &str = r#"{"kty":"OKP","crv":"Ed25519","d":"nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}"#;
    const PUBLIC: &str = r#"{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}"#;

    fn refusal(json: &str) -> Option<&'static str> {
        let error = Key::from_jwk(Algorithm::EdDsa, json, None).err()?;
        assert_eq!(error.code(), Code::KeyInvalid, "{json}");
        error.reason()
    }

    #[test]
    fn the_key_of_rfc_8037_imports_and_has_its_thumbprint() {
        let key = Key::from_jwk(Algorithm::EdDsa, PRIVATE, None).unwrap();
        assert_eq!(key.thumbprint().unwrap(), "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k");
        let public = Key::from_jwk(Algorithm::EdDsa, PUBLIC, Some("one")).unwrap();
        assert!(public.verifies(b"message", &key.sign(b"message").unwrap()));
        assert!(!public.can_sign());
        assert_eq!(public.sign(b"message").unwrap_err().code(), Code::KeyInvalid);
        let jwk = serde_json::to_value(public.public_jwk().unwrap()).unwrap();
        assert_eq!(
            jwk,
            serde_json::json!({ "kty": "OKP", "crv": "Ed25519", "use": "sig", "alg": "EdDSA", "kid": "one",
                "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo" })
        );
    }

    #[test]
    fn a_jwk_made_for_something_else_is_refused() {
        let with = |member: &str| PUBLIC.replace("{\"kty\"", &format!("{{{member},\"kty\""));
        for json in [
            with(r#""alg":"HS256""#),
            with(r#""use":"enc""#),
            with(r#""key_ops":["sign"]"#),
            with(r#""key_ops":[]"#),
            PUBLIC.replace("Ed25519", "Ed448"),
            PUBLIC.replace("OKP", "EC"),
            PUBLIC.replace("11qY", "11q="),
            PRIVATE.replace("nWGx", "nWGy"),
            with(r#""x":"AAAA""#),
            "{}".to_owned(),
            "[]".to_owned(),
        ] {
            assert!(refusal(&json).is_some(), "{json}");
        }
        assert_eq!(
            refusal(&with(r#""alg":"EdDSA","use":"sig","key_ops":["verify"]"#)),
            None
        );
    }

    #[test]
    fn an_octet_key_is_an_hmac_key_and_shows_nothing() {
        let json = r#"{"kty":"oct","kid":"h","k":"AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8"}"#;
        let key = Key::from_jwk(Algorithm::Hs256, json, None).unwrap();
        assert_eq!(key.kid(), Some("h"));
        assert_eq!(key.public_jwk().unwrap_err().code(), Code::KeyInvalid);
        assert_eq!(key.thumbprint().unwrap_err().code(), Code::KeyInvalid);
        assert!(Key::from_jwk(Algorithm::EdDsa, json, None).is_err());
        let generated = Key::generate(Algorithm::Hs256, None, &SystemRandom::new()).unwrap();
        assert!(generated.public_jwk().is_err());
    }

    #[test]
    fn every_pair_has_a_public_jwk_that_imports_again() {
        for algorithm in Algorithm::ALL.iter().filter(|algorithm| !algorithm.is_symmetric()) {
            let key = match algorithm.family() {
                Family::Rsa => Key::generate_rsa(*algorithm, RsaSize::Bits2048, Some("one")),
                _ => Key::generate(*algorithm, Some("one"), &SystemRandom::new()),
            };
            let key = key.unwrap();
            let json = serde_json::to_string(&key.public_jwk().unwrap()).unwrap();
            let public = Key::from_jwk(*algorithm, &json, None).unwrap();
            assert_eq!(public.kid(), Some("one"));
            assert_eq!(public.thumbprint().unwrap(), key.thumbprint().unwrap());
            assert!(!public.can_sign());
            assert!(public.verifies(b"message", &key.sign(b"message").unwrap()));
            for other in Algorithm::ALL.iter().filter(|other| *other != algorithm) {
                assert!(
                    Key::from_jwk(*other, &json, None).is_err(),
                    "{algorithm:?} as {other:?}"
                );
            }
        }
    }
}
