//! One pass over the files: every entry's value goes to its cell.

use std::collections::{BTreeSet, HashMap};
use std::{io, iter};

use hashbrown::DefaultHashBuilder;

use super::series::{Cell, Family, FamilyIndex, Pairs, Series, SetIndex};
use super::trace::{Destination, Trace};
use super::{Conflict, Options, Stop};
use crate::directory::{DbFile, Problem, ProblemKind};
use crate::format::{self, BucketKey, DbName, Entry, Key, KeyError, KeyShape};
use crate::model::{GaugeMode, GaugeRule, Labels, MetricType};
use crate::reader::keys::index;
use crate::reader::keys::{Cursor, KeyTable};
use crate::reader::{FileReader, ReadError, read_files};

/// The state of a pass.
pub(super) struct Pass<'o> {
    options: &'o Options,
    tables: Vec<(FileClass, KeyTable<Target>)>,
    targets: Targets<'o>,
    problems: Vec<Problem>,
}

/// Files of one class are merged alike and mostly have the same keys in the same order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct FileClass {
    metric_type: MetricType,
    mode: Option<GaugeMode>,
}

/// Where the values of a key go.
#[derive(Clone, Copy, Debug)]
struct Target {
    family: FamilyIndex,
    action: Action,
}

/// What happens to a value.
#[derive(Clone, Copy, Debug)]
enum Action {
    Add(Cell),
    Min(Cell),
    Max(Cell),
    Set(Cell),
    /// Taken if its timestamp is the greatest: index into the series' most recent samples.
    MostRecent(u32),
    /// The series has the file's pid as a label: index into [`Targets::per_pid`].
    PerPid(u32),
    /// Not selected.
    Skip,
    /// The key cannot be understood: index into [`Targets::errors`].
    LeaveOut(u32),
}

/// Everything that targets point to.
struct Targets<'o> {
    options: &'o Options,
    series: Series,
    /// Modes that a pass before this one found to apply to families.
    modes: HashMap<String, GaugeMode>,
    conflicts: BTreeSet<Conflict>,
    trace: Option<Trace>,
    per_pid: Vec<PerPid>,
    pids: HashMap<String, u32>,
    pid_actions: HashMap<(u32, u32), Action, DefaultHashBuilder>,
    errors: Vec<KeyError>,
    /// The bucket of the file being read that was parsed last, and the label set that it is of.
    last_bucket: Option<(BucketKey, SetIndex)>,
}

/// A series of which each process has its own.
struct PerPid {
    family: FamilyIndex,
    sample: String,
    /// Without `pid`.
    labels: Labels,
}

/// The label `pid` of a file.
#[derive(Clone, Copy)]
struct Pid<'a> {
    index: u32,
    label: &'a str,
}

/// The family of keys that belong to none.
const NO_FAMILY: FamilyIndex = FamilyIndex::MAX;

impl<'o> Pass<'o> {
    /// Reads all files. `modes` are those that an earlier pass found to apply to families; `trace`
    /// notes where each value goes.
    pub(super) fn over(
        files: &[DbFile],
        options: &'o Options,
        modes: HashMap<String, GaugeMode>,
        trace: Option<Trace>,
    ) -> Result<Self, Stop> {
        let mut pass = Self {
            options,
            tables: Vec::new(),
            targets: Targets {
                options,
                series: Series::default(),
                modes,
                conflicts: BTreeSet::new(),
                trace,
                per_pid: Vec::new(),
                pids: HashMap::new(),
                pid_actions: HashMap::default(),
                errors: Vec::new(),
                last_bucket: None,
            },
            problems: Vec::new(),
        };
        read_files(files, options.threads, |file, reader| pass.read(file, reader))?;
        Ok(pass)
    }

