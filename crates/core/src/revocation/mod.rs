//! Revocation: what is revoked, and the index that every verification asks.

mod entry;
mod index;

pub use entry::{MAX_TOLERANCE, Revocation, Target};
pub use index::{DEFAULT_CAPACITY, RevocationIndex};
