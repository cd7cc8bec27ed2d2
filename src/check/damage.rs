//! Files that cannot be, or of which a part is lost.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::Path;

use super::survey::{Oddity, Survey, Surveyed};
use super::{Code, Finding, Severity};
use crate::directory::{Place, Problem, ProblemKind, user_to_be};
use crate::format::FormatError;
use crate::liveness::{Evidence, Examined, Liveness, examine, name_holders};
use crate::notation::{Remedy, counted, plain, some_of, with_causes};

/// The file that the client cannot unpack a header from is shorter than this.
const HEADER_NUMBER_BYTES: u64 = 4;

pub(super) fn findings(survey: &Survey, problems: &[Problem]) -> Vec<Finding> {
    let by_path = if problems.is_empty() { HashMap::new() } else { survey.by_path() };
    let of_problem = |problem: &Problem| of_problem(problem, by_path.get(&problem.path).copied(), survey);
    let mut found: Vec<_> = problems.iter().map(of_problem).collect();
    for file in survey.files() {
        found.extend(empty(file));
        found.extend(wsl(file));
        found.extend(odd_size(file));
    }
    found.extend(negative(survey));
    found
}

fn of_problem(problem: &Problem, file: Option<&Surveyed>, survey: &Survey) -> Finding {
    let fails = |what: &str| format!("{what}; the official client fails on it, for every scrape");
    let (code, message, can_be_moved) = match &problem.kind {
        ProblemKind::Name
        | ProblemKind::NotAFile
        | ProblemKind::Format(FormatError::Foreign { .. } | FormatError::Sqlite) => {
            (Code::ForeignFile, fails(&problem.kind.to_string()), true)
        }
        ProblemKind::Format(FormatError::Ruby { .. }) => {
            let finding = Finding::new(
                Code::ForeignFile,
                problem.path.to_string_lossy(),
                fails(&problem.kind.to_string()),
            )
            .files(file);
            let finding = set_aside(finding, &problem.path, file);
            return finding.advice("give the Ruby service a directory of its own (multiprocess_files_dir)");
        }
        ProblemKind::Link => (
            Code::ForeignFile,
            "a link, which promproc does not follow; the official client reads what it leads to".to_owned(),
            true,
        ),
        ProblemKind::LinkedDirectory => {
            let message =
                "a link to a directory: -r does not follow links, so what it leads to is not in here";
            let finding = Finding::new(Code::ForeignFile, problem.path.to_string_lossy(), message);
            // No scrape minds it.
            let finding = Finding { severity: Severity::Warning, ..finding };
            return finding
                .advice("if the service writes there, give the directory that it leads to as a PATH");
        }
        ProblemKind::Io(error) => (Code::UnreadableFile, format!("its values are missing: {error}"), false),
        ProblemKind::Format(_) => (Code::DamagedFile, fails(&problem.kind.to_string()), true),
        ProblemKind::Key { .. } => (Code::BadKey, fails(&problem.kind.to_string()), true),
    };
    let name = problem.path.file_name().unwrap_or_default().to_string_lossy();
    let finding = Finding::new(code, problem.path.to_string_lossy(), message)
        .summary(format!("{name}: {}", with_causes(&problem.kind).trim_start_matches("left out: ")))
        .files(file);
    if !can_be_moved {
        return finding.advice("run promproc, and the scrape, as the user that the service runs as");
    }
    match problem.kind {
        // Whoever wrote it may still need it under its name.
        ProblemKind::Name => foreign(finding, &problem.path, examined(survey, &problem.path).as_ref()),
        ProblemKind::Format(FormatError::Foreign { .. } | FormatError::Sqlite) => {
            let finding = foreign(finding, &problem.path, file.map(|file| &file.examined));
            let restart = format!("restart the process if it writes metrics here; else {}", finding.advice);
            if finding.commands.is_empty() { finding.advice(restart) } else { finding }
        }
        _ => set_aside(finding, &problem.path, file),
    }
}

/// Who has a file open that the client did not write.
fn examined(survey: &Survey, path: &Path) -> Option<Examined<Place>> {
    let (parent, name) = (path.parent()?, path.file_name()?.to_str()?);
    let mut listed = survey.directories.iter().map(|listed| &listed.directory);
    let directory = listed.find(|directory| directory.path() == parent)?;
    let mut examined = [Examined::unasked(Place::new(directory, name))];
    examine(&mut examined).ok()?;
    name_holders(&mut examined);
    let [examined] = examined;
    Some(examined)
}

