//! A file that is written under a name of promproc's own, and gets the one that it is for when it is
//! complete. While it is written it is locked (`flock`): so a run that finds one knows whether anybody still
//! writes it, in whatever pid namespace, and a lock ends with its process.

use std::ffi::OsStr;
use std::fs::File;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::sync::Arc;

use rustix::fs::{self, AtFlags, FlockOperation, Mode, OFlags};
use rustix::io::Errno;

use super::remove::rename;
use crate::directory::own::{OWN_PREFIX, are_random_digits, random_digits};
use crate::directory::{Contents, Directory, FileId, InDirectory, Place};

/// How the names go on after [`OWN_PREFIX`]; random digits follow.
const TEMPORARY: &str = "tmp-";
/// So often must another run take the file away in the instant before it is locked, for this one to give up.
const TRIES: usize = 100;

/// A file that is not complete. It is removed when this is dropped.
#[derive(Debug)]
pub(super) struct Temporary {
    directory: Arc<Directory>,
    name: String,
    file: File,
    is_complete: bool,
}

impl Temporary {
    /// Creates one, which nobody but its owner can open, and locks it.
    ///
    /// # Errors
    /// Those of the system.
    pub(super) fn create(directory: &Arc<Directory>) -> io::Result<Self> {
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let owner_alone = Mode::RUSR | Mode::WUSR;
        for _ in 0..TRIES {
            let name = format!("{OWN_PREFIX}{TEMPORARY}{}", random_digits());
            let file = match fs::openat(&**directory, &name, flags, owner_alone) {
                Err(Errno::EXIST | Errno::INTR) => continue,
                opened => File::from(opened?),
            };
            let created = Self { directory: Arc::clone(directory), name, file, is_complete: false };
            created.set_mode(owner_alone)?;
            match fs::flock(&created.file, FlockOperation::NonBlockingLockExclusive) {
                // Before it was locked, another run took it for left behind.
                Err(Errno::WOULDBLOCK) => {}
                Ok(()) if created.file.metadata()?.nlink() == 0 => {}
                // Where the file system has no locks, nobody can have one, and nobody removes it.
                Ok(()) | Err(_) => return Ok(created),
            }
        }
        Err(io::Error::other("other runs of promproc keep removing its temporary file"))
    }

    /// What it is written with.
    pub(super) fn file(&self) -> &File {
        &self.file
    }

    /// Sets its permissions, whatever the umask.
    ///
    /// # Errors
    /// Those of the system.
    pub(super) fn set_mode(&self, mode: Mode) -> io::Result<()> {
        let has = Mode::from_raw_mode(fs::fstat(&self.file)?.st_mode);
        // Where a file system has the same for all files, it refuses even these.
        if has != mode {
            fs::fchmod(&self.file, mode)?;
        }
        Ok(())
    }

    /// Puts what was written on the disk, and gives it its name in place of what has that.
    ///
    /// # Errors
    /// Those of the system; then the old file stays, and this one goes.
    pub(super) fn rename_over(mut self, name: &OsStr) -> io::Result<()> {
        self.file.sync_all()?;
        self.is_in_its_place()?;
        fs::renameat(&*self.directory, &self.name, &*self.directory, name)?;
        self.is_complete = true;
        Ok(())
    }

    /// Gives it its name, if nothing has that.
    ///
    /// # Errors
    /// Those of the system; then this file goes.
    pub(super) fn rename_onto_nothing(mut self, name: &str) -> io::Result<()> {
        self.is_in_its_place()?;
        rename(&self.directory, &self.name, name)?;
        self.is_complete = true;
        Ok(())
    }

    fn is_in_its_place(&self) -> io::Result<()> {
        let named = self.directory.metadata(&self.name)?;
        if FileId::of(&named) != FileId::of(&self.file.metadata()?) {
            return Err(io::Error::other("something else took the place of its temporary file"));
        }
        Ok(())
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        if !self.is_complete {
            // Whoever drops it has an error to tell already.
            let _ = fs::unlinkat(&*self.directory, &self.name, AtFlags::empty());
        }
    }
}

/// Removes what was left behind in a directory, as far as that can be told and done.
pub(super) fn remove_left(directory: &Arc<Directory>) {
    // Who may create a file need not be able to list the directory.
    for leftover in Contents::of(directory).map(|contents| contents.leftovers).unwrap_or_default() {
        recover(&leftover);
    }
}

/// Whether the name is of a temporary file. One that is still there is being written, or is another user's.
pub(super) fn is_temporary(leftover: &Place) -> bool {
    let random = leftover.file_name().strip_prefix(OWN_PREFIX).and_then(|rest| rest.strip_prefix(TEMPORARY));
    random.is_some_and(are_random_digits)
}

/// Removes a temporary file that nobody writes any more. `None` if the name is of no such file;
/// `Some(false)` if it has to be left as it is.
pub(super) fn recover(leftover: &Place) -> Option<bool> {
    if !is_temporary(leftover) {
        return None;
    }
    match remove_unlocked(leftover) {
        Err(error) => Some(error.kind() == io::ErrorKind::NotFound),
        Ok(()) => Some(true),
    }
}

fn remove_unlocked(leftover: &Place) -> io::Result<()> {
    let (directory, name) = (leftover.directory(), leftover.file_name());
    let file = directory.open_file(name)?;
    fs::flock(&file, FlockOperation::NonBlockingLockExclusive)?;
    // It may have been completed, and its name be another's.
    if FileId::of(&directory.metadata(name)?) == FileId::of(&file.metadata()?) {
        fs::unlinkat(&**directory, name, AtFlags::empty())?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names_in(directory: &Arc<Directory>) -> Vec<String> {
        let contents = Contents::of(directory).expect("a list");
        contents.leftovers.iter().map(|leftover| leftover.file_name().to_owned()).collect()
    }

    #[test]
    fn one_that_is_written_stays_and_one_that_was_left_goes() {
        let place = tempfile::tempdir().expect("a directory");
        let directory = Arc::new(Directory::open(place.path()).expect("opened"));
        let written = Temporary::create(&directory).expect("created");
        for other in [".promproc-tmp-0123456789abcdef", ".promproc-tmp-0", ".promproc-abc.tmp"] {
            std::fs::write(place.path().join(other), "").expect("written");
        }
        remove_left(&directory);
        let mut left = [written.name.as_str(), ".promproc-tmp-0", ".promproc-abc.tmp"];
        left.sort_unstable();
        assert_eq!(names_in(&directory), left);
        drop(written);
        assert_eq!(names_in(&directory), [".promproc-abc.tmp", ".promproc-tmp-0"]);
    }
}
