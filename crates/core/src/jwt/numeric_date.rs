//! `NumericDate` (RFC 7519, section 2): seconds since the epoch as a JSON number.

use crate::time::{Span, UnixMs};

/// A point in time out of a token. Kept as the number it was, never rounded.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd)]
pub(super) struct NumericDate(f64);

impl NumericDate {
    /// From 2^53 seconds on a JSON number is no longer exact, and no token lives that long.
    const MAX: f64 = 9_007_199_254_740_991.0;

    /// Reads a JSON number's text; negative, infinite and inexactly large ones are refused.
    pub(super) fn parse(number: &str) -> Option<Self> {
        let seconds: f64 = match whole(number) {
            Some(whole) => lossless(whole),
            None => number.parse().ok()?,
        };
        (seconds.is_sign_positive() && seconds <= Self::MAX).then_some(Self(seconds))
    }

    /// Whether this moment, moved later by `tolerance`, is now or over.
    pub(super) fn is_past(self, now: UnixMs, tolerance: Span) -> bool {
        lossless(now.as_millis()) >= self.0 * 1000.0 + lossless(tolerance.as_millis())
    }

    /// Whether this moment, moved earlier by `tolerance`, is still to come.
    pub(super) fn is_future(self, now: UnixMs, tolerance: Span) -> bool {
        lossless(now.as_millis()) + lossless(tolerance.as_millis()) < self.0 * 1000.0
    }

    /// Whether this moment lies later than `span` after `start`.
    pub(super) fn exceeds(self, start: Self, span: Span) -> bool {
        self.0 * 1000.0 > start.0 * 1000.0 + lossless(span.as_millis())
    }

    /// The whole second it falls in.
    #[expect(
        clippy::as_conversions,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "parse() admits 0 to 2^53 only, where the cast rounds down and loses nothing else"
    )]
    pub(super) fn whole_seconds(self) -> u64 {
        self.0 as u64
    }
}

/// The number if it is written in 1 to 15 digits and nothing else, as nearly all are; those are exact.
fn whole(number: &str) -> Option<u64> {
    if number.is_empty() || number.len() > 15 {
        return None;
    }
    number.bytes().try_fold(0_u64, |whole, byte| {
        let digit = byte.wrapping_sub(b'0');
        (digit <= 9).then_some(whole * 10 + u64::from(digit))
    })
}

/// Times and spans stay below 2^53, where an f64 is exact.
#[expect(clippy::as_conversions, clippy::cast_precision_loss, reason = "exact below 2^53")]
fn lossless(whole: u64) -> f64 {
    whole as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_point_in_time_is_refused() {
        for text in [
            "-1",
            "-0.0",
            "-0",
            "1e400",
            "1e300",
            "9007199254740993",
            "18446744073709551616",
            "1e16",
        ] {
            assert_eq!(NumericDate::parse(text), None, "{text}");
        }
    }

    #[test]
    fn integers_and_fractions_are_kept_as_they_are() {
        for (text, seconds) in [
            ("0", 0.0),
            ("1700000000", 1.7e9),
            ("1.7e9", 1.7e9),
            ("1700000000.5", 1_700_000_000.5),
        ] {
            assert_eq!(NumericDate::parse(text), Some(NumericDate(seconds)), "{text}");
        }
    }

    #[test]
    fn the_very_moment_counts_as_past_and_not_as_future() {
        let date = NumericDate::parse("10").unwrap();
        assert!(date.is_past(UnixMs::new(10_000), Span::ZERO));
        assert!(!date.is_past(UnixMs::new(9_999), Span::ZERO));
        assert!(!date.is_future(UnixMs::new(10_000), Span::ZERO));
        assert!(date.is_future(UnixMs::new(9_999), Span::ZERO));
        assert!(!date.is_past(UnixMs::new(10_999), Span::from_secs(1)));
        assert!(!date.is_future(UnixMs::new(9_000), Span::from_secs(1)));
    }

    #[test]
    fn a_fraction_is_never_rounded() {
        let date = NumericDate::parse("10.5").unwrap();
        assert!(!date.is_past(UnixMs::new(10_499), Span::ZERO));
        assert!(date.is_past(UnixMs::new(10_500), Span::ZERO));
        assert_eq!(date.whole_seconds(), 10);
    }
}
