//! Findings: what is wrong with a directory, what it does to the numbers, what to do about it.
//!
//! All files are looked at (`survey`) and merged; then one module a subject says what it thinks:
//! `gauges`, `conflicts`, `damage`, `counters` (between two looks), `directory` (itself),
//! `growth`.

mod buckets;
mod code;
mod compaction;
mod conflicts;
mod counters;
mod damage;
mod directory;
mod gauges;
mod growth;
mod survey;
mod writers;

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

pub use code::{Code, Severity};
pub use counters::Counts;
pub use growth::{Growth, LabelValues, ScrapeCost, SeriesCount, Totals};

use crate::directory::{DirectoryError, Problem, ProblemKind, is_read_only, scan_until_whole};
use crate::liveness::Liveness;
use crate::merge::{Merged, Options, Traced};
use crate::notation::{Remedy, counted};
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
    pub files: Vec<Concerned>,
    /// The last parts of their names: mostly process ids.
    pub pids: BTreeSet<String>,
    /// The series concerned.
    pub series: Vec<String>,
    /// The same as `message` in a few words, for a table; without the change of a value.
    pub summary: String,
    /// What the value is and would be, e.g. `3 → 1 without 2 dead processes`.
    pub change: Option<String>,
    /// What was found, and what it does to the numbers.
    pub message: String,
    /// What to do.
    pub advice: String,
    /// Commands that fix it.
    pub commands: Vec<Remedy>,
}

impl Finding {
    fn new(code: Code, subject: impl Into<String>, message: impl Into<String>) -> Self {
        let (subject, message) = (subject.into(), message.into());
        Self {
            code,
            severity: code.severity(),
            files: Vec::new(),
            pids: BTreeSet::new(),
            series: Vec::new(),
            summary: if is_named(&subject, &message) {
                message.clone()
            } else {
                format!("{subject}: {message}")
            },
            change: None,
            subject,
            message,
            advice: String::new(),
            commands: Vec::new(),
        }
    }

    fn summary(mut self, summary: impl Into<String>) -> Self {
        self.summary = summary.into();
        self
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
            let evidence = file.examined.evidence.as_ref().map(|_| file.examined.reason());
            self.files.push(Concerned { path: file.path(), evidence });
            self.pids.insert(file.name().pid().to_owned());
        }
        self
    }
}

/// A file that a finding is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Concerned {
    /// Where it is.
    pub path: PathBuf,
    /// Why it is taken for live, dead or unknown, where that was asked.
    pub evidence: Option<String>,
}

impl From<PathBuf> for Concerned {
    fn from(path: PathBuf) -> Self {
        Self { path, evidence: None }
    }
}

/// Whether a message has the subject as a word of its own.
fn is_named(subject: &str, message: &str) -> bool {
    let is_of_name = |c: char| c.is_alphanumeric() || c == '_' || c == ':';
    message.match_indices(subject).any(|(at, _)| {
        let (before, after) = (&message[..at], &message[at + subject.len()..]);
        !before.ends_with(is_of_name) && !after.starts_with(|c: char| c != ':' && is_of_name(c))
    })
}

/// Takes back the commands that would change files where the file system is mounted read-only.
fn spare_read_only(findings: &mut [Finding]) {
    let mut known = BTreeMap::new();
    for finding in findings {
        let before = finding.commands.len();
        finding.commands.retain(|command| {
            let Some(directory) = command.changes_files_in() else { return true };
            !*known.entry(directory.to_owned()).or_insert_with_key(|directory| is_read_only(directory))
        });
        if finding.commands.len() < before {
            finding.advice += "; here the directory is mounted read-only: do it where it is not";
        }
    }
}

