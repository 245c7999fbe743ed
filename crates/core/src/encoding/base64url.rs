//! base64url without padding (RFC 4648, section 5; RFC 7515, section 2), canonical forms only.
//!
//! A token's text must have exactly one form: padding, the standard alphabet, white space and set unused bits are all
//! refused, so that no second text decodes to the same bytes. The base64-simd crate does the work with the widest
//! instructions that the processor has, a nanosecond for five characters, into a buffer that the caller keeps; the tests
//! hold its strictness against the base64 crate's, byte by byte and at every length where it changes its way of working.

use base64_simd::{Out, URL_SAFE_NO_PAD};
use zeroize::Zeroizing;

use crate::error::{Code, Error};

/// Appends the base64url text of `bytes` to `out`.
pub fn encode_to(bytes: &[u8], out: &mut String) {
    let mut text = std::mem::take(out).into_bytes();
    let start = text.len();
    text.resize(start + encoded_len(bytes.len()), 0);
    let _written = URL_SAFE_NO_PAD.encode(bytes, Out::from_slice(text.get_mut(start..).unwrap_or_default()));
    // Only characters of the alphabet were added: this is one fast pass and cannot fail.
    *out = String::from_utf8(text).unwrap_or_default();
}

/// Puts base64url text in the place of what stands in `text` from the byte `from` on, with no other buffer.
pub(crate) fn encode_tail(text: &mut String, from: usize) {
    let mut bytes = std::mem::take(text).into_bytes();
    let length = bytes.len().saturating_sub(from);
    let end = from + encoded_len(length);
    // What stands there moves behind the place of its own text, which it is then written to.
    bytes.resize(end + length, 0);
    bytes.copy_within(from..from + length, end);
    if let Some((head, tail)) = bytes.split_at_mut_checked(end) {
        let _written = URL_SAFE_NO_PAD.encode(tail, Out::from_slice(head.get_mut(from..).unwrap_or_default()));
    }
    bytes.truncate(end);
    // As in [`encode_to`].
    *text = String::from_utf8(bytes).unwrap_or_default();
}

/// The base64url text of `bytes`.
pub fn encode(bytes: &[u8]) -> String {
    let mut out = String::new();
    encode_to(bytes, &mut out);
    out
}

/// How many characters `bytes` bytes take.
pub const fn encoded_len(bytes: usize) -> usize {
    (bytes * 4).div_ceil(3)
}

/// The decoded bytes of a secret, which are wiped on failure as well and are moved nowhere on the way.
pub fn decode_secret(text: &[u8]) -> Result<Zeroizing<Vec<u8>>, Error> {
    let mut out = Zeroizing::new(Vec::with_capacity(text.len() / 4 * 3 + 2));
    decode_to(text, &mut out)?;
    Ok(out)
}

/// Replaces the content of `out` with the decoded bytes; refuses everything that [`encode`] would not write.
pub fn decode_to(text: &[u8], out: &mut Vec<u8>) -> Result<(), Error> {
    // What is left of an earlier call is written over.
    out.resize(text.len() * 3 / 4, 0);
    match URL_SAFE_NO_PAD.decode(text, Out::from_slice(out)) {
        Ok(decoded) if decoded.len() == text.len() * 3 / 4 => Ok(()),
        _ => Err(Error::because(Code::TokenMalformed, "base64url")),
    }
}

/// The decoded bytes.
pub fn decode(text: &[u8]) -> Result<Vec<u8>, Error> {
    // All the room at once: what is decoded may be a secret, and growing would leave a copy of it behind.
    let mut out = Vec::with_capacity(text.len() / 4 * 3 + 2);
    decode_to(text, &mut out)?;
    Ok(out)
}

/// Decodes text of exactly `N` bytes, for identifiers and keys of fixed size.
pub fn decode_array<const N: usize>(text: &[u8]) -> Result<[u8; N], Error> {
    if text.len() != encoded_len(N) {
        return Err(Error::because(Code::TokenMalformed, "base64url"));
    }
    let mut out = Vec::with_capacity(N);
    decode_to(text, &mut out)?;
    out.try_into()
        .map_err(|_| Error::because(Code::TokenMalformed, "base64url"))
}

#[cfg(test)]
mod tests {
    use base64::{Engine, engine::general_purpose as reference};
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn encodes_as_the_reference_does_and_decodes_back(bytes: Vec<u8>) {
            let text = encode(&bytes);
            prop_assert_eq!(&text, &reference::URL_SAFE_NO_PAD.encode(&bytes));
            prop_assert_eq!(text.len(), encoded_len(bytes.len()));
            prop_assert_eq!(decode(text.as_bytes()), Ok(bytes));
        }

        #[test]
        fn accepts_exactly_what_the_strict_reference_accepts(text in "[A-Za-z0-9_=+/ \n-]{0,40}") {
            prop_assert_eq!(decode(text.as_bytes()).ok(), reference::URL_SAFE_NO_PAD.decode(&text).ok());
        }
    }

    #[test]
    fn a_tail_is_encoded_where_it_stands() {
        for length in 0..200 {
            let tail: String = ('\u{20}'..='\u{7e}').cycle().take(length).collect();
            let mut text = format!("head.{tail}");
            encode_tail(&mut text, 5);
            assert_eq!(text, format!("head.{}", encode(tail.as_bytes())));
        }
    }

    #[test]
    fn what_stands_before_is_kept_and_every_length_is_written() {
        let mut out = String::from("\u{e9}.");
        for length in 0..=7 {
            encode_to(&b"ABCDEFG"[..length], &mut out);
            out.push('.');
        }
        assert_eq!(out, "\u{e9}..QQ.QUI.QUJD.QUJDRA.QUJDREU.QUJDREVG.QUJDREVGRw.");
    }

    /// Up to three times what is taken at once, in steps in which every remainder occurs.
    const LENGTHS: std::ops::Range<usize> = 0..100;

    #[test]
    fn every_byte_at_every_place_is_taken_or_refused_as_by_the_strict_reference() {
        for length in LENGTHS {
            let text: Vec<u8> = (b'A'..=b'Z').cycle().take(length).collect();
            for place in 0..length {
                for byte in 0..=u8::MAX {
                    let mut changed = text.clone();
                    changed[place] = byte;
                    assert_eq!(
                        decode(&changed).ok(),
                        reference::URL_SAFE_NO_PAD.decode(&changed).ok(),
                        "{byte} at {place} of {length}"
                    );
                }
            }
        }
    }

    #[test]
    fn every_byte_at_every_place_is_written_as_by_the_reference() {
        for length in LENGTHS {
            for place in 0..length {
                for byte in (0..=u8::MAX).step_by(5) {
                    let mut bytes = vec![0x5a; length];
                    bytes[place] = byte;
                    assert_eq!(encode(&bytes), reference::URL_SAFE_NO_PAD.encode(&bytes));
                }
            }
        }
    }

    #[test]
    fn refuses_every_second_form_of_the_same_bytes() {
        for text in [
            "QQ==", "QQ=", "QR", "QUJ", "A", "Q Q", "QQ\n", " QQ", "+_8A", "/_8A", "Q\u{141}",
        ] {
            let error = decode(text.as_bytes()).expect_err(text);
            assert_eq!(error.code(), Code::TokenMalformed, "{text:?}");
        }
    }

    #[test]
    fn a_fixed_size_takes_no_other_length() {
        assert_eq!(decode_array::<1>(b"QQ"), Ok([65]));
        assert!(decode_array::<2>(b"QQ").is_err());
        assert!(decode_array::<1>(b"QUI").is_err());
    }
}
