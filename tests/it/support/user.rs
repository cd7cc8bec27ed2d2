//! promproc as other users run it, and as root with fewer rights.

use std::process::{Command, Stdio};

use super::{Directory, not_run, promproc};

/// Nobody's user and group.
pub(crate) const STRANGER: u32 = 65534;

/// Whether this test can run promproc with fewer rights; where not, it has said so and the test
/// returns, or it has failed (see [`not_run`]).
pub(crate) fn can_change_user() -> bool {
    let mut command = Command::new("setpriv");
    command.args(["--reuid=65534", "--regid=65534", "--clear-groups", "--bounding-set=-lease", "true"]);
    let works = command.stderr(Stdio::null()).status().is_ok_and(|status| status.success());
    if !works {
        not_run("setpriv, and to be root");
    }
    works
}

/// promproc as root that may look into every process but has no leases on other users' files, as
/// in a container with few capabilities.
pub(crate) fn promproc_without_leases() -> Command {
    let mut command = clean_environment("setpriv");
    command.arg("--bounding-set=-lease").arg(promproc().get_program());
    command
}

/// promproc as a user who owns neither the files nor the processes. The binary is copied to where
/// that user can reach it.
pub(crate) fn promproc_of_a_stranger(reachable: &Directory) -> Command {
    let binary = reachable.file("promproc");
    if !binary.exists() {
        // Not `fs::copy`: a child that another test forks meanwhile would have it open for writing.
        assert!(Command::new("cp").arg(promproc().get_program()).arg(&binary).status().unwrap().success());
    }
    let mut command = clean_environment("setpriv");
    command.args(["--reuid=65534", "--regid=65534", "--clear-groups"]).arg(binary);
    command
}

/// That user's promproc where the system lets it start no thread, as where a container has as many
/// as it may.
pub(crate) fn promproc_without_threads(reachable: &Directory) -> Command {
    let stranger = promproc_of_a_stranger(reachable);
    let arguments: Vec<_> = stranger.get_args().collect();
    let (binary, options) = arguments.split_last().unwrap();
    let mut command = clean_environment("setpriv");
    command.args(options).args(["prlimit", "--nproc=1"]).arg(binary);
    command
}

fn clean_environment(program: &str) -> Command {
    let mut command = Command::new(program);
    command.env_remove("PROMETHEUS_MULTIPROC_DIR").env_remove("prometheus_multiproc_dir");
    command
}
