//! `promproc dump`: tables and JSON Lines, filters, damaged files, exit status.

mod damage;
mod liveness;
mod standard_input;
mod table;

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::Stdio;

use serde::Deserialize;
use serde_json::json;
use tempfile::TempDir;

use crate::support::dump::assert_dump_is_what_the_client_reads;
use crate::support::{Client, Ran, encoded, promproc, run, small_directory, write};

/// The line of an entry, as documented: a field more or less is an error.
#[derive(Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
struct EntryLine {
    file: String,
    r#type: String,
    mode: Option<String>,
    pid: String,
    era: String,
    offset: u64,
    value_offset: u64,
    family: String,
    sample: String,
    labels: BTreeMap<String, String>,
    value: String,
    timestamp: Option<f64>,
    help: String,
}

/// The line of a file, as documented.
#[derive(Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
struct FileLine {
    file: String,
    r#type: Option<String>,
    mode: Option<String>,
    pid: Option<String>,
    liveness: Option<String>,
    evidence: Option<String>,
    era: Option<String>,
    entries: u64,
    used_bytes: u64,
    capacity_bytes: u64,
    allocated_bytes: u64,
    modified: Option<String>,
}

fn dump(arguments: &[&str], path: &Path) -> Ran {
    run(promproc().arg("dump").args(arguments).arg(path))
}

#[test]
fn every_era_is_dumped_as_its_client_reads_it() {
    for (version, era) in
        [("0.2.0", "A"), ("0.8.0", "B"), ("0.16.0", "C"), ("0.17.1", "C"), ("0.21.1", "D"), ("0.26.0", "D")]
    {
        let Some(mut client) = Client::version(version) else { return };
        let directory = TempDir::new().unwrap();
        let labels = json!([["b", "ü\n\"\\"], ["a", "\u{1b}[31m"]]);
        let operations = json!([
            {"type": "counter", "name": "c_total", "help": "h", "labels": labels, "op": "inc", "value": "0.1"},
            {"type": "gauge", "name": "g", "help": "h", "mode": "max", "op": "set", "value": "NaN"},
            {"type": "histogram", "name": "h", "help": "h", "op": "observe", "value": "1e300"},
            {"type": "summary", "name": "s", "help": "h", "op": "observe", "value": "inf"},
        ]);
        let processes =
            json!([{"pid": "7", "operations": operations}, {"pid": "x_8", "operations": operations}]);
        client.write(directory.path(), &processes).unwrap();
        assert_dump_is_what_the_client_reads(directory.path(), &mut client, version);

        let files = dump(&["--files", "--format", "json"], directory.path()).stdout;
        let files: Vec<FileLine> = files.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!(files.len(), 8, "{version}");
        assert!(files.iter().all(|file| file.era.as_deref() == Some(era)), "{version}: {files:?}");
    }
}

#[test]
fn json_lines_have_the_documented_fields() {
    let directory = small_directory();
    let run = dump(&["--format", "json"], directory.path());
    assert_eq!((run.stderr.as_str(), run.status), ("", Some(0)));
    let lines: Vec<EntryLine> = run.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines.len(), 3);
    let labels = |pairs: &[(&str, &str)]| pairs.iter().map(|(n, v)| (n.to_string(), v.to_string())).collect();
    let path = |name: &str| directory.path().join(name).to_str().unwrap().to_owned();
    assert_eq!(
        lines[1],
        EntryLine {
            file: path("counter_12.db"),
            r#type: "counter".into(),
            mode: None,
            pid: "12".into(),
            era: "D".into(),
            offset: 8 + lines[0].value_offset + 8,
            value_offset: lines[0].value_offset * 2 + 8,
            family: "http_requests".into(),
            sample: "http_requests_total".into(),
            labels: labels(&[("method", "POST"), ("path", "/")]),
            value: "1.234567e+06".into(),
            timestamp: Some(0.0),
            help: "Requests".into(),
        }
    );
    assert_eq!((lines[2].mode.as_deref(), lines[2].value.as_str()), (Some("livesum"), "-2.5"));
    assert_eq!(lines[2].labels, labels(&[("queue", "漢字")]));

    let run = dump(&["--format", "json", "--files"], directory.path());
    let files: Vec<FileLine> = run.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(files.len(), 3);
    assert_eq!((files[0].entries, files[0].capacity_bytes), (2, 65_536));
    assert_eq!(files[0].used_bytes, lines[1].value_offset + 16);
    assert!(files[0].allocated_bytes < files[0].capacity_bytes, "{files:?}");
    let no_entries = FileLine {
        file: path("histogram_12.db"),
        r#type: Some("histogram".into()),
        mode: None,
        pid: Some("12".into()),
        liveness: files[2].liveness.clone(),
        evidence: files[2].evidence.clone(),
        era: None,
        entries: 0,
        used_bytes: 0,
        capacity_bytes: 0,
        allocated_bytes: 0,
        modified: Some("2023-11-14T22:13:20Z".into()),
    };
    assert_eq!(files[2], no_entries);
}

