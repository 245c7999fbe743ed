//! Text forms: base64url (RFC 7515, section 2) and strict JSON (RFC 8259).

pub mod base64url;
pub mod json;
