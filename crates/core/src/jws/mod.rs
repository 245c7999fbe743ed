//! JSON Web Signatures in compact form (RFC 7515): below the strict JWT, and without an opinion on the payload.

mod compact;
mod header;

pub use compact::{Parts, seal, split};
pub(crate) use header::media_type;
pub use header::{Header, protected_header};
