//! Why a series has its value: which entries it was made of, which of their processes are still
//! alive, which entry decides, and what the value would be without the dead.
//!
//! ```
//! use std::path::PathBuf;
//!
//! use promproc::explain::explain;
//! use promproc::merge::Options;
//!
//! let paths = [PathBuf::from("tests/data/gunicorn")];
//! let explained = explain(&paths, false, &Options::default(), &"inprogress_requests".parse()?)?;
//! for one in &explained.series {
//!     println!("{} is {:?}: {}", one.series.name_and_labels(), one.series.value, one.rule_in_words());
//!     for (entry, fate) in one.series.contributions.iter().zip(&one.fates) {
//!         let file = &explained.files[entry.file];
//!         println!("  {} of pid {}, {}: {fate:?}", entry.value, file.file.name.pid(), file.liveness());
//!     }
//! }
//! assert_eq!(explained.series[0].series.value, Some(3.0));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod absent;
mod quantile;

use std::borrow::Borrow;
use std::collections::{BTreeSet, HashSet};
use std::path::PathBuf;

pub use absent::Absence;
pub use quantile::quantile;

use crate::directory::{DirectoryError, InDirectory, Problem, is_read_only, user_to_be};
use crate::liveness::{Examined, Liveness, examine, name_holders};
use crate::merge::rule::{self, Outcome, merged};
use crate::merge::{Collision, Conflict, Contribution, Merged, Options, Traced, TracedSeries, merge_paths};
use crate::model::{GaugeMode, GaugeRule, MetricType};
use crate::notation::Remedy;
use crate::select::{Nearest, Selector};
use absent::absences;

/// The series that a selector chose, explained.
#[derive(Debug)]
pub struct Explained {
    /// In the client's order.
    pub series: Vec<Explanation>,
    /// The files that contributions refer to, by index; those that no explained series needs were not
    /// examined.
    pub files: Vec<Examined>,
    /// Where no series matched: names, or series of that name, that are like what was asked for.
    pub nearest: Vec<String>,
    /// Where no series matched: what can be the reason.
    pub absences: Vec<Absence>,
    /// What was left out.
    pub problems: Vec<Problem>,
    /// What the client's rules decided.
    pub conflicts: Vec<Conflict>,
    /// What is lost because several directories have the same series.
    pub collisions: Vec<Collision>,
}

/// One series and the reasons for its value.
#[derive(Clone, Debug)]
pub struct Explanation {
    /// The series and what was merged into it.
    pub series: TracedSeries,
    /// What became of each of its contributions.
    pub fates: Vec<Fate>,
    /// What it would be without the entries of dead processes, if it has any.
    pub without_dead: Option<Value>,
    /// The commands that remove dead processes' values, where these change the value.
    pub remedies: Vec<Remedy>,
    /// Whether processes count down what others count up, in a gauge of mode `livesum`: then its value is wrong
    /// as soon as one of them is gone, and nothing is to be removed. Its mode should be `sum`.
    pub should_be_sum: bool,
    /// Whether there is no command, or not the usual one, because that would remove such a gauge's values as well.
    pub is_spared: bool,
}

/// What became of an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It was added to the others.
    Added,
    /// It is the value: the least, the greatest, the most recent, the last.
    Decides,
    /// Another one decides.
    Outdone,
    /// Its timestamp is not above 0: nobody set it, and it is ignored.
    NeverSet,
}

/// The value of a series, or the buckets of one.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// There would be no such series.
    Absent,
    /// A number.
    Number(f64),
    /// Upper bounds and values, not cumulated.
    Buckets(Vec<(f64, f64)>),
}

impl Explanation {
    /// The sum of everything that was added.
    pub fn total(&self) -> f64 {
        match self.series.buckets.as_slice() {
            [] => self.series.value.unwrap_or_default(),
            buckets => buckets.iter().map(|(_, count)| count).sum(),
        }
    }

