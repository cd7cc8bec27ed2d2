//! `find` for people: a line a directory.

use std::io::{self, Write};

use promproc::directory::user_named;
use promproc::liveness::{FoundDirectory, State};
use promproc::notation::some_of;

use crate::console::table::{Column, NOTHING, Table, View};

const COLUMNS: &[Column] = &[
    Column::text("OWNER"),
    Column::number("FILES"),
    Column::text("WORKERS"),
    Column::text("PROGRAMS"),
    Column::text("DIRECTORY"),
];

/// Writes the directories; nothing if there are none.
///
/// # Errors
/// Those of `out`.
pub(crate) fn write(directories: &[FoundDirectory], view: &View, out: &mut dyn Write) -> io::Result<()> {
    let mut table = Table::new(COLUMNS);
    for directory in directories {
        let (owner, files) = match &directory.state {
            State::Listed { owner, files } => (user_named(*owner), files.len().to_string()),
            State::Missing => (NOTHING.to_owned(), "missing".to_owned()),
            State::Unreadable(_) => (NOTHING.to_owned(), NOTHING.to_owned()),
        };
        table.cell(&owner);
        table.cell(&files);
        table.cell(&workers(directory));
        table.cell(&some_of(directory.programs()));
        table.cell(&directory.path.to_string_lossy());
    }
    table.write(view, out)
}

/// `4 live, 2 dead`; a dash where there are none.
fn workers(directory: &FoundDirectory) -> String {
    let [live, unknown, dead] = directory.workers();
    let counts = [(live, "live"), (dead, "dead"), (unknown, "unknown")];
    let shown: Vec<_> = counts
        .iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, what)| format!("{count} {what}"))
        .collect();
    if shown.is_empty() { NOTHING.to_owned() } else { shown.join(", ") }
}
