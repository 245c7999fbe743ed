//! Keys for JavaScript: handles that show nothing secret.

use keyturn_core::{
    crypto::{Algorithm, RsaSize, install_provider},
    error::{Code, Error},
    keys::Key,
    random::SystemRandom,
};
use napi::bindgen_prelude::Buffer;
use napi_derive::napi;
use zeroize::Zeroizing;

use crate::error::{Thrown, thrown};

/// A key handle.
#[napi(js_name = "NativeKey")]
pub struct NativeKey {
    pub(crate) key: Key,
}

#[napi]
impl NativeKey {
    /// A new random key.
    #[napi(factory, catch_unwind)]
    pub fn generate(algorithm: String, kid: Option<String>) -> Result<Self, Thrown> {
        wrap(
            |algorithm, kid| Key::generate(algorithm, kid, &SystemRandom::new()),
            &algorithm,
            kid.as_deref(),
        )
    }

    /// A new RSA key of 2048, 3072 or 4096 bits.
    #[napi(factory, catch_unwind)]
    pub fn generate_rsa(algorithm: String, bits: u32, kid: Option<String>) -> Result<Self, Thrown> {
        wrap(
            |algorithm, kid| Key::generate_rsa(algorithm, rsa_size(bits)?, kid),
            &algorithm,
            kid.as_deref(),
        )
    }

    /// An HMAC key.
    #[napi(factory, catch_unwind)]
    pub fn from_secret(algorithm: String, secret: Buffer, kid: Option<String>) -> Result<Self, Thrown> {
        let secret = Zeroizing::new(secret.to_vec());
        wrap(
            |algorithm, kid| Key::hmac(algorithm, secret, kid),
            &algorithm,
            kid.as_deref(),
        )
    }

    /// A private key from PKCS#8.
    #[napi(factory, catch_unwind)]
    pub fn from_pkcs8(algorithm: String, der: Buffer, kid: Option<String>) -> Result<Self, Thrown> {
        wrap(
            |algorithm, kid| Key::from_pkcs8(algorithm, &der, kid),
            &algorithm,
            kid.as_deref(),
        )
    }

    /// A public key from a `SubjectPublicKeyInfo`.
    #[napi(factory, catch_unwind)]
    pub fn from_spki(algorithm: String, der: Buffer, kid: Option<String>) -> Result<Self, Thrown> {
        wrap(
            |algorithm, kid| Key::from_spki(algorithm, &der, kid),
            &algorithm,
            kid.as_deref(),
        )
    }

    /// A key from a JWK's JSON text.
    #[napi(factory, catch_unwind)]
    pub fn from_jwk(algorithm: String, json: String, kid: Option<String>) -> Result<Self, Thrown> {
        let json = Zeroizing::new(json);
        wrap(
            |algorithm, kid| Key::from_jwk(algorithm, &json, kid),
            &algorithm,
            kid.as_deref(),
        )
    }

    /// A key that only verifies, from a JWK of a set.
    #[napi(factory, catch_unwind)]
    pub fn from_set_member(json: String, names: Vec<String>) -> Result<Self, Thrown> {
        install_provider();
        let json = Zeroizing::new(json);
        algorithms(&names)
            .and_then(|algorithms| Key::from_set_member(&json, &algorithms))
            .map(|key| Self { key })
            .map_err(thrown)
    }

    /// The algorithm's name.
    #[napi(getter)]
    pub fn algorithm(&self) -> String {
        self.key.algorithm().as_str().to_owned()
    }

    /// The `kid`.
    #[napi(getter)]
    pub fn kid(&self) -> Option<String> {
        self.key.kid().map(str::to_owned)
    }

    /// Whether it can sign.
    #[napi(getter)]
    pub fn can_sign(&self) -> bool {
        self.key.can_sign()
    }

    /// The public JWK as JSON text.
    #[napi(catch_unwind)]
    pub fn public_jwk(&self) -> Result<String, Thrown> {
        public_jwk(&self.key).map_err(thrown)
    }

    /// The RFC 7638 thumbprint.
    #[napi(catch_unwind)]
    pub fn thumbprint(&self) -> Result<String, Thrown> {
        self.key.thumbprint().map_err(thrown)
    }
}

pub(crate) fn public_jwk(key: &Key) -> Result<String, Error> {
    let jwk = key.public_jwk()?;
    serde_json::to_string(&jwk).map_err(|_| Code::Internal.into())
}

/// The algorithm of that name.
pub(crate) fn algorithm(name: &str) -> Result<Algorithm, Error> {
    Algorithm::from_name(name).ok_or(Error::because(Code::OptionInvalid, "there is no such algorithm"))
}

pub(crate) fn rsa_size(bits: u32) -> Result<RsaSize, Error> {
    match bits {
        2048 => Ok(RsaSize::Bits2048),
        3072 => Ok(RsaSize::Bits3072),
        4096 => Ok(RsaSize::Bits4096),
        _ => Err(Error::because(
            Code::OptionInvalid,
            "an RSA key is made with 2048, 3072 or 4096 bits",
        )),
    }
}

/// The algorithms of these names.
pub(crate) fn algorithms(names: &[String]) -> Result<Vec<Algorithm>, Error> {
    names.iter().map(|name| algorithm(name)).collect()
}

fn wrap<'a>(
    make: impl FnOnce(Algorithm, Option<&'a str>) -> Result<Key, Error>,
    name: &str,
    kid: Option<&'a str>,
) -> Result<NativeKey, Thrown> {
    install_provider();
    algorithm(name)
        .and_then(|algorithm| make(algorithm, kid))
        .map(|key| NativeKey { key })
        .map_err(thrown)
}
