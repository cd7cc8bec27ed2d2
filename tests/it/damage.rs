//! `promproc merge` where things go wrong that `merge` and `dump::damage` have no row for: files that
//! vanish, keys of every wrong kind, forged sizes, and an output that cannot be finished.

use std::fs::{self, File, Permissions};
use std::io::{BufRead, BufReader, Write};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use promproc::format::{Encoder, Layout};
use tempfile::TempDir;

use crate::support::{
    Directory, GET, POST, Ran, SIZE, can_change_user, encoded, large_directory, limited, names_in, not_run,
    promproc, promproc_of_a_stranger, python, run, small_directory, write,
};

fn merge(options: &[&str], path: &Path) -> Ran {
    run(promproc().arg("merge").args(options).arg(path))
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
    let no_list = "the key is no JSON list of family, sample, labels (and help): ";
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
fn forged_sizes_cost_what_stands_behind_them_and_no_memory() {
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
fn what_nobody_writes_to_is_not_waited_for() {
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
fn a_live_gauge_may_vanish_while_it_is_read() {
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
fn where_another_file_vanishes_the_directory_is_scanned_again_three_times() {
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

#[test]
fn the_first_line_is_enough_for_head() {
    let directory = large_directory();
    let mut child = promproc()
        .arg("merge")
        .arg(directory.path())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!((line.as_str(), output.stderr.as_slice()), ("# HELP m_total \n", &b""[..]));
    assert_eq!(output.status.code(), Some(0));
}

#[test]
fn an_output_that_fails_midway_leaves_the_old_file_alone() {
    let (directory, target) = (large_directory(), TempDir::new().unwrap());
    let file = target.path().join("metrics.prom");
    File::create(&file).unwrap().write_all(b"old").unwrap();
    fs::set_permissions(&file, Permissions::from_mode(0o600)).unwrap();
    // No file may pass 512 bytes or 1 KiB, as on a full disk; the signal would kill.
    let mut command = limited("trap '' XFSZ; ulimit -f 1");
    let ran = run(command.args(["merge", "-o"]).arg(&file).arg(directory.path()));
    assert!(
        ran.stderr.starts_with(&format!("promproc: error: {}: cannot be written: ", file.display())),
        "{ran:?}"
    );
    assert_eq!((ran.stdout.as_str(), ran.status), ("", Some(2)));
    assert_eq!(fs::read_to_string(&file).unwrap(), "old");
    assert_eq!(names_in(target.path()), ["metrics.prom"]);

    for umask in ["umask 0", "umask 777"] {
        let ran = run(limited(umask).args(["merge", "-o"]).arg(&file).arg(directory.path()));
        assert_eq!((ran.stderr.as_str(), ran.status), ("", Some(0)));
        assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o7777, 0o644, "{umask}");
    }
    for command in ["prune", "clean"] {
        let file = directory.path().join("counter_1.db");
        let ran = run(promproc().arg(command).arg(&file));
        let error = format!("promproc: error: {}: Not a directory (os error 20)\n", file.display());
        assert_eq!((ran.status, ran.stderr.lines().count()), (Some(2), 2), "{ran:?}");
        ran.says(&[&error, "hint: this command works on a whole directory"]);
    }
    let full = merge(&["-o", "/dev/full"], directory.path());
    assert!(full.stderr.starts_with("promproc: error: /dev/full: cannot be written: "), "{full:?}");
    assert_eq!(full.status, Some(2));
}

#[test]
fn an_output_link_to_a_file_that_is_not_there_yet_stays_a_link() {
    let (directory, target) = (small_directory(), TempDir::new().unwrap());
    let path = |name: &str| target.path().join(name);
    fs::create_dir(path("run")).unwrap();
    symlink("run/metrics.prom", path("link")).unwrap();
    symlink(path("link"), path("link to link")).unwrap();
    symlink("loop", path("loop")).unwrap();
    let merge_to = |name: &str| run(promproc().args(["merge", "-o"]).arg(path(name)).arg(directory.path()));
    assert_eq!(merge_to("link to link").status, Some(0));
    assert!(path("link").is_symlink() && path("link to link").is_symlink());
    assert_eq!(fs::read_to_string(path("run/metrics.prom")).unwrap(), merge(&[], directory.path()).stdout);
    let looping = merge_to("loop");
    assert!(looping.stderr.contains("loop: cannot be written: "), "{looping:?}");
    assert_eq!(looping.status, Some(2));
    assert!(path("loop").is_symlink());
}
