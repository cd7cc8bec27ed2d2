//! Merging: entries of many processes → metric families, as `MultiProcessCollector.merge` of
//! prometheus_client 0.26.0 makes them of the same files in the same order.
//!
//! One entry's way: the directory's reader hands it out; its raw key leads, through the table of
//! known keys (`keys`), to a target that was found once for all equal keys (`pass`); the target says
//! which cell of the merged series (`series`) the value goes to, and how.

mod pass;
mod series;
mod trace;

use std::collections::HashMap;
use std::path::PathBuf;

use crate::directory::{self, DbFile, DirectoryError, Problem, Scan};
use crate::model::{GaugeMode, MetricFamily, MetricType};
use crate::select::Selection;
use pass::Pass;
use series::Series;
use trace::Trace;

pub use trace::{Contribution, TracedSeries};

/// In which order families and series come out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Order {
    /// As first seen in the files: the client's.
    #[default]
    FirstSeen,
    /// Families by name, series by labels.
    Sorted,
}

/// What to merge, and how.
#[derive(Clone, Debug)]
pub struct Options {
    /// Which entries to take.
    pub selection: Selection,
    /// Cumulate histogram buckets and print `_count`; `false` is the client's `accumulate=False`.
    pub accumulate: bool,
    /// In which order the result comes.
    pub order: Order,
    /// Take every directory below a path as well.
    pub recursive: bool,
    /// Fail at the first thing that would be left out.
    pub strict: bool,
    /// How many threads may read; the result does not depend on it. `None`: as many as help.
    pub threads: Option<usize>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            selection: Selection::default(),
            accumulate: true,
            order: Order::FirstSeen,
            recursive: false,
            strict: false,
            threads: None,
        }
    }
}

/// A merge that cannot be done.
#[derive(Debug, thiserror::Error)]
pub enum MergeError {
    /// A path cannot be worked on.
    #[error(transparent)]
    Directory(#[from] DirectoryError),
    /// With [`Options::strict`]: the first thing that would be left out.
    #[error(transparent)]
    Strict(Problem),
}

/// Something in the files that the client merges in a way that may surprise.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, thiserror::Error)]
pub enum Conflict {
    /// Gauge files of several modes have entries of one family.
    #[error(
        "family {family}: its files are of the modes {other} and {last}; {last}, of the file read last, \
         applies to all"
    )]
    Modes {
        /// The family's name.
        family: String,
        /// Another mode.
        other: GaugeMode,
        /// The mode that applies.
        last: GaugeMode,
    },
    /// Files of several types have entries of one family.
    #[error(
        "family {family}: its files are of the types {first} and {other}; {first}, of the file read first, \
         applies to all"
    )]
    Types {
        /// The family's name.
        family: String,
        /// The type that applies.
        first: MetricType,
        /// Another type.
        other: MetricType,
    },
    /// A gauge has a label of the name that the multiprocess mode uses itself.
    #[error("family {family}: its own label pid is lost, the multiprocess mode overwrites or removes it")]
    PidLabel {
        /// The family's name.
        family: String,
    },
    /// A gauge mode that no client release has.
    #[error("family {family}: no client has the gauge mode {mode}; it is treated as all")]
    UnknownMode {
        /// The family's name.
        family: String,
        /// The mode as file names spell it.
        mode: String,
    },
    /// A key has a lone surrogate.
    #[error(
        "family {family}: a lone surrogate in a name, label or help became U+FFFD; the official client \
         fails on it"
    )]
    Surrogate {
        /// The family's name.
        family: String,
    },
}

/// The result of a merge.
#[derive(Debug)]
pub struct Merged {
    series: Series,
    accumulate: bool,
    order: Order,
    /// What was left out.
    pub problems: Vec<Problem>,
    /// What the client's rules decided.
    pub conflicts: Vec<Conflict>,
}

impl Merged {
    /// The metric families, each made when it is asked for.
    pub fn into_families(self) -> impl Iterator<Item = MetricFamily> {
        self.series.into_families(self.accumulate, self.order)
    }
}

