//! Notices a member name that occurs twice in one object.

use std::{borrow::Cow, collections::HashSet};

use super::text::Text;

/// How many names are compared one by one before a hash set takes over.
const INLINE: usize = 16;

/// The names seen so far in one object. Up to [`INLINE`] plain names need no allocation; the set's hasher is randomly
/// keyed, so chosen names cannot slow it down.
pub(super) struct Names<'a> {
    inline: [&'a str; INLINE],
    count: usize,
    spilled: Option<HashSet<Cow<'a, str>>>,
}

impl<'a> Names<'a> {
    pub(super) const fn new() -> Self {
        Self {
            inline: [""; INLINE],
            count: 0,
            spilled: None,
        }
    }

    /// Adds a name; `false` if it was there already.
    pub(super) fn insert(&mut self, name: Text<'a>) -> bool {
        if let (None, Some(plain)) = (&self.spilled, name.plain()) {
            let seen = self.inline.iter().take(self.count);
            if seen.into_iter().any(|earlier| *earlier == plain) {
                return false;
            }
            if let Some(free) = self.inline.get_mut(self.count) {
                *free = plain;
                self.count += 1;
                return true;
            }
        }
        let inline = self.inline.iter().take(self.count);
        self.spilled
            .get_or_insert_with(|| inline.map(|name| Cow::Borrowed(*name)).collect())
            .insert(name.decode())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_duplicate_is_noticed_before_and_after_the_spill() {
        let names: Vec<String> = (0..40).map(|n| format!("n{n}")).collect();
        let mut seen = Names::new();
        for name in &names {
            assert!(seen.insert(Text::new(name, false)));
            assert!(!seen.insert(Text::new(name, false)));
        }
        assert!(!seen.insert(Text::new("n0", false)));
    }

    #[test]
    fn an_escaped_name_is_the_same_name() {
        let mut seen = Names::new();
        assert!(seen.insert(Text::new("sub", false)));
        assert!(!seen.insert(Text::new("s\\u0075b", true)));
        assert!(seen.insert(Text::new("\\u0061ud", true)));
        assert!(!seen.insert(Text::new("aud", false)));
    }
}
