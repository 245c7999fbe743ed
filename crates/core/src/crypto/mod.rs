//! Primitives, one small file each, behind the `signature` traits on which the `jsonwebtoken` crate's `JwtSigner` and
//! `JwtVerifier` stand; [`PROVIDER`] gives them to that crate.
//!
//! HMAC, hashes and randomness run on ring; RSA, ECDSA and Ed25519 on aws-lc-rs: each where it measured faster. What JWE
//! needs is AES-GCM and the hashes of ring; AES-CBC, AES Key Wrap, RSA-OAEP and ECDH of aws-lc-rs. Both prefix
//! their C symbols, so neither meets the OpenSSL inside Node.

mod aes_cbc;
mod aes_cbc_hmac;
mod aes_gcm;
mod aes_kw;
mod algorithm;
mod concat_kdf;
mod content_encryption;
mod ecdh;
mod ecdsa;
mod ed25519;
mod hash;
mod hmac;
mod key_management;
mod provider;
mod roca;
mod rsa;
mod rsa_oaep;
#[cfg(test)]
mod wycheproof_encryption;

use jsonwebtoken::signature::{Signer, Verifier};

pub use aes_kw::{WRAP_BYTES, unwrap_key, wrap_key};
pub use algorithm::{Algorithm, Family};
pub use concat_kdf::concat_kdf;
pub use content_encryption::{ContentEncryption, Opening, Sealed};
pub use ecdh::{Curve, EcdhPublic, EcdhSecret};
pub use ecdsa::{EcdsaPublic, EcdsaSecret, coordinate_len};
pub use ed25519::{Ed25519Public, Ed25519Secret};
pub use hash::{Digest, sha256};
pub use hmac::{HmacKey, derive};
pub use key_management::{KeyFamily, KeyManagement};
pub use provider::{PROVIDER, install_provider};
pub use rsa::{RsaComponents, RsaPublic, RsaSecret, RsaSize};
pub use rsa_oaep::{OaepHash, OaepPublic, OaepSecret};

/// A signer that any thread may use.
pub type SharedSigner = dyn Signer<Vec<u8>> + Send + Sync;

/// A verifier that any thread may use.
pub type SharedVerifier = dyn Verifier<Vec<u8>> + Send + Sync;
