//! Which files have to go before a service starts.

use std::collections::HashSet;
use std::fs::{self, DirBuilder, Permissions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::{Path, PathBuf};

use super::open::open;
use super::prune::present;
use crate::directory::{self, DirectoryError, InDirectory, OtherKind, Place};
use crate::liveness::Examined;

/// What is in a directory.
#[derive(Debug)]
pub struct Contents {
    /// Metric files, links to such, and promproc's own leftovers: links first, then in byte order of
    /// their names.
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

/// Examines everything that stands in a directory itself. Of a link with a metric file's name, the
/// link is a metric file, for readers would follow it, and its target is something else.
///
/// # Errors
/// [`DirectoryError`] if the directory or a file in it cannot be looked at.
pub fn contents(path: &Path) -> Result<Contents, DirectoryError> {
    let of_system = |error| DirectoryError::of_system(path, error);
    let (directory, found) = open(path)?;
    let directory::Contents { files, leftovers, mut links, others } = found;
    let mut others: Vec<_> = others
        .into_iter()
        .map(|other| Other {
            path: directory.path_of(&other.name),
            what: match other.kind {
                OtherKind::Directory => "a directory",
                OtherKind::Link => "a link to no file",
                OtherKind::Special => "not a regular file",
                OtherKind::Foreign => "not a metric file",
            },
        })
        .collect();
    // What promproc left begins with a dot, and so before all metric files.
    let files: Vec<_> = leftovers.into_iter().chain(files.into_iter().map(Place::from)).collect();
    if !links.is_empty() {
        // Those that go themselves are not left.
        let here = fs::canonicalize(path).map_err(of_system)?;
        let gone: HashSet<_> = files.iter().map(|file| here.join(file.file_name())).collect();
        let mut targets: Vec<_> =
            links.iter().filter_map(|link| fs::canonicalize(link.path()).ok()).collect();
        targets.retain(|target| !gone.contains(target));
        others.extend(targets.into_iter().map(|path| Other { path, what: "the target of a link" }));
        others.sort_unstable_by(|a, b| a.path.as_os_str().cmp(b.path.as_os_str()));
    }
    // First: one whose target went before it cannot be looked at any more.
    links.extend(files);
    Ok(Contents { files: present(links)?, others })
}

/// Creates a directory, and those above it, if it is missing; `true` if it was. Its permissions
/// are `mode`, whatever the umask; those of an existing one stay.
///
/// # Errors
/// Those of the system.
pub fn create_directory(path: &Path, mode: u32) -> io::Result<bool> {
    let mut builder = DirBuilder::new();
    builder.mode(mode);
    let created = match builder.create(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            if let Some(parent) = path.parent() {
                fs::create_dir_all(parent)?;
            }
            builder.create(path)
        }
        other => other,
    };
    match created {
        // The umask has only taken bits away, so nobody had more rights before this.
        Ok(()) => fs::set_permissions(path, Permissions::from_mode(mode)).map(|()| true),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(false),
        Err(error) => Err(error),
    }
}
