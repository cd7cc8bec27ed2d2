//! Processes that hold files open: shell scripts, and workers of the real client.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use super::{in_container, python};

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

    /// The same as a user who owns neither the files nor the test's processes.
    pub(crate) fn stranger(script: &str, directory: &Path) -> Self {
        let mut command = Command::new("setpriv");
        command.args(["--reuid=65534", "--regid=65534", "--clear-groups"]);
        Self::run(command.args(["sh", "-c", &script_that_waits(script), "worker"]).arg(directory))
    }

    pub(crate) fn pid(&self) -> u32 {
        self.process.id()
    }

    /// A worker of the real client that has set a gauge of every mode, a counter, a histogram and a
    /// summary; `None` where there is no Python (it has said so).
    pub(crate) fn client(directory: &Path) -> Option<Self> {
        const WORKER: &str = "\
Counter('c', 'c').inc(); Histogram('h', 'h').observe(1); Summary('s', 's').observe(1)
for mode in ('all liveall max livemax min livemin sum livesum mostrecent livemostrecent').split():
    Gauge('g_' + mode, mode, multiprocess_mode=mode).set(1)";
        worker(directory, WORKER)
    }

    /// Ends it as the out-of-memory killer does.
    pub(crate) fn kill(mut self) {
        self.process.kill().unwrap();
    }
}

impl Drop for Holder {
    fn drop(&mut self) {
        // A container's pid 1 is not the child itself; the end of its input ends it.
        drop(self.process.stdin.take());
        self.process.wait().unwrap();
    }
}

/// A live process of the real client that has run this; `None` where there is no Python (it has said
/// so).
pub(crate) fn worker(directory: &Path, script: &str) -> Option<Holder> {
    let script = format!(
        "import sys\nfrom prometheus_client import *\nimport prometheus_client\n{script}\nprint('ready', flush=True)\nsys.stdin.read()"
    );
    let mut command = Command::new(python()?.interpreter());
    command.args(["-B", "-E", "-s", "-c", &script]).env("PROMETHEUS_MULTIPROC_DIR", directory);
    Some(Holder::run(&mut command))
}

/// The pid of one that was killed after it had run this.
pub(crate) fn killed(directory: &Path, script: &str) -> Option<String> {
    let worker = worker(directory, script)?;
    let pid = worker.pid().to_string();
    worker.kill();
    Some(pid)
}

fn script_that_waits(script: &str) -> String {
    format!("{script}\necho ready\nread -r _")
}
