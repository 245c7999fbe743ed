//! Keys for JWE: handles for encryption and key agreement, apart from those that sign.

mod import;
mod jwk;
mod key;
mod set;

pub use import::Binding;
pub(crate) use key::Parts;
pub use key::{EncryptionKey, Shape};
pub use set::EncryptionKeySet;
