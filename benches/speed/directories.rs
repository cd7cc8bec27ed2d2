//! The directories to measure, made once by the official client (`directories.py`), and the
//! virtual environment that it lives in. All is cached below `target/bench`.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, ensure};

const HERE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/benches/speed");

/// The official client's release.
pub(crate) const CLIENT: &str = "prometheus_client 0.26.0";

/// Where everything is cached.
pub(crate) struct Cache {
    root: PathBuf,
}

impl Cache {
    /// The cache, with the client in it.
    pub(crate) fn open() -> anyhow::Result<Self> {
        // CARGO_TARGET_TMPDIR is target/tmp.
        let target = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().context("no target directory")?;
        let cache = Self { root: target.join("bench") };
        fs::create_dir_all(&cache.root)?;
        let python = cache.python();
        if !succeeds(Command::new(&python).args(["-c", "import prometheus_client"])).unwrap_or(false) {
            let venv = cache.root.join("venv");
            let requirements = format!("{HERE}/requirements.txt");
            ensure!(
                succeeds(Command::new("python3").args(["-m", "venv"]).arg(&venv))?
                    && succeeds(Command::new(&python).args(["-m", "pip", "install", "-qr", &requirements]))?,
                "python3 cannot make a virtual environment with {CLIENT} in {}",
                venv.display()
            );
        }
        Ok(cache)
    }

    fn python(&self) -> PathBuf {
        self.root.join("venv/bin/python")
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
            let mut command = Command::new(self.python());
            ensure!(succeeds(command.arg(script).arg(&self.root).arg(name))?, "{name} cannot be made");
        }
        Ok(directory)
    }

    /// The official client's merge of a directory.
    pub(crate) fn official(&self, directory: &Path) -> Command {
        let mut command = Command::new(self.python());
        command.arg(format!("{HERE}/official.py")).arg(directory);
        command
    }
}

fn succeeds(command: &mut Command) -> anyhow::Result<bool> {
    let status = command.status().with_context(|| format!("{:?}", command.get_program()))?;
    Ok(status.success())
}
