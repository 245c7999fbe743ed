//! Keys as handles: parsed and judged once, bound to exactly one algorithm (RFC 8725, section 3.1), then only used.

mod disguise;
mod document;
pub mod encryption;
mod import;
mod jwk;
mod jwk_members;
mod jwks;
mod key;
mod live;
mod master;
mod ring;
mod set;
mod term;
mod weak;

pub(crate) use document::DAMAGED;
pub use document::{DocumentKey, KeyDocument, SealedBy};
pub use encryption::{EncryptionKey, EncryptionKeySet};
pub use jwks::Loaded;
pub(crate) use key::MAX_KID;
pub use key::{Key, Material};
pub use live::LiveKeys;
pub use master::{MasterKey, MasterKeys};
pub use ring::{KeyState, RevokedKey, Ring, RingKey, RingPolicy};
pub use set::{Candidates, KeySet, MAX_KEYS};
