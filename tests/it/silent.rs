//! What a reading command says where it finds nothing: a filter that matches nothing, and a directory that
//! is the wrong one, are never silent.

use std::fs;
use std::path::Path;

use tempfile::TempDir;

use crate::support::{GET, Ran, SIZE, encoded, promproc, run, small_directory, write};

fn read(arguments: &[&str], path: &Path) -> Ran {
    run(promproc().args(arguments).arg(path))
}

/// What each reading command is called with where nothing else is asked of it.
const COMMANDS: [&[&str]; 6] = [
    &["dump"],
    &["dump", "--files"],
    &["merge"],
    &["explain", "queue_size"],
    &["top", "--once"],
    &["top", "--batch", "1"],
];

#[test]
fn a_filter_that_matches_nothing_is_said() {
    let directory = small_directory();
    for (filter, said, hint) in [
        (&["--pid", "abc"][..], "--pid abc: no metric file has this pid", "the pids here are 7, 12"),
        (&["--pid", "12,13"], "--pid 13: no metric file has this pid", "the pids here are 7, 12"),
        (
            &["--type", "summary"],
            "--type summary: no metric file has this type",
            "the types here are counter, gauge",
        ),
        (
            &["--mode", "all"],
            "--mode all: no metric file has this gauge mode",
            "the only gauge mode here is livesum",
        ),
        (&["--name", "queue_sise"], "--name queue_sise: no series has this name", "did you mean queue_size?"),
        (&["--name", "http_*,size*"], "--name size*: no series has this name", "did you mean queue_size?"),
        (
            &["--label", "method=POTS"],
            "--label method=POTS: no series has this label",
            "did you mean method=POST?",
        ),
        (
            &["--match", r#"http_requests_total{method="PUT"}"#],
            r#"--match http_requests_total{method="PUT"}: no series matches"#,
            r#"did you mean http_requests_total{method="GET",path="/"}"#,
        ),
        (&["--drop", "queue_sise"], "--drop queue_sise: no series matches", "did you mean queue_size?"),
    ] {
        for command in COMMANDS.iter().filter(|command| command[0] != "explain") {
            let ran = read(&[*command, filter].concat(), directory.path());
            assert_eq!(ran.status, Some(1), "{command:?} {filter:?}: {ran:?}");
            ran.says(&[&format!("promproc: warning: {said}\nhint: {hint}")]);
            assert_eq!(ran.stderr.lines().count(), 2, "{command:?} {filter:?}: {ran:?}");
            let quiet = read(&[&["-q"], *command, filter].concat(), directory.path());
            assert!(!quiet.stderr.contains("warning") && quiet.status == Some(1), "{quiet:?}");
        }
    }
    for (filters, said) in [
        (&["--pid", "12", "--mode", "livesum"][..], "no metric file matches all of --type, --mode and --pid"),
        (&["--name", "queue_size", "--label", "method=GET"], "no series matches all filters together"),
    ] {
        let ran = read(&[&["merge"], filters].concat(), directory.path());
        assert_eq!((ran.stdout.as_str(), ran.status), ("", Some(1)));
        assert_eq!(ran.stderr, format!("promproc: warning: {said}\n"));
    }
    // Of a selector that drops everything, nobody is surprised.
    read(&["merge", "--drop", r#"{__name__=~".+"}"#], directory.path()).prints("");
}

#[test]
fn what_was_asked_for_is_written_all_the_same() {
    let directory = small_directory();
    let target = directory.path().join("textfile.prom");
    fs::write(&target, "queue_size 7.0\n").unwrap();
    let to_target = ["-o", target.to_str().unwrap()];
    let ran = read(&[&["merge", "--name", "gone"], &to_target[..]].concat(), directory.path());
    assert_eq!((ran.status, fs::read_to_string(&target).unwrap().as_str()), (Some(1), ""));
    for (format, empty) in [("openmetrics", "# EOF\n"), ("json", "[]\n"), ("text", "")] {
        let ran = read(&["merge", "--pid", "13", "--format", format], directory.path());
        assert_eq!((ran.status, ran.stdout.as_str()), (Some(1), empty));
    }
    // What does match is written, too.
    let ran = read(&["merge", "--name", "queue_size,gone"], directory.path());
    assert_eq!((ran.status, ran.stdout.lines().count()), (Some(1), 3));
}

/// A directory that holds those of two services, each a level further down.
fn parent() -> TempDir {
    let parent = TempDir::new().unwrap();
    for (name, key) in [("one", GET), ("two", SIZE)] {
        let metrics = parent.path().join(name).join("metrics");
        fs::create_dir_all(&metrics).unwrap();
        fs::write(metrics.join("gauge_sum_1.db"), encoded(&[(key, 1.0)])).unwrap();
    }
    parent
}

#[test]
fn a_directory_above_those_with_files_is_refused_without_recursion() {
    let parent = parent();
    let below = parent.path().join("one/metrics");
    for command in COMMANDS.iter().chain(&[&["check"][..], &["check", "--watch", "100ms"]]) {
        let ran = read(command, parent.path());
        let said = format!(
            "promproc: error: {}: no metric files here, but in directories below it, e.g. {}\nhint: give -r",
            parent.path().display(),
            below.display()
        );
        ran.fails_with(&[&said]);
        let ran = read(&[command, &["-r"][..]].concat(), parent.path());
        assert!(ran.status != Some(2) && !ran.stdout.is_empty(), "{command:?}: {ran:?}");
    }
    let target = parent.path().join("textfile.prom");
    fs::write(&target, "kept\n").unwrap();
    read(&["merge", "-o", target.to_str().unwrap()], parent.path()).fails_with(&["hint: give -r"]);
    assert_eq!(fs::read_to_string(&target).unwrap(), "kept\n");
    // Beside one that is right, too.
    run(promproc().arg("merge").args([&below, parent.path()])).fails_with(&["hint: give -r"]);
}

#[test]
fn an_empty_directory_is_silent() {
    let directory = TempDir::new().unwrap();
    fs::create_dir_all(directory.path().join("empty/too")).unwrap();
    // explain was asked why, and says so.
    for command in COMMANDS.iter().filter(|command| command[0] != "explain") {
        let ran = read(&[command, &["--pid", "7", "--name", "x"][..]].concat(), directory.path());
        assert_eq!((ran.status, ran.stderr.as_str()), (Some(0), ""), "{command:?}");
        // A batch says when it looked.
        assert!(ran.stdout.is_empty() || command.contains(&"--batch"), "{command:?}: {ran:?}");
    }
}

#[test]
fn maintaining_commands_find_nothing_in_silence() {
    let directory = TempDir::new().unwrap();
    write(&directory, "counter_12.db", &encoded(&[(GET, 3.0)]));
    for command in [
        &["prune"][..],
        &["prune", "--pid", "abc"],
        &["prune", "--mode", "all"],
        &["clean", "--keep-live", "--dry-run"],
    ] {
        let ran = read(command, directory.path());
        assert_eq!((ran.status, ran.stderr.as_str()), (Some(0), ""), "{command:?}");
    }
}
