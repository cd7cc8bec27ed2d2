//! The way back from a merged series to the entries that it was made of.

use std::collections::HashMap;
use std::sync::Arc;

use super::rule::rule_of;
use super::series::{Cell, LabelSet, RecentIndex, Series};
use crate::format::Entry;
use crate::model::{GaugeMode, GaugeRule, Labels, MetricType};
use crate::notation::{go_string, push_sample};
use crate::select::Candidate;

/// An entry that was merged into a series.
#[derive(Clone, Copy, Debug)]
pub struct Contribution {
    /// Index of its file.
    pub file: usize,
    /// The file's byte that it starts with.
    pub offset: u64,
    /// The value in the file.
    pub value: f64,
    /// Seconds since 1970, where the client stores them: only for the modes `mostrecent` and
    /// `livemostrecent` other than 0.
    pub timestamp: Option<f64>,
    /// The upper bound of the bucket, in a histogram's.
    pub bound: Option<f64>,
}

/// A series with everything that was merged into it. All buckets of a label set of a histogram are
/// one.
#[derive(Clone, Debug)]
pub struct TracedSeries {
    /// The family's name; for a counter without `_total`.
    pub family: String,
    /// The type that applies to the family.
    pub metric_type: MetricType,
    /// The mode that applies to the family, of gauges.
    pub mode: Option<GaugeMode>,
    /// The sample's name; of buckets, that of the family and `_bucket`.
    pub sample: Arc<str>,
    /// Labels, sorted by name; of buckets, without `le`.
    pub labels: Labels,
    /// The merged value; `None` for buckets, and for a most recent value that nobody set.
    pub value: Option<f64>,
    /// Of buckets: upper bound and merged value, not cumulated, in ascending order of the bounds.
    pub buckets: Vec<(f64, f64)>,
    /// What was merged, in the order of the files.
    pub contributions: Vec<Contribution>,
}

impl TracedSeries {
    /// The series as PromQL has it: `name{a="1"}`.
    pub fn name_and_labels(&self) -> String {
        let mut text = String::new();
        push_sample(&mut text, &self.sample, self.labels.iter());
        text
    }

    /// The series as one line, with its value; of buckets, how many observations they counted. `None`
    /// for a most recent value that nobody set, which an exposition does not have either.
    pub fn line(&self) -> Option<(String, f64)> {
        match self.value {
            Some(value) => Some((self.name_and_labels(), value)),
            None if self.buckets.is_empty() => None,
            None => {
                let mut name = String::new();
                push_sample(&mut name, &self.count_name(), self.labels.iter());
                Some((name, self.buckets.iter().map(|(_, count)| count).sum()))
            }
        }
    }

    /// Whether a filter takes the line that stands for it: of buckets, that of their count.
    pub fn has_line(&self, takes: impl FnOnce(&Candidate<'_>) -> bool) -> bool {
        let count = (!self.buckets.is_empty()).then(|| self.count_name());
        takes(&self.candidate(count.as_deref().unwrap_or(&self.sample), None))
    }

    /// Whether a filter takes any of its lines: of buckets, that of a bucket or of their count.
    pub fn has_any_line(&self, takes: impl Fn(&Candidate<'_>) -> bool) -> bool {
        let is_taken =
            |(bound, _): &(f64, f64)| takes(&self.candidate(&self.sample, Some(&go_string(*bound))));
        self.has_line(&takes) || self.buckets.iter().any(is_taken)
    }

    pub(crate) fn candidate<'a>(&'a self, sample: &'a str, le: Option<&'a str>) -> Candidate<'a> {
        Candidate { family: &self.family, sample, labels: &self.labels, le }
    }

    fn count_name(&self) -> String {
        format!("{}_count", self.family)
    }

    /// Whether its value, of those of its family, says how much there was: the sum of a histogram's
    /// or summary's observations does not.
    pub fn is_count(&self) -> bool {
        match self.metric_type {
            MetricType::Histogram | MetricType::Summary => {
                !self.buckets.is_empty() || self.sample.ends_with("_count")
            }
            MetricType::Counter | MetricType::Gauge => true,
        }
    }

    /// How the contributions become one value.
    pub fn rule(&self) -> GaugeRule {
        rule_of(self.metric_type, self.mode)
    }
}

