//! Revocation: what is revoked, and the index that every verification asks.

mod asked;
mod atomic;
mod bound;
mod cutoff;
mod cutoffs;
mod digest;
mod digest_key;
mod entries;
mod entries_tests;
mod entry;
mod everything;
mod expiry;
mod filter;
mod filter_tests;
mod fingerprint;
mod index;
mod index_model;
mod nh;
mod table;
mod table_tests;

pub use entry::{MAX_TOKEN_LIFE, MAX_TOLERANCE, Revocation, Target};
pub use fingerprint::Fingerprint;
pub use index::{DEFAULT_CAPACITY, RevocationIndex};
