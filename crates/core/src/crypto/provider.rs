//! The `jsonwebtoken` crate's provider, assembled from the primitives beside it.

use jsonwebtoken::{
    Algorithm as JoseAlgorithm, AlgorithmFamily, DecodingKey, EncodingKey,
    crypto::{CryptoProvider, JwtSigner, JwtVerifier, KeyUtils},
    errors::{ErrorKind, Result},
    jwk::{EllipticCurve, ThumbprintHash},
};
use ring::digest;

use super::{Ed25519Public, Ed25519Secret, HmacKey};

/// What the `jsonwebtoken` crate signs and verifies with in a process that loaded keyturn.
pub static PROVIDER: CryptoProvider = CryptoProvider {
    signer_factory: signer,
    verifier_factory: verifier,
    key_utils: KeyUtils {
        rsa_pub_components_from_private_key: |_| Err(ErrorKind::UnsupportedAlgorithm.into()),
        rsa_pub_components_from_public_key: |_| Err(ErrorKind::UnsupportedAlgorithm.into()),
        ec_pub_components_from_private_key: |_, _| Err(ErrorKind::UnsupportedAlgorithm.into()),
        ed_pub_components_from_private_key: ed25519_public,
        compute_digest,
    },
};

/// Makes [`PROVIDER`] the process's default. Later calls change nothing.
pub fn install_provider() {
    // The error only says that a provider is installed already.
    let _already = PROVIDER.install_default();
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "the provider's signature")]
fn signer(algorithm: &JoseAlgorithm, key: &EncodingKey) -> Result<Box<dyn JwtSigner>> {
    match (algorithm, key.family()) {
        (JoseAlgorithm::HS256, AlgorithmFamily::Hmac) => Ok(Box::new(HmacKey::sha256(key.as_bytes()))),
        (JoseAlgorithm::EdDSA, AlgorithmFamily::Ed) => Ed25519Secret::from_pkcs8(key.as_bytes())
            .map(|secret| -> Box<dyn JwtSigner> { Box::new(secret) })
            .map_err(|_| ErrorKind::InvalidEddsaKey.into()),
        _ => Err(ErrorKind::UnsupportedAlgorithm.into()),
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "the provider's signature")]
fn verifier(algorithm: &JoseAlgorithm, key: &DecodingKey) -> Result<Box<dyn JwtVerifier>> {
    let bytes = key.try_get_as_bytes()?;
    match (algorithm, key.family()) {
        (JoseAlgorithm::HS256, AlgorithmFamily::Hmac) => Ok(Box::new(HmacKey::sha256(bytes))),
        (JoseAlgorithm::EdDSA, AlgorithmFamily::Ed) => Ed25519Public::from_bytes(bytes)
            .map(|public| -> Box<dyn JwtVerifier> { Box::new(public) })
            .map_err(|_| ErrorKind::InvalidEddsaKey.into()),
        _ => Err(ErrorKind::UnsupportedAlgorithm.into()),
    }
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
