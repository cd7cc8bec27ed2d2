//! Which files of dead processes can go: what `mark_process_dead` does for one process, for all.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::open::{Intent, open, open_below};
use super::temporary::is_temporary;
use crate::directory::{Contents, Directory, DirectoryError, InDirectory, MetricFile, Place, Scan};
use crate::liveness::{Evidence, Examined, Liveness, examine};
use crate::model::GaugeMode;

/// The gauges of a directory that may be pruned.
#[derive(Debug)]
pub struct Gauges {
    /// The directory's path.
    pub directory: PathBuf,
    /// Files of dead processes, in byte order of their names.
    pub dead: Vec<Examined>,
    /// Files of live processes.
    pub live: Vec<Examined>,
    /// Files of which it cannot be told.
    pub unknown: Vec<Examined>,
    /// What an interrupted run left and this one could neither finish nor undo.
    pub leftovers: Vec<Place>,
}

impl Gauges {
    /// Files whose processes may be in another pid namespace.
    pub fn out_of_sight(&self) -> impl Iterator<Item = &Examined> {
        self.unknown.iter().filter(|file| is_out_of_sight(file))
    }

    /// Takes these processes for dead, as the caller says.
    pub fn take_for_dead(&mut self) {
        self.dead.extend(self.unknown.extract_if(.., |file| is_out_of_sight(file)));
        self.dead.sort_by(|a, b| a.file.file_name().cmp(b.file.file_name()));
    }
}

fn is_out_of_sight(file: &Examined) -> bool {
    matches!(file.evidence, Some(Evidence::OutOfSight(_)))
}

/// Examines the gauges of these modes in a directory.
///
/// # Errors
/// [`DirectoryError`] if the directory or a file in it cannot be looked at.
pub fn gauges(directory: &Path, modes: &[GaugeMode], intent: Intent) -> Result<Gauges, DirectoryError> {
    let (directory, contents) = open(directory, intent)?;
    gauges_in(&directory, contents, modes)
}

/// Examines the same in a directory and all below it, in byte order of their paths. Links are not followed.
/// What cannot be looked at below it is left out, and named.
///
/// # Errors
/// [`DirectoryError`] if the directory itself, or a file in it, cannot be looked at.
pub fn gauges_below(
    top: &Path,
    modes: &[GaugeMode],
    intent: Intent,
) -> Result<(Vec<Gauges>, Vec<DirectoryError>), DirectoryError> {
    let (opened, mut left_out) = open_below(top, intent)?;
    let mut found = Vec::new();
    for (number, (directory, contents)) in opened.into_iter().enumerate() {
        match gauges_in(&directory, contents, modes) {
            Ok(gauges) => found.push(gauges),
            Err(error) if number == 0 => return Err(error),
            Err(error) => left_out.push(error),
        }
    }
    Ok((found, left_out))
}

pub(super) fn gauges_in(
    directory: &Arc<Directory>,
    mut contents: Contents,
    modes: &[GaugeMode],
) -> Result<Gauges, DirectoryError> {
    let is_candidate = |file: &MetricFile| file.name.mode.is_some_and(|mode| modes.contains(&mode));
    let mut leftovers = std::mem::take(&mut contents.leftovers);
    leftovers.retain(|leftover| !is_temporary(leftover));
    let files = Scan::of(directory, contents).files;
    let candidates = files.into_iter().filter(is_candidate).collect();
    let (dead, rest): (Vec<_>, Vec<_>) =
        present(candidates)?.into_iter().partition(|file| file.liveness() == Liveness::Dead);
    let (live, unknown): (Vec<_>, Vec<_>) =
        rest.into_iter().partition(|file| file.liveness() == Liveness::Live);
    let directory = directory.path().to_owned();
    Ok(Gauges { directory, dead, live, unknown, leftovers })
}

/// Examines files; those that have vanished are left out.
pub(super) fn present<F: InDirectory>(files: Vec<F>) -> Result<Vec<Examined<F>>, DirectoryError> {
    let mut examined: Vec<_> = files.into_iter().map(Examined::unasked).collect();
    examine(&mut examined)?;
    examined.retain(|file| file.evidence.is_some());
    Ok(examined)
}

/// The existing files that `mark_process_dead(pid)` of the client removes, if `modes` are the live
/// ones. The client's glob takes `*`, `?` and `[` in a pid for wildcards; here they are characters.
///
/// # Errors
/// [`DirectoryError`] if there is no such directory.
pub fn gauges_of(
    directory: &Path,
    pid: &str,
    modes: &[GaugeMode],
    intent: Intent,
) -> Result<Vec<Place>, DirectoryError> {
    let (opened, _) = open(directory, intent)?;
    let places = modes.iter().map(|mode| Place::new(&opened, &format!("gauge_{mode}_{pid}.db")));
    Ok(places.filter(Place::exists).collect())
}
