//! The promproc binary, and comparing what it printed.

use std::env;
use std::ffi::OsString;
use std::path::Path;
use std::process::{Command, Output};

use super::Merge;

/// The binary under test, without the caller's directory variables.
pub(crate) fn promproc() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_promproc"));
    command.env_remove("PROMETHEUS_MULTIPROC_DIR").env_remove("prometheus_multiproc_dir");
    command
}

/// The binary, run by a shell that first does something to itself.
pub(crate) fn limited(preparation: &str) -> Command {
    let mut command = Command::new("sh");
    let script = format!("{preparation}; exec \"$@\"");
    command.args(["-c", &script, "sh", env!("CARGO_BIN_EXE_promproc")]);
    command
}

/// PATH with the binary under test in front, for what calls promproc itself.
pub(crate) fn path_with_promproc() -> OsString {
    let promproc = Path::new(env!("CARGO_BIN_EXE_promproc"));
    let mut path = OsString::from(promproc.parent().unwrap());
    path.push(":");
    path.push(env::var_os("PATH").unwrap());
    path
}

/// `promproc merge` of a directory.
pub(crate) fn promproc_merge(directory: &Path, how: Merge) -> Output {
    let mut command = promproc();
    command.args(["merge", "--format", how.format, "--escaping", how.escaping]);
    if !how.accumulate {
        command.arg("--no-accumulate");
    }
    command.arg(directory).output().unwrap()
}

/// Fails with the lines around the first difference; `what` says where it was.
#[track_caller]
pub(crate) fn assert_same_text(promproc: &str, client: &str, what: &str) {
    if promproc == client {
        return;
    }
    // Only `\n` ends a line: names and values may hold any other line separator.
    let (ours, theirs): (Vec<_>, Vec<_>) = (promproc.split('\n').collect(), client.split('\n').collect());
    let at = ours.iter().zip(&theirs).take_while(|(a, b)| a == b).count();
    let excerpt = |lines: &[&str]| {
        lines.iter().skip(at).take(8).map(|line| format!("    {line:?}\n")).collect::<String>()
    };
    panic!(
        "{what}: they differ from line {} on (of {} and {})\n  before: {:?}\n  promproc:\n{}  client:\n{}",
        at + 1,
        ours.len(),
        theirs.len(),
        at.checked_sub(1).map(|before| ours[before]),
        excerpt(&ours),
        excerpt(&theirs)
    );
}