/// Notes, during a pass, where values go.
#[derive(Debug, Default)]
pub(super) struct Trace {
    files: usize,
    entries: Vec<Traced>,
}

#[derive(Clone, Copy, Debug)]
struct Traced {
    destination: Destination,
    file: usize,
    offset: u64,
    value: f64,
    timestamp: Option<f64>,
}

/// Where a value goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Destination {
    Cell(Cell),
    Recent(RecentIndex),
}

impl Trace {
    /// The values noted from here on come from the next file.
    pub(super) fn next_file(&mut self) {
        self.files += 1;
    }

    pub(super) fn note(&mut self, destination: Destination, entry: &Entry<'_>) {
        let Entry { offset, value, timestamp, .. } = *entry;
        let file = self.files.saturating_sub(1);
        self.entries.push(Traced { destination, file, offset, value, timestamp });
    }

    /// Every series with its contributions, in the client's order.
    pub(super) fn of_series(&mut self, series: &Series) -> Vec<TracedSeries> {
        // Stable: those of one destination stay in the order of the files.
        self.entries.sort_by_key(|entry| entry.destination);
        let of = |destination, bound| self.of(destination, bound);
        // Most recent samples that were set are found by their cells.
        let set_recent = series.recent.numbered().filter_map(|(at, recent)| Some((recent.cell?, at)));
        let recent_of: HashMap<Cell, RecentIndex> = set_recent.collect();
        let of_cell = |cell: Cell, bound| match recent_of.get(&cell) {
            Some(&at) => of(Destination::Recent(at), bound),
            None => of(Destination::Cell(cell), bound),
        };
        let new = |set: &LabelSet, sample| {
            let family = &series.families[set.family];
            TracedSeries {
                family: family.name.clone(),
                metric_type: family.metric_type,
                mode: family.last_mode.filter(|_| family.metric_type == MetricType::Gauge),
                sample,
                labels: set.labels.clone().normalized(),
                value: None,
                buckets: Vec::new(),
                contributions: Vec::new(),
            }
        };
        let name = |at| Arc::clone(&series.names[at]);
        let mut found = Vec::new();
        for set in series.families.iter().flat_map(|family| series.sets_of(family)) {
            let set = &series.sets[set];
            let family = &series.families[set.family].name;
            for &(sample, cell) in &set.samples {
                let is_replaced = !set.buckets.is_empty()
                    && series.names[sample].strip_prefix(family.as_str()) == Some("_count");
                if is_replaced {
                    // By the cumulated count of the buckets.
                    continue;
                }
                let contributions = of_cell(cell, None);
                // Of a series that was not to be traced there are none.
                if !contributions.is_empty() {
                    let value = Some(series.values[cell]);
                    found.push(TracedSeries { value, contributions, ..new(set, name(sample)) });
                }
            }
            if !set.buckets.is_empty() {
                let mut cells = set.buckets.clone();
                cells.sort_by(|a, b| a.0.total_cmp(&b.0));
                let of_bucket = |&(bound, cell)| of_cell(cell, Some(bound));
                let contributions: Vec<_> = cells.iter().flat_map(of_bucket).collect();
                if !contributions.is_empty() {
                    let buckets = cells.iter().map(|&(bound, cell)| (bound, series.values[cell])).collect();
                    let sample = format!("{family}_bucket").into();
                    found.push(TracedSeries { buckets, contributions, ..new(set, sample) });
                }
            }
        }
        for (at, recent) in series.recent.numbered().filter(|(_, recent)| recent.cell.is_none()) {
            let contributions = of(Destination::Recent(at), None);
            found.push(TracedSeries { contributions, ..new(&series.sets[recent.set], name(recent.name)) });
        }
        found
    }

    fn of(&self, destination: Destination, bound: Option<f64>) -> Vec<Contribution> {
        let start = self.entries.partition_point(|entry| entry.destination < destination);
        let entries = self.entries[start..].iter().take_while(|entry| entry.destination == destination);
        let contribution = |&Traced { file, offset, value, timestamp, .. }: &Traced| Contribution {
            file,
            offset,
            value,
            timestamp,
            bound,
        };
        entries.map(contribution).collect()
    }
}
