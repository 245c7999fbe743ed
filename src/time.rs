//! JavaScript numbers as times and spans.

use keyturn_core::time::{Span, UnixMs};

/// The time that `Date.now()` gave. What is no time at all is the end of time, at which every token has expired: a broken
/// clock must not let anybody in.
#[expect(
    clippy::as_conversions,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "the cast saturates, and NaN and negative numbers have been sorted out"
)]
pub(crate) fn now(milliseconds: f64) -> UnixMs {
    if milliseconds >= 0.0 {
        UnixMs::new(milliseconds as u64)
    } else {
        UnixMs::MAX
    }
}

/// A span of milliseconds; what is none is zero.
#[expect(
    clippy::as_conversions,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "the cast saturates: NaN and negative numbers become zero"
)]
pub(crate) fn span(milliseconds: f64) -> Span {
    Span::from_millis(milliseconds as u64)
}

/// A time for JavaScript; exact, since times stay below 2^53.
#[expect(clippy::as_conversions, clippy::cast_precision_loss, reason = "exact below 2^53")]
pub(crate) fn to_js(time: UnixMs) -> f64 {
    time.as_millis() as f64
}

/// A span in milliseconds for JavaScript; exact below 2^53, which is longer than anything lasts.
#[expect(clippy::as_conversions, clippy::cast_precision_loss, reason = "exact below 2^53")]
pub(crate) fn span_to_js(span: Span) -> f64 {
    span.as_millis() as f64
}
