//! Unlinks examined files. Nothing is ever truncated: that kills a live writer with SIGBUS.

use std::fs::File;
use std::io;
use std::thread;

use rustix::fs::{self, AtFlags};
use rustix::io::Errno;

use crate::directory::{InDirectory, OWN_PREFIX};
use crate::liveness::lease::{self, Lease};
use crate::liveness::{Evidence, Examined};

/// What became of a file that was to be removed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Removal {
    /// It was unlinked.
    Removed,
    /// Somebody else had removed it.
    Gone,
    /// It was left: since it was examined, a process opened it or another file took its name.
    Changed,
}

/// Removes a file that was found dead, if that still holds.
///
/// A new process may have got the old number and open the file at this very moment. Where there are
/// leases, nothing of it is lost, whenever it comes:
///
/// 1. Before the lease: then the lease is refused, and the file stays.
/// 2. While the lease is held: it waits in `open`. The file gets another name first, then the system
///    is asked whether somebody waits; if so, the file gets its name back before it is let in.
/// 3. After the renaming: it finds nothing under the name and makes a new file.
///
/// If the name were just unlinked under the lease, the processes of case 2 would go on writing into a
/// file without a name; without a lease, all that come between examination and unlinking.
///
/// # Errors
/// Those of the system.
pub fn remove<F: InDirectory>(file: &Examined<F>) -> io::Result<Removal> {
    // Weaker evidence is no reason to remove what a lease was granted for.
    let takes_no_lease = file.evidence != Some(Evidence::LeaseGranted);
    let mut pauses = lease::pauses();
    loop {
        let (look, leased) = match lease::look(&file.file) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Removal::Gone),
            other => other?,
        };
        match look.lease {
            _ if Some(look.id) != file.id => return Ok(Removal::Changed),
            Lease::Granted => {
                if let Some(leased) = &leased
                    && let Some(removal) = remove_leased(&file.file, look.id.inode, leased)?
                {
                    return Ok(removal);
                }
            }
            Lease::NoEvidence if takes_no_lease => return remove_regardless(&file.file),
            Lease::NoEvidence | Lease::Refused => {}
        }
        drop(leased);
        // A scraper may have the file open for a moment.
        match pauses.next() {
            Some(pause) => thread::sleep(pause),
            None => return Ok(Removal::Changed),
        }
    }
}

/// Removes a file on which a lease is held; `None` if it got its name back because a process waits.
fn remove_leased(file: &impl InDirectory, inode: u64, leased: &File) -> io::Result<Option<Removal>> {
    let (directory, name) = (&**file.directory(), file.file_name());
    let aside = format!("{OWN_PREFIX}{inode:x}.tmp");
    match fs::renameat(directory, name, directory, &aside) {
        Err(Errno::NOENT) => return Ok(Some(Removal::Gone)),
        other => other?,
    }
    if lease::is_wanted(leased) {
        match fs::linkat(directory, &aside, directory, name, AtFlags::empty()) {
            Ok(()) => {
                fs::unlinkat(directory, &aside, AtFlags::empty())?;
                return Ok(None);
            }
            // Another has taken the name, so it is no writer that waits for this file.
            Err(Errno::EXIST) => {}
            // The file system has no links.
            Err(_) => {
                fs::renameat(directory, &aside, directory, name)?;
                return Ok(None);
            }
        }
    }
    fs::unlinkat(directory, &aside, AtFlags::empty())?;
    Ok(Some(Removal::Removed))
}

/// Removes a name, whoever has the file open. Of a link, the target stays.
///
/// # Errors
/// Those of the system, but for the name being gone already.
pub fn remove_regardless(file: &impl InDirectory) -> io::Result<Removal> {
    match fs::unlinkat(&**file.directory(), file.file_name(), AtFlags::empty()) {
        Ok(()) => Ok(Removal::Removed),
        Err(Errno::NOENT) => Ok(Removal::Gone),
        Err(error) => Err(error.into()),
    }
}
