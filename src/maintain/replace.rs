//! Replaces a file in one step: readers see the old or the new content, never a part. Others may write to
//! the directory that it stands in: whatever they put under its name, or under any other, no link is
//! followed, and nothing but that name is replaced.

use std::ffi::OsStr;
use std::io::{self, BufWriter, Write};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustix::fs::{self, AtFlags, FileType, Gid, Mode, Stat, Uid};
use rustix::io::Errno;

use super::temporary::{Temporary, remove_left};
use crate::directory::{Directory, DirectoryError};

/// Why a file was not replaced.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReplaceError {
    /// A link, wherever it leads: whoever planted it may mean any file.
    #[error("{}: not replaced: it is a link", path.display())]
    Link {
        /// The path.
        path: PathBuf,
        /// Where the link leads.
        target: PathBuf,
    },
    /// A directory.
    #[error("{}: not replaced: it is a directory", .0.display())]
    Directory(PathBuf),
    /// A FIFO, a socket or a device.
    #[error("{}: not replaced: it is a {kind}", path.display())]
    Special {
        /// The path.
        path: PathBuf,
        /// What it is, e.g. `FIFO`.
        kind: &'static str,
    },
    /// The directory that it stands in cannot be used.
    #[error(transparent)]
    Parent(DirectoryError),
    /// The new content could not be written; the old file stays.
    #[error("{}: cannot be written", path.display())]
    Io {
        /// The path.
        path: PathBuf,
        /// What the system, or the writer, said.
        source: io::Error,
    },
}

/// Calls `write` on a temporary file beside `path`, and renames that over `path` when all is on
/// disk. On any error the old file stays, and nothing else.
///
/// The new file has the permissions of the old one, and its owner where the caller may give files away. If
/// there was none, everybody can read it (0644), whatever the umask: node_exporter's textfile collector
/// runs as another user.
///
/// # Errors
/// [`ReplaceError`]; also for anything at `path` that is no regular file, links included.
pub fn replace_file(
    path: &Path,
    write: impl FnOnce(&mut dyn Write) -> io::Result<()>,
) -> Result<(), ReplaceError> {
    let of_system = |source| ReplaceError::Io { path: path.to_owned(), source };
    let (directory, name) = place(path)?;
    // Before any work, and because what is left behind may be what fills the disk.
    existing(path, &directory, name)?;
    remove_left(&directory);

    let temporary = Temporary::create(&directory).map_err(of_system)?;
    let mut out = BufWriter::with_capacity(64 << 10, temporary.file());
    write(&mut out).and_then(|()| out.flush()).map_err(of_system)?;
    drop(out);
    // As it is now.
    let old = existing(path, &directory, name)?;
    let mode = match &old {
        Some(old) => Mode::from_raw_mode(old.st_mode) & (Mode::RWXU | Mode::RWXG | Mode::RWXO),
        None => Mode::RUSR | Mode::WUSR | Mode::RGRP | Mode::ROTH,
    };
    temporary.set_mode(mode).map_err(of_system)?;
    // Not before: who gives a file away may not be one who changes the permissions of others' files.
    if let Some(old) = old {
        keep_owner(&temporary, &old);
    }
    temporary.rename_over(name).map_err(of_system)
}

/// The directory that a file stands in, open, and the file's name there.
fn place(path: &Path) -> Result<(Arc<Directory>, &OsStr), ReplaceError> {
    // A path drops these at its end, which say that it is a directory.
    let bytes = path.as_os_str().as_bytes();
    let is_directory = bytes.ends_with(b"/") || bytes.ends_with(b"/.");
    let (Some(parent), Some(name), false) = (path.parent(), path.file_name(), is_directory) else {
        return Err(ReplaceError::Directory(path.to_owned()));
    };
    let parent = if parent.as_os_str().is_empty() { Path::new(".") } else { parent };
    let of_system = |source| ReplaceError::Io { path: path.to_owned(), source };
    match Directory::open_to_change(parent) {
        Ok(directory) => Ok((Arc::new(directory), name)),
        Err(DirectoryError::Missing(_)) => Err(of_system(Errno::NOENT.into())),
        Err(DirectoryError::Io { source, .. }) => Err(of_system(source)),
        Err(error) => Err(ReplaceError::Parent(error)),
    }
}

/// The regular file of that name, if there is one.
fn existing(path: &Path, directory: &Directory, name: &OsStr) -> Result<Option<Stat>, ReplaceError> {
    let of_system = |error: Errno| ReplaceError::Io { path: path.to_owned(), source: error.into() };
    let found = match fs::statat(directory, name, AtFlags::SYMLINK_NOFOLLOW) {
        Err(Errno::NOENT) => return Ok(None),
        found => found.map_err(of_system)?,
    };
    let kind = match FileType::from_raw_mode(found.st_mode) {
        FileType::RegularFile => return Ok(Some(found)),
        FileType::Directory => return Err(ReplaceError::Directory(path.to_owned())),
        FileType::Symlink => {
            let target = fs::readlinkat(directory, name, Vec::new()).map_err(of_system)?;
            let target = OsStr::from_bytes(target.as_bytes());
            let target = path.parent().map_or_else(|| target.into(), |parent| parent.join(target));
            return Err(ReplaceError::Link { path: path.to_owned(), target });
        }
        FileType::Fifo => "FIFO",
        FileType::Socket => "socket",
        _ => "device",
    };
    Err(ReplaceError::Special { path: path.to_owned(), kind })
}

/// Gives a file the owner and the group of another, as far as the caller may: root may, others may give
/// it a group that they are in.
fn keep_owner(temporary: &Temporary, old: &Stat) {
    let (owner, group) = (Some(Uid::from_raw(old.st_uid)), Some(Gid::from_raw(old.st_gid)));
    if fs::fchown(temporary.file(), owner, group).is_err() {
        let _ = fs::fchown(temporary.file(), None, group);
    }
}
