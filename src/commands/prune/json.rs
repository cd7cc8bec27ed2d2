//! JSON Lines of `prune`: one object a removed file, written by
//! [`write_line`](crate::console::json_lines::write_line).

use promproc::format::MetricFileName;
use serde::Serialize;

/// The line of a file.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct PrunedLine<'a> {
    /// The file's path.
    pub file: &'a str,
    /// The metric type that its name says; only gauges are pruned.
    #[serde(rename = "type")]
    pub metric_type: &'a str,
    /// The gauge mode.
    pub mode: &'a str,
    /// The last part of its name: mostly a process id, but any string.
    pub pid: &'a str,
    /// Why its process is dead, one sentence.
    pub evidence: &'a str,
    /// Whether it was removed; with `--dry-run` it is not.
    pub removed: bool,
}

impl<'a> PrunedLine<'a> {
    /// The line of a file of that path and name.
    pub(crate) fn new(file: &'a str, name: &'a MetricFileName, evidence: &'a str, removed: bool) -> Self {
        Self {
            file,
            metric_type: name.metric_type.as_str(),
            mode: name.mode_name(),
            pid: name.pid(),
            evidence,
            removed,
        }
    }
}
