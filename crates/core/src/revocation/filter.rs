//! A few bits a name, which say at once that most names are not held.
//!
//! Nearly every token that is asked about is not revoked, and a look-up in a table of hundreds of megabytes waits for the
//! memory. The filter answers "no" for certain and "perhaps" sometimes wrongly (at its bound about twice in a hundred); after
//! a "perhaps" the table is asked.
//!
//! Bits cannot be taken back, so a sweep, which visits every entry anyway, works the words out anew from the names that it
//! leaves. Why no name is ever missed: bits are only written while nobody else writes to that part of the table, so a sweep
//! knows every name there is, and it replaces a word whole by one with the bits of all of them. A reader sees the word before
//! or the one after, and a name that is held has its bits in both.

use super::{
    atomic::{AtomicU64, OnceLock, Ordering},
    digest::Place,
};

/// For how many names a word is.
const NAMES_OF_WORD: usize = 6;

/// How many words a part has that holds some names, but not many.
const WORDS_FOR_SOME: usize = 64;

/// Which names may be held, in as many parts as the table has.
#[derive(Debug)]
pub(super) struct Filter {
    parts: Box<[Part]>,
    /// How many words a part has that holds many.
    words: usize,
}

/// Every set has the bits of all names. The first word is asked first: these few bytes of all parts stay in a cache, and
/// where few names are held, most questions end here.
#[derive(Debug)]
struct Part {
    word: AtomicU64,
    some: OnceLock<Box<[AtomicU64]>>,
    many: OnceLock<Box<[AtomicU64]>>,
}

impl Filter {
    /// An empty filter of so many parts, each for `names` names at most if it is to be of any use.
    pub(super) fn new(parts: usize, names: usize) -> Self {
        let part = |_| Part {
            word: AtomicU64::new(0),
            some: OnceLock::new(),
            many: OnceLock::new(),
        };
        Self {
            parts: (0..parts).map(part).collect(),
            words: (names / NAMES_OF_WORD).max(WORDS_FOR_SOME),
        }
    }

    /// `false`: the name is not held.
    #[inline]
    pub(super) fn may_hold(&self, part: usize, name: Place) -> bool {
        let Some(part) = self.parts.get(part) else {
            return false;
        };
        let word = part.word.load(Ordering::Acquire);
        if word == 0 {
            return false;
        }
        let bits = name.bits();
        if word & bits != bits {
            return false;
        }
        let Some(set) = part.many.get().or_else(|| part.some.get()) else {
            return true;
        };
        let word = set.get(name.word_of(set.len()));
        word.is_none_or(|word| word.load(Ordering::Acquire) & bits == bits)
    }

    /// Sets a name's bits. To be called before it is there, while nobody else writes to this part.
    pub(super) fn add(&self, part: usize, name: Place) {
        let Some(part) = self.parts.get(part) else { return };
        let sets = [&part.some, &part.many].into_iter().filter_map(OnceLock::get);
        let words = sets.filter_map(|set| set.get(name.word_of(set.len())));
        for word in words.chain([&part.word]) {
            let known = word.load(Ordering::Relaxed);
            replace(word, known | name.bits());
        }
    }

    /// Leaves the bits of these names, which are all there are. To be called while nobody else writes to this part.
    pub(super) fn rebuild(&self, part: usize, names: &[Place]) {
        let Some(part) = self.parts.get(part) else { return };
        replace(&part.word, names.iter().fold(0, |word, name| word | name.bits()));
        rebuild(&part.some, WORDS_FOR_SOME, 1, names);
        rebuild(&part.many, self.words, WORDS_FOR_SOME, names);
    }
}

/// Fills a set of so many words. It is made when there are more names than a set of fewer words is for.
fn rebuild(set: &OnceLock<Box<[AtomicU64]>>, words: usize, fewer: usize, names: &[Place]) {
    if set.get().is_none() && names.len() <= fewer * NAMES_OF_WORD {
        return;
    }
    let mut made = vec![0; words];
    for name in names {
        if let Some(word) = made.get_mut(name.word_of(words)) {
            *word |= name.bits();
        }
    }
    let Some(set) = set.get() else {
        let _ = set.set(made.into_iter().map(AtomicU64::new).collect());
        return;
    };
    for (word, made) in set.iter().zip(made) {
        replace(word, made);
    }
}

/// Most words stay as they are, and then readers keep theirs.
fn replace(word: &AtomicU64, new: u64) {
    if word.load(Ordering::Relaxed) != new {
        word.store(new, Ordering::Release);
    }
}
