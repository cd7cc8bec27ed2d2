//! What a compaction would fold, and what one left.

use std::collections::BTreeMap;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use super::survey::{Survey, Surveyed};
use super::{Code, Finding, Severity};
use crate::directory::compaction::{BARRIER, is_of_compaction};
use crate::directory::{InDirectory, Listed, user_to_be};
use crate::liveness::Evidence;
use crate::model::{GaugeMode, GaugeRule};
use crate::notation::{Remedy, counted};

/// For fewer files a compaction is not worth a word.
const MANY: usize = 10;

pub(super) fn findings(survey: &Survey, others: &[Finding]) -> Vec<Finding> {
    let mut found: Vec<_> = survey.directories.iter().filter_map(interrupted).collect();
    let is_pressing = others.iter().any(|one| matches!(one.code, Code::SlowScrape | Code::NearlyFull));
    found.extend(compactable(survey, is_pressing));
    found
}

/// What an interrupted compaction left.
fn interrupted(listed: &Listed) -> Option<Finding> {
    let left = listed.leftovers.iter().filter(|left| is_of_compaction(left.file_name()));
    let left: Vec<_> = left.filter(|left| !left.may_be_at_work()).collect();
    let first = left.first()?;
    let path = listed.directory.path();
    let has_barrier = left.iter().any(|left| left.file_name() == BARRIER);
    let what = counted(left.len(), "file");
    let message = match has_barrier {
        true => "an interrupted compaction left its barrier: the Python client fails on it, for every scrape"
            .to_owned(),
        false => format!("an interrupted compaction left {what}; promproc counts them as it should"),
    };
    let owner = listed.directory.metadata(first.file_name()).ok().map(|metadata| metadata.uid());
    let mut finding = Finding::new(Code::InterruptedCompaction, path.to_string_lossy(), message)
        .summary(match has_barrier {
            true => "an interrupted compaction keeps Python's scrapes from succeeding".to_owned(),
            false => format!("an interrupted compaction left {what}"),
        })
        .advice("finish or undo it")
        .remedy(Remedy::Compact { directory: path.to_owned() }.as_user(owner.and_then(user_to_be)));
    if has_barrier {
        finding.severity = Severity::Error;
    }
    finding.files = left.iter().map(|left| left.path().into()).collect();
    Some(finding)
}

/// Files that can be folded; one finding a directory.
fn compactable(survey: &Survey, is_pressing: bool) -> Vec<Finding> {
    let may_be_folded = |file: &&Surveyed| {
        let is_merged = |mode: GaugeMode| !mode.is_live() && mode.rule() != GaugeRule::PerPid;
        file.examined.evidence == Some(Evidence::LeaseGranted) && file.name().mode.is_none_or(is_merged)
    };
    let mut classes: BTreeMap<(&Path, &str), Vec<&Surveyed>> = BTreeMap::new();
    for file in survey.files().filter(may_be_folded) {
        classes.entry((file.directory().path(), file.name().class())).or_default().push(file);
    }
    // One archive alone, or one file, is not folded.
    classes.retain(|_, files| files.len() > 1);
    let mut directories: BTreeMap<&Path, Vec<Vec<&Surveyed>>> = BTreeMap::new();
    for ((directory, _), files) in classes {
        directories.entry(directory).or_default().push(files);
    }
    // A few more or less make no difference.
    directories.retain(|_, classes| classes.iter().map(Vec::len).sum::<usize>() >= MANY);
    let finding = |(directory, classes): (&Path, Vec<Vec<&Surveyed>>)| {
        let archives = counted(classes.len(), "archive");
        let files: Vec<_> = classes.into_iter().flatten().collect();
        let bytes: u64 = files.iter().map(|file| file.facts.allocated_bytes).sum();
        let message = format!(
            "{} of dead processes can be folded into {archives}; they occupy {} KiB",
            counted(files.len(), "file"),
            bytes >> 10
        );
        let user = user_to_be(files[0].facts.owner);
        let mut finding = Finding::new(Code::Compactable, directory.to_string_lossy(), message.clone())
            .summary(message)
            .advice("fold them, from cron if the service replaces its workers")
            .remedy(Remedy::Compact { directory: directory.to_owned() }.as_user(user));
        if is_pressing {
            finding.severity = Severity::Warning;
        }
        finding
    };
    directories.into_iter().map(finding).collect()
}
