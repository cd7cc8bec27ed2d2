//! The strongest evidence: a write lease is granted only when no process has the file open.

use std::fs::{File, Metadata};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rustix::fs::OFlags;

use crate::directory::{FileId, InDirectory};

/// How long to wait before each new try. A scraper, or another promproc, has a file open for
/// microseconds, and for some milliseconds more where it loses the processor meanwhile; a writer has
/// it open for life.
pub(crate) fn pauses() -> impl Iterator<Item = Duration> {
    [1, 2, 4, 8, 16, 32, 64].into_iter().map(Duration::from_millis)
}

/// A file as it was at one moment.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Look {
    pub(crate) id: FileId,
    pub(crate) modified: SystemTime,
    pub(crate) lease: Lease,
}

/// What asking for a write lease gave.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Lease {
    /// No process had the file open.
    #[cfg_attr(not(target_os = "linux"), allow(dead_code))]
    Granted,
    /// Some process has the file open.
    Refused,
    /// The file system has no leases, or not for this user.
    NoEvidence,
}

impl Look {
    fn of(metadata: &Metadata, lease: Lease) -> Self {
        let seconds = u64::try_from(metadata.mtime()).unwrap_or_default();
        Self { id: FileId::of(metadata), modified: UNIX_EPOCH + Duration::from_secs(seconds), lease }
    }

    /// Looks at a file that was opened, by the one descriptor that this process has of it.
    pub(crate) fn at(opened: &File, metadata: &Metadata) -> Self {
        let look = Self::of(metadata, take(opened));
        if look.lease == Lease::Granted {
            end(opened);
        }
        look
    }

    /// Looks at a file that cannot be opened, for that reason.
    pub(crate) fn from_outside(metadata: &Metadata, reason: &io::Error) -> Self {
        // Another process has a lease.
        let is_leased = reason.kind() == io::ErrorKind::WouldBlock;
        Self::of(metadata, if is_leased { Lease::Refused } else { Lease::NoEvidence })
    }
}

/// Looks at a file (a link is followed) and asks for a lease on it. Where that is granted, the file comes
/// with it: nobody gets it open before it is dropped.
pub(crate) fn look(file: &impl InDirectory) -> io::Result<(Look, Option<File>)> {
    // Never wait: neither for another's lease nor for the writer of a FIFO that took the name.
    match file.directory().open_file(file.file_name(), OFlags::NONBLOCK) {
        Ok(opened) => {
            let look = Look::of(&opened.metadata()?, take(&opened));
            Ok((look, (look.lease == Lease::Granted).then_some(opened)))
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => Err(error),
        Err(error) => {
            let metadata = file.directory().metadata(file.file_name())?;
            Ok((Look::from_outside(&metadata, &error), None))
        }
    }
}

/// Whether a process may wait to open a file on which a lease was granted.
pub(crate) fn is_wanted(leased: &File) -> bool {
    #[cfg(target_os = "linux")]
    return crate::sys::is_lease_wanted(leased).unwrap_or(true);
    #[cfg(not(target_os = "linux"))]
    return leased.metadata().is_err();
}

#[cfg(target_os = "linux")]
fn take(file: &File) -> Lease {
    match crate::sys::take_write_lease(file) {
        Ok(()) => Lease::Granted,
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => Lease::Refused,
        Err(_) => Lease::NoEvidence,
    }
}

#[cfg(target_os = "linux")]
fn end(leased: &File) {
    // One that the system took back meanwhile has ended, too.
    let _ = crate::sys::end_lease(leased);
}

#[cfg(not(target_os = "linux"))]
fn take(_: &File) -> Lease {
    Lease::NoEvidence
}

#[cfg(not(target_os = "linux"))]
fn end(_: &File) {}
