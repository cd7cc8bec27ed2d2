//! Choosing series: what is printed are lines of what the official client prints of everything.

use std::path::Path;

use serde_json::{Value, json};
use tempfile::TempDir;

use super::merge;
use crate::support::{Client, Merge, Sample, assert_same_text, samples};

/// Two processes with a counter, a histogram, a summary and gauges of three modes.
fn service(client: &mut Client) -> TempDir {
    let directory = TempDir::new().unwrap();
    let operation = |kind: &str, name: &str, labels: Value, op: &str, value: &str| json!({"type": kind, "name": name, "help": "Help.", "labels": labels, "op": op, "value": value});
    let process = |pid: &str, path: &str| {
        let mut operations = vec![
            operation("counter", "hits", json!([["instance", pid], ["path", path]]), "inc", "2"),
            operation("summary", "size", json!([]), "observe", "3"),
            operation("counter", "failures", json!([["path", path]]), "inc", "1"),
        ];
        for value in ["0.1", "0.5", "7"] {
            let mut observed =
                operation("histogram", "took_seconds", json!([["path", path]]), "observe", value);
            observed["buckets"] = json!(["0.25", "0.5", "1"]);
            operations.push(observed);
        }
        for mode in ["all", "livesum", "mostrecent"] {
            let mut set = operation("gauge", &format!("level_{mode}"), json!([]), "set", "4");
            set["mode"] = mode.into();
            operations.push(set);
        }
        json!({"pid": pid, "operations": operations})
    };
    client.write(directory.path(), &json!([process("7", "/a"), process("8", "/b")])).unwrap();
    directory
}

/// The families of an exposition, whose sample lines are chosen by `takes`; without those that have none.
fn lines_of(text: &str, takes: impl Fn(&Sample) -> bool) -> String {
    let mut chosen = String::new();
    let mut header = String::new();
    for line in text.split_inclusive('\n') {
        if line == "# EOF\n" {
            chosen.push_str(line);
        } else if line.starts_with("# HELP") {
            line.clone_into(&mut header);
        } else if line.starts_with('#') {
            header.push_str(line);
        } else if takes(&samples(line)[0]) {
            chosen.push_str(&std::mem::take(&mut header));
            chosen.push_str(line);
        }
    }
    chosen
}

fn label<'s>(sample: &'s Sample, name: &str) -> &'s str {
    sample.labels.get(name).map_or("", String::as_str)
}

type Takes = fn(&Sample) -> bool;

