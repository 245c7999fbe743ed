//! Primitives, one small file each, behind the `signature` traits on which the `jsonwebtoken` crate's `JwtSigner` and
//! `JwtVerifier` stand; [`PROVIDER`] gives them to that crate.
//!
//! HMAC, hashes and randomness run on ring; RSA, ECDSA and Ed25519 on aws-lc-rs: each where it measured faster. Both prefix
//! their C symbols, so neither meets the OpenSSL inside Node.

mod algorithm;
mod ecdsa;
mod ed25519;
mod hash;
mod hmac;
mod provider;
mod roca;
mod rsa;

use jsonwebtoken::signature::{Signer, Verifier};

pub use algorithm::{Algorithm, Family};
pub use ecdsa::{EcdsaPublic, EcdsaSecret, coordinate_len};
pub use ed25519::{Ed25519Public, Ed25519Secret};
pub use hash::{Digest, sha256};
pub use hmac::{HmacKey, derive};
pub use provider::{PROVIDER, install_provider};
pub use rsa::{RsaComponents, RsaPublic, RsaSecret, RsaSize};

/// A signer that any thread may use.
pub type SharedSigner = dyn Signer<Vec<u8>> + Send + Sync;

/// A verifier that any thread may use.
pub type SharedVerifier = dyn Verifier<Vec<u8>> + Send + Sync;
