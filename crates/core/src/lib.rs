//! keyturn-core **decides**: tokens, keys, sessions and revocation.
//!
//! It does no I/O, reads no clock and draws no randomness of its own: time is a [`time::UnixMs`] argument, randomness a
//! [`random::Random`], and a [`store::Store`] remembers. What leaves it is data: a value, or an [`error::Error`] with one
//! of the codes in [`error::Code`].
#![forbid(unsafe_code)]

pub mod account;
pub mod crypto;
pub mod encoding;
pub mod error;
pub mod jwe;
pub mod jws;
pub mod jwt;
pub mod keys;
pub mod limit;
pub mod password;
pub mod random;
pub mod revocation;
pub mod session;
pub mod store;
pub mod time;
