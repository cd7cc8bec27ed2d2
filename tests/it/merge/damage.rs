//! Where things go wrong: damaged and strange files, files that vanish, keys of every wrong kind,
//! forged sizes.

use std::fs::{self, Permissions};
use std::io::{BufRead, BufReader};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use promproc::format::{Encoder, Layout};
use tempfile::TempDir;

use super::{directory_of, merge};
use crate::support::{
    Directory, GET, POST, Ran, SIZE, can_change_user, damages, encoded, limited, names_in, not_run, of_ruby,
    promproc, promproc_of_a_stranger, python, run, small_directory, write,
};

#[test]
fn damage_costs_no_healthy_entry() {
    for (name, bytes, values, warning) in damages() {
        let directory = directory_of(&[("summary_9.db", &[(SIZE, 9.0)])]);
        fs::write(directory.path().join(name), &bytes).unwrap();
        let ran = merge(&[], directory.path());
        let shown = directory.path().join(name).display().to_string();
        assert!(ran.stdout.contains("\nqueue_size{queue=\"漢字\"} 9.0\n"), "{warning}: {ran:?}");
        for value in values.split_whitespace() {
            assert!(ran.stdout.contains(&format!("}} {value}\n")), "{warning}: {ran:?}");
        }
        if warning.is_empty() {
            assert_eq!((ran.stderr.as_str(), ran.status), ("", Some(0)), "{bytes:?}");
        } else {
            assert!(ran.stderr.starts_with(&format!("promproc: warning: {shown}: ")), "{ran:?}");
            assert!(ran.stderr.contains(warning), "{warning}: {ran:?}");
            assert_eq!((ran.stderr.lines().count(), ran.status), (1, Some(1)), "{ran:?}");
        }

        let strict = merge(&["--strict"], directory.path());
        if warning.is_empty() {
            assert_eq!((strict.stdout, strict.status), (ran.stdout, Some(0)));
        } else {
            assert_eq!((strict.stdout.as_str(), strict.status), ("", Some(2)), "{warning}");
            assert!(strict.stderr.starts_with(&format!("promproc: error: {shown}: ")), "{}", strict.stderr);
        }
    }
}

