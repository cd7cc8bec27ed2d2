//! JSON Lines of `top --once`: one object a row, written by
//! [`write_line`](crate::console::json_lines::write_line).
//!
//! Values are strings, as the text format writes them: JSON has no `NaN` and no `+Inf`.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::io::{self, Write};

use promproc::notation::go_string;
use promproc::observe::{By, Family, Process, Round, Series};
use serde::Serialize;

use crate::console::json_lines::write_line;

/// The line of a series.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct SeriesLine<'a> {
    /// The sample's name; all buckets of a label set of a histogram are one line, `X_count`.
    pub sample: Cow<'a, str>,
    /// Label names and values, an object sorted by name; of buckets, without `le`.
    pub labels: BTreeMap<&'a str, &'a str>,
    /// The metric family's name.
    pub family: &'a str,
    /// The type that applies to the family: `counter`, `gauge`, `histogram` or `summary`.
    #[serde(rename = "type")]
    pub metric_type: &'a str,
    /// The gauge mode that applies; null where the type is not gauge.
    pub mode: Option<&'a str>,
    /// The merged value, a string; of buckets, how many observations there were.
    pub value: String,
}

/// The line of a family, with `--by family`.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct FamilyLine<'a> {
    /// The metric family's name.
    pub family: &'a str,
    /// The type that applies to it.
    #[serde(rename = "type")]
    pub metric_type: &'a str,
    /// How many series it has.
    pub series: usize,
    /// The sum of its series, a string.
    pub value: String,
}

/// The line of a process, with `--by pid`.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct ProcessLine<'a> {
    /// The last part of its files' names: mostly a process id, but any string.
    pub pid: &'a str,
    /// The directory of these files.
    pub directory: Cow<'a, str>,
    /// `live`, `dead` or `unknown`.
    pub liveness: &'a str,
    /// The program of a live process; why another is taken for dead or unknown.
    pub process: &'a str,
    /// How many files it has.
    pub files: usize,
    /// How many entries they have, of those that are selected.
    pub entries: usize,
    /// What it counted, a string: increments of counters, and observations of histograms and summaries.
    pub counted: String,
}

/// Writes rows of a round.
///
/// # Errors
/// Those of `out`.
pub(crate) fn write(round: &Round, by: By, order: &[usize], out: &mut dyn Write) -> io::Result<()> {
    let mut line = Vec::new();
    for &at in order {
        match by {
            By::Series => write_line(&SeriesLine::new(&round.series[at]), &mut line)?,
            By::Family => write_line(&FamilyLine::new(&round.families[at]), &mut line)?,
            By::Pid => write_line(&ProcessLine::new(&round.processes[at]), &mut line)?,
        }
        out.write_all(&line)?;
    }
    Ok(())
}

impl<'a> SeriesLine<'a> {
    fn new(series: &'a Series) -> Self {
        let traced = &series.traced;
        Self {
            sample: match traced.buckets.as_slice() {
                [] => Cow::Borrowed(&traced.sample),
                _ => Cow::Owned(format!("{}_count", traced.family)),
            },
            labels: traced.labels.iter().collect(),
            family: &traced.family,
            metric_type: traced.metric_type.as_str(),
            mode: traced.mode.map(|mode| mode.as_str()),
            value: go_string(series.row.value),
        }
    }
}

impl<'a> FamilyLine<'a> {
    fn new(family: &'a Family) -> Self {
        Self {
            family: &family.row.name,
            metric_type: family.metric_type.as_str(),
            series: family.series,
            value: go_string(family.row.value),
        }
    }
}

impl<'a> ProcessLine<'a> {
    fn new(process: &'a Process) -> Self {
        Self {
            pid: process.pid(),
            directory: process.directory().to_string_lossy(),
            liveness: process.liveness.as_str(),
            process: &process.about,
            files: process.files,
            entries: process.entries,
            counted: go_string(process.row.value),
        }
    }
}
