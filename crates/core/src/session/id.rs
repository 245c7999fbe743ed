//! Identifiers that carry their time: `sid` and `jti`.

use std::{fmt, str};

use base64_simd::{Out, URL_SAFE_NO_PAD};

use crate::{
    encoding::base64url,
    error::{Code, Error},
    random::{self, Random},
    time::UnixMs,
};

/// 48 bits of milliseconds since the epoch, then 80 random bits; 22 characters of base64url as text.
///
/// As a `sid` the time is the session's start, as a `jti` the moment at which the roles in the token were read. Revocation
/// cut-offs compare with it, so it is part of the meaning and not a hint.
#[derive(Clone, Copy, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct TimedId([u8; 16]);

/// The identifier of a session.
pub type SessionId = TimedId;

impl TimedId {
    /// Its length as text.
    pub const TEXT_LEN: usize = base64url::encoded_len(16);

    /// A new identifier for the moment `at`. The time has 48 bits, which last until the year 10889; a clock that says more
    /// is broken and is [`Code::Internal`].
    pub fn generate(at: UnixMs, random: &dyn Random) -> Result<Self, Error> {
        Self::at(at, random::array(random)?)
    }

    /// The identifier for a moment with these further bits, which make it unique.
    pub fn at(at: UnixMs, rest: [u8; 10]) -> Result<Self, Error> {
        if at.as_millis() >> 48 != 0 {
            return Err(Error::because(Code::Internal, "the clock is broken"));
        }
        let [r0, r1, r2, r3, r4, r5, r6, r7, r8, r9] = rest;
        let [_, _, t0, t1, t2, t3, t4, t5] = at.as_millis().to_be_bytes();
        Ok(Self([t0, t1, t2, t3, t4, t5, r0, r1, r2, r3, r4, r5, r6, r7, r8, r9]))
    }

    /// The identifier with these bytes.
    pub const fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    /// Reads the 22 characters of its text.
    pub fn parse(text: &str) -> Result<Self, Error> {
        base64url::decode_array(text.as_bytes()).map(Self)
    }

    /// Its bytes.
    pub const fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }

    /// Its text, where it costs no allocation.
    pub fn text(&self) -> IdText {
        let mut text = IdText([b'A'; Self::TEXT_LEN]);
        // As long as what is written to it.
        let _written = URL_SAFE_NO_PAD.encode(&self.0, Out::from_slice(&mut text.0));
        text
    }

    /// The time it carries.
    pub const fn time(&self) -> UnixMs {
        let [t0, t1, t2, t3, t4, t5, ..] = self.0;
        UnixMs::new(u64::from_be_bytes([0, 0, t0, t1, t2, t3, t4, t5]))
    }
}

impl fmt::Display for TimedId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.text().as_str())
    }
}

/// The text of an identifier.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct IdText([u8; TimedId::TEXT_LEN]);

impl IdText {
    /// 22 characters of base64url.
    pub fn as_str(&self) -> &str {
        // Of that alphabet there is nothing but ASCII.
        str::from_utf8(&self.0).unwrap_or_default()
    }
}

impl fmt::Debug for TimedId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::SystemRandom;

    #[test]
    fn the_text_reads_back_with_its_time() {
        let at = UnixMs::new(1_700_000_000_123);
        let id = TimedId::generate(at, &SystemRandom::new()).unwrap();
        let text = id.to_string();
        assert_eq!(text.len(), TimedId::TEXT_LEN);
        assert_eq!(text, base64url::encode(id.as_bytes()));
        assert_eq!(id.text().as_str(), text);
        assert_eq!(TimedId::parse(&text), Ok(id));
        assert_eq!(id.time(), at);
    }

    #[test]
    fn other_text_is_refused() {
        for text in [
            "",
            "AAAAAAAAAAAAAAAAAAAAA",
            "AAAAAAAAAAAAAAAAAAAAAB",
            "AAAAAAAAAAAAAAAAAAAAA=",
            "__proto__",
        ] {
            assert_eq!(
                TimedId::parse(text).unwrap_err().code(),
                Code::TokenMalformed,
                "{text:?}"
            );
        }
    }

    #[test]
    fn a_broken_clock_makes_no_identifier() {
        let error = TimedId::generate(UnixMs::MAX, &SystemRandom::new()).unwrap_err();
        assert_eq!(error.code(), Code::Internal);
    }

    #[test]
    fn two_of_the_same_moment_differ() {
        let random = SystemRandom::new();
        let at = UnixMs::new(1);
        assert_ne!(TimedId::generate(at, &random), TimedId::generate(at, &random));
    }
}
