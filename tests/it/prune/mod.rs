//! `promproc prune`, with real processes that hold real files open.

mod pid;
mod places;
mod rights;
mod settle;
mod writers;

use std::fs::{self, File};
use std::os::unix::fs::MetadataExt;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, SystemTime};

use serde::Deserialize;
use serde_json::json;

use crate::support::{
    Client, Directory, Holder, Ran, STRANGER, can_change_user, has_containers, in_container, names_in,
    promproc, promproc_of_a_stranger, promproc_without_leases, python, run, wait_for,
};

const MODES: [&str; 10] =
    ["all", "liveall", "livemax", "livemin", "livemostrecent", "livesum", "max", "min", "mostrecent", "sum"];

/// No process of any system here has this number: Linux counts to 4,194,304 at most.
const NO_PID: &str = "4999999";

/// A run that names each file.
fn prune(directory: &Directory, options: &[&str]) -> Ran {
    // Nobody else removes files in these tests.
    run(promproc().args(["prune", "-v", "--settle", "0"]).args(options).arg(directory.path())).listed()
}

/// Files of a process for every type and mode.
fn files_of(pid: &str) -> Vec<String> {
    let gauges = MODES.iter().map(|mode| format!("gauge_{mode}_{pid}.db"));
    ["counter", "histogram", "summary"].iter().map(|t| format!("{t}_{pid}.db")).chain(gauges).collect()
}

fn directory_of(pids: &[&str]) -> Directory {
    let names: Vec<_> = pids.iter().flat_map(|pid| files_of(pid)).collect();
    Directory::with(&names.iter().map(String::as_str).collect::<Vec<_>>())
}

#[test]
fn removes_what_mark_process_dead_removes_for_every_dead_process() {
    let Some(mut client) = Client::current() else { return };
    let (ours, theirs) = (Directory::with(&[]), Directory::with(&[]));
    let mut operations: Vec<_> = MODES
        .iter()
        .map(|mode| json!({"type": "gauge", "name": format!("g_{mode}"), "mode": mode, "op": "set", "value": "1"}))
        .collect();
    for (metric_type, op) in [("counter", "inc"), ("histogram", "observe"), ("summary", "observe")] {
        operations.push(json!({"type": metric_type, "name": metric_type, "op": op, "value": "1"}));
    }
    let pids =
        client.write(ours.path(), &json!(vec![json!({"pid": null, "operations": operations}); 3])).unwrap();
    for name in ours.names() {
        fs::copy(ours.file(&name), theirs.file(&name)).unwrap();
    }
    assert_eq!(ours.names().len(), 3 * 13);

    let ran = prune(&ours, &[]);
    assert_eq!((ran.status, ran.stdout.lines().count(), ran.stderr.as_str()), (Some(0), 3 * 5, ""));
    for pid in pids {
        client.mark_dead(&pid, theirs.path()).unwrap();
    }
    assert_eq!(ours.names(), theirs.names());
    prune(&ours, &[]).prints("");
}

#[test]
fn prints_each_file_with_the_evidence() {
    let directory = directory_of(&[NO_PID]);
    let lines = |verb: &str| {
        ["liveall", "livemax", "livemin", "livemostrecent", "livesum"]
            .map(|mode| directory.file(&format!("gauge_{mode}_{NO_PID}.db")))
            .map(|file| {
                format!("{verb} {}: read lease granted: no process has it open for writing\n", file.display())
            })
            .concat()
    };
    prune(&directory, &["--dry-run"]).prints(&lines("would remove"));
    assert_eq!(directory.names().len(), 13);
    prune(&directory, &[]).prints(&lines("removed"));
    assert_eq!(directory.names().len(), 8);
}

#[test]
fn many_files_are_one_line() {
    let directory = directory_of(&[NO_PID, "4999998"]);
    fs::remove_file(directory.file("gauge_livesum_4999998.db")).unwrap();
    let prune = |options: &[&str]| {
        run(promproc().args(["prune", "--settle", "0"]).args(options).arg(directory.path()))
    };
    let shown = directory.path().display();
    prune(&["-n"]).prints(&format!("would remove 9 files of 2 dead processes from {shown}\n"));
    prune(&["-n", "-q"]).prints(&format!("would remove 9 files of 2 dead processes from {shown}\n"));
    prune(&["--mode", "livesum"]).prints(&format!("removed 1 file of 1 dead process from {shown}\n"));
    prune(&[]).prints(&format!("removed 8 files of 2 dead processes from {shown}\n"));
    prune(&[]).prints("");
    prune(&["-q", "--mode", "all"]).prints("");
    assert_eq!(directory.names().len(), 14);
    prune(&["--pid", NO_PID, "--mode", "min"])
        .prints(&format!("removed 1 file of pid {NO_PID}, declared dead with --pid, from {shown}\n"));
}

