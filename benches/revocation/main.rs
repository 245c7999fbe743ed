//! What "is it revoked?" costs with ten million live entries, while ten thousand a second are added and expire; and how
//! three maps of others do in its place.
//!
//!     cargo bench --bench revocation                 # about three minutes
//!     KEYTURN_BENCH_ENTRIES=1000000 cargo bench --bench revocation -- index
//!
//! Each contender fills a process of its own, so that the memory of one is not what another has left behind. For each:
//! resident memory an entry; percentiles of single calls, for which criterion has no measure; and criterion's times. A
//! percentile holds the clock's own cost, which stands beside it. An argument that is a contender's name runs that one
//! alone; the others are criterion's. With `KEYTURN_BENCH_RECORD=FILE` memory and percentiles are also added to that file, a
//! line of JSON a contender.

#![allow(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "a benchmark that fails is stopped"
)]

mod contender;
mod index;
mod load;
mod maps;
mod percentiles;
mod record;

use std::{
    env,
    error::Error,
    process::{Command, ExitCode},
    time::Duration,
};

use criterion::{BatchSize, Criterion};

use contender::Contender;
use index::{Again, Held, Index};

/// Which contender this process is; unset in the one that starts the others.
const ROLE: &str = "KEYTURN_BENCH_CONTENDER";

/// How many questions are made ready at once: they stay in the processor's cache, as the names of a token do that was just
/// read. Their making and dropping is not timed.
const GROUP: u64 = 1000;

/// `index` is what a verification asks, by the names in a token: session, token and subject. It holds sessions, as logouts
/// leave them, and one subject and one token, so that all three names are looked for; `index-sessions` holds sessions alone,
/// and of a token only the session is; `index-both` holds as many tokens as sessions; `index-again` is asked as the cache of
/// verified tokens asks, which keeps the names' digests. The others are bare maps, asked for one digest.
const CONTENDERS: [&str; 7] = [
    "index",
    "index-sessions",
    "index-both",
    "index-again",
    "dashmap",
    "papaya",
    "sharded",
];

fn main() -> ExitCode {
    let outcome = match env::var(ROLE) {
        Ok(role) => run(&role),
        Err(_) => start_each(),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn start_each() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let chosen = |name: &&&str| {
        !arguments.iter().any(|argument| CONTENDERS.contains(&argument.as_str()))
            || arguments.iter().any(|argument| argument == **name)
    };
    for name in CONTENDERS.iter().filter(chosen) {
        let passed = arguments
            .iter()
            .filter(|argument| !CONTENDERS.contains(&argument.as_str()));
        let status = Command::new(env::current_exe()?)
            .args(passed)
            .env(ROLE, name)
            .status()?;
        if !status.success() {
            return Err(format!("{name}: {status}").into());
        }
    }
    Ok(())
}

fn run(role: &str) -> Result<(), Box<dyn Error>> {
    let entries: u32 = env::var("KEYTURN_BENCH_ENTRIES").map_or(Ok(10_000_000), |text| text.parse())?;
    match role {
        "index" => measure(role, entries, &Index::new(entries, Held::Sessions)?),
        "index-sessions" => measure(role, entries, &Index::new(entries, Held::OnlySessions)?),
        "index-both" => measure(role, entries, &Index::new(entries, Held::Both)?),
        "index-again" => measure(role, entries, &Again::new(entries)?),
        "dashmap" => measure(role, entries, &maps::Dash::new()),
        "papaya" => measure(role, entries, &maps::Papaya::new()),
        "sharded" => measure(role, entries, &maps::Sharded::new()),
        _ => Err(format!("no contender {role}").into()),
    }
}

fn measure<C: Contender>(name: &str, entries: u32, contender: &C) -> Result<(), Box<dyn Error>> {
    let before = resident()?;
    for number in 0..entries {
        contender.insert(number, load::expiry(number));
    }
    // A round or two of the expiry, as an index that has been up for half a minute has seen.
    for _ in 0..1024 {
        contender.expire(load::START);
    }
    let grown = resident()?.saturating_sub(before);
    let bytes = f64::from(u32::try_from(grown / 1024)?) * 1024.0 / f64::from(entries);
    println!("\n{name}: {entries} entries, {bytes:.1} bytes of resident memory each");
    load::under(contender, entries, |live| {
        let calls = percentiles::measure(contender, live);
        record::print(&calls);
        record::add(name, entries, bytes, &calls).unwrap();
        let mut criterion = Criterion::default()
            .warm_up_time(Duration::from_secs(1))
            .measurement_time(Duration::from_secs(3))
            .sample_size(20)
            .configure_from_args();
        let mut group = criterion.benchmark_group(format!("revocation/{name}"));
        for (case, is_live) in [("not revoked", false), ("revoked", true)] {
            let mut numbers = live.numbers(is_live);
            let _group = group.bench_function(case, |bencher| {
                bencher.iter_batched_ref(
                    || contender.question(numbers.next_one()),
                    |question| contender.is_revoked(question),
                    BatchSize::NumIterations(GROUP),
                );
            });
        }
        group.finish();
        criterion.final_summary();
    });
    Ok(())
}

/// Bytes of resident memory of this process, as Linux counts them.
fn resident() -> Result<u64, Box<dyn Error>> {
    const PAGE: u64 = 4096;
    let pages = std::fs::read_to_string("/proc/self/statm")?;
    let pages: u64 = pages.split(' ').nth(1).ok_or("no resident pages")?.parse()?;
    Ok(pages * PAGE)
}
