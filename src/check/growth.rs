//! Where the files and the series come from: dead processes, or labels?

use std::collections::{BTreeMap, HashSet};
use std::path::PathBuf;

use super::survey::Survey;
use super::{Code, Finding};
use crate::liveness::Liveness;
use crate::model::MetricFamily;
use crate::notation::{Remedy, all_labels};

/// A scrape that takes the official client so long is worth a finding: Prometheus asks every few seconds, and
/// a worker does nothing else meanwhile.
const SLOW_SECONDS: f64 = 1.0;

/// How many of the largest are named.
const NAMED: usize = 5;

/// What a scrape costs the official client, in seconds, by what it is spent on. The factors are fitted to
/// measurements of 0.26.0 on Python 3; `cargo bench --bench speed -- scrape` measures and fits anew, and says
/// how far this is from what it measures.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ScrapeCost {
    /// Distinct series: their keys are parsed, and each is a line of the output.
    pub series: f64,
    /// Further entries of known series.
    pub entries: f64,
    /// Opening files, and reading at least their first 64 KiB.
    pub files: f64,
}

impl ScrapeCost {
    /// Of a distinct series.
    pub const SECONDS_A_SERIES: f64 = 25e-6;
    /// Of one more entry of a known series.
    pub const SECONDS_AN_ENTRY: f64 = 3.6e-6;
    /// Of a file.
    pub const SECONDS_A_FILE: f64 = 12e-6;

    /// The estimate for so many files that have so many entries, which merge to so many series.
    #[must_use]
    pub fn of(files: usize, entries: usize, series: usize) -> Self {
        Self {
            series: Self::SECONDS_A_SERIES * as_f64(series),
            entries: Self::SECONDS_AN_ENTRY * as_f64(entries.saturating_sub(series)),
            files: Self::SECONDS_A_FILE * as_f64(files),
        }
    }

    /// All of it.
    #[must_use]
    pub fn seconds(&self) -> f64 {
        self.series + self.entries + self.files
    }
}

/// Counts are far below 2^53.
#[allow(clippy::cast_precision_loss)]
fn as_f64(count: usize) -> f64 {
    count as f64
}

/// What most of a scrape's time goes into.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Blame {
    /// Distinct series.
    Cardinality,
    /// Files of dead processes, and what they repeat.
    DeadFiles,
    /// Files of the others, and what they repeat.
    Processes,
}

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
    /// What of that holds entries.
    pub used_bytes: u64,
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
                totals.used_bytes += file.facts.used_bytes;
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

    /// What a scrape of it costs the official client.
    pub fn cost(&self) -> ScrapeCost {
        ScrapeCost::of(self.all.files, self.all.entries, self.series)
    }

    /// What costs most. What series cost stays when dead processes' files go, where live ones have the same.
    fn blame(&self) -> Blame {
        let (cost, Self { all, dead, .. }) = (self.cost(), self);
        let share = |dead: usize, all: usize| as_f64(dead) / as_f64(all.max(1));
        let of_dead =
            cost.files * share(dead.files, all.files) + cost.entries * share(dead.entries, all.entries);
        let of_others = cost.files + cost.entries - of_dead;
        if cost.series >= of_dead.max(of_others) {
            Blame::Cardinality
        } else if of_dead >= of_others {
            Blame::DeadFiles
        } else {
            Blame::Processes
        }
    }

    /// The verdict in one sentence.
    pub fn verdict(&self) -> String {
        let Self { all, dead, .. } = self;
        if all.entries == 0 {
            return "nothing: there are no entries".to_owned();
        }
        let dead = format!(
            "{} of {} files and {} of {} entries are dead processes'",
            dead.files, all.files, dead.entries, all.entries
        );
        match self.blame() {
            Blame::DeadFiles => format!("mostly dead processes' files: {dead}"),
            Blame::Processes => format!("mostly live processes' files, for {} series: {dead}", self.series),
            Blame::Cardinality => {
                let family = self.top_families.first().map_or("", |top| top.family.as_str());
                let label = match self.top_labels.first() {
                    Some(top) => format!(", and by the label {}", top.label),
                    None => String::new(),
                };
                format!(
                    "mostly cardinality: {} distinct series, most of {family}{label}; {dead}",
                    self.series
                )
            }
        }
    }

    pub(super) fn finding(&self, paths: &[PathBuf]) -> Option<Finding> {
        let seconds = self.cost().seconds();
        if seconds < SLOW_SECONDS {
            return None;
        }
        let families: Vec<_> =
            self.top_families.iter().map(|top| format!("{} ({})", top.family, top.series)).collect();
        let labels: Vec<_> =
            self.top_labels.iter().map(|top| format!("{} ({})", top.label, top.values)).collect();
        let labels = match &labels[..] {
            [] => String::new(),
            labels => format!("; labels with most values: {}", labels.join(", ")),
        };
        let message = format!(
            "the official client takes about {seconds:.1} s for a scrape; {}; families with most series: {}{labels}",
            self.verdict(),
            families.join(", "),
        );
        let finding = Finding::new(Code::SlowScrape, "growth", message);
        match self.blame() {
            Blame::Cardinality => Some(
                finding.advice("use fewer labels, or labels with fewer values; or expose what `promproc merge -o FILE` writes"),
            ),
            Blame::Processes => Some(finding.advice("run fewer processes; or expose what `promproc merge -o FILE` writes")),
            Blame::DeadFiles => {
                let finding = finding.advice("fold them, now and from cron");
                let compact = |path: &PathBuf| Remedy::Compact { directory: path.clone() };
                Some(paths.iter().map(compact).fold(finding, Finding::remedy))
            }
        }
    }
}
