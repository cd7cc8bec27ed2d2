//! Who writes a file: two who should not, and one who is not whom its name says.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use super::survey::{Survey, Surveyed};
use super::{Code, Finding, Severity};
use crate::directory::user_to_be;
use crate::liveness::{Evidence, Liveness, Process, families, own_number, running};
use crate::model::GaugeMode;
use crate::notation::{Remedy, counted, quoted, some_of};

pub(super) fn findings(survey: &Survey) -> Vec<Finding> {
    let mut found = Vec::new();
    found.extend(shared(survey));
    found.extend(heirs(survey));
    found.extend(unseen(survey));
    found
}

fn holders(file: &Surveyed) -> &[Process] {
    match &file.examined.evidence {
        Some(Evidence::OpenIn(holders)) => holders,
        _ => &[],
    }
}

/// Files that processes write which are not relatives; one finding for all files of the same processes.
fn shared(survey: &Survey) -> Vec<Finding> {
    let mut by_writers: BTreeMap<Vec<u32>, (Vec<&Process>, Vec<&Surveyed>)> = BTreeMap::new();
    for file in survey.files().filter(|file| holders(file).len() > 1) {
        let writers = families(holders(file));
        if writers.len() > 1 {
            let pids = writers.iter().map(|writer| writer.pid).collect();
            by_writers.entry(pids).or_insert_with(|| (writers, Vec::new())).1.push(file);
        }
    }
    let finding = |(writers, files): (Vec<&Process>, Vec<&Surveyed>)| {
        let names: Vec<_> = writers.iter().map(|writer| format!("pid {writer}")).collect();
        let names = names.join(" and ");
        let shown = some_of(files.iter().map(|file| file.name().file_name()));
        let message = format!("{names} both write to {shown}: they overwrite each other's counts");
        let directory = files[0].directory().path();
        let mut finding = Finding::new(Code::SharedFile, directory.to_string_lossy(), message)
            .summary(format!("{names} overwrite each other in {}", counted(files.len(), "file")))
            .advice("give each container a directory of its own")
            .files(files);
        finding.pids.extend(writers.iter().map(|writer| writer.pid.to_string()));
        finding
    };
    by_writers.into_values().map(finding).collect()
}

/// Gauge files of processes that have not made them; one finding a process and kind.
fn heirs(survey: &Survey) -> Vec<Finding> {
    let named_by_pid = named_by_pid(survey);
    let is_live_gauge = |file: &&Surveyed| file.name().mode.is_some_and(GaugeMode::is_live);
    let held: Vec<_> =
        survey.files().filter(is_live_gauge).filter(|file| !holders(file).is_empty()).collect();
    let numbers = held.iter().filter_map(|file| file.name().pid().parse().ok()).collect();
    let running: BTreeSet<u32> = running(&numbers).iter().map(|process| process.pid).collect();
    let mut by_identifier: BTreeMap<(&Path, &str, Code), Vec<&Surveyed>> = BTreeMap::new();
    for file in held {
        let directory = file.directory().path();
        let is_own = |holder: &Process| own_number(holder).is_some_and(|own| is_of(file, own));
        let number = file.name().pid().parse();
        // Where names have process ids, and nobody has this one, who has the file open was forked from its writer.
        let is_orphaned = named_by_pid.contains(directory)
            && number.is_ok_and(|number| !running.contains(&number))
            && !holders(file).iter().any(is_own);
        let code = if is_orphaned {
            Code::HeldByChild
        } else if file.examined.heirs().is_some() {
            Code::InheritedFile
        } else {
            continue;
        };
        by_identifier.entry((directory, file.name().pid(), code)).or_default().push(file);
    }
    let finding = |((directory, identifier, code), files): ((&Path, &str, Code), Vec<&Surveyed>)| {
        let heirs: BTreeSet<String> =
            files.iter().flat_map(|file| holders(file)).map(|heir| format!("pid {heir}")).collect();
        let heirs = some_of(heirs);
        let count = counted(files.len(), "gauge file");
        let prune = Remedy::PruneProcess { directory: directory.to_owned(), pid: identifier.to_owned() };
        let prune = prune.as_user(user_to_be(files[0].facts.owner));
        let subject = directory.to_string_lossy();
        let finding = if code == Code::InheritedFile {
            let message = format!(
                "{heirs} started after {count} of {identifier} were made: what it has not set itself is an earlier \
                 process's"
            );
            Finding::new(code, subject, message)
                .summary(format!("{heirs} took over {count} from an earlier {identifier}"))
                .advice(format!(
                    "before such a process starts, run `{prune}`; where all restart, `promproc clean {}`",
                    quoted(directory)
                ))
        } else {
            let message = format!(
                "pid {identifier} is dead, but {heirs}, which it had forked, still has {count} open: its gauges \
                 count as live"
            );
            Finding::new(code, subject, message)
                .summary(format!("{heirs} has {count} of its dead parent {identifier} open"))
                .advice("if it does not count in them, remove them")
                .remedy(prune)
        };
        finding.files(files)
    };
    by_identifier.into_iter().map(finding).collect()
}

/// The directories in which files are named after process ids: where a live process's file has its own number, the
/// others' have theirs.
pub(super) fn named_by_pid(survey: &Survey) -> BTreeSet<&Path> {
    let has_own_number = |file: &&Surveyed| {
        holders(file).iter().any(|one| own_number(one).is_some_and(|own| is_of(file, own)))
    };
    survey.files().filter(has_own_number).map(|file| file.directory().path()).collect()
}

/// Whether a file's name has that number for a process id.
fn is_of(file: &Surveyed, number: u32) -> bool {
    file.name().pid().parse() == Ok(number)
}

/// Writers, or what may be some, that cannot be seen.
fn unseen(survey: &Survey) -> Option<Finding> {
    let is_unseen = |file: &&Surveyed| match &file.examined.evidence {
        Some(Evidence::OpenIn(holders)) => holders.is_empty(),
        Some(
            Evidence::OutOfSight(_) | Evidence::Hidden(_) | Evidence::MayBeOpenIn(_) | Evidence::MayBeMapped,
        ) => true,
        _ => false,
    };
    let files: Vec<_> = survey.files().filter(is_unseen).collect();
    let pids: BTreeSet<_> = files.iter().map(|file| file.name().pid()).collect();
    let example = files.first()?;
    let may =
        if holders(example).is_empty() && example.examined.evidence == Some(Evidence::OpenIn(Vec::new())) {
            "have"
        } else {
            "may have"
        };
    let message = format!(
        "processes that cannot be seen from here {may} {} open (pid {}): they are in another pid namespace, or \
         another user's",
        counted(files.len(), "file"),
        some_of(&pids)
    );
    let directory = example.directory().path().to_string_lossy();
    let mut finding = Finding::new(Code::UnseenWriters, directory, message)
        .summary(format!("processes that cannot be seen {may} {} open", counted(files.len(), "file")))
        .advice(
            "run promproc as the user that the service runs as (runAsUser in a pod) and in its pid namespace \
                 (shareProcessNamespace: true), or as root on the host",
        )
        .files(files);
    if survey.files().all(|file| file.liveness() == Liveness::Unknown) {
        // Then nothing else is known either: no finding on dead processes says that all is well.
        finding.severity = Severity::Warning;
    }
    Some(finding)
}
