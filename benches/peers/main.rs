//! keyturn beside the packages that it can replace: the same operations on the same tokens, timed inside one Node process.
//!
//!     cargo bench --bench peers
//!
//! First criterion samples every case by itself, for the report with its plots. Then all cases take turns in many short
//! rounds: on a machine that has other things to do, only the ratio of two times of the same round means anything. Those
//! ratios are printed at the end, and written as CSV and JSON beside the path in `KEYTURN_BENCH_RECORD` if that is set.
//! With arguments for criterion (a filter, `--test`, `--list`) the rounds are left out. `KEYTURN_BENCH_ROUNDS` is how many
//! there are instead of the usual, for a trial; nothing is sampled before those.
//!
//! Needs `npm ci --prefix benches/node` and `npm run build`; `npm run bench` does all of it.

mod rounds;
mod table;
mod worker;

use std::{cell::RefCell, env, error::Error, process::ExitCode, time::Duration};

use criterion::{BenchmarkId, Criterion};

use self::{rounds::Rounds, table::Table, worker::Worker};

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => fail(&*error),
    }
}

fn run() -> Result<(), Box<dyn Error>> {
    let worker = Worker::start()?;
    let cases = worker.cases().to_vec();
    let worker = RefCell::new(worker);
    let trial = env::var("KEYTURN_BENCH_ROUNDS").ok();
    if trial.is_none() {
        sample(&cases, &worker);
    }
    if env::args().skip(1).all(|argument| argument == "--bench") {
        let mut worker = worker.into_inner();
        let count = trial.map_or(Ok(rounds::USUAL), |text| text.parse())?;
        let rounds = Rounds::run(&cases, count, &mut worker)?;
        let table = Table::new(&rounds);
        println!("\n{table}");
        if let Some(path) = env::var_os("KEYTURN_BENCH_RECORD") {
            table.write(path.as_ref(), worker.versions())?;
        }
    }
    Ok(())
}

/// Criterion's own sampling: a group for each operation and subject, with everybody in it. Short, since there are many cases
/// and what is compared are the rounds.
fn sample(cases: &[String], worker: &RefCell<Worker>) {
    let mut criterion = Criterion::default()
        .sample_size(30)
        .warm_up_time(Duration::from_millis(500))
        .measurement_time(Duration::from_millis(1500))
        .configure_from_args();
    for members in cases.chunk_by(|one, next| group_of(one) == group_of(next)) {
        let mut group = criterion.benchmark_group(members.first().map_or("", |first| group_of(first)));
        for case in members {
            let id = BenchmarkId::from_parameter(name_of(case));
            let _group = group.bench_function(id, |bencher| {
                bencher.iter_custom(|iterations| match worker.borrow_mut().time(case, iterations) {
                    Ok(elapsed) => elapsed,
                    Err(error) => {
                        let _code = fail(&*error);
                        std::process::exit(1)
                    }
                });
            });
        }
        group.finish();
    }
    criterion.final_summary();
}

fn fail(error: &dyn Error) -> ExitCode {
    eprintln!("{error}");
    ExitCode::FAILURE
}

/// Operation and subject of a case's id.
fn group_of(case: &str) -> &str {
    case.rsplit_once('/').map_or(case, |(group, _)| group)
}

/// The rest of it: who does it.
fn name_of(case: &str) -> &str {
    case.rsplit_once('/').map_or(case, |(_, name)| name)
}
