//! The nouns of the domain: metric types, gauge modes, labels, samples and metric families.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

/// The type of a metric, as the first part of a file name and a `# TYPE` line spell it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum MetricType {
    /// A sum that only grows.
    Counter,
    /// A value that goes up and down; how processes are combined is its [`GaugeMode`].
    Gauge,
    /// Counts per bucket; the files hold them uncumulated.
    Histogram,
    /// A count and a sum.
    Summary,
}

impl MetricType {
    /// All types, in the order of their names.
    pub const ALL: [MetricType; 4] = [Self::Counter, Self::Gauge, Self::Histogram, Self::Summary];

    /// The word in file names and exposition, e.g. `counter`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Counter => "counter",
            Self::Gauge => "gauge",
            Self::Histogram => "histogram",
            Self::Summary => "summary",
        }
    }
}

/// A text that is not one of the known names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("there is no such name")]
pub struct UnknownName;

impl FromStr for MetricType {
    type Err = UnknownName;

    fn from_str(name: &str) -> Result<Self, UnknownName> {
        Self::ALL.into_iter().find(|t| t.as_str() == name).ok_or(UnknownName)
    }
}

impl fmt::Display for MetricType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// How one gauge's values in several processes become one: `multiprocess_mode` of the client's
/// `Gauge`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum GaugeMode {
    /// One series per process, with the label `pid`; the client's default.
    All,
    /// Like `all`; the file is removed when the process is marked dead.
    LiveAll,
    /// The greatest value.
    Max,
    /// Like `max`; the file is removed when the process is marked dead.
    LiveMax,
    /// The least value.
    Min,
    /// Like `min`; the file is removed when the process is marked dead.
    LiveMin,
    /// The value with the greatest timestamp.
    MostRecent,
    /// Like `mostrecent`; the file is removed when the process is marked dead.
    LiveMostRecent,
    /// The sum.
    Sum,
    /// Like `sum`; the file is removed when the process is marked dead.
    LiveSum,
    /// A mode that no client release has; readers treat it as `all`.
    Unknown,
}

/// What a gauge mode does to the values, whether or not dead processes count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GaugeRule {
    /// One series per process.
    PerPid,
    /// The least value.
    Min,
    /// The greatest value.
    Max,
    /// The sum.
    Sum,
    /// The value set last.
    MostRecent,
}

impl GaugeMode {
    /// The ten modes of the client, in the order of their names.
    pub const ALL: [GaugeMode; 10] = [
        Self::All,
        Self::LiveAll,
        Self::LiveMax,
        Self::LiveMin,
        Self::LiveMostRecent,
        Self::LiveSum,
        Self::Max,
        Self::Min,
        Self::MostRecent,
        Self::Sum,
    ];

    /// The word in file names, e.g. `livesum`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::All => "all",
            Self::LiveAll => "liveall",
            Self::Max => "max",
            Self::LiveMax => "livemax",
            Self::Min => "min",
            Self::LiveMin => "livemin",
            Self::MostRecent => "mostrecent",
            Self::LiveMostRecent => "livemostrecent",
            Self::Sum => "sum",
            Self::LiveSum => "livesum",
            Self::Unknown => "unknown",
        }
    }

    /// Whether `mark_process_dead` removes a dead process's file of this mode.
    pub fn is_live(self) -> bool {
        self.as_str().starts_with("live")
    }

    /// How values are combined in this mode.
    pub fn rule(self) -> GaugeRule {
        match self {
            Self::All | Self::LiveAll | Self::Unknown => GaugeRule::PerPid,
            Self::Min | Self::LiveMin => GaugeRule::Min,
            Self::Max | Self::LiveMax => GaugeRule::Max,
            Self::Sum | Self::LiveSum => GaugeRule::Sum,
            Self::MostRecent | Self::LiveMostRecent => GaugeRule::MostRecent,
        }
    }
}

/// One of the modes of the client.
impl FromStr for GaugeMode {
    type Err = UnknownName;

    fn from_str(name: &str) -> Result<Self, UnknownName> {
        Self::ALL.into_iter().find(|m| m.as_str() == name).ok_or(UnknownName)
    }
}

