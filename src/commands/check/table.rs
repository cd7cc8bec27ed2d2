//! `check` for people: a line or two a finding with what fixes it, and one line for everything.

use std::borrow::Cow;
use std::io::{self, Write};
use std::path::PathBuf;

use promproc::check::{Concerned, Finding, Growth, Report, Severity};
use promproc::notation::{counted, printable};
use unicode_width::UnicodeWidthStr;

use crate::console::elide::elided;
use crate::console::table::{View, wrapped_at};

/// So many findings that are fixed alike are shown without `--verbose`.
const SHOWN: usize = 4;
/// Where lines about a finding begin that are not its first: after the severity.
const INDENT: usize = 9;
/// What is found has at least so much room beside the code, or stands below it.
const LEAST_ROOM: usize = 30;
/// Where it begins there.
const NARROW_INDENT: usize = 4;
/// Between a series and how its value changes.
const GAP: usize = 2;
/// The name of a series is not cut to less.
const LEAST_NAME_WIDTH: usize = 12;

/// Writes findings; those of one code that the same commands fix stand together.
///
/// # Errors
/// Those of `out`.
pub(crate) fn write_findings(
    findings: &[&Finding],
    is_verbose: bool,
    view: &View,
    out: &mut dyn Write,
) -> io::Result<()> {
    let are_alike = |a: &&Finding, b: &&Finding| {
        (a.code, a.severity, &a.commands, &a.advice) == (b.code, b.severity, &b.commands, &b.advice)
    };
    let code_width = findings.iter().map(|finding| finding.code.as_str().len()).max().unwrap_or_default();
    findings.chunk_by(are_alike).try_for_each(|alike| write_alike(alike, code_width, is_verbose, view, out))
}

fn write_alike(
    findings: &[&Finding],
    code_width: usize,
    is_verbose: bool,
    view: &View,
    out: &mut dyn Write,
) -> io::Result<()> {
    let Some(Finding { code, severity, advice, commands, .. }) = findings.first() else {
        return Ok(());
    };
    let style = view.heading;
    let beside = INDENT + code_width + 2;
    // On a narrow terminal what is found stands below the code.
    let is_narrow = view.width.is_some_and(|width| usize::from(width) < beside + LEAST_ROOM);
    let column = if is_narrow { NARROW_INDENT } else { beside };
    let shown = if is_verbose || findings.len() <= SHOWN + 1 { findings.len() } else { SHOWN };
    let lines = what_and_change(
        &findings[..shown],
        view.width.map(|width| usize::from(width).saturating_sub(column)),
    );
    for (at, (finding, line)) in findings[..shown].iter().zip(lines).enumerate() {
        // Between details, each line says what it is.
        if at == 0 || is_verbose {
            if is_narrow {
                write!(out, "{style}{severity:<7}  {code}{style:#}\n{:column$}", "")?;
            } else {
                write!(out, "{style}{severity:<7}  {code:<code_width$}{style:#}  ")?;
            }
        } else {
            write!(out, "{:column$}", "")?;
        }
        writeln!(out, "{}", wrapped_at(column, &line, view))?;
        if is_verbose {
            write_details(finding, view, out)?;
        }
    }
    if shown < findings.len() {
        writeln!(out, "{:column$}and {} more (-v)", "", findings.len() - shown)?;
    }
    // A command stands on a line of its own, whole, to be copied.
    for command in commands {
        writeln!(out, "{:INDENT$}fix: {}", "", printable(&command.to_string()))?;
    }
    if commands.is_empty() {
        let advice = wrapped_at(INDENT + "fix: ".len(), &printable(advice), view);
        writeln!(out, "{:INDENT$}fix: {advice}", "")?;
    } else if is_verbose {
        writeln!(out, "{:INDENT$}{}", "", wrapped_at(INDENT, &printable(advice), view))?;
    }
    Ok(())
}

