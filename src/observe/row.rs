//! What every view's lines have: a value, its change and its history.

use std::time::Duration;

use crate::model::MetricType;

/// What all lines of a view have.
#[derive(Clone, Debug)]
pub struct Row {
    /// The series as `name{labels}`, the family's name, or what stands for the process in file names.
    pub name: String,
    /// Its value in this round.
    pub value: f64,
    /// How that changed.
    pub change: Change,
    /// The last rounds, the newest at the end: values of gauges, else changes per second, NaN
    /// where that cannot be told.
    pub history: Vec<f64>,
    /// The type that applies; none for a process.
    pub metric_type: Option<MetricType>,
}

impl Row {
    pub(super) fn new(name: String, value: f64, metric_type: Option<MetricType>) -> Self {
        Self { name, value, change: Change::New, history: Vec::new(), metric_type }
    }
}

/// How a value changed since the round before.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Change {
    /// It was not there before: there is nothing to compare it with.
    New,
    /// So much a second; negative where it fell.
    PerSecond(f64),
    /// A value that can only grow has fallen: its process, or the whole service, was restarted. How
    /// much was counted meanwhile cannot be told.
    Reset,
}

impl Change {
    /// So much a second, where that can be told.
    pub fn per_second(self) -> Option<f64> {
        match self {
            Self::PerSecond(rate) => Some(rate),
            Self::New | Self::Reset => None,
        }
    }

    pub(super) fn between(before: f64, now: f64, elapsed: Duration, only_grows: bool) -> Self {
        if only_grows && now < before {
            return Self::Reset;
        }
        // Infinities that stay are no change, though their difference is NaN.
        let is_same = before == now || before.is_nan() && now.is_nan();
        Self::PerSecond(if is_same { 0.0 } else { (now - before) / seconds(elapsed) })
    }
}

/// Seconds between two moments, never 0: something may be divided by it.
fn seconds(duration: Duration) -> f64 {
    duration.as_secs_f64().max(1e-3)
}