/// Says of values that they are of what could be read, where that is not all.
fn say_what_is_missing(findings: &mut [Finding], problems: &[Problem]) {
    let is_missing = |problem: &&Problem| {
        matches!(problem.kind, ProblemKind::Io(_) | ProblemKind::Format(_) | ProblemKind::Key { .. })
    };
    let files: BTreeSet<_> = problems.iter().filter(is_missing).map(|problem| &problem.path).collect();
    if files.is_empty() {
        return;
    }
    for finding in findings {
        if let Some(change) = &mut finding.change {
            *change += &format!(" (without {} that could not be read)", counted(files.len(), "file"));
        }
    }
}

/// What a directory was found to be like.
#[derive(Clone, Debug)]
pub struct Report {
    /// The worst first, else in the order of the codes.
    pub findings: Vec<Finding>,
    /// How many metric files there are.
    pub files: usize,
    /// How many of them are live, unknown and dead.
    pub files_by_liveness: [(Liveness, usize); 3],
    /// How many files were left out, or in part.
    pub damaged: usize,
    /// Of the file system of the directory, if there is one directory: bytes that processes may still use, and
    /// all.
    pub space_bytes: Option<(u64, u64)>,
    /// Ids in file names, each directory's apart, with a live file; without one, but with an unknown one; all dead.
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
    /// The name of a label that says from which directory a series is.
    pub directory_label: Option<String>,
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
    let (missing, paths): (Vec<_>, Vec<_>) = what.paths.iter().cloned().partition(|path| !path.exists());
    findings.extend(directory::missing(&missing));
    let traced = if what.before.is_some() { Traced::Everything } else { Traced::Gauges };
    let options = Options { traced, directory_label: what.directory_label.clone(), ..Options::default() };
    let (mut survey, Merged { mut series, problems, conflicts, collisions, .. }) =
        scan_until_whole(&paths, what.recursive, |scan| Survey::of(scan, &options))?;
    survey.weigh()?;
    let traced = series.traced();

    if let Some(before) = &what.before {
        let now = Counts::of(&traced, |file| survey.listed[file].path());
        findings.extend(counters::findings(before, &now));
    }
    findings.extend(gauges::findings(traced, &survey));
    findings.extend(conflicts::findings(&conflicts, &survey));
    findings.extend(collisions.iter().map(conflicts::lost_series));
    findings.extend(damage::findings(&survey, &problems));
    let damaged: BTreeSet<_> = problems.iter().map(|problem| &problem.path).collect();
    findings.extend(writers::findings(&survey));
    findings.extend(directory::findings(&paths, what.recursive, &survey));
    let growth = Growth::of(&survey, series.into_families());
    findings.extend(growth.finding(&paths));
    findings.extend(compaction::findings(&survey, &findings));
    spare_read_only(&mut findings);
    say_what_is_missing(&mut findings, &problems);
    // Those that the same command fixes stand together.
    findings.sort_by_cached_key(|finding| {
        let commands: Vec<_> = finding.commands.iter().map(Remedy::to_string).collect();
        (Reverse(finding.severity), finding.code, commands, finding.subject.clone())
    });

    let mut of_pid: BTreeMap<(&Path, &str), Liveness> = BTreeMap::new();
    // What was compacted is neither live nor dead.
    let of_processes = || survey.files().filter(|file| file.name().generation().is_none());
    for file in of_processes() {
        let known = of_pid.entry((file.directory().path(), file.name().pid())).or_insert(Liveness::Dead);
        *known = file.liveness().max(*known);
    }
    let count = |liveness| of_pid.values().filter(|known| **known == liveness).count();
    let [live, unknown, dead] = [Liveness::Live, Liveness::Unknown, Liveness::Dead].map(count);
    let files_of = |liveness| of_processes().filter(|file| file.liveness() == liveness).count();
    Ok(Report {
        findings,
        files: survey.files().count(),
        files_by_liveness: [Liveness::Live, Liveness::Unknown, Liveness::Dead]
            .map(|one| (one, files_of(one))),
        damaged: damaged.len(),
        space_bytes: match survey.directories.as_slice() {
            [one] => directory::space_bytes(&one.directory),
            _ => None,
        },
        live,
        unknown,
        dead,
        growth,
    })
}
