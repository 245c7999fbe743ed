//! How far a string goes without anything that would have to be looked at.

/// How many bytes stand before the first quote, backslash or control character.
pub(super) fn plain_run(bytes: &[u8]) -> usize {
    plain_end(bytes, 0)
}

/// Where, from `at` on, the first quote, backslash or control character stands; the text's end if there is none.
///
/// Eight bytes at a time: subtracting from every byte at once sets the top bit of each that was smaller, where it was not
/// set before. A borrow can set it in later bytes as well, never in earlier ones, and the first is what counts.
#[inline]
pub(super) fn plain_end(bytes: &[u8], mut at: usize) -> usize {
    const ONES: u64 = u64::from_le_bytes([1; 8]);
    const TOPS: u64 = u64::from_le_bytes([0x80; 8]);
    const QUOTES: u64 = u64::from_le_bytes([b'"'; 8]);
    const BACKSLASHES: u64 = u64::from_le_bytes([b'\\'; 8]);
    const SPACES: u64 = u64::from_le_bytes([b' '; 8]);
    while let Some(word) = bytes.get(at..).and_then(<[u8]>::first_chunk) {
        let word = u64::from_le_bytes(*word);
        let quote = (word ^ QUOTES).wrapping_sub(ONES);
        let backslash = (word ^ BACKSLASHES).wrapping_sub(ONES);
        let ends = (quote | backslash | word.wrapping_sub(SPACES)) & !word & TOPS;
        if ends != 0 {
            return at + usize::try_from(ends.trailing_zeros() / 8).unwrap_or(0);
        }
        at += 8;
    }
    while bytes.get(at).is_some_and(|byte| !matches!(byte, b'"' | b'\\' | ..0x20)) {
        at += 1;
    }
    at
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn plain_run_byte_by_byte(bytes: &[u8]) -> usize {
        let ends = |byte: &u8| matches!(byte, b'"' | b'\\' | 0..=0x1f);
        bytes.iter().position(ends).unwrap_or(bytes.len())
    }

    #[test]
    fn every_byte_ends_a_run_or_does_not_wherever_it_stands() {
        for length in 0..20 {
            for at in 0..length {
                for byte in 0..=u8::MAX {
                    for around in [b'a', 0x21, 0x23, 0x5b, 0x5d, 0x7f, 0x80, 0xff] {
                        let mut bytes = vec![around; length];
                        bytes[at] = byte;
                        assert_eq!(plain_run(&bytes), plain_run_byte_by_byte(&bytes), "{bytes:?}");
                    }
                }
            }
        }
    }

    proptest! {
        #[test]
        fn a_run_is_as_long_as_it_is_byte_by_byte(bytes in prop::collection::vec(prop_oneof![
            any::<u8>(), Just(b'"'), Just(b'\\'), Just(0x1f), Just(0x20), Just(0x80),
        ], 0..40)) {
            prop_assert_eq!(plain_run(&bytes), plain_run_byte_by_byte(&bytes));
        }
    }
}
