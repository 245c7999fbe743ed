//! For how long loaded keys hold, under a clock that may be set back or be wrong for a while.

use crate::time::{Span, UnixMs};

/// The time in which loaded keys hold. Nothing is forgotten when it is over: under a clock that is right again they hold again.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Term {
    from: UnixMs,
    until: UnixMs,
    /// The earliest time before `from` that the clock has shown since. From there the keys hold for as long as they would have
    /// from `from`, so that a clock which was far ahead when they came does not prolong them.
    back: Option<UnixMs>,
}

impl Term {
    /// From the time at which keys came to an end.
    pub(super) const fn new(from: UnixMs, until: UnixMs) -> Self {
        Self {
            from,
            until,
            back: None,
        }
    }

    /// Whether the keys hold at `now`, as far as the clock is known.
    pub(super) fn covers(&self, now: UnixMs) -> bool {
        if now >= self.from {
            return now < self.until;
        }
        self.back
            .is_some_and(|back| now >= back && now.since(back) < self.span())
    }

    /// Whether they hold at `now`, after having taken note of a clock that has been set back.
    pub(super) fn judge(&mut self, now: UnixMs) -> bool {
        if now < self.from && self.back.is_none_or(|back| now < back) {
            self.back = Some(now);
        }
        self.covers(now)
    }

    fn span(&self) -> Span {
        self.until.since(self.from)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judged(term: &mut Term, times: &[u64]) -> Vec<bool> {
        times.iter().map(|ms| term.judge(UnixMs::new(*ms))).collect()
    }

    #[test]
    fn a_clock_that_was_ahead_for_a_moment_takes_nothing_away() {
        let mut term = Term::new(UnixMs::new(1000), UnixMs::new(1100));
        assert_eq!(
            judged(&mut term, &[1000, 1099, 1100, 9000, 1050]),
            [true, true, false, false, true]
        );
        assert!(!term.judge(UnixMs::MAX));
    }

    #[test]
    fn keys_that_came_under_a_clock_ahead_hold_no_longer_than_others() {
        let mut term = Term::new(UnixMs::new(9000), UnixMs::new(9100));
        assert!(!term.covers(UnixMs::new(1000)));
        assert_eq!(
            judged(&mut term, &[1000, 1099, 1100, 5000, 8999]),
            [true, true, false, false, false]
        );
    }

    #[test]
    fn a_clock_that_was_behind_for_a_moment_takes_nothing_away() {
        let mut term = Term::new(UnixMs::new(1000), UnixMs::new(1100));
        assert_eq!(judged(&mut term, &[0, 1000, 1099, 1100]), [true, true, true, false]);
    }

    #[test]
    fn each_further_step_back_is_one_more_term_and_time_that_goes_on_is_none() {
        let mut term = Term::new(UnixMs::new(1000), UnixMs::new(1100));
        assert_eq!(
            judged(&mut term, &[900, 999, 800, 899, 900, 950]),
            [true, true, true, true, false, false]
        );
    }

    #[test]
    fn an_end_before_the_beginning_is_no_term() {
        let mut term = Term::new(UnixMs::new(1000), UnixMs::new(900));
        assert_eq!(judged(&mut term, &[800, 900, 1000]), [false, false, false]);
    }
}