    /// Merges a file into the series.
    fn read(&mut self, file: &DbFile, reader: FileReader<'_>) -> Result<(), Stop> {
        let class = FileClass { metric_type: file.name.metric_type, mode: file.name.mode };
        let at = self.tables.iter().position(|(of, _)| *of == class).unwrap_or_else(|| {
            self.tables.push((class, KeyTable::new()));
            self.tables.len() - 1
        });
        let (table, targets) = (&mut self.tables[at].1, &mut self.targets);
        targets.last_bucket = None;
        if let Some(trace) = &mut targets.trace {
            trace.next_file();
        }
        let is_plain = class.mode.is_none() && targets.trace.is_none();
        // Only gauges have series of their own for each process.
        let pid = class.mode.map(|_| targets.pid(file.name.pid_label()));
        let mut cursor = Cursor::start();
        let mut left_out: Option<(u64, u32, usize)> = None;
        let mut take = |targets: &mut Targets<'_>, target: Target, entry: Entry<'_>| {
            if let Some(mode) = class.mode {
                targets.series.note_mode(target.family, mode);
            }
            match target.action {
                Action::LeaveOut(error) => match &mut left_out {
                    Some((.., more)) => *more += 1,
                    None => left_out = Some((entry.offset, error, 0)),
                },
                action => targets.apply(action, pid, &entry),
            }
        };
        let read = reader.read(|entries, _| {
            loop {
                if is_plain {
                    // What most entries are: one more value of a known counter or bucket.
                    table.take_expected(entries, &mut cursor, |target, entry| match target.action {
                        Action::Add(cell) => targets.series.values[cell as usize] += entry.value,
                        _ => take(targets, target, entry),
                    });
                } else {
                    table.take_expected(entries, &mut cursor, |target, entry| take(targets, target, entry));
                }
                let Some(entry) = entries.next() else {
                    return Ok(());
                };
                let entry = entry?;
                let target = table.look_up(&mut cursor, entry.record, || targets.find(&file.name, &entry));
                take(targets, target, entry);
            }
        });
        if let Some((offset, error, more)) = left_out {
            let error = self.targets.errors[error as usize].clone();
            self.report(file, ProblemKind::Key { offset, error, more })?;
        }
        match read {
            Ok(_) => Ok(()),
            Err(ReadError::Format(error)) => self.report(file, ProblemKind::Format(error)),
            Err(ReadError::Io(error)) if error.kind() == io::ErrorKind::NotFound => {
                // As for the client, a live gauge's file may go at any moment, and then it is gone.
                if file.name.is_live_gauge() { Ok(()) } else { Err(Stop::Vanished(file.path())) }
            }
            Err(ReadError::Io(error)) => self.report(file, ProblemKind::Io(error)),
        }
    }

    fn report(&mut self, file: &DbFile, kind: ProblemKind) -> Result<(), Stop> {
        let problem = Problem { path: file.path(), kind };
        if self.options.strict {
            return Err(Stop::Strict(problem));
        }
        self.problems.push(problem);
        Ok(())
    }

    /// Whether entries were merged by another rule than that of their family's last file.
    pub(super) fn has_applied_another_rule(&self) -> bool {
        self.targets.series.families.iter().any(Family::has_applied_another_rule)
    }

    /// The modes that apply to families, for the next pass.
    pub(super) fn last_modes(&self) -> HashMap<String, GaugeMode> {
        let families = &self.targets.series.families;
        families.iter().filter_map(|f| Some((f.name.clone(), f.last_mode?))).collect()
    }

    /// The result.
    pub(super) fn finish(self) -> (Series, Vec<Problem>, Vec<Conflict>, Option<Trace>) {
        let Targets { series, mut conflicts, trace, .. } = self.targets;
        for family in &series.families {
            if let (Some(other), Some(last)) = (family.other_mode, family.last_mode) {
                conflicts.insert(Conflict::Modes { family: family.name.clone(), other, last });
            }
        }
        (series, self.problems, conflicts.into_iter().collect(), trace)
    }
}