#[test]
fn json_lines_have_the_documented_fields() {
    #[derive(Debug, Deserialize, PartialEq)]
    #[serde(deny_unknown_fields)]
    struct Line {
        file: String,
        r#type: String,
        mode: String,
        pid: String,
        evidence: String,
        removed: bool,
    }
    let directory = directory_of(&["host_5"]);
    for (options, removed) in [(&["--dry-run"][..], false), (&[], true)] {
        let mut command = promproc();
        command.args(["prune", "--settle", "0", "-f", "json", "--mode", "livesum"]).args(options);
        let ran = run(command.arg(directory.path()));
        assert_eq!((ran.status, ran.stdout.lines().count()), (Some(0), 1));
        let line: Line = serde_json::from_str(&ran.stdout).unwrap();
        let expected = Line {
            file: directory.file("gauge_livesum_host_5.db").to_str().unwrap().to_owned(),
            r#type: "gauge".to_owned(),
            mode: "livesum".to_owned(),
            pid: "host_5".to_owned(),
            evidence: "read lease granted: no process has it open for writing".to_owned(),
            removed,
        };
        assert_eq!(line, expected);
    }
}

#[test]
fn other_modes_are_pruned_when_named() {
    let directory = directory_of(&[NO_PID]);
    let ran = prune(&directory, &["--mode", "all", "--mode", "min"]);
    assert_eq!((ran.status, ran.stdout.lines().count()), (Some(0), 2));
    let mut left = files_of(NO_PID);
    left.retain(|name| !name.starts_with("gauge_all_") && !name.starts_with("gauge_min_"));
    left.sort_unstable();
    assert_eq!(directory.names(), left);
}

#[test]
fn counters_histograms_and_summaries_are_never_pruned_and_it_says_why() {
    let directory = directory_of(&[NO_PID]);
    for metric_type in ["counter", "histogram", "summary"] {
        prune(&directory, &["--mode", metric_type])
            .fails_with(&[&format!("a {metric_type} is never pruned"), "the sum would fall"]);
    }
    prune(&directory, &["--mode", "gauge"]).fails_with(&["livesum"]);
    prune(&directory, &["--mode", "average"]).fails_with(&["livesum"]);
    assert_eq!(directory.names().len(), 13);
}

#[test]
fn nothing_to_do_and_no_such_directory() {
    let directory = Directory::with(&["counter_1.db", "notes.txt", "foo.db", "gauge_average_7.db"]);
    prune(&directory, &[]).prints("");
    assert_eq!(directory.names().len(), 4);
    let missing = directory.file("missing");
    for options in [&[][..], &["--pid", "5"]] {
        let ran = run(promproc().arg("prune").args(options).arg(&missing));
        ran.fails_with(&["missing: no such file or directory"]);
        let ran = run(promproc().arg("prune").args(options).arg(directory.file("notes.txt")));
        ran.fails_with(&["notes.txt: ", "ot a directory"]);
        run(promproc().arg("prune").args(options)).fails_with(&["PROMETHEUS_MULTIPROC_DIR"]);
    }
    let named = directory_of(&[NO_PID]);
    run(promproc().arg("prune").args(["--pid", NO_PID]).env("PROMETHEUS_MULTIPROC_DIR", named.path()));
    assert_eq!(named.names().len(), 8);
}

#[test]
fn modes_and_pids_are_lists() {
    let removed = |options: &[&str]| {
        let directory = directory_of(&["1", "2", "3"]);
        let ran = prune(&directory, options);
        assert_eq!(ran.status, Some(0), "{ran:?}");
        let left = directory.names();
        let mut gone: Vec<_> = files_of("1").into_iter().chain(files_of("2")).chain(files_of("3")).collect();
        gone.retain(|name| !left.contains(name));
        gone.sort_unstable();
        gone
    };
    let live = |pid: &str| {
        MODES
            .iter()
            .filter(|mode| mode.starts_with("live"))
            .map(move |mode| format!("gauge_{mode}_{pid}.db"))
            .collect::<Vec<_>>()
    };
    assert_eq!(removed(&["--pid", "1", "--mode", "live"]), live("1"));
    let mut both =
        [live("1"), live("3"), ["gauge_all_1.db", "gauge_all_3.db"].map(str::to_owned).into()].concat();
    both.sort_unstable();
    assert_eq!(removed(&["--pid", "1,3", "--mode", "live,all"]), both);
    assert_eq!(removed(&["--pid", "1", "--pid", "3", "--mode", "all", "--mode", "live"]), both);
    assert_eq!(removed(&["--pid", "2", "--mode", "min,max"]), ["gauge_max_2.db", "gauge_min_2.db"]);
    let directory = directory_of(&["1"]);
    let ran = prune(&directory, &["--pid", "1", "--mode", "live,counter"]);
    ran.fails_with(&["a counter is never pruned"]);
    assert_eq!(directory.names().len(), files_of("1").len());
}
