//! The lock that keeps readers and compaction apart (docs/compaction.md, Lock): whoever reads has it together with
//! the other readers, and while files change places the compaction has it alone.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use compact_str::CompactString;
use rustix::fs::{FlockOperation, OFlags, flock};
use rustix::io::Errno;

use super::compaction::BARRIER;
use super::{Contents, Directory};

/// Files change places for a few milliseconds.
const PAUSE: Duration = Duration::from_millis(1);

/// A directory that is read without the lock, and the names that tell whether a compaction changed it meanwhile.
#[derive(Debug)]
pub(super) struct Unlocked {
    directory: Arc<Directory>,
    names: Vec<CompactString>,
}

impl Unlocked {
    pub(super) fn of(directory: &Arc<Directory>, contents: &Contents) -> Self {
        Self { directory: Arc::clone(directory), names: contents.compaction_names() }
    }

    /// Whether nothing of a compaction came or went since it was listed.
    pub(super) fn is_as_it_was(&self) -> bool {
        Contents::of(&self.directory).is_ok_and(|contents| contents.compaction_names() == self.names)
    }

    pub(super) fn directory(&self) -> &Directory {
        &self.directory
    }
}

/// Lists a directory that is to be read, and keeps compactions off it for as long as it stays open. `false` where
/// that cannot be had: after a second, or where the file system has no locks.
///
/// # Errors
/// Those of the system.
pub(super) fn list(directory: &Arc<Directory>) -> io::Result<(Contents, bool)> {
    loop {
        let opened = directory.reopened(OFlags::RDONLY)?;
        match flock(&opened, FlockOperation::NonBlockingLockShared) {
            Ok(()) => {
                let contents = Contents::listed(directory, opened.try_clone()?)?;
                directory.keep_locked(opened);
                return Ok((contents, true));
            }
            Err(Errno::WOULDBLOCK) => {
                // The compaction takes an open directory for a listing, and would wait for it.
                drop(opened);
                loop {
                    if !directory.wait(PAUSE) {
                        return Ok((Contents::of(directory)?, false));
                    }
                    // While the barrier is up, it waits for a moment without any.
                    if directory.metadata(BARRIER).is_err() {
                        break;
                    }
                }
            }
            Err(_) => return Ok((Contents::listed(directory, opened)?, false)),
        }
    }
}
