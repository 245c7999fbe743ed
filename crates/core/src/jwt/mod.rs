//! The strict JSON Web Token (RFC 7519, RFC 8725): a signer and a verifier with their options resolved once.

mod cache;
mod claims;
mod identity;
mod numeric_date;
mod policy;
mod signer;
mod times;
mod verifier;

pub use cache::{
    Answer, CacheStatistics, DEFAULT_CACHE_ENTRIES, MAX_CACHE_ENTRIES, MAX_CACHED_TOKEN_BYTES, TokenCache,
};
pub use claims::ClaimsView;
pub use identity::{Identity, RevocationCheck};
pub use policy::{DEFAULT_MAX_TOKEN_BYTES, Policy};
pub use signer::{CallClaims, Signer, SignerOptions};
pub use verifier::{Scratch, Verified, Verifier};
