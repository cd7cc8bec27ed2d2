//! JSON in the layout of prom2json: a list of families, each with its metrics; numbers are
//! strings, because JSON has no NaN and no infinity.

use std::collections::BTreeMap;
use std::io::{self, Write};

use serde::Serialize;
use serde::ser::SerializeMap;

use crate::model::{Labels, MetricFamily, MetricType, Sample};
use crate::notation::go_string;

/// One metric family.
#[derive(Serialize)]
struct Family<'a> {
    /// As in `# TYPE` of the text format.
    name: String,
    help: &'a str,
    /// `COUNTER`, `GAUGE`, `HISTOGRAM` or `SUMMARY`.
    #[serde(rename = "type")]
    metric_type: String,
    metrics: Vec<Metric<'a>>,
}

/// One series, or the series of one histogram or summary.
#[derive(Serialize)]
#[serde(untagged)]
enum Metric<'a> {
    Value {
        #[serde(skip_serializing_if = "BTreeMap::is_empty")]
        labels: LabelsObject<'a>,
        value: String,
    },
    Histogram {
        #[serde(skip_serializing_if = "BTreeMap::is_empty")]
        labels: LabelsObject<'a>,
        /// Upper bound → cumulated count, in the order of the bounds.
        buckets: Buckets,
        #[serde(skip_serializing_if = "Option::is_none")]
        count: Option<String>,
        #[serde(skip_serializing_if = "Option::is_none")]
        sum: Option<String>,
    },
    Summary {
        #[serde(skip_serializing_if = "BTreeMap::is_empty")]
        labels: LabelsObject<'a>,
        #[serde(skip_serializing_if = "Option::is_none")]
        count: Option<String>,
        #[serde(skip_serializing_if = "Option::is_none")]
        sum: Option<String>,
    },
}

type LabelsObject<'a> = BTreeMap<&'a str, &'a str>;

struct Buckets(Vec<(f64, f64)>);

impl Serialize for Buckets {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for (bound, count) in &self.0 {
            map.serialize_entry(&go_string(*bound), &go_string(*count))?;
        }
        map.end()
    }
}

/// Writes families as one JSON array and a newline.
///
/// # Errors
/// Those of `out`.
pub fn write(families: impl IntoIterator<Item = MetricFamily>, out: &mut dyn Write) -> io::Result<()> {
    let mut separator = "[";
    for family in families {
        out.write_all(separator.as_bytes())?;
        separator = ",";
        serde_json::to_writer(&mut *out, &layout(&family))?;
    }
    out.write_all(if separator == "[" { b"[]\n" } else { b"]\n" })
}

fn layout(family: &MetricFamily) -> Family<'_> {
    Family {
        name: family.text_name(),
        help: &family.help,
        metric_type: family.metric_type.as_str().to_ascii_uppercase(),
        metrics: match family.metric_type {
            MetricType::Counter | MetricType::Gauge => family.samples.iter().map(single).collect(),
            MetricType::Histogram | MetricType::Summary => {
                // Samples of one label set are neighbours.
                family
                    .samples
                    .chunk_by(|a, b| a.labels == b.labels)
                    .map(|samples| compound(family, samples))
                    .collect()
            }
        },
    }
}

fn single(sample: &Sample) -> Metric<'_> {
    Metric::Value { labels: object(&sample.labels), value: go_string(sample.value) }
}

fn compound<'a>(family: &MetricFamily, samples: &'a [Sample]) -> Metric<'a> {
    let suffix = |sample: &'a Sample| sample.name.strip_prefix(family.name.as_str());
    let value = |wanted| samples.iter().find(|s| suffix(s) == Some(wanted)).map(|s| go_string(s.value));
    let labels = object(&samples[0].labels);
    let (count, sum) = (value("_count"), value("_sum"));
    if family.metric_type == MetricType::Summary {
        return Metric::Summary { labels, count, sum };
    }
    let bucket = |s: &Sample| Some((s.bound?, s.value));
    Metric::Histogram { labels, buckets: Buckets(samples.iter().filter_map(bucket).collect()), count, sum }
}

fn object(labels: &Labels) -> LabelsObject<'_> {
    labels.iter().collect()
}