/// Takes such a file out of the scrape's sight, unless somebody uses it.
fn foreign<F>(mut finding: Finding, path: &Path, file: Option<&Examined<F>>) -> Finding {
    if finding.files.is_empty() {
        finding.files.push(path.to_owned().into());
    }
    match file.and_then(|file| Some((file, file.evidence.as_ref()?))) {
        Some((file, evidence)) if evidence.liveness() == Liveness::Dead => {
            let remedy = Remedy::SetAside { file: path.to_owned() }.as_user(file.owner.and_then(user_to_be));
            finding.advice("set it aside, where no scrape sees it").remedy(remedy)
        }
        Some((_, Evidence::OpenIn(holders))) if !holders.is_empty() => {
            let holders = some_of(holders.iter().map(|holder| format!("pid {holder}")));
            finding
                .advice(format!("{holders} has it open: have that program keep it in a directory of its own"))
        }
        _ => finding.advice("it may be in use: find out by what, and keep it in a directory of its own"),
    }
}

/// Takes a file out of the scrape's sight, unless a process writes to it.
fn set_aside(mut finding: Finding, path: &Path, file: Option<&Surveyed>) -> Finding {
    if finding.files.is_empty() {
        finding.files.push(path.to_owned().into());
    }
    if file.is_some_and(|file| file.liveness() != Liveness::Dead) {
        return finding.advice("restart the process that has it open; then check again");
    }
    let user = file.and_then(|file| user_to_be(file.facts.owner));
    let remedy = Remedy::SetAside { file: path.to_owned() }.as_user(user);
    finding.advice("set it aside, where no scrape sees it").remedy(remedy)
}

fn empty(file: &Surveyed) -> Option<Finding> {
    (file.facts.capacity_bytes < HEADER_NUMBER_BYTES).then(|| {
        let message = format!(
            "a file of {}, left by a process that was killed while it created it: nothing is lost, but the \
             official client fails on it, for every scrape",
            counted(usize::try_from(file.facts.capacity_bytes).unwrap_or_default(), "byte")
        );
        let finding = Finding::new(Code::EmptyFile, file.path().to_string_lossy(), message).files([file]);
        set_aside(finding, &file.path(), Some(file))
    })
}

fn wsl(file: &Surveyed) -> Option<Finding> {
    let used = file.misplaced_used.filter(|_| file.facts.entries == 0)?;
    let message = format!(
        "its header (used {used}) stands at byte 65536, after zeros: the client takes it for empty, and what it \
         counts is lost"
    );
    let finding = Finding::new(Code::WslLayout, file.path().to_string_lossy(), message).files([file]);
    let finding = set_aside(finding, &file.path(), Some(file));
    Some(finding.advice("use a directory of Linux's own, such as /dev/shm; this file can only be set aside"))
}

fn odd_size(file: &Surveyed) -> Option<Finding> {
    // An archive has no room to grow into.
    let is_odd = file.facts.capacity_bytes >= HEADER_NUMBER_BYTES
        && !file.facts.capacity_bytes.is_power_of_two()
        && file.name().generation().is_none();
    is_odd.then(|| {
        let message = format!(
            "{} bytes long: clients make files of 65536 bytes, or twice that and so on",
            file.facts.capacity_bytes
        );
        Finding::new(Code::OddSize, file.path().to_string_lossy(), message)
            .advice("nothing, if all its entries are there: it was copied")
            .files([file])
    })
}

/// One finding for each sample name.
fn negative(survey: &Survey) -> Vec<Finding> {
    let mut by_sample: BTreeMap<&str, Vec<&Oddity>> = BTreeMap::new();
    for oddity in &survey.entries.negatives {
        by_sample.entry(&oddity.sample).or_default().push(oddity);
    }
    let finding = |(sample, oddities): (&str, Vec<&Oddity>)| {
        let files: BTreeSet<usize> = oddities.iter().map(|oddity| oddity.file).collect();
        let files: Vec<_> = files.into_iter().map(|file| &survey.listed[file]).collect();
        let first = oddities.first()?;
        let message = format!(
            "{} negative or NaN, the first {sample} = {} at byte {}, in {}: sums over them are wrong",
            counted(oddities.len(), "count"),
            plain(first.value),
            first.offset,
            some_of(files.iter().map(|file| file.path().to_string_lossy().into_owned()))
        );
        let mut finding = Finding::new(Code::NegativeCounter, sample, message).files(files.iter().copied());
        finding.series.push(sample.to_owned());
        Some(files.into_iter().fold(finding, |finding, file| set_aside(finding, &file.path(), Some(file))))
    };
    by_sample.into_iter().filter_map(finding).collect()
}
