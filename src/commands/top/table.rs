//! A round of `top` as a table, a line that sums it up, and numbers short enough to be compared at
//! a glance.

use std::io::{self, Write};

use promproc::directory::archive_generation;
use promproc::liveness::Liveness;
use promproc::notation::{counted, plain, significant, with_causes};
use promproc::observe::{By, Change, News, Round, Row};

use crate::console::table::{Column, NOTHING, Table, View};

/// Which rows of a round are written, and how.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rows<'a> {
    /// What the rows are.
    pub by: By,
    /// Which of them, as [`Round::arranged`] gives them.
    pub order: &'a [usize],
    /// Whether there is a column of changes per second.
    pub with_rates: bool,
}

/// Writes rows of a round; nothing if there are none.
///
/// # Errors
/// Those of `out`.
pub(crate) fn write(round: &Round, rows: Rows<'_>, view: &View, out: &mut dyn Write) -> io::Result<()> {
    let mut table = Table::new(columns(rows.by, rows.with_rates));
    for &at in rows.order {
        match rows.by {
            By::Series => {
                let series = &round.series[at];
                table.cell(series.traced.metric_type.as_str());
                numbers(&mut table, round, &series.row, rows.with_rates);
                table.cell(&series.row.name);
            }
            By::Family => {
                let family = &round.families[at];
                table.cell(family.metric_type.as_str());
                table.cell(&family.series.to_string());
                numbers(&mut table, round, &family.row, rows.with_rates);
                table.cell(&family.row.name);
            }
            By::Pid => {
                let process = &round.processes[at];
                table.cell(&process.row.name);
                table.cell(
                    archive_generation(process.pid()).map_or(process.liveness.as_str(), |_| "compacted"),
                );
                if rows.with_rates {
                    table.cell(news(process.news).unwrap_or(NOTHING));
                }
                table.cell(&process.files.to_string());
                table.cell(&process.entries.to_string());
                numbers(&mut table, round, &process.row, rows.with_rates);
                table.cell(&process.about);
            }
        }
    }
    table.write(view, out)
}

fn columns(by: By, with_rates: bool) -> &'static [Column] {
    const TYPE: Column = Column::text("TYPE");
    const VALUE: Column = Column::number("VALUE");
    const RATE: Column = Column::number("CHANGE/s");
    const SAMPLE: Column = Column::text("SERIES");
    const COUNT: Column = Column::number("SERIES");
    const FAMILY: Column = Column::text("FAMILY");
    const PID: Column = Column::text("PID");
    const LIVENESS: Column = Column::text("LIVENESS");
    const NEWS: Column = Column::text("NEWS");
    const FILES: Column = Column::number("FILES").gives_way();
    const ENTRIES: Column = Column::number("ENTRIES").gives_way();
    const COUNTED: Column = Column::number("COUNTED");
    const PROCESS: Column = Column::text("PROCESS");
    match (by, with_rates) {
        (By::Series, false) => &[TYPE, VALUE, SAMPLE],
        (By::Series, true) => &[TYPE, VALUE, RATE, SAMPLE],
        (By::Family, false) => &[TYPE, COUNT, VALUE, FAMILY],
        (By::Family, true) => &[TYPE, COUNT, VALUE, RATE, FAMILY],
        (By::Pid, false) => &[PID, LIVENESS, FILES, ENTRIES, COUNTED, PROCESS],
        (By::Pid, true) => &[PID, LIVENESS, NEWS, FILES, ENTRIES, COUNTED, RATE, PROCESS],
    }
}

fn numbers(table: &mut Table, round: &Round, row: &Row, with_rates: bool) {
    table.cell(&plain(row.value));
    if with_rates {
        table.cell(&change(round, row));
    }
}

/// A row's change per second in a few digits; in the first round there is none.
pub(crate) fn change(round: &Round, row: &Row) -> String {
    match row.change {
        Change::PerSecond(rate) => rounded(rate, 4),
        Change::Reset => "reset".to_owned(),
        Change::New if round.elapsed.is_some() => "new".to_owned(),
        Change::New => NOTHING.to_owned(),
    }
}

/// What is remarkable about a process, in a word.
pub(crate) fn news(news: Option<News>) -> Option<&'static str> {
    news.map(|news| match news {
        News::Came => "new",
        News::Died => "died",
    })
}

/// The round in one line: what is read, and [`facts`] about it.
pub(crate) fn summary(round: &Round) -> String {
    format!("{}: {}", paths(round), facts(round))
}

/// What is read.
pub(crate) fn paths(round: &Round) -> String {
    round.paths.iter().map(|path| path.to_string_lossy()).collect::<Vec<_>>().join(" ")
}

/// How many files there are, whose, and how many series; or why there are none.
pub(crate) fn facts(round: &Round) -> String {
    if round.files.is_empty()
        && let Some(why) = trouble(round)
    {
        return why;
    }
    let processes = || round.processes.iter().filter(|process| archive_generation(process.pid()).is_none());
    let of = |liveness| processes().filter(|process| process.liveness == liveness).count();
    let unknown = match of(Liveness::Unknown) {
        0 => String::new(),
        number => format!(", {number} unknown"),
    };
    format!(
        "{}, {} ({} live, {} dead{unknown}), {} series",
        counted(round.files.len(), "file"),
        counted(processes().count(), "process"),
        of(Liveness::Live),
        of(Liveness::Dead),
        round.series.len()
    )
}

/// What is missing, cannot be read or was left out.
pub(crate) fn trouble(round: &Round) -> Option<String> {
    if let Some(error) = round.unread.first() {
        return Some(with_causes(error));
    }
    match round.missing.as_slice() {
        [] if round.problems.is_empty() => None,
        [] => Some(match round.problems.as_slice() {
            [only] => only.to_string(),
            problems => format!("{} (and {} more)", problems[0], problems.len() - 1),
        }),
        [_] if round.paths.len() == 1 => Some("no such directory".to_owned()),
        [first, ..] => Some(format!("{}: no such file or directory", first.display())),
    }
}

/// A number with so many significant digits, but all of those before the point.
pub(crate) fn rounded(value: f64, digits: usize) -> String {
    let magnitude = value.abs();
    if magnitude == 0.0 {
        return "0".to_owned();
    }
    if !value.is_finite() {
        return plain(value);
    }
    if !(1e-4..1e15).contains(&magnitude) {
        return format!("{value:.2e}");
    }
    let whole = format!("{value:.0}");
    if whole.trim_start_matches('-').len() < digits { significant(value, digits).to_string() } else { whole }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_at_a_glance() {
        for (value, text) in [
            (0.0, "0"),
            (-0.0, "0"),
            (1.0, "1"),
            (-2.5, "-2.5"),
            (12.49987, "12.5"),
            (0.000_631_688_999, "0.0006317"),
            (0.000_01, "1.00e-5"),
            (123_456.7, "123457"),
            (9.999_99, "10"),
            (1_234_567.0, "1234567"),
            (1.5e12, "1500000000000"),
            (1.5e15, "1.50e15"),
            (f64::NAN, "NaN"),
            (f64::NEG_INFINITY, "-Inf"),
        ] {
            assert_eq!(rounded(value, 4), text, "{value}");
        }
    }
}