const CHOICES: &[(&[&str], Takes)] = &[
    (&["--name", "took_seconds_count"], |s| s.name == "took_seconds_count"),
    (&["--name", "took_seconds_bucket", "--label", "le=0.5"], |s| {
        s.name == "took_seconds_bucket" && label(s, "le") == "0.5"
    }),
    (&["--name", "took_seconds"], |s| s.name.starts_with("took_seconds")),
    (&["--name", "hits,size_sum"], |s| s.name == "hits_total" || s.name == "size_sum"),
    (&["--name", "*_count", "--name", "level_a*"], |s| s.name.ends_with("_count") || s.name == "level_all"),
    (&["--label", "path=/a"], |s| label(s, "path") == "/a"),
    (&["--label", "path=/a", "--label", "le=+Inf"], |s| label(s, "path") == "/a" && label(s, "le") == "+Inf"),
    (&["--label", "pid=8"], |s| label(s, "pid") == "8"),
    (&["--match", r#"{path="/a",le=""}"#], |s| label(s, "path") == "/a" && label(s, "le").is_empty()),
    (&["--match", r#"hits_total{instance="7"}"#, "--match", "level_livesum"], |s| {
        s.name == "hits_total" && label(s, "instance") == "7" || s.name == "level_livesum"
    }),
    (&["--match", r#"{__name__=~"took.*",__name__!~".*_(bucket|count)"}"#], |s| s.name == "took_seconds_sum"),
    (&["--drop", r#"{instance="7"}"#], |s| label(s, "instance") != "7"),
    (&["--drop", r#"{le=~"0.25|1.0"}"#], |s| !["0.25", "1.0"].contains(&label(s, "le"))),
    (&["--drop", "took_seconds_count", "--drop", "level_all{pid=\"7\"}"], |s| {
        s.name != "took_seconds_count" && (s.name != "level_all" || label(s, "pid") != "7")
    }),
    (&["--drop", "took_seconds"], |s| !s.name.starts_with("took_seconds")),
    (&["--name", "took_*", "--match", r#"{path="/a"}"#, "--drop", r#"{le!=""}"#], |s| {
        s.name.starts_with("took_seconds_") && label(s, "path") == "/a" && label(s, "le").is_empty()
    }),
];

#[test]
fn chosen_series_are_lines_of_the_clients_output() {
    let Some(mut client) = Client::current() else { return };
    let directory = service(&mut client);
    for format in ["text", "openmetrics"] {
        let everything = client.merge(directory.path(), Merge { format, ..Merge::default() }).unwrap();
        for (options, takes) in CHOICES {
            let expected = lines_of(&everything, takes);
            assert!(expected.len() > 10 && expected != everything, "{options:?} chooses nothing, or all");
            for order in [&[][..], &["--sort"]] {
                let ran = merge(&[&["--format", format], order, *options].concat(), directory.path());
                assert_eq!((ran.status, ran.stderr.as_str()), (Some(0), ""), "{options:?}");
                let of_order = if order.is_empty() {
                    expected.clone()
                } else {
                    lines_of(&merge(&["--format", format, "--sort"], directory.path()).stdout, takes)
                };
                assert_same_text(&ran.stdout, &of_order, &format!("{format} with {options:?} {order:?}"));
            }
        }
    }
}

fn json_of(directory: &Path, options: &[&str]) -> Value {
    let ran = merge(&[&["--format", "json"], options].concat(), directory);
    assert_eq!((ran.status, ran.stderr.as_str()), (Some(0), ""), "{options:?}");
    serde_json::from_str(&ran.stdout).unwrap()
}

#[test]
fn json_of_a_part_of_a_histogram_invents_nothing() {
    let Some(mut client) = Client::current() else { return };
    let directory = service(&mut client);
    let one = |options: &[&str]| {
        let families = json_of(directory.path(), &[options, &["--label", "path=/a"]].concat());
        assert_eq!(families.as_array().unwrap().len(), 1, "{families}");
        families[0]["metrics"].clone()
    };
    let labels = json!({"path": "/a"});
    assert_eq!(one(&["--match", r#"{le="0.5"}"#]), json!([{"labels": labels, "buckets": {"0.5": "2.0"}}]));
    assert_eq!(
        one(&["--name", "took_seconds_count"]),
        json!([{"labels": labels, "buckets": {}, "count": "3.0"}])
    );
    assert_eq!(one(&["--name", "hits"])[0]["value"], "2.0");
}

#[test]
fn without_accumulation_chosen_buckets_are_those_of_the_files() {
    let Some(mut client) = Client::current() else { return };
    let directory = service(&mut client);
    let how = Merge { accumulate: false, ..Merge::default() };
    let everything = client.merge(directory.path(), how).unwrap();
    let ran = merge(&["--no-accumulate", "--label", "le=1.0"], directory.path());
    ran.prints(&lines_of(&everything, |s| label(s, "le") == "1.0"));
}

#[test]
fn the_table_has_the_chosen_samples() {
    let Some(mut client) = Client::current() else { return };
    let directory = service(&mut client);
    let ran = merge(
        &["--format", "table", "--match", r#"took_seconds_bucket{le="0.5",path="/b"}"#],
        directory.path(),
    );
    let rows: Vec<_> = ran.stdout.lines().skip(1).collect();
    assert!(
        matches!(rows[..], [row] if row.ends_with("  took_seconds_bucket{le=\"0.5\",path=\"/b\"}")),
        "{ran:?}"
    );
    assert_eq!((ran.status, ran.stderr.as_str()), (Some(0), ""));
}
