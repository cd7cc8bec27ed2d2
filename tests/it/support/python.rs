//! The virtual environment with the official clients, made once under `target/` and reused.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use rustix::fs::FlockOperation;

use self::not_run::not_run;

// By its path, for the benchmarks too, which take this file out of `support`.
#[path = "not_run.rs"]
pub(crate) mod not_run;

/// The client whose output promproc reproduces: the one in the virtual environment itself.
pub(crate) const CURRENT: &str = "0.26.0";

const REQUIREMENTS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/oracle/requirements.txt");
const SIDE_BY_SIDE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/oracle/side-by-side.txt");

/// A virtual environment with everything in `tests/oracle/requirements.txt`, and beside its
/// packages the older clients of `side-by-side.txt`.
pub(crate) struct Python {
    root: PathBuf,
}

/// The virtual environment; `None` where there is no Python to make it with. Then it has said
/// so on standard error, and the test returns; with `CI=true` it has failed instead.
pub(crate) fn python() -> Option<&'static Python> {
    static PYTHON: OnceLock<Result<Python, String>> = OnceLock::new();
    match PYTHON.get_or_init(Python::make) {
        Ok(python) => Some(python),
        Err(reason) => {
            not_run(&format!("the official Python client: {reason}"));
            None
        }
    }
}

impl Python {
    /// The interpreter of the virtual environment.
    pub(crate) fn interpreter(&self) -> PathBuf {
        self.root.join("bin/python")
    }

    /// Where the packages of that release of the client are; `None` for the environment's own.
    pub(crate) fn packages_of(&self, version: &str) -> Option<PathBuf> {
        (version != CURRENT).then(|| self.root.join("clients").join(version))
    }

    /// Reuses the environment that a finished run left, or makes it anew.
    fn make() -> Result<Self, String> {
        let base = Path::new(env!("CARGO_TARGET_TMPDIR"));
        let text = |error: io::Error| error.to_string();
        fs::create_dir_all(base).map_err(text)?;
        // Tests run in several threads, and with nextest in several processes.
        let lock = File::create(base.join("python.lock")).map_err(text)?;
        rustix::fs::flock(&lock, FlockOperation::LockExclusive).map_err(|error| text(error.into()))?;

        let python = Self { root: base.join("python") };
        let system = std::env::var("PYTHON").unwrap_or_else(|_| "python3".to_owned());
        let version =
            run(Command::new(&system).args(["-c", "import sys; print(sys.executable, sys.version)"]))?;
        let requirements = [REQUIREMENTS, SIDE_BY_SIDE].map(|file| fs::read_to_string(file).unwrap());
        let wanted = format!("{version}{}", requirements.concat());
        // The stamp is written last: an environment without it is half made.
        let stamp = python.root.join("stamp");
        if fs::read_to_string(&stamp).is_ok_and(|made| made == wanted) {
            return Ok(python);
        }

        if python.root.exists() {
            fs::remove_dir_all(&python.root).map_err(text)?;
        }
        run(Command::new(&system).args(["-m", "venv"]).arg(&python.root))?;
        python.pip_install(["-r", REQUIREMENTS])?;
        for requirement in requirements[1].lines().filter(|line| !line.starts_with('#')) {
            let (_, version) = requirement.split_once("==").expect("a pinned version");
            let directory = python.packages_of(version).expect("an older client");
            python.pip_install(["--no-deps", "--target", directory.to_str().unwrap(), requirement])?;
        }
        fs::write(stamp, wanted).map_err(text)?;
        Ok(python)
    }

    fn pip_install<const N: usize>(&self, arguments: [&str; N]) -> Result<String, String> {
        let pip = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-input"];
        run(Command::new(self.interpreter()).args(pip).args(arguments))
    }
}

/// Runs a command to its end: its standard output, or what to say about its failure on one line.
fn run(command: &mut Command) -> Result<String, String> {
    let output = command.output().map_err(|error| format!("{:?}: {error}", command.get_program()))?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    let said = [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
    let said = said.concat().split_whitespace().collect::<Vec<_>>().join(" ");
    Err(format!("`{command:?}` failed ({}): {said}", output.status))
}
