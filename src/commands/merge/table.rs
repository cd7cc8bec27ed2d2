//! `merge` for people: one row a sample.

use std::io::{self, Write};

use promproc::model::MetricFamily;
use promproc::notation::{all_labels, push_sample, write_go_string};

use crate::console::table::{Column, Table, View};

/// Writes merged families, one row a sample.
///
/// # Errors
/// Those of `out`.
pub(crate) fn write(
    families: impl IntoIterator<Item = MetricFamily>,
    view: &View,
    out: &mut dyn Write,
) -> io::Result<()> {
    const COLUMNS: &[Column] = &[Column::text("TYPE"), Column::number("VALUE"), Column::text("SAMPLE")];
    let mut table = Table::new(COLUMNS);
    let mut text = String::new();
    for family in families {
        for sample in &family.samples {
            table.cell(family.metric_type.as_str());
            text.clear();
            write_go_string(&mut text, sample.value);
            table.cell(&text);
            text.clear();
            push_sample(&mut text, &sample.name, all_labels(sample).iter());
            table.cell(&text);
        }
    }
    table.write(view, out)
}

#[cfg(test)]
mod tests {
    use promproc::model::{Labels, MetricType, Sample};

    use super::*;

    #[test]
    fn families_are_one_table() {
        let sample = |name: &str, labels: &[(&str, &str)], value| Sample {
            name: name.into(),
            labels: Labels::new(labels.iter().copied()).into(),
            bound: None,
            value,
        };
        let family = |name: &str, metric_type, samples| MetricFamily {
            name: name.to_owned(),
            help: "Help".to_owned(),
            metric_type,
            bare_counter: false,
            samples,
        };
        let families = [
            family("c", MetricType::Counter, vec![sample("c_total", &[("a", "\"1\\\n"), ("b", "漢")], 1e6)]),
            family("none", MetricType::Gauge, vec![]),
            family("g", MetricType::Gauge, vec![sample("g", &[], f64::NAN)]),
        ];
        let mut out = Vec::new();
        write(families, &View::default(), &mut out).expect("a table");
        let expected = r#"
TYPE     VALUE  SAMPLE
counter  1e+06  c_total{a="\"1\\\n",b="漢"}
gauge      NaN  g
"#;
        assert_eq!(String::from_utf8(out).expect("UTF-8"), expected.trim_start());
    }
}
