//! Why a series has its value: which entries it was made of, which of their processes are still
//! alive, which entry decides, and what the value would be without the dead.

use std::collections::HashMap;
use std::path::PathBuf;

use crate::directory::{DbFile, DirectoryError, Problem};
use crate::liveness::{Evidence, Liveness, examine, name_holders};
use crate::merge::{self, Conflict, Contribution, MergeError, Options, TracedSeries};
use crate::model::{GaugeMode, GaugeRule, Labels, MetricType};
use crate::notation::go_string;
use crate::notation::remedy;
use crate::select::Selector;

/// The series that a selector chose, explained.
#[derive(Debug)]
pub struct Explained {
    /// In the client's order.
    pub series: Vec<Explanation>,
    /// The files that contributions refer to, by index.
    pub sources: Vec<Source>,
    /// Where no series matched: names, or series of that name, that are like what was asked for.
    pub nearest: Vec<String>,
    /// What was left out.
    pub problems: Vec<Problem>,
    /// What the client's rules decided.
    pub conflicts: Vec<Conflict>,
}

/// A file and what is known about its writer.
#[derive(Clone, Debug)]
pub struct Source {
    /// The file.
    pub file: DbFile,
    /// Why it is live, dead or unknown; `None` for a file that no explained series needs, or that is
    /// gone by now.
    pub evidence: Option<Evidence>,
}

