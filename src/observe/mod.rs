//! A directory over time: what changed from one reading to the next. No terminal is known here.
//!
//! An [`Observer`] reads the same paths again and again. Each reading is a [`Round`]: the merged
//! series, the families and the processes, each with its change per second and its recent history,
//! and the workers that came, died or left. A directory that is not there is a state of the round,
//! because a service's directory may be wiped and made anew while somebody watches.

mod event;
mod processes;
mod round;
mod row;
mod track;

use std::collections::HashMap;
use std::io;
use std::path::PathBuf;
use std::time::Instant;

pub use event::{Event, EventKind};
pub use processes::{News, Process};
pub use round::{By, Family, Round, Series, Sort};
pub use row::{Change, Row};
pub use track::HISTORY;

use crate::directory::{DirectoryError, MetricFile};
use crate::liveness::{Examined, examine};
use crate::merge::{self, Merged, Traced, TracedSeries, merge_paths};
use crate::select::Choice;
use processes::Watch;
use track::Tracks;

/// How many events are remembered.
const EVENTS: usize = 100;

/// Reads the same paths again and again, and remembers what it needs to tell what changed.
#[derive(Debug)]
pub struct Observer {
    paths: Vec<PathBuf>,
    recursive: bool,
    options: merge::Options,
    series: Tracks,
    families: Tracks,
    counted: Tracks,
    processes: Watch,
    missing: Vec<PathBuf>,
    events: Vec<Event>,
    has_observed: bool,
}

impl Observer {
    /// An observer of directories and files; `options` as for a merge.
    pub fn new(paths: Vec<PathBuf>, recursive: bool, options: &merge::Options) -> Self {
        Self {
            paths,
            recursive,
            options: merge::Options { traced: Traced::Everything, ..options.clone() },
            series: Tracks::default(),
            families: Tracks::default(),
            counted: Tracks::default(),
            processes: Watch::default(),
            missing: Vec::new(),
            events: Vec::new(),
            has_observed: false,
        }
    }

    /// Reads everything once more. `now` is the moment that rates are computed with: the time
    /// between two calls' `now` counts, not how long the reading takes.
    pub fn observe(&mut self, now: Instant) -> Round {
        let mut round = Round::empty(now, self.paths.clone());
        let present = self.present_paths(now, &mut round);
        if !present.is_empty() {
            match merge_paths(&present, self.recursive, &self.options) {
                Ok((files, merged)) => self.fill(&mut round, files, merged, now),
                // The directory went between the two looks at it.
                Err(DirectoryError::Missing(path)) => self.note_missing(path, now, &mut round),
                Err(error) => round.unread.push(error),
            }
        }
        if !round.missing.is_empty() && round.files.is_empty() {
            // What comes back is another directory: its counters are compared with nothing.
            self.forget();
        }
        self.has_observed = true;
        let superfluous = self.events.len().saturating_sub(EVENTS);
        self.events.drain(..superfluous);
        round.events.clone_from(&self.events);
        round.took = now.elapsed();
        round
    }

    /// The paths that are there; the round gets those that are not, and what happened to them.
    fn present_paths(&mut self, now: Instant, round: &mut Round) -> Vec<PathBuf> {
        let mut present = Vec::new();
        for path in self.paths.clone() {
            if path.metadata().is_err_and(|error| is_missing(&error)) {
                self.note_missing(path, now, round);
                continue;
            }
            if let Some(at) = self.missing.iter().position(|missing| *missing == path) {
                self.missing.swap_remove(at);
                self.note(EventKind::Returned, path.display().to_string(), now);
            }
            present.push(path);
        }
        present
    }

    fn note_missing(&mut self, path: PathBuf, now: Instant, round: &mut Round) {
        if !self.missing.contains(&path) {
            if self.has_observed {
                self.note(EventKind::Vanished, path.display().to_string(), now);
            }
            self.missing.push(path.clone());
        }
        round.missing.push(path);
    }

    fn note(&mut self, kind: EventKind, what: String, now: Instant) {
        self.events.push(Event { at: now, kind, what });
    }

    fn forget(&mut self) {
        self.series = Tracks::default();
        self.families = Tracks::default();
        self.counted = Tracks::default();
        self.processes = Watch::default();
    }

    fn fill(&mut self, round: &mut Round, files: Vec<MetricFile>, mut merged: Merged, now: Instant) {
        round.elapsed = self.series.elapsed(now);
        round.problems = merged.problems;
        round.unmatched = merged.unmatched;
        round.collisions = merged.collisions;
        let mut series = merged.series.traced();
        let filter = &self.options.selection.series;
        if !filter.takes_all() {
            let mut choice = Choice::new(filter);
            series.retain(|series| series.has_line(|line| choice.takes(line)));
            if !files.is_empty() {
                round.unmatched.extend(choice.unmatched());
            }
        }
        round.files = files.into_iter().map(Examined::unasked).collect();
        // Where a file cannot even be looked at, none is known; the next round may know more.
        let _ = examine(&mut round.files);
        let (processes, events) = self.processes.update(&round.files, &series, now);
        round.processes = processes;
        for (kind, what) in events {
            self.note(kind, what, now);
        }
        round.entries = series.iter().map(|series| series.contributions.len()).sum();
        round.series = series.into_iter().filter_map(observed).collect();
        round.families = families(&round.series);
        self.series.advance(round.series.iter_mut().map(|series| &mut series.row), now);
        self.families.advance(round.families.iter_mut().map(|family| &mut family.row), now);
        self.counted.advance(round.processes.iter_mut().map(|process| &mut process.row), now);
    }
}

fn is_missing(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory)
}

/// A merged series as it is shown, if it is.
fn observed(traced: TracedSeries) -> Option<Series> {
    let (name, value) = traced.line()?;
    Some(Series { row: Row::new(name, value, Some(traced.metric_type)), traced })
}

/// Families in the order of their first series, each with the sum of its series: of histograms and
/// summaries, how many observations.
fn families(series: &[Series]) -> Vec<Family> {
    let mut found: Vec<Family> = Vec::new();
    let mut places: HashMap<&str, usize> = HashMap::new();
    for series in series {
        let TracedSeries { family, metric_type, .. } = &series.traced;
        let place = *places.entry(family).or_insert_with(|| {
            let row = Row::new(family.clone(), 0.0, Some(*metric_type));
            found.push(Family { row, metric_type: *metric_type, series: 0 });
            found.len() - 1
        });
        let family = &mut found[place];
        family.series += 1;
        if series.traced.is_count() {
            family.row.value += series.row.value;
        }
    }
    found
}

#[cfg(test)]
#[allow(clippy::disallowed_methods)] // a test's own directories
mod tests;
