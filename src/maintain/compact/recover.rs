//! What an interrupted compaction left: finished or undone from the names alone (docs/compaction.md, Recover).

use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use super::ending::{Asides, finish_removal, lower_barrier, remove_asides, take_back};
use super::places::{asides_of, next_generation, opened_with_lock, put_barrier_up, roll_back, unlock};
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
    if left(contents).is_none() {
        return Ok(None);
    }
    let of_system = |error: io::Error| DirectoryError::of_system(directory.path(), error);
    let mut watch = Watch::new(directory).map_err(of_system)?;
    let Some(handle) = opened_with_lock(directory, WAIT).map_err(of_system)? else {
        return Ok(Some(false));
    };
    // As it is now that nobody else changes it.
    let contents = Contents::of(directory).map_err(of_system)?;
    let names: Vec<_> = contents.leftovers.iter().map(InDirectory::file_name).collect();
    let mut next_generation = next_generation(&contents);
    let folds: Vec<_> = names.iter().filter_map(|name| FoldName::parse(name)).collect();
    let mut has_barrier = names.contains(&BARRIER);
    let blocked = SignalsBlocked::new();
    // Unless somebody has removed it.
    if !folds.is_empty() && !has_barrier {
        put_barrier_up(directory).map_err(of_system)?;
        has_barrier = true;
    }
    for fold in &folds {
        roll_back(directory, fold, &asides_of(&contents, fold), &mut next_generation).map_err(of_system)?;
    }
    for done in names.iter().filter_map(|name| FoldName::parse_done(name)) {
        finish_removal(directory, &done, &asides_of(&contents, &done)).map_err(of_system)?;
    }
    if has_barrier {
        lower_barrier(directory, &handle, &mut watch, WAIT.max(QUIET)).map_err(of_system)?;
    }
    drop(blocked);
    unlock(&handle);

    // What is aside of a fold that was committed.
    let mut committed: BTreeMap<(u64, String), Vec<String>> = BTreeMap::new();
    for name in &names {
        if let Some(aside) = AsideName::parse(name)
            && let Some(metric) = aside.metric_name()
            && let fold = (FoldName { generation: aside.generation, class: metric.class() })
            && !folds.contains(&fold)
            && !names.contains(&&*fold.done_name())
        {
            let of = (aside.generation, metric.class().to_owned());
            committed.entry(of).or_default().push((*name).to_owned());
        }
    }
    if !committed.is_empty() {
        thread::sleep(GRACE);
    }
    let mut is_whole = true;
    for ((generation, class), asides) in committed {
        let fold = FoldName { generation, class: &class };
        is_whole &= match remove_asides(directory, &handle, &fold, &asides, WAIT)? {
            Asides::Gone => true,
            Asides::Left => false,
            Asides::Changed => {
                take_back(directory, &handle, &mut watch, &fold, &asides, &mut next_generation, WAIT)
                    .map_err(of_system)?
            }
        };
    }
    Ok(Some(is_whole))
}

/// Something of a compaction that stands in a directory, and is not an archive.
pub(super) fn left(contents: &Contents) -> Option<&str> {
    let is_of_one = |name: &&str| *name == BARRIER || generation_of(name).is_some();
    contents.leftovers.iter().map(InDirectory::file_name).find(is_of_one)
}
