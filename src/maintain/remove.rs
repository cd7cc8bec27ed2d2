//! Unlinks examined files. Nothing is ever truncated: that kills a live writer with SIGBUS.

use std::fs;
use std::io;
use std::path::Path;
use std::thread;

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
/// Where there are leases, the name goes while a lease is held, and the lease goes after it. Who
/// opened the file before the lease keeps it from being granted, and the file stays. Who looks up
/// the name after the unlink (a new process that got the old number) makes a new file. Nothing of
/// either is lost. What remains is a process that looked up the name before the unlink and comes to
/// the opening only after the grant, within these microseconds: it waits for the lease and has a file
/// without a name. Unlinked without a lease, or after it, every process that opens the file between
/// its examination and the unlink would be one.
///
/// # Errors
/// Those of the system.
pub fn remove(file: &Examined) -> io::Result<Removal> {
    // Weaker evidence is no reason to remove what a lease was granted for.
    let takes_no_lease = file.evidence != Evidence::LeaseGranted;
    let mut pauses = lease::pauses();
    loop {
        let look = match lease::look(&file.path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Removal::Gone),
            other => other?,
        };
        match look.lease {
            _ if look.id != file.id => return Ok(Removal::Changed),
            // `look` holds the lease until the name is gone.
            Lease::Granted => return remove_regardless(&file.path),
            Lease::NoEvidence if takes_no_lease => return remove_regardless(&file.path),
            Lease::NoEvidence | Lease::Refused => {}
        }
        drop(look);
        // A scraper may have the file open for a moment.
        match pauses.next() {
            Some(pause) => thread::sleep(pause),
            None => return Ok(Removal::Changed),
        }
    }
}

/// Removes a name, whoever has the file open. Of a link, the target stays.
///
/// # Errors
/// Those of the system, but for the name being gone already.
pub fn remove_regardless(path: &Path) -> io::Result<Removal> {
    match fs::remove_file(path) {
        Ok(()) => Ok(Removal::Removed),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Removal::Gone),
        Err(error) => Err(error),
    }
}
