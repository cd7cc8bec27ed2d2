//! What the full-screen texts say: how a series came about, what a process has, the keys.

use promproc::exposition::number::go_string;
use promproc::exposition::printable;
use promproc::exposition::table::{Column, NOTHING, Table, View};
use promproc::exposition::top_table::liveness_word;
use promproc::live::{Process, Round, Series};
use promproc::model::{GaugeRule, MetricType};

/// How a series came about: the entries that it was made of.
pub(crate) fn explanation(round: &Round, series: &Series) -> String {
    const COLUMNS: &[Column] = &[
        Column::number("VALUE"),
        Column::text("BUCKET"),
        Column::text("PID"),
        Column::text("LIVENESS"),
        Column::number("OFFSET"),
        Column::text("FILE"),
    ];
    let rule = match (series.metric_type, series.mode.map(|mode| mode.rule())) {
        (MetricType::Gauge, Some(GaugeRule::PerPid) | None) => "of one process",
        (MetricType::Gauge, Some(GaugeRule::Min)) => "the least",
        (MetricType::Gauge, Some(GaugeRule::Max)) => "the greatest",
        (MetricType::Gauge, Some(GaugeRule::MostRecent)) => "the one set last",
        _ => "the sum",
    };
    let mode = series.mode.map(|mode| format!(" {mode}")).unwrap_or_default();
    let mut text = format!(
        "{} {}\n{}{mode}, {rule} of these entries:\n\n",
        printable(&series.row.name),
        go_string(series.row.value),
        series.metric_type,
    );
    let mut table = Table::new(COLUMNS);
    for contribution in &series.contributions {
        let file = &round.files[contribution.file];
        table.cell(&go_string(contribution.value));
        table.cell(&contribution.bound.map_or(NOTHING.to_owned(), go_string));
        table.cell(&file.name.pid);
        table.cell(liveness_word(round.liveness[contribution.file]));
        table.cell(&contribution.offset.to_string());
        table.cell(&file.path.to_string_lossy());
    }
    push_table(&mut text, &table);
    text
}

/// What a process is, and which files it has.
pub(crate) fn of_process(round: &Round, process: &Process) -> String {
    const COLUMNS: &[Column] = &[Column::text("LIVENESS"), Column::text("FILE")];
    let mut text = format!(
        "pid {}: {}\n{}\n{} entries in these files:\n\n",
        printable(&process.row.name),
        process.liveness_word(),
        printable(&process.about),
        process.entries
    );
    let mut table = Table::new(COLUMNS);
    for (file, liveness) in round.files.iter().zip(&round.liveness).filter(|(file, _)| process.has(file)) {
        table.cell(liveness_word(*liveness));
        table.cell(&file.path.to_string_lossy());
    }
    push_table(&mut text, &table);
    text
}

fn push_table(text: &mut String, table: &Table) {
    let mut written = Vec::new();
    // A width so great that nothing wraps, but columns without a value are left out.
    let view = View { width: Some(u16::MAX), ..View::default() };
    // Writing to a Vec does not fail.
    let _ = table.write(&view, &mut written);
    text.push_str(&String::from_utf8_lossy(&written));
}

/// All keys.
pub(crate) const KEYS: &str = "\
q, Ctrl-C     quit
Tab, 1 2 3    series, families, processes
r v n         sort by rate, value, name; again: the other way round
/             filter as you type; Enter keeps it, Esc clears it
j k, arrows   select; also PgUp, PgDn, Home, End
left, right   move the last column, where it is too long
Enter         how a series came about; a family's series; a process's files
p             pause: the screen stands still

VALUE     of a histogram its number of observations; of a family the sum of
          its series
COUNTED   by a process: increments of counters, observations of histograms
          and summaries
CHANGE/s  since the round before. reset: what can only grow fell, because
          somebody began anew
TREND     of gauges the values, of others the changes; the newest at the right
STATE     live: somebody has the files open; unknown: it cannot be told, so
          run promproc as the service's user
";
