//! What the files of one class (`counter`, `gauge_sum`) hold together: keys, series and their totals; and what
//! becomes of them when files are folded.

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};

use crate::format::{Encoder, Entry, Key, KeyShape, Layout, parse_bound};
use crate::merge::rule::{self, NEVER};
use crate::model::{GaugeRule, MetricType};
use crate::reader::arena::{Arena, Index};
use crate::reader::keys::KeyTable;
use crate::reader::{FileReader, ReadError};

/// Whole numbers below this are exact, and so are their sums.
const EXACT: f64 = 9_007_199_254_740_992.0;
/// What one addition can lose: 2^-53 of the sum.
const LOST: f64 = f64::EPSILON / 2.0;

/// Which classes the families stand in. A family in more than one keeps its files out of every fold: its rule
/// would change.
#[derive(Debug, Default)]
pub(super) struct Families {
    numbers: HashMap<String, Index<Family>>,
    families: Arena<Family>,
}

#[derive(Debug)]
pub(super) struct Family {
    class: usize,
    is_shared: bool,
}

impl Families {
    /// Notes a key's family. A counter's is the same with and without `_total`.
    fn note(&mut self, name: &str, metric_type: MetricType, class: usize) -> Index<Family> {
        let is_counter = metric_type == MetricType::Counter;
        let name = name.strip_suffix("_total").filter(|_| is_counter).unwrap_or(name);
        if let Some(number) = self.numbers.get(name) {
            let family = &mut self.families[*number];
            family.is_shared |= family.class != class;
            return *number;
        }
        let number = self.families.push(Family { class, is_shared: false });
        self.numbers.insert(name.to_owned(), number);
        number
    }

    pub(super) fn is_shared(&self, number: Index<Family>) -> bool {
        self.families[number].is_shared
    }
}

/// All files of a class.
#[derive(Debug)]
pub(super) struct Class {
    number: usize,
    metric_type: MetricType,
    rule: GaugeRule,
    table: KeyTable<KeyIndex>,
    content: Content,
}

type KeyIndex = Index<KnownKey>;

#[derive(Debug, Default)]
struct Content {
    keys: Arena<KnownKey>,
    series: Arena<Series>,
    /// The series, by a hash of their names and labels: of two that have the same, each is taken for both, and
    /// raised by more than it needs.
    by_hash: HashMap<u64, Index<Series>>,
    hasher: RandomState,
}

#[derive(Debug)]
struct KnownKey {
    key: Box<[u8]>,
    shape: KeyShape,
    family: Index<Family>,
    series: Index<Series>,
    folded: Option<Folded>,
}

/// What a key's values of the sources are together.
#[derive(Clone, Copy, Debug)]
struct Folded {
    value: f64,
    timestamp: f64,
    files: u32,
}

/// A series as clients merge it.
#[derive(Debug, Default)]
struct Series {
    /// What files hold that do not change.
    still: Part,
    /// What the other files held when they were last read.
    live: Part,
}

#[derive(Clone, Copy, Debug, Default)]
struct Part {
    sum: f64,
    files: u32,
    is_fractional: bool,
    is_negative: bool,
}

impl Part {
    fn add(&mut self, value: f64) {
        self.sum += value;
        self.files += 1;
        self.is_fractional |= value.fract() != 0.0 || value.abs() >= EXACT;
        self.is_negative |= value < 0.0;
    }
}

/// What a file holds.
#[derive(Debug, Default)]
pub(super) struct FileContent {
    /// How its entries are laid out, and the shape of its keys; `None` if it has no entries.
    pub(super) era: Option<(Layout, KeyShape)>,
    /// The families, each where the entries go on with it.
    pub(super) families: Vec<Index<Family>>,
    pub(super) entries: usize,
    /// Whether its keys have more than one shape, or some cannot be understood.
    pub(super) is_odd: bool,
}

/// To which part of the totals a file's values belong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Counted {
    Still,
    Live,
}

impl Class {
    pub(super) fn new(number: usize, metric_type: MetricType, rule: GaugeRule) -> Self {
        Self { number, metric_type, rule, table: KeyTable::default(), content: Content::default() }
    }

    /// Adds a file's values to the totals.
    pub(super) fn count(
        &mut self,
        reader: FileReader<'_>,
        families: &mut Families,
        counted: Counted,
    ) -> Result<FileContent, ReadError> {
        self.read(reader, families, |content, key, entry| {
            let series = &mut content.series[content.keys[key].series];
            match counted {
                Counted::Still => series.still.add(entry.value),
                Counted::Live => series.live.add(entry.value),
            }
        })
    }

