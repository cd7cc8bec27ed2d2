//! Opens a directory to be maintained: what an earlier run left half done is finished or undone first.

use std::fs::File;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::sync::Arc;

use rustix::fs::{self, CWD, Mode, OFlags};
use rustix::io::Errno;

use super::{compact, remove, temporary};
use crate::directory::{Contents, Directory, DirectoryError, OtherKind};

/// Whether anything is to be changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Intent {
    /// Something is to be removed.
    Change,
    /// It is only to be said what would be removed.
    DryRun,
}

/// Opens a directory to be changed, and lists it. On a dry run what was left half done is left so.
///
/// # Errors
/// [`DirectoryError`] if it cannot be opened, listed, or put in order.
pub(super) fn open(path: &Path, intent: Intent) -> Result<(Arc<Directory>, Contents), DirectoryError> {
    let directory = Arc::new(Directory::open_to_change(path)?);
    let contents = list_for(&directory, intent)?;
    Ok((directory, contents))
}

/// Opens a directory and all below it, in byte order of their paths, as [`open`] does. Links are not followed. What
/// cannot be looked at below it is left out, and named.
///
/// # Errors
/// [`DirectoryError`] if the directory itself cannot be opened, listed, or put in order.
#[expect(clippy::type_complexity, reason = "two lists")]
pub(super) fn open_below(
    top: &Path,
    intent: Intent,
) -> Result<(Vec<(Arc<Directory>, Contents)>, Vec<DirectoryError>), DirectoryError> {
    let mut left_out = Vec::new();
    let mut waiting = vec![open(top, intent)?];
    let mut found = Vec::new();
    while let Some((directory, contents)) = waiting.pop() {
        for other in contents.others.iter().filter(|other| other.kind == OtherKind::Directory) {
            let of_system = |error| DirectoryError::of_system(&directory.path_of(&other.name), error);
            let opened = directory.open_below(&other.name).map(Arc::new).map_err(of_system);
            match opened.and_then(|opened| Ok((Arc::clone(&opened), list_for(&opened, intent)?))) {
                Ok(listed) => waiting.push(listed),
                // It has vanished since.
                Err(DirectoryError::Missing(_)) => {}
                Err(error) => left_out.push(error),
            }
        }
        found.push((directory, contents));
    }
    found.sort_by(|(a, _), (b, _)| a.path().as_os_str().cmp(b.path().as_os_str()));
    Ok((found, left_out))
}

/// Lists an open directory; on a dry run as it is.
fn list_for(directory: &Arc<Directory>, intent: Intent) -> Result<Contents, DirectoryError> {
    match intent {
        Intent::Change => list(directory),
        Intent::DryRun => {
            Contents::of(directory).map_err(|error| DirectoryError::of_system(directory.path(), error))
        }
    }
}

/// Lists an open directory once what was left half done in it is finished or undone.
pub(super) fn list(directory: &Arc<Directory>) -> Result<Contents, DirectoryError> {
    let of_system = |error| DirectoryError::of_system(directory.path(), error);
    let contents = Contents::of(directory).map_err(of_system)?;
    let mut has_recovered = compact::recover(directory, &contents)? == Some(true);
    for leftover in &contents.leftovers {
        // One that cannot be put in order, perhaps because somebody planted it, keeps nothing else from it.
        let recovered =
            temporary::recover(leftover).or_else(|| remove::recover(leftover).unwrap_or(Some(false)));
        has_recovered |= recovered == Some(true);
    }
    if has_recovered { Contents::of(directory).map_err(of_system) } else { Ok(contents) }
}

/// Opens a directory to be changed; creates it, and those above it, if it is missing: then the second
/// value is `true`, and its permissions are `mode`, whatever the umask. Those of an existing one stay.
///
/// # Errors
/// [`DirectoryError`], also where something else took the place of a directory that was just created.
pub fn open_or_create(path: &Path, mode: u32) -> Result<(Arc<Directory>, bool), DirectoryError> {
    match Directory::open_to_change(path) {
        Err(DirectoryError::Missing(_)) => {}
        opened => return opened.map(|opened| (Arc::new(opened), false)),
    }
    match create(path) {
        Ok(created) => {
            let of_system = |error| DirectoryError::Io { path: path.to_owned(), source: error };
            // By its descriptor: whatever has the name by now is not touched. The umask has only taken bits
            // away, so nobody had more rights before this.
            fs::fchmod(&created, Mode::from_raw_mode(mode)).map_err(|error| of_system(error.into()))?;
            let directory = Directory::from_descriptor(path, &created).map_err(of_system)?;
            Ok((Arc::new(directory), true))
        }
        // Another was faster.
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            Directory::open_to_change(path).map(|opened| (Arc::new(opened), false))
        }
        Err(error) => {
            let source = io::Error::new(error.kind(), format!("cannot be created: {error}"));
            Err(DirectoryError::Io { path: path.to_owned(), source })
        }
    }
}

/// Creates a directory, and those above it that are missing, each from the one above it.
fn create(path: &Path) -> io::Result<OwnedFd> {
    let name = path.file_name().ok_or(io::ErrorKind::InvalidInput)?;
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty());
    let parent = parent.unwrap_or(Path::new("."));
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let above = match fs::openat(CWD, parent, flags, Mode::empty()) {
        Err(Errno::NOENT) => match create(parent) {
            // Another was faster.
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                fs::openat(CWD, parent, flags, Mode::empty())?
            }
            created => created?,
        },
        // It may only be passed through.
        #[cfg(target_os = "linux")]
        Err(Errno::ACCESS) => fs::openat(CWD, parent, flags | OFlags::PATH, Mode::empty())?,
        opened => opened?,
    };
    fs::mkdirat(&above, name, Mode::from_raw_mode(0o777))?;
    let created = fs::openat(&above, name, flags | OFlags::NOFOLLOW, Mode::empty());
    // What is there now is what was created only if it is this user's.
    let replaced = || io::Error::other("something else took its place while it was created");
    let created = File::from(created.map_err(|_| replaced())?);
    let is_own = created.metadata()?.uid() == rustix::process::geteuid().as_raw();
    if is_own { Ok(created.into()) } else { Err(replaced()) }
}
