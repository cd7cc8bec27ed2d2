//! Where the files and the series come from: dead processes, or labels?

use std::collections::{BTreeMap, HashSet};
use std::path::PathBuf;

use super::survey::Survey;
use super::{Code, Finding};
use crate::liveness::Liveness;
use crate::model::MetricFamily;
use crate::notation::{Remedy, all_labels};

/// The official client takes about a second for so many entries and files: 2 to 4 µs an entry, and
/// about 100 µs a file, as measured with 0.26.0.
const SLOW_ENTRIES: usize = 300_000;
const SLOW_FILES: usize = 5_000;

/// How many of the largest are named.
const NAMED: usize = 5;

/// Sums over files, and what has most series.
#[derive(Clone, Debug, Default)]
pub struct Growth {
    /// Of all files.
    pub all: Totals,
    /// Of dead processes' files.
    pub dead: Totals,
    /// Merged series.
    pub series: usize,
    /// The families with most series.
    pub top_families: Vec<SeriesCount>,
    /// The labels with most distinct values.
    pub top_labels: Vec<LabelValues>,
}

/// Sums over files.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    /// How many files.
    pub files: usize,
    /// Their length in bytes; they are sparse.
    pub capacity_bytes: u64,
    /// What they occupy, in bytes.
    pub allocated_bytes: u64,
    /// Their entries.
    pub entries: usize,
}

/// A family, and how many series it has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SeriesCount {
    /// The family's name.
    pub family: String,
    /// Lines of the exposition.
    pub series: usize,
}

/// A label, and how many values it has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LabelValues {
    /// The label's name.
    pub label: String,
    /// Distinct values.
    pub values: usize,
}

impl Growth {
    pub(super) fn of(survey: &Survey, families: impl Iterator<Item = MetricFamily>) -> Self {
        let mut growth = Self::default();
        for file in survey.files() {
            let mut sums = vec![&mut growth.all];
            if file.liveness() == Liveness::Dead {
                sums.push(&mut growth.dead);
            }
            for totals in sums {
                totals.files += 1;
                totals.capacity_bytes += file.facts.capacity_bytes;
                totals.allocated_bytes += file.facts.allocated_bytes;
                totals.entries += file.facts.entries;
            }
        }
        let mut values: BTreeMap<String, HashSet<String>> = BTreeMap::new();
        for family in families {
            growth.series += family.samples.len();
            for labels in family.samples.iter().map(all_labels) {
                for (name, value) in labels.iter() {
                    match values.get_mut(name) {
                        Some(known) if known.contains(value) => {}
                        Some(known) => {
                            known.insert(value.to_owned());
                        }
                        None => {
                            values.insert(name.to_owned(), HashSet::from([value.to_owned()]));
                        }
                    }
                }
            }
            let series = family.samples.len();
            growth.top_families.push(SeriesCount { family: family.name, series });
        }
        let labels = values.into_iter().map(|(label, values)| LabelValues { label, values: values.len() });
        growth.top_labels = labels.collect();
        growth.top_labels.sort_by_key(|one| std::cmp::Reverse(one.values));
        growth.top_labels.truncate(NAMED);
        growth.top_families.sort_by_key(|one| std::cmp::Reverse(one.series));
        growth.top_families.truncate(NAMED);
        growth
    }

    /// Whether most of the work of a scrape is for dead processes.
    pub fn is_mostly_dead(&self) -> bool {
        self.dead.entries * 2 > self.all.entries || self.dead.files * 2 > self.all.files
    }

    /// The verdict in one sentence.
    pub fn verdict(&self) -> String {
        let Self { all, dead, .. } = self;
        if all.entries == 0 {
            return "nothing: there are no entries".to_owned();
        }
        let shares = format!(
            "{} of {} files and {} of {} entries are dead processes'",
            dead.files, all.files, dead.entries, all.entries
        );
        if self.is_mostly_dead() {
            format!("mostly dead processes' files: {shares}")
        } else {
            let family = self.top_families.first().map_or("", |top| top.family.as_str());
            let label = self.top_labels.first().map_or("", |top| top.label.as_str());
            format!("mostly live processes' series, of {family} and by the label {label} first: {shares}")
        }
    }

    pub(super) fn finding(&self, paths: &[PathBuf]) -> Option<Finding> {
        if self.all.entries < SLOW_ENTRIES && self.all.files < SLOW_FILES {
            return None;
        }
        let families: Vec<_> =
            self.top_families.iter().map(|top| format!("{} ({})", top.family, top.series)).collect();
        let labels: Vec<_> =
            self.top_labels.iter().map(|top| format!("{} ({})", top.label, top.values)).collect();
        let message = format!(
            "the official client takes about a second or more for a scrape; {}; families with most series: {}; labels \
             with most values: {}",
            self.verdict(),
            families.join(", "),
            labels.join(", ")
        );
        let mut finding = Finding::new(Code::SlowScrape, "growth", message);
        if !self.is_mostly_dead() {
            return Some(
                finding.advice("use fewer labels, or labels with fewer values; or scrape promproc merge"),
            );
        }
        finding = finding.advice(
            "restart the service on a clean directory (counters begin at 0, which Prometheus takes for a restart); or \
             scrape promproc merge",
        );
        Some(paths.iter().fold(finding, |finding, path| {
            finding.remedy(Remedy::Clean { directory: path.clone(), keep_live: false })
        }))
    }
}
