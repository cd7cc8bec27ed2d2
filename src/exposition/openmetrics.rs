//! OpenMetrics 1.0, byte for byte as `prometheus_client.openmetrics.exposition.generate_latest`
//! of 0.26.0 prints it with its defaults.

use std::io::{self, Write};

use super::escaping::{Escaping, LabelsText, NameOf, is_legacy, write_escaped, write_name, write_quoted};
use crate::model::{MetricFamily, Sample};
use crate::notation::write_go_string;

/// Writes families as OpenMetrics, with the final `# EOF`.
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
    out.write_all(b"# EOF\n")
}

fn render(family: &MetricFamily, escaping: Escaping, text: &mut String) {
    text.push_str("# HELP ");
    write_name(text, &family.name, NameOf::Metric, escaping);
    text.push(' ');
    write_quoted(text, &family.help);
    text.push_str("\n# TYPE ");
    write_name(text, &family.name, NameOf::Metric, escaping);
    text.push(' ');
    text.push_str(family.metric_type.as_str());
    text.push('\n');
    let mut labels = LabelsText::new(escaping);
    for sample in &family.samples {
        write_sample(text, sample, &mut labels, escaping);
    }
}

fn write_sample<'f>(text: &mut String, sample: &'f Sample, labels: &mut LabelsText<'f>, escaping: Escaping) {
    let is_name_inside = escaping == Escaping::AllowUtf8 && !is_legacy(&sample.name, NameOf::Metric);
    let has_labels = sample.has_labels();
    if !is_name_inside {
        // The client escapes sample names here as it does label names: a colon does not survive
        // `underscores`, and `values` marks every name.
        write_escaped(text, &sample.name, NameOf::Label, escaping);
    }
    // If the name inside the braces is empty, the braces go, too.
    let has_braces = has_labels || (is_name_inside && !sample.name.is_empty());
    if has_braces {
        text.push('{');
    }
    if is_name_inside {
        write_name(text, &sample.name, NameOf::Metric, escaping);
        if has_labels {
            text.push(',');
        }
    }
    if has_labels {
        labels.write(text, sample);
    }
    if has_braces {
        text.push('}');
    }
    text.push(' ');
    write_go_string(text, sample.value);
    text.push('\n');
}
