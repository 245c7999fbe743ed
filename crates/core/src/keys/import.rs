//! Bytes and text into keys, each judged before it is taken.

use zeroize::Zeroizing;

use super::{Key, disguise, jwk};
use crate::{
    crypto::{Algorithm, Ed25519Public, Ed25519Secret},
    error::{Code, Error},
};

/// HMAC keys must be at least as long as the hash (RFC 7518, section 3.2).
const HS256_MIN_BYTES: usize = 32;
/// Longer secrets add nothing: HMAC hashes them first. The bound keeps an import from copying without end.
const MAX_SECRET_BYTES: usize = 4096;

impl Key {
    /// An HMAC key from a secret of at least 32 bytes that is not a public key in any dress.
    pub fn hmac(algorithm: Algorithm, secret: Zeroizing<Vec<u8>>, kid: Option<&str>) -> Result<Self, Error> {
        if !algorithm.is_symmetric() {
            return Err(Error::because(Code::KeyInvalid, "a secret is a key for HS256 only"));
        }
        if secret.len() < HS256_MIN_BYTES {
            return Err(Error::because(
                Code::KeyTooWeak,
                "an HS256 secret takes at least 32 bytes (RFC 7518, section 3.2)",
            ));
        }
        if secret.len() > MAX_SECRET_BYTES {
            return Err(Error::because(Code::KeyInvalid, "a secret takes at most 4096 bytes"));
        }
        if disguise::looks_asymmetric(&secret) {
            return Err(Error::because(
                Code::KeyInvalid,
                "this secret is an asymmetric key; anybody could sign with its public half",
            ));
        }
        Self::hmac_unchecked(algorithm, secret, kid)
    }

    /// A private key from PKCS#8 (RFC 5958).
    pub fn from_pkcs8(algorithm: Algorithm, der: &[u8], kid: Option<&str>) -> Result<Self, Error> {
        match algorithm {
            Algorithm::EdDsa => Self::ed25519(Ed25519Secret::from_pkcs8(der)?, kid),
            Algorithm::Hs256 => Err(Error::because(
                Code::KeyInvalid,
                "a private key is not a secret for HS256",
            )),
        }
    }

    /// A public key from a `SubjectPublicKeyInfo` (RFC 5280, section 4.1.2.7).
    pub fn from_spki(algorithm: Algorithm, der: &[u8], kid: Option<&str>) -> Result<Self, Error> {
        match algorithm {
            Algorithm::EdDsa => Self::ed25519_public(Ed25519Public::from_spki(der)?, kid),
            Algorithm::Hs256 => Err(Error::because(
                Code::KeyInvalid,
                "a public key is not a secret for HS256",
            )),
        }
    }

    /// A key from a JWK's JSON text (RFC 7517). `kid` replaces the JWK's own.
    pub fn from_jwk(algorithm: Algorithm, json: &str, kid: Option<&str>) -> Result<Self, Error> {
        jwk::import(algorithm, json, kid)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secret(bytes: &[u8]) -> Zeroizing<Vec<u8>> {
        Zeroizing::new(bytes.to_vec())
    }

    #[test]
    fn a_secret_shorter_than_the_hash_is_too_weak() {
        for length in [0, 1, 31] {
            let error = Key::hmac(Algorithm::Hs256, secret(&vec![7; length]), None).unwrap_err();
            assert_eq!(error.code(), Code::KeyTooWeak);
        }
        assert!(Key::hmac(Algorithm::Hs256, secret(&[7; 32]), None).is_ok());
        assert!(Key::hmac(Algorithm::Hs256, secret(&[7; 4097]), None).is_err());
    }

    #[test]
    fn a_key_of_one_family_is_never_taken_for_the_other() {
        assert!(Key::hmac(Algorithm::EdDsa, secret(&[7; 32]), None).is_err());
        assert!(Key::from_pkcs8(Algorithm::Hs256, &[7; 48], None).is_err());
        assert!(Key::from_spki(Algorithm::Hs256, &[7; 44], None).is_err());
    }
}
