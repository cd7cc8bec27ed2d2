//! What processes disagree about: modes, types, help, labels, buckets, eras.

use std::collections::BTreeMap;
use std::path::Path;

use super::buckets::HistogramBuckets;
use super::survey::{Survey, Surveyed};
use super::{Code, Finding};
use crate::directory::user_to_be;
use crate::format::Era;
use crate::liveness::Liveness;
use crate::merge::{Collision, Conflict};
use crate::notation::{Remedy, counted, some_of};

pub(super) fn findings(conflicts: &[Conflict], survey: &Survey) -> Vec<Finding> {
    let restart = |mut finding: Finding| {
        finding.advice = RESTART.to_owned();
        clean(finding, survey, false)
    };
    let mut found: Vec<_> = conflicts.iter().map(|conflict| of_merge(conflict, restart)).collect();
    for (family, helps) in survey.entries.helps.iter().filter(|(_, helps)| helps.len() > 1) {
        let shown = some_of(helps.iter().map(|help| format!("{help:?}")));
        let message = format!("{} help texts: {shown}; the one read first is exposed", helps.len());
        found.push(restart(Finding::new(Code::HelpConflict, family, message)));
    }
    for (sample, sets) in survey.entries.label_names.iter().filter(|(_, sets)| sets.len() > 1) {
        let shown = some_of(sets.iter().map(|names| format!("{{{}}}", names.join(","))));
        let message = format!("{} sets of labels: {shown}", sets.len());
        found.push(restart(Finding::new(Code::LabelConflict, sample, message)));
    }
    found.extend(
        survey.entries.buckets.iter().filter_map(|(family, of)| buckets(family, of, survey, restart)),
    );
    found.extend(cut_pids(survey));
    found.extend(eras(survey));
    found
}

/// Processes that count one label set in different buckets; else, label sets that do not go together.
fn buckets(
    family: &str,
    of: &HistogramBuckets,
    survey: &Survey,
    restart: impl Fn(Finding) -> Finding,
) -> Option<Finding> {
    let files = of.files.iter().map(|file| &survey.listed[*file]);
    if let Some((set, layouts)) = of.conflicts.first_key_value() {
        let shown =
            some_of(layouts.iter().map(|(bounds, files)| format!("{bounds} in {}", counted(*files, "file"))));
        let more = match of.conflicts.len() - 1 {
            0 => String::new(),
            more => format!(" (as {} more)", counted(more, "label set")),
        };
        let message = format!(
            "{set} is counted in {} layouts of buckets{more}: {shown}; merged, their counts do not fit together and \
             quantiles are wrong",
            layouts.len()
        );
        return Some(restart(Finding::new(Code::BucketConflict, family, message).files(files)));
    }
    let [first, _, ..] = &of.layouts[..] else { return None };
    let message = format!(
        "label sets have {} layouts of buckets, one of them {first}: each is right, but sum by (le) over them is not",
        of.layouts.len()
    );
    let finding = Finding::new(Code::BucketLayouts, family, message).files(files);
    Some(finding.advice("keep the label that tells them apart in sum by, or give all the same buckets"))
}

const RESTART: &str =
    "usually two releases of the application at work: stop them, clean the directory, and start one";

/// Adds the command that wipes the directories. While the service runs it would be refused, unless files of live
/// processes may stay.
fn clean(mut finding: Finding, survey: &Survey, may_keep_live: bool) -> Finding {
    let mut is_live: BTreeMap<&Path, (bool, u32)> = BTreeMap::new();
    for file in survey.files() {
        let known = is_live.entry(file.directory().path()).or_insert((false, file.facts.owner));
        known.0 |= file.liveness() != Liveness::Dead;
    }
    for (directory, (is_live, owner)) in is_live {
        if !is_live || may_keep_live {
            let remedy = Remedy::Clean { directory: directory.to_owned(), keep_live: is_live };
            finding = finding.remedy(remedy.as_user(user_to_be(owner)));
        }
    }
    finding
}

fn of_merge(conflict: &Conflict, restart: impl Fn(Finding) -> Finding) -> Finding {
    let (code, family, advice) = match conflict {
        Conflict::Modes { family, .. } => (Code::ModeConflict, family, None),
        Conflict::Types { family, .. } => (Code::TypeConflict, family, None),
        Conflict::PidLabel { family } => (Code::PidLabel, family, Some("give the label another name")),
        Conflict::DirectoryLabel { family, .. } => {
            (Code::LabelConflict, family, Some("give --directory-label another name"))
        }
        Conflict::UnknownMode { family, .. } => {
            (Code::UnknownMode, family, Some("find out what wrote it: no release of the client did"))
        }
        Conflict::Surrogate { family } => (
            Code::Surrogate,
            family,
            Some("have the application clean the text before it makes a label of it"),
        ),
    };
    let message = conflict.to_string();
    let prefix = format!("family {family}: ");
    let finding = Finding::new(code, family, message.strip_prefix(&prefix).unwrap_or(&message));
    match advice {
        Some(advice) => finding.advice(advice),
        None => restart(finding),
    }
}

