//! `promproc clean`, with real processes that hold real files open.

mod directory;
mod writers;

use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::process::Command;
use std::thread;
use std::time::SystemTime;

use crate::support::{
    Directory, Holder, Ran, STRANGER, can_change_user, has_containers, in_container, names_in, promproc,
    promproc_of_a_stranger, promproc_without_leases, run,
};

fn clean(directory: &Directory, options: &[&str]) -> Ran {
    run(promproc().arg("clean").args(options).arg(directory.path()))
}

const METRIC_FILES: [&str; 11] = [
    ".promproc-a1B2c3.tmp",
    "counter_12.db",
    "gauge_all_12.db",
    "gauge_future_12.db",
    "gauge_livemostrecent_12.db",
    "gauge_livesum_web_1.db",
    "gauge_max_web-1.example.org.db",
    "histogram_12.db",
    "histogram_uwsgi_0.db",
    "summary_.db",
    "summary_12.db",
];

const OTHER_FILES: [&str; 9] = [
    ".counter_12.db",
    ".gitkeep",
    "Counter_12.db",
    "counter_12.db.tmp",
    "cache.db",
    "gauge_5.db",
    "info_1.db",
    "metrics.prom",
    "promproc-x.tmp",
];

#[test]
fn removes_metric_files_of_all_eras_and_nothing_else() {
    let directory = Directory::with(&[&METRIC_FILES[..], &OTHER_FILES].concat());
    fs::create_dir_all(directory.file("counter_7.db")).unwrap();
    fs::create_dir_all(directory.file("archive")).unwrap();
    fs::write(directory.file("archive/counter_1.db"), []).unwrap();

    let ran = clean(&directory, &[]);
    assert_eq!(ran.status, Some(0), "{ran:?}");
    assert_eq!(ran.stdout, format!("removed 11 files from {}\n", directory.path().display()));
    let shown = directory.path().display();
    assert_eq!(
        ran.stderr,
        format!(
            "promproc: warning: {shown}: kept archive, counter_7.db: directories\n\
             promproc: warning: {shown}: kept .counter_12.db, .gitkeep, Counter_12.db and 6 more: not metric files\n"
        )
    );
    let verbose = clean(&directory, &["-v"]);
    for other in OTHER_FILES {
        verbose.says(&[&format!("{shown}: kept {other}: not a metric file\n")]);
    }
    let left = directory.names();
    let mut expected = [&OTHER_FILES[..], &["archive", "counter_7.db"]].concat();
    expected.sort_unstable();
    assert_eq!(left, expected);
    assert_eq!(names_in(&directory.file("archive")), ["counter_1.db"]);

    let again = clean(&directory, &[]);
    assert_eq!((again.status, again.stdout.as_str(), again.stderr), (Some(0), "", ran.stderr));
}

#[test]
fn dry_run_says_what_would_be_removed() {
    let directory = Directory::with(&["counter_12.db", ".promproc-x.tmp", "notes"]);
    let shown = directory.path().display();
    let summary = format!("would remove 2 files from {shown}\n");
    let ran = clean(&directory, &["-n", "-q"]);
    assert_eq!((ran.status, ran.stdout.as_str()), (Some(0), summary.as_str()));
    let ran = clean(&directory, &["--dry-run", "-v"]);
    let evidence = "read lease granted: no process has it open for writing";
    let expected = [".promproc-x.tmp", "counter_12.db"]
        .map(|name| format!("would remove {}: {evidence}\n", directory.file(name).display()));
    assert_eq!((ran.status, ran.stdout), (Some(0), expected.concat() + &summary));
    ran_left_everything(&directory);
}

fn ran_left_everything(directory: &Directory) {
    assert_eq!(directory.names(), [".promproc-x.tmp", "counter_12.db", "notes"]);
}

