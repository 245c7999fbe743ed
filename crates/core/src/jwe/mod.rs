//! JSON Web Encryption in compact form (RFC 7516): one recipient, every header parameter protected, no compression.

mod agreement;
mod compact;
#[cfg(test)]
mod cookbook;
mod decrypt;
mod encrypt;
mod header;

pub use compact::{MAX_TOKEN_BYTES, Parts, TOO_LARGE, split};
pub use decrypt::{Allowed, Decrypted, decrypt};
pub use encrypt::{EncryptOptions, MAX_PLAINTEXT_BYTES, encrypt};
pub use header::Header;
