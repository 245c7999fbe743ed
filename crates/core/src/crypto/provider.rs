//! The `jsonwebtoken` crate's provider, assembled from the primitives beside it.

use jsonwebtoken::{
    Algorithm as JoseAlgorithm, AlgorithmFamily, DecodingKey, EncodingKey,
    crypto::{CryptoProvider, JwtSigner, JwtVerifier, KeyUtils},
    errors::{ErrorKind, Result},
    jwk::{EllipticCurve, ThumbprintHash},
    signature::{self, Signer, Verifier},
};
use ring::digest;

use super::{
    Algorithm, EcdsaPublic, EcdsaSecret, Ed25519Public, Ed25519Secret, Family, HmacKey, RsaPublic, RsaSecret,
    SharedSigner, SharedVerifier,
};
use crate::error::Error;

/// What the `jsonwebtoken` crate signs and verifies with in a process that loaded keyturn.
pub static PROVIDER: CryptoProvider = CryptoProvider {
    signer_factory: signer,
    verifier_factory: verifier,
    key_utils: KeyUtils {
        rsa_pub_components_from_private_key: rsa_public_of_private,
        rsa_pub_components_from_public_key: rsa_public,
        ec_pub_components_from_private_key: ec_public,
        ed_pub_components_from_private_key: ed25519_public,
        compute_digest,
    },
};

/// Makes [`PROVIDER`] the process's default. Later calls change nothing.
pub fn install_provider() {
    // The error only says that a provider is installed already.
    let _already = PROVIDER.install_default();
}

/// A primitive under the crate's name for its algorithm.
struct Named<T: ?Sized> {
    algorithm: JoseAlgorithm,
    primitive: Box<T>,
}

impl Signer<Vec<u8>> for Named<SharedSigner> {
    fn try_sign(&self, message: &[u8]) -> std::result::Result<Vec<u8>, signature::Error> {
        self.primitive.try_sign(message)
    }
}

impl JwtSigner for Named<SharedSigner> {
    fn algorithm(&self) -> JoseAlgorithm {
        self.algorithm
    }
}

impl Verifier<Vec<u8>> for Named<SharedVerifier> {
    fn verify(&self, message: &[u8], signature: &Vec<u8>) -> std::result::Result<(), signature::Error> {
        self.primitive.verify(message, signature)
    }
}

impl JwtVerifier for Named<SharedVerifier> {
    fn algorithm(&self) -> JoseAlgorithm {
        self.algorithm
    }
}

fn hmac(algorithm: Algorithm, secret: &[u8]) -> HmacKey {
    match algorithm {
        Algorithm::Hs384 => HmacKey::sha384(secret),
        Algorithm::Hs512 => HmacKey::sha512(secret),
        _ => HmacKey::sha256(secret),
    }
}

fn unusable(_: Error) -> jsonwebtoken::errors::Error {
    ErrorKind::InvalidKeyFormat.into()
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "the provider's signature")]
fn signer(algorithm: &JoseAlgorithm, key: &EncodingKey) -> Result<Box<dyn JwtSigner>> {
    let own = Algorithm::from_jose(*algorithm).ok_or(ErrorKind::UnsupportedAlgorithm)?;
    let primitive: Box<SharedSigner> = match (own.family(), key.family()) {
        (Family::Hmac, AlgorithmFamily::Hmac) => Box::new(hmac(own, key.as_bytes())),
        (Family::EdDsa, AlgorithmFamily::Ed) => Box::new(Ed25519Secret::from_pkcs8(key.as_bytes()).map_err(unusable)?),
        (Family::Ecdsa, AlgorithmFamily::Ec) => Box::new(EcdsaSecret::from_der(own, key.as_bytes()).map_err(unusable)?),
        (Family::Rsa, AlgorithmFamily::Rsa) => Box::new(RsaSecret::from_der(own, key.as_bytes()).map_err(unusable)?),
        _ => return Err(ErrorKind::UnsupportedAlgorithm.into()),
    };
    Ok(Box::new(Named {
        algorithm: *algorithm,
        primitive,
    }))
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "the provider's signature")]
fn verifier(algorithm: &JoseAlgorithm, key: &DecodingKey) -> Result<Box<dyn JwtVerifier>> {
    let own = Algorithm::from_jose(*algorithm).ok_or(ErrorKind::UnsupportedAlgorithm)?;
    // An RSA key of bare numbers has no bytes and is refused here: the crate keeps its numbers to itself.
    let bytes = key.try_get_as_bytes()?;
    let primitive: Box<SharedVerifier> = match (own.family(), key.family()) {
        (Family::Hmac, AlgorithmFamily::Hmac) => Box::new(hmac(own, bytes)),
        (Family::EdDsa, AlgorithmFamily::Ed) => Box::new(Ed25519Public::from_bytes(bytes).map_err(unusable)?),
        (Family::Ecdsa, AlgorithmFamily::Ec) => Box::new(EcdsaPublic::from_point(own, bytes).map_err(unusable)?),
        (Family::Rsa, AlgorithmFamily::Rsa) => Box::new(RsaPublic::from_der(own, bytes).map_err(unusable)?),
        _ => return Err(ErrorKind::UnsupportedAlgorithm.into()),
    };
    Ok(Box::new(Named {
        algorithm: *algorithm,
        primitive,
    }))
}

