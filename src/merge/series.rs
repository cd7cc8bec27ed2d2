//! Merged series while they grow: families, label sets, and the numbers in them.
//!
//! The order in which things first appear is the order in which the client prints them: families,
//! in a family its label sets, in a label set its samples.

use std::collections::HashMap;
use std::hash::{BuildHasher, Hash, Hasher};
use std::sync::Arc;

use hashbrown::{DefaultHashBuilder, HashTable};

use super::Order;
use super::rule::{NEVER, is_more_recent};
use crate::model::{GaugeMode, GaugeRule, Labels, MetricFamily, MetricType, Sample};
use crate::reader::arena::{Arena, Index};

pub(super) type FamilyIndex = Index<Family>;
/// Where a merged value is.
pub(super) type Cell = Index<f64>;
pub(super) type SetIndex = Index<LabelSet>;
pub(super) type RecentIndex = Index<Recent>;
type NameIndex = Index<Arc<str>>;

/// All series of a merge.
#[derive(Debug, Default)]
pub(super) struct Series {
    pub(super) families: Arena<Family>,
    family_index: HashMap<String, FamilyIndex, DefaultHashBuilder>,
    pub(super) sets: Arena<LabelSet>,
    /// With their hashes, so that growing the table does not touch the label sets.
    set_index: HashTable<(u64, SetIndex)>,
    hasher: DefaultHashBuilder,
    /// The label set found last.
    pub(super) last_set: Option<SetIndex>,
    cell_index: HashMap<(SetIndex, Within), Cell, DefaultHashBuilder>,
    pub(super) names: Arena<Arc<str>>,
    name_index: HashMap<Arc<str>, NameIndex, DefaultHashBuilder>,
    /// The merged value of each cell.
    pub(super) values: Arena<f64>,
    pub(super) recent: Arena<Recent>,
    recent_index: HashMap<(SetIndex, NameIndex), RecentIndex, DefaultHashBuilder>,
}

/// A sample that takes the value with the greatest timestamp.
#[derive(Debug)]
pub(super) struct Recent {
    timestamp: f64,
    /// Where its value is, once there is one.
    pub(super) cell: Option<Cell>,
    pub(super) set: SetIndex,
    pub(super) name: NameIndex,
}

/// What is known of a metric family.
#[derive(Debug)]
pub(super) struct Family {
    pub(super) name: String,
    pub(super) help: String,
    pub(super) metric_type: MetricType,
    pub(super) bare_counter: bool,
    /// If its files are of several modes: the one before the last.
    pub(super) other_mode: Option<GaugeMode>,
    /// The mode of the gauge file read last that has an entry of the family.
    pub(super) last_mode: Option<GaugeMode>,
    /// The rules by which entries were merged so far: one, or several, which is one too many.
    applied_rule: Option<GaugeRule>,
    has_applied_several: bool,
    /// Label sets that have samples, in the order of their first one.
    sets: Vec<SetIndex>,
    /// Label sets that have buckets, in the order of their first one.
    bucket_sets: Vec<SetIndex>,
}

/// The samples of one label set of a family.
#[derive(Debug)]
pub(super) struct LabelSet {
    pub(super) family: FamilyIndex,
    /// In the order in which the client's tuple has them: sorted, then `pid`; without `le`.
    pub(super) labels: Labels,
    pub(super) samples: Vec<(NameIndex, Cell)>,
    pub(super) buckets: Vec<(f64, Cell)>,
}

/// So many samples, and so many buckets, of a label set are looked through; what comes behind them is
/// in [`Series::cell_index`].
const SCANNED: usize = 16;

/// What tells the numbers of a label set apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Within {
    Sample(NameIndex),
    /// The bits of a bucket's bound.
    Bucket(u64),
}

/// Labels before they are packed: most are of a label set that is known.
pub(super) trait Pairs<'a>: Iterator<Item = (&'a str, &'a str)> + Clone {}

impl<'a, I: Iterator<Item = (&'a str, &'a str)> + Clone> Pairs<'a> for I {}

fn hash<'a>(hasher: &DefaultHashBuilder, family: FamilyIndex, labels: impl Pairs<'a>) -> u64 {
    let mut state = hasher.build_hasher();
    family.hash(&mut state);
    labels.for_each(|pair| pair.hash(&mut state));
    state.finish()
}

/// `Iterator::eq` wants both to borrow for the same time.
fn are_same<'a, 'b>(mut these: impl Pairs<'a>, mut those: impl Pairs<'b>) -> bool {
    loop {
        match (these.next(), those.next()) {
            (None, None) => return true,
            (Some((name, value)), Some(that)) if (name, value) == that => {}
            _ => return false,
        }
    }
}