impl Source {
    /// What the evidence says.
    pub fn liveness(&self) -> Liveness {
        self.evidence.as_ref().map_or(Liveness::Unknown, Evidence::liveness)
    }
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
    /// The commands that take dead processes' values out, where these are wrong.
    pub remedies: Vec<String>,
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
                "one series a process, also of dead ones; nothing removes a dead process's file by itself"
            }
            (_, GaugeMode::LiveAll) => {
                "one series a live process; nothing removes a dead process's file by itself"
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

/// Explains every series that `selector` matches. A histogram's buckets are matched, as one, by the
/// names of the family, of its `_bucket` and its `_count`; everything of a histogram or summary by
/// the family's name.
///
/// # Errors
/// [`MergeError`] if a path cannot be worked on.
pub fn explain(paths: &[PathBuf], options: &Options, selector: Selector) -> Result<Explained, MergeError> {
    let merge::Traced { files, series, problems, conflicts } = merge::trace(paths, options)?;
    let (selector, of_bound) = selector.split_off("le");
    let (matched, others): (Vec<_>, Vec<_>) =
        series.into_iter().partition(|series| is_selected(series, &selector, &of_bound));
    let mut sources: Vec<_> = files.into_iter().map(|file| Source { file, evidence: None }).collect();
    weigh(&mut sources, &matched)?;
    let series: Vec<_> = matched.into_iter().map(|series| explain_series(series, &sources)).collect();
    let nearest = if series.is_empty() { nearest(&selector, &others) } else { Vec::new() };
    Ok(Explained { series, sources, nearest, problems, conflicts })
}

fn is_selected(series: &TracedSeries, selector: &Selector, of_bound: &Selector) -> bool {
    let count = format!("{}_count", series.family);
    let mut names = vec![&*series.sample];
    if matches!(series.metric_type, MetricType::Histogram | MetricType::Summary) {
        names.push(&series.family);
    }
    if !series.buckets.is_empty() {
        names.push(&count);
    }
    let has_bound = |bound: &str| {
        let labels = Labels::new([("le", bound)].into_iter().filter(|(_, bound)| !bound.is_empty()));
        of_bound.matches([""], &labels)
    };
    let is_bound = match series.buckets.as_slice() {
        [] => has_bound(""),
        buckets => buckets.iter().any(|(bound, _)| has_bound(&go_string(*bound))),
    };
    is_bound && selector.matches(names, &series.labels)
}

/// Finds out about the writers of the files that these series need.
fn weigh(sources: &mut [Source], series: &[TracedSeries]) -> Result<(), DirectoryError> {
    let mut by_path = HashMap::new();
    for contribution in series.iter().flat_map(|series| &series.contributions) {
        by_path.entry(sources[contribution.file].file.path()).or_insert(contribution.file);
    }
    let mut examined = examine(by_path.keys().cloned())?;
    name_holders(&mut examined);
    for file in examined {
        if let Some(&at) = by_path.get(&file.path) {
            sources[at].evidence = Some(file.evidence);
        }
    }
    Ok(())
}

/// Explains one series; `sources` are what is known of the files that it refers to.
pub fn explain_series(series: TracedSeries, sources: &[Source]) -> Explanation {
    let is_dead = |contribution: &Contribution| sources[contribution.file].liveness() == Liveness::Dead;
    let rule = series.rule();
    let decider = deciding(rule, &series.contributions);
    let fate = |at: usize, contribution: &Contribution| match rule {
        GaugeRule::Sum => Fate::Added,
        _ if decider == Some(at) => Fate::Decides,
        GaugeRule::MostRecent if contribution.timestamp.is_none_or(|at| at <= 0.0 || at.is_nan()) => {
            Fate::NeverSet
        }
        _ => Fate::Outdone,
    };
    let fates = series.contributions.iter().enumerate().map(|(at, one)| fate(at, one)).collect();
    let has_dead = series.contributions.iter().any(is_dead);
    let without_dead = has_dead.then(|| {
        let rest: Vec<_> = series.contributions.iter().filter(|one| !is_dead(one)).copied().collect();
        value_of(rule, !series.buckets.is_empty(), &rest)
    });
    let is_wrong = match &without_dead {
        Some(Value::Number(value)) => series.value.map(f64::to_bits) != Some(value.to_bits()),
        Some(Value::Absent) => series.value.is_some(),
        _ => false,
    };
    let mut remedies = Vec::new();
    if let (true, Some(mode)) = (is_wrong, series.mode.filter(|mode| can_be_stuck(*mode))) {
        for contribution in series.contributions.iter().filter(|one| is_dead(one)) {
            let remedy = remedy::prune(sources[contribution.file].file.directory(), mode);
            if !remedies.contains(&remedy) {
                remedies.push(remedy);
            }
        }
    }
    Explanation { series, fates, without_dead, remedies }
}

/// Whether a dead process's value in such a gauge is wrong rather than meant: a live mode says that
/// it should be gone, and of `all`, `min` and `max` nobody expects a process that no longer is.
pub(crate) fn can_be_stuck(mode: GaugeMode) -> bool {
    mode.is_live() || matches!(mode, GaugeMode::All | GaugeMode::Min | GaugeMode::Max)
}

/// What the rule makes of contributions, as the merge does.
pub fn value_of(rule: GaugeRule, has_buckets: bool, contributions: &[Contribution]) -> Value {
    if has_buckets {
        let mut buckets: Vec<(f64, f64)> = Vec::new();
        for Contribution { bound, value, .. } in contributions {
            let bound = bound.unwrap_or(f64::INFINITY);
            match buckets.last_mut().filter(|(of, _)| *of == bound) {
                Some((_, sum)) => *sum += value,
                None => buckets.push((bound, 0.0 + value)),
            }
        }
        return if buckets.is_empty() { Value::Absent } else { Value::Buckets(buckets) };
    }
    match (rule, contributions) {
        (_, []) => Value::Absent,
        (GaugeRule::Sum, all) => Value::Number(all.iter().fold(0.0, |sum, one| sum + one.value)),
        (rule, all) => deciding(rule, all).map_or(Value::Absent, |at| Value::Number(all[at].value)),
    }
}

/// Which contribution is the value; `None` where all are added, or none was set.
pub fn deciding(rule: GaugeRule, contributions: &[Contribution]) -> Option<usize> {
    let mut best: Option<usize> = None;
    let mut latest = 0.0;
    for (at, one) in contributions.iter().enumerate() {
        let is_better = match (rule, best) {
            (GaugeRule::Sum, _) => false,
            (GaugeRule::MostRecent, _) => {
                let timestamp = one.timestamp.unwrap_or_default();
                let is_later = latest < timestamp;
                if is_later {
                    latest = timestamp;
                }
                is_later
            }
            (GaugeRule::PerPid, _) | (_, None) => true,
            // A NaN that came first stays: no comparison with it is true.
            (GaugeRule::Min, Some(best)) => one.value < contributions[best].value,
            (GaugeRule::Max, Some(best)) => one.value > contributions[best].value,
        };
        if is_better {
            best = Some(at);
        }
    }
    best
}

/// Series of that name, or names like it.
fn nearest(selector: &Selector, others: &[TracedSeries]) -> Vec<String> {
    const SHOWN: usize = 3;
    const LEAST_LIKENESS: f64 = 0.8;
    let Some(wanted) = selector.name() else {
        return Vec::new();
    };
    let mut near: Vec<(f64, String)> = Vec::new();
    for series in others {
        let count = format!("{}_count", series.family);
        let has_count = !series.buckets.is_empty();
        let mut names = vec![&*series.sample, &*series.family];
        names.extend(has_count.then_some(count.as_str()));
        if names.contains(&wanted) && (wanted != series.family || *wanted == *series.sample) {
            // The name is right, so the labels are not.
            near.push((2.0, series.name_and_labels()));
            continue;
        }
        let likeness = names.iter().map(|name| strsim::jaro_winkler(name, wanted)).fold(0.0, f64::max);
        if likeness >= LEAST_LIKENESS || (!wanted.is_empty() && series.sample.contains(wanted)) {
            near.push((likeness, series.sample.to_string()));
        }
    }
    near.sort_by(|a, b| b.0.total_cmp(&a.0).then_with(|| a.1.cmp(&b.1)));
    near.dedup_by(|a, b| a.1 == b.1);
    near.into_iter().map(|(_, name)| name).take(SHOWN).collect()
}

/// The value below which that share of a histogram's observations lies, by the rule of PromQL's
/// `histogram_quantile`: linear within a bucket, the lowest bucket from 0 if its bound is positive.
/// `buckets` are not cumulated, in ascending order of their bounds; NaN where they do not say.
pub fn quantile(share: f64, buckets: &[(f64, f64)]) -> f64 {
    let total: f64 = buckets.iter().map(|(_, count)| count).sum();
    let is_complete = buckets.last().is_some_and(|(bound, _)| *bound == f64::INFINITY);
    if buckets.len() < 2 || !is_complete || total.is_nan() || total <= 0.0 {
        return f64::NAN;
    }
    let rank = share * total;
    let mut below = 0.0;
    for (at, &(bound, count)) in buckets.iter().enumerate() {
        if below + count < rank {
            below += count;
            continue;
        }
        let lower = at.checked_sub(1).map(|before| buckets[before].0);
        return match (lower, bound) {
            (Some(lower), f64::INFINITY) => lower,
            (None, bound) if bound <= 0.0 => bound,
            (lower, bound) => {
                let lower = lower.unwrap_or_default();
                lower + (bound - lower) * ((rank - below) / count)
            }
        };
    }
    f64::NAN
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_by_the_rule_of_prometheus() {
        let inf = f64::INFINITY;
        let buckets = [(0.1, 10.0), (0.5, 30.0), (1.0, 60.0), (inf, 0.0)];
        for (share, buckets, expected) in [
            (0.05, &buckets[..], 0.05),
            (0.1, &buckets, 0.1),
            (0.25, &buckets, 0.3),
            (0.5, &buckets, 0.5 + 0.5 * (10.0 / 60.0)),
            (1.0, &buckets, 1.0),
            (0.5, &[(0.1, 1.0), (inf, 9.0)], 0.1),
            (0.5, &[(-1.0, 4.0), (inf, 0.0)], -1.0),
            (0.5, &[(-2.0, 0.0), (-1.0, 4.0), (inf, 0.0)], -1.5),
            (0.5, &[(1.0, 0.0), (inf, 0.0)], f64::NAN),
            (0.5, &[(inf, 5.0)], f64::NAN),
            (0.5, &[(1.0, 5.0), (2.0, 5.0)], f64::NAN),
        ] {
            let found = quantile(share, buckets);
            assert!(
                (found - expected).abs() < 1e-12 || found.is_nan() && expected.is_nan(),
                "{share} of {buckets:?}: {found}, not {expected}"
            );
        }
    }
}
