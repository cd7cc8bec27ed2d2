//! What an interrupted compaction left: finished or undone from the names alone (docs/compaction.md, Recover).

use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use rustix::fs::OFlags;

use super::ending::{lower_barrier, remove_asides, take_back};
use super::places::{asides_of, lock, roll_back, unlock};
use super::watch::{QUIET, Watch};
use crate::directory::compaction::{AsideName, BARRIER, FoldName, generation_of};
use crate::directory::{Contents, Directory, DirectoryError, InDirectory};
use crate::sys::SignalsBlocked;

/// How long it waits for the lock, and for a quiet moment.
const WAIT: Duration = Duration::from_secs(5);
/// What is aside of a committed fold stays for so long after it was found.
const GRACE: Duration = Duration::from_secs(1);

/// Finishes or undoes it. `None` if there is nothing; `Some(false)` if something has to stay as it is.
///
/// # Errors
/// [`DirectoryError`].
pub(in super::super) fn recover(
    directory: &Arc<Directory>,
    contents: &Contents,
) -> Result<Option<bool>, DirectoryError> {
    if !has_left(contents) {
        return Ok(None);
    }
    let of_system = |error: io::Error| DirectoryError::of_system(directory.path(), error);
    let handle = directory.reopened(OFlags::RDONLY).map_err(of_system)?;
    let mut watch = Watch::new(directory).map_err(of_system)?;
    if !lock(&handle, std::time::Instant::now() + WAIT, || false).map_err(of_system)? {
        return Ok(Some(false));
    }
    // As it is now that nobody else changes it.
    let contents = Contents::of(directory).map_err(of_system)?;
    let names: Vec<_> = contents.leftovers.iter().map(InDirectory::file_name).collect();
    let all = names.iter().copied().chain(contents.files.iter().map(InDirectory::file_name));
    let mut next_generation = all.filter_map(generation_of).max().unwrap_or_default().saturating_add(1);
    let folds: Vec<_> = names.iter().filter_map(|name| FoldName::parse(name)).collect();
    let blocked = SignalsBlocked::new();
    for fold in &folds {
        roll_back(directory, fold, &asides_of(&contents, fold), &mut next_generation).map_err(of_system)?;
    }
    if names.contains(&BARRIER) {
        lower_barrier(directory, &handle, &mut watch, WAIT.max(QUIET)).map_err(of_system)?;
    }
    drop(blocked);
    unlock(&handle);

    // What is aside of a fold that was committed.
    let mut committed: BTreeMap<(u64, String), Vec<String>> = BTreeMap::new();
    for name in names {
        if let Some(aside) = AsideName::parse(name)
            && let Some(metric) = aside.metric_name()
            && !folds.contains(&FoldName { generation: aside.generation, class: metric.class() })
        {
            let of = (aside.generation, metric.class().to_owned());
            committed.entry(of).or_default().push(name.to_owned());
        }
    }
    if !committed.is_empty() {
        thread::sleep(GRACE);
    }
    let mut is_whole = true;
    for ((generation, class), asides) in committed {
        if remove_asides(directory, &asides)? {
            continue;
        }
        let fold = FoldName { generation, class: &class };
        is_whole &= take_back(directory, &handle, &mut watch, &fold, &asides, &mut next_generation, WAIT)
            .map_err(of_system)?;
    }
    Ok(Some(is_whole))
}

/// Whether anything of a compaction stands in a directory that is not an archive.
fn has_left(contents: &Contents) -> bool {
    let is_of_one = |name: &str| name == BARRIER || generation_of(name).is_some();
    contents.leftovers.iter().map(InDirectory::file_name).any(is_of_one)
}
