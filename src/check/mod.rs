//! Findings: what is wrong with a directory, what it does to the numbers, what to do about it.
//!
//! All files are looked at (`survey`) and merged; then one module a subject says what it thinks:
//! `gauges`, `conflicts`, `damage`, `counters` (between two looks), `directory` (itself),
//! `growth`.

mod code;
mod conflicts;
mod counters;
mod damage;
mod directory;
mod gauges;
mod growth;
mod survey;

use std::collections::BTreeSet;
use std::path::PathBuf;

pub use code::{Code, Severity};
pub use counters::Counts;
pub use growth::{Growth, LabelValues, SeriesCount, Totals};
pub use survey::Surveyed;

use crate::directory::DirectoryError;
use crate::liveness::Liveness;
use crate::merge::{self, MergeError, Options};
use crate::model::MetricType;
use crate::select::Selection;
use survey::Survey;

/// Something that was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// What kind of thing.
    pub code: Code,
    /// How bad it is.
    pub severity: Severity,
    /// The metric family, or the directory or file, that it is about.
    pub subject: String,
    /// The files concerned.
    pub files: Vec<PathBuf>,
    /// The last parts of their names: mostly process ids.
    pub pids: BTreeSet<String>,
    /// The series concerned.
    pub series: Vec<String>,
    /// What was found, and what it does to the numbers.
    pub message: String,
    /// What to do.
    pub advice: String,
    /// Commands that mend it.
    pub commands: Vec<String>,
}

impl Finding {
    fn new(code: Code, subject: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            code,
            severity: code.severity(),
            subject: subject.into(),
            files: Vec::new(),
            pids: BTreeSet::new(),
            series: Vec::new(),
            message: message.into(),
            advice: String::new(),
            commands: Vec::new(),
        }
    }

    fn advice(mut self, advice: impl Into<String>) -> Self {
        self.advice = advice.into();
        self
    }

    fn command(mut self, command: String) -> Self {
        if !self.commands.contains(&command) {
            self.commands.push(command);
        }
        self
    }

    fn files<'a>(mut self, files: impl IntoIterator<Item = &'a Surveyed>) -> Self {
        for file in files {
            self.files.push(file.file.path());
            self.pids.insert(file.file.name.pid().to_owned());
        }
        self
    }
}

/// What a directory was found to be like.
#[derive(Clone, Debug)]
pub struct Report {
    /// The worst first, else in the order of the codes.
    pub findings: Vec<Finding>,
    /// How many metric files there are.
    pub files: usize,
    /// Ids in file names, of which some file is live; none is live, and some unknown; all dead.
    pub live: usize,
    /// See `live`.
    pub unknown: usize,
    /// See `live`.
    pub dead: usize,
    /// Where the files and series come from.
    pub growth: Growth,
}

/// What to check.
#[derive(Clone, Debug, Default)]
pub struct Checked {
    /// Directories, and files.
    pub paths: Vec<PathBuf>,
    /// Take every directory below a path as well.
    pub recursive: bool,
    /// Whether the environment variable that names the directory is set, but empty.
    pub variable_is_empty: bool,
    /// What was counted some time before, if that is to be compared.
    pub before: Option<Counts>,
}

/// Checks directories for everything known to go wrong.
///
/// # Errors
/// [`DirectoryError`] if a path cannot be worked on, other than that it does not exist.
pub fn check(what: &Checked) -> Result<Report, DirectoryError> {
    let mut findings = Vec::new();
    if what.variable_is_empty {
        findings.push(directory::empty_variable());
    }
    let (missing, paths): (Vec<_>, Vec<_>) = what.paths.iter().cloned().partition(|path| !path.exists());
    findings.extend(missing.iter().map(|path| directory::missing(path)));
    let survey = Survey::of(&paths, what.recursive)?;
    let all = Options { recursive: what.recursive, ..Options::default() };
    let only_gauges = Selection { types: vec![MetricType::Gauge], ..Selection::default() };
    let gauges = Options { selection: only_gauges, ..all.clone() };
    let traced = merge::trace(&paths, &gauges).map_err(directory_error)?;
    let mut merged = merge::merge(&paths, &all).map_err(directory_error)?;

    findings.extend(gauges::findings(traced, &survey));
    findings.extend(conflicts::findings(&std::mem::take(&mut merged.conflicts), &survey));
    if let Some(before) = &what.before {
        findings.extend(counters::findings(before, &Counts::read(&paths, what.recursive)?));
    }
    findings.extend(damage::findings(&survey, &std::mem::take(&mut merged.problems)));
    findings.extend(directory::findings(&paths, what.recursive, &survey));
    let growth = Growth::of(&survey, merged.into_families());
    findings.extend(growth.finding(&paths));
    // Those that the same command mends stand together.
    findings.sort_by(|a, b| {
        (b.severity, a.code, &a.commands, &a.subject).cmp(&(a.severity, b.code, &b.commands, &b.subject))
    });

    let mut of_pid = std::collections::BTreeMap::new();
    for file in &survey.files {
        // The liveliest file says what its process is.
        let rank = match file.liveness() {
            Liveness::Dead => 0,
            Liveness::Unknown => 1,
            Liveness::Live => 2,
        };
        let known = of_pid.entry(file.file.name.pid()).or_insert(0);
        *known = rank.max(*known);
    }
    let count = |rank: i32| of_pid.values().filter(|known| **known == rank).count();
    let (live, unknown, dead) = (count(2), count(1), count(0));
    Ok(Report { findings, files: survey.files.len(), live, unknown, dead, growth })
}

fn directory_error(error: MergeError) -> DirectoryError {
    match error {
        MergeError::Directory(error) => error,
        // Only a strict merge fails so.
        MergeError::Strict(problem) => {
            DirectoryError::Io { path: problem.path, error: std::io::Error::other("left out") }
        }
    }
}
