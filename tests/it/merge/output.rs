//! Where the output goes: standard output that is closed or full, descriptors that a path names.

use std::fs::{self, File};
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::Stdio;

use tempfile::TempDir;

use super::merge;
use crate::support::{large_directory, limited, names_in, promproc, run, small_directory};

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
fn a_path_that_names_a_descriptor_is_written_to_as_that() {
    let (directory, target) = (small_directory(), TempDir::new().unwrap());
    let file = target.path().join("log");
    let merged = merge(&[], directory.path()).stdout;
    let inode = |path: &Path| std::os::unix::fs::MetadataExt::ino(&fs::metadata(path).unwrap());
    for (path, redirection) in [
        ("-", ">>"),
        ("/dev/stdout", ">>"),
        ("/dev/fd/1", ">>"),
        ("/proc/self/fd/1", ">>"),
        ("/dev/stderr", "2>>"),
        ("/dev/fd/2", "2>>"),
        ("/dev/fd/7", "7>>"),
        ("/proc/self/fd/7", "7>>"),
    ] {
        fs::write(&file, "before\n").unwrap();
        let before = inode(&file);
        let mut command = limited(&format!("exec {redirection}{}", file.display()));
        run(command.args(["merge", "-o", path]).arg(directory.path())).prints("");
        assert_eq!(fs::read_to_string(&file).unwrap(), format!("before\n{merged}"), "{path}");
        assert_eq!((inode(&file), names_in(target.path())), (before, vec!["log".to_owned()]), "{path}");
    }
    // Where the descriptor stands, not at the beginning of what it has open.
    for (path, redirection) in [("/dev/stdout", "1"), ("/dev/fd/7", "7")] {
        let mut command =
            limited(&format!("exec {redirection}>{}; echo before >&{redirection}", file.display()));
        run(command.args(["merge", "-o", path]).arg(directory.path())).prints("");
        assert_eq!(fs::read_to_string(&file).unwrap(), format!("before\n{merged}"), "{path}");
    }
    merge(&["-o", "/dev/stdout"], directory.path()).prints(&merged);
}

#[test]
fn a_descriptor_that_cannot_be_written_to_is_named() {
    let directory = small_directory();
    for (path, preparation, reason) in [
        ("/dev/fd/9", "exec 9>&-", "Bad file descriptor (os error 9)"),
        ("/dev/fd/9", "exec 9</dev/null", "Bad file descriptor (os error 9)"),
        ("/dev/fd/9", "exec 9>/dev/full", "No space left on device (os error 28)"),
    ] {
        let ran = run(limited(preparation).args(["merge", "-o", path]).arg(directory.path()));
        let error = format!("promproc: error: {path}: cannot be written: {reason}\n");
        assert_eq!((ran.status, ran.stdout.as_str(), ran.stderr), (Some(2), "", error), "{preparation}");
    }
    // It opens files itself, under the lowest numbers that are free; none of these is meant.
    for number in 3..40 {
        let closed = format!("exec {number}>&-");
        let preparation = if number < 10 { closed.as_str() } else { ":" };
        let path = format!("/dev/fd/{number}");
        run(limited(preparation).args(["merge", "-o", &path]).arg(directory.path()))
            .fails_with(&["Bad file descriptor"]);
    }
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
        assert!(ran.stderr.starts_with("promproc: error: standard output: No space left"), "{ran:?}");
        assert_eq!(ran.status, Some(2), "{format}");
    }
    for asked_for in [&["--help"][..], &["--version"], &["merge", "-h"]] {
        let full = File::options().write(true).open("/dev/full").unwrap();
        let ran = run(promproc().args(asked_for).stdout(full));
        assert!(ran.stderr.starts_with("promproc: error: standard output: No space left"), "{ran:?}");
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
