//! How another process sees the file system, and how its paths are reached from here.

use std::ffi::OsString;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::directory::{Directory, FileId};

/// How a process sees the file system.
pub(super) struct View {
    process: PathBuf,
    /// Its mount namespace and its root, unless it sees all as this process does.
    other: Option<Other>,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Other {
    namespace: OsString,
    root: FileId,
    is_our_namespace: bool,
}

/// A path, and who sees it so.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Place {
    other: Option<Other>,
    path: PathBuf,
}

impl View {
    /// That of a process (`/proc/PID`).
    pub(super) fn of(process: &Path) -> io::Result<Self> {
        let namespace = fs::read_link(process.join("ns/mnt"))?.into_os_string();
        let root = FileId::of(&fs::metadata(process.join("root"))?);
        let is_our_namespace = fs::read_link("/proc/self/ns/mnt")? == Path::new(&namespace);
        let is_ours = is_our_namespace && root == FileId::of(&fs::metadata("/")?);
        let other = (!is_ours).then_some(Other { namespace, root, is_our_namespace });
        Ok(Self { process: process.to_owned(), other })
    }

    /// What the process itself calls so, from where it runs.
    pub(super) fn named(&self, path: &Path) -> io::Result<Place> {
        if path.is_absolute() {
            return Ok(Place { other: self.other.clone(), path: path.to_owned() });
        }
        Ok(self.held(fs::read_link(self.process.join("cwd"))?.join(path)))
    }

    /// A path that /proc has for what the process has open. The system writes it from the root of the mount
    /// namespace on: a process with another root (chroot) in this namespace makes no difference.
    pub(super) fn held(&self, path: PathBuf) -> Place {
        Place { other: self.other.clone().filter(|other| !other.is_our_namespace), path }
    }
}

impl Place {
    /// Whether this process sees it so.
    pub(super) fn is_ours(&self) -> bool {
        self.other.is_none()
    }

    /// The path as that process calls it.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// A path that leads there by way of a process that sees it so.
    pub(super) fn path_by(&self, process: &Path) -> PathBuf {
        match self.other {
            None => self.path.clone(),
            Some(_) => process.join("root").join(self.path.strip_prefix("/").unwrap_or(&self.path)),
        }
    }

    /// Opens the directory, by way of a process that sees it so: links lead where they lead for that.
    #[cfg(target_os = "linux")]
    pub(super) fn open(&self, process: &Path) -> io::Result<Directory> {
        use std::os::fd::AsRawFd;

        use rustix::fs::{CWD, Mode, OFlags, ResolveFlags};

        let Some(other) = &self.other else {
            return Directory::open(&self.path.canonicalize()?);
        };
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let root = rustix::fs::openat(CWD, process.join("root"), flags, Mode::empty())?;
        let opened = rustix::fs::openat2(&root, &self.path, flags, Mode::empty(), ResolveFlags::IN_ROOT)?;
        let path = fs::read_link(format!("/proc/self/fd/{}", opened.as_raw_fd()))?;
        let found =
            if other.is_our_namespace { Self { other: None, path } } else { Self { path, ..self.clone() } };
        Directory::from_descriptor(&found.path_by(process), &opened)
    }

    #[cfg(not(target_os = "linux"))]
    pub(super) fn open(&self, _: &Path) -> io::Result<Directory> {
        Directory::open(&self.path.canonicalize()?)
    }
}