#[test]
fn filters_choose_files_and_entries() {
    let directory = small_directory();
    let samples = |arguments: &[&str]| {
        let arguments = [&["--format", "json"], arguments].concat();
        let run = dump(&arguments, directory.path());
        assert_eq!((run.stderr.as_str(), run.status), ("", Some(0)), "{arguments:?}");
        let lines: Vec<EntryLine> =
            run.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        lines.iter().map(|line| line.value.clone()).collect::<Vec<_>>().join(" ")
    };
    for (arguments, values) in [
        (&["--name", "http_requests"][..], "3.0 1.234567e+06"),
        (&["--name", "http_requests_total"], "3.0 1.234567e+06"),
        (&["--name", "*_s?ze"], "-2.5"),
        (&["--name", "queue_size", "--name", "http*"], "3.0 1.234567e+06 -2.5"),
        (&["--name", "queue_size,http*"], "3.0 1.234567e+06 -2.5"),
        (&["--type", "counter,gauge"], "3.0 1.234567e+06 -2.5"),
        (&["--pid", "7,12"], "3.0 1.234567e+06 -2.5"),
        (&["--type", "gauge"], "-2.5"),
        (&["--type", "gauge", "--type", "counter"], "3.0 1.234567e+06 -2.5"),
        (&["--mode", "livesum"], "-2.5"),
        (&["--pid", "12"], "3.0 1.234567e+06"),
        (&["--label", "method=POST"], "1.234567e+06"),
        (&["--label", "method=POST", "--label", "path=/"], "1.234567e+06"),
        (&["--match", r#"http_requests{method="POST"}"#], "1.234567e+06"),
        (&["--drop", r#"{method="POST"}"#], "3.0 -2.5"),
        (&["--match", r#"{method!=""}"#, "--drop", r#"{method="GET"}"#], "1.234567e+06"),
    ] {
        assert_eq!(samples(arguments), values, "{arguments:?}");
    }

    let table = dump(&["--label", "method=GET"], directory.path()).stdout;
    assert!(table.contains("\n1 of 2 entries, "), "{table}");
    assert!(!table.contains("queue_size") && !table.contains("histogram"), "{table}");
    let none = dump(&["-v", "--name", "queue"], directory.path());
    assert_eq!(none.stdout, "");
    assert_eq!(none.status, Some(1));
    none.says(&[
        "info: 0 entries in 0 files\n",
        "warning: --name queue: no series has this name\n",
        "hint: did you mean queue_size?\n",
    ]);
    let files = dump(&["--files", "--name", "queue_size"], directory.path()).stdout;
    assert_eq!(files.lines().count(), 2, "{files}");
    assert!(files.contains("gauge_livesum_7.db"), "{files}");

    for (arguments, word) in
        [(["--type", "info"], "info"), (["--mode", "avg"], "avg"), (["--label", "method"], "NAME=VALUE")]
    {
        let run = dump(&arguments, directory.path());
        assert_eq!((run.stdout.as_str(), run.status), ("", Some(2)), "{arguments:?}");
        assert!(run.stderr.contains(word), "{}", run.stderr);
    }
}

#[test]
fn where_the_directory_comes_from() {
    let directory = small_directory();
    let given = dump(&["--format", "json"], directory.path());
    let from =
        |variable: &str| run(promproc().args(["dump", "--format", "json"]).env(variable, directory.path()));
    let set = from("PROMETHEUS_MULTIPROC_DIR");
    assert_eq!((&set.stdout, set.stderr.as_str(), set.status), (&given.stdout, "", Some(0)));
    let deprecated = from("prometheus_multiproc_dir");
    assert_eq!((&deprecated.stdout, deprecated.status), (&given.stdout, Some(0)));
    assert!(deprecated.stderr.contains("deprecated, set PROMETHEUS_MULTIPROC_DIR"), "{}", deprecated.stderr);

    run(promproc().arg("dump")).fails_with(&["PROMETHEUS_MULTIPROC_DIR is not set\nhint: ", "promproc find"]);
    // An empty variable is one that is set, to the client as well: the other is not looked at.
    for command in [&["dump"][..], &["merge"], &["explain", "up"], &["prune"], &["clean"], &["top", "--once"]]
    {
        for variable in ["PROMETHEUS_MULTIPROC_DIR", "prometheus_multiproc_dir"] {
            let mut command = {
                let mut new = promproc();
                new.args(command);
                new
            };
            if variable == "PROMETHEUS_MULTIPROC_DIR" {
                command.env("prometheus_multiproc_dir", directory.path());
            }
            run(command.env(variable, "")).fails_with(&[
                &format!("no PATH given, and {variable} is set, but empty: the client takes"),
                "\nhint: ",
            ]);
        }
    }
    // A path is a path.
    let mut given = promproc();
    let ran = run(given.arg("dump").arg(directory.path()).env("PROMETHEUS_MULTIPROC_DIR", ""));
    assert_eq!((ran.status, ran.stderr.as_str()), (Some(0), ""));
    let missing = dump(&[], &directory.path().join("none"));
    assert_eq!((missing.stdout.as_str(), missing.status), ("", Some(2)));
    assert!(missing.stderr.contains("/none: no such file or directory\nhint: "), "{}", missing.stderr);

    let empty = dump(&[], TempDir::new().unwrap().path());
    assert_eq!((empty.stdout.as_str(), empty.stderr.as_str(), empty.status), ("", "", Some(0)));
}

#[test]
fn a_single_file_and_directories_below() {
    let directory = small_directory();
    let below = directory.path().join("worker/a");
    fs::create_dir_all(&below).unwrap();
    fs::copy(directory.path().join("counter_12.db"), below.join("counter_12.db")).unwrap();
    let lines = |arguments: &[&str], path: &Path| dump(arguments, path).stdout.lines().count();
    assert_eq!(lines(&["--format", "json"], directory.path()), 3);
    assert_eq!(lines(&["--format", "json", "-r"], directory.path()), 5);
    assert_eq!(lines(&["--format", "json"], &below.join("counter_12.db")), 2);
}

#[test]
fn dump_into_head_ends_without_an_error() {
    let directory = TempDir::new().unwrap();
    let keys: Vec<_> = (0..5_000).map(|i| format!(r#"["m", "m", {{"i": "{i}"}}, "help"]"#)).collect();
    let entries: Vec<_> = keys.iter().map(|key| (key.as_str(), 1.0)).collect();
    // Not more than fits the capacity that `write` sets.
    for (pid, entries) in entries.chunks(500).enumerate() {
        write(&directory, &format!("counter_{pid}.db"), &encoded(entries));
    }
    for arguments in [&["--format", "json"][..], &[]] {
        let mut process = promproc()
            .arg("dump")
            .args(arguments)
            .arg(directory.path())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(process.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let output = process.wait_with_output().unwrap();
        assert!(!line.is_empty());
        assert_eq!((output.status.code(), String::from_utf8_lossy(&output.stderr).as_ref()), (Some(0), ""));
    }
}
