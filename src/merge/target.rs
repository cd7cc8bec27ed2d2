//! Where the values of a key go, found once for all equal keys.

use std::collections::{BTreeSet, HashMap};
use std::iter;
use std::path::Path;

use hashbrown::DefaultHashBuilder;

use super::collision::Collisions;
use super::series::{Cell, Family, FamilyIndex, Pairs, RecentIndex, Series, SetIndex};
use super::trace::{Destination, Trace};
use super::{Conflict, Traced, rule};
use crate::format::{self, BucketKey, Entry, Key, KeyError, KeyShape, MetricFileName};
use crate::model::{GaugeMode, GaugeRule, Labels, MetricType};
use crate::reader::arena::{Arena, Index};

/// Where the values of a key go.
#[derive(Clone, Copy, Debug)]
pub(super) struct Target {
    pub(super) family: FamilyIndex,
    pub(super) action: Action,
}

/// What happens to a value.
#[derive(Clone, Copy, Debug)]
pub(super) enum Action {
    /// It is merged into a cell by a rule, which is not the most recent's.
    Merge(GaugeRule, Cell),
    /// Taken if its timestamp is the greatest.
    MostRecent(RecentIndex),
    /// The series has the file's pid as a label.
    PerPid(Index<PerPid>),
    /// The client never takes it.
    Skip,
}

/// Everything that targets point to.
pub(super) struct Targets {
    pub(super) series: Series,
    /// Modes that a pass before this one found to apply to families.
    modes: HashMap<String, GaugeMode>,
    pub(super) conflicts: BTreeSet<Conflict>,
    pub(super) collisions: Collisions,
    /// The number of the directory that is read.
    directory: usize,
    /// The label that its keys get, if they get one.
    label: Option<(String, String)>,
    pub(super) traced: Traced,
    pub(super) trace: Option<Trace>,
    per_pid: Arena<PerPid>,
    pids: HashMap<String, PidIndex>,
    /// What happens to the values of a process, and the directory that had one last.
    pid_actions: HashMap<(Index<PerPid>, PidIndex), (Action, usize), DefaultHashBuilder>,
    /// The bucket of the file being read that was parsed last, and the label set that it is of.
    last_bucket: Option<(BucketKey, SetIndex)>,
}

/// A series of which each process has its own.
pub(super) struct PerPid {
    family: FamilyIndex,
    sample: String,
    /// Without `pid`.
    labels: Labels,
}

type PidIndex = Index<String>;

/// The label `pid` of a file.
#[derive(Clone, Copy)]
pub(super) struct Pid<'a> {
    index: PidIndex,
    label: &'a str,
}

impl Targets {
    pub(super) fn new(modes: HashMap<String, GaugeMode>, traced: Traced) -> Self {
        Self {
            series: Series::default(),
            modes,
            conflicts: BTreeSet::new(),
            collisions: Collisions::default(),
            directory: 0,
            label: None,
            traced,
            trace: (traced != Traced::Nothing).then(Trace::default),
            per_pid: Arena::default(),
            pids: HashMap::new(),
            pid_actions: HashMap::default(),
            last_bucket: None,
        }
    }

    /// What comes from here on is of that directory, and gets that label.
    pub(super) fn enter(&mut self, directory: usize, path: &Path, label: Option<(&str, &str)>) {
        self.collisions.enter(directory, path);
        self.directory = directory;
        self.label = label.map(|(name, value)| (name.to_owned(), value.to_owned()));
    }

    /// What comes from here on is of the next file.
    pub(super) fn next_file(&mut self) {
        self.last_bucket = None;
        if let Some(trace) = &mut self.trace {
            trace.next_file();
        }
    }

