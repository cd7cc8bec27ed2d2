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
use crate::liveness::Liveness;
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
    let began = Instant::now();
    let is_over = loop {
        watch.drain()?;
        if watch.are_listings_over(began) {
            break true;
        }
        if began.elapsed() > wait {
            break false;
        }
        thread::sleep(PAUSE);
    };
    take_barrier_down(directory)?;
    fsync(handle)?;
    Ok(is_over)
}

/// What becomes of the files aside of a committed fold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Asides {
    /// They are gone.
    Gone,
    /// Somebody writes to one, or did: the commit has to be undone.
    Changed,
    /// That could not be told, or the lock was not to be had: they stay, and the next run finds them.
    Left,
}

/// Removes what is aside of a committed fold, if all of it is as it was folded, and nobody writes to it.
///
/// Once the first is gone the commit cannot be undone any more. So that nobody tries, one of them first gets the
/// name that says so, under the lock under which commits are undone.
pub(super) fn remove_asides(
    directory: &Arc<Directory>,
    handle: impl AsFd + Copy,
    fold: &FoldName<'_>,
    asides: &[String],
    wait: Duration,
) -> Result<Asides, DirectoryError> {
    let of_system = |error| DirectoryError::of_system(directory.path(), error);
    let places = asides.iter().map(|name| Place::new(directory, name)).collect();
    let (leased, others) = lease_all(places)?;
    if others.iter().any(|other| other.liveness() == Liveness::Live) {
        return Ok(Asides::Changed);
    }
    let mut is_known = others.is_empty();
    for one in &leased {
        match one.hash() {
            Ok(hash) if AsideName::parse(one.file.file_name()).is_some_and(|aside| aside.hash == hash) => {}
            Ok(_) => return Ok(Asides::Changed),
            Err(_) => is_known = false,
        }
        if one.is_wanted() {
            return Ok(Asides::Changed);
        }
    }
    let Some(first) = leased.first().filter(|_| is_known) else {
        return Ok(if is_known { Asides::Gone } else { Asides::Left });
    };
    let is_any_wanted = || leased.iter().any(Leased::is_wanted);
    let is_locked = lock(handle, Instant::now() + wait, is_any_wanted).map_err(of_system)?;
    if is_any_wanted() {
        // The lock ends before who waits is let in, or with the handle.
        unlock(handle);
        return Ok(Asides::Changed);
    }
    if !is_locked {
        return Ok(Asides::Left);
    }
    // Another run may have undone it, in whole or in part.
    let removed = if directory.metadata(&fold.to_string()).is_ok() {
        Ok(Asides::Left)
    } else {
        match move_name(directory, first.file.file_name(), &fold.done_name()) {
            Ok(()) => finish_removal(directory, fold, asides).map(|()| Asides::Gone),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Asides::Gone),
            Err(error) => Err(error),
        }
    };
    unlock(handle);
    removed.map_err(of_system)
}

/// Removes what is aside of a fold of which that is decided.
pub(super) fn finish_removal(
    directory: &Directory,
    fold: &FoldName<'_>,
    asides: &[String],
) -> io::Result<()> {
    asides.iter().try_for_each(|name| remove_name(directory, name))?;
    remove_name(directory, &fold.done_name())
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
        let undone = if is_disturbed { Ok(()) } else { uncommit(directory, fold, asides, next_generation) };
        let lowered = undone.and_then(|()| lower_barrier(directory, handle, watch, wait));
        unlock(handle);
        drop(blocked);
        lowered?;
        if !is_disturbed {
            return Ok(true);
        }
    }
}

/// Makes an archive a fold again, and gives what is aside its names back. The lock is held, and the barrier up.
fn uncommit(
    directory: &Directory,
    fold: &FoldName<'_>,
    asides: &[String],
    next_generation: &mut u64,
) -> io::Result<()> {
    let is_there = |name: &str| directory.metadata(name).is_ok();
    if !is_there(&fold.to_string()) {
        // Another run is removing them, or did: then nothing can be undone.
        if is_there(&fold.done_name()) || !asides.iter().all(|name| is_there(name)) {
            return finish_removal(directory, fold, asides);
        }
        match move_name(directory, &fold.archive_name(), &fold.to_string()) {
            Ok(()) => {}
            // With the archive gone, somebody has wiped the directory, and these files with it.
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return finish_removal(directory, fold, asides);
            }
            Err(error) => return Err(error),
        }
    }
    roll_back(directory, fold, asides, next_generation)
}
