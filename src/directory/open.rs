//! An open directory, and the way from it to the files in it.

use std::ffi::OsStr;
use std::fs::{File, Metadata};
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustix::fs::{self, Mode, OFlags};
use rustix::process::{Resource, getrlimit, setrlimit};

/// What a directory or a file is opened with to be reached or looked at. It need not be readable, and no
/// watch sees it.
#[cfg(target_os = "linux")]
const TO_REACH: OFlags = OFlags::PATH;
#[cfg(not(target_os = "linux"))]
const TO_REACH: OFlags = OFlags::RDONLY;

/// A directory that is open: whatever becomes of its path, its files are reached from here.
#[derive(Debug)]
pub struct Directory {
    path: PathBuf,
    handle: OwnedFd,
}

impl Directory {
    /// Opens a directory.
    ///
    /// # Errors
    /// Those of the system; `NotADirectory` for anything else.
    pub fn open(path: &Path) -> io::Result<Self> {
        let flags = TO_REACH | OFlags::DIRECTORY | OFlags::CLOEXEC;
        // That of a name alone is the one that we are in.
        let reached = if path.as_os_str().is_empty() { Path::new(".") } else { path };
        let handle = with_descriptors(|| fs::open(reached, flags, Mode::empty()))?;
        Ok(Self { path: path.to_owned(), handle })
    }

    /// Opens a directory in this one, which is no link.
    ///
    /// # Errors
    /// Those of the system; `NotADirectory` also for a link.
    pub fn open_below(&self, name: &OsStr) -> io::Result<Self> {
        let flags = TO_REACH | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let handle = with_descriptors(|| fs::openat(&self.handle, name, flags, Mode::empty()))?;
        Ok(Self { path: self.path.join(name), handle })
    }

    /// Its path as it was given.
    pub fn path(&self) -> &Path {
        if self.path.as_os_str().is_empty() { Path::new(".") } else { &self.path }
    }

    /// The path of a name in it, as it was given.
    pub fn path_of(&self, name: impl AsRef<Path>) -> PathBuf {
        self.path.join(name)
    }

    /// Opens a file for reading. With `extra` flags, such as not to wait.
    pub(crate) fn open_file(&self, name: &str, extra: OFlags) -> io::Result<File> {
        open_from(self.handle.as_fd(), name, OFlags::RDONLY | extra)
    }

    /// What the system says of a name in it; a link is followed.
    ///
    /// # Errors
    /// Those of the system.
    pub fn metadata(&self, name: &str) -> io::Result<Metadata> {
        open_from(self.handle.as_fd(), name, TO_REACH)?.metadata()
    }

    /// What the system says of the directory itself.
    pub(crate) fn own_metadata(&self) -> io::Result<Metadata> {
        self.reopened(OFlags::RDONLY).or_else(|_| self.reopened(TO_REACH)).map(File::from)?.metadata()
    }

    /// Another descriptor of the same directory, which shares nothing with this one.
    pub(crate) fn reopened(&self, access: OFlags) -> io::Result<OwnedFd> {
        let flags = access | OFlags::DIRECTORY | OFlags::CLOEXEC;
        with_descriptors(|| fs::openat(&self.handle, ".", flags, Mode::empty()))
    }
}

impl AsFd for Directory {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.handle.as_fd()
    }
}

fn open_from(directory: BorrowedFd<'_>, name: &str, flags: OFlags) -> io::Result<File> {
    let flags = flags | OFlags::CLOEXEC;
    with_descriptors(|| fs::openat(directory, name, flags, Mode::empty())).map(File::from)
}

/// Opens something, if need be with as many descriptors as the system lets a process have: a tree of
/// many directories takes one for each.
fn with_descriptors(open: impl Fn() -> rustix::io::Result<OwnedFd>) -> io::Result<OwnedFd> {
    let opened = rustix::io::retry_on_intr(&open);
    if opened.as_ref().is_err_and(|error| *error == rustix::io::Errno::MFILE) {
        let mut limit = getrlimit(Resource::Nofile);
        if limit.current != limit.maximum {
            limit.current = limit.maximum;
            setrlimit(Resource::Nofile, limit)?;
            return Ok(rustix::io::retry_on_intr(open)?);
        }
    }
    Ok(opened?)
}

/// A file that stands in an open directory.
pub trait InDirectory {
    /// The directory.
    fn directory(&self) -> &Arc<Directory>;

    /// Its name there.
    fn file_name(&self) -> &str;

    /// The directory's path as it was given, and the name.
    fn path(&self) -> PathBuf {
        self.directory().path_of(self.file_name())
    }
}

/// What a thread opens files with, one after the other.
///
/// A thread that helps reaches a directory by a descriptor of its own: to share one, threads take turns
/// at counting its users.
#[derive(Debug, Default)]
pub struct Opener {
    is_helper: bool,
    reached: Option<(Arc<Directory>, OwnedFd)>,
}

impl Opener {
    /// For a thread beside the one that opened the directories.
    pub(crate) fn of_helper() -> Self {
        Self { is_helper: true, reached: None }
    }

    /// Opens a file for reading.
    ///
    /// # Errors
    /// Those of the system.
    pub fn open(&mut self, file: &impl InDirectory) -> io::Result<File> {
        self.open_with(file, OFlags::empty())
    }

    /// The same, but an error where it would have to wait for somebody's lease.
    pub(crate) fn open_at_once(&mut self, file: &impl InDirectory) -> io::Result<File> {
        self.open_with(file, OFlags::NONBLOCK)
    }

    fn open_with(&mut self, file: &impl InDirectory, extra: OFlags) -> io::Result<File> {
        let directory = file.directory();
        if !self.is_helper {
            return directory.open_file(file.file_name(), extra);
        }
        let reached = match self.reached.take() {
            Some(reached) if Arc::ptr_eq(&reached.0, directory) => reached,
            _ => (Arc::clone(directory), directory.reopened(TO_REACH)?),
        };
        let (_, handle) = self.reached.insert(reached);
        open_from(handle.as_fd(), file.file_name(), OFlags::RDONLY | extra)
    }
}

/// Which file a name leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct FileId {
    pub(crate) device: u64,
    pub(crate) inode: u64,
}

impl FileId {
    pub(crate) fn of(metadata: &Metadata) -> Self {
        Self { device: metadata.dev(), inode: metadata.ino() }
    }
}