/// Series that several directories have, and that only one of them can have.
pub(super) fn lost_series(collision: &Collision) -> Finding {
    let Collision { family, lost, first, other, .. } = collision;
    let mut finding = Finding::new(Code::LostSeries, family, collision.to_string())
        .summary(format!("{family}: {lost} series lost to another directory's with the same pid"))
        .advice("use --directory-label NAME, here and in merge: it tells the directories apart");
    finding.series.push(collision.series.clone());
    finding.files.extend([first, other].map(|directory| directory.clone().into()));
    finding
}

/// Gauge files of which the client takes only a part of the identifier.
fn cut_pids(survey: &Survey) -> Option<Finding> {
    let is_cut = |file: &&Surveyed| {
        let name = file.name();
        name.mode.is_some() && name.pid_label() != name.pid()
    };
    let files: Vec<_> = survey.files().filter(is_cut).collect();
    let example = files.first()?.name();
    let message = format!(
        "{}: the identifier {} has an underscore, so that only {:?} of it is left in the label pid",
        counted(files.len(), "gauge file"),
        example.pid(),
        example.pid_label()
    );
    Some(
        Finding::new(Code::CutPid, example.pid(), message)
            .advice("choose identifiers of processes without an underscore")
            .files(files),
    )
}

/// What a client of one era does with a file of another, as its releases were seen to do.
fn failure(reader: Era, file: Era) -> &'static str {
    match (reader, file) {
        (Era::A, Era::B) | (Era::C | Era::D, Era::B) => {
            "ValueError: not enough values to unpack (expected 4, got 3)"
        }
        (Era::A, Era::C) => "ValueError: could not convert string to float",
        (Era::B, _) => "ValueError: too many values to unpack (expected 3)",
        (Era::C | Era::D, Era::A) => "AttributeError: 'list' object has no attribute 'items'",
        (Era::D, Era::C) => "RuntimeError: Read beyond file size detected, file is corrupted.",
        _ => "JSONDecodeError: Expecting value",
    }
}

fn clients(era: Era) -> &'static str {
    match era {
        Era::A => "0.0.16 to 0.3.1",
        Era::B => "0.4.0 to 0.15.0",
        Era::C => "0.16.0 to 0.17.1",
        Era::D => "0.18.0 and later",
    }
}

/// One era, of which other clients can read nothing.
fn old_era(era: Era, files: &[&Surveyed], survey: &Survey) -> Finding {
    let others = [Era::A, Era::B, Era::C, Era::D].into_iter().filter(|reader| *reader != era);
    let failures: Vec<_> =
        others.map(|reader| format!("{} with `{}`", clients(reader), failure(reader, era))).collect();
    let summary =
        format!("{} of era {era}: only clients {} read them", counted(files.len(), "file"), clients(era));
    let message = format!(
        "{} of era {era}: clients {} read them; others fail, {}; promproc merge reads them",
        counted(files.len(), "file"),
        clients(era),
        failures.join(", ")
    );
    let finding = Finding::new(Code::OldEra, "eras", message)
        .summary(summary)
        .advice("nothing, while all of the service has such a client; else stop it, clean the directory, start it")
        .files(files.iter().copied());
    clean(finding, survey, false)
}

fn eras(survey: &Survey) -> Option<Finding> {
    let mut by_era: BTreeMap<Era, Vec<&Surveyed>> = BTreeMap::new();
    for file in survey.files() {
        if let Some(era) = file.facts.era {
            by_era.entry(era).or_default().push(file);
        }
    }
    let (era, files) = by_era.first_key_value()?;
    if by_era.len() == 1 {
        return (*era != Era::D).then(|| old_era(*era, files, survey));
    }
    let eras: Vec<_> = by_era
        .iter()
        .map(|(era, files)| {
            format!("{} of era {era} (clients {})", counted(files.len(), "file"), clients(*era))
        })
        .collect();
    let failures: Vec<_> = by_era
        .keys()
        .map(|reader| {
            let others = by_era.keys().filter(|era| *era != reader);
            let others: Vec<_> =
                others.map(|era| format!("on era {era} with `{}`", failure(*reader, *era))).collect();
            format!("clients {} fail {}", clients(*reader), others.join(" and "))
        })
        .collect();
    let message = format!(
        "{}: no client reads them all, so every scrape fails: {}; promproc merge reads them",
        eras.join(", "),
        failures.join("; ")
    );
    // Those of the newest era are the running release's.
    let old = by_era.iter().rev().skip(1).flat_map(|(_, files)| files.iter().copied());
    let live = by_era.values().filter(|files| files.iter().any(|file| file.liveness() != Liveness::Dead));
    let is_one_live = live.count() <= 1;
    let finding = Finding::new(Code::EraMixture, "eras", message)
        .summary(format!("{}: every scrape of the official client fails", eras.join(", ")))
        .advice(if is_one_live {
            "remove dead processes' files: what they counted is lost"
        } else {
            "stop the service, clean the directory, start it: what was counted so far is lost"
        })
        .files(old);
    Some(clean(finding, survey, is_one_live))
}
