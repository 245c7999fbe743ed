//! base64url without padding (RFC 4648, section 5; RFC 7515, section 2), canonical forms only.
//!
//! A token's text must have exactly one form: padding, the standard alphabet, white space and set unused bits are all
//! refused, so that no second text decodes to the same bytes. Decoding costs about 1 ns per four characters and writes
//! into a buffer that the caller keeps.

use zeroize::Zeroizing;

use crate::error::{Code, Error};

/// Appends the base64url text of `bytes` to `out`.
pub fn encode_to(bytes: &[u8], out: &mut String) {
    let mut text = std::mem::take(out).into_bytes();
    let start = text.len();
    text.resize(start + bytes.len().div_ceil(6) * 8, 0);
    let (eights, _) = text.get_mut(start..).unwrap_or_default().as_chunks_mut::<8>();
    let (sixes, rest) = bytes.as_chunks::<6>();
    for (six, eight) in sixes.iter().zip(eights.iter_mut()) {
        *eight = characters(*six);
    }
    if let (false, Some(eight)) = (rest.is_empty(), eights.last_mut()) {
        let mut last = [0; 6];
        for (to, from) in last.iter_mut().zip(rest) {
            *to = *from;
        }
        *eight = characters(last);
    }
    text.truncate(start + encoded_len(bytes.len()));
    // Only characters of the alphabet were added: this is one fast pass and cannot fail.
    *out = String::from_utf8(text).unwrap_or_default();
}

/// Puts base64url text in the place of what stands in `text` from the byte `from` on, with no other buffer.
pub(crate) fn encode_tail(text: &mut String, from: usize) {
    let mut bytes = std::mem::take(text).into_bytes();
    let length = bytes.len().saturating_sub(from);
    let sixes = length.div_ceil(6);
    bytes.resize(from + sixes * 8, 0);
    let tail = bytes.get_mut(from..).unwrap_or_default();
    // From the end, so that nothing is written over before it has been read: eight characters begin where six bytes do or
    // behind it. Behind the text there are zeros.
    for index in (0..sixes).rev() {
        let six = tail.get(index * 6..).and_then(<[u8]>::first_chunk).copied();
        let eight = tail.get_mut(index * 8..).and_then(<[u8]>::first_chunk_mut);
        if let (Some(six), Some(eight)) = (six, eight) {
            *eight = characters(six);
        }
    }
    bytes.truncate(from + encoded_len(length));
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
    const REFUSED: Error = Error::because(Code::TokenMalformed, "base64url");
    // What is left of an earlier call is written over.
    out.resize(text.len() / 4 * 3, 0);
    let (quads, rest) = text.as_chunks::<4>();
    let (triples, _) = out.as_chunks_mut::<3>();
    let mut seen = 0;
    for (&[a, b, c, d], triple) in quads.iter().zip(triples) {
        let word = FIRST.at(a) | SECOND.at(b) | THIRD.at(c) | FOURTH.at(d);
        seen |= word;
        let [_, x, y, z] = word.to_be_bytes();
        *triple = [x, y, z];
    }
    let unused = match *rest {
        [] => 0,
        [a, b] => {
            let word = FIRST.at(a) | SECOND.at(b);
            seen |= word;
            let [_, x, unused, _] = word.to_be_bytes();
            out.push(x);
            unused
        }
        [a, b, c] => {
            let word = FIRST.at(a) | SECOND.at(b) | THIRD.at(c);
            seen |= word;
            let [_, first, second, unused] = word.to_be_bytes();
            out.extend([first, second]);
            unused
        }
        _ => return Err(REFUSED),
    };
    if seen & FOREIGN != 0 || unused != 0 {
        return Err(REFUSED);
    }
    Ok(())
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

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/// Marks a character outside the alphabet; above the 24 bits that four characters fill.
const FOREIGN: u32 = 1 << 31;

/// The six bits of every character, already moved to where one of the four positions needs them.
struct Table([u32; 256]);

static FIRST: Table = Table::shifted(18);
static SECOND: Table = Table::shifted(12);
static THIRD: Table = Table::shifted(6);
static FOURTH: Table = Table::shifted(0);

impl Table {
    #[expect(
        clippy::indexing_slicing,
        clippy::as_conversions,
        clippy::cast_possible_truncation,
        reason = "runs at compile time, over a table of 64"
    )]
    const fn shifted(by: u32) -> Self {
        let mut table = [FOREIGN; 256];
        let mut index = 0;
        while index < 64 {
            table[ALPHABET[index] as usize] = (index as u32) << by;
            index += 1;
        }
        Self(table)
    }

    #[expect(clippy::indexing_slicing, reason = "a byte cannot leave a table of 256")]
    fn at(&self, character: u8) -> u32 {
        self.0[usize::from(character)]
    }
}

/// The two characters of every twelve bits, the first of them in the low byte.
static PAIRS: [u16; 4096] = pairs();

#[expect(
    clippy::indexing_slicing,
    reason = "runs at compile time, over tables of 64 and 4096"
)]
const fn pairs() -> [u16; 4096] {
    let mut table = [0; 4096];
    let mut bits = 0;
    while bits < 4096 {
        table[bits] = u16::from_le_bytes([ALPHABET[bits >> 6], ALPHABET[bits & 63]]);
        bits += 1;
    }
    table
}

/// The eight characters of six bytes.
fn characters([a, b, rest @ ..]: [u8; 6]) -> [u8; 8] {
    let word = u64::from(u16::from_be_bytes([a, b])) << 32 | u64::from(u32::from_be_bytes(rest));
    let text = pair(word >> 36) | pair(word >> 24) << 16 | pair(word >> 12) << 32 | pair(word) << 48;
    text.to_le_bytes()
}

#[expect(
    clippy::indexing_slicing,
    clippy::as_conversions,
    reason = "twelve bits cannot leave a table of 4096"
)]
fn pair(bits: u64) -> u64 {
    PAIRS[(bits & 0xfff) as usize].into()
}

#[cfg(test)]
mod tests {
    use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn encodes_as_the_reference_does_and_decodes_back(bytes: Vec<u8>) {
            let text = encode(&bytes);
            prop_assert_eq!(&text, &URL_SAFE_NO_PAD.encode(&bytes));
            prop_assert_eq!(text.len(), encoded_len(bytes.len()));
            prop_assert_eq!(decode(text.as_bytes()), Ok(bytes));
        }

        #[test]
        fn accepts_exactly_what_the_strict_reference_accepts(text in "[A-Za-z0-9_=+/ \n-]{0,40}") {
            prop_assert_eq!(decode(text.as_bytes()).ok(), URL_SAFE_NO_PAD.decode(&text).ok());
        }
    }

    #[test]
    fn a_tail_is_encoded_where_it_stands() {
        for length in 0..40 {
            let tail: String = ('\u{20}'..).filter(char::is_ascii).cycle().take(length).collect();
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

    #[test]
    fn every_six_bits_have_their_character_in_every_place() {
        for place in 0..8 {
            for (bits, character) in (0_u64..).zip(*ALPHABET) {
                let others = !(63 << (place * 6)) & 0xffff_ffff_ffff;
                for around in [0, others] {
                    let [_, _, six @ ..] = (bits << (place * 6) | around).to_be_bytes();
                    let text = characters(six);
                    assert_eq!(text[7 - place], character);
                    assert!(
                        text.iter()
                            .enumerate()
                            .all(|(at, other)| { at == 7 - place || *other == if around == 0 { b'A' } else { b'_' } })
                    );
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
