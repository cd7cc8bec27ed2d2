//! Unlinks examined files. Nothing is ever truncated: that kills a live writer with SIGBUS.

use std::fs::File;
use std::io;

use rustix::fs::{self, AtFlags};
use rustix::io::Errno;

use crate::directory::own::{OWN_PREFIX, REMOVING, random_digits};
use crate::directory::{Directory, FileId, InDirectory, Place};
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

/// As long as a name may be, on every file system that has leases.
const LONGEST_NAME_BYTES: usize = 255;

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
/// file without a name; without a lease, all that come between examination and unlinking. Whoever is killed
/// in between leaves a name that says what to do; the next to maintain the directory finishes it.
///
/// # Errors
/// Those of the system.
pub fn remove<F: InDirectory>(file: &Examined<F>) -> io::Result<Removal> {
    let (look, leased) = match lease::look(&file.file) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Removal::Gone),
        other => other?,
    };
    if Some(look.id) != file.id {
        return Ok(Removal::Changed);
    }
    match (look.lease, leased) {
        (Lease::Granted | Lease::GrantedButForMaps, Some(leased)) => {
            remove_leased(&file.file, look.id, &leased)
        }
        // Weaker evidence is no reason to remove what a lease was granted for.
        (Lease::NoEvidence, _) if file.evidence != Some(Evidence::LeaseGranted) => {
            remove_regardless(&file.file)
        }
        _ => Ok(Removal::Changed),
    }
}

/// Removes a file on which a lease is held, unless a process waits for it.
fn remove_leased(file: &impl InDirectory, id: FileId, leased: &File) -> io::Result<Removal> {
    let (directory, name) = (file.directory(), file.file_name());
    let aside = loop {
        let aside = name_aside(name)?;
        match rename(directory, name, &aside) {
            Err(Errno::NOENT) => return Ok(Removal::Gone),
            Err(Errno::EXIST) => {}
            Err(error) => return Err(error.into()),
            Ok(()) => break aside,
        }
    };
    // Between the lease and the renaming another file may have got the name.
    let is_it = match directory.metadata(&aside) {
        Ok(metadata) => FileId::of(&metadata) == id,
        // Another promproc took it for an interrupted removal, and has finished it.
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Removal::Removed),
        Err(error) => return Err(error),
    };
    if !is_it || lease::is_wanted(leased) {
        return match rename(directory, &aside, name) {
            // Where the name was taken meanwhile, the next to maintain the directory finds it.
            Ok(()) | Err(Errno::EXIST | Errno::NOENT) => Ok(Removal::Changed),
            Err(error) => Err(error.into()),
        };
    }
    remove_regardless(&Place::new(directory, &aside))?;
    Ok(Removal::Removed)
}

/// A name for a file on its way out, which nobody can foresee.
fn name_aside(name: &str) -> io::Result<String> {
    let aside = format!("{OWN_PREFIX}{REMOVING}{}-{name}", random_digits());
    if aside.len() > LONGEST_NAME_BYTES {
        return Err(io::Error::new(
            io::ErrorKind::InvalidFilename,
            "its name leaves no room for another one",
        ));
    }
    Ok(aside)
}

/// Renames, but onto nothing.
pub(super) fn rename(directory: &Directory, from: &str, to: &str) -> rustix::io::Result<()> {
    match rename_exclusively(directory, from, to) {
        // Not every system, nor every file system, knows this kind of renaming.
        Err(Errno::INVAL | Errno::NOSYS) => match fs::statat(directory, to, AtFlags::SYMLINK_NOFOLLOW) {
            Ok(_) => Err(Errno::EXIST),
            Err(_) => fs::renameat(directory, from, directory, to),
        },
        other => other,
    }
}

#[cfg(any(target_os = "linux", target_os = "macos"))]
fn rename_exclusively(directory: &Directory, from: &str, to: &str) -> rustix::io::Result<()> {
    fs::renameat_with(directory, from, directory, to, fs::RenameFlags::NOREPLACE)
}

#[cfg(not(any(target_os = "linux", target_os = "macos")))]
fn rename_exclusively(_: &Directory, _: &str, _: &str) -> rustix::io::Result<()> {
    Err(Errno::NOSYS)
}

/// Finishes or undoes a removal that was interrupted: what nobody writes to is unlinked, and what a
/// process has open for writing gets its name back, if that is free. `None` if the name is of no such file;
/// `Some(false)` if it has to be left as it is.
///
/// # Errors
/// Those of the system.
pub(super) fn recover(aside: &Place) -> io::Result<Option<bool>> {
    let Some(name) = aside.name_before_removal() else {
        return Ok(None);
    };
    let (look, leased) = match lease::look(aside) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Some(true)),
        other => other?,
    };
    match (look.lease, leased) {
        (Lease::Granted, Some(leased)) if !lease::is_wanted(&leased) => {
            remove_regardless(aside)?;
        }
        (Lease::Refused | Lease::Granted, _) => match rename(aside.directory(), aside.file_name(), name) {
            Ok(()) | Err(Errno::NOENT) => {}
            Err(Errno::EXIST) => return Ok(Some(false)),
            Err(error) => return Err(error.into()),
        },
        (Lease::GrantedButForMaps | Lease::NoEvidence, _) => return Ok(Some(false)),
    }
    Ok(Some(true))
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_name_aside_is_like_another_or_longer_than_a_name_may_be() {
        assert_ne!(name_aside("a.db").expect("a name"), name_aside("a.db").expect("another"));
        assert!(name_aside(&"x".repeat(225)).is_ok() && name_aside(&"x".repeat(226)).is_err());
    }
}
