//! JSON Lines of `explain`: one object a series, written by
//! [`write_line`](crate::console::json_lines::write_line).
//!
//! Values are strings, as the text format writes them: JSON has no `NaN` and no `+Inf`.

use std::collections::BTreeMap;
use std::time::UNIX_EPOCH;

use promproc::directory::InDirectory;
use promproc::explain::{Explanation, Fate, Value, quantile};
use promproc::liveness::{Evidence, Examined, Process};
use promproc::model::Labels;
use promproc::notation::go_string;
use serde::Serialize;

/// The line of a series.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct SeriesLine {
    /// The sample's name; of a histogram's buckets, that of the family and `_bucket`.
    pub sample: String,
    /// Label names and values; of buckets, without `le`.
    pub labels: BTreeMap<String, String>,
    /// The metric family's name.
    pub family: String,
    /// The metric type.
    #[serde(rename = "type")]
    pub metric_type: &'static str,
    /// The gauge mode that applies; null where the type is not gauge.
    pub mode: Option<&'static str>,
    /// How processes' values become one, in words.
    pub rule: &'static str,
    /// The merged value; null for buckets, and for a most recent value that nobody set.
    pub value: Option<String>,
    /// Of buckets; null for anything else.
    pub histogram: Option<HistogramObject>,
    /// What the value would be without dead processes' entries; null if there are none of these, or
    /// if the series would not be there without them.
    pub value_without_dead: Option<String>,
    /// Buckets as `histogram.buckets` would be without dead processes' entries; null as above.
    pub buckets_without_dead: Option<Vec<BucketObject>>,
    /// Whether all entries are of dead processes.
    pub only_dead: bool,
    /// Commands that remove dead processes' values, where these change the value.
    pub remedies: Vec<String>,
    /// Whether processes count down what others count up, so that the mode should be `sum`, and nothing is to be
    /// removed.
    pub should_be_sum: bool,
    /// Every entry that was merged, in the order of the files; buckets by their bounds before that.
    pub contributions: Vec<ContributionObject>,
}

/// A histogram's buckets.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct HistogramObject {
    /// In ascending order of their bounds.
    pub buckets: Vec<BucketObject>,
    /// How many observations there are.
    pub count: String,
    /// Estimated quantiles: `0.5`, `0.9` and `0.99`.
    pub quantiles: BTreeMap<String, String>,
}

/// A bucket.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct BucketObject {
    /// Its upper bound.
    pub le: String,
    /// Observations in this bucket alone.
    pub count: String,
    /// Observations up to its bound, as the exposition has them.
    pub cumulated: String,
}

/// An entry.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct ContributionObject {
    /// The path of its file.
    pub file: String,
    /// The last part of the file's name: mostly a process id, but any string.
    pub pid: String,
    /// `live`, `dead` or `unknown`.
    pub liveness: &'static str,
    /// Why, in one sentence; null if the file is gone by now.
    pub evidence: Option<String>,
    /// Whether all processes that have the file open started after it was made: a value that they have not set
    /// is an earlier process's.
    pub inherited: bool,
    /// The processes that have the file open, or may have.
    pub processes: Vec<ProcessObject>,
    /// Where the entry starts in the file, in bytes.
    pub offset: u64,
    /// The upper bound of its bucket; null if it is of none.
    pub le: Option<String>,
    /// The value in the file.
    pub value: String,
    /// When it was set, in Unix seconds; null where the client does not say.
    pub timestamp: Option<f64>,
    /// Its part of the total, from 0 to 1; null where values are not added.
    pub share: Option<f64>,
    /// `added`, `decides`, `outdone` (another one decides) or `never set` (ignored).
    pub fate: &'static str,
}

/// A process.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct ProcessObject {
    /// Its number, as seen from here.
    pub pid: u32,
    /// Its program's name.
    pub command: String,
    /// When it started, in Unix seconds.
    pub started: u64,
}

impl SeriesLine {
    /// The line of an explained series.
    pub(crate) fn new(explanation: &Explanation, files: &[Examined]) -> Self {
        let Explanation { series, fates, without_dead, remedies, should_be_sum, .. } = explanation;
        let contributions = series.contributions.iter().zip(fates);
        let total = explanation.total();
        Self {
            sample: series.sample.to_string(),
            labels: object(&series.labels),
            family: series.family.clone(),
            metric_type: series.metric_type.as_str(),
            mode: series.mode.map(|mode| mode.as_str()),
            rule: explanation.rule_in_words(),
            value: series.value.map(go_string),
            histogram: (!series.buckets.is_empty()).then(|| HistogramObject {
                buckets: buckets(&series.buckets),
                count: go_string(total),
                quantiles: [0.5, 0.9, 0.99]
                    .map(|share| (share.to_string(), go_string(quantile(share, &series.buckets))))
                    .into(),
            }),
            value_without_dead: match without_dead {
                Some(Value::Number(value)) => Some(go_string(*value)),
                _ => None,
            },
            buckets_without_dead: match without_dead {
                Some(Value::Buckets(without)) => Some(buckets(without)),
                _ => None,
            },
            only_dead: *without_dead == Some(Value::Absent),
            remedies: remedies.iter().map(ToString::to_string).collect(),
            should_be_sum: *should_be_sum,
            contributions: contributions
                .map(|(one, fate)| {
                    let file = &files[one.file];
                    ContributionObject {
                        file: file.file.path().to_string_lossy().into_owned(),
                        pid: file.file.name.pid().to_owned(),
                        liveness: file.liveness().as_str(),
                        evidence: file.evidence.as_ref().map(ToString::to_string),
                        inherited: file.heirs().is_some(),
                        processes: file.evidence.iter().flat_map(Evidence::processes).map(process).collect(),
                        offset: one.offset,
                        le: one.bound.map(go_string),
                        value: go_string(one.value),
                        timestamp: one.timestamp.filter(|seconds| *seconds != 0.0 && seconds.is_finite()),
                        share: (*fate == Fate::Added && total != 0.0)
                            .then_some(one.value / total)
                            .filter(|share| share.is_finite()),
                        fate: fate_name(*fate),
                    }
                })
                .collect(),
        }
    }
}

/// The words for a fate.
pub(crate) fn fate_name(fate: Fate) -> &'static str {
    match fate {
        Fate::Added => "added",
        Fate::Decides => "decides",
        Fate::Outdone => "outdone",
        Fate::NeverSet => "never set",
    }
}

fn object(labels: &Labels) -> BTreeMap<String, String> {
    labels.iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}

fn buckets(buckets: &[(f64, f64)]) -> Vec<BucketObject> {
    let mut cumulated = 0.0;
    let object = |&(bound, count): &(f64, f64)| {
        cumulated += count;
        BucketObject { le: go_string(bound), count: go_string(count), cumulated: go_string(cumulated) }
    };
    buckets.iter().map(object).collect()
}

fn process(process: &Process) -> ProcessObject {
    let started = process.started.duration_since(UNIX_EPOCH).unwrap_or_default();
    ProcessObject { pid: process.pid, command: process.name.clone(), started: started.as_secs() }
}
