//! Which files of dead processes can go: what `mark_process_dead` does for one process, for all.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::directory::{self, DbFile, DirectoryError};
use crate::liveness::{Evidence, Examined, Liveness, examine};
use crate::model::GaugeMode;

/// The gauges of a directory that may be pruned.
#[derive(Debug)]
pub struct Gauges {
    /// Files of dead processes, in byte order of their names.
    pub dead: Vec<Examined>,
    /// Files of live processes.
    pub live: Vec<Examined>,
    /// Files of which it cannot be told.
    pub unknown: Vec<Examined>,
    /// Whether the dead may be only out of sight: no lease says that they are dead, and no metric
    /// file of the whole directory has a live writer. So it looks from another container.
    pub may_be_out_of_sight: bool,
}

/// Examines the gauges of these modes in a directory.
///
/// # Errors
/// [`DirectoryError`] if the directory or a file in it cannot be looked at.
pub fn gauges(directory: &Path, modes: &[GaugeMode]) -> Result<Gauges, DirectoryError> {
    let is_candidate = |file: &DbFile| file.name.mode.is_some_and(|mode| modes.contains(&mode));
    let (candidates, others): (Vec<_>, Vec<_>) =
        directory::scan(directory)?.files.into_iter().partition(is_candidate);
    let (dead, rest): (Vec<_>, Vec<_>) = examine(candidates.into_iter().map(|file| file.path()))?
        .into_iter()
        .partition(|file| file.liveness() == Liveness::Dead);
    let (live, unknown): (Vec<_>, Vec<_>) =
        rest.into_iter().partition(|file| file.liveness() == Liveness::Live);
    let is_proven = !live.is_empty() || dead.iter().all(|file| file.evidence == Evidence::LeaseGranted);
    let may_be_out_of_sight = !is_proven && {
        let others = examine(others.into_iter().map(|file| file.path()))?;
        !others.iter().any(|file| file.liveness() == Liveness::Live)
    };
    Ok(Gauges { dead, live, unknown, may_be_out_of_sight })
}

/// The existing files that `mark_process_dead(pid)` of the client removes, if `modes` are the live
/// ones. The client's glob takes `*`, `?` and `[` in a pid for wildcards; here they are characters.
///
/// # Errors
/// [`DirectoryError`] if there is no such directory.
pub fn gauges_of(directory: &Path, pid: &str, modes: &[GaugeMode]) -> Result<Vec<PathBuf>, DirectoryError> {
    match fs::metadata(directory) {
        Ok(metadata) if metadata.is_dir() => {}
        Ok(_) => return Err(io_error(directory, io::ErrorKind::NotADirectory.into())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return Err(DirectoryError::Missing(directory.to_owned()));
        }
        Err(error) => return Err(io_error(directory, error)),
    }
    let paths = modes.iter().map(|mode| directory.join(format!("gauge_{mode}_{pid}.db")));
    Ok(paths.filter(|path| fs::symlink_metadata(path).is_ok()).collect())
}

fn io_error(path: &Path, error: io::Error) -> DirectoryError {
    DirectoryError::Io { path: path.to_owned(), error }
}
