//! The strict JSON Web Token (RFC 7519, RFC 8725): a signer and a verifier with their options resolved once.

mod claims;
mod numeric_date;
mod policy;
mod signer;
mod verifier;

pub use claims::ClaimsView;
pub use policy::{DEFAULT_MAX_TOKEN_BYTES, Policy};
pub use signer::{CallClaims, Signer, SignerOptions};
pub use verifier::{Identity, RevocationCheck, Scratch, Verified, Verifier};
