//! File names: `{type}_{pid}.db`, and `gauge_{mode}_{pid}.db` for gauges.

use std::str::FromStr;

use compact_str::CompactString;

use crate::model::{GaugeMode, MetricType, UnknownName};

const EXTENSION: &str = ".db";

/// What the name of a metric file says.
///
/// Most names are short enough to be stored without an allocation, which each file would cost.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MetricFileName {
    file_name: CompactString,
    /// The type of all metrics in the file.
    pub metric_type: MetricType,
    /// The mode of all gauges in the file; `None` where the type is not gauge.
    pub mode: Option<GaugeMode>,
    /// Where in `file_name` the pid starts.
    pid_at: usize,
}

impl FromStr for MetricFileName {
    type Err = UnknownName;

    /// Takes a file name apart; an error if the client never gives such a name.
    ///
    /// `gauge_5.db` is refused: the client raises an IndexError on it.
    fn from_str(file_name: &str) -> Result<Self, UnknownName> {
        let stem = file_name.strip_suffix(EXTENSION).ok_or(UnknownName)?;
        let (type_name, rest) = stem.split_once('_').ok_or(UnknownName)?;
        let metric_type: MetricType = type_name.parse()?;
        let (mode, pid) = if metric_type == MetricType::Gauge {
            let (mode_name, pid) = rest.split_once('_').ok_or(UnknownName)?;
            (Some(mode_name.parse().unwrap_or(GaugeMode::Unknown)), pid)
        } else {
            (None, rest)
        };
        let pid_at = stem.len() - pid.len();
        Ok(Self { file_name: file_name.into(), metric_type, mode, pid_at })
    }
}

impl MetricFileName {
    /// The whole name.
    pub fn file_name(&self) -> &str {
        &self.file_name
    }

    /// Who wrote the file: usually a process id, but it may be any string that the application's
    /// `process_identifier` returns (a uWSGI worker number, a host name).
    pub fn pid(&self) -> &str {
        &self.file_name[self.pid_at..self.file_name.len() - EXTENSION.len()]
    }

    /// What the names of all files have in common whose values may be merged into one: the type and, for
    /// gauges, the mode; e.g. `counter`, `gauge_sum`.
    pub fn class(&self) -> &str {
        &self.file_name[..self.pid_at - 1]
    }

    /// The mode as the name spells it; empty where the type is not gauge.
    pub fn mode_name(&self) -> &str {
        // Before the pid come `gauge_`, the mode and `_`.
        let before = "gauge_".len()..self.pid_at - 1;
        self.mode.and_then(|_| self.file_name.get(before)).unwrap_or_default()
    }

    /// Whether `mark_process_dead` removes this file when its process has died.
    pub fn is_live_gauge(&self) -> bool {
        self.mode.is_some_and(GaugeMode::is_live)
    }

    /// The value of the label `pid` that the client gives the gauges of this file.
    ///
    /// It takes the third `_`-separated part of the name and cuts three characters off
    /// (`parts[2][:-3]`, multiprocess.py of 0.26.0), so `gauge_all_host_5.db` gives `h`.
    pub fn pid_label(&self) -> &str {
        match self.pid().split_once('_') {
            None => self.pid(),
            Some((third, _)) => match third.char_indices().rev().nth(2) {
                Some((end, _)) => &third[..end],
                None => "",
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_of_names() {
        let name: MetricFileName = "gauge_livesum_123.db".parse().expect("a metric file");
        assert_eq!((name.metric_type, name.mode), (MetricType::Gauge, Some(GaugeMode::LiveSum)));
        assert_eq!((name.pid(), name.pid_label()), ("123", "123"));

        let name: MetricFileName = "histogram_web_1.db".parse().expect("a metric file");
        assert_eq!((name.metric_type, name.pid()), (MetricType::Histogram, "web_1"));

        let name: MetricFileName = "gauge_avg_7.db".parse().expect("a metric file");
        assert_eq!((name.mode, name.mode_name()), (Some(GaugeMode::Unknown), "avg"));
    }

    #[test]
    fn the_client_cuts_the_pid_label_of_ids_with_an_underscore() {
        for (file_name, label) in
            [("gauge_all_host_5.db", "h"), ("gauge_all_ab_5.db", ""), ("gauge_all_wörker_é_1.db", "wör")]
        {
            let name: MetricFileName = file_name.parse().expect("a metric file");
            assert_eq!(name.pid_label(), label, "{file_name}");
        }
    }

    #[test]
    fn names_that_are_not_ours() {
        for file_name in [
            "foo.db",
            "gauge_5.db",
            "counter.db",
            "counter_1.db.tmp",
            "Counter_1.db",
            "info_1.db",
            ".db",
            "counter_1",
        ] {
            assert_eq!(file_name.parse::<MetricFileName>(), Err(UnknownName), "{file_name}");
        }
    }
}