    pub(super) fn pid<'a>(&mut self, label: &'a str) -> Pid<'a> {
        let next = Index::after(self.pids.len());
        let index = match self.pids.get(label) {
            Some(&pid) => pid,
            None => *self.pids.entry(label.to_owned()).or_insert(next),
        };
        Pid { index, label }
    }

    /// Sends a value where its key's values go. `pid` is the file's, if it is a gauge's.
    pub(super) fn apply(&mut self, action: Action, pid: Option<Pid<'_>>, entry: &Entry<'_>) {
        let action = match action {
            Action::PerPid(at) => pid.map_or(Action::Skip, |pid| self.for_pid(at, pid, entry.value)),
            other => other,
        };
        let destination = match action {
            Action::Merge(rule, cell) => {
                rule::take(rule, &mut self.series.values[cell], entry.value);
                Destination::Cell(cell)
            }
            Action::MostRecent(at) => {
                let timestamp = entry.timestamp.unwrap_or(rule::NEVER);
                self.series.set_if_more_recent(at, entry.value, timestamp);
                Destination::Recent(at)
            }
            Action::PerPid(_) | Action::Skip => return,
        };
        if let Some(trace) = &mut self.trace {
            trace.note(destination, entry);
        }
    }

    /// Finds out where the values of a key go, in files of that type and mode; an error if the key cannot be
    /// understood.
    pub(super) fn find(&mut self, file: &MetricFileName, entry: &Entry<'_>) -> Result<Target, KeyError> {
        if let Some(target) = self.find_next_bucket(entry) {
            return Ok(target);
        }
        self.find_parsed(file, Key::parse(entry.key())?, entry)
    }

    /// The same for one more bucket of the label set of the last one.
    fn find_next_bucket(&mut self, entry: &Entry<'_>) -> Option<Target> {
        let (last, set) = self.last_bucket.as_ref()?;
        let bound = last.bound_of(entry.key())?;
        let family = self.series.sets[*set].family;
        Some(Target { family, action: Action::Merge(GaugeRule::Sum, self.series.bucket_of(*set, bound)) })
    }

    fn find_parsed(
        &mut self,
        file: &MetricFileName,
        key: Key<'_>,
        entry: &Entry<'_>,
    ) -> Result<Target, KeyError> {
        let Key { family, sample, mut labels, help, shape, replaced_surrogate } = key;
        let mut name = &*family;
        // From 0.4.0 a counter's family has no `_total`; before, it had what the application gave.
        let mut bare_counter = false;
        if shape == KeyShape::Lists && file.metric_type == MetricType::Counter {
            match name.strip_suffix("_total") {
                Some(stem) if !stem.is_empty() => name = stem,
                _ => bare_counter = true,
            }
        }
        let mode = self.modes.get(name).copied();
        let family =
            self.series.family(name, || Family::new(name, help.into_owned(), file.metric_type, bare_counter));
        let of = &mut self.series.families[family];
        let mode = mode.or(file.mode).or(of.last_mode).unwrap_or(GaugeMode::All);
        let rule = mode.rule();
        let is_gauge = of.metric_type == MetricType::Gauge;
        let is_bucket = of.metric_type == MetricType::Histogram && labels.get("le").is_some();
        let mut note = |conflict: Conflict| self.conflicts.insert(conflict);
        if let Some((label, value)) = &self.label
            && labels.set(label, value)
        {
            note(Conflict::DirectoryLabel { family: name.to_owned(), label: label.clone() });
        }
        if of.metric_type != file.metric_type {
            note(Conflict::Types { family: name.to_owned(), first: of.metric_type, other: file.metric_type });
        }
        if is_gauge && labels.get("pid").is_some() {
            note(Conflict::PidLabel { family: name.to_owned() });
        }
        if file.mode == Some(GaugeMode::Unknown) {
            note(Conflict::UnknownMode { family: name.to_owned(), mode: file.mode_name().to_owned() });
        }
        if replaced_surrogate {
            note(Conflict::Surrogate { family: name.to_owned() });
        }
        if is_gauge {
            of.apply_rule(rule);
        }
        let is_per_pid = file.mode.is_some() && (!is_gauge || rule == GaugeRule::PerPid);
        let action = if is_gauge && file.mode.is_none() && rule == GaugeRule::MostRecent {
            // The client takes no timestamp from files of another type, so the value is never taken.
            Action::Skip
        } else if is_per_pid {
            let labels = Labels::new(labels.iter());
            Action::PerPid(self.per_pid.push(PerPid { family, sample: sample.into_owned(), labels }))
        } else {
            action(&mut self.series, family, &sample, labels.iter(), rule, entry.value)?
        };
        if is_bucket && !is_per_pid {
            self.last_bucket = BucketKey::new(entry.key()).zip(self.series.last_set);
        }
        Ok(Target { family, action })
    }

    fn for_pid(&mut self, at: Index<PerPid>, pid: Pid<'_>, value: f64) -> Action {
        if let Some((action, directory)) = self.pid_actions.get_mut(&(at, pid.index)) {
            let action = *action;
            if *directory != self.directory && is_lost(action) {
                let before = std::mem::replace(directory, self.directory);
                self.note_collision(at, pid, before);
            }
            return action;
        }
        let PerPid { family, sample, labels } = &self.per_pid[at];
        let labels = labels.iter().chain(iter::once(("pid", pid.label)));
        let action = action(&mut self.series, *family, sample, labels, GaugeRule::PerPid, value);
        let action = action.unwrap_or(Action::Skip);
        self.pid_actions.insert((at, pid.index), (action, self.directory));
        // Files of another mode come to the same cell another way.
        if is_lost(action)
            && let Action::Merge(_, cell) = action
            && let Some(before) = self.collisions.make(cell, self.directory)
        {
            self.note_collision(at, pid, before);
        }
        action
    }

    fn note_collision(&mut self, at: Index<PerPid>, pid: Pid<'_>, before: usize) {
        let PerPid { family, sample, labels } = &self.per_pid[at];
        let family = &self.series.families[*family].name;
        self.collisions.note(family, sample, labels, pid.label, [before, self.directory]);
    }
}

/// Whether the value before is lost where another one comes.
fn is_lost(action: Action) -> bool {
    matches!(action, Action::Merge(GaugeRule::PerPid, _))
}

/// What happens to the values of a sample with exactly these labels; `gauge_rule` counts for gauges.
fn action<'a>(
    series: &mut Series,
    family: FamilyIndex,
    sample: &str,
    labels: impl Pairs<'a>,
    gauge_rule: GaugeRule,
    value: f64,
) -> Result<Action, KeyError> {
    let without = |removed: &'static str| labels.clone().filter(move |(name, _)| *name != removed);
    let metric_type = series.families[family].metric_type;
    if metric_type == MetricType::Histogram
        && let Some((_, le)) = labels.clone().find(|(name, _)| *name == "le")
    {
        let bound = format::parse_bound(le).ok_or_else(|| KeyError::Bound(le.to_owned()))?;
        return Ok(Action::Merge(GaugeRule::Sum, series.bucket(family, without("le"), bound)));
    }
    let rule = if metric_type == MetricType::Gauge { gauge_rule } else { GaugeRule::Sum };
    let initial = rule::initial(rule, value);
    let cell = match (metric_type, rule) {
        (MetricType::Gauge, GaugeRule::MostRecent) => {
            return Ok(Action::MostRecent(series.recent(family, without("pid"), sample)));
        }
        (MetricType::Gauge, GaugeRule::Min | GaugeRule::Max | GaugeRule::Sum) => {
            series.sample(family, without("pid"), sample, initial)
        }
        _ => series.sample(family, labels, sample, initial),
    };
    Ok(Action::Merge(rule, cell))
}
