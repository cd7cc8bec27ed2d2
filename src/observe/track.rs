//! What a value was before: changes per second, and the history behind a sparkline.

use std::collections::{HashMap, VecDeque};
use std::time::{Duration, Instant};

use super::row::{Change, Row};
use crate::model::MetricType;

/// How many rounds a history reaches back.
pub const HISTORY: usize = 60;

#[derive(Debug)]
struct Track {
    value: f64,
    history: VecDeque<f64>,
}

/// The values of the round before, by what tells rows apart.
#[derive(Debug, Default)]
pub(super) struct Tracks {
    of: HashMap<(Option<MetricType>, String), Track>,
    at: Option<Instant>,
}

impl Tracks {
    /// The time since the last round that was read.
    pub(super) fn elapsed(&self, now: Instant) -> Option<Duration> {
        Some(now.saturating_duration_since(self.at?))
    }

    /// Compares rows with those of the round before, and remembers them; others are forgotten.
    pub(super) fn advance<'a>(&mut self, rows: impl Iterator<Item = &'a mut Row>, now: Instant) {
        let elapsed = self.elapsed(now).unwrap_or_default();
        let mut before = std::mem::take(&mut self.of);
        for row in rows {
            let key = (row.metric_type, row.name.clone());
            let only_grows = row.metric_type != Some(MetricType::Gauge);
            let mut history = VecDeque::new();
            if let Some(track) = before.remove(&key) {
                row.change = Change::between(track.value, row.value, elapsed, only_grows);
                history = track.history;
            }
            if history.len() == HISTORY {
                history.pop_front();
            }
            history.push_back(if only_grows {
                row.change.per_second().unwrap_or(f64::NAN)
            } else {
                row.value
            });
            row.history = history.iter().copied().collect();
            self.of.insert(key, Track { value: row.value, history });
        }
        self.at = Some(now);
    }
}
