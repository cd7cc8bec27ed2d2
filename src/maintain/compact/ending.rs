//! How a compaction ends, also one that somebody else began: the barrier goes down, what is aside goes or comes
//! back.

use std::io;
use std::os::fd::AsFd;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use rustix::fs::fsync;

use super::leased::{Leased, lease_all};
use super::places::{lock, move_name, put_barrier_up, remove_name, roll_back, take_barrier_down, unlock};
use super::watch::{QUIET, Watch};
use crate::directory::compaction::{AsideName, FoldName};
use crate::directory::{Directory, DirectoryError, InDirectory, Place};
use crate::sys::SignalsBlocked;

const PAUSE: Duration = Duration::from_millis(1);

/// Takes the barrier down once no listing is under way that began under it, and puts all on the disk. `false` if
/// one went on for longer than `wait`.
pub(super) fn lower_barrier(
    directory: &Directory,
    handle: impl AsFd,
    watch: &mut Watch,
    wait: Duration,
) -> io::Result<bool> {
    let until = Instant::now() + wait;
    let is_over = loop {
        watch.drain()?;
        if watch.are_listings_over() {
            break true;
        }
        if Instant::now() > until {
            break false;
        }
        thread::sleep(PAUSE);
    };
    take_barrier_down(directory)?;
    fsync(handle)?;
    Ok(is_over)
}

/// Removes what is aside of a committed fold, if all of it is as it was folded, and nobody writes to it; `false`
/// otherwise.
pub(super) fn remove_asides(directory: &Arc<Directory>, asides: &[String]) -> Result<bool, DirectoryError> {
    let places = asides.iter().map(|name| Place::new(directory, name)).collect();
    let (leased, others) = lease_all(places)?;
    let is_as_it_was = |one: &Leased<Place>| {
        let hash = AsideName::parse(one.file.file_name()).map(|aside| aside.hash);
        one.hash().ok() == hash && !one.is_wanted()
    };
    if !others.is_empty() || !leased.iter().all(is_as_it_was) {
        return Ok(false);
    }
    for one in &leased {
        let name = one.file.file_name();
        remove_name(directory, name)
            .map_err(|source| DirectoryError::Io { path: directory.path_of(name), source })?;
    }
    Ok(true)
}

/// Undoes a commit: the archive becomes a fold again, and what is aside gets its names back. `false` if there was
/// no quiet moment for it, or no lock.
pub(super) fn take_back(
    directory: &Arc<Directory>,
    handle: impl AsFd + Copy,
    watch: &mut Watch,
    fold: &FoldName<'_>,
    asides: &[String],
    next_generation: &mut u64,
    wait: Duration,
) -> io::Result<bool> {
    let until = Instant::now() + wait.max(QUIET) + QUIET;
    loop {
        loop {
            watch.drain()?;
            if watch.is_quiet(QUIET) {
                break;
            }
            if Instant::now() > until {
                return Ok(false);
            }
            thread::sleep(PAUSE);
        }
        watch.mark();
        if !lock(handle, until, || false)? {
            return Ok(false);
        }
        let blocked = SignalsBlocked::new();
        put_barrier_up(directory)?;
        watch.drain()?;
        let is_disturbed = watch.is_disturbed();
        let undone = if is_disturbed {
            Ok(())
        } else {
            match move_name(directory, &fold.archive_name(), &fold.to_string()) {
                Ok(()) => roll_back(directory, fold, asides, next_generation),
                // With the archive gone, somebody has wiped the directory: what is still written to stays theirs.
                Err(error) if error.kind() == io::ErrorKind::NotFound => {
                    roll_back(directory, fold, asides, next_generation)
                }
                Err(error) => Err(error),
            }
        };
        let lowered = undone.and_then(|()| lower_barrier(directory, handle, watch, wait));
        unlock(handle);
        drop(blocked);
        lowered?;
        if !is_disturbed {
            return Ok(true);
        }
    }
}
