//! The key handle.

use std::{fmt, sync::Arc};

use zeroize::Zeroizing;

use crate::{
    crypto::{Algorithm, Ed25519Public, Ed25519Secret, HmacKey, SharedSigner, SharedVerifier, derive},
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
    parts: Parts,
}

enum Parts {
    Ed25519 {
        secret: Option<Ed25519Secret>,
        public: Ed25519Public,
    },
    Hmac {
        key: HmacKey,
        secret: Zeroizing<Vec<u8>>,
    },
}

/// What a store keeps of a key: enough to make it again.
#[derive(Debug)]
pub struct Material {
    /// The algorithm.
    pub algorithm: Algorithm,
    /// The Ed25519 seed or the HMAC secret.
    pub secret: Zeroizing<Vec<u8>>,
}

impl Key {
    /// A new key. Ed25519: a fresh seed; HMAC: as many random bytes as the hash is long (RFC 7518, section 3.2).
    pub fn generate(algorithm: Algorithm, kid: Option<&str>, random: &dyn Random) -> Result<Self, Error> {
        let secret = Zeroizing::new(random::array::<32>(random)?.to_vec());
        Self::from_material(Material { algorithm, secret }, kid)
    }

    /// The key that [`Key::material`] described: one that was judged when it was first made.
    pub fn from_material(material: Material, kid: Option<&str>) -> Result<Self, Error> {
        match material.algorithm {
            Algorithm::EdDsa => Self::ed25519(Ed25519Secret::from_seed(&material.secret)?, kid),
            Algorithm::Hs256 => Self::hmac_unchecked(material.algorithm, material.secret, kid),
        }
    }

    pub(super) fn ed25519(secret: Ed25519Secret, kid: Option<&str>) -> Result<Self, Error> {
        let public = secret.public()?;
        let parts = Parts::Ed25519 {
            secret: Some(secret),
            public,
        };
        Self::new(Algorithm::EdDsa, kid, parts)
    }

    pub(super) fn ed25519_public(public: Ed25519Public, kid: Option<&str>) -> Result<Self, Error> {
        Self::new(Algorithm::EdDsa, kid, Parts::Ed25519 { secret: None, public })
    }

    pub(super) fn hmac_unchecked(
        algorithm: Algorithm,
        secret: Zeroizing<Vec<u8>>,
        kid: Option<&str>,
    ) -> Result<Self, Error> {
        let key = HmacKey::sha256(&secret);
        Self::new(algorithm, kid, Parts::Hmac { key, secret })
    }

    fn new(algorithm: Algorithm, kid: Option<&str>, parts: Parts) -> Result<Self, Error> {
        let kid = kid.map(checked_kid).transpose()?;
        Ok(Self(Arc::new(Inner { algorithm, kid, parts })))
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
        match &self.0.parts {
            Parts::Ed25519 { secret, .. } => secret.as_ref().map(|secret| -> &SharedSigner { secret }),
            Parts::Hmac { key, .. } => Some(key),
        }
    }

    /// What verifies with it; a private key verifies with its public half.
    pub fn verifier(&self) -> &SharedVerifier {
        match &self.0.parts {
            Parts::Ed25519 { public, .. } => public,
            Parts::Hmac { key, .. } => key,
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
        match &self.0.parts {
            Parts::Hmac { secret, .. } => {
                let name = base64url::encode(derive(secret, "kid").get(..16).unwrap_or_default());
                Self::hmac_unchecked(self.algorithm(), secret.clone(), Some(&name))
            }
            Parts::Ed25519 { .. } => {
                let name = self.thumbprint()?;
                match self.material()? {
                    Some(material) => Self::from_material(material, Some(&name)),
                    None => Self::ed25519_public(self.ed25519_half()?.clone(), Some(&name)),
                }
            }
        }
    }

    /// The secret for a store to keep; `None` for a public key.
    pub fn material(&self) -> Result<Option<Material>, Error> {
        let secret = match &self.0.parts {
            Parts::Ed25519 { secret: None, .. } => return Ok(None),
            Parts::Ed25519 {
                secret: Some(secret), ..
            } => Zeroizing::new(secret.seed()?.to_vec()),
            Parts::Hmac { secret, .. } => secret.clone(),
        };
        Ok(Some(Material {
            algorithm: self.algorithm(),
            secret,
        }))
    }

    pub(super) fn ed25519_half(&self) -> Result<&Ed25519Public, Error> {
        match &self.0.parts {
            Parts::Ed25519 { public, .. } => Ok(public),
            Parts::Hmac { .. } => Err(Error::because(
                Code::KeyInvalid,
                "an HMAC key is secret wholly and has no public form",
            )),
        }
    }
}

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

fn checked_kid(kid: &str) -> Result<Box<str>, Error> {
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
