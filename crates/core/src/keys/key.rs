//! The key handle.

use std::{fmt, sync::Arc};

use zeroize::Zeroizing;

use crate::{
    crypto::{
        Algorithm, EcdsaPublic, EcdsaSecret, Ed25519Public, Ed25519Secret, Family, HmacKey, RsaPublic, RsaSecret,
        RsaSize, SharedSigner, SharedVerifier, derive,
    },
    encoding::base64url,
    error::{Code, Error},
    random::{self, Random},
};

/// A key bound to one algorithm. Cloning shares it; any thread may use it. Prints its algorithm and `kid` only, and wipes
/// its secret when the last clone is dropped.
#[derive(Clone)]
pub struct Key(Arc<Inner>);

struct Inner {
    algorithm: Algorithm,
    kid: Option<Box<str>>,
    /// Shared by the same key under other names.
    parts: Arc<Parts>,
}

pub(super) enum Parts {
    Ecdsa {
        secret: Option<EcdsaSecret>,
        public: EcdsaPublic,
    },
    Ed25519 {
        secret: Option<Ed25519Secret>,
        public: Ed25519Public,
    },
    Hmac {
        key: HmacKey,
        secret: Zeroizing<Vec<u8>>,
    },
    Rsa {
        secret: Option<RsaSecret>,
        public: RsaPublic,
    },
}

/// What a store keeps of a key: enough to make it again.
#[derive(Debug)]
pub struct Material {
    /// The algorithm.
    pub algorithm: Algorithm,
    /// The HMAC secret, the Ed25519 seed, or the PKCS#8 form of an RSA or EC key.
    pub secret: Zeroizing<Vec<u8>>,
}

impl Key {
    /// A new key. HMAC: as many random bytes as the hash is long (RFC 7518, section 3.2); Ed25519: a fresh seed; ECDSA: a
    /// pair on the algorithm's curve; RSA: 3072 bits, which takes some hundred milliseconds.
    ///
    /// `random` serves secrets and seeds; the pairs of the C library come from its own generator.
    pub fn generate(algorithm: Algorithm, kid: Option<&str>, random: &dyn Random) -> Result<Self, Error> {
        match algorithm.family() {
            Family::Ecdsa => Self::ecdsa(algorithm, EcdsaSecret::generate(algorithm)?, kid),
            Family::Rsa => Self::generate_rsa(algorithm, RsaSize::Bits3072, kid),
            Family::EdDsa | Family::Hmac => {
                let mut secret = Zeroizing::new(random::array::<64>(random)?.to_vec());
                secret.truncate(if algorithm == Algorithm::EdDsa {
                    32
                } else {
                    algorithm.hash_len()
                });
                Self::from_material(Material { algorithm, secret }, kid)
            }
        }
    }

    /// A new RSA key of that size.
    pub fn generate_rsa(algorithm: Algorithm, size: RsaSize, kid: Option<&str>) -> Result<Self, Error> {
        Self::rsa(algorithm, RsaSecret::generate(algorithm, size)?, kid)
    }

    /// The key that [`Key::material`] described: one that was judged when it was first made.
    pub fn from_material(material: Material, kid: Option<&str>) -> Result<Self, Error> {
        let Material { algorithm, secret } = material;
        match algorithm.family() {
            Family::Ecdsa => Self::ecdsa(algorithm, EcdsaSecret::from_der(algorithm, &secret)?, kid),
            Family::EdDsa => Self::ed25519(Ed25519Secret::from_seed(&secret)?, kid),
            Family::Hmac => Self::hmac_unchecked(algorithm, secret, kid),
            Family::Rsa => Self::rsa(algorithm, RsaSecret::from_der(algorithm, &secret)?, kid),
        }
    }

    pub(super) fn ecdsa(algorithm: Algorithm, secret: EcdsaSecret, kid: Option<&str>) -> Result<Self, Error> {
        let public = secret.public(algorithm)?;
        let secret = Some(secret);
        Self::new(algorithm, kid, Parts::Ecdsa { secret, public })
    }

    pub(super) fn ecdsa_public(algorithm: Algorithm, public: EcdsaPublic, kid: Option<&str>) -> Result<Self, Error> {
        Self::new(algorithm, kid, Parts::Ecdsa { secret: None, public })
    }

