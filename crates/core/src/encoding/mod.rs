//! Encodings: base64url (RFC 7515, section 2), strict JSON (RFC 8259) and a little DER (X.690).

pub mod base64url;
pub(crate) mod der;
pub mod json;
