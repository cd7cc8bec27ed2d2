//! The recorded directories in `tests/data`: promproc against the output that stands beside them,
//! which needs no Python, and that output against the client. `tests/oracle/record.py` made them.

use std::fs;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use crate::support::{Client, Merge, assert_same_text, promproc_merge};

const DIRECTORIES: [&str; 6] = ["era-a", "era-b", "era-c", "era-d", "gunicorn", "mixed"];
/// Those of one era that the current client cannot read, and who wrote them.
const OLD: [(&str, &str); 3] = [("era-a", "0.2.0"), ("era-b", "0.8.0"), ("era-c", "0.16.0")];
/// Who wrote the files of the processes in `mixed`.
const MIXED: [(&str, &str); 3] = [("_11.db", "0.8.0"), ("_12.db", "0.16.0"), ("_13.db", "0.26.0")];
/// Those that it wrote itself.
const CURRENT: [&str; 2] = ["era-d", "gunicorn"];

const TEXT: Merge = Merge { format: "text", escaping: "underscores", accumulate: true };
const OPENMETRICS: Merge = Merge { format: "openmetrics", ..TEXT };

#[test]
fn recorded_directories_print_what_stands_beside_them() {
    for name in DIRECTORIES {
        for (how, ending) in [(TEXT, "expected.txt"), (OPENMETRICS, "expected.om")] {
            assert_same_text(&merged(name, how), &beside(name, ending), &format!("{name}.{ending}"));
        }
    }
}

#[test]
fn old_directories_print_the_lines_that_their_own_client_printed() {
    for (name, _) in OLD {
        let (ours, theirs) = (sorted_lines(&merged(name, TEXT)), sorted_lines(&beside(name, "client.txt")));
        assert_same_text(&ours, &theirs, name);
    }
}

#[test]
fn the_current_client_prints_what_stands_beside_the_recorded_directories() {
    let Some(mut client) = Client::current() else { return };
    for name in CURRENT {
        assert_expected(name, &data(name), &mut client);
    }
    for (name, version) in OLD {
        let Some(mut old) = Client::version(version) else { return };
        let [copied, transcoded] = [(); 2].map(|()| TempDir::new().unwrap());
        copy_files(name, "", copied.path());
        assert_same_text(&old.scrape(copied.path()).unwrap(), &beside(name, "client.txt"), name);
        let entries = old.read(copied.path()).unwrap();
        client.transcode(transcoded.path(), &entries).unwrap();
        assert_expected(name, transcoded.path(), &mut client);
    }
    let transcoded = TempDir::new().unwrap();
    for (ending, version) in MIXED {
        let Some(mut writer) = Client::version(version) else { return };
        let copied = TempDir::new().unwrap();
        copy_files("mixed", ending, copied.path());
        let entries = writer.read(copied.path()).unwrap();
        client.transcode(transcoded.path(), &entries).unwrap();
    }
    assert_expected("mixed", transcoded.path(), &mut client);
}

/// Copies the files with that ending: 0.2.0 opens what it reads for writing.
fn copy_files(name: &str, ending: &str, to: &Path) {
    for file in fs::read_dir(data(name)).unwrap().map(Result::unwrap) {
        let file_name = file.file_name();
        if file_name.to_str().unwrap().ends_with(ending) {
            fs::copy(file.path(), to.join(file_name)).unwrap();
        }
    }
}

/// That what stands beside `name` is what the client prints of `directory`.
#[track_caller]
fn assert_expected(name: &str, directory: &Path, client: &mut Client) {
    for (how, ending) in [(TEXT, "expected.txt"), (OPENMETRICS, "expected.om")] {
        let printed = client.merge(directory, how).unwrap();
        assert_same_text(&beside(name, ending), &printed, &format!("{name}.{ending} is stale"));
    }
}

fn merged(name: &str, how: Merge) -> String {
    let output = promproc_merge(&data(name), how);
    assert!(output.status.success(), "{name}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

fn data(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data").join(name)
}

fn beside(name: &str, ending: &str) -> String {
    fs::read_to_string(data(&format!("{name}.{ending}"))).unwrap()
}

/// The lines in order, each value in Rust's spelling: old clients print samples in another order
/// and numbers with other exponents.
fn sorted_lines(text: &str) -> String {
    let mut lines: Vec<_> = text
        .split('\n')
        .map(|line| match line.rsplit_once(' ') {
            Some((series, value)) if !line.starts_with('#') => {
                format!("{series} {:?}", value.parse::<f64>().unwrap())
            }
            _ => line.to_owned(),
        })
        .collect();
    lines.sort();
    lines.join("\n")
}
