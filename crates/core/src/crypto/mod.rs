//! Primitives, one small file each, behind the `jsonwebtoken` crate's [`JwtSigner`] and [`JwtVerifier`] traits.
//!
//! HMAC, hashes and randomness run on ring, Ed25519 on aws-lc-rs: each where it measured faster. Both prefix their C
//! symbols, so neither meets the OpenSSL inside Node.

mod algorithm;
mod ed25519;
mod hash;
mod hmac;
mod provider;

use jsonwebtoken::crypto::{JwtSigner, JwtVerifier};

pub use algorithm::Algorithm;
pub use ed25519::{Ed25519Public, Ed25519Secret};
pub use hash::{Digest, sha256};
pub use hmac::{HmacKey, derive};
pub use provider::{PROVIDER, install_provider};

/// A signer that any thread may use.
pub type SharedSigner = dyn JwtSigner + Send + Sync;

/// A verifier that any thread may use.
pub type SharedVerifier = dyn JwtVerifier + Send + Sync;
