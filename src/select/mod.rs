//! Which files, and which series, a command looks at.
//!
//! Files are chosen by their names, before they are read. Series are chosen as they are merged, when
//! all values are in them: what is chosen is the same line as without a filter, and no other changes.

mod candidate;
mod choice;
mod nearest;
mod selector;
mod unmatched;

pub use candidate::Candidate;
pub use choice::Choice;
pub use nearest::Nearest;
pub use selector::{Selector, SelectorError};
pub use unmatched::Unmatched;
use wildmatch::WildMatch;

use crate::format::MetricFileName;
use crate::model::{GaugeMode, MetricType};

/// A text in which `*` stands for any characters and `?` for any one.
#[derive(Clone, Debug, PartialEq)]
pub struct Pattern {
    text: String,
    compiled: WildMatch,
}

impl Pattern {
    /// Compiles a pattern; every text is one.
    pub fn new(text: &str) -> Self {
        Self { text: text.to_owned(), compiled: WildMatch::new(text) }
    }

    /// The pattern as it was given.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Whether it matches the whole of a text.
    pub fn matches(&self, text: &str) -> bool {
        self.compiled.matches(text)
    }
}

/// What a command looks at. Without conditions, everything.
#[derive(Clone, Debug, Default)]
pub struct Selection {
    /// Which files.
    pub files: FileFilter,
    /// Which series.
    pub series: SeriesFilter,
}

/// Conditions on the names of files. All kinds must hold; of one kind, any.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct FileFilter {
    /// Metric types.
    pub types: Vec<MetricType>,
    /// Gauge modes; files of other types have none and are left out.
    pub modes: Vec<GaugeMode>,
    /// The last part of file names.
    pub pids: Vec<String>,
}

impl FileFilter {
    /// Whether a file of that name is chosen.
    pub fn takes(&self, name: &MetricFileName) -> bool {
        (self.types.is_empty() || self.types.contains(&name.metric_type))
            && (self.modes.is_empty() || name.mode.is_some_and(|mode| self.modes.contains(&mode)))
            && (self.pids.is_empty() || self.pids.iter().any(|pid| pid == name.pid()))
    }
}

/// Conditions on series. All kinds must hold; of names and selectors any, of labels all. What is
/// dropped is dropped whatever else holds.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct SeriesFilter {
    /// Family or sample names.
    pub names: Vec<Pattern>,
    /// Labels that a series must have.
    pub labels: Vec<(String, String)>,
    /// Selectors that keep.
    pub kept: Vec<Selector>,
    /// Selectors that drop.
    pub dropped: Vec<Selector>,
}

impl SeriesFilter {
    /// Whether every series is chosen.
    pub fn takes_all(&self) -> bool {
        self.names.is_empty() && self.labels.is_empty() && self.kept.is_empty() && self.dropped.is_empty()
    }
}
