//! keyturn-stores **remembers**: the stores behind [`keyturn_core::store::Store`].
//!
//! A store runs the decisions of core inside its own atomic step and keeps what they leave. It reads no wall clock: every
//! step carries the time, and a store's thread uses monotonic time for pacing only.
#![forbid(unsafe_code)]

mod memory;
mod open;
mod redis;
mod sqlite;
mod url;

pub use memory::MemoryStore;
pub use open::open;
pub use redis::{RedisStore, RedisUrl};
pub use sqlite::{Contents, Examination, KeyFacts, RevocationCounts, SessionCounts, SqliteStore, Unexamined, examine};
pub use url::StoreUrl;
