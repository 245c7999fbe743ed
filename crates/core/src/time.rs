//! Points in time and spans. Core never reads a clock: every function that needs the time takes it as an argument.
//!
//! Millisecond resolution, because that is what JavaScript's `Date.now()` gives; tokens carry whole seconds (RFC 7519,
//! section 2, `NumericDate`).

/// Milliseconds since 1970-01-01T00:00:00Z, as `Date.now()` gives them.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct UnixMs(u64);

impl UnixMs {
    /// The largest time JavaScript can represent exactly as a number: 2^53 - 1 ms.
    pub const MAX: Self = Self((1 << 53) - 1);

    /// A point in time; larger values are cut to [`UnixMs::MAX`].
    pub const fn new(milliseconds: u64) -> Self {
        if milliseconds > Self::MAX.0 {
            Self::MAX
        } else {
            Self(milliseconds)
        }
    }

    /// The start of a whole second.
    pub const fn from_secs(seconds: u64) -> Self {
        Self::new(seconds.saturating_mul(1000))
    }

    /// Milliseconds since the epoch.
    pub const fn as_millis(self) -> u64 {
        self.0
    }

    /// Whole seconds since the epoch, rounded down.
    pub const fn as_secs(self) -> u64 {
        self.0 / 1000
    }

    /// Whole seconds since the epoch, rounded up.
    pub const fn as_secs_ceil(self) -> u64 {
        self.0.div_ceil(1000)
    }

    /// This time moved later, at most to [`UnixMs::MAX`].
    #[must_use]
    pub const fn plus(self, span: Span) -> Self {
        Self::new(self.0.saturating_add(span.0))
    }

    /// This time moved earlier, at least to the epoch.
    #[must_use]
    pub const fn minus(self, span: Span) -> Self {
        Self(self.0.saturating_sub(span.0))
    }

    /// The span from `earlier` to this time; zero if `earlier` is later.
    pub const fn since(self, earlier: Self) -> Span {
        Span(self.0.saturating_sub(earlier.0))
    }
}

/// A length of time in milliseconds.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Span(u64);

impl Span {
    /// No time at all.
    pub const ZERO: Self = Self(0);

    /// A span of milliseconds.
    pub const fn from_millis(milliseconds: u64) -> Self {
        Self(milliseconds)
    }

    /// A span of seconds.
    pub const fn from_secs(seconds: u64) -> Self {
        Self(seconds.saturating_mul(1000))
    }

    /// Its length in milliseconds.
    pub const fn as_millis(self) -> u64 {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arithmetic_saturates_at_both_ends() {
        assert_eq!(UnixMs::MAX.plus(Span::from_millis(1)), UnixMs::MAX);
        assert_eq!(UnixMs::new(5).minus(Span::from_secs(1)), UnixMs::new(0));
        assert_eq!(UnixMs::new(5).since(UnixMs::new(9)), Span::ZERO);
        assert_eq!(UnixMs::new(u64::MAX), UnixMs::MAX);
    }

    #[test]
    fn seconds_round_down_and_up() {
        assert_eq!(UnixMs::new(1999).as_secs(), 1);
        assert_eq!(UnixMs::new(1001).as_secs_ceil(), 2);
        assert_eq!(UnixMs::new(2000).as_secs_ceil(), 2);
    }
}
