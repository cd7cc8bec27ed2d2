//! The directories to measure, made once by the official client (`directories.py`) and cached in
//! `target/bench`; remove that to have them made anew.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, ensure};

use crate::python::{self, Python};

const HERE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/benches/speed");

/// The official client.
pub(crate) const CLIENT: &str = "prometheus_client";
pub(crate) use python::CURRENT as CLIENT_VERSION;

/// Where everything is cached, and the client in the virtual environment that the tests have too.
pub(crate) struct Cache {
    root: PathBuf,
    python: &'static Python,
}

impl Cache {
    /// The cache; the client is installed if it is not there yet.
    pub(crate) fn open() -> anyhow::Result<Self> {
        // CARGO_TARGET_TMPDIR is target/tmp.
        let target = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().context("no target directory")?;
        let python = python::python().context("nothing to measure without the official client")?;
        let cache = Self { root: target.join("bench"), python };
        fs::create_dir_all(&cache.root)?;
        Ok(cache)
    }

    /// Where the outputs of the processes go that are compared.
    pub(crate) fn outputs(&self) -> PathBuf {
        self.root.join("outputs")
    }

    /// The directory of that name, made if it is not there.
    pub(crate) fn directory(&self, name: &str) -> anyhow::Result<PathBuf> {
        let directory = self.root.join(name);
        if !directory.is_dir() {
            eprintln!("making {} with {CLIENT} …", directory.display());
            let script = format!("{HERE}/directories.py");
            let mut command = Command::new(self.python.interpreter());
            ensure!(succeeds(command.arg(script).arg(&self.root).arg(name))?, "{name} cannot be made");
        }
        Ok(directory)
    }

    /// The official client's merge of a directory.
    pub(crate) fn official(&self, directory: &Path) -> Command {
        let mut command = Command::new(self.python.interpreter());
        command.arg(format!("{HERE}/official.py")).arg(directory);
        command
    }
}

fn succeeds(command: &mut Command) -> anyhow::Result<bool> {
    let status = command.status().with_context(|| format!("{:?}", command.get_program()))?;
    Ok(status.success())
}
