//! An open directory, and the way from it to the files in it.

use std::ffi::OsStr;
use std::fs::{File, Metadata};
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::thread;
use std::time::Duration;

use rustix::fs::{self, FileType, Mode, OFlags};
use rustix::io::Errno;
use rustix::process::{Resource, getrlimit, setrlimit};

use super::DirectoryError;

/// What a directory or a file is opened with to be reached or looked at. It need not be readable, and no
/// watch sees it.
#[cfg(target_os = "linux")]
const TO_REACH: OFlags = OFlags::PATH;
#[cfg(not(target_os = "linux"))]
const TO_REACH: OFlags = OFlags::RDONLY;

const AS_DIRECTORY: OFlags = TO_REACH.union(OFlags::DIRECTORY).union(OFlags::CLOEXEC);

/// How long a run waits, over all files, for those that are under somebody's lease.
const PATIENCE: Duration = Duration::from_secs(1);
const PAUSE: Duration = Duration::from_millis(10);
/// As many links as the system follows.
const MOST_LINKS: usize = 40;

/// A directory that is open: whatever becomes of its path, its files are reached from here.
#[derive(Debug)]
pub struct Directory {
    path: PathBuf,
    handle: OwnedFd,
    patience: Arc<Patience>,
    /// A descriptor on which compactions are locked out.
    locked: OnceLock<OwnedFd>,
}

/// What is left of the time that a run may wait.
#[derive(Debug, Default)]
struct Patience {
    waited_millis: AtomicU64,
}

impl Patience {
    /// Waits a moment; `false` if that has been done long enough.
    fn wait(&self, pause: Duration) -> bool {
        let millis = u64::try_from(pause.as_millis()).unwrap_or(u64::MAX);
        let waited = self.waited_millis.fetch_add(millis, Ordering::Relaxed);
        let may_wait = Duration::from_millis(waited) < PATIENCE;
        if may_wait {
            thread::sleep(pause);
        }
        may_wait
    }
}

impl Directory {
    /// Opens a directory.
    ///
    /// # Errors
    /// Those of the system; `NotADirectory` for anything else.
    pub fn open(path: &Path) -> io::Result<Self> {
        // That of a name alone is the one that we are in.
        let reached = if path.as_os_str().is_empty() { Path::new(".") } else { path };
        let handle = with_descriptors(|| fs::open(reached, AS_DIRECTORY, Mode::empty()))?;
        Ok(Self::new(path, handle, Arc::default()))
    }

    /// Opens a directory to be changed. If the last part of its path is a link, this must belong to root, to
    /// the caller, or to the owner of what it leads to: whoever may put a link there could have any
    /// directory changed in the caller's name.
    ///
    /// # Errors
    /// [`DirectoryError`]; [`DirectoryError::Link`] for such a link.
    pub fn open_to_change(path: &Path) -> Result<Self, DirectoryError> {
        let of_system = |error: Errno| DirectoryError::of_system(path, error.into());
        let mut reached = path.to_owned();
        let mut link_owners = Vec::new();
        let opened = loop {
            let (Some(parent), Some(name)) = (reached.parent(), reached.file_name()) else {
                // `/`, `..`: no link.
                break fs::open(&reached, AS_DIRECTORY, Mode::empty()).map_err(of_system)?;
            };
            let parent = if parent.as_os_str().is_empty() { Path::new(".") } else { parent };
            let above = fs::open(parent, AS_DIRECTORY, Mode::empty()).map_err(of_system)?;
            let flags = TO_REACH | OFlags::NOFOLLOW | OFlags::CLOEXEC;
            let found = match fs::openat(&above, name, flags, Mode::empty()) {
                // Where links cannot be opened themselves.
                Err(Errno::LOOP) => {
                    return Err(DirectoryError::Link { path: path.to_owned(), owner: None });
                }
                other => other.map_err(of_system)?,
            };
            let stat = fs::fstat(&found).map_err(of_system)?;
            match FileType::from_raw_mode(stat.st_mode) {
                FileType::Directory => break found,
                FileType::Symlink if link_owners.len() < MOST_LINKS => link_owners.push(stat.st_uid),
                FileType::Symlink => return Err(of_system(Errno::LOOP)),
                _ => return Err(of_system(Errno::NOTDIR)),
            }
            // Where it leads is asked of the link that was found.
            let target = fs::readlinkat(&found, "", Vec::new()).map_err(of_system)?;
            reached = parent.join(OsStr::from_bytes(target.as_bytes()));
        };
        // Of the directory that was opened: what stands under its path may be another by now.
        let owner = fs::fstat(&opened).map_err(of_system)?.st_uid;
        let trusted = [0, rustix::process::geteuid().as_raw(), owner];
        match link_owners.into_iter().find(|link_owner| !trusted.contains(link_owner)) {
            Some(stranger) => Err(DirectoryError::Link { path: path.to_owned(), owner: Some(stranger) }),
            None => Ok(Self::new(path, opened, Arc::default())),
        }
    }

    /// A directory that was opened elsewhere.
    pub(crate) fn from_descriptor(path: &Path, opened: &OwnedFd) -> io::Result<Self> {
        let handle = with_descriptors(|| fs::openat(opened, ".", AS_DIRECTORY, Mode::empty()))?;
        Ok(Self::new(path, handle, Arc::default()))
    }

