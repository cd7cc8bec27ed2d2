//! File names: `{type}_{pid}.db`, and `gauge_{mode}_{pid}.db` for gauges.

use crate::model::{GaugeMode, MetricType};

/// What the name of a metric file says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DbName {
    /// The type of all metrics in the file.
    pub metric_type: MetricType,
    /// The mode of all gauges in the file; `None` where the type is not gauge.
    pub mode: Option<GaugeMode>,
    /// Who wrote the file: mostly a process id, but any string that the application's
    /// `process_identifier` gave (a uWSGI worker number, a host name).
    pub pid: String,
    /// The mode as the name spells it; differs from `mode` where that is unknown.
    mode_name: String,
}

impl DbName {
    /// Takes a file name apart; `None` if the client would not have given it.
    ///
    /// `gauge_5.db` is none of ours: the client raises an IndexError on it.
    pub fn parse(file_name: &str) -> Option<Self> {
        let stem = file_name.strip_suffix(".db")?;
        let (type_name, rest) = stem.split_once('_')?;
        let metric_type = MetricType::parse(type_name)?;
        if metric_type != MetricType::Gauge {
            return Some(Self { metric_type, mode: None, pid: rest.to_owned(), mode_name: String::new() });
        }
        let (mode_name, pid) = rest.split_once('_')?;
        Some(Self {
            metric_type,
            mode: Some(GaugeMode::parse(mode_name).unwrap_or(GaugeMode::Unknown)),
            pid: pid.to_owned(),
            mode_name: mode_name.to_owned(),
        })
    }

    /// The mode as the name spells it; empty where the type is not gauge.
    pub fn mode_name(&self) -> &str {
        &self.mode_name
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
        match self.pid.split_once('_') {
            None => &self.pid,
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
        let name = DbName::parse("gauge_livesum_123.db").expect("a metric file");
        assert_eq!((name.metric_type, name.mode), (MetricType::Gauge, Some(GaugeMode::LiveSum)));
        assert_eq!((name.pid.as_str(), name.pid_label()), ("123", "123"));

        let name = DbName::parse("histogram_web_1.db").expect("a metric file");
        assert_eq!((name.metric_type, name.pid.as_str()), (MetricType::Histogram, "web_1"));

        let name = DbName::parse("gauge_avg_7.db").expect("a metric file");
        assert_eq!((name.mode, name.mode_name()), (Some(GaugeMode::Unknown), "avg"));
    }

    #[test]
    fn the_client_cuts_the_pid_label_of_ids_with_an_underscore() {
        for (file_name, label) in
            [("gauge_all_host_5.db", "h"), ("gauge_all_ab_5.db", ""), ("gauge_all_wörker_é_1.db", "wör")]
        {
            let name = DbName::parse(file_name).expect("a metric file");
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
            assert_eq!(DbName::parse(file_name), None, "{file_name}");
        }
    }
}
