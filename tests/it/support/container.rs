//! Containers: pid namespaces.

use std::process::{Command, Stdio};

use super::not_run;

/// Starts a command as pid 1 of a pid namespace of its own, with a /proc that shows it.
pub(crate) fn in_container() -> Command {
    let mut command = Command::new("unshare");
    command.args(["--pid", "--fork", "--mount-proc", "--kill-child"]);
    command
}

/// Whether pid namespaces can be made here; where not, it has said so and the test returns, or it
/// has failed (see [`not_run`]).
pub(crate) fn has_containers() -> bool {
    let works = in_container().arg("true").stderr(Stdio::null()).status().is_ok_and(|s| s.success());
    if !works {
        not_run("pid namespaces, for which it must be root");
    }
    works
}
