//! `check` for people: a line or two a finding with what fixes it, and one line for everything.

use std::io::{self, Write};
use std::path::PathBuf;

use promproc::check::{Concerned, Finding, Growth, Report, Severity};
use promproc::notation::{counted, printable};
use unicode_width::UnicodeWidthStr;

use crate::console::table::{View, wrapped_at};

/// So many findings that are fixed alike are shown without `--verbose`.
const SHOWN: usize = 4;
/// Where lines about a finding begin that are not its first: behind the severity.
const INDENT: usize = 9;
/// Between a series and how its value changes.
const GAP: usize = 2;

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
    let is_one = |a: &&Finding, b: &&Finding| !is_verbose && are_alike(a, b);
    findings.chunk_by(is_one).try_for_each(|alike| write_alike(alike, code_width, is_verbose, view, out))
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
    let column = INDENT + code_width + 2;
    let shown = if findings.len() <= SHOWN + 1 { findings.len() } else { SHOWN };
    let changing = findings[..shown].iter().filter(|finding| finding.change.is_some());
    let name_width = changing.map(|finding| printable(&finding.summary).width()).max().unwrap_or_default();
    for (at, finding) in findings[..shown].iter().enumerate() {
        if at == 0 {
            write!(out, "{style}{severity:<7}  {code:<code_width$}{style:#}  ")?;
        } else {
            write!(out, "{:column$}", "")?;
        }
        let mut text = printable(&finding.summary).into_owned();
        if let Some(change) = &finding.change {
            let gap = name_width.saturating_sub(text.width()) + GAP;
            text.extend(std::iter::repeat_n(' ', gap));
            text.push_str(change);
        }
        writeln!(out, "{}", wrapped_at(column, &text, view))?;
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
        0 => format!("{live} live and {dead} dead processes"),
        unknown => format!("{live} live, {dead} dead and {unknown} unknown processes"),
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
            "{name}: {} files, {} entries, {} bytes allocated of {} apparent",
            totals.files, totals.entries, totals.allocated_bytes, totals.capacity_bytes
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