/// What each finding is about, and, in a column of its own, how the value changes.
fn what_and_change(findings: &[&Finding], room: Option<usize>) -> Vec<String> {
    let whats: Vec<_> = findings.iter().map(|finding| printable(&finding.summary)).collect();
    let change = |finding: &&Finding| finding.change.clone().unwrap_or_default();
    let change_width = findings.iter().map(|finding| change(finding).width()).max().unwrap_or_default();
    if change_width == 0 {
        return whats.into_iter().map(Cow::into_owned).collect();
    }
    let texts: Vec<&str> = whats.iter().map(|what| &**what).collect();
    let room = room.map_or(usize::MAX, |room| room.saturating_sub(change_width + GAP).max(LEAST_NAME_WIDTH));
    let whats = elided(&texts, room);
    let width = whats.iter().map(|what| what.width()).max().unwrap_or_default() + GAP;
    let line = |(what, finding): (&Cow<'_, str>, &&Finding)| {
        let gap = width - what.width();
        format!("{what}{:gap$}{}", "", change(finding))
    };
    whats.iter().zip(findings).map(line).collect()
}

/// What else is known of a finding.
fn write_details(finding: &Finding, view: &View, out: &mut dyn Write) -> io::Result<()> {
    let mut line = |text: &str| writeln!(out, "{:INDENT$}{}", "", wrapped_at(INDENT, &printable(text), view));
    if finding.message != finding.summary {
        line(&finding.message)?;
    }
    // Evidence that all files share is said once.
    let evidence = |file: &Concerned| file.evidence.clone();
    for alike in finding.files.chunk_by(|a, b| a.evidence == b.evidence) {
        for file in alike {
            line(&file.path.to_string_lossy())?;
        }
        if let Some(evidence) = alike.first().and_then(evidence) {
            line(&format!("  {evidence}"))?;
        }
    }
    Ok(())
}

/// Writes the one line that is there unless nothing but findings is wanted.
///
/// # Errors
/// Those of `out`.
pub(crate) fn write_summary(
    paths: &[PathBuf],
    report: &Report,
    all: &[&Finding],
    hidden: usize,
    view: &View,
    out: &mut dyn Write,
) -> io::Result<()> {
    let count = |severity, noun: &str| {
        let count = all.iter().filter(|finding| finding.severity == severity).count();
        (count > 0).then(|| counted(count, noun))
    };
    let found = [(Severity::Error, "error"), (Severity::Warning, "warning"), (Severity::Info, "info")]
        .into_iter()
        .filter_map(|(severity, noun)| count(severity, noun));
    let found: Vec<_> = found.collect();
    let found = if found.is_empty() { "nothing found".to_owned() } else { found.join(", ") };
    let more = if hidden > 0 { " (-v)" } else { "" };
    let Report { files, live, unknown, dead, growth, .. } = report;
    let processes = match unknown {
        0 => format!("{}, {dead} dead", counted(*live, "live process")),
        unknown => format!("{}, {dead} dead, {unknown} unknown", counted(*live, "live process")),
    };
    let place = match paths {
        [path] => path.to_string_lossy().into_owned(),
        paths => counted(paths.len(), "path"),
    };
    let line = format!(
        "{}: {}, {}, {} series; {processes}; {found}{more}",
        printable(&place),
        counted(*files, "file"),
        counted(growth.all.entries, "entry"),
        growth.series
    );
    writeln!(out, "{}", wrapped_at(0, &line, view))
}

/// Writes where files and series come from.
///
/// # Errors
/// Those of `out`.
pub(crate) fn write_growth(growth: &Growth, view: &View, out: &mut dyn Write) -> io::Result<()> {
    let totals = |name: &str, totals: &promproc::check::Totals| {
        format!(
            "{name}: {}, {}, {} bytes allocated of {} apparent",
            counted(totals.files, "file"),
            counted(totals.entries, "entry"),
            totals.allocated_bytes,
            totals.capacity_bytes
        )
    };
    let families: Vec<_> =
        growth.top_families.iter().map(|top| format!("{} ({})", top.family, top.series)).collect();
    let labels: Vec<_> =
        growth.top_labels.iter().map(|top| format!("{} ({})", top.label, top.values)).collect();
    let mut lines = vec![
        totals("all", &growth.all),
        totals("of dead processes", &growth.dead),
        format!("what a scrape costs: {}", growth.verdict()),
    ];
    for (title, most) in [("families with most series", families), ("labels with most values", labels)] {
        if !most.is_empty() {
            lines.push(format!("{title}: {}", most.join(", ")));
        }
    }
    for line in lines {
        writeln!(out, "{}", wrapped_at(0, &printable(&line), view))?;
    }
    Ok(())
}
