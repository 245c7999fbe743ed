//! A few bits a name, which say at once that most names are not held.
//!
//! Nearly every token that is asked about is not revoked, and a look-up in a table of hundreds of megabytes waits for the
//! memory. The filter has a byte a name. It answers "no" for certain and "perhaps" sometimes wrongly (at its bound about four
//! times in a hundred); after a "perhaps" the table is asked.
//!
//! Bits cannot be taken back, so a sweep, which visits every entry anyway, sets those of the names that it leaves in a second
//! set of bits, and then that one is asked. Why no name is ever missed: a name's bits are set, in every set there is, while
//! its shard of the table is locked, and the sweep locks each shard after it has cleared the second set. Either the name
//! was in the table before, and the sweep finds it, or its bits are set after the clearing. A reader that was overtaken by
//! a change of sets sees another number in `active` afterwards, and asks the table.

use std::array;

use super::{
    atomic::{AtomicBool, AtomicU64, OnceLock, Ordering},
    digest::Digest,
};

/// Two sets of bits for few names, and two for as many as may come.
const SETS: usize = 4;

/// How many words the sets for few have, and for how many names a word does.
const WORDS_FOR_FEW: usize = 64;
const NAMES_OF_WORD: usize = 8;

/// Which names may be held.
#[derive(Debug)]
pub(super) struct Filter {
    sets: [OnceLock<Box<[AtomicU64]>>; SETS],
    /// Which set is asked, in the lowest two bits; above them how often that has changed.
    active: AtomicU64,
    is_rebuilding: AtomicBool,
    /// The words of the sets for many.
    words: usize,
}

impl Filter {
    /// An empty filter, for `names` names at most if it is to be of any use.
    pub(super) fn new(names: usize) -> Self {
        Self {
            sets: array::from_fn(|_| OnceLock::new()),
            active: AtomicU64::new(0),
            is_rebuilding: AtomicBool::new(false),
            words: (names / NAMES_OF_WORD).max(WORDS_FOR_FEW),
        }
    }

    /// Sets a name's bits. To be called while its shard is locked, before it is there.
    pub(super) fn add(&self, name: &Digest) {
        // The first set is there as soon as there is a name.
        self.set(0);
        for set in self.sets.iter().filter_map(OnceLock::get) {
            set_bits(set, name);
        }
    }

    /// `false`: the name is not held.
    pub(super) fn may_hold(&self, name: &Digest) -> bool {
        let active = self.active.load(Ordering::Acquire);
        let Some(set) = self.sets.get(place(active)).and_then(OnceLock::get) else {
            return false;
        };
        let Some((word, bits)) = word_of(set, name) else {
            return true;
        };
        // Acquire: who sees a word that has been cleared for the next time sees below that the sets have changed.
        word.load(Ordering::Acquire) & bits == bits || self.active.load(Ordering::Acquire) != active
    }

    /// Leaves the bits of the names that `sweep` hands over, and of those that come meanwhile. `sweep` locks each shard in
    /// turn. If another thread is at it, `sweep` runs for its own sake.
    pub(super) fn rebuild(&self, names: usize, sweep: impl FnOnce(&mut dyn FnMut(&Digest))) {
        if self.is_rebuilding.swap(true, Ordering::AcqRel) {
            return sweep(&mut |_| {});
        }
        let active = self.active.load(Ordering::Acquire);
        let many = if names > WORDS_FOR_FEW * NAMES_OF_WORD { 2 } else { 0 };
        let next = if place(active) == many { many + 1 } else { many };
        let set = self.set(next);
        for word in set {
            // Most are zero in a set that is new or had few names, and then its memory is not asked for.
            if word.load(Ordering::Relaxed) != 0 {
                word.store(0, Ordering::Release);
            }
        }
        sweep(&mut |name| set_bits(set, name));
        let changes = (active >> 2).wrapping_add(1);
        let next = u64::try_from(next).unwrap_or(0);
        self.active.store(changes << 2 | next, Ordering::Release);
        self.is_rebuilding.store(false, Ordering::Release);
    }

    fn set(&self, place: usize) -> &[AtomicU64] {
        let words = if place < 2 { WORDS_FOR_FEW } else { self.words };
        let make = || (0..words).map(|_| AtomicU64::new(0)).collect();
        self.sets.get(place).map_or(&[], |set| set.get_or_init(make))
    }
}

fn place(active: u64) -> usize {
    usize::try_from(active & 3).unwrap_or(0)
}

fn set_bits(set: &[AtomicU64], name: &Digest) {
    if let Some((word, bits)) = word_of(set, name)
        && word.load(Ordering::Relaxed) & bits != bits
    {
        word.fetch_or(bits, Ordering::Release);
    }
}

/// The word of a name and its three bits there, by bytes that neither the parts nor the shards of the table go by.
fn word_of<'a>(set: &'a [AtomicU64], name: &Digest) -> Option<(&'a AtomicU64, u64)> {
    let (place, _) = name[8..].split_first_chunk()?;
    let scaled = u64::from(u32::from_le_bytes(*place)) * u64::try_from(set.len()).ok()?;
    let bits = name[12..15].iter().fold(0, |bits, byte| bits | 1 << (byte & 63));
    Some((set.get(usize::try_from(scaled >> 32).ok()?)?, bits))
}
