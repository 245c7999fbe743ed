//! A strongly universal hash for short names: multilinear hashing (Lemire and Kaser, "Strongly universal string hashing is
//! fast", The Computer Journal 57, 2014).
//!
//! A name is a row of 64-bit words, the last of which may have some bytes in common with the one before. Each is multiplied by
//! a secret number of 128 bits of its own. To the sum modulo 2^128 one more such number is added, another one for each length
//! of a name, and the upper 64 bits are the hash.
//!
//! Why no choice of names helps against it: two names of different lengths have sums to which independent secret numbers are
//! added, so their hashes are independent and uniform. Two names of one length differ in some word i, by d. The number that
//! is added makes the first sum uniform. The second differs from it by d times the secret number i, and by what does not
//! depend on that number; since d is less than 2^64, it is 2^t times something odd, t at most 63, so the difference is
//! uniform among the multiples of 2^t plus a constant, and the upper 64 bits of the second sum are uniform, too, whatever
//! those of the first are. So any two names share k bits of the hash with a chance of 2^-k.
//!
//! It is no pseudorandom function: who saw hashes could compute others. They never leave the index, and the names that it
//! is asked for come from tokens whose signatures have been verified.

#![allow(clippy::inline_always, reason = "a call costs as much as the hash of a short name")]

use std::array;

use zeroize::Zeroize;

use crate::{
    error::Error,
    random::{self, Random},
};

/// How many words have a number: names of up to 64 bytes are taken, which every `jti` and `sid` of ours is, and every UUID.
const WORDS: usize = 8;
const LENGTHS: usize = WORDS * 8 + 1;

/// The secret numbers.
pub(super) struct Multilinear {
    factors: [u128; WORDS],
    added: [u128; LENGTHS],
}

impl Multilinear {
    pub(super) fn generate(random: &dyn Random) -> Result<Self, Error> {
        let mut drawn: [u8; (WORDS + LENGTHS) * 16] = random::array(random)?;
        let (numbers, _) = drawn.as_chunks();
        let mut numbers = numbers.iter().map(|number| u128::from_le_bytes(*number));
        let mut number = || numbers.next().unwrap_or_default();
        let made = Self {
            factors: array::from_fn(|_| number()),
            added: array::from_fn(|_| number()),
        };
        drawn.zeroize();
        Ok(made)
    }

    /// The hash of a name; `None` if it is too long.
    #[inline(always)]
    pub(super) fn hash(&self, name: &[u8]) -> Option<u64> {
        // The lengths of most identifiers have ways of their own.
        match (name.len(), name.first_chunk(), name.last_chunk()) {
            (8..=16, Some(first), Some(last)) => self.hash_of([*first, *last], name.len()),
            (17..=24, Some(first), Some(last)) => {
                let middle = name.split_first_chunk::<8>()?.1.first_chunk()?;
                self.hash_of([*first, *middle, *last], name.len())
            }
            _ => self.hash_of_any(name),
        }
    }

    #[inline(always)]
    fn hash_of<const N: usize>(&self, words: [[u8; 8]; N], length: usize) -> Option<u64> {
        let products = words
            .iter()
            .zip(&self.factors)
            .map(|(word, factor)| product(*word, *factor));
        Some(upper(products.fold(*self.added.get(length)?, u128::wrapping_add)))
    }

    #[inline(never)]
    fn hash_of_any(&self, name: &[u8]) -> Option<u64> {
        let (words, rest) = name.as_chunks();
        let last = (!rest.is_empty()).then(|| last_word(name));
        let words = words.iter().copied().chain(last);
        let products = words.zip(&self.factors).map(|(word, factor)| product(word, *factor));
        Some(upper(products.fold(*self.added.get(name.len())?, u128::wrapping_add)))
    }
}

#[inline]
fn product(word: [u8; 8], factor: u128) -> u128 {
    factor.wrapping_mul(u64::from_le_bytes(word).into())
}

#[inline]
fn upper(sum: u128) -> u64 {
    let [_, _, _, _, _, _, _, _, upper @ ..] = sum.to_le_bytes();
    u64::from_le_bytes(upper)
}

/// The last eight bytes; of a shorter name all.
fn last_word(name: &[u8]) -> [u8; 8] {
    match name.last_chunk() {
        Some(last) => *last,
        None => name
            .iter()
            .fold(0, |word: u64, byte| word << 8 | u64::from(*byte))
            .to_le_bytes(),
    }
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
        (0..LENGTHS).flat_map(move |length| {
            std::iter::once(vec![0; length]).chain((0..length * 8).map(move |bit| with_bit(length, bit)))
        })
    }

    #[test]
    fn each_bit_of_a_name_and_its_length_count() {
        let hash = Multilinear::generate(&SystemRandom::new()).unwrap();
        let hashes: HashSet<u64> = names().map(|name| hash.hash(&name).unwrap()).collect();
        assert_eq!(hashes.len(), names().count());
    }

    #[test]
    fn it_is_the_sum_that_it_says() {
        let hash = Multilinear::generate(&SystemRandom::new()).unwrap();
        let [a, b, c, ..] = hash.factors;
        let words = [*b"01234567", *b"89abcdef", *b"efghijkl"].map(|word| u128::from(u64::from_le_bytes(word)));
        let sum = [a, b, c].iter().zip(words).fold(hash.added[22], |sum, (factor, word)| {
            sum.wrapping_add(factor.wrapping_mul(word))
        });
        let name = b"0123456789abcdefghijkl";
        assert_eq!(hash.hash(name), Some(u64::try_from(sum >> 64).unwrap()));
    }

    #[test]
    fn every_bit_of_a_hash_is_one_as_often_as_zero() {
        const KEYS: usize = 400;
        let mut ones = [0_usize; 64];
        for _ in 0..KEYS {
            let hash = Multilinear::generate(&SystemRandom::new())
                .unwrap()
                .hash(b"a name")
                .unwrap();
            (0..64).for_each(|bit| ones[bit] += usize::from(hash >> bit & 1 == 1));
        }
        // Six standard deviations: one run in a million fails by chance.
        assert!(ones.iter().all(|ones| ones.abs_diff(KEYS / 2) < 60), "{ones:?}");
    }

    #[test]
    fn a_longer_name_is_not_taken() {
        let hash = Multilinear::generate(&SystemRandom::new()).unwrap();
        assert!(hash.hash(&[7; 64]).is_some());
        assert_eq!(hash.hash(&[7; 65]), None);
    }

    #[test]
    fn keys_are_drawn_anew() {
        let hash = || Multilinear::generate(&SystemRandom::new()).unwrap().hash(b"").unwrap();
        assert_ne!(hash(), hash());
    }
}
