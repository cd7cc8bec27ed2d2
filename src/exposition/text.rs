//! The Prometheus text format, byte for byte as `prometheus_client.exposition.generate_latest`
//! of 0.26.0 prints it.

use std::io::{self, Write};

use super::escaping::{Escaping, LabelsText, NameOf, is_legacy, write_help, write_name};
use crate::model::{MetricFamily, Sample};
use crate::notation::write_go_string;

/// Samples with these suffixes belong to OpenMetrics alone; the client prints them after the others,
/// as gauges.
const OPENMETRICS_SUFFIXES: [&str; 3] = ["_created", "_gcount", "_gsum"];

/// Writes families as text.
///
/// # Errors
/// Those of `out`.
pub fn write(
    families: impl IntoIterator<Item = MetricFamily>,
    escaping: Escaping,
    out: &mut dyn Write,
) -> io::Result<()> {
    let mut text = String::new();
    for family in families {
        text.clear();
        render(&family, escaping, &mut text);
        out.write_all(text.as_bytes())?;
    }
    Ok(())
}

fn render(family: &MetricFamily, escaping: Escaping, text: &mut String) {
    let metric_type = family.metric_type.as_str();
    write_header(text, &family.text_name(), &family.help, metric_type, escaping);
    let mut openmetrics_lines = OPENMETRICS_SUFFIXES.map(|suffix| (suffix, String::new()));
    let mut labels = LabelsText::new(escaping);
    for sample in &family.samples {
        let suffix = sample.name.strip_prefix(family.name.as_str());
        match openmetrics_lines.iter_mut().find(|(own, _)| suffix == Some(*own)) {
            Some((_, lines)) => write_sample(lines, sample, &mut labels, escaping),
            None => write_sample(text, sample, &mut labels, escaping),
        }
    }
    for (suffix, lines) in openmetrics_lines {
        if !lines.is_empty() {
            write_header(text, &format!("{}{suffix}", family.name), &family.help, "gauge", escaping);
            text.push_str(&lines);
        }
    }
}

fn write_header(text: &mut String, name: &str, help: &str, metric_type: &str, escaping: Escaping) {
    text.push_str("# HELP ");
    write_name(text, name, NameOf::Metric, escaping);
    text.push(' ');
    write_help(text, help);
    text.push_str("\n# TYPE ");
    write_name(text, name, NameOf::Metric, escaping);
    text.push(' ');
    text.push_str(metric_type);
    text.push('\n');
}

fn write_sample<'f>(text: &mut String, sample: &'f Sample, labels: &mut LabelsText<'f>, escaping: Escaping) {
    // A name in quotes goes inside the braces.
    let is_name_inside = escaping == Escaping::AllowUtf8 && !is_legacy(&sample.name, NameOf::Metric);
    let has_labels = sample.has_labels();
    if is_name_inside {
        text.push('{');
        write_name(text, &sample.name, NameOf::Metric, escaping);
        if has_labels {
            text.push(',');
        }
    } else {
        write_name(text, &sample.name, NameOf::Metric, escaping);
        if has_labels {
            text.push('{');
        }
    }
    if has_labels {
        labels.write(text, sample);
    }
    if is_name_inside || has_labels {
        text.push('}');
    }
    text.push(' ');
    write_go_string(text, sample.value);
    text.push('\n');
}
