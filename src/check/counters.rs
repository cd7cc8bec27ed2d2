//! Counters that fell between two looks. One look cannot tell: a file says what is counted, not what
//! was counted before.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use super::{Checked, Code, Finding};
use crate::directory::{DirectoryError, InDirectory};
use crate::format::MetricFileName;
use crate::merge::{Options, Traced, TracedSeries, merge_paths};
use crate::model::MetricType;
use crate::notation::{plain, some_of};
use crate::select::{FileFilter, Selection};

/// What everything that only grows had counted at one moment.
#[derive(Clone, Debug, Default)]
pub struct Counts {
    /// By name and labels.
    series: BTreeMap<String, Count>,
}

#[derive(Clone, Debug)]
struct Count {
    family: String,
    value: f64,
    /// What of it each file has.
    by_file: BTreeMap<PathBuf, f64>,
}

impl Counts {
    /// Reads counters, and the counts of histograms and summaries. Paths that do not exist have none.
    ///
    /// # Errors
    /// [`DirectoryError`] if another path cannot be worked on.
    pub fn read(what: &Checked) -> Result<Self, DirectoryError> {
        let paths: Vec<_> = what.paths.iter().filter(|path| path.exists()).cloned().collect();
        let types = vec![MetricType::Counter, MetricType::Histogram, MetricType::Summary];
        let files = FileFilter { types, ..FileFilter::default() };
        let selection = Selection { files, ..Selection::default() };
        let options = Options {
            selection,
            directory_label: what.directory_label.clone(),
            traced: Traced::Everything,
            ..Options::default()
        };
        let (files, mut merged) = merge_paths(&paths, what.recursive, &options)?;
        Ok(Self::of(&merged.series.traced(), |file| files[file].path()))
    }

    /// What of these series only grows; `path_of` tells the file of an index.
    pub(super) fn of(series: &[TracedSeries], path_of: impl Fn(usize) -> PathBuf) -> Self {
        let count = |series: &TracedSeries| {
            let is_counted = series.is_count() && series.metric_type != MetricType::Gauge;
            let (name, value) = series.line().filter(|_| is_counted)?;
            let mut by_file = BTreeMap::new();
            for contribution in &series.contributions {
                *by_file.entry(path_of(contribution.file)).or_default() += contribution.value;
            }
            Some((name, Count { family: series.family.clone(), value, by_file }))
        };
        Self { series: series.iter().filter_map(count).collect() }
    }
}

/// One finding for each family of which a series has fallen.
pub(super) fn findings(before: &Counts, now: &Counts) -> Vec<Finding> {
    let mut fallen: BTreeMap<&str, Vec<Fallen<'_>>> = BTreeMap::new();
    for (name, then) in &before.series {
        let now = now.series.get(name);
        // One that counted nothing loses nothing when it goes.
        if now.map_or(0.0, |now| now.value) < then.value {
            fallen.entry(&then.family).or_default().push(Fallen { name, then, now });
        }
    }
    fallen.into_iter().map(|(family, series)| finding(family, &series)).collect()
}

/// A series that has less than it had.
struct Fallen<'a> {
    name: &'a str,
    then: &'a Count,
    /// If it is still there.
    now: Option<&'a Count>,
}

fn finding(family: &str, series: &[Fallen<'_>]) -> Finding {
    // Which files have less than they had, or are not there any more.
    let (mut less, mut gone) = (BTreeSet::new(), BTreeSet::new());
    for Fallen { then, now, .. } in series {
        for (path, value) in &then.by_file {
            match now.and_then(|now| now.by_file.get(path)) {
                None => gone.insert(path),
                Some(now) => now < value && less.insert(path),
            };
        }
    }
    let name_of = |path: &&PathBuf| path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let mut reasons = Vec::new();
    if !gone.is_empty() {
        let verb = if gone.len() == 1 { "is" } else { "are" };
        reasons.push(format!("{} {verb} gone", some_of(gone.iter().map(name_of))));
    }
    if !less.is_empty() {
        let verb = if less.len() == 1 { "has" } else { "have" };
        reasons.push(format!("{} {verb} less than before", some_of(less.iter().map(name_of))));
    }
    let fell = series.iter().map(|Fallen { name, then, now }| {
        let now = now.map_or("nothing".to_owned(), |now| plain(now.value));
        format!("{name} fell from {} to {now}", plain(then.value))
    });
    let message = format!(
        "{}: {}; Prometheus takes that for a restart, and counts all of the new value again",
        some_of(fell),
        reasons.join("; ")
    );
    let advice = if gone.is_empty() {
        "do not reset counters in the application; rate() and increase() need none of it"
    } else {
        "leave the files of counters alone while the service runs, whoever wrote them; promproc clean is for before \
         its start"
    };
    let mut finding = Finding::new(Code::FallingCounter, family, message).advice(advice);
    finding.series = series.iter().map(|fallen| fallen.name.to_owned()).collect();
    for path in gone.union(&less) {
        finding.files.push((*path).clone().into());
        let name = path.file_name().and_then(|name| name.to_str()?.parse::<MetricFileName>().ok());
        finding.pids.extend(name.map(|name| name.pid().to_owned()));
    }
    finding
}
