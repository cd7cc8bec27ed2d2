//! Processes that hold files open, and promproc as several users see it.

use std::fs::{self, Permissions};
use std::io::{BufRead, BufReader};
use std::os::unix::fs::{PermissionsExt, chown};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use tempfile::TempDir;

use crate::support::{not_run, promproc, python};

/// Nobody's user and group.
pub(crate) const STRANGER: u32 = 65534;

/// A directory of metric files, removed at the end.
pub(crate) struct Directory(TempDir);

impl Directory {
    /// With empty files of these names.
    pub(crate) fn with(names: &[&str]) -> Self {
        let directory = Self(tempfile::tempdir().unwrap());
        fs::set_permissions(directory.path(), Permissions::from_mode(0o777)).unwrap();
        for name in names {
            fs::write(directory.file(name), [0; 8]).unwrap();
        }
        directory
    }

    pub(crate) fn path(&self) -> &Path {
        self.0.path()
    }

    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.path().join(name)
    }

    /// Names of all that stands in it, in byte order.
    pub(crate) fn names(&self) -> Vec<String> {
        names_in(self.path())
    }

    /// Gives the files to a user, who then can have leases on them.
    pub(crate) fn give_to(&self, user: u32) {
        for name in self.names() {
            chown(self.file(&name), Some(user), Some(user)).unwrap();
        }
    }
}

pub(crate) fn names_in(directory: &Path) -> Vec<String> {
    let entries = fs::read_dir(directory).unwrap();
    let mut names: Vec<_> = entries.map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
    names.sort_unstable();
    names
}

/// A process that does its work until it is dropped, or killed.
pub(crate) struct Holder {
    process: Child,
}

impl Holder {
    /// Runs a command that prints a line when it is ready, and then waits for its input to end.
    pub(crate) fn run(command: &mut Command) -> Self {
        let mut process = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(process.stdout.take().unwrap()).read_line(&mut line).unwrap();
        assert_eq!(line, "ready\n", "{command:?} ended before it was ready");
        Self { process }
    }

    /// Runs a shell script; `$1` is the directory, `$$` the shell's pid. It holds what it opened as
    /// a descriptor: `exec 9<>file`.
    pub(crate) fn shell(script: &str, directory: &Path) -> Self {
        Self::run(Command::new("sh").args(["-c", &script_that_waits(script), "worker"]).arg(directory))
    }

    /// The same as pid 1 of a new pid namespace, as in a container.
    pub(crate) fn container(script: &str, directory: &Path) -> Self {
        let mut command = in_container();
        Self::run(command.args(["sh", "-c", &script_that_waits(script), "worker"]).arg(directory))
    }

    pub(crate) fn pid(&self) -> u32 {
        self.process.id()
    }

    /// A worker of the real client that has set a gauge of every mode, a counter, a histogram and a
    /// summary; `None` where there is no Python (it has said so).
    pub(crate) fn client(directory: &Path) -> Option<Self> {
        const WORKER: &str = "
import sys
from prometheus_client import Counter, Gauge, Histogram, Summary
Counter('c', 'c').inc(); Histogram('h', 'h').observe(1); Summary('s', 's').observe(1)
for mode in ('all liveall max livemax min livemin sum livesum mostrecent livemostrecent').split():
    Gauge('g_' + mode, mode, multiprocess_mode=mode).set(1)
print('ready', flush=True)
sys.stdin.read()
";
        let mut command = Command::new(python()?.interpreter());
        command.args(["-B", "-E", "-s", "-c", WORKER]).env("PROMETHEUS_MULTIPROC_DIR", directory);
        Some(Self::run(&mut command))
    }

    /// Ends it as the out-of-memory killer does.
    pub(crate) fn kill(mut self) {
        self.process.kill().unwrap();
    }
}

fn script_that_waits(script: &str) -> String {
    format!("{script}\necho ready\nread -r _")
}

impl Drop for Holder {
    fn drop(&mut self) {
        // A container's pid 1 is not the child itself; the end of its input ends it.
        drop(self.process.stdin.take());
        self.process.wait().unwrap();
    }
}

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

/// What a run of promproc left: its exit status and both outputs.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) status: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

pub(crate) fn run(command: &mut Command) -> Ran {
    let Output { status, stdout, stderr } = command.stdin(Stdio::null()).output().unwrap();
    Ran {
        status: status.code(),
        stdout: String::from_utf8(stdout).unwrap(),
        stderr: String::from_utf8(stderr).unwrap(),
    }
}

impl Ran {
    /// Exit status 0, this on standard output, and nothing to complain about.
    #[track_caller]
    pub(crate) fn prints(&self, stdout: &str) {
        assert_eq!((self.status, self.stdout.as_str(), self.stderr.as_str()), (Some(0), stdout, ""));
    }

    /// Exit status 2, nothing on standard output, all of these in the error and its hint.
    #[track_caller]
    pub(crate) fn fails_with(&self, parts: &[&str]) {
        assert_eq!((self.status, self.stdout.as_str()), (Some(2), ""), "{self:?}");
        self.says(parts);
    }

    /// All of these on standard error.
    #[track_caller]
    pub(crate) fn says(&self, parts: &[&str]) {
        for part in parts {
            assert!(self.stderr.contains(part), "{part:?} is missing in {self:?}");
        }
    }
}
