//! Bytes and text into encryption keys, each judged before it is taken.

use zeroize::Zeroizing;

use super::{
    super::disguise,
    EncryptionKey, jwk,
    key::{Parts, Uses},
};
use crate::{
    crypto::{ContentEncryption, EcdhPublic, EcdhSecret, KeyFamily, KeyManagement, OaepPublic, OaepSecret},
    error::{Code, Error},
};

/// What a key is imported for.
#[derive(Clone, Copy, Debug)]
pub struct Binding {
    /// Its one key management algorithm.
    pub algorithm: KeyManagement,
    /// For `dir`, its one content encryption; `None` takes it from the secret's length: 16 bytes are A128GCM, 32 A256GCM and
    /// 64 A256CBC-HS512. For every other algorithm it must be `None`.
    pub encryption: Option<ContentEncryption>,
}

const BOTH: Uses = Uses {
    encrypt: true,
    decrypt: true,
};

impl EncryptionKey {
    /// A symmetric key from a secret of exactly the length that its algorithm takes, which is not an asymmetric key in any dress.
    pub fn from_secret(binding: Binding, secret: Zeroizing<Vec<u8>>, kid: Option<&str>) -> Result<Self, Error> {
        from_secret(binding, secret, kid, BOTH)
    }

    /// A private key from PKCS#8 (RFC 5958).
    pub fn from_pkcs8(binding: Binding, der: &[u8], kid: Option<&str>) -> Result<Self, Error> {
        unbound(binding)?;
        let parts = match binding.algorithm.family() {
            KeyFamily::Rsa => Parts::RsaPrivate(OaepSecret::from_pkcs8(der)?),
            KeyFamily::Ecdh => Parts::EcdhPrivate(EcdhSecret::from_pkcs8(der)?),
            KeyFamily::Secret(_) => return Err(NO_SECRET),
        };
        Self::new(binding.algorithm, None, kid, parts)
    }

    /// A public key from a `SubjectPublicKeyInfo` (RFC 5280, section 4.1.2.7).
    pub fn from_spki(binding: Binding, der: &[u8], kid: Option<&str>) -> Result<Self, Error> {
        unbound(binding)?;
        let parts = match binding.algorithm.family() {
            KeyFamily::Rsa => Parts::RsaPublic(OaepPublic::from_spki(der)?),
            KeyFamily::Ecdh => Parts::EcdhPublic(EcdhPublic::from_spki(der)?),
            KeyFamily::Secret(_) => return Err(NO_SECRET),
        };
        Self::new(binding.algorithm, None, kid, parts)
    }

    /// A key from a JWK's JSON text (RFC 7517). `kid` replaces the JWK's own.
    pub fn from_jwk(binding: Binding, json: &str, kid: Option<&str>) -> Result<Self, Error> {
        jwk::import(binding, json, kid)
    }
}

const NO_SECRET: Error = Error::because(Code::KeyInvalid, "the algorithm takes a secret, not an asymmetric key");

pub(super) fn from_secret(
    binding: Binding,
    secret: Zeroizing<Vec<u8>>,
    kid: Option<&str>,
    uses: Uses,
) -> Result<EncryptionKey, Error> {
    const LENGTH: Error = Error::because(
        Code::KeyInvalid,
        "the secret does not have the length of the algorithm's key: 16 bytes for 128 bits, 32 for 256",
    );
    const DIRECT_LENGTH: Error = Error::because(
        Code::KeyInvalid,
        "a secret for dir has 16, 32 or 64 bytes: as many as its content encryption (enc) takes",
    );
    let KeyFamily::Secret(length) = binding.algorithm.family() else {
        return Err(Error::because(
            Code::KeyInvalid,
            "a secret is no key for this algorithm",
        ));
    };
    if let Some(length) = length {
        unbound(binding)?;
        if secret.len() != length {
            return Err(LENGTH);
        }
    }
    let encryption = match length {
        Some(_) => None,
        None => Some(direct(binding.encryption, secret.len()).ok_or(DIRECT_LENGTH)?),
    };
    if disguise::looks_asymmetric(&secret) {
        return Err(Error::because(
            Code::KeyInvalid,
            "this secret is an asymmetric key; anybody could decrypt with its public half",
        ));
    }
    EncryptionKey::restricted(binding.algorithm, encryption, kid, Parts::Secret(secret), uses)
}