    pub(super) fn ed25519(secret: Ed25519Secret, kid: Option<&str>) -> Result<Self, Error> {
        let public = secret.public()?;
        let secret = Some(secret);
        Self::new(Algorithm::EdDsa, kid, Parts::Ed25519 { secret, public })
    }

    pub(super) fn ed25519_public(public: Ed25519Public, kid: Option<&str>) -> Result<Self, Error> {
        Self::new(Algorithm::EdDsa, kid, Parts::Ed25519 { secret: None, public })
    }

    pub(super) fn rsa(algorithm: Algorithm, secret: RsaSecret, kid: Option<&str>) -> Result<Self, Error> {
        let public = secret.public(algorithm)?;
        let secret = Some(secret);
        Self::new(algorithm, kid, Parts::Rsa { secret, public })
    }

    pub(super) fn rsa_public(algorithm: Algorithm, public: RsaPublic, kid: Option<&str>) -> Result<Self, Error> {
        Self::new(algorithm, kid, Parts::Rsa { secret: None, public })
    }

    pub(super) fn hmac_unchecked(
        algorithm: Algorithm,
        secret: Zeroizing<Vec<u8>>,
        kid: Option<&str>,
    ) -> Result<Self, Error> {
        let key = match algorithm {
            Algorithm::Hs256 => HmacKey::sha256(&secret),
            Algorithm::Hs384 => HmacKey::sha384(&secret),
            Algorithm::Hs512 => HmacKey::sha512(&secret),
            _ => {
                return Err(Error::because(
                    Code::KeyInvalid,
                    "a secret is a key for HS256 to HS512 only",
                ));
            }
        };
        Self::new(algorithm, kid, Parts::Hmac { key, secret })
    }

    fn new(algorithm: Algorithm, kid: Option<&str>, parts: Parts) -> Result<Self, Error> {
        let kid = kid.map(checked_kid).transpose()?;
        let parts = Arc::new(parts);
        Ok(Self(Arc::new(Inner { algorithm, kid, parts })))
    }

    /// The same key under another name.
    pub fn with_kid(&self, kid: &str) -> Result<Self, Error> {
        Ok(Self(Arc::new(Inner {
            algorithm: self.0.algorithm,
            kid: Some(checked_kid(kid)?),
            parts: Arc::clone(&self.0.parts),
        })))
    }

    /// Its one algorithm.
    pub fn algorithm(&self) -> Algorithm {
        self.0.algorithm
    }

    /// Its name in token headers (RFC 7515, section 4.1.4), if it has one.
    pub fn kid(&self) -> Option<&str> {
        self.0.kid.as_deref()
    }

    /// Whether it can sign, which a public key cannot.
    pub fn can_sign(&self) -> bool {
        self.signer().is_some()
    }

    /// What signs with it; `None` for a public key.
    pub fn signer(&self) -> Option<&SharedSigner> {
        match &*self.0.parts {
            Parts::Ecdsa { secret, .. } => secret.as_ref().map(|secret| -> &SharedSigner { secret }),
            Parts::Ed25519 { secret, .. } => secret.as_ref().map(|secret| -> &SharedSigner { secret }),
            Parts::Hmac { key, .. } => Some(key),
            Parts::Rsa { secret, .. } => secret.as_ref().map(|secret| -> &SharedSigner { secret }),
        }
    }

    /// What verifies with it; a private key verifies with its public half.
    pub fn verifier(&self) -> &SharedVerifier {
        match &*self.0.parts {
            Parts::Ecdsa { public, .. } => public,
            Parts::Ed25519 { public, .. } => public,
            Parts::Hmac { key, .. } => key,
            Parts::Rsa { public, .. } => public,
        }
    }

    /// The signature over `message`.
    pub fn sign(&self, message: &[u8]) -> Result<Vec<u8>, Error> {
        let signer = self
            .signer()
            .ok_or(Error::because(Code::KeyInvalid, "a public key cannot sign"))?;
        signer.try_sign(message).map_err(|_| Error::new(Code::Internal))
    }

    /// Whether `signature` is this key's over `message`; HMAC tags are compared in constant time.
    pub fn verifies(&self, message: &[u8], signature: &Vec<u8>) -> bool {
        self.verifier().verify(message, signature).is_ok()
    }

