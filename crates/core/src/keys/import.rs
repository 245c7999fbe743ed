//! Bytes and text into keys, each judged before it is taken.

use zeroize::Zeroizing;

use super::{Key, disguise, jwk};
use crate::{
    crypto::{Algorithm, EcdsaPublic, EcdsaSecret, Ed25519Public, Ed25519Secret, Family, RsaPublic, RsaSecret},
    error::{Code, Error},
};

/// Longer secrets add nothing: HMAC hashes them first. The bound keeps an import from copying without end.
const MAX_SECRET_BYTES: usize = 4096;

impl Key {
    /// An HMAC key from a secret that is at least as long as the hash and is not an asymmetric key in any dress.
    pub fn hmac(algorithm: Algorithm, secret: Zeroizing<Vec<u8>>, kid: Option<&str>) -> Result<Self, Error> {
        if !algorithm.is_symmetric() {
            return Err(Error::because(
                Code::KeyInvalid,
                "a secret is a key for HS256 to HS512 only",
            ));
        }
        if secret.len() < algorithm.hash_len() {
            return Err(Error::because(
                Code::KeyTooWeak,
                match algorithm {
                    Algorithm::Hs384 => "an HS384 secret takes at least 48 bytes (RFC 7518, section 3.2)",
                    Algorithm::Hs512 => "an HS512 secret takes at least 64 bytes (RFC 7518, section 3.2)",
                    _ => "an HS256 secret takes at least 32 bytes (RFC 7518, section 3.2)",
                },
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

    /// A private key from PKCS#8 (RFC 5958); RSA also from PKCS#1, ECDSA also from SEC1 (RFC 5915).
    pub fn from_pkcs8(algorithm: Algorithm, der: &[u8], kid: Option<&str>) -> Result<Self, Error> {
        match algorithm.family() {
            Family::Ecdsa => Self::ecdsa(algorithm, EcdsaSecret::from_der(algorithm, der)?, kid),
            Family::EdDsa => Self::ed25519(Ed25519Secret::from_pkcs8(der)?, kid),
            Family::Hmac => Err(Error::because(
                Code::KeyInvalid,
                "a private key is not a secret for HMAC",
            )),
            Family::Rsa => Self::rsa(algorithm, RsaSecret::from_der(algorithm, der)?, kid),
        }
    }

    /// A public key from a `SubjectPublicKeyInfo` (RFC 5280, section 4.1.2.7); RSA also from PKCS#1.
    pub fn from_spki(algorithm: Algorithm, der: &[u8], kid: Option<&str>) -> Result<Self, Error> {
        match algorithm.family() {
            Family::Ecdsa => Self::ecdsa_public(algorithm, EcdsaPublic::from_spki(algorithm, der)?, kid),
            Family::EdDsa => Self::ed25519_public(Ed25519Public::from_spki(der)?, kid),
            Family::Hmac => Err(Error::because(
                Code::KeyInvalid,
                "a public key is not a secret for HMAC",
            )),
            Family::Rsa => Self::rsa_public(algorithm, RsaPublic::from_der(algorithm, der)?, kid),
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
    use crate::crypto::RsaSize;

    fn secret(bytes: &[u8]) -> Zeroizing<Vec<u8>> {
        Zeroizing::new(bytes.to_vec())
    }

    #[test]
    fn a_secret_shorter_than_the_hash_is_too_weak() {
        for (algorithm, least) in [(Algorithm::Hs256, 32), (Algorithm::Hs384, 48), (Algorithm::Hs512, 64)] {
            for length in [0, 1, least - 1] {
                let error = Key::hmac(algorithm, secret(&vec![7; length]), None).unwrap_err();
                assert_eq!(error.code(), Code::KeyTooWeak);
            }
            assert!(Key::hmac(algorithm, secret(&vec![7; least]), None).is_ok());
        }
        assert!(Key::hmac(Algorithm::Hs256, secret(&[7; 4097]), None).is_err());
    }

    #[test]
    fn a_key_of_one_family_is_never_taken_for_another() {
        for algorithm in Algorithm::ALL.iter().filter(|algorithm| !algorithm.is_symmetric()) {
            let refused = Key::hmac(*algorithm, secret(&[7; 64]), None).unwrap_err();
            assert_eq!(refused.code(), Code::KeyInvalid);
        }
        assert!(Key::from_pkcs8(Algorithm::Hs256, &[7; 48], None).is_err());
        assert!(Key::from_spki(Algorithm::Hs256, &[7; 44], None).is_err());
        let pairs = [
            (
                Algorithm::Rs256,
                RsaSecret::generate(Algorithm::Rs256, RsaSize::Bits2048)
                    .unwrap()
                    .to_pkcs8(),
            ),
            (
                Algorithm::Es256,
                EcdsaSecret::generate(Algorithm::Es256).unwrap().to_pkcs8(),
            ),
        ];
        for (made_for, der) in pairs {
            let der = der.unwrap();
            for algorithm in Algorithm::ALL {
                let fits = algorithm.family() == made_for.family()
                    && (made_for.family() == Family::Rsa || *algorithm == made_for);
                assert_eq!(Key::from_pkcs8(*algorithm, &der, None).is_ok(), fits, "{algorithm:?}");
            }
        }
    }
}
