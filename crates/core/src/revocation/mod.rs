//! Revocation: what is revoked, and the index that every verification asks.

mod atomic;
mod bound;
mod cutoff;
mod digest;
mod entries;
mod entry;
mod everything;
mod expiry;
mod filter;
mod filter_tests;
mod fingerprint;
mod index;
mod index_model;

pub use entry::{MAX_TOKEN_LIFE, MAX_TOLERANCE, Revocation, Target};
pub use fingerprint::Fingerprint;
pub use index::{DEFAULT_CAPACITY, RevocationIndex};
