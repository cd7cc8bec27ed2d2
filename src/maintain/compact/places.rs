//! The changes of names that compaction is made of: the barrier, files aside, and the way back.

use std::io::{self, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::sync::Arc;
use std::time::{Duration, Instant};

use rustix::fs::{self, AtFlags, FlockOperation, OFlags};
use rustix::io::Errno;

use super::super::remove::rename;
use super::super::temporary::Temporary;
use crate::directory::compaction::{AsideName, BARRIER, FoldName, generation_of};
use crate::directory::{Contents, Directory, InDirectory};
use crate::format::HEADER_BYTES;

/// What the barrier's header says is used, and its length.
const BARRIER_BYTES: i32 = 64;
/// The length that its one entry claims.
const BEYOND: i32 = 1 << 20;
const PAUSE: Duration = Duration::from_millis(1);
/// Between two looks whether the lock can be had: for each the directory is opened.
const BETWEEN: Duration = Duration::from_millis(10);

/// Puts the barrier up.
pub(super) fn put_barrier_up(directory: &Arc<Directory>) -> io::Result<()> {
    barrier(directory)?.rename_onto_nothing(BARRIER)
}

/// The barrier, complete but for its name: an entry longer than its file, on which every client fails.
pub(super) fn barrier(directory: &Arc<Directory>) -> io::Result<Temporary> {
    let mut bytes = vec![0; BARRIER_BYTES.unsigned_abs() as usize];
    bytes[..4].copy_from_slice(&BARRIER_BYTES.to_ne_bytes());
    bytes[HEADER_BYTES..][..4].copy_from_slice(&BEYOND.to_ne_bytes());
    let temporary = Temporary::create(directory)?;
    temporary.file().write_all(&bytes)?;
    // Whoever scrapes must be able to read it.
    temporary.set_mode(fs::Mode::from_raw_mode(0o644))?;
    Ok(temporary)
}

/// Takes the barrier down.
pub(super) fn take_barrier_down(directory: &Directory) -> io::Result<()> {
    remove_name(directory, BARRIER)
}

/// Removes a name, if it is there.
pub(super) fn remove_name(directory: &Directory, name: &str) -> io::Result<()> {
    match fs::unlinkat(directory, name, AtFlags::empty()) {
        Ok(()) | Err(Errno::NOENT) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

/// Renames, but onto nothing.
pub(super) fn move_name(directory: &Directory, from: &str, to: &str) -> io::Result<()> {
    Ok(rename(directory, from, to)?)
}

/// Takes the lock for this process alone; `false` if others have kept it until then, or it is not wanted any more.
pub(super) fn lock(
    handle: impl AsFd,
    until: Instant,
    mut is_given_up: impl FnMut() -> bool,
) -> io::Result<bool> {
    loop {
        match fs::flock(&handle, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => return Ok(true),
            Err(Errno::WOULDBLOCK) if Instant::now() < until && !is_given_up() => {
                std::thread::sleep(PAUSE);
            }
            Err(Errno::WOULDBLOCK) => return Ok(false),
            Err(Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
    }
}

/// Opens the directory and takes the lock; `None` if others have kept it for so long. Meanwhile it is closed most of
/// the time: a compaction takes an open directory for a listing, and waits for it with the barrier up.
pub(in super::super) fn opened_with_lock(
    directory: &Directory,
    wait: Duration,
) -> io::Result<Option<OwnedFd>> {
    let until = Instant::now() + wait;
    loop {
        let handle = directory.reopened(OFlags::RDONLY)?;
        if lock(&handle, Instant::now(), || true)? {
            return Ok(Some(handle));
        }
        drop(handle);
        loop {
            if Instant::now() > until {
                return Ok(None);
            }
            std::thread::sleep(BETWEEN);
            if directory.metadata(BARRIER).is_err() {
                break;
            }
        }
    }
}

/// Ends the lock.
pub(super) fn unlock(handle: impl AsFd) {
    // Closing it ends it, too.
    let _ = fs::flock(handle, FlockOperation::Unlock);
}

/// Gives each file aside of a fold its name back, or, where a process has made a file of that name meanwhile, that
/// of an archive: one file is a valid archive. Then the fold goes. It needs no lease and no space.
pub(super) fn roll_back(
    directory: &Directory,
    fold: &FoldName<'_>,
    asides: &[String],
    next_generation: &mut u64,
) -> io::Result<()> {
    for name in asides {
        let Some(aside) = AsideName::parse(name) else { continue };
        match rename(directory, name, aside.name) {
            Ok(()) | Err(Errno::NOENT) => {}
            Err(Errno::EXIST) => loop {
                let archive = FoldName { generation: *next_generation, class: fold.class }.archive_name();
                *next_generation += 1;
                match rename(directory, name, &archive) {
                    Ok(()) | Err(Errno::NOENT) => break,
                    Err(Errno::EXIST) => {}
                    Err(error) => return Err(error.into()),
                }
            },
            Err(error) => return Err(error.into()),
        }
    }
    remove_name(directory, &fold.to_string())
}

/// One more than any generation in a directory.
pub(super) fn next_generation(contents: &Contents) -> u64 {
    let own = contents.leftovers.iter().map(InDirectory::file_name);
    let names = own.chain(contents.files.iter().map(InDirectory::file_name));
    names.filter_map(generation_of).max().unwrap_or_default().saturating_add(1)
}

/// The files aside of a fold that stand in a directory.
pub(super) fn asides_of(contents: &Contents, fold: &FoldName<'_>) -> Vec<String> {
    let is_of_it = |name: &&str| {
        AsideName::parse(name).is_some_and(|aside| {
            aside.generation == fold.generation
                && aside.metric_name().is_some_and(|name| name.class() == fold.class)
        })
    };
    let names = contents.leftovers.iter().map(InDirectory::file_name);
    names.filter(is_of_it).map(str::to_owned).collect()
}
