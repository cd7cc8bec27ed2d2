//! Series as PromQL and the text format write them.

use std::borrow::Cow;

use super::number::go_string;
use crate::model::{Labels, Sample};

/// Appends a sample as PromQL and the text format have it: `name{a="1",b="2"}`.
pub fn push_sample<'a>(text: &mut String, name: &str, labels: impl Iterator<Item = (&'a str, &'a str)>) {
    text.push_str(name);
    let mut separator = '{';
    for (name, value) in labels {
        text.push(separator);
        separator = ',';
        text.push_str(name);
        text.push_str("=\"");
        for c in value.chars() {
            match c {
                '\\' => text.push_str("\\\\"),
                '"' => text.push_str("\\\""),
                '\n' => text.push_str("\\n"),
                _ => text.push(c),
            }
        }
        text.push('"');
    }
    if separator == ',' {
        text.push('}');
    }
}

/// All labels of a sample, sorted by name: those of its label set and, for a bucket, `le`.
pub fn all_labels(sample: &Sample) -> Cow<'_, Labels> {
    match sample.bound {
        None => Cow::Borrowed(&sample.labels),
        Some(bound) => Cow::Owned(sample.labels.with("le", &go_string(bound)).normalized()),
    }
}
