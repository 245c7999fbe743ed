//! Revocation: what is revoked, and the index that every verification asks.

mod entry;
mod index;

pub use entry::{MAX_TOKEN_LIFE, MAX_TOLERANCE, Revocation, Target};
pub use index::{DEFAULT_CAPACITY, RevocationIndex};
