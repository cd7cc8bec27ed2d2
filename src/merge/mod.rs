//! Merging: entries of many processes → metric families, as `MultiProcessCollector.merge` of
//! prometheus_client 0.26.0 makes them of the same files in the same order.
//!
//! One entry's way: the reader hands it out; its raw key leads, through the table of known keys, to a
//! target that was found once for all equal keys (`target`); the target says which cell of the merged
//! series (`series`) the value goes to, and by which rule (`rule`).

mod collision;
mod conflict;
mod families;
mod options;
mod pass;
pub(crate) mod rule;
mod series;
mod target;
mod trace;

use std::collections::HashMap;
use std::path::PathBuf;

pub use collision::Collision;
pub use conflict::Conflict;
pub use families::Families;
pub use options::{Options, Order, Traced};
pub use trace::{Contribution, TracedSeries};

use crate::directory::{
    DirectoryError, DirectoryLabel, MetricFile, Problem, Scan, Vanished, scan_until_whole,
};
use crate::format::{Entries, Layout};
use crate::reader::Source;
use crate::select::{SeriesFilter, Unmatched};
use pass::{Finished, Pass};
use series::Series;
use trace::Trace;

/// The result of a merge.
#[derive(Debug)]
pub struct Merged {
    /// The series, and what they were made of.
    pub series: MergedSeries,
    /// What was left out.
    pub problems: Vec<Problem>,
    /// What the client's rules decided.
    pub conflicts: Vec<Conflict>,
    /// Families of which series were lost because several directories have the same.
    pub collisions: Vec<Collision>,
    /// Conditions on files that none of them matched, where paths were merged.
    pub unmatched: Vec<Unmatched>,
}

/// Merged series.
#[derive(Debug)]
pub struct MergedSeries {
    series: Series,
    trace: Option<Trace>,
    accumulate: bool,
    order: Order,
    filter: SeriesFilter,
}

impl MergedSeries {
    /// The metric families, each made when it is asked for, with the series that
    /// [`Options::selection`] chooses.
    pub fn into_families(self) -> Families {
        Families::new(self.series.into_families(self.accumulate, self.order), &self.filter)
    }

    /// Every series that was traced (see [`Options::traced`]), and those that nobody set, with what was
    /// merged into it; in the client's order. None is left out here: what a series is called depends on
    /// how it is shown.
    pub fn traced(&mut self) -> Vec<TracedSeries> {
        self.trace.as_mut().map_or_else(Vec::new, |trace| trace.of_series(&self.series))
    }
}

/// Somebody who looks at the entries that are merged.
pub(crate) trait Witness {
    /// The next file's entries come.
    fn file(&mut self, index: usize, file: &MetricFile);

    /// The entries of a piece of that file, up to a damage.
    fn entries(&mut self, entries: Entries<'_>, layout: Layout);
}

/// Nobody.
impl Witness for () {
    fn file(&mut self, _: usize, _: &MetricFile) {}

    fn entries(&mut self, _: Entries<'_>, _: Layout) {}
}

/// How often files are read where their modes disagree.
const TRIES: usize = 3;

/// Merges the files of a source.
///
/// # Errors
/// [`Vanished`] if a file is not there any more that the client fails without.
pub fn merge(source: &impl Source, options: &Options) -> Result<Merged, Vanished> {
    let label = options.directory_label.as_ref().map(|name| DirectoryLabel::of_files(name, source.files()));
    merge_before(&mut (), source, options, label.as_ref())
}

/// Merges the files of a source before the eyes of a witness, who sees each entry once; `label` is the one
/// that [`Options::directory_label`] names.
///
/// # Errors
/// As [`merge`].
pub(crate) fn merge_before(
    witness: &mut impl Witness,
    source: &impl Source,
    options: &Options,
    label: Option<&DirectoryLabel>,
) -> Result<Merged, Vanished> {
    let mut pass = Pass::over(source, options, label, HashMap::new(), witness)?;
    for _ in 1..TRIES {
        // The mode of the last file applies to a whole family. Where a family turns out to have
        // several rules, all is read again with the one that came last.
        if !pass.has_applied_another_rule() {
            break;
        }
        pass = Pass::over(source, options, label, pass.last_modes(), &mut ())?;
    }
    let Finished { series, problems, conflicts, collisions, trace } = pass.finish();
    let series = MergedSeries {
        series,
        trace,
        accumulate: options.accumulate,
        order: options.order,
        filter: options.selection.series.clone(),
    };
    Ok(Merged { series, problems, conflicts, collisions, unmatched: Vec::new() })
}

/// Merges the metric files of directories, and files, as they are found. Returns which were read, too.
///
/// # Errors
/// [`DirectoryError`] if a path cannot be worked on.
pub fn merge_paths(
    paths: &[PathBuf],
    recursive: bool,
    options: &Options,
) -> Result<(Vec<MetricFile>, Merged), DirectoryError> {
    scan_until_whole(paths, recursive, |scan| {
        let label = options.directory_label.as_ref().map(|name| scan.directory_label(name));
        let Scan { mut files, left_out, .. } = scan;
        // Here, and not where a file's turn comes: what the reader opened it waits to hand out.
        let filter = &options.selection.files;
        let unmatched = filter.unmatched(files.iter().map(|file| &file.name));
        files.retain(|file| filter.takes(&file.name));
        let mut merged = Merged { unmatched, ..merge_before(&mut (), &files, options, label.as_ref())? };
        merged.problems.splice(0..0, left_out);
        Ok((files, merged))
    })
}
