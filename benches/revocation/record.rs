//! What was found, for whoever watches and for the record.

use std::{env, fs::OpenOptions, io::Write};

use super::percentiles::Percentiles;

/// The file to which the record is added.
const FILE: &str = "KEYTURN_BENCH_RECORD";

pub(crate) fn print(calls: &[Percentiles]) {
    for calls in calls {
        println!(
            "  {:16} median {:5} ns   p99 {:5} ns   p99.9 {:5} ns   longest {:8} ns",
            calls.case, calls.median, calls.p99, calls.p999, calls.longest,
        );
    }
}

/// Adds a line of JSON, if a record is kept.
pub(crate) fn add(name: &str, entries: u32, bytes: f64, calls: &[Percentiles]) -> std::io::Result<()> {
    let Ok(path) = env::var(FILE) else {
        return Ok(());
    };
    let calls: Vec<String> = calls.iter().map(json).collect();
    let mut file = OpenOptions::new().create(true).append(true).open(path)?;
    writeln!(
        file,
        r#"{{"name":"{name}","entries":{entries},"bytesEach":{bytes:.1},"calls":[{}]}}"#,
        calls.join(",")
    )
}

fn json(calls: &Percentiles) -> String {
    format!(
        r#"{{"case":"{}","median":{},"p99":{},"p999":{},"longest":{}}}"#,
        calls.case, calls.median, calls.p99, calls.p999, calls.longest,
    )
}