    /// How processes' values become one, in words.
    pub fn rule_in_words(&self) -> &'static str {
        match (self.series.metric_type, self.series.mode.unwrap_or(GaugeMode::All)) {
            (MetricType::Counter | MetricType::Summary, _) => {
                "the sum over the files of all processes, also of dead ones"
            }
            (MetricType::Histogram, _) => {
                "the sum over the files of all processes, also of dead ones; buckets are cumulated after that"
            }
            (_, GaugeMode::All | GaugeMode::Unknown) => {
                "one series per process, also of dead ones; nothing removes a dead process's file by itself"
            }
            (_, GaugeMode::LiveAll) => {
                "one series per live process; nothing removes a dead process's file by itself"
            }
            (_, GaugeMode::Max) => "the greatest value of all processes, also of dead ones",
            (_, GaugeMode::LiveMax) => {
                "the greatest value of live processes; nothing removes a dead process's file by itself"
            }
            (_, GaugeMode::Min) => "the least value of all processes, also of dead ones",
            (_, GaugeMode::LiveMin) => {
                "the least value of live processes; nothing removes a dead process's file by itself"
            }
            (_, GaugeMode::MostRecent) => "the value with the greatest timestamp, also of a dead process",
            (_, GaugeMode::LiveMostRecent) => {
                "the value with the greatest timestamp of live processes; nothing removes a dead process's file \
                 by itself"
            }
            (_, GaugeMode::Sum) => "the sum over the files of all processes, also of dead ones",
            (_, GaugeMode::LiveSum) => {
                "the sum over live processes' files; nothing removes a dead process's file by itself"
            }
        }
    }
}

/// Explains every series that `selector` matches. The buckets of a label set of a histogram are explained
/// together, if the selector matches any of them or their count.
///
/// # Errors
/// [`DirectoryError`] if a path cannot be worked on.
pub fn explain(
    paths: &[PathBuf],
    recursive: bool,
    options: &Options,
    selector: &Selector,
) -> Result<Explained, DirectoryError> {
    let options = Options { traced: Traced::Everything, ..options.clone() };
    let (files, merged) = merge_paths(paths, recursive, &options)?;
    let Merged { mut series, problems, conflicts, collisions, .. } = merged;
    let is_selected = |series: &TracedSeries| series.has_any_line(|line| selector.matches(line));
    let (matched, others): (Vec<_>, Vec<_>) = series.traced().into_iter().partition(is_selected);
    let mut files: Vec<_> = files.into_iter().map(Examined::unasked).collect();
    // Other gauges say what must not be pruned together with these.
    let (opposed, others): (Vec<_>, Vec<_>) =
        others.into_iter().partition(|series| !matched.is_empty() && is_opposed(series));
    let needed = matched.iter().chain(&opposed).flat_map(|series| &series.contributions).map(|one| one.file);
    examine_some(&mut files, &needed.collect())?;
    let explained = |series| explain_series(series, &files);
    let mut series: Vec<_> = matched.into_iter().map(explained).collect();
    let opposed: Vec<_> = opposed.into_iter().map(explained).collect();
    let spared = spared(series.iter().chain(&opposed), &files);
    for one in &mut series {
        one.is_spared = spare(&mut one.remedies, one.series.mode, &spared);
        one.remedies.retain(|remedy| !remedy.changes_files_in().is_some_and(is_read_only));
    }
    let is_shown = |family: &str| series.iter().any(|one| one.series.family == family);
    let conflicts = conflicts.into_iter().filter(|one| is_shown(one.family())).collect();
    let collisions = collisions.into_iter().filter(|one| is_shown(&one.family)).collect();
    let nearest = if series.is_empty() { nearest(selector, &others) } else { Vec::new() };
    let absences =
        if series.is_empty() { absences(selector, &others, &files, &problems, paths) } else { Vec::new() };
    Ok(Explained { series, files, nearest, absences, problems, conflicts, collisions })
}

/// What the selector may have meant.
fn nearest(selector: &Selector, others: &[TracedSeries]) -> Vec<String> {
    let mut nearest = Nearest::to_selector(selector);
    for series in others {
        series.has_line(|line| {
            nearest.see(line);
            false
        });
        nearest.see(&series.candidate(&series.sample, None));
    }
    nearest.into_texts()
}

/// Finds out about the writers of the files of these indices, by name.
fn examine_some(files: &mut [Examined], needed: &HashSet<usize>) -> Result<(), DirectoryError> {
    let chosen = files.iter_mut().enumerate().filter(|(at, _)| needed.contains(at));
    let mut chosen: Vec<_> = chosen.map(|(_, file)| file).collect();
    examine(chosen.iter_mut().map(|file| &mut **file))?;
    name_holders(chosen);
    Ok(())
}