#[test]
fn every_command_that_reads_leaves_out_the_ruby_clients_files() {
    let directory = TempDir::new().unwrap();
    // Era A, which has the same lists, and every comma that could be mistaken.
    let mut python = Encoder::new(Layout::Value);
    let key = r#"["took,\",\"took\",[", "took_sum", ["path"], ["/a,b\",\"c\",[\""]]"#;
    assert!(python.push(key.as_bytes(), 3.0, 0.0));
    write(&directory, "histogram_1.db", &python.into_bytes());
    write(&directory, "histogram_puma_2-0.db", &of_ruby());
    let shown = |arguments: &[&str]| run(promproc().args(arguments).arg(directory.path()));
    for arguments in [
        &["merge"][..],
        &["dump"],
        &["dump", "--files"],
        &["dump", "--name", "took*"],
        &["explain", "took_sum"],
        &["top", "--once"],
    ] {
        let ran = shown(arguments);
        let warning = "histogram_puma_2-0.db: byte 8: written by the Ruby client (prometheus-client-mmap)";
        assert!(ran.stderr.contains(warning), "{arguments:?}: {ran:?}");
        assert_eq!((ran.stderr.lines().count(), ran.status), (1, Some(1)), "{arguments:?}: {ran:?}");
        assert!(!ran.stdout.contains("puma") && !ran.stdout.contains("0.75"), "{arguments:?}: {ran:?}");
    }
    let check = shown(&["check", "--format", "json"]).stdout;
    assert!(check.contains(r#"{"code":"foreign-file","severity":"error""#), "{check}");
    assert!(
        check.contains("written by the Ruby client") && check.contains("a directory of its own"),
        "{check}"
    );
}

/// What a directory with one counter file of these entries merges to, beside the healthy file.
fn merged_with(name: &str, entries: &[(&str, f64)]) -> String {
    let directory = TempDir::new().unwrap();
    write(&directory, name, &encoded(entries));
    write(&directory, "summary_9.db", &encoded(&[(SIZE, 9.0)]));
    let ran = merge(&[], directory.path());
    assert_eq!((ran.stderr.as_str(), ran.status), ("", Some(0)));
    ran.stdout
}

#[test]
fn a_key_of_any_wrong_kind_costs_its_entry_alone() {
    let no_list = "the key is not a JSON list of family, sample, labels (and help): ";
    for (key, error) in [
        (&b"[\"m\", \"m_\xff\", {}, \"h\"]"[..], "the key is not UTF-8 from its byte 9 on"),
        (b"not JSON, only a text", no_list),
        (b"[\"m\", \"m\", {}, \"h\"", no_list),
        (b"{\"m\": 1}", no_list),
        (b"[\"m\", \"m\"]", no_list),
        (b"[\"m\", \"m\", {\"l\": 1}, \"h\"]", no_list),
        (b"[\"m\", \"m\", {}, \"h\", \"more\"]", no_list),
        (b"[\"m\", \"m\", [\"l\"]]", no_list),
        (b"[\"\", \"m\", {}, \"h\"]", "the family's name is empty"),
    ] {
        let mut encoder = Encoder::new(Layout::ValueAndTime);
        for (key, value) in [(GET.as_bytes(), 1.0), (POST.as_bytes(), 2.0), (key, 3.0), (GET.as_bytes(), 4.0)]
        {
            assert!(encoder.push(key, value, 0.0));
        }
        let directory = TempDir::new().unwrap();
        write(&directory, "counter_1.db", &encoder.into_bytes());
        write(&directory, "summary_9.db", &encoded(&[(SIZE, 9.0)]));
        let ran = merge(&[], directory.path());
        assert_eq!(ran.stdout, merged_with("counter_1.db", &[(GET, 5.0), (POST, 2.0)]), "{error}");
        let path = directory.path().join("counter_1.db");
        let at = encoded(&[(GET, 0.0), (POST, 0.0)]).len();
        let warning = format!("promproc: warning: {}: byte {at}: entry left out: {error}", path.display());
        assert!(ran.stderr.starts_with(&warning), "{ran:?}\n{warning}");
        assert_eq!((ran.stderr.lines().count(), ran.status), (1, Some(1)));
        let strict = merge(&["--strict"], directory.path());
        assert_eq!((strict.stdout.as_str(), strict.status), ("", Some(2)));
        assert_eq!(strict.stderr, ran.stderr.replacen("warning", "error", 1));
    }
}

#[test]
fn a_damaged_file_does_not_make_merge_run_out_of_memory() {
    let whole = encoded(&[(GET, 1.0), (POST, 2.0)]);
    let second = encoded(&[(GET, 0.0)]).len();
    let forged = |at: usize, number: i32| {
        let mut bytes = whole.clone();
        bytes[at..at + 4].copy_from_slice(&number.to_ne_bytes());
        bytes
    };
    let first = &[(GET, 1.0)][..];
    for (bytes, left) in [
        (forged(0, 5), &[][..]),
        (forged(0, i32::MIN), &[]),
        (forged(0, i32::MAX), &[(GET, 1.0), (POST, 2.0)]),
        (forged(second, i32::MAX), first),
        (forged(second, 0), first),
        (forged(second, i32::MIN), first),
        ([forged(0, i32::MAX), forged(second, i32::MAX)].map(|b| b[..second].to_vec()).concat(), first),
    ] {
        let directory = TempDir::new().unwrap();
        fs::write(directory.path().join("counter_1.db"), &bytes).unwrap();
        write(&directory, "summary_9.db", &encoded(&[(SIZE, 9.0)]));
        // A buffer for a forged size would not fit in this address space.
        let ran = run(limited("ulimit -v 1000000").args(["merge", "--threads", "2"]).arg(directory.path()));
        assert_eq!(ran.stdout, merged_with("counter_1.db", left), "{ran:?}");
        let warning =
            format!("promproc: warning: {}: byte ", directory.path().join("counter_1.db").display());
        assert!(ran.stderr.starts_with(&warning) && ran.stderr.lines().count() == 1, "{ran:?}");
        assert_eq!(ran.status, Some(1));
        let strict = merge(&["--strict"], directory.path());
        assert_eq!((strict.stdout.as_str(), strict.status), ("", Some(2)), "{strict:?}");
    }
}

#[test]
fn two_eras_in_a_directory_are_merged_without_a_word() {
    let directory = TempDir::new().unwrap();
    for (name, layout, key) in [
        ("counter_1.db", Layout::Value, r#"["hits_total", "hits_total", ["a"], ["1"]]"#),
        ("counter_2.db", Layout::Value, r#"["hits", "hits_total", {"a": "1"}]"#),
        ("counter_3.db", Layout::Value, r#"["hits", "hits_total", {"a": "1"}, "Hits"]"#),
        ("counter_4.db", Layout::ValueAndTime, r#"["hits", "hits_total", {"a": "1"}, "Hits"]"#),
    ] {
        let mut encoder = Encoder::new(layout);
        assert!(encoder.push(key.as_bytes(), 1.0, 0.0));
        write(&directory, name, &encoder.into_bytes());
    }
    let ran = merge(&["--strict"], directory.path());
    assert!(ran.stdout.ends_with("hits_total{a=\"1\"} 4.0\n"), "{ran:?}");
    assert_eq!((ran.stderr.as_str(), ran.status), ("", Some(0)));
}

#[test]
fn directories_fifos_sockets_and_links_to_nothing_are_named_and_left_out() {
    let directory = small_directory();
    let path = |name: &str| directory.path().join(name);
    fs::create_dir(path("counter_90.db")).unwrap();
    // Whoever opens a FIFO without a writer waits for ever.
    assert!(Command::new("mkfifo").arg(path("counter_91.db")).status().unwrap().success());
    let _socket = UnixListener::bind(path("counter_92.db")).unwrap();
    symlink("nothing", path("counter_93.db")).unwrap();
    symlink("counter_94.db", path("counter_94.db")).unwrap();
    let ran = merge(&[], directory.path());
    for name in ["counter_90.db", "counter_91.db", "counter_92.db"] {
        assert!(ran.stderr.contains(&format!("{name}: left out: not a regular file\n")), "{ran:?}");
    }
    for name in ["counter_93.db", "counter_94.db"] {
        assert!(
            ran.stderr.contains(&format!("{name}: left out: a link; links are not followed\n")),
            "{ran:?}"
        );
    }
    assert_eq!((ran.stderr.lines().count(), ran.status), (5, Some(1)), "{ran:?}");
    assert_eq!(ran.stdout, merge(&[], small_directory().path()).stdout);
}

#[test]
fn a_file_that_may_not_be_read_is_named_and_left_out() {
    if !can_change_user() {
        return;
    }
    let directory = Directory::with(&[]);
    fs::write(directory.file("counter_1.db"), encoded(&[(GET, 1.0)])).unwrap();
    fs::write(directory.file("counter_2.db"), encoded(&[(GET, 2.0)])).unwrap();
    fs::set_permissions(directory.file("counter_2.db"), fs::Permissions::from_mode(0o600)).unwrap();
    let ran = run(promproc_of_a_stranger(&Directory::with(&[])).arg("merge").arg(directory.path()));
    assert!(ran.stdout.ends_with(" 1.0\n"), "{ran:?}");
    assert!(ran.stderr.contains("counter_2.db: left out: Permission denied"), "{ran:?}");
    assert_eq!(ran.status, Some(1));
}

#[test]
fn merge_does_not_hang_at_a_fifo_or_a_socket() {
    let directory = small_directory();
    let path = |name: &str| directory.path().join(name);
    assert!(Command::new("mkfifo").arg(path("counter_1.db")).status().unwrap().success());
    let _socket = UnixListener::bind(path("counter_2.db")).unwrap();
    symlink("counter_1.db", path("counter_3.db")).unwrap();
    for target in [".", "counter_1.db", "counter_2.db", "counter_3.db"] {
        for options in [&[][..], &["--strict"], &["-r"]] {
            let mut command = assert_cmd::Command::from_std(promproc());
            command.arg("merge").args(options).arg(path(target)).timeout(Duration::from_secs(60));
            // Whoever waits for a writer is killed then, and has no status.
            let status = command.output().unwrap().status.code();
            let expected = if target == "." && options != ["--strict"] { 1 } else { 2 };
            assert_eq!(status, Some(expected), "{target} {options:?}");
        }
    }
}

#[test]
fn a_directory_that_may_not_be_listed_is_an_error_with_a_hint() {
    if !can_change_user() {
        return;
    }
    let directory = Directory::with(&["counter_1.db"]);
    fs::set_permissions(directory.path(), Permissions::from_mode(0o700)).unwrap();
    let ran = run(promproc_of_a_stranger(&Directory::with(&[])).arg("merge").arg(directory.path()));
    let error = format!("promproc: error: {}: Permission denied", directory.path().display());
    assert!(ran.stderr.starts_with(&error), "{ran:?}");
    assert!(ran.stderr.contains("\nhint: run promproc as the user that the service runs as\n"), "{ran:?}");
    assert_eq!((ran.stdout.as_str(), ran.status), ("", Some(2)));
}

/// Runs a merge of a directory in which files vanish after it was listed: each of the pairs is a
/// gate, which the merge cannot open before the file beside it is gone. `None` where the file system
/// has no leases (it has said so).
fn merge_while_files_vanish(directory: &Path, gates: &[(&str, &str)]) -> Option<Ran> {
    // Who opens a file under a write lease waits until the lease is given up, and the holder of the
    // lease gets SIGIO.
    const HOLDER: &str = "
import fcntl, os, signal, sys
signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGIO])
gates = [arg.split(':') for arg in sys.argv[1:]]
files = [open(gate, 'r+b') for gate, _ in gates]
try:
    for file in files:
        fcntl.fcntl(file, fcntl.F_SETLEASE, fcntl.F_WRLCK)
except OSError as error:
    print('leases on files:', error, flush=True)
    sys.exit()
print('ready', flush=True)
for file, (_, vanishing) in zip(files, gates):
    if not signal.sigtimedwait([signal.SIGIO], 60):
        sys.exit('nobody came')
    os.unlink(vanishing)
    file.close()
";
    let mut holder = Command::new(python()?.interpreter())
        .args(["-c", HOLDER])
        .args(gates.iter().map(|(gate, vanishing)| format!("{gate}:{vanishing}")))
        .current_dir(directory)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut ready = String::new();
    BufReader::new(holder.stdout.take().unwrap()).read_line(&mut ready).unwrap();
    if ready.starts_with("leases on files: ") {
        holder.wait().unwrap();
        not_run(ready.trim_end());
        return None;
    }
    assert_eq!(ready, "ready\n", "the holder of the leases failed");
    let ran = merge(&[], directory);
    assert!(holder.wait().unwrap().success());
    Some(ran)
}

#[test]
fn a_live_gauge_that_is_pruned_during_a_merge_is_no_error() {
    let directory = TempDir::new().unwrap();
    write(&directory, "counter_1.db", &encoded(&[(GET, 1.0)]));
    write(&directory, "gauge_livesum_2.db", &encoded(&[(SIZE, 2.0)]));
    write(&directory, "summary_9.db", &encoded(&[(SIZE, 9.0)]));
    let Some(ran) = merge_while_files_vanish(directory.path(), &[("counter_1.db", "gauge_livesum_2.db")])
    else {
        return;
    };
    assert_eq!(ran.stdout, merged_with("counter_1.db", &[(GET, 1.0)]));
    assert_eq!((ran.stderr.as_str(), ran.status), ("", Some(0)));
}

#[test]
fn merge_neither_counts_twice_nor_gives_up_at_once_where_counters_vanish_meanwhile() {
    let files =
        ["counter_1.db", "counter_2.db", "counter_3.db", "counter_4.db", "counter_5.db", "counter_6.db"];
    let directory = TempDir::new().unwrap();
    let gates = [
        ("counter_1.db", "counter_2.db"),
        ("counter_3.db", "counter_4.db"),
        ("counter_5.db", "counter_6.db"),
    ];
    for vanish in [1, 2, 3] {
        for name in files {
            write(&directory, name, &encoded(&[(GET, 1.0)]));
        }
        let Some(ran) = merge_while_files_vanish(directory.path(), &gates[..vanish]) else { return };
        assert_eq!(names_in(directory.path()).len(), 6 - vanish);
        if vanish < 3 {
            // What the files that are left hold, each once.
            let total = format!("{{method=\"GET\",path=\"/\"}} {}.0\n", 6 - vanish);
            assert!(ran.stdout.ends_with(&total), "{ran:?}");
            assert_eq!((ran.stderr.as_str(), ran.status), ("", Some(0)));
        } else {
            let path = directory.path().join("counter_6.db");
            let error = "vanished while it was read, as others did in 3 scans of the directory\n";
            assert_eq!(ran.stderr, format!("promproc: error: {}: {error}", path.display()));
            assert_eq!((ran.stdout.as_str(), ran.status), ("", Some(2)));
        }
    }
}