#[test]
fn json_lines_are_those_of_prune() {
    let directory = Directory::with(&["counter_12.db", "gauge_future_web_1.db", ".promproc-x.tmp"]);
    let lines = |options: &[&str]| -> Vec<serde_json::Value> {
        let ran = clean(&directory, &[&["-f", "json"], options].concat());
        assert_eq!(ran.status, Some(0), "{ran:?}");
        ran.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    };
    let expected = |removed: bool| {
        let line = |name: &str, metric_type: Option<&str>, mode: Option<&str>, pid: Option<&str>| {
            serde_json::json!({
                "file": directory.file(name),
                "type": metric_type,
                "mode": mode,
                "pid": pid,
                "evidence": "read lease granted: no process has it open for writing",
                "removed": removed,
            })
        };
        [
            line(".promproc-x.tmp", None, None, None),
            line("counter_12.db", Some("counter"), None, Some("12")),
            line("gauge_future_web_1.db", Some("gauge"), Some("future"), Some("web_1")),
        ]
    };
    assert_eq!(lines(&["-n"]), expected(false));
    assert_eq!(lines(&[]), expected(true));
    assert!(directory.names().is_empty() && lines(&[]).is_empty());
}

#[test]
fn force_has_no_short_form_and_one_is_told_so() {
    let directory = Directory::with(&["counter_12.db"]);
    for command in [&["clean", "-f"][..], &["prune", "-f"], &["prune", "-nf"]] {
        let ran = run(promproc().args(command).arg(directory.path()));
        ran.fails_with(&[
            "--format <FORMAT>",
            "tip: -f is short for --format; to remove all the same, write --force",
        ]);
    }
    let from_environment =
        run(promproc().args(["clean", "-f"]).env("PROMETHEUS_MULTIPROC_DIR", directory.path()));
    from_environment.fails_with(&["tip: -f is short for --format; to remove all the same, write --force"]);
    assert_eq!(directory.names(), ["counter_12.db"]);
}

#[test]
fn a_link_is_left_and_named_wherever_it_leads() {
    let directory = Directory::with(&["notes"]);
    let elsewhere = Directory::with(&["target", "counter_5.db"]);
    symlink(elsewhere.file("target"), directory.file("counter_1.db")).unwrap();
    symlink(elsewhere.file("nowhere"), directory.file("counter_2.db")).unwrap();
    symlink(elsewhere.path(), directory.file("counter_3.db")).unwrap();
    symlink(elsewhere.file("counter_5.db"), directory.file("other")).unwrap();
    let ran = clean(&directory, &[]);
    assert_eq!((ran.status, ran.stdout.as_str()), (Some(0), ""));
    ran.says(&[
        &format!("{}: kept counter_1.db, counter_2.db, counter_3.db: links\n", directory.path().display()),
        &format!("{}: kept notes, other: not metric files\n", directory.path().display()),
    ]);
    assert_eq!(directory.names(), ["counter_1.db", "counter_2.db", "counter_3.db", "notes", "other"]);
    assert_eq!(elsewhere.names(), ["counter_5.db", "target"]);
}

#[test]
fn clean_does_not_hang_at_a_fifo_or_a_socket_and_leaves_it() {
    let directory = Directory::with(&[]);
    assert!(Command::new("mkfifo").arg(directory.file("counter_1.db")).status().unwrap().success());
    let socket = UnixListener::bind(directory.file("gauge_all_1.db")).unwrap();
    let ran = clean(&directory, &["--force"]);
    assert_eq!((ran.status, ran.stdout.as_str()), (Some(0), ""));
    ran.says(&[": kept counter_1.db, gauge_all_1.db: not regular files\n"]);
    assert_eq!(directory.names().len(), 2);
    drop(socket);
}

#[test]
fn quiet_says_nothing_where_all_is_well() {
    let directory = Directory::with(&["counter_1.db", "notes"]);
    clean(&directory, &["--quiet"]).prints("");
    assert_eq!(directory.names(), ["notes"]);
    clean(&directory, &["--quiet"]).prints("");
}

#[test]
fn what_cannot_be_removed_or_created_is_an_error() {
    if !can_change_user() {
        return;
    }
    let directory = Directory::with(&["counter_4999999.db"]);
    fs::set_permissions(directory.path(), Permissions::from_mode(0o755)).unwrap();
    let seen_by = Directory::with(&[]);
    let clean = |path: &Path| run(promproc_of_a_stranger(&seen_by).args(["clean", "--force"]).arg(path));
    clean(directory.path()).fails_with(&["counter_4999999.db: cannot be removed: Permission denied"]);
    clean(&directory.file("new")).fails_with(&["new: cannot be created: Permission denied"]);
    fs::set_permissions(directory.path(), Permissions::from_mode(0o700)).unwrap();
    clean(directory.path()).fails_with(&["Permission denied", "hint: "]);
    assert_eq!(directory.names().len(), 1);
}