/// How often a directory is scanned, or its files are read, when they change meanwhile.
const TRIES: usize = 3;

/// Merges the metric files of directories, and files.
///
/// # Errors
/// [`MergeError`] if a path cannot be worked on or, with [`Options::strict`], something would be
/// left out.
pub fn merge(paths: &[PathBuf], options: &Options) -> Result<Merged, MergeError> {
    let (_, merged, _) = merge_stable(paths, options, false)?;
    Ok(merged)
}

/// The result of a merge with the way to it.
#[derive(Debug)]
pub struct Traced {
    /// The files read, in order.
    pub files: Vec<DbFile>,
    /// Every series of the result, and those that nobody set, with what was merged into it.
    pub series: Vec<TracedSeries>,
    /// What was left out.
    pub problems: Vec<Problem>,
    /// What the client's rules decided.
    pub conflicts: Vec<Conflict>,
}

/// Merges as [`merge`] does, and tells which entries each series was made of.
///
/// # Errors
/// As [`merge`].
pub fn trace(paths: &[PathBuf], options: &Options) -> Result<Traced, MergeError> {
    let (files, merged, trace) = merge_stable(paths, options, true)?;
    let Merged { series, problems, conflicts, .. } = merged;
    Ok(Traced { files, series: trace.unwrap_or_default().into_series(series), problems, conflicts })
}

/// Merges, and scans and merges again where files vanished meanwhile.
fn merge_stable(paths: &[PathBuf], options: &Options, traces: bool) -> Result<Steps, MergeError> {
    let mut vanished = PathBuf::new();
    for _ in 0..TRIES {
        let scan = directory::scan_all(paths, options.recursive)?;
        match merge_files(scan, options, traces) {
            Err(Stop::Vanished(path)) => vanished = path,
            Err(Stop::Strict(problem)) => return Err(MergeError::Strict(problem)),
            Ok(merged) => return Ok(merged),
        }
    }
    Err(DirectoryError::KeepsChanging { path: vanished, tries: TRIES }.into())
}

/// Why the files could not be merged this time.
enum Stop {
    Vanished(PathBuf),
    Strict(Problem),
}

/// The files, what they were merged to, and how.
type Steps = (Vec<DbFile>, Merged, Option<Trace>);

fn merge_files(scan: Scan, options: &Options, traces: bool) -> Result<Steps, Stop> {
    let Scan { mut files, left_out: mut problems } = scan;
    // Here, and not where a file's turn comes: what the reader opened it waits to hand out.
    files.retain(|file| options.selection.has_file(&file.name));
    if options.strict && !problems.is_empty() {
        return Err(Stop::Strict(problems.swap_remove(0)));
    }
    let pass = |modes| Pass::over(&files, options, modes, traces.then(Trace::default));
    let mut merged = pass(HashMap::new())?;
    for _ in 1..TRIES {
        // The mode of the last file applies to a whole family. Where a family turns out to have
        // several rules, all is read again with the one that came last.
        if !merged.has_applied_another_rule() {
            break;
        }
        merged = pass(merged.last_modes())?;
    }
    let (series, left_out, conflicts, trace) = merged.finish();
    problems.extend(left_out);
    let merged = Merged { series, accumulate: options.accumulate, order: options.order, problems, conflicts };
    Ok((files, merged, trace))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::directory::DbFile;

    #[test]
    fn a_vanished_file_means_another_scan_unless_it_is_a_live_gauge() {
        let vanished = |file_name: &str| {
            let path = PathBuf::from("/no/such/directory").join(file_name);
            let file = DbFile::at(&path).expect("a metric file's name");
            merge_files(Scan { files: vec![file], left_out: Vec::new() }, &Options::default(), false)
        };
        assert!(
            matches!(vanished("counter_1.db"), Err(Stop::Vanished(path)) if path.ends_with("counter_1.db"))
        );
        assert!(vanished("gauge_livesum_1.db").is_ok_and(|(_, merged, _)| merged.problems.is_empty()));
    }
}
