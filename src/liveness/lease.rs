//! The strongest evidence: a read lease is granted only when no process has the file open for writing.
//!
//! That proves something only on file systems that this kernel alone writes: through FUSE a lease is
//! granted beside a writer on the file system behind it, and 9p, virtiofs, NFS and SMB are the same case.

use std::fs::{File, Metadata};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::directory::{FileId, InDirectory};

/// A file as it was at one moment.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Look {
    pub(crate) id: FileId,
    pub(crate) modified: SystemTime,
    /// When it was made, if the file system says so.
    pub(crate) created: Option<SystemTime>,
    /// Its owner's number.
    pub(crate) owner: u32,
    pub(crate) lease: Lease,
}

/// What asking for a read lease gave.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Lease {
    /// No process had the file open for writing.
    #[cfg_attr(not(target_os = "linux"), allow(dead_code))]
    Granted,
    /// The same, but for processes that have mapped the file and closed it: overlayfs does not see these.
    #[cfg_attr(not(target_os = "linux"), allow(dead_code))]
    GrantedButForMaps,
    /// Some process has the file open for writing.
    Refused,
    /// The file system has no leases, or none that prove anything, or not for this user.
    NoEvidence,
}

impl Lease {
    /// Whether there is one to end.
    fn is_held(self) -> bool {
        matches!(self, Self::Granted | Self::GrantedButForMaps)
    }
}

impl Look {
    fn of(metadata: &Metadata, lease: Lease) -> Self {
        let seconds = u64::try_from(metadata.mtime()).unwrap_or_default();
        let modified = UNIX_EPOCH + Duration::from_secs(seconds);
        let (created, owner) = (metadata.created().ok(), metadata.uid());
        Self { id: FileId::of(metadata), modified, created, owner, lease }
    }

    /// Looks at a file that was opened, by the one descriptor that this process has of it.
    pub(crate) fn at(opened: &File, metadata: &Metadata) -> Self {
        let look = Self::of(metadata, take(opened));
        if look.lease.is_held() {
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

/// Looks at a file and asks for a lease on it. Where that is granted, the file comes
/// with it: nobody gets it open for writing before it is dropped.
pub(crate) fn look(file: &impl InDirectory) -> io::Result<(Look, Option<File>)> {
    match file.directory().open_file(file.file_name()) {
        Ok(opened) => {
            let look = Look::of(&opened.metadata()?, take(&opened));
            Ok((look, look.lease.is_held().then_some(opened)))
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => Err(error),
        Err(error) => {
            let metadata = file.directory().metadata(file.file_name())?;
            Ok((Look::from_outside(&metadata, &error), None))
        }
    }
}

/// Whether a process may wait to open a file for writing on which a lease was granted, or did.
pub(crate) fn is_wanted(leased: &File) -> bool {
    #[cfg(target_os = "linux")]
    return !crate::sys::does_lease_hold(leased).unwrap_or(false);
    #[cfg(not(target_os = "linux"))]
    return leased.metadata().is_err();
}

#[cfg(target_os = "linux")]
fn take(file: &File) -> Lease {
    // ext2 to ext4, xfs, btrfs, f2fs, tmpfs, ramfs.
    const WRITTEN_HERE_ALONE: [u64; 6] =
        [0xef53, 0x5846_5342, 0x9123_683e, 0xf2f5_2010, 0x0102_1994, 0x8584_58f6];
    const OVERLAYFS: u64 = 0x794c_7630;
    // The type has another width on every platform, and is a number on all.
    let kind = rustix::fs::fstatfs(file).ok().and_then(|system| u64::try_from(system.f_type).ok());
    let granted = match kind {
        Some(OVERLAYFS) => Lease::GrantedButForMaps,
        Some(kind) if WRITTEN_HERE_ALONE.contains(&kind) => Lease::Granted,
        _ => return Lease::NoEvidence,
    };
    match crate::sys::take_read_lease(file) {
        Ok(()) => granted,
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
