//! Filters: which files and which entries a command looks at.

mod selector;

pub use selector::{Selector, SelectorError};
use wildmatch::WildMatch;

use crate::format::{DbName, Key};
use crate::model::{GaugeMode, MetricType};

/// Conditions on files and keys. All kinds of condition must hold; of one kind, any (of labels,
/// all). Without conditions everything is selected.
#[derive(Clone, Debug, Default)]
pub struct Selection {
    /// Family or sample names; `*` and `?` are wildcards.
    pub names: Vec<String>,
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
    pub fn has_file(&self, name: &DbName) -> bool {
        (self.types.is_empty() || self.types.contains(&name.metric_type))
            && (self.modes.is_empty() || name.mode.is_some_and(|mode| self.modes.contains(&mode)))
            && (self.pids.is_empty() || self.pids.iter().any(|pid| pid == name.pid()))
    }

    /// Whether an entry with that key is selected, given that its file is.
    pub fn has_key(&self, key: &Key<'_>) -> bool {
        let is_named = |pattern: &String| {
            let pattern = WildMatch::new(pattern);
            pattern.matches(&key.family) || pattern.matches(&key.sample)
        };
        (self.names.is_empty() || self.names.iter().any(is_named))
            && self.labels.iter().all(|(name, value)| key.labels.get(name) == Some(value))
    }

    /// Whether any condition looks at keys.
    pub fn looks_at_keys(&self) -> bool {
        !self.names.is_empty() || !self.labels.is_empty()
    }
}
