//! Tables of `dump`: the entries of a file under a heading, or one row a file.

use std::io::{self, Write};
use std::time::SystemTime;

use promproc::directory::{InDirectory, MetricFile};
use promproc::format::{Entry, Key};
use promproc::notation::{counted, printable, push_sample, write_go_string};
use promproc::reader::FileFacts;

use crate::console::date;
use crate::console::table::{Column, NOTHING, Table, View};

/// Writes what there is to say of a file above its entries. `selected` is how many of them follow,
/// where that may not be all.
///
/// # Errors
/// Those of `out`.
pub(crate) fn write_heading(
    file: &MetricFile,
    facts: &FileFacts,
    selected: Option<usize>,
    now: SystemTime,
    view: &View,
    out: &mut dyn Write,
) -> io::Result<()> {
    let style = view.heading;
    writeln!(out, "{style}{}{style:#}", printable(&file.path().to_string_lossy()))?;
    let mode = file.name.mode.map_or(String::new(), |_| format!(" {}", file.name.mode_name()));
    let era = facts.era.map_or(String::new(), |era| format!(", era {era}"));
    let modified = facts.modified.map_or(String::new(), |moment| {
        let date = date::date(moment).unwrap_or_default();
        format!(", modified {date} ({})", date::age(moment, now))
    });
    let metric_type = file.name.metric_type;
    let heading = format!("{metric_type}{mode}, pid {}{era}{modified}", file.name.pid());
    writeln!(out, "{}", printable(&heading))?;
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
    cell(table, &|text| write_go_string(text, entry.value));
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
                None => cell(table, &|text| write_go_string(text, seconds)),
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
    Column::text("ERA"),
    Column::number("ENTRIES"),
    Column::number("USED"),
    Column::number("CAPACITY"),
    Column::number("ALLOCATED"),
    Column::text("MODIFIED").gives_way(),
    Column::text("AGE"),
    Column::text("FILE"),
];

/// Appends a file to a table of [`FILE_COLUMNS`], under that name.
pub(crate) fn push_file(
    table: &mut Table,
    file: &MetricFile,
    name: &str,
    facts: &FileFacts,
    now: SystemTime,
) {
    let or_nothing = |text: Option<String>| text.unwrap_or_else(|| NOTHING.to_owned());
    table.cell(file.name.metric_type.as_str());
    table.cell(file.name.mode.map_or(NOTHING, |_| file.name.mode_name()));
    table.cell(file.name.pid());
    table.cell(&or_nothing(facts.era.map(|era| era.to_string())));
    table.cell(&facts.entries.to_string());
    table.cell(&facts.used_bytes.to_string());
    table.cell(&facts.capacity_bytes.to_string());
    table.cell(&facts.allocated_bytes.to_string());
    table.cell(&or_nothing(facts.modified.and_then(date::date)));
    table.cell(&or_nothing(facts.modified.map(|moment| date::age(moment, now))));
    table.cell(name);
}
