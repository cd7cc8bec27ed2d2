//! Findings: what is wrong with a directory, what it does to the numbers, what to do about it.
//!
//! All files are looked at (`survey`) and merged; then one module a subject says what it thinks:
//! `gauges`, `conflicts`, `damage`, `counters` (between two looks), `directory` (itself),
//! `growth`.

mod buckets;
mod code;
mod conflicts;
mod counters;
mod damage;
mod directory;
mod gauges;
mod growth;
mod survey;

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

pub use code::{Code, Severity};
pub use counters::Counts;
pub use growth::{Growth, LabelValues, ScrapeCost, SeriesCount, Totals};

use crate::directory::{DirectoryError, scan_until_whole};
use crate::liveness::Liveness;
use crate::merge::{Merged, Options, Traced};
use crate::notation::Remedy;
use survey::{Survey, Surveyed};

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
    pub commands: Vec<Remedy>,
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

    fn remedy(mut self, command: Remedy) -> Self {
        if !self.commands.contains(&command) {
            self.commands.push(command);
        }
        self
    }

    fn files<'a>(mut self, files: impl IntoIterator<Item = &'a Surveyed>) -> Self {
        for file in files {
            self.files.push(file.path());
            self.pids.insert(file.name().pid().to_owned());
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
#[non_exhaustive]
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

/// Checks directories for everything known to go wrong. All findings are of one look: the directory is
/// listed once, each file is opened once, and each lease is asked for once.
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
    let traced = if what.before.is_some() { Traced::Everything } else { Traced::Gauges };
    let options = Options { traced, ..Options::default() };
    let (mut survey, Merged { mut series, problems, conflicts }) =
        scan_until_whole(&paths, what.recursive, |scan| Survey::of(scan, &options))?;
    survey.weigh()?;
    let traced = series.traced();

    if let Some(before) = &what.before {
        let now = Counts::of(&traced, |file| survey.listed[file].path());
        findings.extend(counters::findings(before, &now));
    }
    findings.extend(gauges::findings(traced, &survey));
    findings.extend(conflicts::findings(&conflicts, &survey));
    findings.extend(damage::findings(&survey, &problems));
    findings.extend(directory::findings(&paths, what.recursive, &survey));
    let growth = Growth::of(&survey, series.into_families());
    findings.extend(growth.finding(&paths));
    // Those that the same command mends stand together.
    findings.sort_by_cached_key(|finding| {
        let commands: Vec<_> = finding.commands.iter().map(Remedy::to_string).collect();
        (Reverse(finding.severity), finding.code, commands, finding.subject.clone())
    });

    let mut of_pid: BTreeMap<&str, Liveness> = BTreeMap::new();
    for file in survey.files() {
        let known = of_pid.entry(file.name().pid()).or_insert(Liveness::Dead);
        *known = file.liveness().max(*known);
    }
    let count = |liveness| of_pid.values().filter(|known| **known == liveness).count();
    let [live, unknown, dead] = [Liveness::Live, Liveness::Unknown, Liveness::Dead].map(count);
    Ok(Report { findings, files: survey.files().count(), live, unknown, dead, growth })
}