impl Series {
    /// The family of that name; made by `make` if it is new.
    pub(super) fn family(&mut self, name: &str, make: impl FnOnce() -> Family) -> FamilyIndex {
        if let Some(&family) = self.family_index.get(name) {
            return family;
        }
        let family = self.families.push(make());
        self.family_index.insert(name.to_owned(), family);
        family
    }

    /// The cell of a sample, which is listed as the next of its label set if it is new.
    pub(super) fn sample<'a>(
        &mut self,
        family: FamilyIndex,
        labels: impl Pairs<'a>,
        name: &str,
        initial: f64,
    ) -> Cell {
        let set = self.set(family, labels);
        let name = self.name(name);
        let samples = &self.sets[set].samples;
        let scanned = samples.iter().take(SCANNED).find(|(known, _)| *known == name);
        let is_full = samples.len() >= SCANNED;
        let within = Within::Sample(name);
        match scanned.map(|(_, cell)| cell).or_else(|| self.cell_index.get(&(set, within))) {
            Some(&cell) => cell,
            None => {
                let cell = self.new_cell(initial, is_full.then_some((set, within)));
                self.list(set, name, cell);
                cell
            }
        }
    }

    /// The cell of a bucket; `labels` are without `le`.
    pub(super) fn bucket<'a>(&mut self, family: FamilyIndex, labels: impl Pairs<'a>, bound: f64) -> Cell {
        let set = self.set(family, labels);
        self.bucket_of(set, bound)
    }

    /// The cell of a bucket of a label set.
    pub(super) fn bucket_of(&mut self, set: SetIndex, bound: f64) -> Cell {
        let buckets = &self.sets[set].buckets;
        // 0.0 and -0.0 are one key of the client's dict, which keeps the first.
        let scanned = buckets.iter().take(SCANNED).find(|(known, _)| *known == bound);
        let is_full = buckets.len() >= SCANNED;
        let within = Within::Bucket((bound + 0.0).to_bits());
        match scanned.map(|(_, cell)| cell).or_else(|| self.cell_index.get(&(set, within))) {
            Some(&cell) => cell,
            None => {
                let cell = self.new_cell(0.0, is_full.then_some((set, within)));
                let LabelSet { family, buckets, .. } = &mut self.sets[set];
                buckets.push((bound, cell));
                if buckets.len() == 1 {
                    self.families[*family].bucket_sets.push(set);
                }
                cell
            }
        }
    }

    /// A sample that takes the value with the greatest timestamp. It is listed when it takes one.
    pub(super) fn recent<'a>(
        &mut self,
        family: FamilyIndex,
        labels: impl Pairs<'a>,
        name: &str,
    ) -> RecentIndex {
        let set = self.set(family, labels);
        let name = self.name(name);
        let Self { recent, recent_index, .. } = self;
        let new = || recent.push(Recent { timestamp: NEVER, cell: None, set, name });
        *recent_index.entry((set, name)).or_insert_with(new)
    }

    /// Sets a most recent sample if no value before came with as great a timestamp.
    #[inline]
    pub(super) fn set_if_more_recent(&mut self, at: RecentIndex, value: f64, timestamp: f64) {
        let recent = &mut self.recent[at];
        if is_more_recent(recent.timestamp, timestamp) {
            recent.timestamp = timestamp;
            match recent.cell {
                Some(cell) => self.values[cell] = value,
                None => {
                    let (set, name, cell) = (recent.set, recent.name, self.values.push(value));
                    recent.cell = Some(cell);
                    self.list(set, name, cell);
                }
            }
        }
    }

    fn list(&mut self, set: SetIndex, name: NameIndex, cell: Cell) {
        let LabelSet { family, samples, .. } = &mut self.sets[set];
        samples.push((name, cell));
        if samples.len() == 1 {
            self.families[*family].sets.push(set);
        }
    }

    fn new_cell(&mut self, initial: f64, indexed: Option<(SetIndex, Within)>) -> Cell {
        let cell = self.values.push(initial);
        self.cell_index.extend(indexed.map(|at| (at, cell)));
        cell
    }

    fn set<'a>(&mut self, family: FamilyIndex, labels: impl Pairs<'a>) -> SetIndex {
        let is_of = |set: &LabelSet| set.family == family && are_same(set.labels.iter(), labels.clone());
        // A histogram's buckets come one after the other.
        if let Some(last) = self.last_set.filter(|&last| is_of(&self.sets[last])) {
            return last;
        }
        let hash = hash(&self.hasher, family, labels.clone());
        let is_same = |&(of, set): &(u64, SetIndex)| of == hash && is_of(&self.sets[set]);
        if let Some(&(_, set)) = self.set_index.find(hash, is_same) {
            self.last_set = Some(set);
            return set;
        }
        let labels = Labels::new(labels);
        let set = self.sets.push(LabelSet { family, labels, samples: Vec::new(), buckets: Vec::new() });
        self.set_index.insert_unique(hash, (hash, set), |&(hash, _)| hash);
        self.last_set = Some(set);
        set
    }

    fn name(&mut self, name: &str) -> NameIndex {
        if let Some(&found) = self.name_index.get(name) {
            return found;
        }
        let name: Arc<str> = name.into();
        let at = self.names.push(Arc::clone(&name));
        self.name_index.insert(name, at);
        at
    }

    /// The families, one after the other; each is made when it is asked for.
    pub(super) fn into_families(
        mut self,
        accumulate: bool,
        order: Order,
    ) -> impl Iterator<Item = MetricFamily> {
        let mut families = std::mem::take(&mut self.families).into_vec();
        if order == Order::Sorted {
            families.sort_by(|a, b| a.name.cmp(&b.name));
        }
        // Only needed while series are found.
        (self.set_index, self.cell_index) = Default::default();
        families.into_iter().map(move |family| self.finish(family, accumulate, order))
    }

    /// The label sets of a family in the client's order.
    pub(super) fn sets_of(&self, family: &Family) -> impl Iterator<Item = SetIndex> {
        let has_buckets_only = |set: &&SetIndex| self.sets[**set].samples.is_empty();
        family.sets.iter().chain(family.bucket_sets.iter().filter(has_buckets_only)).copied()
    }

    fn finish(&mut self, family: Family, accumulate: bool, order: Order) -> MetricFamily {
        let mut sets: Vec<_> = self.sets_of(&family).collect();
        let Family { name, help, metric_type, bare_counter, .. } = family;
        if order == Order::Sorted {
            sets.sort_by_cached_key(|&set| {
                let labels = self.sets[set].labels.clone().normalized();
                labels.iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect::<Vec<_>>()
            });
        }
        let (bucket_name, count_name): (Arc<str>, Arc<str>) =
            (format!("{name}_bucket").into(), format!("{name}_count").into());
        let mut samples = Vec::new();
        for set in sets {
            let LabelSet { labels, samples: own, buckets, .. } = &mut self.sets[set];
            let labels = Arc::new(std::mem::take(labels).normalized());
            let (own, mut buckets) = (std::mem::take(own), std::mem::take(buckets));
            let sample = |name: &Arc<str>, bound, value| Sample {
                name: Arc::clone(name),
                labels: Arc::clone(&labels),
                bound,
                value,
            };
            let first = samples.len();
            let value = |cell: Cell| self.values[cell];
            samples.extend(own.iter().map(|&(name, cell)| sample(&self.names[name], None, value(cell))));
            if buckets.is_empty() {
                continue;
            }
            buckets.sort_by(|a, b| a.0.total_cmp(&b.0));
            let mut count = 0.0;
            for (bound, cell) in buckets {
                count += value(cell);
                let shown = if accumulate { count } else { value(cell) };
                samples.push(sample(&bucket_name, Some(bound), shown));
            }
            if accumulate {
                // Where the files hold a `_count` of their own, the cumulated one takes its place.
                match samples[first..].iter_mut().find(|sample| sample.name == count_name) {
                    Some(sample) => sample.value = count,
                    None => samples.push(sample(&count_name, None, count)),
                }
            }
        }
        MetricFamily { name, help, metric_type, bare_counter, samples }
    }
}

impl Family {
    /// A family without series.
    pub(super) fn new(name: &str, help: String, metric_type: MetricType, bare_counter: bool) -> Self {
        Self {
            name: name.to_owned(),
            help,
            metric_type,
            bare_counter,
            other_mode: None,
            last_mode: None,
            applied_rule: None,
            has_applied_several: false,
            sets: Vec::new(),
            bucket_sets: Vec::new(),
        }
    }

    /// Notes that a gauge file of that mode has an entry of the family.
    #[inline]
    pub(super) fn note_mode(&mut self, mode: GaugeMode) {
        if self.last_mode != Some(mode) {
            self.other_mode = self.last_mode.replace(mode);
        }
    }

    /// Notes that entries are merged by that rule.
    pub(super) fn apply_rule(&mut self, rule: GaugeRule) {
        self.has_applied_several |= self.applied_rule.is_some_and(|applied| applied != rule);
        self.applied_rule = Some(rule);
    }

    /// Whether entries were merged by another rule than that of the last file's mode.
    pub(super) fn has_applied_another_rule(&self) -> bool {
        self.has_applied_several
            || (self.applied_rule.is_some() && self.applied_rule != self.last_mode.map(GaugeMode::rule))
    }
}
