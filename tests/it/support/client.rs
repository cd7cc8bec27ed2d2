//! One release of the official client, in a Python process of its own (`tests/oracle/oracle.py`).

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::python::{self, CURRENT};

const ORACLE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/oracle/oracle.py");

/// A running client. Every method is one request; `Err` is the exception that the client raised.
pub(crate) struct Client {
    process: Child,
    requests: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
}

/// An entry as the client's reader sees it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Entry {
    pub key: String,
    #[serde(with = "bits")]
    pub value: f64,
    /// `None` for clients before 0.18.0, which store none.
    #[serde(with = "optional_bits")]
    pub timestamp: Option<f64>,
    /// Offset of the value.
    pub position: u64,
}

/// The entries of one file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct FileEntries {
    pub name: String,
    pub entries: Vec<Entry>,
}

/// How to merge; the default is the client's.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Merge {
    /// `text` or `openmetrics`.
    pub format: &'static str,
    /// `underscores`, `dots`, `values` or `allow-utf-8`.
    pub escaping: &'static str,
    pub accumulate: bool,
}

impl Default for Merge {
    fn default() -> Self {
        Self { format: "text", escaping: "underscores", accumulate: true }
    }
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Answer<T> {
    Error { error: String },
    Value(T),
}

#[derive(Deserialize)]
struct Text {
    text: String,
}

impl Client {
    /// Starts the client that promproc reproduces; `None` where there is no Python (see
    /// [`python::python`]).
    pub(crate) fn current() -> Option<Self> {
        Self::version(CURRENT)
    }

    /// Starts a release of the client.
    pub(crate) fn version(version: &str) -> Option<Self> {
        #[derive(Deserialize)]
        struct Hello {
            version: String,
        }
        let python = python::python()?;
        // -B: no __pycache__ in the source tree; -E -s: nothing of the caller's Python set-up.
        let mut process = Command::new(python.interpreter())
            .args(["-B", "-E", "-s", ORACLE])
            .args(python.packages_of(version))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let requests = process.stdin.take();
        let answers = BufReader::new(process.stdout.take().unwrap());
        let mut client = Self { process, requests, answers };
        let hello: Hello = client.answer().unwrap();
        assert_eq!(hello.version, version);
        Some(client)
    }

    /// Lets processes, each a real fork, use the client's metric classes; gives their pids.
    /// `processes` is what `write` in oracle.py takes.
    pub(crate) fn write(&mut self, directory: &Path, processes: &Value) -> Result<Vec<String>, String> {
        #[derive(Deserialize)]
        struct Pids {
            pids: Vec<String>,
        }
        let request = json!({"do": "write", "directory": directory, "processes": processes});
        Ok(self.ask::<Pids>(&request)?.pids)
    }

    /// Writes entries of any key into a file with `MmapedDict`.
    /// `entries` is what `raw` in oracle.py takes.
    pub(crate) fn raw(&mut self, file: &Path, entries: &Value) -> Result<(), String> {
        self.ask::<Value>(&json!({"do": "raw", "file": file, "entries": entries})).map(drop)
    }

    /// The exposition of a directory, its files in byte order of their names.
    pub(crate) fn merge(&mut self, directory: &Path, how: Merge) -> Result<String, String> {
        self.merge_request(json!({"directory": directory}), how)
    }

    /// The exposition of files in the given order.
    pub(crate) fn merge_files(&mut self, files: &[&Path], how: Merge) -> Result<String, String> {
        self.merge_request(json!({"files": files}), how)
    }

    fn merge_request(&mut self, mut request: Value, how: Merge) -> Result<String, String> {
        request["do"] = "merge".into();
        request["format"] = how.format.into();
        request["escaping"] = how.escaping.into();
        request["accumulate"] = how.accumulate.into();
        Ok(self.ask::<Text>(&request)?.text)
    }

    /// What this release's own `/metrics` prints of a directory of its own files, in byte order
    /// of their names.
    pub(crate) fn scrape(&mut self, directory: &Path) -> Result<String, String> {
        Ok(self.ask::<Text>(&json!({"do": "scrape", "directory": directory}))?.text)
    }

    /// The entries of all metric files of a directory.
    pub(crate) fn read(&mut self, directory: &Path) -> Result<Vec<FileEntries>, String> {
        #[derive(Deserialize)]
        struct Files {
            files: Vec<FileEntries>,
        }
        Ok(self.ask::<Files>(&json!({"do": "read", "directory": directory}))?.files)
    }

    /// Writes what an older client read as files of this one.
    pub(crate) fn transcode(&mut self, directory: &Path, files: &[FileEntries]) -> Result<(), String> {
        let request = json!({"do": "transcode", "directory": directory, "files": files});
        self.ask::<Value>(&request).map(drop)
    }

    /// `mark_process_dead`; gives the names that it left in the directory.
    pub(crate) fn mark_dead(&mut self, pid: &str, directory: &Path) -> Result<Vec<String>, String> {
        #[derive(Deserialize)]
        struct Names {
            files: Vec<String>,
        }
        let request = json!({"do": "mark_dead", "directory": directory, "pid": pid});
        Ok(self.ask::<Names>(&request)?.files)
    }

    fn ask<T: DeserializeOwned>(&mut self, request: &Value) -> Result<T, String> {
        writeln!(self.requests.as_mut().unwrap(), "{request}").unwrap();
        self.answer()
    }

    fn answer<T: DeserializeOwned>(&mut self) -> Result<T, String> {
        let mut line = String::new();
        self.answers.read_line(&mut line).unwrap();
        match serde_json::from_str(&line) {
            Ok(Answer::Value(value)) => Ok(value),
            Ok(Answer::Error { error }) => Err(error),
            Err(error) => panic!("{error} in the oracle's answer {line:?}"),
        }
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        // The end of its input ends it.
        drop(self.requests.take());
        self.process.wait().unwrap();
    }
}

/// Floats as the hexadecimal digits of their bytes.
mod bits {
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    pub(super) fn serialize<S: Serializer>(value: &f64, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&format_args!("{:016x}", value.to_bits()))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<f64, D::Error> {
        let digits = String::deserialize(deserializer)?;
        u64::from_str_radix(&digits, 16).map(f64::from_bits).map_err(D::Error::custom)
    }
}

mod optional_bits {
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    #[derive(Serialize, Deserialize)]
    struct Float(#[serde(with = "super::bits")] f64);

    #[allow(clippy::ref_option)] // serde's signature
    pub(super) fn serialize<S: Serializer>(value: &Option<f64>, serializer: S) -> Result<S::Ok, S::Error> {
        value.map(Float).serialize(serializer)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<f64>, D::Error> {
        Ok(Option::<Float>::deserialize(deserializer)?.map(|float| float.0))
    }
}