/// The content encryption of a `dir` key of that length.
fn direct(wanted: Option<ContentEncryption>, length: usize) -> Option<ContentEncryption> {
    let encryption = match (wanted, length) {
        (Some(wanted), _) => wanted,
        (None, 16) => ContentEncryption::A128Gcm,
        (None, 32) => ContentEncryption::A256Gcm,
        (None, 64) => ContentEncryption::A256CbcHs512,
        (None, _) => return None,
    };
    (encryption.key_len() == length).then_some(encryption)
}

/// Only a `dir` key is a CEK and so has a content encryption of its own.
pub(super) fn unbound(binding: Binding) -> Result<(), Error> {
    if binding.encryption.is_some() && binding.algorithm != KeyManagement::Dir {
        return Err(Error::because(
            Code::OptionInvalid,
            "enc binds keys for dir only; for others name it when encrypting",
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use ContentEncryption::{A128CbcHs256, A128Gcm, A256CbcHs512, A256Gcm};

    use super::*;

    fn import(
        algorithm: KeyManagement,
        encryption: Option<ContentEncryption>,
        length: usize,
    ) -> Result<EncryptionKey, Error> {
        let binding = Binding { algorithm, encryption };
        EncryptionKey::from_secret(binding, Zeroizing::new(vec![7; length]), None)
    }

    #[test]
    fn a_secret_has_exactly_the_length_of_its_algorithm() {
        for (algorithm, good) in [
            (KeyManagement::A128Kw, 16),
            (KeyManagement::A128GcmKw, 16),
            (KeyManagement::A256Kw, 32),
            (KeyManagement::A256GcmKw, 32),
        ] {
            for length in [0, 15, 16, 17, 24, 31, 32, 33, 64] {
                assert_eq!(import(algorithm, None, length).is_ok(), length == good, "{length}");
            }
            let enc = Some(A128Gcm);
            assert_eq!(import(algorithm, enc, good).unwrap_err().code(), Code::OptionInvalid);
        }
        for algorithm in [KeyManagement::RsaOaep, KeyManagement::EcdhEs] {
            assert_eq!(import(algorithm, None, 32).unwrap_err().code(), Code::KeyInvalid);
        }
    }

    #[test]
    fn a_direct_secret_is_bound_to_one_content_encryption() {
        for (wanted, length, bound) in [
            (None, 16, Some(A128Gcm)),
            (None, 32, Some(A256Gcm)),
            (None, 64, Some(A256CbcHs512)),
            (Some(A128CbcHs256), 32, Some(A128CbcHs256)),
            (Some(A256Gcm), 32, Some(A256Gcm)),
            (Some(A128CbcHs256), 16, None),
            (Some(A256CbcHs512), 32, None),
            (None, 48, None),
            (None, 0, None),
        ] {
            let key = import(KeyManagement::Dir, wanted, length);
            assert_eq!(key.ok().and_then(|key| key.encryption()), bound, "{wanted:?} {length}");
        }
    }

    #[test]
    fn der_is_a_key_of_its_own_family_only() {
        for algorithm in KeyManagement::ALL {
            let binding = Binding {
                algorithm: *algorithm,
                encryption: None,
            };
            for der in [&[][..], b"no DER", &[0x30; 44]] {
                assert!(EncryptionKey::from_pkcs8(binding, der, None).is_err());
                assert!(EncryptionKey::from_spki(binding, der, None).is_err());
            }
        }
    }
}
