//! The handle of an encryption key.

use std::{fmt, sync::Arc};

use zeroize::Zeroizing;

use super::super::key::checked_kid;
use crate::{
    crypto::{
        ContentEncryption, Curve, EcdhPublic, EcdhSecret, KeyFamily, KeyManagement, OaepPublic, OaepSecret, RsaSize,
    },
    error::Error,
    random::Random,
};

/// A key bound to one key management algorithm, and for `dir` to one content encryption as well. Cloning shares it; any thread
/// may use it. Prints no secret, and wipes it when the last clone is dropped.
#[derive(Clone)]
pub struct EncryptionKey(Arc<Inner>);

struct Inner {
    algorithm: KeyManagement,
    encryption: Option<ContentEncryption>,
    kid: Option<Box<str>>,
    uses: Uses,
    parts: Parts,
}

/// What the key may do (RFC 7517, section 4.3).
#[derive(Clone, Copy, Debug)]
pub(super) struct Uses {
    pub(super) encrypt: bool,
    pub(super) decrypt: bool,
}

/// The key itself, of the kind that its algorithm takes.
pub(crate) enum Parts {
    /// For key agreement, with the public half inside.
    EcdhPrivate(EcdhSecret),
    /// For key agreement, as the recipient's public key.
    EcdhPublic(EcdhPublic),
    /// For RSA-OAEP, with the public half inside.
    RsaPrivate(OaepSecret),
    /// For RSA-OAEP, as the recipient's public key.
    RsaPublic(OaepPublic),
    /// A CEK, or a key that wraps one.
    Secret(Zeroizing<Vec<u8>>),
}

/// What a new key is like, where its algorithm leaves a choice.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Shape {
    /// The content encryption that a `dir` key is for.
    pub encryption: ContentEncryption,
    /// The curve of an ECDH key.
    pub curve: Curve,
    /// The length of an RSA modulus.
    pub rsa: RsaSize,
}

impl Default for Shape {
    /// A256GCM, P-256, 3072 bits.
    fn default() -> Self {
        Self {
            encryption: ContentEncryption::A256Gcm,
            curve: Curve::P256,
            rsa: RsaSize::Bits3072,
        }
    }
}

#[cfg(test)]
impl Shape {
    /// With the RSA keys that are made soonest.
    pub(crate) fn quick() -> Self {
        Self {
            rsa: RsaSize::Bits2048,
            ..Self::default()
        }
    }
}

impl EncryptionKey {
    /// A new key. RSA takes some hundred milliseconds, and its randomness is drawn by the C library.
    pub fn generate(
        algorithm: KeyManagement,
        shape: Shape,
        kid: Option<&str>,
        random: &dyn Random,
    ) -> Result<Self, Error> {
        let encryption = (algorithm == KeyManagement::Dir).then_some(shape.encryption);
        let parts = match algorithm.family() {
            KeyFamily::Secret(length) => {
                let mut secret = Zeroizing::new(vec![0; length.unwrap_or(shape.encryption.key_len())]);
                random.fill(&mut secret)?;
                Parts::Secret(secret)
            }
            KeyFamily::Rsa => Parts::RsaPrivate(OaepSecret::generate(shape.rsa)?),
            KeyFamily::Ecdh => Parts::EcdhPrivate(EcdhSecret::generate(shape.curve, random)?),
        };
        Self::new(algorithm, encryption, kid, parts)
    }

    pub(super) fn new(
        algorithm: KeyManagement,
        encryption: Option<ContentEncryption>,
        kid: Option<&str>,
        parts: Parts,
    ) -> Result<Self, Error> {
        let uses = Uses {
            encrypt: true,
            decrypt: parts.is_private(),
        };
        Self::restricted(algorithm, encryption, kid, parts, uses)
    }

    pub(super) fn restricted(
        algorithm: KeyManagement,
        encryption: Option<ContentEncryption>,
        kid: Option<&str>,
        parts: Parts,
        uses: Uses,
    ) -> Result<Self, Error> {
        let kid = kid.map(checked_kid).transpose()?;
        Ok(Self(Arc::new(Inner {
            algorithm,
            encryption,
            kid,
            uses,
            parts,
        })))
    }

    /// Its one key management algorithm.
    pub fn algorithm(&self) -> KeyManagement {
        self.0.algorithm
    }

    /// The one content encryption that a `dir` key is for; `None` for every other algorithm.
    pub fn encryption(&self) -> Option<ContentEncryption> {
        self.0.encryption
    }

    /// Its name in headers (RFC 7516, section 4.1.6), if it has one.
    pub fn kid(&self) -> Option<&str> {
        self.0.kid.as_deref()
    }

    /// Whether it can encrypt: every key, unless its `key_ops` say otherwise.
    pub fn can_encrypt(&self) -> bool {
        self.0.uses.encrypt
    }

    /// Whether it can decrypt, which a public key cannot.
    pub fn can_decrypt(&self) -> bool {
        self.0.uses.decrypt
    }

    pub(crate) fn parts(&self) -> &Parts {
        &self.0.parts
    }
}

impl Parts {
    /// Whether it holds a secret.
    pub(super) const fn is_private(&self) -> bool {
        matches!(self, Self::EcdhPrivate(_) | Self::RsaPrivate(_) | Self::Secret(_))
    }
}

impl fmt::Debug for EncryptionKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EncryptionKey")
            .field("alg", &self.algorithm().as_str())
            .field("kid", &self.kid())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::SystemRandom;

    #[test]
    fn every_algorithm_generates_a_key_that_prints_nothing_secret() {
        for algorithm in KeyManagement::ALL {
            let key = EncryptionKey::generate(*algorithm, Shape::quick(), Some("k"), &SystemRandom::new()).unwrap();
            assert!(key.can_encrypt() && key.can_decrypt());
            assert_eq!(key.encryption().is_some(), *algorithm == KeyManagement::Dir);
            assert_eq!(
                format!("{key:?}"),
                format!(
                    "EncryptionKey {{ alg: {:?}, kid: Some(\"k\"), .. }}",
                    algorithm.as_str()
                )
            );
        }
    }
}
