//! What commands read, and what they choose of it: arguments that many of them have.

use std::path::PathBuf;
use std::str::FromStr;

use clap::{Args, ValueHint};
use promproc::model::{GaugeMode, MetricType};
use promproc::select::Selector;

use super::values::{directory_label, label, one_of};

/// What to read
#[derive(Debug, Args)]
pub(crate) struct Input {
    /// Directories and metric files; several are merged [default: $PROMETHEUS_MULTIPROC_DIR]
    #[arg(value_name = "PATH", value_hint = ValueHint::AnyPath)]
    pub paths: Vec<PathBuf>,
    /// Read every directory below PATH as well
    #[arg(short, long)]
    pub recursive: bool,
    /// Do nothing, silently, where PATH does not exist
    #[arg(long)]
    pub if_exists: bool,
    /// Add to every series the label NAME with the end of its directory's path that tells the
    /// directories apart, e.g. a/metrics and b/metrics: processes in different containers have equal
    /// pids
    #[arg(long, value_name = "NAME", value_parser = directory_label)]
    pub directory_label: Option<String>,
}

/// What to take
#[derive(Debug, Args)]
#[command(next_help_heading = "Filters")]
pub(crate) struct Select {
    /// Only files of this metric type (comma-separated, may be repeated)
    #[arg(long = "type", value_name = "TYPE", value_delimiter = ',', value_parser = one_of(&MetricType::ALL, MetricType::as_str))]
    pub metric_type: Vec<MetricType>,
    /// Only gauges of this mode, e.g. livesum (comma-separated, may be repeated)
    #[arg(long, value_name = "MODE", value_delimiter = ',', value_parser = one_of(&GaugeMode::ALL, GaugeMode::as_str))]
    pub mode: Vec<GaugeMode>,
    /// Only files of this process (comma-separated, may be repeated)
    #[arg(long, value_name = "PID", value_delimiter = ',')]
    pub pid: Vec<String>,
    /// Only series of this family or sample name; * matches any characters, ? any one
    /// (comma-separated, may be repeated)
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    pub name: Vec<String>,
    /// Only series with this label (may be repeated; all must match)
    #[arg(long, value_name = "NAME=VALUE", value_parser = label)]
    pub label: Vec<(String, String)>,
    /// Only series that this PromQL selector matches, e.g. 'http_requests_total{path!="/slow"}'
    /// (may be repeated: one must match)
    #[arg(long = "match", value_name = "SELECTOR", value_parser = Selector::from_str)]
    pub kept: Vec<Selector>,
    /// Leave out the series that this PromQL selector matches, e.g. '{instance="web-3"}', whatever
    /// other filters take (may be repeated)
    #[arg(long = "drop", value_name = "SELECTOR", value_parser = Selector::from_str)]
    pub dropped: Vec<Selector>,
}
