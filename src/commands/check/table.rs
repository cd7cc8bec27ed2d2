//! `check` for people: a few lines a finding, and one for everything.

use std::io::{self, Write};

use promproc::check::{Finding, Growth, Report, Severity};
use promproc::notation::{counted, printable};

use crate::console::table::{View, wrapped_at};

/// So many messages of findings that are mended alike are shown.
const SHOWN: usize = 5;

/// Writes findings; those of one code that the same commands mend stand together.
///
/// # Errors
/// Those of `out`.
pub(crate) fn write_findings(findings: &[&Finding], view: &View, out: &mut dyn Write) -> io::Result<()> {
    let are_alike = |a: &&Finding, b: &&Finding| {
        (a.code, a.severity, &a.commands, &a.advice) == (b.code, b.severity, &b.commands, &b.advice)
    };
    findings.chunk_by(are_alike).try_for_each(|alike| write_alike(alike, view, out))
}

fn write_alike(findings: &[&Finding], view: &View, out: &mut dyn Write) -> io::Result<()> {
    const INDENT: usize = 4;
    let Some(Finding { code, severity, subject, advice, commands, .. }) = findings.first() else {
        return Ok(());
    };
    let style = view.heading;
    let more = if findings.len() > 1 { format!(" and {} more", findings.len() - 1) } else { String::new() };
    writeln!(out, "{style}{severity} {code}{style:#}  {}{more}", printable(subject))?;
    let mut line = |text: &str| {
        let text = wrapped_at(INDENT, &printable(text), view);
        writeln!(out, "{:INDENT$}{text}", "")
    };
    for Finding { subject, message, .. } in findings.iter().take(SHOWN) {
        if findings.len() > 1 && !is_named(subject, message) {
            line(&format!("{subject}: {message}"))?;
        } else {
            line(message)?;
        }
    }
    if findings.len() > SHOWN {
        line(&format!("and {} more; --format json has them", findings.len() - SHOWN))?;
    }
    line(&format!("what to do: {advice}"))?;
    // A command stands on a line of its own, whole, to be copied.
    for command in commands {
        writeln!(out, "      {}", printable(&command.to_string()))?;
    }
    Ok(())
}

/// Writes the one line that is always there.
///
/// # Errors
/// Those of `out`.
pub(crate) fn write_summary(
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
    let more = if hidden > 0 { " (infos are shown with -v)" } else { "" };
    let Report { files, live, unknown, dead, growth, .. } = report;
    let unknown = if *unknown > 0 { format!(", {unknown} unknown") } else { String::new() };
    let line = format!(
        "{}, {}, {} series; pids: {live} live, {dead} dead{unknown}; {found}{more}",
        counted(*files, "file"),
        counted(growth.all.entries, "entry"),
        growth.series
    );
    writeln!(out, "{}", wrapped_at(0, &line, view))
}

/// Whether a message has the subject as a word of its own.
fn is_named(subject: &str, message: &str) -> bool {
    let is_of_name = |c: char| c.is_alphanumeric() || c == '_' || c == ':';
    message.match_indices(subject).any(|(at, _)| {
        let (before, after) = (&message[..at], &message[at + subject.len()..]);
        !before.ends_with(is_of_name) && !after.starts_with(|c: char| c != ':' && is_of_name(c))
    })
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
