//! Notices a member name that occurs twice in one object.

use std::{borrow::Cow, collections::HashSet};

use super::text::Text;

/// How many names are compared one by one before a hash set takes over.
const INLINE: usize = 16;

/// The names seen so far in one object. Up to [`INLINE`] plain names need no allocation; the set's hasher is randomly
/// keyed, so chosen names cannot slow it down.
pub(super) struct Names<'a> {
    inline: [&'a str; INLINE],
    /// A word of each inline name, so that telling two names apart is mostly one comparison.
    words: [u64; INLINE],
    count: usize,
    /// The bits of the inline names.
    bits: u64,
    spilled: Option<HashSet<Cow<'a, str>>>,
}

impl<'a> Names<'a> {
    pub(super) const fn new() -> Self {
        Self {
            inline: [""; INLINE],
            words: [0; INLINE],
            count: 0,
            bits: 0,
            spilled: None,
        }
    }

    /// Adds a name; `false` if it was there already.
    #[expect(
        clippy::inline_always,
        reason = "out of line the name comes in through memory, which costs as much as looking it up"
    )]
    #[inline(always)]
    pub(super) fn insert(&mut self, name: Text<'a>) -> bool {
        let (None, Some(plain)) = (&self.spilled, name.plain()) else {
            return self.spill(name);
        };
        let word = word_of(plain);
        let bit = bit_of(word);
        if self.bits & bit != 0 && !self.is_other(word, plain) {
            return false;
        }
        let (Some(free), Some(free_word)) = (self.inline.get_mut(self.count), self.words.get_mut(self.count)) else {
            return self.spill(name);
        };
        *free = plain;
        *free_word = word;
        self.bits |= bit;
        self.count += 1;
        true
    }

    /// Whether no inline name is this one.
    #[cold]
    fn is_other(&self, word: u64, plain: &str) -> bool {
        let mut seen = self.words.iter().zip(&self.inline).take(self.count);
        !seen.any(|(other, name)| *other == word && *name == plain)
    }

    /// Adds a name to the set, which from now on holds all of them.
    #[cold]
    fn spill(&mut self, name: Text<'a>) -> bool {
        let inline = self.inline.iter().take(self.count);
        self.spilled
            .get_or_insert_with(|| inline.map(|name| Cow::Borrowed(*name)).collect())
            .insert(name.decode())
    }
}

/// One of 64 bits: a name whose bit has not been seen is new.
fn bit_of(word: u64) -> u64 {
    // The golden ratio's bits, an odd number: multiplying by it spreads every bit of the word into the topmost six.
    1 << (word.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 58)
}

/// A word that equal names share and different names mostly do not: the first eight bytes, or all of a shorter name.
/// Loaded in whole words, since one that is put together byte by byte in memory stalls the load that follows.
fn word_of(name: &str) -> u64 {
    let bytes = name.as_bytes();
    if let Some(first) = bytes.first_chunk() {
        return u64::from_le_bytes(*first);
    }
    match (bytes.first_chunk(), bytes.last_chunk()) {
        (Some(first), Some(last)) => u64::from(u32::from_le_bytes(*first)) | u64::from(u32::from_le_bytes(*last)) << 32,
        _ => match *bytes {
            [a, b, c] => u64::from_le_bytes([a, b, c, 0, 0, 0, 0, 0]),
            [a, b] => u64::from_le_bytes([a, b, 0, 0, 0, 0, 0, 0]),
            [a] => u64::from(a),
            _ => 0,
        },
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_name_is_new_exactly_when_no_earlier_one_is_equal(names in prop::collection::vec("[ab\u{e9}]{0,10}", 0..40)) {
            let mut seen = Names::new();
            let mut reference = HashSet::new();
            for name in &names {
                prop_assert_eq!(seen.insert(Text::new(name, 0)), reference.insert(name), "{}", name);
            }
        }
    }

    #[test]
    fn names_that_share_their_word_are_still_told_apart() {
        for (one, other) in [
            ("abcdefgh", "abcdefghi"),
            ("abcdefgh1", "abcdefgh2"),
            ("", "\0"),
            ("\0", "\0\0"),
        ] {
            assert_eq!(word_of(one), word_of(other));
            let mut seen = Names::new();
            assert!(seen.insert(Text::new(one, 0)) && seen.insert(Text::new(other, 0)));
            assert!(!seen.insert(Text::new(one, 0)) && !seen.insert(Text::new(other, 0)));
        }
    }

    #[test]
    fn a_duplicate_is_noticed_before_and_after_the_spill() {
        let names: Vec<String> = (0..40).map(|n| format!("n{n}")).collect();
        let mut seen = Names::new();
        for name in &names {
            assert!(seen.insert(Text::new(name, 0)));
            assert!(!seen.insert(Text::new(name, 0)));
        }
        assert!(!seen.insert(Text::new("n0", 0)));
    }

    #[test]
    fn an_escaped_name_is_the_same_name() {
        let mut seen = Names::new();
        assert!(seen.insert(Text::new("sub", 0)));
        assert!(!seen.insert(Text::new("s\\u0075b", 1)));
        assert!(seen.insert(Text::new("\\u0061ud", 1)));
        assert!(!seen.insert(Text::new("aud", 0)));
    }
}
