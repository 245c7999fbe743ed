//! A strict, single-pass JSON reader for token headers and claims (RFC 8259, RFC 8725 section 3.7).
//!
//! What it lets through has one meaning for every reader: duplicate members, lone surrogates, a byte order mark, a member
//! named `__proto__`, trailing text and nesting deeper than [`MAX_DEPTH`] are refused, so that what Rust decided about
//! cannot differ from what `JSON.parse` later hands to the application. It borrows from the text and allocates only for
//! objects of more than 16 members and for member names written with escapes.

mod duplicates;
mod plain;
mod scan;
mod text;

pub use scan::{Fault, MAX_DEPTH, Value, scan_object};
pub(crate) use scan::{Visitor, elements_of, scan_members, strings_of};
pub use text::{Text, write_string};
