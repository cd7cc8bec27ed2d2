//! Where the output goes: standard output that is closed or full, a file that is replaced.

use std::fs::{self, File, Permissions};
use std::io::{BufRead, BufReader, Write};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::process::{Command, Stdio};

use tempfile::TempDir;

use super::merge;
use crate::support::{large_directory, limited, names_in, promproc, run, small_directory};

#[test]
fn the_output_file_is_never_half_written_and_others_can_read_it() {
    let (directory, target) = (small_directory(), TempDir::new().unwrap());
    let file = target.path().join("metrics.prom");
    let merged = merge(&[], directory.path()).stdout;
    let write_to = |file: &Path| {
        let script = format!(
            "umask 077; exec {} merge -o {} {}",
            env!("CARGO_BIN_EXE_promproc"),
            file.display(),
            directory.path().display()
        );
        run(Command::new("sh").args(["-c", &script]))
    };
    fs::write(&file, "old").unwrap();
    let open_before = File::open(&file).unwrap();
    assert_eq!(write_to(&file).status, Some(0));
    assert_eq!(fs::read_to_string(&file).unwrap(), merged);
    assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o644);
    assert_eq!(std::io::read_to_string(open_before).unwrap(), "old", "a reader keeps what it opened");

    // A link stays one, and its target is replaced.
    symlink("metrics.prom", target.path().join("link")).unwrap();
    fs::write(&file, "old").unwrap();
    assert_eq!(write_to(&target.path().join("link")).status, Some(0));
    assert_eq!(fs::read_to_string(&file).unwrap(), merged);
    assert!(target.path().join("link").is_symlink());

    // What is no file is written to, and stays what it is.
    assert_eq!(write_to(Path::new("/dev/null")).status, Some(0));
    assert!(!fs::metadata("/dev/null").unwrap().is_file());

    // A failed run leaves the old file, and nothing else.
    fs::write(&file, "old").unwrap();
    fs::write(directory.path().join("counter_3.db"), "no metric file, but a text").unwrap();
    let failed = run(promproc().args(["merge", "--strict", "-o"]).arg(&file).arg(directory.path()));
    assert_eq!(failed.status, Some(2));
    assert_eq!(fs::read_to_string(&file).unwrap(), "old");
    let missing = write_to(&target.path().join("no/metrics.prom"));
    assert!(missing.stderr.contains("no/metrics.prom: cannot be written: "), "{missing:?}");
    assert_eq!(missing.status, Some(2));
    assert_eq!(fs::read_dir(target.path()).unwrap().count(), 2, "the file and the link");
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

#[test]
fn a_dash_is_standard_output_and_a_missing_directory_is_named() {
    let directory = TempDir::new().unwrap();
    let golden = Path::new("tests/data/gunicorn");
    let expected = run(promproc().arg("merge").arg(golden)).stdout;
    let golden = fs::canonicalize(golden).unwrap();
    let ran = run(promproc().current_dir(directory.path()).args(["merge", "-o", "-"]).arg(&golden));
    assert_eq!(
        (ran.status, ran.stdout, fs::read_dir(directory.path()).unwrap().count()),
        (Some(0), expected, 0)
    );
    let ran = run(promproc().args(["merge", "-o", "/nonexistent/out.prom"]).arg(&golden));
    let error =
        "promproc: error: /nonexistent/out.prom: cannot be written: No such file or directory (os error 2)\n";
    assert_eq!((ran.status, ran.stderr.as_str()), (Some(2), error));
}

#[test]
fn a_closed_pipe_is_silent_and_a_full_disk_is_not() {
    let directory = large_directory();
    for format in ["text", "openmetrics", "json", "table"] {
        let mut child = promproc()
            .args(["merge", "--format", format])
            .arg(directory.path())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        drop(child.stdout.take());
        let output = child.wait_with_output().unwrap();
        assert_eq!((output.stderr.as_slice(), output.status.code()), (&b""[..], Some(0)), "{format}");

        let full = File::options().write(true).open("/dev/full").unwrap();
        let ran = run(promproc().args(["merge", "--format", format]).arg(directory.path()).stdout(full));
        assert!(ran.stderr.contains("promproc: error: ") && ran.stderr.contains("No space left"), "{ran:?}");
        assert_eq!(ran.status, Some(2), "{format}");
    }
    for asked_for in [&["--help"][..], &["--version"], &["merge", "-h"]] {
        let full = File::options().write(true).open("/dev/full").unwrap();
        let ran = run(promproc().args(asked_for).stdout(full));
        assert!(ran.stderr.starts_with("promproc: error: No space left"), "{ran:?}");
        assert_eq!(ran.status, Some(2), "{asked_for:?}");
    }
}

#[test]
fn merge_into_head_ends_without_an_error() {
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