impl Targets<'_> {
    fn pid<'a>(&mut self, label: &'a str) -> Pid<'a> {
        let next = index(self.pids.len());
        let index = match self.pids.get(label) {
            Some(&pid) => pid,
            None => *self.pids.entry(label.to_owned()).or_insert(next),
        };
        Pid { index, label }
    }

    /// Sends a value where its key's values go. `pid` is the file's, if it is a gauge's.
    fn apply(&mut self, action: Action, pid: Option<Pid<'_>>, entry: &Entry<'_>) {
        let value = entry.value;
        let action = match action {
            Action::PerPid(at) => pid.map_or(Action::Skip, |pid| self.for_pid(at, pid, value)),
            other => other,
        };
        if let Some(trace) = &mut self.trace {
            match action {
                Action::Add(cell) | Action::Min(cell) | Action::Max(cell) | Action::Set(cell) => {
                    trace.note(Destination::Cell(cell), entry);
                }
                Action::MostRecent(at) => trace.note(Destination::Recent(at), entry),
                Action::PerPid(_) | Action::Skip | Action::LeaveOut(_) => {}
            }
        }
        let values = &mut self.series.values;
        match action {
            Action::Add(cell) => values[cell as usize] += value,
            // A NaN that came first stays: no comparison with it is true.
            Action::Min(cell) => {
                if value < values[cell as usize] {
                    values[cell as usize] = value;
                }
            }
            Action::Max(cell) => {
                if value > values[cell as usize] {
                    values[cell as usize] = value;
                }
            }
            Action::Set(cell) => values[cell as usize] = value,
            Action::MostRecent(at) => {
                let timestamp = entry.timestamp.unwrap_or_default();
                self.series.set_if_more_recent(at, value, timestamp);
            }
            Action::PerPid(_) | Action::Skip | Action::LeaveOut(_) => {}
        }
    }

    /// Finds out where the values of a key go, in files of that type and mode.
    fn find(&mut self, file: &DbName, entry: &Entry<'_>) -> Target {
        if let Some(target) = self.find_next_bucket(entry) {
            return target;
        }
        match Key::parse(entry.key()) {
            Ok(key) if !self.options.selection.has_key(&key) => {
                Target { family: NO_FAMILY, action: Action::Skip }
            }
            Ok(key) => self.find_parsed(file, key, entry),
            Err(error) => self.leave_out(error),
        }
    }

    /// The same for one more bucket of the label set of the last one.
    fn find_next_bucket(&mut self, entry: &Entry<'_>) -> Option<Target> {
        let (last, set) = self.last_bucket.as_ref()?;
        let bound = last.bound_of(entry.key())?;
        let family = self.series.sets[*set as usize].family;
        Some(Target { family, action: Action::Add(self.series.bucket_of(*set, bound)) })
    }

    fn leave_out(&mut self, error: KeyError) -> Target {
        self.errors.push(error);
        Target { family: NO_FAMILY, action: Action::LeaveOut(index(self.errors.len() - 1)) }
    }

    fn find_parsed(&mut self, file: &DbName, key: Key<'_>, entry: &Entry<'_>) -> Target {
        let Key { family, sample, labels, help, shape, replaced_surrogate } = key;
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
        let of = &mut self.series.families[family as usize];
        let mode = mode.or(file.mode).or(of.last_mode).unwrap_or(GaugeMode::All);
        let is_gauge = of.metric_type == MetricType::Gauge;
        let is_bucket = of.metric_type == MetricType::Histogram && labels.get("le").is_some();
        let mut note = |conflict: Conflict| self.conflicts.insert(conflict);
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
            of.apply_rule(mode.rule());
        }
        let is_per_pid = match mode.rule() {
            _ if file.mode.is_none() => false,
            _ if !is_gauge => true,
            rule => rule == GaugeRule::PerPid,
        };
        let action = if is_gauge && file.mode.is_none() && mode.rule() == GaugeRule::MostRecent {
            // The client takes no timestamp from files of another type, so the value is never taken.
            Action::Skip
        } else if is_per_pid {
            self.per_pid.push(PerPid {
                family,
                sample: sample.into_owned(),
                labels: Labels::new(labels.iter()),
            });
            Action::PerPid(index(self.per_pid.len() - 1))
        } else {
            match action(&mut self.series, family, &sample, labels.iter(), mode, entry.value) {
                Ok(action) => action,
                Err(error) => return self.leave_out(error),
            }
        };
        // Whether the next one is selected may depend on its bound.
        if is_bucket && !is_per_pid && !self.options.selection.looks_at_keys() {
            let set = self.series.last_set;
            self.last_bucket = BucketKey::new(entry.key()).map(|key| (key, set));
        }
        Target { family, action }
    }

    fn for_pid(&mut self, at: u32, pid: Pid<'_>, value: f64) -> Action {
        if let Some(&action) = self.pid_actions.get(&(at, pid.index)) {
            return action;
        }
        let PerPid { family, sample, labels } = &self.per_pid[at as usize];
        let labels = labels.iter().chain(iter::once(("pid", pid.label)));
        let action = action(&mut self.series, *family, sample, labels, GaugeMode::All, value);
        let action = action.unwrap_or(Action::Skip);
        self.pid_actions.insert((at, pid.index), action);
        action
    }
}

/// What happens to the values of a sample with exactly these labels.
fn action<'a>(
    series: &mut Series,
    family: FamilyIndex,
    sample: &str,
    labels: impl Pairs<'a>,
    mode: GaugeMode,
    value: f64,
) -> Result<Action, KeyError> {
    let without = |removed: &'static str| labels.clone().filter(move |(name, _)| *name != removed);
    Ok(match series.families[family as usize].metric_type {
        MetricType::Counter | MetricType::Summary => Action::Add(series.sample(family, labels, sample, 0.0)),
        MetricType::Histogram => match labels.clone().find(|(name, _)| *name == "le") {
            None => Action::Add(series.sample(family, labels, sample, 0.0)),
            Some((_, le)) => {
                let bound = format::parse_bound(le).ok_or_else(|| KeyError::Bound(le.to_owned()))?;
                Action::Add(series.bucket(family, without("le"), bound))
            }
        },
        MetricType::Gauge => match mode.rule() {
            GaugeRule::PerPid => Action::Set(series.sample(family, labels, sample, value)),
            GaugeRule::Min => Action::Min(series.sample(family, without("pid"), sample, value)),
            GaugeRule::Max => Action::Max(series.sample(family, without("pid"), sample, value)),
            GaugeRule::Sum => Action::Add(series.sample(family, without("pid"), sample, 0.0)),
            GaugeRule::MostRecent => Action::MostRecent(series.recent(family, without("pid"), sample)),
        },
    })
}
