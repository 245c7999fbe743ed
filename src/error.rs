//! Core's errors in JavaScript: as a number on paths that return data, as a thrown error elsewhere.
//!
//! The number holds the code's place in the table (bits 0 to 7), the claim (bits 8 to 15: 0 none, 1 to 64 a named one, from
//! 128 a required one) and the reason (bits 16 to 31: 0 none, otherwise its place in [`REASONS`] plus one).

use std::sync::{Mutex, PoisonError};

use keyturn_core::{
    error::{Claim, Code, Error},
    store::StoreError,
};
use napi_derive::napi;

/// An error whose `code` in JavaScript is one of ours.
pub(crate) type Thrown = napi::Error<&'static str>;

/// The reasons that have been numbered so far. They are static text, so there are a few dozen at most.
static REASONS: Mutex<Vec<&'static str>> = Mutex::new(Vec::new());

/// One row of the table of codes.
#[napi(object)]
pub struct CodeRow {
    pub code: String,
    pub message: String,
}

/// The table of codes in wire order.
#[napi(catch_unwind)]
pub fn codes() -> Vec<CodeRow> {
    let row = |code: &Code| CodeRow {
        code: code.as_str().to_owned(),
        message: code.message().to_owned(),
    };
    Code::ALL.iter().map(row).collect()
}

/// The named claims; their numbers on the wire count from 1.
#[napi(catch_unwind)]
pub fn claim_names() -> Vec<String> {
    Claim::NAMED.iter().map(|claim| claim.as_str().to_owned()).collect()
}

/// The text of a numbered reason.
#[napi(catch_unwind)]
pub fn reason_text(number: u32) -> Option<String> {
    let reasons = REASONS.lock().unwrap_or_else(PoisonError::into_inner);
    let index = usize::try_from(number).ok()?.checked_sub(1)?;
    reasons.get(index).map(|reason| (*reason).to_owned())
}

/// The number that crosses for an error.
pub(crate) fn number(error: Error) -> u32 {
    let claim = match error.claim() {
        None => 0,
        Some(Claim::Required(index)) => 128 | (index & 63),
        Some(claim) => Claim::NAMED
            .iter()
            .position(|named| *named == claim)
            .and_then(|index| u8::try_from(index + 1).ok())
            .unwrap_or(0),
    };
    let reason = error.reason().map_or(0, reason_number);
    u32::from(error.code().number()) | u32::from(claim) << 8 | u32::from(reason) << 16
}

fn reason_number(reason: &'static str) -> u16 {
    let mut reasons = REASONS.lock().unwrap_or_else(PoisonError::into_inner);
    let index = reasons.iter().position(|known| *known == reason).unwrap_or_else(|| {
        reasons.push(reason);
        reasons.len() - 1
    });
    u16::try_from(index + 1).unwrap_or(0)
}

/// The error to throw.
pub(crate) fn thrown(error: Error) -> Thrown {
    let reason = error.reason().unwrap_or_else(|| error.code().message());
    napi::Error::new(error.code().as_str(), reason)
}

/// The error to throw, for a store.
pub(crate) fn store_thrown(error: StoreError) -> Thrown {
    napi::Error::new(error.code.as_str(), error.detail)
}
