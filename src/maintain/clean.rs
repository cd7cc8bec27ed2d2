//! Which files have to go before a service starts.

use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use super::compact;
use super::open::{Intent, list, open};
use super::prune::present;
use crate::directory::{Contents, Directory, DirectoryError, InDirectory, OtherKind, Place};
use crate::liveness::Examined;

/// What is in a directory.
#[derive(Debug)]
pub struct Found {
    /// Metric files, and promproc's own leftovers, in byte order of their names.
    pub files: Vec<Examined<Place>>,
    /// What is none of ours, in byte order of its names.
    pub others: Vec<Other>,
    /// As long as it lives, no compaction changes the directory.
    pub lock: Option<OwnedFd>,
}

/// Something that stays.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Other {
    /// Where it is.
    pub path: PathBuf,
    /// What it is, e.g. `not a metric file`.
    pub what: &'static str,
}

/// Opens a directory to be changed, and examines everything that stands in it.
///
/// # Errors
/// [`DirectoryError`] if the directory or a file in it cannot be looked at.
pub fn contents(path: &Path, intent: Intent) -> Result<Found, DirectoryError> {
    let (directory, contents) = open(path, intent)?;
    match intent {
        Intent::Change => locked(&directory),
        Intent::DryRun => examined(&directory, contents, None),
    }
}

/// Examines everything that stands in an open directory itself.
///
/// # Errors
/// [`DirectoryError`] if the directory or a file in it cannot be looked at.
pub fn contents_of(directory: &Arc<Directory>) -> Result<Found, DirectoryError> {
    list(directory)?;
    locked(directory)
}

/// Examines a directory while no compaction can change it: what one commits in between would stay, and bring back
/// old counts.
fn locked(directory: &Arc<Directory>) -> Result<Found, DirectoryError> {
    // Where a reader keeps the lock for longer, the start of a service does not wait for it.
    const WAIT: Duration = Duration::from_secs(1);
    let lock = compact::opened_with_lock(directory, WAIT).ok().flatten();
    let contents =
        Contents::of(directory).map_err(|error| DirectoryError::of_system(directory.path(), error))?;
    examined(directory, contents, lock)
}

fn examined(
    directory: &Directory,
    contents: Contents,
    lock: Option<OwnedFd>,
) -> Result<Found, DirectoryError> {
    let Contents { files, leftovers, others } = contents;
    let other = |other: crate::directory::Other| Other {
        path: directory.path_of(&other.name),
        what: match other.kind {
            OtherKind::Directory => "a directory",
            OtherKind::Link => "a link",
            OtherKind::Special => "not a regular file",
            OtherKind::Foreign => "not a metric file",
        },
    };
    // What promproc left begins with a dot, and so before all metric files.
    let files = files.into_iter().map(Place::from).filter(|file| !file.file_name().starts_with('.'));
    let files = present(leftovers.into_iter().chain(files).collect())?;
    Ok(Found { files, others: others.into_iter().map(other).collect(), lock })
}