/// Explains one series; `files` are what is known of the files that it refers to.
pub fn explain_series(series: TracedSeries, files: &[impl Borrow<Examined>]) -> Explanation {
    let file = |contribution: &Contribution| files[contribution.file].borrow();
    let is_dead = |contribution: &Contribution| file(contribution).liveness() == Liveness::Dead;
    let rule = series.rule();
    let decider = match merged(rule, series.contributions.iter().map(value)) {
        Outcome::Decided(at) => Some(at),
        Outcome::Nothing | Outcome::Sum(_) => None,
    };
    let fate = |at: usize, contribution: &Contribution| match rule {
        GaugeRule::Sum => Fate::Added,
        _ if decider == Some(at) => Fate::Decides,
        GaugeRule::MostRecent if !rule::is_set(contribution.timestamp) => Fate::NeverSet,
        _ => Fate::Outdone,
    };
    let fates = series.contributions.iter().enumerate().map(|(at, one)| fate(at, one)).collect();
    let has_dead = series.contributions.iter().any(is_dead);
    let without_dead = has_dead.then(|| {
        let rest: Vec<_> = series.contributions.iter().filter(|one| !is_dead(one)).collect();
        value_of(rule, !series.buckets.is_empty(), &rest)
    });
    let is_wrong = match &without_dead {
        Some(Value::Number(value)) => series.value.map(f64::to_bits) != Some(value.to_bits()),
        Some(Value::Absent) => series.value.is_some(),
        _ => false,
    };
    let should_be_sum = has_dead && is_opposed(&series);
    let mut remedies = Vec::new();
    if let (true, false, Some(mode)) =
        (is_wrong, should_be_sum, series.mode.filter(|mode| *mode != GaugeMode::Unknown))
    {
        for contribution in series.contributions.iter().filter(|one| is_dead(one)) {
            let of = file(contribution);
            let remedy = Remedy::prune(of.file.directory().path(), mode);
            let remedy = remedy.as_user(of.owner.and_then(user_to_be));
            if !remedies.contains(&remedy) {
                remedies.push(remedy);
            }
        }
    }
    Explanation { series, fates, without_dead, remedies, should_be_sum, is_spared: false }
}

/// Whether some processes count down what others count up, in a mode that forgets the dead.
fn is_opposed(series: &TracedSeries) -> bool {
    series.mode == Some(GaugeMode::LiveSum)
        && series.contributions.iter().any(|one| one.value < 0.0)
        && series.contributions.iter().any(|one| one.value > 0.0)
}

/// The directories in which the live gauges of dead processes must not all be removed: the value of one that should
/// be a sum would be wrong for ever.
pub(crate) fn spared<'e>(
    explanations: impl IntoIterator<Item = &'e Explanation>,
    files: &[impl Borrow<Examined>],
) -> BTreeSet<PathBuf> {
    let of = explanations.into_iter().filter(|one| one.should_be_sum);
    let of = of.flat_map(|one| &one.series.contributions).map(|one| files[one.file].borrow());
    of.map(|file| file.file.directory().path().to_owned()).collect()
}

/// Changes commands that would remove what is spared: to those for the one mode, or to none. Says whether there were
/// any.
pub(crate) fn spare(remedies: &mut Vec<Remedy>, mode: Option<GaugeMode>, spared: &BTreeSet<PathBuf>) -> bool {
    let is_harmful = |remedy: &Remedy| spared.iter().any(|directory| remedy.prunes_live_gauges_of(directory));
    let has_harmful = remedies.iter().any(is_harmful);
    let before = std::mem::take(remedies);
    remedies.extend(before.into_iter().filter_map(|remedy| match mode {
        _ if !is_harmful(&remedy) => Some(remedy),
        Some(mode) if mode != GaugeMode::LiveSum => Some(remedy.of_mode(mode)),
        _ => None,
    }));
    has_harmful
}

fn value(contribution: &Contribution) -> rule::Value {
    rule::Value { value: contribution.value, timestamp: contribution.timestamp }
}

/// What the rule makes of contributions, as the merge does. Of buckets, those of one bound stand together.
fn value_of(rule: GaugeRule, has_buckets: bool, contributions: &[&Contribution]) -> Value {
    let merged = |some: &[&Contribution]| match merged(rule, some.iter().map(|one| value(one))) {
        Outcome::Nothing => Value::Absent,
        Outcome::Sum(sum) => Value::Number(sum),
        Outcome::Decided(at) => Value::Number(some[at].value),
    };
    if !has_buckets || contributions.is_empty() {
        return merged(contributions);
    }
    let bound = |one: &Contribution| one.bound.unwrap_or(f64::INFINITY);
    let buckets =
        contributions.chunk_by(|a, b| bound(a) == bound(b)).map(|of_bound| match merged(of_bound) {
            Value::Number(count) => (bound(of_bound[0]), count),
            Value::Absent | Value::Buckets(_) => (bound(of_bound[0]), 0.0),
        });
    Value::Buckets(buckets.collect())
}