    /// Forgets what the files hold that may change.
    pub(super) fn forget_live(&mut self) {
        for series in self.content.series.iter_mut() {
            series.live = Part::default();
        }
    }

    /// Forgets what was folded.
    pub(super) fn forget_folded(&mut self) {
        for key in self.content.keys.iter_mut() {
            key.folded = None;
        }
    }

    /// Folds a file's values into those before it.
    pub(super) fn fold(
        &mut self,
        reader: FileReader<'_>,
        families: &mut Families,
    ) -> Result<FileContent, ReadError> {
        let rule = self.rule;
        self.read(reader, families, |content, key, entry| {
            let folded = &mut content.keys[key].folded;
            let timestamp = entry.timestamp.unwrap_or(NEVER);
            let folded = folded.get_or_insert_with(|| Folded {
                value: rule::initial(rule, entry.value),
                timestamp: NEVER,
                files: 0,
            });
            folded.files += 1;
            match rule {
                GaugeRule::MostRecent if rule::is_more_recent(folded.timestamp, timestamp) => {
                    (folded.value, folded.timestamp) = (entry.value, timestamp);
                }
                GaugeRule::MostRecent => {}
                // Only if all are NaN is this.
                GaugeRule::Min | GaugeRule::Max if folded.value.is_nan() => folded.value = entry.value,
                rule => rule::take(rule, &mut folded.value, entry.value),
            }
        })
    }

    /// The file that what was folded makes: its entries in the order in which their keys came first.
    /// `raises` is how often no sum may fall. `None` if a file cannot hold them.
    pub(super) fn encoded(&self, layout: Layout, raises: u32) -> Option<(Vec<u8>, usize)> {
        let mut encoder = Encoder::new(layout);
        let mut entries = 0;
        for known in self.content.keys.iter() {
            let Some(folded) = known.folded else { continue };
            let value = self.raised(known, folded, raises);
            if !encoder.push(&known.key, value, folded.timestamp) {
                return None;
            }
            entries += 1;
        }
        Some((encoder.into_bytes(), entries))
    }

    /// A folded value, with what additions in another order could lose of the total.
    fn raised(&self, known: &KnownKey, folded: Folded, raises: u32) -> f64 {
        let Series { still, live } = self.content.series[known.series];
        let total = still.sum + live.sum;
        let is_exact = !(still.is_fractional || live.is_fractional) && total < EXACT;
        let is_negative = still.is_negative || live.is_negative;
        // Prometheus takes any fall for a reset, but for gauges.
        let may_fall = self.metric_type == MetricType::Gauge;
        if may_fall || is_exact || is_negative || !total.is_finite() || total == 0.0 {
            return folded.value;
        }
        let before = f64::from(still.files + live.files);
        let after = before - f64::from(folded.files) + 1.0;
        (folded.value + f64::from(raises) * (before + after) * LOST * total).next_up()
    }

