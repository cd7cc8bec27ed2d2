//! The rules by which values of several processes become one; each is said here once, for merging and for
//! explaining what was merged (`multiprocess.py` of prometheus_client 0.26.0).

use crate::model::{GaugeMode, GaugeRule, MetricType};

/// The rule for the values of a family; those of everything but gauges are added.
pub(crate) fn rule_of(metric_type: MetricType, mode: Option<GaugeMode>) -> GaugeRule {
    match metric_type {
        MetricType::Gauge => mode.unwrap_or(GaugeMode::All).rule(),
        MetricType::Counter | MetricType::Histogram | MetricType::Summary => GaugeRule::Sum,
    }
}

/// What a value is merged into where it is the first.
pub(crate) fn initial(rule: GaugeRule, first: f64) -> f64 {
    if rule == GaugeRule::Sum { 0.0 } else { first }
}

/// Merges one more value into those before it, but for the most recent: see [`is_more_recent`].
#[inline]
pub(crate) fn take(rule: GaugeRule, merged: &mut f64, value: f64) {
    if rule == GaugeRule::Sum {
        *merged += value;
    } else if takes_place(rule, *merged, value) {
        *merged = value;
    }
}

/// Whether a value takes the place of the one that stood for all before it.
#[inline]
pub(super) fn takes_place(rule: GaugeRule, before: f64, value: f64) -> bool {
    match rule {
        // A NaN that came first stays: no comparison with it is true.
        GaugeRule::Min => value < before,
        GaugeRule::Max => value > before,
        // One process's file that is read later: only two files with the same pid in their names.
        GaugeRule::PerPid => true,
        // Added, or decided by time.
        GaugeRule::Sum | GaugeRule::MostRecent => false,
    }
}

/// Before a most recent value was set.
pub(crate) const NEVER: f64 = 0.0;

/// Whether a value of that timestamp takes the place of the latest so far. One of 0 never does: it says
/// that nobody set the gauge.
#[inline]
pub(crate) fn is_more_recent(latest: f64, timestamp: f64) -> bool {
    latest < timestamp
}

/// Whether anybody set a most recent value of that timestamp.
pub(crate) fn is_set(timestamp: Option<f64>) -> bool {
    is_more_recent(NEVER, timestamp.unwrap_or(NEVER))
}

/// A value that is to be merged, and when it was set.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Value {
    /// The value.
    pub(crate) value: f64,
    /// Seconds since 1970; `None` where the client stores none.
    pub(crate) timestamp: Option<f64>,
}

/// What values become, in the order in which they are read.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Outcome {
    /// None was set, or there is none.
    Nothing,
    /// The sum.
    Sum(f64),
    /// The value of that index is it.
    Decided(usize),
}

/// Merges values by a rule.
pub(crate) fn merged(rule: GaugeRule, values: impl IntoIterator<Item = Value>) -> Outcome {
    let mut outcome = Outcome::Nothing;
    let (mut merged, mut latest) = (0.0, NEVER);
    for (at, Value { value, timestamp }) in values.into_iter().enumerate() {
        let is_first = outcome == Outcome::Nothing;
        match rule {
            GaugeRule::Sum => {
                take(rule, &mut merged, value);
                outcome = Outcome::Sum(merged);
            }
            GaugeRule::MostRecent => {
                let timestamp = timestamp.unwrap_or(NEVER);
                if is_more_recent(latest, timestamp) {
                    latest = timestamp;
                    outcome = Outcome::Decided(at);
                }
            }
            GaugeRule::PerPid | GaugeRule::Min | GaugeRule::Max => {
                if is_first || takes_place(rule, merged, value) {
                    merged = value;
                    outcome = Outcome::Decided(at);
                }
            }
        }
    }
    outcome
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_values_become_by_each_rule() {
        let nan = f64::NAN;
        let at = |value, timestamp| Value { value, timestamp: Some(timestamp) };
        for (rule, values, outcome) in [
            (GaugeRule::Sum, vec![], Outcome::Nothing),
            (GaugeRule::Sum, vec![at(1.0, 0.0), at(2.5, 0.0)], Outcome::Sum(3.5)),
            (GaugeRule::Min, vec![at(2.0, 0.0), at(1.0, 0.0), at(1.0, 0.0)], Outcome::Decided(1)),
            (GaugeRule::Max, vec![at(2.0, 0.0), at(1.0, 0.0)], Outcome::Decided(0)),
            (GaugeRule::Max, vec![at(nan, 0.0), at(1.0, 0.0)], Outcome::Decided(0)),
            (GaugeRule::Min, vec![at(1.0, 0.0), at(nan, 0.0)], Outcome::Decided(0)),
            (GaugeRule::PerPid, vec![at(1.0, 0.0), at(2.0, 0.0)], Outcome::Decided(1)),
            (GaugeRule::MostRecent, vec![at(1.0, 0.0), at(2.0, -1.0), at(3.0, nan)], Outcome::Nothing),
            (GaugeRule::MostRecent, vec![at(1.0, 5.0), at(2.0, 5.0), at(3.0, 1.0)], Outcome::Decided(0)),
        ] {
            assert_eq!(merged(rule, values.clone()), outcome, "{rule:?} of {values:?}");
        }
    }
}
