//! Which files have to go before a service starts.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::open::{Intent, list, open};
use super::prune::present;
use crate::directory::{Contents, Directory, DirectoryError, OtherKind, Place};
use crate::liveness::Examined;

/// What is in a directory.
#[derive(Debug)]
pub struct Found {
    /// Metric files, and promproc's own leftovers, in byte order of their names.
    pub files: Vec<Examined<Place>>,
    /// What is none of ours, in byte order of its names.
    pub others: Vec<Other>,
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
    examined(&directory, contents)
}

/// Examines everything that stands in an open directory itself.
///
/// # Errors
/// [`DirectoryError`] if the directory or a file in it cannot be looked at.
pub fn contents_of(directory: &Arc<Directory>) -> Result<Found, DirectoryError> {
    examined(directory, list(directory)?)
}

fn examined(directory: &Directory, contents: Contents) -> Result<Found, DirectoryError> {
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
    let files = leftovers.into_iter().chain(files.into_iter().map(Place::from));
    Ok(Found { files: present(files.collect())?, others: others.into_iter().map(other).collect() })
}
