//! Keys for JWE in JavaScript: handles that show nothing secret.

use keyturn_core::{
    crypto::{ContentEncryption, Curve, KeyManagement},
    error::{Code, Error},
    keys::{
        EncryptionKey,
        encryption::{Binding, Shape},
    },
    random::SystemRandom,
};
use napi::bindgen_prelude::Buffer;
use napi_derive::napi;
use zeroize::Zeroizing;

use crate::{
    error::{Thrown, thrown},
    key::rsa_size,
};

/// What a key is bound to.
#[napi(object)]
pub struct NativeBinding {
    pub algorithm: String,
    pub encryption: Option<String>,
    pub kid: Option<String>,
}

/// An encryption key handle.
#[napi(js_name = "NativeEncryptionKey")]
pub struct NativeEncryptionKey {
    pub(crate) key: EncryptionKey,
}

#[napi]
impl NativeEncryptionKey {
    /// A new random key.
    #[napi(factory, catch_unwind)]
    pub fn generate(binding: NativeBinding, curve: Option<String>, bits: Option<u32>) -> Result<Self, Thrown> {
        wrap(binding, |bound, kid| {
            let mut shape = Shape::default();
            if let Some(encryption) = bound.encryption {
                shape.encryption = encryption;
            }
            if let Some(curve) = curve {
                shape.curve = Curve::from_name(&curve).ok_or(Error::because(Code::OptionInvalid, "no such curve"))?;
            }
            if let Some(bits) = bits {
                shape.rsa = rsa_size(bits)?;
            }
            EncryptionKey::generate(bound.algorithm, shape, kid, &SystemRandom::new())
        })
    }

    /// A symmetric key.
    #[napi(factory, catch_unwind)]
    pub fn from_secret(binding: NativeBinding, secret: Buffer) -> Result<Self, Thrown> {
        let secret = Zeroizing::new(secret.to_vec());
        wrap(binding, |bound, kid| EncryptionKey::from_secret(bound, secret, kid))
    }

    /// A private key from PKCS#8.
    #[napi(factory, catch_unwind)]
    pub fn from_pkcs8(binding: NativeBinding, der: Buffer) -> Result<Self, Thrown> {
        wrap(binding, |bound, kid| EncryptionKey::from_pkcs8(bound, &der, kid))
    }

    /// A public key from a `SubjectPublicKeyInfo`.
    #[napi(factory, catch_unwind)]
    pub fn from_spki(binding: NativeBinding, der: Buffer) -> Result<Self, Thrown> {
        wrap(binding, |bound, kid| EncryptionKey::from_spki(bound, &der, kid))
    }

    /// A key from a JWK's JSON text.
    #[napi(factory, catch_unwind)]
    pub fn from_jwk(binding: NativeBinding, json: String) -> Result<Self, Thrown> {
        let json = Zeroizing::new(json);
        wrap(binding, |bound, kid| EncryptionKey::from_jwk(bound, &json, kid))
    }

    /// The key management algorithm's name.
    #[napi(getter)]
    pub fn algorithm(&self) -> String {
        self.key.algorithm().as_str().to_owned()
    }

    /// The `kid`.
    #[napi(getter)]
    pub fn kid(&self) -> Option<String> {
        self.key.kid().map(str::to_owned)
    }

    /// Whether it can encrypt.
    #[napi(getter)]
    pub fn can_encrypt(&self) -> bool {
        self.key.can_encrypt()
    }

    /// Whether it can decrypt.
    #[napi(getter)]
    pub fn can_decrypt(&self) -> bool {
        self.key.can_decrypt()
    }

    /// The public JWK as JSON text.
    #[napi(catch_unwind)]
    pub fn public_jwk(&self) -> Result<String, Thrown> {
        self.key.public_jwk().map_err(thrown)
    }

    /// The RFC 7638 thumbprint.
    #[napi(catch_unwind)]
    pub fn thumbprint(&self) -> Result<String, Thrown> {
        self.key.thumbprint().map_err(thrown)
    }
}

/// The key management algorithm of that name.
pub(crate) fn key_management(name: &str) -> Result<KeyManagement, Error> {
    KeyManagement::from_name(name).ok_or(Error::because(Code::OptionInvalid, "there is no such algorithm"))
}

/// The content encryption of that name.
pub(crate) fn content_encryption(name: &str) -> Result<ContentEncryption, Error> {
    ContentEncryption::from_name(name).ok_or(Error::because(
        Code::OptionInvalid,
        "there is no such content encryption",
    ))
}

fn wrap(
    binding: NativeBinding,
    make: impl FnOnce(Binding, Option<&str>) -> Result<EncryptionKey, Error>,
) -> Result<NativeEncryptionKey, Thrown> {
    let bound = || {
        Ok(Binding {
            algorithm: key_management(&binding.algorithm)?,
            encryption: binding.encryption.as_deref().map(content_encryption).transpose()?,
        })
    };
    bound()
        .and_then(|bound| make(bound, binding.kid.as_deref()))
        .map(|key| NativeEncryptionKey { key })
        .map_err(thrown)
}
