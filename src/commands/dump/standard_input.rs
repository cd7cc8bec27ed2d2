//! One file from standard input: `dump -`.

use std::io::{self, Read, Write};

use anyhow::anyhow;
use promproc::directory::Problem;
use promproc::format::{self, Used};
use promproc::notation::write_go_string;
use promproc::reader::FileFacts;
use promproc::select::{FileFilter, Selection};

use super::Dump;
use super::json::EntryLine;
use super::origin::Origin;
use super::table::{ENTRY_COLUMNS, FILE_COLUMNS, push_entry, push_file, write_heading};
use crate::cli::{DumpArgs, Format};
use crate::commands::{Hinted, Outcome, report};
use crate::console::json_lines::write_line;
use crate::console::table::Table;

/// No metric file is longer: `used` is an i32.
const LONGEST_BYTES: u64 = 1 << 31;

/// Dumps what standard input holds.
pub(super) fn run(args: &DumpArgs, selection: &Selection, dump: &mut Dump<'_>) -> anyhow::Result<()> {
    if args.input.paths.len() > 1 {
        return Err(Hinted::wrap(
            anyhow!("-: standard input cannot be read beside other files"),
            "give - alone; ./- is a file of that name",
        ));
    }
    let FileFilter { types, modes, pids, .. } = &selection.files;
    let asks_name = !(types.is_empty() && modes.is_empty() && pids.is_empty());
    if asks_name || args.is_by_liveness() {
        return Err(Hinted::wrap(
            anyhow!("-: standard input has no type, mode, pid or liveness to choose by"),
            "choose entries with --name and --label",
        ));
    }
    let (bytes, length) = read(io::stdin().lock())?;
    let origin = Origin::STANDARD_INPUT;
    let mut table = Table::new(ENTRY_COLUMNS);
    let (mut text, mut line, mut written) = (String::new(), Vec::new(), Ok(()));
    let (now, shows_help, out) = (dump.now, dump.shows_help, &mut dump.out);
    let (facts, kinds) = dump.dumper.bytes(&bytes, |entry, key, era| match args.format {
        _ if args.files => {}
        Format::Table => push_entry(&mut table, &mut text, entry, key, now, shows_help),
        Format::Json if written.is_ok() => {
            text.clear();
            write_go_string(&mut text, entry.value);
            written = write_line(&EntryLine::new(&origin, entry, key, era, &text), &mut line)
                .map_err(io::Error::from)
                .and_then(|()| out.write_all(&line));
        }
        Format::Json => {}
    });
    written?;
    // A pipe has no holes.
    let whole = |mut facts: FileFacts| {
        (facts.capacity_bytes, facts.allocated_bytes) = (length, length);
        facts
    };
    if let Some(facts) = facts.map(whole).filter(|facts| facts.selected > 0 || !dump.dumper.is_filtered()) {
        dump.shown_files += 1;
        dump.shown_entries += facts.selected;
        match (args.format, args.files) {
            (Format::Json, true) => dump.file_as_json(&origin, None, &facts, &mut line)?,
            (Format::Json, false) => {}
            (Format::Table, true) => {
                let mut table = Table::new(FILE_COLUMNS);
                push_file(&mut table, &origin, None, &facts, now);
                table.write(&dump.view, &mut dump.out)?;
            }
            (Format::Table, false) => {
                let selected = dump.dumper.is_filtered().then_some(facts.selected);
                write_heading(&origin, &facts, selected, now, &dump.view, &mut dump.out)?;
                table.write(&dump.view, &mut dump.out)?;
            }
        }
    }
    let problems: Vec<_> = kinds.into_iter().map(|kind| Problem { path: "-".into(), kind }).collect();
    if !problems.is_empty() {
        dump.out.flush()?;
        dump.outcome = Outcome::NeedsAttention.max(report(&problems, dump.console));
    }
    Ok(())
}

/// The bytes up to `used`, and how many there are in all.
fn read(mut input: impl Read) -> io::Result<(Vec<u8>, u64)> {
    let mut bytes = Vec::new();
    let mut take = |count: u64, bytes: &mut Vec<u8>| input.by_ref().take(count).read_to_end(bytes);
    take(format::HEADER_BYTES as u64, &mut bytes)?;
    if let Ok(Used::Bytes(used)) = format::used(&bytes) {
        take(used.saturating_sub(bytes.len() as u64), &mut bytes)?;
    }
    // Whoever writes to the pipe is not to fail because of what is not needed.
    let known = bytes.len() as u64;
    let length = known + io::copy(&mut input.take(LONGEST_BYTES - known + 1), &mut io::sink())?;
    if length > LONGEST_BYTES {
        return Err(io::Error::new(
            io::ErrorKind::InvalidData,
            "-: longer than 2 GiB, which no metric file is",
        ));
    }
    Ok((bytes, length))
}
