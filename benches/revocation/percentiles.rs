//! Percentiles of single look-ups.

use std::{hint::black_box, time::Instant};

use super::{contender::Contender, load::Live};

const CALLS: usize = 1_000_000;

/// Questions are made ready in groups, so that their making is not timed and they do not lie in the processor's cache.
const GROUP: usize = 1000;

pub(crate) fn print<C: Contender>(contender: &C, live: &Live) {
    for (case, is_live) in [("not revoked", false), ("revoked", true)] {
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
        show(case, times);
    }
    let clock = (0..CALLS).map(|_| Instant::now().elapsed().as_nanos());
    show("the clock alone", clock.collect());
}

fn show(case: &str, mut times: Vec<u128>) {
    times.sort_unstable();
    let at = |thousandths: usize| times[(times.len() - 1) * thousandths / 1000];
    println!(
        "  {case:16} median {:5} ns   p99 {:5} ns   p99.9 {:5} ns   longest {:8} ns",
        at(500),
        at(990),
        at(999),
        at(1000),
    );
}
