//! `promproc compact`: the same counts in fewer files, whatever happens meanwhile.

mod barrier;
mod churn;
mod differential;
mod faults;
mod model;
mod output;

use std::collections::BTreeMap;
use std::fmt::Arguments;
use std::io::{self, BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use serde_json::Value;

use crate::support::*;

const BESIDE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/oracle/beside.py");

/// A process of `beside.py`.
struct Beside {
    process: Child,
    answers: BufReader<std::process::ChildStdout>,
}

impl Beside {
    /// Starts one, and waits until it is ready; `input` is what it is told first.
    fn start(arguments: &[&str], directory: &Path, input: &str) -> Option<Self> {
        let mut command = Command::new(python()?.interpreter());
        command.args(["-B", "-E", "-s", BESIDE, arguments[0]]).arg(directory).args(&arguments[1..]);
        let mut process = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let answers = BufReader::new(process.stdout.take().unwrap());
        let mut beside = Self { process, answers };
        writeln!(beside.process.stdin.as_mut().unwrap(), "{input}").unwrap();
        let mut line = String::new();
        beside.answers.read_line(&mut line).unwrap();
        assert_eq!(line, "ready\n", "{arguments:?}");
        Some(beside)
    }

    /// Ends it: what it did.
    fn end(mut self) -> Value {
        drop(self.process.stdin.take());
        let mut line = String::new();
        self.answers.read_line(&mut line).unwrap();
        self.process.wait().unwrap();
        serde_json::from_str(&line).unwrap()
    }
}

impl Drop for Beside {
    fn drop(&mut self) {
        drop(self.process.stdin.take());
        let _ = self.process.wait();
    }
}

/// Compacts a directory, and waits for that.
fn compact(directory: &Path, options: &[&str]) -> Ran {
    run(promproc().arg("compact").args(options).arg(directory))
}

/// What `merge` prints, with all names as they are, and sorted.
fn merged_text(directory: &Path) -> String {
    let ran = run(promproc().args(["merge", "--sort", "--escaping", "allow-utf-8"]).arg(directory));
    assert!(matches!(ran.status, Some(0 | 1)), "{ran:?}");
    ran.stdout
}

/// The sums of an exposition, by the names of its samples.
fn sums(text: &str) -> BTreeMap<String, f64> {
    let mut sums = BTreeMap::new();
    for sample in samples(text) {
        *sums.entry(sample.name).or_default() += sample.value.parse::<f64>().unwrap();
    }
    sums
}

/// What `promproc merge` prints, summed up; it must not fail.
#[track_caller]
fn merged(command: &mut Command, directory: &Path, what: &str) -> BTreeMap<String, f64> {
    let ran = run(command.arg("merge").arg(directory));
    assert_eq!((ran.status, ran.stderr.as_str()), (Some(0), ""), "{what}: {ran:?}");
    sums(&ran.stdout)
}

/// Says what happened, with `--nocapture` and without.
fn tell(what: Arguments<'_>) {
    io::stderr().write_all(format!("{what}\n").as_bytes()).unwrap();
}
