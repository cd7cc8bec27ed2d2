//! Which files have to go before a service starts.

use std::collections::HashSet;
use std::fs::{self, DirBuilder, Permissions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::{Path, PathBuf};

use super::TEMPORARY_PREFIX;
use crate::directory::DirectoryError;
use crate::format::DbName;
use crate::liveness::{Examined, examine};

/// What is in a directory.
#[derive(Debug)]
pub struct Contents {
    /// Metric files, links to such, and promproc's own leftovers, in byte order of their names.
    pub files: Vec<Examined>,
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
pub fn contents(directory: &Path) -> Result<Contents, DirectoryError> {
    let io_error = |error: io::Error| match error.kind() {
        io::ErrorKind::NotFound => DirectoryError::Missing(directory.to_owned()),
        _ => DirectoryError::Io { path: directory.to_owned(), error },
    };
    let (mut links, mut paths) = (Vec::new(), Vec::new());
    let (mut targets, mut others) = (Vec::new(), Vec::new());
    for entry in fs::read_dir(directory).map_err(io_error)? {
        let entry = entry.map_err(io_error)?;
        let path = entry.path();
        let Ok(kind) = entry.file_type() else {
            continue; // vanished
        };
        let name = entry.file_name();
        let is_ours = name
            .to_str()
            .is_some_and(|name| name.starts_with(TEMPORARY_PREFIX) || DbName::parse(name).is_some());
        let is_file = kind.is_file() || kind.is_symlink() && fs::metadata(&path).is_ok_and(|m| m.is_file());
        if is_ours && is_file {
            if kind.is_symlink() {
                targets.extend(fs::canonicalize(&path));
                links.push(path);
            } else {
                paths.push(path);
            }
        } else {
            let what = match kind {
                kind if kind.is_dir() => "a directory",
                kind if kind.is_symlink() && is_ours => "a link to no file",
                kind if !kind.is_file() && is_ours => "not a regular file",
                _ => "not a metric file",
            };
            others.push(Other { path, what });
        }
    }
    if !targets.is_empty() {
        // Those that go themselves are not left.
        let here = fs::canonicalize(directory).map_err(io_error)?;
        let gone: HashSet<_> = paths.iter().filter_map(|path| Some(here.join(path.file_name()?))).collect();
        targets.retain(|target| !gone.contains(target));
        others.extend(targets.into_iter().map(|path| Other { path, what: "the target of a link" }));
    }
    let by_path = |a: &PathBuf, b: &PathBuf| a.as_os_str().cmp(b.as_os_str());
    links.sort_unstable_by(by_path);
    paths.sort_unstable_by(by_path);
    // First: one whose target went before it cannot be looked at any more.
    links.append(&mut paths);
    others.sort_unstable_by(|a, b| a.path.as_os_str().cmp(b.path.as_os_str()));
    Ok(Contents { files: examine(links)?, others })
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
