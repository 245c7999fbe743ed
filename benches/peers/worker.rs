//! The Node process that does the work and holds the clock; see `benches/node/worker.mjs` for the protocol.

use std::{
    error::Error,
    io::{BufRead, BufReader, Write},
    path::Path,
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
    time::Duration,
};

use serde_json::Value;

/// A running worker. It ends when its input does, at the latest with this process.
pub(crate) struct Worker {
    process: Child,
    requests: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
    cases: Vec<String>,
    versions: Value,
}

impl Worker {
    /// Starts the worker and waits until it has proved its cases. What it has to say against it is on standard error.
    pub(crate) fn start() -> Result<Self, Box<dyn Error>> {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/node/worker.mjs");
        let mut process = Command::new("node")
            .arg(script)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(|error| format!("node could not be started: {error}"))?;
        let requests = process.stdin.take();
        let mut answers = BufReader::new(process.stdout.take().ok_or("the worker has no output")?);
        let mut line = String::new();
        if answers.read_line(&mut line)? == 0 {
            return Err("nothing was timed; the worker said why".into());
        }
        let mut versions: Value = serde_json::from_str(&line)?;
        let cases = versions.as_object_mut().and_then(|members| members.remove("cases"));
        let cases = serde_json::from_value(cases.ok_or("the worker has no cases")?)?;
        Ok(Self {
            process,
            requests,
            answers,
            cases,
            versions,
        })
    }

    /// The ids of its cases, `operation/subject/name`, those of one operation and subject side by side.
    pub(crate) fn cases(&self) -> &[String] {
        &self.cases
    }

    /// What runs in it: `{ node, openssl, packages }`.
    pub(crate) fn versions(&self) -> &Value {
        &self.versions
    }

    /// How long `iterations` of a case took, by the worker's clock.
    pub(crate) fn time(&mut self, case: &str, iterations: u64) -> Result<Duration, Box<dyn Error>> {
        let requests = self.requests.as_mut().ok_or("the worker has no input")?;
        writeln!(requests, "{iterations} {case}")?;
        let mut answer = String::new();
        let _length = self.answers.read_line(&mut answer)?;
        match answer.trim_end().parse() {
            Ok(nanoseconds) => Ok(Duration::from_nanos(nanoseconds)),
            Err(_) => Err(format!("{case}: {answer}").into()),
        }
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        drop(self.requests.take());
        let _status = self.process.wait();
    }
}