fn rsa_public_of_private(der: &[u8]) -> Result<(Vec<u8>, Vec<u8>)> {
    let public = RsaSecret::from_der(Algorithm::Rs256, der).and_then(|secret| secret.public(Algorithm::Rs256));
    numbers(&public.map_err(unusable)?)
}

fn rsa_public(der: &[u8]) -> Result<(Vec<u8>, Vec<u8>)> {
    numbers(&RsaPublic::from_der(Algorithm::Rs256, der).map_err(unusable)?)
}

#[expect(clippy::unnecessary_wraps, reason = "both callers answer a result")]
fn numbers(public: &RsaPublic) -> Result<(Vec<u8>, Vec<u8>)> {
    Ok((public.modulus().to_vec(), public.exponent().to_vec()))
}

fn ec_public(der: &[u8], algorithm: JoseAlgorithm) -> Result<(EllipticCurve, Vec<u8>, Vec<u8>)> {
    let (own, curve) = match algorithm {
        JoseAlgorithm::ES256 => (Algorithm::Es256, EllipticCurve::P256),
        JoseAlgorithm::ES384 => (Algorithm::Es384, EllipticCurve::P384),
        _ => return Err(ErrorKind::InvalidEcdsaKey.into()),
    };
    let public = EcdsaSecret::from_der(own, der).and_then(|secret| secret.public(own));
    let public = public.map_err(|_| ErrorKind::InvalidEcdsaKey)?;
    let (x, y) = public.coordinates();
    Ok((curve, x.to_vec(), y.to_vec()))
}

fn ed25519_public(pkcs8: &[u8], curve: &EllipticCurve) -> Result<Vec<u8>> {
    if *curve != EllipticCurve::Ed25519 {
        return Err(ErrorKind::InvalidAlgorithm.into());
    }
    Ed25519Secret::from_pkcs8(pkcs8)
        .and_then(|secret| secret.public())
        .map(|public| public.as_bytes().to_vec())
        .map_err(|_| ErrorKind::InvalidEddsaKey.into())
}

#[expect(clippy::needless_pass_by_value, reason = "the provider's signature")]
fn compute_digest(data: &[u8], hash: ThumbprintHash) -> Result<Vec<u8>> {
    let algorithm = match hash {
        ThumbprintHash::SHA256 => &digest::SHA256,
        ThumbprintHash::SHA384 => &digest::SHA384,
        ThumbprintHash::SHA512 => &digest::SHA512,
        _ => return Err(ErrorKind::UnsupportedAlgorithm.into()),
    };
    Ok(digest::digest(algorithm, data).as_ref().to_vec())
}

#[cfg(test)]
mod tests {
    use jsonwebtoken::{Header, Validation, decode, encode};
    use serde_json::{Value, json};

    use super::*;

    #[test]
    fn the_crate_signs_and_verifies_pairs_through_the_provider() {
        install_provider();
        let claims = json!({ "sub": "alice", "exp": 4_000_000_000_u64 });
        let rsa = RsaSecret::generate(Algorithm::Rs256, super::super::RsaSize::Bits2048).unwrap();
        let rsa_der = rsa.to_pkcs8().unwrap();
        for algorithm in [Algorithm::Rs256, Algorithm::Ps384, Algorithm::Es256, Algorithm::Es384] {
            let jose = algorithm.jose().unwrap();
            let (key, public) = if algorithm.family() == Family::Rsa {
                (
                    EncodingKey::from_rsa_der(&rsa_der),
                    DecodingKey::from_rsa_der(rsa.public_der()),
                )
            } else {
                let der = EcdsaSecret::generate(algorithm).unwrap().to_pkcs8().unwrap();
                let (_, x, y) = ec_public(&der, jose).unwrap();
                (
                    EncodingKey::from_ec_der(&der),
                    DecodingKey::from_ec_der(&[&[4], &x[..], &y].concat()),
                )
            };
            let token = encode(&Header::new(jose), &claims, &key).unwrap();
            let decoded = decode::<Value>(&token, &public, &Validation::new(jose)).unwrap();
            assert_eq!(decoded.claims, claims);
            let (start, end) = token.split_at(token.len() - 8);
            let tampered = format!("{start}{}{}", if end.starts_with('A') { "B" } else { "A" }, &end[1..]);
            assert!(decode::<Value>(&tampered, &public, &Validation::new(jose)).is_err());
        }
    }

    #[test]
    fn the_crate_signs_and_verifies_through_the_provider() {
        install_provider();
        let claims = json!({ "sub": "alice", "exp": 4_000_000_000_u64 });
        let token = encode(
            &Header::new(JoseAlgorithm::HS256),
            &claims,
            &EncodingKey::from_secret(&[1; 32]),
        )
        .unwrap();
        let validation = Validation::new(JoseAlgorithm::HS256);
        let decoded = decode::<Value>(&token, &DecodingKey::from_secret(&[1; 32]), &validation).unwrap();
        assert_eq!(decoded.claims, claims);
        assert!(decode::<Value>(&token, &DecodingKey::from_secret(&[2; 32]), &validation).is_err());
    }
}