    fn new(path: &Path, handle: OwnedFd, patience: Arc<Patience>) -> Self {
        Self { path: path.to_owned(), handle, patience, locked: OnceLock::new() }
    }

    /// Opens a directory in this one, which is no link.
    ///
    /// # Errors
    /// Those of the system; `NotADirectory` also for a link.
    pub fn open_below(&self, name: &OsStr) -> io::Result<Self> {
        let flags = AS_DIRECTORY | OFlags::NOFOLLOW;
        let handle = with_descriptors(|| fs::openat(&self.handle, name, flags, Mode::empty()))?;
        Ok(Self::new(&self.path.join(name), handle, Arc::clone(&self.patience)))
    }

    /// Its path as it was given.
    pub fn path(&self) -> &Path {
        if self.path.as_os_str().is_empty() { Path::new(".") } else { &self.path }
    }

    /// The path of a name in it, as it was given.
    pub fn path_of(&self, name: impl AsRef<Path>) -> PathBuf {
        self.path.join(name)
    }

    /// Waits a moment; `false` if this run has waited long enough.
    pub(super) fn wait(&self, pause: Duration) -> bool {
        self.patience.wait(pause)
    }

    /// Keeps a descriptor of it on which compactions are locked out, until the directory is closed.
    pub(super) fn keep_locked(&self, opened: OwnedFd) {
        // One that is listed again has a lock already.
        let _ = self.locked.set(opened);
    }

    /// Opens a regular file for reading. It never waits: `WouldBlock` where somebody has a lease on it.
    pub(crate) fn open_file(&self, name: &str) -> io::Result<File> {
        open_file(self.handle.as_fd(), name)
    }

    /// What the system says of a name in it; of a link, what it says of the link.
    ///
    /// # Errors
    /// Those of the system.
    pub fn metadata(&self, name: &str) -> io::Result<Metadata> {
        let flags = TO_REACH | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let found = with_descriptors(|| fs::openat(&self.handle, name, flags, Mode::empty()))?;
        File::from(found).metadata()
    }

    /// Which directory a name in it leads to, where it leads to one; a link is followed to see that.
    pub(crate) fn directory_at(&self, name: &OsStr) -> Option<FileId> {
        let found = with_descriptors(|| fs::openat(&self.handle, name, AS_DIRECTORY, Mode::empty())).ok()?;
        File::from(found).metadata().ok().map(|metadata| FileId::of(&metadata))
    }

    /// What the system says of the directory itself.
    pub(crate) fn own_metadata(&self) -> io::Result<Metadata> {
        File::from(self.reopened(TO_REACH)?).metadata()
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

/// Opens a regular file for reading, and nothing else: a link is not followed, and what could block (a
/// FIFO, a terminal, a file under somebody's lease) does not.
fn open_file(directory: BorrowedFd<'_>, name: &str) -> io::Result<File> {
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
    let opened = with_descriptors(|| fs::openat(directory, name, flags, Mode::empty()));
    let file = match opened {
        Err(error) if error.raw_os_error() == Some(Errno::LOOP.raw_os_error()) => {
            return Err(io::Error::other("a link, which is not followed"));
        }
        other => File::from(other?),
    };
    // It may have come after the directory was listed.
    if file.metadata()?.is_file() { Ok(file) } else { Err(io::Error::other("not a regular file")) }
}

/// Opens something, if need be with as many descriptors as the system lets a process have: a tree of
/// many directories takes one for each.
fn with_descriptors(open: impl Fn() -> rustix::io::Result<OwnedFd>) -> io::Result<OwnedFd> {
    let opened = rustix::io::retry_on_intr(&open);
    if opened.as_ref().is_err_and(|error| *error == Errno::MFILE) {
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

    /// Opens a file for reading. One that is under somebody's lease is tried again for a second over all
    /// files; then it counts as one that has vanished.
    ///
    /// # Errors
    /// Those of the system; any for what is no regular file.
    pub fn open(&mut self, file: &impl InDirectory) -> io::Result<File> {
        loop {
            match self.open_at_once(file) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    if !file.directory().wait(PAUSE) {
                        return Err(io::Error::new(io::ErrorKind::NotFound, "under a lease for too long"));
                    }
                }
                opened => return opened,
            }
        }
    }

    /// The same, but an error where it would have to wait for somebody's lease.
    pub(crate) fn open_at_once(&mut self, file: &impl InDirectory) -> io::Result<File> {
        let directory = file.directory();
        if !self.is_helper {
            return directory.open_file(file.file_name());
        }
        let reached = match self.reached.take() {
            Some(reached) if Arc::ptr_eq(&reached.0, directory) => reached,
            _ => (Arc::clone(directory), directory.reopened(TO_REACH)?),
        };
        let (_, handle) = self.reached.insert(reached);
        open_file(handle.as_fd(), file.file_name())
    }
}

/// Which file a name leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FileId {
    pub(crate) device: u64,
    pub(crate) inode: u64,
}

impl FileId {
    pub(crate) fn of(metadata: &Metadata) -> Self {
        Self { device: metadata.dev(), inode: metadata.ino() }
    }
}
