//! A fold and the barrier on the disk, complete but for their names.

use std::io::{self, Write};
use std::os::unix::fs::MetadataExt;
use std::sync::Arc;

use rustix::fs::{Gid, Mode, Uid, fchown, fstatvfs};

use super::super::temporary::Temporary;
use super::places::barrier;
use super::report::{CompactError, Step};
use super::survey::Group;
use crate::directory::Directory;

/// Files that are complete but for their names.
pub(super) struct Written {
    pub(super) fold: Temporary,
    pub(super) barrier: Temporary,
}

impl Written {
    /// Writes both.
    ///
    /// # Errors
    /// [`CompactError::NoSpace`] where there is no room, and those of the system.
    pub(super) fn new(directory: &Arc<Directory>, group: &Group, bytes: &[u8]) -> Result<Self, CompactError> {
        let write = || {
            // First: where the fold takes all that is left, a smaller one is tried.
            let barrier = barrier(directory)?;
            let temporary = Temporary::create(directory)?;
            let Group { uid, gid, mode, .. } = *group;
            let owner = temporary.file().metadata()?;
            let mut mode = Mode::from_raw_mode(mode);
            if owner.uid() != uid {
                fchown(temporary.file(), Some(Uid::from_raw(uid)), None)?;
            }
            // One who is not in the group cannot give it to it; then the group has no rights.
            if owner.gid() != gid && fchown(temporary.file(), None, Some(Gid::from_raw(gid))).is_err() {
                mode -= Mode::RWXG;
            }
            temporary.set_mode(mode)?;
            let result = temporary.file().write_all(bytes).and_then(|()| temporary.file().sync_all());
            match result {
                Ok(()) => Ok(Ok(Self { fold: temporary, barrier })),
                Err(error) if is_no_space(&error) => {
                    let system = fstatvfs(temporary.file())?;
                    let room = system.f_bavail.saturating_mul(system.f_frsize);
                    // What was written of it is room as well.
                    let written = temporary.file().metadata()?.blocks() * 512;
                    Ok(Err((bytes.len() as u64).saturating_sub(room + written).max(1)))
                }
                Err(error) => Err(error),
            }
        };
        let missing =
            |missing_bytes| CompactError::NoSpace { path: directory.path().to_owned(), missing_bytes };
        match write() {
            Ok(written) => written.map_err(missing),
            // Not even a file without content.
            Err(error) if is_no_space(&error) => Err(missing(bytes.len() as u64)),
            Err(error) => {
                Err(CompactError::Io { path: directory.path().to_owned(), step: Step::Fold, source: error })
            }
        }
    }
}

fn is_no_space(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded)
}
