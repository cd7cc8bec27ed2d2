//! The strongest evidence: a write lease is granted only when no process has the file open.

use std::fs::{self, File, Metadata};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::FileId;

/// How long to wait before each new try. A scraper, or another promproc, has a file open for
/// microseconds, and for some milliseconds more where it loses the processor meanwhile; a writer has
/// it open for life.
pub(crate) fn pauses() -> impl Iterator<Item = Duration> {
    [1, 2, 4, 8, 16, 32, 64].into_iter().map(Duration::from_millis)
}

/// A file as it was at one moment.
#[derive(Debug)]
pub(crate) struct Look {
    pub(crate) id: FileId,
    pub(crate) modified: SystemTime,
    pub(crate) lease: Lease,
    /// The lease, if it was granted: nobody gets the file open before this is dropped.
    pub(crate) leased: Option<File>,
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

/// Looks at a file (a link is followed) and asks for a lease on it.
pub(crate) fn look(path: &Path) -> io::Result<Look> {
    let (metadata, lease, leased) = match try_open(path) {
        Ok(file) => {
            let metadata = file.metadata()?;
            match take(&file) {
                Lease::Granted => (metadata, Lease::Granted, Some(file)),
                other => (metadata, other, None),
            }
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Err(error),
        // Another process has a lease.
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
            (fs::metadata(path)?, Lease::Refused, None)
        }
        Err(_) => (fs::metadata(path)?, Lease::NoEvidence, None),
    };
    Ok(Look { id: FileId::of(&metadata), modified: modified(&metadata), lease, leased })
}

#[cfg(target_os = "linux")]
#[allow(clippy::disallowed_methods)] // it only reads
fn try_open(path: &Path) -> io::Result<File> {
    use std::os::unix::fs::OpenOptionsExt;
    // Never wait: neither for another's lease nor for the writer of a FIFO that took the name.
    File::options().read(true).custom_flags(libc::O_NONBLOCK).open(path)
}

#[cfg(target_os = "linux")]
fn take(file: &File) -> Lease {
    match crate::sys::take_write_lease(file) {
        Ok(()) => Lease::Granted,
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => Lease::Refused,
        Err(_) => Lease::NoEvidence,
    }
}

/// Whether a process may wait to open a file on which a lease was granted.
pub(crate) fn is_wanted(leased: &File) -> bool {
    #[cfg(target_os = "linux")]
    return crate::sys::is_lease_wanted(leased).unwrap_or(true);
    #[cfg(not(target_os = "linux"))]
    return leased.metadata().is_err();
}

#[cfg(not(target_os = "linux"))]
fn try_open(path: &Path) -> io::Result<File> {
    File::open(path)
}

#[cfg(not(target_os = "linux"))]
fn take(_: &File) -> Lease {
    Lease::NoEvidence
}

fn modified(metadata: &Metadata) -> SystemTime {
    let seconds = u64::try_from(metadata.mtime()).unwrap_or_default();
    UNIX_EPOCH + Duration::from_secs(seconds)
}
