//! One reading of the paths, and the order in which its rows are shown.

use std::cmp::Ordering;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use wildmatch::WildMatch;

use super::event::Event;
use super::processes::Process;
use super::row::{Change, Row};
use crate::directory::{DirectoryError, Problem};
use crate::liveness::Examined;
use crate::merge::{Collision, TracedSeries};
use crate::model::MetricType;
use crate::select::Unmatched;

/// A merged series. The buckets of a histogram's label set are one, their count.
#[derive(Clone, Debug)]
pub struct Series {
    /// Its name, value and change.
    pub row: Row,
    /// What it was made of.
    pub traced: TracedSeries,
}

/// A metric family.
#[derive(Clone, Debug)]
pub struct Family {
    /// Its name, the sum of its series, and the change of that.
    pub row: Row,
    /// The type that applies.
    pub metric_type: MetricType,
    /// How many series it has.
    pub series: usize,
}

/// What the rows of a view are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum By {
    /// One row a series.
    #[default]
    Series,
    /// One row a family.
    Family,
    /// One row a process.
    Pid,
}

impl By {
    /// All, the default first.
    pub const ALL: [Self; 3] = [Self::Series, Self::Family, Self::Pid];

    /// The word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Series => "series",
            Self::Family => "family",
            Self::Pid => "pid",
        }
    }
}

/// What rows are sorted by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Sort {
    /// What changes fastest comes first, whether it grows or falls.
    #[default]
    Rate,
    /// The greatest value comes first.
    Value,
    /// By name.
    Name,
}

impl Sort {
    /// All, the default first.
    pub const ALL: [Self; 3] = [Self::Rate, Self::Value, Self::Name];

    /// The word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Rate => "rate",
            Self::Value => "value",
            Self::Name => "name",
        }
    }
}

/// One reading of the paths.
#[derive(Debug)]
pub struct Round {
    /// When it began.
    pub at: Instant,
    /// How long it took.
    pub took: Duration,
    /// The time since the round before; `None` if there was none to compare with.
    pub elapsed: Option<Duration>,
    /// What is observed.
    pub paths: Vec<PathBuf>,
    /// Paths that are not there.
    pub missing: Vec<PathBuf>,
    /// Why the rest could not be read.
    pub unread: Vec<DirectoryError>,
    /// What was left out.
    pub problems: Vec<Problem>,
    /// Filters that matched nothing.
    pub unmatched: Vec<Unmatched>,
    /// What is lost because several directories have the same series.
    pub collisions: Vec<Collision>,
    /// The files read, in order, and whether anybody still writes them.
    pub files: Vec<Examined>,
    /// How many entries were merged.
    pub entries: usize,
    /// The merged series, in the client's order.
    pub series: Vec<Series>,
    /// Their families.
    pub families: Vec<Family>,
    /// Who wrote the files.
    pub processes: Vec<Process>,
    /// What happened lately, also in earlier rounds; the newest at the end.
    pub events: Vec<Event>,
}

impl Round {
    pub(super) fn empty(at: Instant, paths: Vec<PathBuf>) -> Self {
        Self {
            at,
            took: Duration::ZERO,
            elapsed: None,
            paths,
            missing: Vec::new(),
            unread: Vec::new(),
            problems: Vec::new(),
            unmatched: Vec::new(),
            collisions: Vec::new(),
            files: Vec::new(),
            entries: 0,
            series: Vec::new(),
            families: Vec::new(),
            processes: Vec::new(),
            events: Vec::new(),
        }
    }

    /// The rows of a view, as they were found.
    pub fn rows(&self, by: By) -> Vec<&Row> {
        match by {
            By::Series => self.series.iter().map(|series| &series.row).collect(),
            By::Family => self.families.iter().map(|family| &family.row).collect(),
            By::Pid => self.processes.iter().map(|process| &process.row).collect(),
        }
    }

    /// The rows of a view that contain `filter` (in upper or lower case; `*` stands for any characters, `?` for
    /// any one), as indices, sorted.
    /// What is equal is sorted by name; where no rate is known, as in the first round, all is.
    pub fn arranged(&self, by: By, sort: Sort, is_reversed: bool, filter: &str) -> Vec<usize> {
        let rows = self.rows(by);
        let pattern = WildMatch::new(&format!("*{}*", filter.to_lowercase()));
        let is_chosen = |at: &usize| filter.is_empty() || pattern.matches(&self.text(by, *at).to_lowercase());
        let mut order: Vec<usize> = (0..rows.len()).filter(is_chosen).collect();
        let by_name = |a: &Row, b: &Row| compare_names(&a.name, &b.name);
        order.sort_by(|&a, &b| {
            let (a, b) = (rows[a], rows[b]);
            let compared = match sort {
                Sort::Rate => greatest_first(speed(a), speed(b)),
                Sort::Value => greatest_first(a.value, b.value),
                Sort::Name => by_name(a, b),
            };
            let compared = if is_reversed { compared.reverse() } else { compared };
            compared.then_with(|| by_name(a, b))
        });
        order
    }

    /// What a filter looks at.
    fn text(&self, by: By, at: usize) -> String {
        match by {
            By::Series => self.series[at].row.name.clone(),
            By::Family => self.families[at].row.name.clone(),
            By::Pid => {
                let process = &self.processes[at];
                format!("{} {} {}", process.liveness, process.row.name, process.about)
            }
        }
    }
}

/// How fast a value changes; a reset, which is worth a look, before what does not change.
fn speed(row: &Row) -> f64 {
    match row.change {
        Change::PerSecond(rate) => rate.abs(),
        Change::Reset => f64::MIN_POSITIVE,
        Change::New => 0.0,
    }
}

/// NaN last.
fn greatest_first(a: f64, b: f64) -> Ordering {
    match (a.is_nan(), b.is_nan()) {
        (false, false) => b.partial_cmp(&a).unwrap_or(Ordering::Equal),
        (a, b) => a.cmp(&b),
    }
}

/// Process ids as numbers, everything else byte by byte.
fn compare_names(a: &str, b: &str) -> Ordering {
    let is_number = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if is_number(a) && is_number(b) { (a.len(), a).cmp(&(b.len(), b)) } else { a.cmp(b) }
}
