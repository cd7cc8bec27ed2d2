//! Tables of `dump`: the entries of a file under a heading, or one row a file.

use std::io::{self, Write};
use std::time::SystemTime;

use promproc::directory::archive_generation;
use promproc::format::{Entry, Key};
use promproc::liveness::Liveness;
use promproc::notation::{counted, printable, push_sample, write_plain};
use promproc::reader::FileFacts;

use super::origin::Origin;
use crate::console::date;
use crate::console::table::{Column, NOTHING, Table, View};

/// Writes what there is to say of a file above its entries. `selected` is how many of them follow,
/// where that may not be all.
///
/// # Errors
/// Those of `out`.
pub(crate) fn write_heading(
    origin: &Origin<'_>,
    facts: &FileFacts,
    selected: Option<usize>,
    now: SystemTime,
    view: &View,
    out: &mut dyn Write,
) -> io::Result<()> {
    let style = view.heading;
    let title = if origin.pid.is_some() { printable(origin.path) } else { "standard input".into() };
    writeln!(out, "{style}{title}{style:#}")?;
    let kind = origin.metric_type.map(|kind| match origin.mode {
        Some(mode) => format!("{kind} {mode}"),
        None => kind.to_owned(),
    });
    let modified = facts.modified.map(|moment| {
        let date = date::date(moment).unwrap_or_default();
        format!("modified {date} ({})", date::age(moment, now))
    });
    let heading = [
        kind,
        origin.pid.map(|pid| match archive_generation(pid) {
            Some(generation) => format!("processes that were compacted (generation {generation})"),
            None => format!("pid {pid}"),
        }),
        facts.era.map(|era| format!("era {era}")),
        modified,
    ];
    let heading = heading.into_iter().flatten().collect::<Vec<_>>().join(", ");
    if !heading.is_empty() {
        writeln!(out, "{}", printable(&heading))?;
    }
    writeln!(
        out,
        "{}{}, {} of {} bytes used, {} allocated",
        selected.map_or(String::new(), |selected| format!("{selected} of ")),
        counted(facts.entries, "entry"),
        facts.used_bytes,
        facts.capacity_bytes,
        facts.allocated_bytes,
    )
}

/// The columns of a file's entries.
pub(crate) const ENTRY_COLUMNS: &[Column] = &[
    Column::number("OFFSET"),
    Column::number("VALUE"),
    Column::text("TIMESTAMP").gives_way(),
    Column::text("AGE"),
    Column::text("SAMPLE"),
];

/// Appends an entry to a table of [`ENTRY_COLUMNS`]; `text` is room to write cells in.
pub(crate) fn push_entry(
    table: &mut Table,
    text: &mut String,
    entry: &Entry<'_>,
    key: &Key<'_>,
    now: SystemTime,
    shows_help: bool,
) {
    let mut cell = |table: &mut Table, write: &dyn Fn(&mut String)| {
        text.clear();
        write(text);
        table.cell(text);
    };
    cell(table, &|text| text.push_str(&entry.offset.to_string()));
    cell(table, &|text| write_plain(text, entry.value));
    match entry.timestamp.filter(|seconds| *seconds != 0.0) {
        None => {
            table.cell(NOTHING);
            table.cell(NOTHING);
        }
        Some(seconds) => {
            let moment = date::from_unix(seconds);
            let date = moment.and_then(date::date);
            match &date {
                Some(date) => table.cell(date),
                // No date of ours: the number as it is.
                None => cell(table, &|text| write_plain(text, seconds)),
            }
            table.cell(&date.and(moment).map_or("?".to_owned(), |moment| date::age(moment, now)));
        }
    }
    cell(table, &|text| {
        push_sample(text, &key.sample, key.labels.iter());
        if shows_help {
            text.push_str("  # ");
            text.push_str(&key.help);
        }
    });
}

/// The columns of the files' summary.
pub(crate) const FILE_COLUMNS: &[Column] = &[
    // The file's name says type, mode and pid as well.
    Column::text("TYPE").gives_way(),
    Column::text("MODE").gives_way(),
    Column::text("PID").gives_way(),
    Column::text("LIVENESS"),
    Column::text("ERA"),
    Column::number("ENTRIES"),
    Column::number("USED"),
    Column::number("CAPACITY").gives_way(),
    Column::number("ALLOCATED"),
    Column::text("MODIFIED").gives_way(),
    Column::text("AGE"),
    Column::text("FILE"),
];

/// Appends a file to a table of [`FILE_COLUMNS`].
pub(crate) fn push_file(
    table: &mut Table,
    origin: &Origin<'_>,
    liveness: Option<Liveness>,
    facts: &FileFacts,
    now: SystemTime,
) {
    let or_nothing = |text: Option<String>| text.unwrap_or_else(|| NOTHING.to_owned());
    table.cell(origin.metric_type.unwrap_or(NOTHING));
    table.cell(origin.mode.unwrap_or(NOTHING));
    table.cell(origin.pid.unwrap_or(NOTHING));
    table.cell(liveness.map_or(NOTHING, Liveness::as_str));
    table.cell(&or_nothing(facts.era.map(|era| era.to_string())));
    table.cell(&facts.entries.to_string());
    table.cell(&facts.used_bytes.to_string());
    table.cell(&facts.capacity_bytes.to_string());
    table.cell(&facts.allocated_bytes.to_string());
    table.cell(&or_nothing(facts.modified.and_then(date::date)));
    table.cell(&or_nothing(facts.modified.map(|moment| date::age(moment, now))));
    table.cell(origin.path);
}