impl fmt::Display for GaugeMode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// Label names and values, in a fixed order, packed into one string because a directory has
/// many thousands of them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Labels {
    text: Box<str>,
    /// How many bytes of `text` each is: name, value, name, value …
    lens: Box<[u32]>,
}

impl Labels {
    /// Packs pairs of name and value in the order given.
    pub fn new<'a>(pairs: impl Iterator<Item = (&'a str, &'a str)> + Clone) -> Self {
        let (count, bytes) =
            pairs.clone().fold((0, 0), |(n, bytes), (name, value)| (n + 2, bytes + name.len() + value.len()));
        let (mut text, mut lens) = (String::with_capacity(bytes), Vec::with_capacity(count));
        for part in pairs.flat_map(|(name, value)| [name, value]) {
            text.push_str(part);
            lens.push(len(part));
        }
        Self { text: text.into_boxed_str(), lens: lens.into_boxed_slice() }
    }

    /// Whether there is no label.
    pub fn is_empty(&self) -> bool {
        self.lens.is_empty()
    }

    /// Pairs of name and value, in order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> + Clone {
        let mut rest = &*self.text;
        self.lens.chunks_exact(2).map(move |pair| {
            let (name, after) = rest.split_at(pair[0] as usize);
            let (value, after) = after.split_at(pair[1] as usize);
            rest = after;
            (name, value)
        })
    }

    /// The value of the last label of that name.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.iter().filter(|(n, _)| *n == name).last().map(|(_, value)| value)
    }

    /// These labels and one more at the end.
    pub fn with(&self, name: &str, value: &str) -> Self {
        Self::new(self.iter().chain(std::iter::once((name, value))))
    }

    /// Sorted by name, each name once with its last value: what Python's `dict(labels)` and the
    /// exposition's `sorted` make of them.
    pub fn normalized(self) -> Self {
        if self.iter().is_sorted_by(|a, b| a.0 < b.0) {
            return self;
        }
        let mut pairs: Vec<_> = self.iter().collect();
        normalize(&mut pairs, |(name, _)| name);
        Self::new(pairs.into_iter())
    }
}

/// A key is shorter than 2 GiB (its length is an i32), so its labels are too.
fn len(part: &str) -> u32 {
    u32::try_from(part.len()).unwrap_or(u32::MAX)
}

/// Sorts pairs by name; if several have the same name, keeps the last one.
pub(crate) fn normalize<T>(pairs: &mut Vec<T>, name: impl Fn(&T) -> &str) {
    pairs.reverse();
    pairs.sort_by(|a, b| name(a).cmp(name(b)));
    pairs.dedup_by(|a, b| name(a) == name(b));
}

/// One line of the exposition, without the family's name.
#[derive(Clone, Debug, PartialEq)]
pub struct Sample {
    /// The full sample name, e.g. `http_requests_total`.
    pub name: Arc<str>,
    /// Labels, sorted by name; for a bucket, without `le`. Samples of one label set share them.
    pub labels: Arc<Labels>,
    /// The upper bound of a bucket, its label `le`; `None` for other samples.
    pub bound: Option<f64>,
    /// The merged value.
    pub value: f64,
}

impl Sample {
    /// Whether there is a label, `le` included.
    pub fn has_labels(&self) -> bool {
        self.bound.is_some() || !self.labels.is_empty()
    }
}

/// All samples of one metric family, in the order in which they are printed.
#[derive(Clone, Debug, PartialEq)]
pub struct MetricFamily {
    /// The family's name; for a counter without `_total`, as the client keeps it.
    pub name: String,
    /// The help text of the first file that named the family.
    pub help: String,
    /// The type of the first file that named the family.
    pub metric_type: MetricType,
    /// A counter of a client before 0.4.0: its samples have no `_total`, nor does its `# TYPE`.
    pub bare_counter: bool,
    /// Samples; those of one label set are neighbours.
    pub samples: Vec<Sample>,
}

impl MetricFamily {
    /// The name in `# HELP` and `# TYPE` of the text format, where a counter has its `_total`.
    pub fn text_name(&self) -> String {
        match self.metric_type {
            MetricType::Counter if !self.bare_counter => format!("{}_total", self.name),
            _ => self.name.clone(),
        }
    }
}
