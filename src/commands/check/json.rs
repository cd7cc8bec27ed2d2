//! JSON of `check`: one object a directory's report.

use std::collections::BTreeSet;

use promproc::check::{Finding, Report, Totals};
use serde::Serialize;

/// Everything that was found.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct ReportObject<'a> {
    /// The worst first.
    pub findings: Vec<FindingObject<'a>>,
    /// Sums over the files.
    pub summary: SummaryObject,
    /// Where files and series come from.
    pub growth: GrowthObject<'a>,
}

/// Something that was found.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct FindingObject<'a> {
    /// Its stable name, e.g. `stuck-gauge`.
    pub code: &'a str,
    /// `error`, `warning` or `info`.
    pub severity: &'a str,
    /// The metric family, or the directory or file, that it is about.
    pub subject: &'a str,
    /// What was found, in a few words.
    pub summary: &'a str,
    /// What the value is and would be, e.g. `3 → 1 without 2 dead processes`; null where no value changes.
    pub change: Option<&'a str>,
    /// What was found, and what it does to the numbers.
    pub message: &'a str,
    /// What to do.
    pub advice: &'a str,
    /// Commands that fix it.
    pub commands: Vec<String>,
    /// The files concerned.
    pub files: Vec<String>,
    /// The last parts of their names: mostly process ids.
    pub pids: &'a BTreeSet<String>,
    /// The series concerned.
    pub series: &'a [String],
}

/// Sums over the files.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct SummaryObject {
    /// Metric files.
    pub files: usize,
    /// Ids in file names, of which some file is live.
    pub live_pids: usize,
    /// Those of which no file is live, and some unknown.
    pub unknown_pids: usize,
    /// Those of which all files are dead.
    pub dead_pids: usize,
    /// Findings of severity error.
    pub errors: usize,
    /// Findings of severity warning.
    pub warnings: usize,
    /// Findings of severity info.
    pub infos: usize,
}

/// Where files and series come from.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct GrowthObject<'a> {
    /// Of all files.
    pub all: TotalsObject,
    /// Of dead processes' files.
    pub dead: TotalsObject,
    /// Merged series.
    pub series: usize,
    /// The families with most series.
    pub top_families: Vec<CountObject<'a>>,
    /// The labels with most distinct values.
    pub top_labels: Vec<CountObject<'a>>,
    /// What makes a scrape as slow as it is, in one sentence.
    pub verdict: String,
}

/// Sums over files.
#[derive(Clone, Copy, Debug, Serialize)]
pub(crate) struct TotalsObject {
    /// How many files.
    pub files: usize,
    /// Their length; they are sparse.
    pub capacity_bytes: u64,
    /// What they occupy.
    pub allocated_bytes: u64,
    /// Their entries.
    pub entries: usize,
}

/// A name, and how many there are of it.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct CountObject<'a> {
    /// The family or label.
    pub name: &'a str,
    /// Series, or distinct values.
    pub count: usize,
}

impl<'a> ReportObject<'a> {
    /// The report, with these of its findings.
    pub(crate) fn new(report: &'a Report, shown: &[&'a Finding]) -> Self {
        let growth = &report.growth;
        let count = |severity: &str| shown.iter().filter(|one| one.severity.as_str() == severity).count();
        Self {
            findings: shown.iter().copied().map(finding).collect(),
            summary: SummaryObject {
                files: report.files,
                live_pids: report.live,
                unknown_pids: report.unknown,
                dead_pids: report.dead,
                errors: count("error"),
                warnings: count("warning"),
                infos: count("info"),
            },
            growth: GrowthObject {
                all: totals(&growth.all),
                dead: totals(&growth.dead),
                series: growth.series,
                top_families: growth
                    .top_families
                    .iter()
                    .map(|top| CountObject { name: &top.family, count: top.series })
                    .collect(),
                top_labels: growth
                    .top_labels
                    .iter()
                    .map(|top| CountObject { name: &top.label, count: top.values })
                    .collect(),
                verdict: growth.verdict(),
            },
        }
    }
}

fn finding(finding: &Finding) -> FindingObject<'_> {
    FindingObject {
        code: finding.code.as_str(),
        severity: finding.severity.as_str(),
        subject: &finding.subject,
        summary: &finding.summary,
        change: finding.change.as_deref(),
        message: &finding.message,
        advice: &finding.advice,
        commands: finding.commands.iter().map(ToString::to_string).collect(),
        files: finding.files.iter().map(|file| file.path.to_string_lossy().into_owned()).collect(),
        pids: &finding.pids,
        series: &finding.series,
    }
}

fn totals(totals: &Totals) -> TotalsObject {
    TotalsObject {
        files: totals.files,
        capacity_bytes: totals.capacity_bytes,
        allocated_bytes: totals.allocated_bytes,
        entries: totals.entries,
    }
}
