//! What is kept of a name.

use std::num::NonZeroU64;

/// A keyed digest of a name, 127 bits.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Digest {
    pub(super) place: Place,
    pub(super) hash: Hash,
}

/// The half of a digest that says in which part a name is held, and which bits stand for it in the filter.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Place(u64);

/// The half by which a table finds a name. Never zero, so that zero can stand for no name.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Hash(NonZeroU64);

impl Digest {
    /// Of a number whose bits are evenly spread in the middle, and not quite at its ends: those are only used together
    /// with others. Two numbers of one digest are equal or differ by 2^32 and 2^96, added or taken away.
    #[inline]
    pub(super) fn of(number: u128) -> Self {
        let [lower, middle, upper] = [0, 32, 64].map(|at| lower_half(number >> at));
        Self {
            place: Place::new(upper ^ lower),
            hash: Hash::new(middle),
        }
    }

    /// As a map holds it: without alignment, the hash first.
    pub(super) fn to_bytes(self) -> [u8; 16] {
        (u128::from(self.place.get()) << 64 | u128::from(self.hash.get())).to_le_bytes()
    }

    pub(super) fn from_bytes(bytes: [u8; 16]) -> Self {
        let halves = [bytes.first_chunk(), bytes.last_chunk()];
        let [hash, place] = halves.map(|half| half.map_or(0, |half| u64::from_le_bytes(*half)));
        Self {
            place: Place::new(place),
            hash: Hash::new(hash),
        }
    }
}

impl Place {
    #[inline]
    pub(super) const fn new(place: u64) -> Self {
        Self(place)
    }

    #[inline]
    pub(super) const fn get(self) -> u64 {
        self.0
    }

    /// In which of so many parts a name is held: by the upper bits.
    #[inline]
    pub(super) fn part_of(self, parts: usize) -> usize {
        scaled(self.0 >> 32, parts)
    }

    /// At which of so many words of a part's filter its bits are: by bits below those of up to 16,384 parts.
    #[inline]
    pub(super) fn word_of(self, words: usize) -> usize {
        scaled(self.0 >> 18 & u64::from(u32::MAX), words)
    }

    /// The three bits that stand for it in a word: by the lowest bits.
    #[inline]
    pub(super) const fn bits(self) -> u64 {
        1 << (self.0 & 63) | 1 << (self.0 >> 6 & 63) | 1 << (self.0 >> 12 & 63)
    }
}

impl Hash {
    #[inline]
    pub(super) fn new(hash: u64) -> Self {
        Self(NonZeroU64::MIN | hash)
    }

    /// What [`Hash::get`] gave; `None` for zero.
    #[inline]
    pub(super) fn stored(hash: u64) -> Option<Self> {
        NonZeroU64::new(hash).map(Self)
    }

    #[inline]
    pub(super) const fn get(self) -> u64 {
        self.0.get()
    }

    /// At which of so many buckets a table begins to look.
    #[inline]
    pub(super) fn bucket_of(self, buckets: usize) -> usize {
        scaled(self.get() >> 32, buckets)
    }
}

#[inline]
fn lower_half(number: u128) -> u64 {
    u64::try_from(number & u128::from(u64::MAX)).unwrap_or(u64::MAX)
}

/// A number below `bound` for one below 2^32, evenly.
#[inline]
fn scaled(number: u64, bound: usize) -> usize {
    // A count of what is in memory, and below it: neither is cut.
    let bound = u64::try_from(bound).unwrap_or(u64::MAX);
    usize::try_from(number.wrapping_mul(bound) >> 32).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn each_bit_of_a_number_changes_its_digest_but_two_of_them_together_do_not() {
        let bytes = |number| Digest::of(number).to_bytes();
        let digests: HashSet<[u8; 16]> = (0..128).map(|bit| bytes(1 << bit)).chain([bytes(0)]).collect();
        assert_eq!(digests.len(), 128);
        // The lowest bit of a hash is always set.
        assert_eq!(bytes(1 << 32 | 1 << 96), bytes(0));
    }

    #[test]
    fn it_reads_back_from_bytes() {
        for n in [0, 1, 0x0123_4567_89ab_cdef, u64::MAX] {
            let digest = Digest {
                place: Place::new(n),
                hash: Hash::new(n.rotate_left(20)),
            };
            assert_eq!(Digest::from_bytes(digest.to_bytes()), digest);
        }
        assert_eq!(size_of::<Option<Digest>>(), 16);
    }

    #[test]
    fn what_it_points_at_is_within_bounds() {
        for n in [0, 1 << 18, 1 << 32, u64::MAX / 2, u64::MAX] {
            for bound in [1, 3, 1024] {
                assert!(Place::new(n).part_of(bound) < bound);
                assert!(Place::new(n).word_of(bound) < bound);
                assert!(Hash::new(n).bucket_of(bound) < bound);
            }
            assert!((1..=3).contains(&Place::new(n).bits().count_ones()));
        }
    }

    #[test]
    fn the_parts_the_words_and_the_bits_go_by_bits_of_their_own() {
        let part = |n: u64| Place::new(n).part_of(1024);
        let word = |n: u64| Place::new(n).word_of(1526);
        let bits = |n: u64| Place::new(n).bits();
        for n in [1_u64 << 54, 1 << 63] {
            assert!(part(n) != part(0) && word(n) == word(0) && bits(n) == bits(0));
        }
        for n in [1_u64 << 40, 1 << 49] {
            assert!(part(n) == part(0) && word(n) != word(0) && bits(n) == bits(0));
        }
        for n in [1_u64, 1 << 17] {
            assert!(part(n) == part(0) && word(n) == word(0) && bits(n) != bits(0));
        }
    }
}
