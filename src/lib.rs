//! keyturn's addon **translates** between JavaScript and keyturn-core. It decides nothing.
//!
//! Verifying and signing cross the boundary through the raw callbacks of [`hot`]; everything else uses `#[napi]`. Errors
//! cross as numbers (see [`error`]) and become classes in `lib/errors.ts`. Times are Unix milliseconds, as `Date.now()`
//! gives them, and come with every call.
#![deny(unsafe_code)]
// What napi-derive generates has no documentation of its own; the items it is generated from do.
#![allow(missing_docs)]
// JavaScript is who reaches what is `pub` here; to Rust it looks unreachable.
#![allow(unreachable_pub)]
// What crosses from JavaScript arrives owned.
#![allow(clippy::needless_pass_by_value)]
// In a test build napi-derive registers nothing, and everything would look unused.
#![cfg_attr(test, allow(dead_code))]

mod account;
mod answer;
mod compact;
mod encryption_key;
mod error;
mod examination;
mod hot;
mod inbox;
mod jwe;
mod jws;
mod key;
mod key_ring;
mod key_set;
mod limiter;
mod live_signer;
mod password;
mod pool;
mod pooled;
mod promise;
mod refresh;
mod revocation;
mod session;
mod session_keys;
mod stored_late;
mod time;
mod token;
mod token_cache;
