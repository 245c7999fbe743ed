//! The writer beside the readers: ten thousand entries a second come, and as many expire.

use std::{
    sync::atomic::{AtomicBool, AtomicU32, Ordering},
    thread,
    time::{Duration, Instant},
};

use super::contender::{Contender, scattered};

const A_SECOND: u32 = 10_000;

/// The second at which the first entries expire.
pub(crate) const START: u32 = 1_767_225_600;

/// When an entry expires: ten thousand in each second, in the order of their numbers.
pub(crate) const fn expiry(number: u32) -> u32 {
    START + number / A_SECOND
}

/// Which numbers are certainly in, as it changes.
pub(crate) struct Live {
    entries: u32,
    now: AtomicU32,
}

/// An endless row of numbers that are in, or are not.
pub(crate) struct Numbers<'a> {
    live: &'a Live,
    is_live: bool,
    count: u64,
}

impl Live {
    pub(crate) fn numbers(&self, is_live: bool) -> Numbers<'_> {
        Numbers {
            live: self,
            is_live,
            count: 0,
        }
    }
}

impl Numbers<'_> {
    pub(crate) fn next_one(&mut self) -> u32 {
        self.count += 1;
        let random = u32::try_from(scattered(self.count) >> 32).unwrap();
        if !self.is_live {
            // Never in: the numbers of the entries stay below 2^30, and nothing that a question adds reaches them.
            return random >> 2 | 1 << 30;
        }
        // Those that will not expire in the next seconds: criterion prepares its questions a while ahead.
        let oldest = (self.live.now.load(Ordering::Relaxed) - START + 10) * A_SECOND;
        oldest + random % (self.live.entries - 20 * A_SECOND)
    }
}

/// Runs `work` beside the writer.
pub(crate) fn under<C: Contender>(contender: &C, entries: u32, work: impl FnOnce(&Live)) {
    let live = Live {
        entries,
        now: AtomicU32::new(START),
    };
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        let _writer = scope.spawn(|| write(contender, &live, &done));
        work(&live);
        done.store(true, Ordering::Release);
    });
}

/// Every ten milliseconds a hundred entries and a step of the expiry, so that a round takes about five seconds.
fn write<C: Contender>(contender: &C, live: &Live, done: &AtomicBool) {
    let begun = Instant::now();
    let mut number = live.entries;
    while !done.load(Ordering::Acquire) {
        let elapsed = begun.elapsed();
        let due = live.entries + u32::try_from(elapsed.as_millis()).unwrap() * (A_SECOND / 1000);
        while number < due {
            contender.insert(number, expiry(number));
            number += 1;
        }
        let now = START + u32::try_from(elapsed.as_secs()).unwrap();
        live.now.store(now, Ordering::Relaxed);
        contender.expire(now);
        thread::sleep(Duration::from_millis(10));
    }
}
