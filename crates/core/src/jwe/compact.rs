//! The compact serialization (RFC 7516, section 7.1).

use crate::error::{Code, Error};

/// The longest JWE that is taken apart. Every segment is copied once while it is decrypted.
pub const MAX_TOKEN_BYTES: usize = 256 * 1024;

/// What answers a longer one.
pub const TOO_LARGE: Error = Error::because(Code::TokenTooLarge, "a JWE takes at most 256 KiB");

/// The segments of a compact JWE, still in base64url.
#[derive(Clone, Copy, Debug)]
pub struct Parts<'a> {
    /// The protected header, which is the additional authenticated data as well.
    pub header: &'a [u8],
    /// The encrypted key; empty for `dir` and `ECDH-ES`.
    pub encrypted_key: &'a [u8],
    /// The initialization vector.
    pub iv: &'a [u8],
    /// The ciphertext.
    pub ciphertext: &'a [u8],
    /// The authentication tag.
    pub tag: &'a [u8],
}

/// Takes a JWE apart: exactly five segments, as a JWS has three.
pub fn split(jwe: &[u8]) -> Result<Parts<'_>, Error> {
    const MALFORMED: Error = Error::because(Code::TokenMalformed, "segments");
    let mut segments = jwe.splitn(6, |byte| *byte == b'.');
    let mut next = || segments.next().ok_or(MALFORMED);
    let parts = Parts {
        header: next()?,
        encrypted_key: next()?,
        iv: next()?,
        ciphertext: next()?,
        tag: next()?,
    };
    if segments.next().is_some() {
        return Err(MALFORMED);
    }
    Ok(parts)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn five_segments_come_apart_and_no_other_number_does() {
        let parts = split(b"a..cc.d.").unwrap();
        assert_eq!(
            (parts.header, parts.encrypted_key, parts.iv),
            (&b"a"[..], &b""[..], &b"cc"[..])
        );
        assert_eq!((parts.ciphertext, parts.tag), (&b"d"[..], &b""[..]));
        for jwe in ["", "a", "a.b.c", "a.b.c.d", "a.b.c.d.e.f", "a.b.c.d.e.", "{}"] {
            let error = split(jwe.as_bytes()).unwrap_err();
            assert_eq!(
                (error.code(), error.reason()),
                (Code::TokenMalformed, Some("segments")),
                "{jwe}"
            );
        }
    }
}
