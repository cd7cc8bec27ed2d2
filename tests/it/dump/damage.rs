//! Damaged files through `dump`: entries before a damage are shown, the damage is named.

use std::fs::{self, File};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixListener;
use std::process::Command;

use tempfile::TempDir;

use super::{EntryLine, dump};
use crate::support::{GET, SIZE, damages, encoded, small_directory, write};

#[test]
fn damage_is_named_and_what_stands_before_it_is_shown() {
    for (name, bytes, values, warning) in damages() {
        let directory = TempDir::new().unwrap();
        fs::write(directory.path().join(name), &bytes).unwrap();
        // Another file's entries are shown in any case.
        write(&directory, "summary_9.db", &encoded(&[(SIZE, 9.0)]));
        let run = dump(&["--format", "json"], directory.path());
        let lines: Vec<EntryLine> =
            run.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        let shown: Vec<_> = lines.iter().map(|line| line.value.as_str()).collect();
        assert_eq!(shown.join(" "), format!("{values} 9.0").trim_start(), "{warning}");
        if warning.is_empty() {
            assert_eq!((run.stderr.as_str(), run.status), ("", Some(0)), "{bytes:?}");
        } else {
            let start = format!("promproc: warning: {}: {warning}", directory.path().join(name).display());
            let start = if warning == "not a metric file" {
                start.replace(warning, "byte 8: not a metric file")
            } else {
                start
            };
            assert!(run.stderr.starts_with(&start), "{}\n{start}", run.stderr);
            assert_eq!((run.stderr.lines().count(), run.status), (1, Some(1)), "{}", run.stderr);
        }

        let table = dump(&[], directory.path());
        assert_eq!((&table.stderr, table.status), (&run.stderr, run.status), "{warning}");
        for value in values.split_whitespace().chain(["9.0"]) {
            let value = value.trim_end_matches(".0");
            assert!(table.stdout.contains(&format!("  {value}  ")), "{warning}: {}", table.stdout);
        }
        let quiet = dump(&["-q"], directory.path());
        assert_eq!((quiet.stderr.as_str(), quiet.status), ("", run.status), "{warning}");
        // The summary counts entries; it does not read their keys.
        let files = dump(&["--files"], directory.path());
        if !warning.contains("key") {
            assert_eq!((&files.stderr, files.status), (&run.stderr, run.status), "{warning}");
        }
    }
}

#[test]
fn of_several_bad_keys_the_first_is_named() {
    let directory = TempDir::new().unwrap();
    write(
        &directory,
        "counter_1.db",
        &encoded(&[(GET, 1.0), ("[\"m\"]", 5.0), ("[\"n\"]", 6.0), ("[\"m\"]", 7.0)]),
    );
    let run = dump(&[], directory.path());
    assert!(
        run.stderr.contains("byte 120: entry left out") && run.stderr.contains("(and 2 more entries)"),
        "{run:?}"
    );
    assert_eq!(run.status, Some(1));
    assert!(run.stdout.contains("\n4 entries, "), "{}", run.stdout);
}

#[test]
fn dump_does_not_hang_at_a_fifo_or_a_socket_and_names_it() {
    let directory = small_directory();
    let path = |name: &str| directory.path().join(name);
    fs::create_dir(path("counter_90.db")).unwrap();
    // Whoever opens a FIFO without a writer waits for ever.
    assert!(Command::new("mkfifo").arg(path("counter_91.db")).status().unwrap().success());
    let _socket = UnixListener::bind(path("counter_92.db")).unwrap();
    std::os::unix::fs::symlink("/dev/null", path("counter_93.db")).unwrap();
    let run = dump(&["--files"], directory.path());
    for (name, what) in [
        ("counter_90.db", "not a regular file"),
        ("counter_91.db", "not a regular file"),
        ("counter_92.db", "not a regular file"),
        ("counter_93.db", "a link; links are not followed"),
    ] {
        assert!(run.stderr.contains(&format!("{name}: left out: {what}\n")), "{}", run.stderr);
        assert!(!run.stdout.contains(name), "{}", run.stdout);
    }
    assert_eq!((run.stdout.lines().count(), run.status), (4, Some(1)));
}

#[test]
fn a_file_that_may_not_be_read_is_named_and_left_out() {
    let directory = small_directory();
    let path = directory.path().join("counter_12.db");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o000)).unwrap();
    if File::open(&path).is_ok() {
        // The superuser may read everything: a file that is not there for another reason.
        fs::remove_file(&path).unwrap();
        std::os::unix::fs::symlink("counter_12.db", &path).unwrap();
    }
    let run = dump(&["--format", "json"], directory.path());
    assert!(run.stderr.contains("counter_12.db: left out: "), "{}", run.stderr);
    assert_eq!((run.stdout.lines().count(), run.status), (1, Some(1)));
}
