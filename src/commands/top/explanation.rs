//! What the full-screen texts say: how a series came about, what a process has, the keys.

use std::collections::HashSet;
use std::time::SystemTime;

use anstyle::Style;
use promproc::directory::InDirectory;
use promproc::explain::explain_series;
use promproc::liveness::name_holders;
use promproc::notation::printable;
use promproc::observe::{Process, Round, Series};

use crate::commands::explain::table::{self as explain_table, Extent};
use crate::console::table::{Column, NOTHING, Table, View};

/// How a series came about, as `promproc explain` says it.
pub(crate) fn explanation(round: &Round, series: &Series, width: u16) -> String {
    // Only of these files: to look through all processes takes its time.
    let mut files = round.files.clone();
    let needed: HashSet<usize> = series.traced.contributions.iter().map(|one| one.file).collect();
    let chosen = files.iter_mut().enumerate().filter(|(at, _)| needed.contains(at));
    name_holders(chosen.map(|(_, file)| file));
    let explanation = explain_series(series.traced.clone(), &files);
    let extent = Extent { all: true, buckets: false };
    let mut written = Vec::new();
    // Writing to a Vec does not fail.
    let _ = explain_table::write(&explanation, &files, extent, SystemTime::now(), &view(width), &mut written);
    String::from_utf8_lossy(&written).into_owned()
}

/// What a process is, and which files it has.
pub(crate) fn of_process(round: &Round, process: &Process, width: u16) -> String {
    const COLUMNS: &[Column] = &[Column::text("LIVENESS"), Column::text("FILE")];
    let mut text = format!(
        "pid {}: {}\n{}\n{} entries in these files:\n\n",
        printable(&process.row.name),
        process.liveness,
        printable(&process.about),
        process.entries
    );
    let mut table = Table::new(COLUMNS);
    for file in round.files.iter().filter(|file| process.has(&file.file)) {
        table.cell(file.evidence.as_ref().map_or(NOTHING, |evidence| evidence.liveness().as_str()));
        table.cell(&file.file.path().to_string_lossy());
    }
    push_table(&mut text, &table, width);
    text
}

fn view(width: u16) -> View {
    View { width: Some(width), heading: Style::new() }
}

fn push_table(text: &mut String, table: &Table, width: u16) {
    let mut written = Vec::new();
    // Writing to a Vec does not fail.
    let _ = table.write(&view(width), &mut written);
    text.push_str(&String::from_utf8_lossy(&written));
}

/// All keys.
pub(crate) const KEYS: &str = "\
q, Ctrl-C     quit; Ctrl-Z: suspend
Tab, 1 2 3    series, families, processes
r v n         sort by rate, value, name; again: the other way round
/             filter as you type, * and ? match any characters and any one; Enter
              keeps it, Esc clears it
j k, arrows   select; also PgUp, PgDn, Home, End
left, right   move the last column, where it is too long
Enter         how a series came about; a family's series; a process's files;
              Esc leads back
p             pause: the screen stands still

VALUE     of a histogram its number of observations; of a family the sum of
          its series
COUNTED   by a process: increments of counters, observations of histograms
          and summaries
CHANGE/s  since the round before. reset: what can only grow fell, because
          its process, or the service, was restarted
TREND     of gauges the values, of others the changes; the newest at the right
LIVENESS  live: somebody has the files open; unknown: it cannot be told, so
          run promproc as the service's user
";
