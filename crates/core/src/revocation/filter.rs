//! A few bits a name, which say at once that most names are not held.
//!
//! Nearly every token that is asked about is not revoked, and a look-up in a table of hundreds of megabytes waits for the
//! memory. The filter has a byte a name. It answers "no" for certain and "perhaps" sometimes wrongly (at its bound about four
//! times in a hundred); after a "perhaps" the table is asked.
//!
//! Bits cannot be taken back, so a sweep, which visits every entry anyway, sets those of the names that it leaves in a second
//! set of bits, and then that one is asked. Why no name is ever missed: a name's bits are set, in every set there is, while
//! nobody else writes to its place in the table, and the sweep waits for that after it has cleared the second set. Either the name
//! was in the table before, and the sweep finds it, or its bits are set after the clearing. A reader that was overtaken by
//! a change of sets sees another number in `active` afterwards, and asks the table.

use std::array;

use super::{
    atomic::{AtomicBool, AtomicU64, OnceLock, Ordering},
    digest::Place,
};

/// Two sets of bits for few names, and two for as many as may come.
const SETS: usize = 4;

/// How many words the sets for few have, and for how many names a word does.
const WORDS_FOR_FEW: usize = 64;
const NAMES_OF_WORD: usize = 8;

/// What is active in a part that has never had a name.
const NEVER_USED: u64 = 0;

/// Which names may be held, in as many parts as the table has.
#[derive(Debug)]
pub(super) struct Filter {
    /// For each part which set is asked, in the lowest two bits; above them how often that has changed. Apart from the
    /// sets, since these few bytes stay in a cache: where few names are held, most questions are answered here.
    active: Box<[AtomicU64]>,
    parts: Box<[Part]>,
    /// The words of the sets for many.
    words: usize,
}

#[derive(Debug)]
struct Part {
    sets: [OnceLock<Box<[AtomicU64]>>; SETS],
    is_rebuilding: AtomicBool,
}

impl Filter {
    /// An empty filter of so many parts, each for `names` names at most if it is to be of any use.
    pub(super) fn new(parts: usize, names: usize) -> Self {
        let part = |_| Part {
            sets: array::from_fn(|_| OnceLock::new()),
            is_rebuilding: AtomicBool::new(false),
        };
        Self {
            active: (0..parts).map(|_| AtomicU64::new(NEVER_USED)).collect(),
            parts: (0..parts).map(part).collect(),
            words: (names / NAMES_OF_WORD).max(WORDS_FOR_FEW),
        }
    }

    /// Sets a name's bits. To be called before it is there, while nobody else writes to its place in the table.
    pub(super) fn add(&self, part: usize, name: Place) {
        let (Some(active), Some(part)) = (self.active.get(part), self.parts.get(part)) else {
            return;
        };
        // The first set is there as soon as there is a name.
        self.set(part, 0);
        for set in part.sets.iter().filter_map(OnceLock::get) {
            set_bits(set, name);
        }
        if active.load(Ordering::Acquire) == NEVER_USED {
            // Whoever else was first has done the same, or has gone on to another set.
            let _ = active.compare_exchange(NEVER_USED, changed(NEVER_USED, 0), Ordering::AcqRel, Ordering::Acquire);
        }
    }

    /// `false`: the name is not held.
    #[inline]
    pub(super) fn may_hold(&self, part: usize, name: Place) -> bool {
        let Some(now_active) = self.active.get(part) else {
            return false;
        };
        let active = now_active.load(Ordering::Acquire);
        if active == NEVER_USED {
            return false;
        }
        let Some(set) = self
            .parts
            .get(part)
            .and_then(|part| part.sets.get(place(active))?.get())
        else {
            return true;
        };
        let Some(word) = set.get(name.word_of(set.len())) else {
            return true;
        };
        let bits = name.bits();
        // Acquire: who sees a word that has been cleared for the next time sees below that the sets have changed.
        word.load(Ordering::Acquire) & bits == bits || now_active.load(Ordering::Acquire) != active
    }

    /// Leaves the bits of the names that `sweep` hands over, and of those that come meanwhile. `sweep` lets nobody write to what
    /// it looks at. If another thread is at it, `sweep` runs for its own sake.
    pub(super) fn rebuild(&self, part: usize, names: usize, sweep: impl FnOnce(&mut dyn FnMut(Place))) {
        let (Some(now_active), Some(part)) = (self.active.get(part), self.parts.get(part)) else {
            return sweep(&mut |_| {});
        };
        let active = now_active.load(Ordering::Acquire);
        // A name that comes from here on sets its bits in the first set, and nothing clears that.
        if active == NEVER_USED || part.is_rebuilding.swap(true, Ordering::AcqRel) {
            return sweep(&mut |_| {});
        }
        let many = if names > WORDS_FOR_FEW * NAMES_OF_WORD { 2 } else { 0 };
        let next = if place(active) == many { many + 1 } else { many };
        let set = self.set(part, next);
        for word in set {
            // Most are zero in a set that is new or had few names, and then its memory is not asked for.
            if word.load(Ordering::Relaxed) != 0 {
                word.store(0, Ordering::Release);
            }
        }
        sweep(&mut |name| set_bits(set, name));
        now_active.store(changed(active, next), Ordering::Release);
        part.is_rebuilding.store(false, Ordering::Release);
    }

    fn set<'a>(&self, part: &'a Part, place: usize) -> &'a [AtomicU64] {
        let words = if place < 2 { WORDS_FOR_FEW } else { self.words };
        let make = || (0..words).map(|_| AtomicU64::new(0)).collect();
        part.sets.get(place).map_or(&[], |set| set.get_or_init(make))
    }
}

fn place(active: u64) -> usize {
    usize::try_from(active & 3).unwrap_or(0)
}

/// What is active after the next change, to this place.
fn changed(active: u64, place: usize) -> u64 {
    (active >> 2).wrapping_add(1) << 2 | u64::try_from(place).unwrap_or(0)
}

fn set_bits(set: &[AtomicU64], name: Place) {
    let bits = name.bits();
    if let Some(word) = set.get(name.word_of(set.len()))
        && word.load(Ordering::Relaxed) & bits != bits
    {
        word.fetch_or(bits, Ordering::Release);
    }
}
