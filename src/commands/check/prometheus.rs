//! Findings as metrics, for node_exporter's textfile collector. The names are those that `promproc serve` has.

use std::io::{self, Write};
use std::sync::Arc;

use promproc::check::{Finding, Report};
use promproc::exposition::{Escaping, text};
use promproc::liveness::Liveness;
use promproc::model::{Labels, MetricFamily, MetricType, Sample};

/// Writes the counts of findings by code and severity, and the totals.
///
/// # Errors
/// Those of `out`.
pub(crate) fn write(report: &Report, findings: &[&Finding], out: &mut dyn Write) -> io::Result<()> {
    let mut counts: Vec<(Vec<(&str, &str)>, usize)> = Vec::new();
    for finding in findings {
        let labels = vec![("code", finding.code.as_str()), ("severity", finding.severity.as_str())];
        match counts.iter_mut().find(|(known, _)| *known == labels) {
            Some((_, count)) => *count += 1,
            None => counts.push((labels, 1)),
        }
    }
    let by_liveness = |counts: [(Liveness, usize); 3]| {
        counts.map(|(liveness, count)| (vec![("liveness", liveness.as_str())], count)).to_vec()
    };
    let workers =
        [(Liveness::Live, report.live), (Liveness::Unknown, report.unknown), (Liveness::Dead, report.dead)];
    let plain = |count: usize| vec![(Vec::new(), count)];
    let bytes = |bytes: u64| plain(usize::try_from(bytes).unwrap_or(usize::MAX));
    let mut families = vec![
        gauge(
            "build_info",
            "The release of promproc",
            vec![(vec![("version", env!("CARGO_PKG_VERSION"))], 1)],
        ),
        gauge("findings", "What promproc check found", counts),
        gauge(
            "files",
            "Metric files, by whether a process writes to them",
            by_liveness(report.files_by_liveness),
        ),
        gauge(
            "workers",
            "Process identifiers in file names, by whether the process is alive",
            by_liveness(workers),
        ),
        gauge("series", "Series of the merged exposition", plain(report.growth.series)),
        gauge("damaged_files", "Files that were left out, or in part", plain(report.damaged)),
        gauge("used_bytes", "What the files hold", bytes(report.growth.all.used_bytes)),
        gauge("allocated_bytes", "What the files occupy", bytes(report.growth.all.allocated_bytes)),
    ];
    if let Some((available, size)) = report.space_bytes {
        let help = "What the file system of the directory has left";
        families.push(gauge("filesystem_avail_bytes", help, bytes(available)));
        families.push(gauge("filesystem_size_bytes", "The size of that file system", bytes(size)));
    }
    text::write(families, Escaping::Underscores, out)
}

fn gauge(name: &str, help: &str, samples: Vec<(Vec<(&str, &str)>, usize)>) -> MetricFamily {
    let name: Arc<str> = format!("promproc_{name}").into();
    #[expect(clippy::cast_precision_loss, reason = "counts and bytes fit 53 bits")]
    let sample = |(labels, value): (Vec<(&str, &str)>, usize)| Sample {
        name: Arc::clone(&name),
        labels: Arc::new(Labels::new(labels.into_iter())),
        bound: None,
        value: value as f64,
    };
    MetricFamily {
        name: name.to_string(),
        help: help.to_owned(),
        metric_type: MetricType::Gauge,
        bare_counter: false,
        samples: samples.into_iter().map(sample).collect(),
    }
}
