//! NH, the hash of UMAC (RFC 4418, section 5.2.2), with words of 64 bits: a secret number is added to each word, the results
//! are multiplied in pairs, and the products added up modulo 2^128.
//!
//! Any two names that were chosen without knowing the secrets have sums that differ by a given number with a chance of at
//! most 2^-64: two different names differ in their lengths or in a word, so in one pair at least, and whatever the other
//! pairs add, the difference of that pair's products takes no value with a greater chance.
//!
//! It is no pseudorandom function: who saw sums could compute others. They never leave the index, and the names that it is
//! asked for come from tokens whose signatures have been verified.

#![allow(clippy::inline_always, reason = "a call costs as much as the hash of a short name")]

use std::array;

use zeroize::Zeroize;

use crate::{
    error::Error,
    random::{self, Random},
};

/// The longest name that is taken: every `jti` and `sid` of ours is shorter, and every UUID.
const LONGEST: usize = 64;

/// One for the last word and the length, the others for the words before.
const PAIRS: usize = 1 + LONGEST / 16;

/// The secret numbers, in pairs.
pub(super) struct Nh([[u64; 2]; PAIRS]);

impl Nh {
    pub(super) fn generate(random: &dyn Random) -> Result<Self, Error> {
        let mut drawn: [u8; PAIRS * 16] = random::array(random)?;
        let (numbers, _) = drawn.as_chunks();
        let mut numbers = numbers.iter().map(|number| u64::from_le_bytes(*number));
        let made = array::from_fn(|_| array::from_fn(|_| numbers.next().unwrap_or_default()));
        drawn.zeroize();
        Ok(Self(made))
    }

    /// The sum for a name; `None` if it is too long.
    #[inline(always)]
    pub(super) fn sum(&self, name: &[u8]) -> Option<u128> {
        // Most identifiers are no longer than three words, of which the last may have some bytes in common with the one before.
        if let (8..=24, Some(first), Some(last)) = (name.len(), name.first_chunk().copied(), name.last_chunk().copied())
        {
            let second = name.get(8..16).and_then(<[u8]>::first_chunk).copied().map_or(0, word);
            let [end, front, ..] = &self.0;
            return Some(product([word(first), second], front).wrapping_add(product([word(last), length(name)], end)));
        }
        (name.len() <= LONGEST).then(|| self.sum_of_any(name))
    }

    #[inline(never)]
    fn sum_of_any(&self, name: &[u8]) -> u128 {
        let [end, front @ ..] = &self.0;
        let (words, _) = name.as_chunks();
        let products = words.chunks(2).zip(front).map(|(pair, numbers)| {
            let at = |place| pair.get(place).copied().map_or(0, word);
            product([at(0), at(1)], numbers)
        });
        products.fold(product([last_word(name), length(name)], end), u128::wrapping_add)
    }
}

#[inline]
fn product([first, second]: [u64; 2], [number, other]: &[u64; 2]) -> u128 {
    u128::from(first.wrapping_add(*number)).wrapping_mul(u128::from(second.wrapping_add(*other)))
}

#[inline]
fn word(bytes: [u8; 8]) -> u64 {
    u64::from_le_bytes(bytes)
}

#[inline]
fn length(name: &[u8]) -> u64 {
    u64::try_from(name.len()).unwrap_or(u64::MAX)
}

/// The last eight bytes; of a shorter name all.
fn last_word(name: &[u8]) -> u64 {
    let all = || name.iter().fold(0, |word: u64, byte| word << 8 | u64::from(*byte));
    name.last_chunk().copied().map_or_else(all, word)
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;
    use crate::random::SystemRandom;

    /// Of every length that is taken: all zeros, and with one bit set.
    fn names() -> impl Iterator<Item = Vec<u8>> {
        let with_bit = |length: usize, bit: usize| {
            let mut name = vec![0; length];
            name[bit / 8] |= 1 << (bit % 8);
            name
        };
        (0..=LONGEST).flat_map(move |length| {
            std::iter::once(vec![0; length]).chain((0..length * 8).map(move |bit| with_bit(length, bit)))
        })
    }

    #[test]
    fn each_bit_of_a_name_and_its_length_count() {
        let nh = Nh::generate(&SystemRandom::new()).unwrap();
        let sums: HashSet<u128> = names().map(|name| nh.sum(&name).unwrap()).collect();
        assert_eq!(sums.len(), names().count());
    }

    #[test]
    fn it_is_the_sum_that_it_says() {
        let nh = Nh::generate(&SystemRandom::new()).unwrap();
        let product =
            |[a, b]: [u64; 2], [c, d]: [u64; 2]| u128::from(a.wrapping_add(c)) * u128::from(b.wrapping_add(d));
        let [end, front, next, ..] = nh.0;
        let first = product([word(*b"01234567"), word(*b"89abcdef")], front);
        let short = first.wrapping_add(product([word(*b"efghijkl"), 22], end));
        assert_eq!(nh.sum(b"0123456789abcdefghijkl"), Some(short));
        let second = product([word(*b"ghijklmn"), word(*b"opqrstuv")], next);
        let long = first
            .wrapping_add(second)
            .wrapping_add(product([word(*b"qrstuvwx"), 34], end));
        assert_eq!(nh.sum(b"0123456789abcdefghijklmnopqrstuvwx"), Some(long));
        assert_eq!(nh.sum(b"ab"), Some(product([0x6162, 2], end)));
    }

    #[test]
    fn a_longer_name_is_not_taken() {
        let nh = Nh::generate(&SystemRandom::new()).unwrap();
        assert!(nh.sum(&[7; 64]).is_some());
        assert_eq!(nh.sum(&[7; 65]), None);
    }

    #[test]
    fn numbers_are_drawn_anew() {
        let sum = || Nh::generate(&SystemRandom::new()).unwrap().sum(b"").unwrap();
        assert_ne!(sum(), sum());
    }
}