    /// The same key with the `kid` that it needs inside a ring: its own, else its thumbprint, else, for an HMAC key, a name
    /// derived from the secret through HKDF, which is no hash of the bare secret.
    pub fn named(&self) -> Result<Self, Error> {
        if self.kid().is_some() {
            return Ok(self.clone());
        }
        let name = match self.parts() {
            Parts::Hmac { secret, .. } => base64url::encode(derive(secret, "kid").get(..16).unwrap_or_default()),
            _ => self.thumbprint()?,
        };
        self.with_kid(&name)
    }

    /// The secret for a store to keep; `None` for a public key.
    pub fn material(&self) -> Result<Option<Material>, Error> {
        let secret = match self.parts() {
            Parts::Ecdsa { secret, .. } => secret.as_ref().map(EcdsaSecret::to_pkcs8).transpose()?,
            Parts::Ed25519 { secret, .. } => match secret {
                Some(secret) => Some(Zeroizing::new(secret.seed()?.to_vec())),
                None => None,
            },
            Parts::Hmac { secret, .. } => Some(secret.clone()),
            Parts::Rsa { secret, .. } => secret.as_ref().map(RsaSecret::to_pkcs8).transpose()?,
        };
        Ok(secret.map(|secret| Material {
            algorithm: self.algorithm(),
            secret,
        }))
    }

    pub(super) fn parts(&self) -> &Parts {
        &self.0.parts
    }
}

/// The same handle, or a clone of it. Keys that were made twice of the same material are two.
impl PartialEq for Key {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl Eq for Key {}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Key")
            .field("alg", &self.algorithm().as_str())
            .field("kid", &self.kid())
            .finish_non_exhaustive()
    }
}

/// The longest `kid` in bytes, in keys and in headers alike.
pub(crate) const MAX_KID: usize = 256;

pub(super) fn checked_kid(kid: &str) -> Result<Box<str>, Error> {
    if kid.is_empty() || kid.len() > MAX_KID || kid.chars().any(char::is_control) {
        return Err(Error::because(
            Code::KeyInvalid,
            "a kid takes 1 to 256 bytes without control characters",
        ));
    }
    Ok(kid.into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::SystemRandom;

    #[test]
    fn a_generated_key_signs_what_it_verifies() {
        for algorithm in Algorithm::ALL {
            let key = Key::generate(*algorithm, Some("k1"), &SystemRandom::new()).unwrap();
            let signature = key.sign(b"message").unwrap();
            assert!(key.verifies(b"message", &signature));
            assert!(!key.verifies(b"massage", &signature));
            assert_eq!(key.kid(), Some("k1"));
        }
    }

    #[test]
    fn a_key_comes_back_from_its_material() {
        for algorithm in Algorithm::ALL {
            let key = Key::generate(*algorithm, None, &SystemRandom::new()).unwrap();
            let again = Key::from_material(key.material().unwrap().unwrap(), None).unwrap();
            assert!(again.verifies(b"message", &key.sign(b"message").unwrap()));
        }
    }

    #[test]
    fn a_name_is_found_for_a_key_without_one_and_is_always_the_same() {
        for algorithm in Algorithm::ALL {
            let key = Key::generate(*algorithm, None, &SystemRandom::new()).unwrap();
            let first = key.named().unwrap();
            let second = key.named().unwrap();
            assert!(first.kid().is_some());
            assert_eq!(first.kid(), second.kid());
            assert_eq!(first.named().unwrap().kid(), first.kid());
        }
    }

    #[test]
    fn a_kid_that_could_break_a_header_is_refused() {
        for kid in ["", "a\r\nb", "\0", &"k".repeat(257)] {
            let error = Key::generate(Algorithm::Hs256, Some(kid), &SystemRandom::new()).unwrap_err();
            assert_eq!(error.code(), Code::KeyInvalid);
        }
    }

    #[test]
    fn a_key_prints_nothing_secret() {
        let secret = Zeroizing::new(b"this secret must never be printed".to_vec());
        let key = Key::hmac(Algorithm::Hs256, secret, Some("k1")).unwrap();
        assert_eq!(format!("{key:?}"), r#"Key { alg: "HS256", kid: Some("k1"), .. }"#);
    }
}
