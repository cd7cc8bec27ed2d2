//! JSON Lines of `dump`: one object an entry, or one a file.

use promproc::format::{Entry, Era, Key, KeyLabels};
use promproc::liveness::{Evidence, Examined};
use promproc::reader::FileFacts;
use serde::{Serialize, Serializer};

use super::origin::Origin;

/// The line of an entry.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct EntryLine<'a> {
    /// The path of the entry's file.
    pub file: &'a str,
    /// The metric type that the file's name says: `counter`, `gauge`, `histogram` or `summary`; null of standard
    /// input, which has no name.
    #[serde(rename = "type")]
    pub metric_type: Option<&'a str>,
    /// The gauge mode, as the file's name spells it; null where the type is not gauge.
    pub mode: Option<&'a str>,
    /// The last part of the file's name: mostly a process id, but any string; null of standard input.
    pub pid: Option<&'a str>,
    /// The era of the file: `A`, `B`, `C` or `D`.
    pub era: &'a str,
    /// Where the entry starts in the file, in bytes.
    pub offset: u64,
    /// Where its value starts in the file, in bytes.
    pub value_offset: u64,
    /// The metric family's name.
    pub family: &'a str,
    /// The sample's name.
    pub sample: &'a str,
    /// Label names and values, an object sorted by name.
    #[serde(serialize_with = "labels_object")]
    pub labels: &'a KeyLabels<'a>,
    /// The value as the text format writes it, a string: JSON has no `NaN` and no `+Inf`.
    pub value: &'a str,
    /// When the value was set, in Unix seconds, 0 if the client did not say; null in eras A to C,
    /// which have no timestamps, and where it is no finite number.
    pub timestamp: Option<f64>,
    /// The help text.
    pub help: &'a str,
}

impl<'a> EntryLine<'a> {
    /// The line of an entry of that origin and era; `value` is the entry's as text.
    pub(crate) fn new(
        origin: &Origin<'a>,
        entry: &Entry<'_>,
        key: &'a Key<'_>,
        era: Era,
        value: &'a str,
    ) -> Self {
        Self {
            file: origin.path,
            metric_type: origin.metric_type,
            mode: origin.mode,
            pid: origin.pid,
            era: era.as_str(),
            offset: entry.offset,
            value_offset: entry.value_offset(),
            family: &key.family,
            sample: &key.sample,
            labels: &key.labels,
            value,
            timestamp: entry.timestamp,
            help: &key.help,
        }
    }
}

/// The line of a file.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct FileLine<'a> {
    /// The file's path.
    pub file: &'a str,
    /// The metric type that its name says: `counter`, `gauge`, `histogram` or `summary`; null of standard
    /// input, which has no name.
    #[serde(rename = "type")]
    pub metric_type: Option<&'a str>,
    /// The gauge mode, as its name spells it; null where the type is not gauge.
    pub mode: Option<&'a str>,
    /// The last part of its name: mostly a process id, but any string; null of standard input.
    pub pid: Option<&'a str>,
    /// `live`, `dead` or `unknown`: whether a process has it open for writing; null of standard input.
    pub liveness: Option<&'a str>,
    /// Why, in one sentence; null of standard input, or if the file is gone by now.
    pub evidence: Option<String>,
    /// `A`, `B`, `C` or `D`; null if the file has no entry whose key can be understood.
    pub era: Option<&'a str>,
    /// How many entries there are (before a damage, if there is one).
    pub entries: usize,
    /// What the header says is used, in bytes; 0 if the file has no entries.
    pub used_bytes: u64,
    /// The file's length.
    pub capacity_bytes: u64,
    /// What it occupies on disk; the files are sparse.
    pub allocated_bytes: u64,
    /// When the file was last written, as far as the system knows, e.g. `2026-11-23T12:00:00Z`; a
    /// write through the client's mapping counts late or, on tmpfs, not at all.
    pub modified: Option<&'a str>,
}

impl<'a> FileLine<'a> {
    /// The line of a file of that origin, modified at that date.
    pub(crate) fn new(
        origin: &Origin<'a>,
        examined: Option<&Examined>,
        facts: &FileFacts,
        modified: Option<&'a str>,
    ) -> Self {
        Self {
            file: origin.path,
            metric_type: origin.metric_type,
            mode: origin.mode,
            pid: origin.pid,
            liveness: examined.map(|file| file.liveness().as_str()),
            evidence: examined.and_then(|file| file.evidence.as_ref()).map(Evidence::to_string),
            era: facts.era.map(Era::as_str),
            entries: facts.entries,
            used_bytes: facts.used_bytes,
            capacity_bytes: facts.capacity_bytes,
            allocated_bytes: facts.allocated_bytes,
            modified,
        }
    }
}

fn labels_object<S: Serializer>(labels: &KeyLabels<'_>, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_map(labels.iter())
}
