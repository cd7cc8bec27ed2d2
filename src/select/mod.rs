//! Filters: which files and which entries a command looks at.

mod selector;

pub use selector::{Selector, SelectorError};
use wildmatch::WildMatch;

use crate::format::{Key, MetricFileName};
use crate::model::{GaugeMode, MetricType};

/// A family or sample name in which `*` stands for any characters and `?` for any one.
#[derive(Clone, Debug, PartialEq)]
pub struct NamePattern(WildMatch);

impl NamePattern {
    /// Compiles a pattern; every text is one.
    pub fn new(pattern: &str) -> Self {
        Self(WildMatch::new(pattern))
    }

    fn matches(&self, key: &Key<'_>) -> bool {
        self.0.matches(&key.family) || self.0.matches(&key.sample)
    }
}

/// Conditions on files and keys. All kinds of condition must hold; of one kind, any (of labels,
/// all). Without conditions everything is selected.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Selection {
    /// Family or sample names.
    pub names: Vec<NamePattern>,
    /// Metric types.
    pub types: Vec<MetricType>,
    /// Gauge modes; files of other types have none and are left out.
    pub modes: Vec<GaugeMode>,
    /// The last part of file names.
    pub pids: Vec<String>,
    /// Labels that a series must have.
    pub labels: Vec<(String, String)>,
}

impl Selection {
    /// Whether a file of that name may hold selected entries.
    pub fn has_file(&self, name: &MetricFileName) -> bool {
        (self.types.is_empty() || self.types.contains(&name.metric_type))
            && (self.modes.is_empty() || name.mode.is_some_and(|mode| self.modes.contains(&mode)))
            && (self.pids.is_empty() || self.pids.iter().any(|pid| pid == name.pid()))
    }

    /// Whether an entry with that key is selected, given that its file is.
    pub fn has_key(&self, key: &Key<'_>) -> bool {
        (self.names.is_empty() || self.names.iter().any(|pattern| pattern.matches(key)))
            && self.labels.iter().all(|(name, value)| key.labels.get(name) == Some(value))
    }

    /// Whether any condition looks at keys.
    pub fn looks_at_keys(&self) -> bool {
        !self.names.is_empty() || !self.labels.is_empty()
    }
}
