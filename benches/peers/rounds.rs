//! Rounds in which every case has a short turn beside those that it is compared with, so that what disturbs the machine
//! disturbs them alike.

use std::{error::Error, time::Duration};

use super::{group_of, worker::Worker};

/// How many rounds there are; odd, so that a median is one of them.
pub(crate) const USUAL: usize = 101;

/// How long a turn should take: long enough for the garbage that it makes to be collected in it now and then, short beside
/// what else a machine does.
const TURN: Duration = Duration::from_millis(10);

/// Nanoseconds per operation: a row per case, in it a column per round.
pub(crate) struct Rounds<'a> {
    pub(crate) rows: Vec<Row<'a>>,
}

/// The turns of one case.
pub(crate) struct Row<'a> {
    pub(crate) case: &'a str,
    pub(crate) nanoseconds: Vec<f64>,
}

impl<'a> Rounds<'a> {
    /// Runs `count` of them. Within its group the order moves on by one case each round and runs backwards in every other one,
    /// so that nobody always follows the same neighbour or cleans up after it.
    pub(crate) fn run(cases: &'a [String], count: usize, worker: &mut Worker) -> Result<Self, Box<dyn Error>> {
        eprintln!("taking turns: {count} rounds of {} cases", cases.len());
        let mut turns = Vec::new();
        for case in cases {
            let row = Row {
                case,
                nanoseconds: Vec::with_capacity(count),
            };
            turns.push((row, iterations(case, worker)?));
        }
        for round in 0..count {
            for group in turns.chunk_by_mut(|(one, _), (next, _)| group_of(one.case) == group_of(next.case)) {
                group.rotate_left(1);
                let mut order: Vec<_> = group.iter_mut().collect();
                if round % 2 == 1 {
                    order.reverse();
                }
                for (row, iterations) in order {
                    let elapsed = worker.time(row.case, u64::from(*iterations))?;
                    row.nanoseconds
                        .push(elapsed.as_secs_f64() * 1e9 / f64::from(*iterations));
                }
            }
        }
        let mut rows: Vec<_> = turns.into_iter().map(|(row, _)| row).collect();
        rows.sort_by_key(|row| cases.iter().position(|case| case == row.case));
        Ok(Self { rows })
    }
}

/// How many iterations fill a turn; measured, after a first turn as warm-up.
fn iterations(case: &str, worker: &mut Worker) -> Result<u32, Box<dyn Error>> {
    let mut iterations: u32 = 16;
    loop {
        let elapsed = worker.time(case, u64::from(iterations))?;
        if elapsed * 2 >= TURN {
            let fitting = f64::from(iterations) * TURN.as_secs_f64() / elapsed.as_secs_f64();
            // Formatting rounds without a cast; a turn is some thousand iterations.
            return Ok(format!("{fitting:.0}").parse::<u32>()?.max(1));
        }
        iterations = iterations.saturating_mul(2);
    }
}
