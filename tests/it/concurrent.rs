//! Reading while real processes write: files come, grow and go under the merge.

use std::collections::HashMap;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use tempfile::TempDir;

use crate::support::{names_in, promproc, python, wait_for};

const WRITERS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/oracle/writers.py");
const MERGES: usize = 1_000;

/// The processes of `writers.py`; they end with it.
struct Writers(Child);

impl Writers {
    fn start(directory: &Path) -> Option<Self> {
        let mut command = Command::new(python()?.interpreter());
        let writers = Self(command.arg(WRITERS).arg(directory).stdin(Stdio::piped()).spawn().unwrap());
        let have_started = || names_in(directory).len() >= 30;
        wait_for("the writers start", || have_started().then_some(()));
        Some(writers)
    }
}

impl Drop for Writers {
    fn drop(&mut self) {
        // The end of its standard input stops it.
        drop(self.0.stdin.take());
        let _ = self.0.wait();
    }
}

#[test]
fn a_thousand_merges_under_writers_neither_fail_nor_go_back() {
    let directory = TempDir::new().unwrap();
    let Some(_writers) = Writers::start(directory.path()) else { return };
    let mut seen: HashMap<String, f64> = HashMap::new();
    let mut largest = 0;
    for round in 0..MERGES {
        let output = promproc()
            .args(["merge", "--threads", ["1", "2"][round % 2]])
            .arg(directory.path())
            .output()
            .unwrap();
        assert_eq!(String::from_utf8_lossy(&output.stderr), "", "round {round}");
        assert_eq!(output.status.code(), Some(0), "round {round}");
        largest = largest.max(output.stdout.len());
        for line in String::from_utf8(output.stdout).unwrap().lines().filter(|line| !line.starts_with('#')) {
            let (series, value) = line.rsplit_once(' ').unwrap();
            let value: f64 = value.parse().unwrap();
            if series.starts_with("hits_total") || series.starts_with("size_") {
                let before = seen.insert(series.to_owned(), value).unwrap_or(0.0);
                assert!(value >= before, "round {round}: {series} went from {before} to {value}");
                let step = if series.starts_with("size_sum") { 1.5 } else { 1.0 };
                assert_eq!(value % step, 0.0, "round {round}: nobody wrote {line}");
            } else if series.contains("sum") {
                assert_eq!(value % 0.5, 0.0, "round {round}: nobody wrote {line}");
            } else if series.starts_with("level_") {
                // A gauge holds 0 between its creation and its first value.
                assert!([0.0, 1.5, 2.5].contains(&value), "round {round}: nobody wrote {line}");
            }
        }
    }
    assert!(seen.len() > 2_000 && largest > 256 << 10, "the files hardly grew: {} series", seen.len());
}

#[test]
fn a_value_and_its_timestamp_are_of_one_moment() {
    let directory = TempDir::new().unwrap();
    let Some(_writers) = Writers::start(directory.path()) else { return };
    let mut compared = 0;
    for round in 0..200 {
        let output = promproc()
            .args(["dump", "--format", "json", "--mode", "mostrecent"])
            .arg(directory.path())
            .output()
            .unwrap();
        for line in output.stdout.split(|&byte| byte == b'\n').filter(|line| !line.is_empty()) {
            let entry: serde_json::Value = serde_json::from_slice(line).unwrap();
            let value: f64 = entry["value"].as_str().unwrap().parse().unwrap();
            let timestamp = entry["timestamp"].as_f64().unwrap();
            // serde_json may be off by one in the last place, which is 0.24 microseconds here.
            assert!((timestamp - value).abs() < 1e-6, "round {round}: {value} has the timestamp {timestamp}");
            compared += 1;
        }
    }
    assert!(compared >= 400, "only {compared} values were compared");
}
