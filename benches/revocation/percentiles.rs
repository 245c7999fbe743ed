//! Percentiles of single look-ups.

use std::{hint::black_box, time::Instant};

use super::{contender::Contender, load::Live};

const CALLS: usize = 1_000_000;

/// Questions are made ready in groups, so that their making is not timed and they do not lie in the processor's cache.
const GROUP: usize = 1000;

/// What single calls took, in nanoseconds, the clock's own cost included.
pub(crate) struct Percentiles {
    pub(crate) case: &'static str,
    pub(crate) median: u128,
    pub(crate) p99: u128,
    pub(crate) p999: u128,
    pub(crate) longest: u128,
}

/// Of look-ups of what is not revoked and of what is, and of the clock alone.
pub(crate) fn measure<C: Contender>(contender: &C, live: &Live) -> Vec<Percentiles> {
    let look_ups = [("not revoked", false), ("revoked", true)].map(|(case, is_live)| {
        let mut numbers = live.numbers(is_live);
        let mut times = Vec::with_capacity(CALLS);
        while times.len() < CALLS {
            let questions: Vec<_> = (0..GROUP).map(|_| contender.question(numbers.next_one())).collect();
            for question in &questions {
                let begun = Instant::now();
                let answer = black_box(contender.is_revoked(black_box(question)));
                times.push(begun.elapsed().as_nanos());
                assert_eq!(answer, is_live, "{case}");
            }
        }
        Percentiles::of(case, times)
    });
    let clock = (0..CALLS).map(|_| Instant::now().elapsed().as_nanos()).collect();
    let clock = Percentiles::of("the clock alone", clock);
    look_ups.into_iter().chain([clock]).collect()
}

impl Percentiles {
    fn of(case: &'static str, mut times: Vec<u128>) -> Self {
        times.sort_unstable();
        let at = |thousandths: usize| times[(times.len() - 1) * thousandths / 1000];
        Self {
            case,
            median: at(500),
            p99: at(990),
            p999: at(999),
            longest: at(1000),
        }
    }
}
