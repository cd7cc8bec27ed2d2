//! In which buckets each label set of a histogram is counted, file by file.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use crate::format::{self, Key};
use crate::notation::{go_string, push_sample};
use crate::reader::arena::{Arena, Index};

/// A bucket that a key names: its label set, and its bound.
pub(super) type Bucket = (Index<LabelSet>, Index<Bound>);

/// A histogram's labels without `le`.
pub(super) struct LabelSet {
    family: Index<Histogram>,
    /// The layout that was seen first; most have no other.
    first: Option<Index<Layout>>,
    /// How many files have that one.
    files: usize,
}

#[derive(Default)]
pub(super) struct Histogram {
    files: Vec<usize>,
    layouts: BTreeSet<Index<Layout>>,
}

/// A bound as merging takes it: 1 and 1.0 are the same.
pub(super) struct Bound {
    value: f64,
}

/// The bounds of a label set, in the order of their numbers.
type Layout = Vec<Index<Bound>>;

/// Notes the buckets of files. What it keeps grows with the distinct keys, not with the files.
#[derive(Default)]
pub(super) struct BucketNotes {
    families: HashMap<String, Index<Histogram>>,
    histograms: Arena<Histogram>,
    set_numbers: HashMap<String, Index<LabelSet>>,
    sets: Arena<LabelSet>,
    bound_numbers: HashMap<u64, Index<Bound>>,
    bounds: Arena<Bound>,
    layout_numbers: HashMap<Layout, Index<Layout>>,
    layouts: Arena<Layout>,
    /// The layouts of a label set beyond the first, and how many files have each.
    others: BTreeMap<Index<LabelSet>, BTreeMap<Index<Layout>, usize>>,
    /// The buckets of the file being read.
    seen: Vec<Bucket>,
}

type Conflicts = BTreeMap<String, Vec<(String, usize)>>;

/// What all files' buckets of a histogram say together.
#[derive(Debug, Default)]
pub(super) struct HistogramBuckets {
    /// The files that have any.
    pub(super) files: Vec<usize>,
    /// All layouts, each as its bounds.
    pub(super) layouts: Vec<String>,
    /// The label sets that processes count in different buckets: the layouts of each, with the number of
    /// files that have it.
    pub(super) conflicts: Conflicts,
}

impl BucketNotes {
    /// The bucket that a key names.
    pub(super) fn bucket(&mut self, key: &Key<'_>) -> Option<Bucket> {
        let bound =
            key.labels.get("le").filter(|_| key.sample.strip_prefix(&*key.family) == Some("_bucket"))?;
        // Another bound is a bad key, which the merge names.
        let value = format::parse_bound(bound)?;
        let bound =
            *self.bound_numbers.entry(value.to_bits()).or_insert_with(|| self.bounds.push(Bound { value }));
        let mut name = String::new();
        push_sample(&mut name, &key.family, key.labels.iter().filter(|(name, _)| *name != "le"));
        if let Some(&set) = self.set_numbers.get(&name) {
            return Some((set, bound));
        }
        let family = match self.families.get(&*key.family) {
            Some(&family) => family,
            None => {
                let family = self.histograms.push(Histogram::default());
                *self.families.entry(key.family.to_string()).or_insert(family)
            }
        };
        let set = self.sets.push(LabelSet { family, first: None, files: 0 });
        self.set_numbers.insert(name, set);
        Some((set, bound))
    }

    /// Notes that the file being read has a bucket.
    pub(super) fn see(&mut self, bucket: Bucket) {
        self.seen.push(bucket);
    }

    /// Notes the layouts of the file that was read.
    pub(super) fn end_file(&mut self, file: usize) {
        let mut seen = std::mem::take(&mut self.seen);
        seen.sort_unstable();
        seen.dedup();
        for buckets in seen.chunk_by(|(one, _), (other, _)| one == other) {
            let layout: Layout = buckets.iter().map(|&(_, bound)| bound).collect();
            // The client makes this one last: without it, a process is just making them.
            if layout.iter().any(|&bound| self.bounds[bound].value == f64::INFINITY) {
                self.note(buckets[0].0, layout, file);
            }
        }
        seen.clear();
        self.seen = seen;
    }

    fn note(&mut self, set: Index<LabelSet>, layout: Layout, file: usize) {
        let layout = match self.layout_numbers.get(&layout) {
            Some(&known) => known,
            None => {
                let new = self.layouts.push(layout.clone());
                *self.layout_numbers.entry(layout).or_insert(new)
            }
        };
        let of_set = &mut self.sets[set];
        let histogram = &mut self.histograms[of_set.family];
        histogram.layouts.insert(layout);
        if histogram.files.last() != Some(&file) {
            histogram.files.push(file);
        }
        if *of_set.first.get_or_insert(layout) == layout {
            of_set.files += 1;
        } else {
            *self.others.entry(set).or_default().entry(layout).or_default() += 1;
        }
    }

    /// By family.
    pub(super) fn finish(mut self) -> BTreeMap<String, HistogramBuckets> {
        let names: HashMap<_, _> = self.set_numbers.drain().map(|(name, set)| (set, name)).collect();
        let mut conflicts: BTreeMap<Index<Histogram>, Conflicts> = BTreeMap::new();
        for (&set, others) in &self.others {
            let LabelSet { family, first, files } = &self.sets[set];
            let first = first.iter().map(|&first| (first, *files));
            let layouts = first.chain(others.iter().map(|(&layout, &files)| (layout, files)));
            let mut layouts: Vec<_> = layouts.map(|(layout, files)| (self.text(layout), files)).collect();
            layouts.sort_unstable();
            let name = names.get(&set).cloned().unwrap_or_default();
            conflicts.entry(*family).or_default().insert(name, layouts);
        }
        let families = std::mem::take(&mut self.families);
        let of = families.into_iter().map(|(name, at)| {
            let Histogram { files, layouts } = std::mem::take(&mut self.histograms[at]);
            let mut layouts: Vec<_> = layouts.into_iter().map(|layout| self.text(layout)).collect();
            layouts.sort_unstable();
            (name, HistogramBuckets { files, layouts, conflicts: conflicts.remove(&at).unwrap_or_default() })
        });
        of.collect()
    }

    fn text(&self, layout: Index<Layout>) -> String {
        let mut bounds: Vec<_> = self.layouts[layout].iter().map(|&bound| self.bounds[bound].value).collect();
        bounds.sort_unstable_by(f64::total_cmp);
        bounds.into_iter().map(go_string).collect::<Vec<_>>().join(" ")
    }
}
