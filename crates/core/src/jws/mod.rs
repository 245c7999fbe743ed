//! JSON Web Signatures in compact form (RFC 7515): below the strict JWT, and without an opinion on the payload.

mod any_header;
mod compact;
mod cost;
mod extra;
mod header;
mod raw;

pub use any_header::AnyHeaderReader;
pub use compact::{Parts, finish, seal, seal_joined, split};
pub use cost::{signs_slowly, verifies_slowly};
pub use extra::{ExtraHeader, MAX_EXTRA_BYTES};
pub(crate) use header::media_type;
pub use header::{Header, protected_header};
pub use raw::{MAX_JWS_BYTES, MAX_PAYLOAD_BYTES, Opened, check_size, sign, verify};