    fn read(
        &mut self,
        reader: FileReader<'_>,
        families: &mut Families,
        each: impl Fn(&mut Content, KeyIndex, Entry<'_>),
    ) -> Result<FileContent, ReadError> {
        let Self { number, metric_type, table, content, .. } = self;
        let mut cursor = table.start();
        let mut context = (content, families, FileContent::default());
        reader.read(|entries, layout| {
            table.walk(
                entries,
                &mut cursor,
                &mut context,
                |(content, families, file), entry| {
                    let known = content.known(entry.key(), families, *metric_type, *number);
                    file.is_odd |= known.is_none();
                    known
                },
                |(content, _, file), key, entry| {
                    let known = &content.keys[key];
                    file.entries += 1;
                    let era = *file.era.get_or_insert((layout, known.shape));
                    file.is_odd |= era.1 != known.shape;
                    if file.families.last() != Some(&known.family) {
                        file.families.push(known.family);
                    }
                    each(content, key, entry);
                },
            )
        })?;
        Ok(context.2)
    }
}

impl Content {
    fn known(
        &mut self,
        text: &[u8],
        families: &mut Families,
        metric_type: MetricType,
        class: usize,
    ) -> Option<KeyIndex> {
        let key = Key::parse(text).ok()?;
        let bound = |name, value| if name == "le" { parse_bound(value) } else { None };
        // As clients merge them: bounds by their values.
        let labels = key.labels.iter().map(|(name, value)| match bound(name, value) {
            Some(bound) => (name, "", bound.to_bits()),
            None => (name, value, 0),
        });
        let hash = self.hasher.hash_one((&*key.sample, labels.collect::<Vec<_>>()));
        let Self { series, by_hash, keys, .. } = self;
        let series = *by_hash.entry(hash).or_insert_with(|| series.push(Series::default()));
        let family = families.note(&key.family, metric_type, class);
        Some(keys.push(KnownKey { key: text.into(), shape: key.shape, family, series, folded: None }))
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use proptest::prelude::*;

    use super::*;
    use crate::directory::scan;
    use crate::format::{Entries, HEADER_BYTES, MetricFileName};
    use crate::merge::rule::rule_of;
    use crate::reader::read_files;

    const KEY: &[u8] = br#"["c", "c_total", {}, "Help"]"#;

    fn write(directory: &Path, name: &str, value: f64) {
        let mut encoder = Encoder::new(Layout::ValueAndTime);
        assert!(encoder.push(KEY, value, 0.0));
        std::fs::write(directory.join(name), encoder.into_bytes()).expect("written");
    }

    /// What the archive of the dead processes' files holds, where others live.
    fn archived(dead: &[f64], live: &[f64]) -> f64 {
        let directory = tempfile::tempdir().expect("a directory");
        for (values, name) in [(dead, "dead"), (live, "live")] {
            for (number, value) in values.iter().enumerate() {
                write(directory.path(), &format!("counter_{name}{number}.db"), *value);
            }
        }
        let files = scan(directory.path()).expect("a scan").files;
        let mut families = Families::default();
        let mut class = Class::new(0, MetricType::Counter, rule_of(MetricType::Counter, None));
        let is_dead = |name: &MetricFileName| name.pid().starts_with("dead");
        let Ok(()) = read_files(&files, Some(1), |file, reader| {
            let counted = if is_dead(&file.name) { Counted::Still } else { Counted::Live };
            class.count(reader, &mut families, counted).expect("read");
            Ok::<(), std::convert::Infallible>(())
        });
        let sources: Vec<_> = files.into_iter().filter(|file| is_dead(&file.name)).collect();
        let Ok(()) = read_files(&sources, Some(1), |_, reader| {
            class.fold(reader, &mut families).expect("read");
            Ok::<(), std::convert::Infallible>(())
        });
        let (bytes, _) = class.encoded(Layout::ValueAndTime, 1).expect("encoded");
        let mut entries = Entries::new(
            &bytes[HEADER_BYTES..],
            HEADER_BYTES as u64,
            bytes.len() as u64,
            Layout::ValueAndTime,
        );
        entries.next().expect("an entry").expect("whole").value
    }

    fn sum(values: impl IntoIterator<Item = f64>) -> f64 {
        values.into_iter().fold(0.0, |sum, value| sum + value)
    }

    /// Whole numbers, small ones with few digits, and such of any size.
    fn value() -> impl Strategy<Value = f64> {
        prop_oneof![
            (0_u32..1_000_000).prop_map(f64::from),
            (0_u32..1_000_000).prop_map(|value| f64::from(value) / 1000.0),
            0.0..1e-6_f64,
            0.0..1e12_f64,
        ]
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(1_000))]
        #[test]
        fn no_sum_falls_in_whatever_order_files_are_read(
            values in prop::collection::vec(value(), 2..40),
            split in any::<prop::sample::Index>(),
            before in prop::collection::vec(any::<u32>(), 40),
            after in prop::collection::vec(any::<u32>(), 40),
        ) {
            let (dead, live) = values.split_at(split.index(values.len() - 1) + 1);
            let archived = archived(dead, live);
            let shuffled = |values: &[f64], order: &[u32]| {
                let mut numbered: Vec<_> = order.iter().zip(values.iter().copied()).collect();
                numbered.sort_by_key(|(order, _)| **order);
                sum(numbered.into_iter().map(|(_, value)| value))
            };
            let was = shuffled(&values, &before);
            let merged: Vec<f64> = live.iter().copied().chain([archived]).collect();
            let is = shuffled(&merged, &after);
            prop_assert!(is >= was, "{was} became {is}");
            // What was added at most, and what the orders differ by.
            let additions = u32::try_from(values.len() + merged.len()).expect("few");
            prop_assert!(is <= was * (1.0 + f64::from(2 * additions) * LOST).next_up());
            if values.iter().all(|value| value.fract() == 0.0) {
                prop_assert_eq!(is, was);
            }
        }
    }
}
