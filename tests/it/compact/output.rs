//! What `compact` says, and what `check` and the others say of what it makes or leaves.

use std::fs;
use std::process::Command;

use serde_json::Value;

use super::compact;
use crate::support::{Directory, Holder, STRANGER, can_change_user, promproc, promproc_of_a_stranger, run};

/// A directory with what six dead workers of gunicorn left.
fn gunicorn() -> Directory {
    let directory = Directory::with(&[]);
    for entry in fs::read_dir("tests/data/gunicorn").unwrap() {
        let entry = entry.unwrap();
        fs::copy(entry.path(), directory.file(entry.file_name().to_str().unwrap())).unwrap();
    }
    directory
}

#[test]
fn a_line_a_directory_and_nothing_where_nothing_is_to_be_done() {
    let directory = gunicorn();
    let shown = directory.path().display().to_string();
    compact(directory.path(), &["--dry-run"]).prints(&format!(
        "would fold 22 files of 6 dead processes into 5 archives in {shown}\n\
         would remove 10 live gauge files of dead processes from {shown}\n"
    ));
    assert_eq!(directory.names().len(), 36);
    // Too few of every kind, but the live gauges go.
    let ran = compact(directory.path(), &["--min-files", "100"]);
    ran.prints(&format!("removed 10 live gauge files of dead processes from {shown}\n"));
    let ran = compact(directory.path(), &[]);
    assert_eq!((ran.status, ran.stderr.as_str()), (Some(0), ""), "{ran:?}");
    assert!(
        ran.stdout.starts_with(&format!(
            "folded 22 files of 6 dead processes into 5 archives in {shown}: 302 entries into 78, "
        )),
        "{ran:?}"
    );
    compact(directory.path(), &[]).prints("");
    let said = compact(directory.path(), &["-v"]).stderr;
    assert!(said.contains("left 2 files: their gauge mode keeps each process's values apart"), "{said}");
}

#[test]
fn json_has_an_object_a_directory() {
    let (one, other) = (gunicorn(), gunicorn());
    let ran = run(promproc().args(["compact", "--format", "json"]).args([one.path(), other.path()]));
    assert_eq!((ran.status, ran.stdout.lines().count()), (Some(0), 2), "{ran:?}");
    let line: Value = serde_json::from_str(ran.stdout.lines().next().unwrap()).unwrap();
    assert_eq!(line["directory"], one.path().to_str().unwrap());
    for (field, value) in
        [("files", 22), ("processes", 6), ("old_archives", 0), ("entries_before", 302), ("entries_after", 78)]
    {
        assert_eq!(line[field], value, "{field} in {line}");
    }
    assert_eq!(line["archives"].as_array().unwrap().len(), 5);
    assert_eq!(line["removed"].as_array().unwrap().len(), 10);
    // Archives become sources.
    fs::copy("tests/data/gunicorn/counter_8187.db", one.file("counter_4999999.db")).unwrap();
    let again = compact(one.path(), &["--format", "json"]);
    let line: Value = serde_json::from_str(&again.stdout).unwrap();
    assert_eq!((&line["files"], &line["old_archives"]), (&1.into(), &1.into()), "{line}");
}

#[test]
fn live_workers_are_left_and_counted_on() {
    let directory = Directory::with(&[]);
    let Some(worker) = Holder::client(directory.path()) else { return };
    for pid in ["4999998", "4999999"] {
        fs::copy("tests/data/gunicorn/counter_8187.db", directory.file(&format!("counter_{pid}.db")))
            .unwrap();
    }
    let held: Vec<_> = directory.names().into_iter().filter(|name| !name.contains("499999")).collect();
    let ran = compact(directory.path(), &[]);
    assert_eq!(ran.status, Some(0), "{ran:?}");
    let mut expected = held;
    expected.push("counter_compacted-1.db".to_owned());
    expected.sort();
    assert_eq!(directory.names(), expected);
    // In no list of processes an archive counts.
    let summary = run(promproc().args(["check", "--fail-on", "never"]).arg(directory.path())).stdout;
    assert!(summary.contains("; 1 live process, 0 dead;"), "{summary}");
    let top = run(promproc().args(["top", "--once", "--by", "pid"]).arg(directory.path())).stdout;
    assert!(top.contains("compacted-1") && top.contains("compacted "), "{top}");
    let dump = run(promproc().args(["dump"]).arg(directory.path())).stdout;
    assert!(dump.contains("counter, processes that were compacted (generation 1), era D"), "{dump}");
    drop(worker);
}

#[test]
fn without_leases_nothing_is_done() {
    if !can_change_user() {
        return;
    }
    let directory = gunicorn();
    let before = directory.names();
    let reachable = Directory::with(&[]);
    directory.give_to(0);
    let ran = run(promproc_of_a_stranger(&reachable).arg("compact").arg(directory.path()));
    ran.fails_with(&[
        "nothing compacted: no file can be proven dead",
        "hint: ",
        "as the user that owns the files",
    ]);
    assert_eq!(directory.names(), before);
    // As their owner it works.
    directory.give_to(STRANGER);
    let ran = run(promproc_of_a_stranger(&reachable).arg("compact").arg(directory.path()));
    assert_eq!(ran.status, Some(0), "{ran:?}");
}

#[test]
fn check_says_what_can_be_folded_and_what_was_left() {
    let directory = gunicorn();
    let codes = || {
        let ran = run(promproc().args(["check", "--format", "json"]).arg(directory.path()));
        let report: Value = serde_json::from_str(&ran.stdout).unwrap();
        report["findings"].as_array().unwrap().clone()
    };
    let of = |code: &str| codes().into_iter().find(|finding| finding["code"] == code);
    let finding = of("compactable").unwrap();
    assert_eq!(finding["severity"], "info");
    let command = format!("promproc compact {}", directory.path().display());
    assert_eq!(finding["commands"][0], command.as_str());

    // Killed with the barrier up; older than a compaction that is at work.
    let mut strace = Command::new("strace");
    strace.args([
        "-f",
        "-o",
        "/dev/null",
        "-e",
        "trace=renameat2",
        "-e",
        "inject=renameat2:signal=KILL:when=4",
    ]);
    run(strace.arg(promproc().get_program()).arg("compact").arg(directory.path()));
    assert!(of("interrupted-compaction").is_none(), "it may be at work");
    std::thread::sleep(std::time::Duration::from_secs(12));
    let finding = of("interrupted-compaction").unwrap();
    assert_eq!((&finding["severity"], &finding["commands"][0]), (&"error".into(), &command.as_str().into()));
    let mended = Command::new("sh")
        .args(["-c", &command])
        .env("PATH", crate::support::path_with_promproc())
        .status()
        .unwrap();
    assert!(mended.success());
    assert!(of("interrupted-compaction").is_none() && of("compactable").is_none(), "{:?}", codes());
}
