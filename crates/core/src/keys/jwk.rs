//! JSON Web Keys (RFC 7517, RFC 8037) in, and public ones and thumbprints (RFC 7638) out.

use jsonwebtoken::jwk::{
    AlgorithmParameters, CommonParameters, EllipticCurve, Jwk, KeyAlgorithm, OctetKeyPairParameters, OctetKeyPairType,
    PublicKeyUse, ThumbprintHash,
};
use serde::Deserialize;
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use super::Key;
use crate::{
    crypto::{Algorithm, Ed25519Public, Ed25519Secret, install_provider},
    encoding::base64url,
    error::{Code, Error},
};

const fn refused(reason: &'static str) -> Error {
    Error::because(Code::KeyInvalid, reason)
}

/// The members that are read; a duplicate of any of them is an error, unknown members are ignored (RFC 7517, section 4).
#[derive(Deserialize, Zeroize, ZeroizeOnDrop)]
struct Incoming {
    kty: String,
    alg: Option<String>,
    crv: Option<String>,
    d: Option<String>,
    k: Option<String>,
    key_ops: Option<Vec<String>>,
    kid: Option<String>,
    r#use: Option<String>,
    x: Option<String>,
}

pub(super) fn import(algorithm: Algorithm, json: &str, kid: Option<&str>) -> Result<Key, Error> {
    let jwk: Incoming = serde_json::from_str(json).map_err(|_| refused("not a JWK (RFC 7517)"))?;
    if jwk.alg.as_deref().is_some_and(|alg| alg != algorithm.as_str()) {
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
    match (algorithm, jwk.kty.as_str()) {
        (Algorithm::EdDsa, "OKP") => okp(&jwk, kid),
        (Algorithm::Hs256, "oct") => {
            let secret = Zeroizing::new(member(jwk.k.as_deref(), "the JWK has no k")?);
            Key::hmac(algorithm, secret, kid)
        }
        _ => Err(refused("the JWK's kty does not belong to the algorithm")),
    }
}

fn allows(jwk: &Incoming, private: bool) -> bool {
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

fn okp(jwk: &Incoming, kid: Option<&str>) -> Result<Key, Error> {
    if jwk.crv.as_deref() != Some("Ed25519") {
        return Err(refused("the JWK's crv is not Ed25519"));
    }
    let public = member(jwk.x.as_deref(), "the JWK has no x")?;
    match jwk.d.as_deref() {
        None => Key::ed25519_public(Ed25519Public::from_bytes(&public)?, kid),
        Some(seed) => {
            let seed = Zeroizing::new(member(Some(seed), "the JWK has no d")?);
            Key::ed25519(Ed25519Secret::from_seed_and_public(&seed, &public)?, kid)
        }
    }
}

fn member(text: Option<&str>, missing: &'static str) -> Result<Vec<u8>, Error> {
    base64url::decode(text.ok_or(refused(missing))?.as_bytes())
        .map_err(|_| refused("a member of the JWK is not canonical base64url"))
}

impl Key {
    /// The public JWK, with `use: sig`, `alg` and `kid`. An HMAC key has none and is refused.
    pub fn public_jwk(&self) -> Result<Jwk, Error> {
        let public = self.ed25519_half()?;
        Ok(Jwk {
            common: CommonParameters {
                public_key_use: Some(PublicKeyUse::Signature),
                key_algorithm: Some(KeyAlgorithm::EdDSA),
                key_id: self.kid().map(str::to_owned),
                ..CommonParameters::default()
            },
            algorithm: AlgorithmParameters::OctetKeyPair(OctetKeyPairParameters {
                key_type: OctetKeyPairType::OctetKeyPair,
                curve: EllipticCurve::Ed25519,
                x: base64url::encode(public.as_bytes()),
            }),
        })
    }

    /// The JWK thumbprint (RFC 7638, SHA-256, base64url). Refused for HMAC keys, whose thumbprint would be a hash of the
    /// bare secret (RFC 7638, section 7).
    pub fn thumbprint(&self) -> Result<String, Error> {
        install_provider();
        self.public_jwk()?
            .thumbprint(ThumbprintHash::SHA256)
            .map_err(|_| Error::new(Code::Internal))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::SystemRandom;

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
}
