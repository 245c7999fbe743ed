//! What the rounds come to: medians, and everybody's time as a multiple of keyturn's of the same round.

use std::{error::Error, fmt, fs, path::Path};

use serde_json::{Value, json};

use super::{
    group_of, name_of,
    rounds::{Rounds, Row},
};

/// Who the others are compared with, in the groups where it takes part.
const US: &str = "keyturn";

/// One line for each case.
pub(crate) struct Table<'a> {
    lines: Vec<Line<'a>>,
}

struct Line<'a> {
    row: &'a Row<'a>,
    median: f64,
    ratio: Option<Ratio>,
}

/// How many times keyturn's time: above 1, keyturn is faster.
struct Ratio {
    median: f64,
    /// The tenth and the ninetieth percentile of the rounds.
    low: f64,
    high: f64,
}

impl<'a> Table<'a> {
    pub(crate) fn new(rounds: &'a Rounds<'a>) -> Self {
        let line = |row: &'a Row<'a>| Line {
            row,
            median: quantile(&row.nanoseconds, 2, 1),
            ratio: us_in(group_of(row.case), rounds).map(|us| Ratio::new(row, us)),
        };
        Self {
            lines: rounds.rows.iter().map(line).collect(),
        }
    }

    /// Writes `path` with the endings `.csv` and `.json`.
    pub(crate) fn write(&self, path: &Path, versions: &Value) -> Result<(), Box<dyn Error>> {
        fs::write(path.with_extension("csv"), self.csv())?;
        let cases: Vec<Value> = self.lines.iter().map(Line::json).collect();
        let record = json!({ "versions": versions, "cases": cases });
        fs::write(path.with_extension("json"), format!("{record:#}\n"))?;
        Ok(())
    }

    fn csv(&self) -> String {
        let head = "operation,name,median_ns,ratio,ratio_p10,ratio_p90,rounds_ns\n".to_owned();
        [head].into_iter().chain(self.lines.iter().map(Line::csv)).collect()
    }
}

impl fmt::Display for Table<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "Medians of rounds in turn; `ratio` is the time as a multiple of keyturn's in the same round.\n"
        )?;
        writeln!(f, "{:<58} {:>11} {:>8} {:>17}", "", "us", "ratio", "p10 to p90")?;
        for line in &self.lines {
            write!(f, "{:<58} {:>11.2}", line.row.case, line.median / 1000.0)?;
            if let Some(Ratio { median, low, high }) = &line.ratio {
                write!(f, " {median:>8.2} {:>17}", format!("{low:.2} to {high:.2}"))?;
            }
            writeln!(f)?;
        }
        Ok(())
    }
}

impl Line<'_> {
    fn csv(&self) -> String {
        let ratio = self.ratio.as_ref().map_or_else(
            || String::from(",,"),
            |Ratio { median, low, high }| format!("{median:.3},{low:.3},{high:.3}"),
        );
        let rounds: Vec<String> = self.row.nanoseconds.iter().map(|one| format!("{one:.0}")).collect();
        let (operation, name) = (group_of(self.row.case), name_of(self.row.case));
        format!("{operation},{name},{:.0},{ratio},{}\n", self.median, rounds.join(" "))
    }

    fn json(&self) -> Value {
        let ratio = self
            .ratio
            .as_ref()
            .map(|Ratio { median, low, high }| json!({ "median": median, "p10": low, "p90": high }));
        json!({
            "operation": group_of(self.row.case),
            "name": name_of(self.row.case),
            "median_ns": self.median,
            "ratio": ratio,
        })
    }
}

impl Ratio {
    fn new(row: &Row<'_>, us: &Row<'_>) -> Self {
        let ratios: Vec<f64> = row
            .nanoseconds
            .iter()
            .zip(&us.nanoseconds)
            .map(|(row, us)| row / us)
            .collect();
        Self {
            median: quantile(&ratios, 2, 1),
            low: quantile(&ratios, 10, 1),
            high: quantile(&ratios, 10, 9),
        }
    }
}

/// keyturn's turns in a group.
fn us_in<'a>(group: &str, rounds: &'a Rounds<'a>) -> Option<&'a Row<'a>> {
    rounds
        .rows
        .iter()
        .find(|row| group_of(row.case) == group && name_of(row.case) == US)
}

/// The `part`-th of `parts` quantiles; 0 of nothing.
fn quantile(values: &[f64], parts: usize, part: usize) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted.get(sorted.len() * part / parts).copied().unwrap_or_default()
}
