//! `promproc dump`: what is in the files, as it is.

mod json;
mod table;

use std::io::{self, Write};
use std::time::SystemTime;

use promproc::directory::{self, InDirectory, MetricFile, Scan};
use promproc::notation::write_go_string;
use promproc::reader::{Dumped, Dumper, FileFacts, read_files};

use crate::cli::{DumpArgs, Format};
use crate::commands::{Outcome, hinted, input_paths, report, selection};
use crate::console::Console;
use crate::console::date;
use crate::console::json_lines::write_line;
use crate::console::table::{Table, View};
use json::{EntryLine, FileLine};
use table::{ENTRY_COLUMNS, FILE_COLUMNS, push_entry, push_file, write_heading};

pub(crate) fn run(args: &DumpArgs, console: &Console) -> anyhow::Result<Outcome> {
    let Some(paths) = input_paths(&args.input, console)? else {
        return Ok(Outcome::Done);
    };
    let Scan { mut files, left_out, .. } =
        directory::scan_all(&paths, args.input.recursive).map_err(hinted)?;
    let selection = selection(&args.select);
    files.retain(|file| selection.has_file(&file.name));
    let mut dump = Dump {
        dumper: Dumper::new(&selection),
        hides_unmatched: selection.looks_at_keys(),
        shows_help: args.show_help,
        view: console.view(),
        now: SystemTime::now(),
        out: match args.format {
            Format::Json => Box::new(console.data()) as Box<dyn Write>,
            Format::Table => Box::new(console.out()),
        },
        console,
        outcome: Outcome::Done,
        shown_files: 0,
        shown_entries: 0,
    };
    match (args.format, args.files) {
        (Format::Json, false) => dump.entries_as_json(&files)?,
        (Format::Json, true) => dump.files_as_json(&files)?,
        (Format::Table, false) => dump.entries_as_tables(&files)?,
        (Format::Table, true) => dump.files_as_table(&files, paths.len() == 1 && !args.input.recursive)?,
    }
    dump.out.flush()?;
    console.info(format_args!("{} entries in {} files", dump.shown_entries, dump.shown_files));
    let outcome = dump.outcome;
    Ok(outcome.max(report(&left_out, console)))
}

struct Dump<'a> {
    dumper: Dumper<'a>,
    /// Whether files without a selected entry are passed over.
    hides_unmatched: bool,
    shows_help: bool,
    view: View,
    now: SystemTime,
    out: Box<dyn Write>,
    console: &'a Console,
    outcome: Outcome,
    shown_files: usize,
    shown_entries: usize,
}

impl Dump<'_> {
    fn entries_as_json(&mut self, files: &[MetricFile]) -> io::Result<()> {
        let mut line = Vec::new();
        let mut value = String::new();
        read_files(&files, None, |file, reader| {
            let path = file.path();
            let path = path.to_string_lossy();
            let out = &mut self.out;
            let mut written = Ok(());
            let dumped = self.dumper.entries(file, reader, |entry, key, era| {
                if written.is_ok() {
                    value.clear();
                    write_go_string(&mut value, entry.value);
                    written = write_line(&EntryLine::new(file, &path, entry, key, era, &value), &mut line)
                        .map_err(io::Error::from)
                        .and_then(|()| out.write_all(&line));
                }
            });
            written?;
            self.shown(&dumped);
            self.report(&dumped)
        })
    }

    fn files_as_json(&mut self, files: &[MetricFile]) -> io::Result<()> {
        let mut line = Vec::new();
        read_files(&files, None, |file, reader| {
            let dumped = self.dumper.facts(file, reader);
            if let Some(facts) = self.shown(&dumped) {
                let (path, modified) = (file.path(), facts.modified.and_then(date::date));
                write_line(
                    &FileLine::new(file, &path.to_string_lossy(), facts, modified.as_deref()),
                    &mut line,
                )?;
                self.out.write_all(&line)?;
            }
            self.report(&dumped)
        })
    }

    fn entries_as_tables(&mut self, files: &[MetricFile]) -> io::Result<()> {
        let mut table = Table::new(ENTRY_COLUMNS);
        let mut text = String::new();
        let mut separator = "";
        read_files(&files, None, |file, reader| {
            table.clear();
            let (now, shows_help) = (self.now, self.shows_help);
            let dumped = self.dumper.entries(file, reader, |entry, key, _| {
                push_entry(&mut table, &mut text, entry, key, now, shows_help);
            });
            if let Some(facts) = self.shown(&dumped) {
                self.out.write_all(separator.as_bytes())?;
                separator = "\n";
                let entries_of = self.hides_unmatched.then_some(facts.selected);
                write_heading(file, facts, entries_of, now, &self.view, &mut self.out)?;
                table.write(&self.view, &mut self.out)?;
            }
            self.report(&dumped)
        })
    }

    fn files_as_table(&mut self, files: &[MetricFile], is_one_directory: bool) -> io::Result<()> {
        // The person at the terminal has just typed the directory, a script wants whole paths.
        let is_name_enough = is_one_directory && self.view.width.is_some();
        let mut table = Table::new(FILE_COLUMNS);
        let mut problems = Vec::new();
        read_files(&files, None, |file, reader| {
            let dumped = self.dumper.facts(file, reader);
            if let Some(facts) = self.shown(&dumped) {
                let name = if is_name_enough { file.file_name().into() } else { file.path() };
                let name = name.to_string_lossy();
                push_file(&mut table, file, &name, facts, self.now);
            }
            problems.extend(dumped.problems);
            Ok::<(), io::Error>(())
        })?;
        table.write(&self.view, &mut self.out)?;
        self.report(&Dumped { facts: None, problems })
    }

    /// The facts of a file that is to be shown.
    fn shown<'d>(&mut self, dumped: &'d Dumped) -> Option<&'d FileFacts> {
        let facts = dumped.facts.as_ref().filter(|facts| facts.selected > 0 || !self.hides_unmatched)?;
        self.shown_files += 1;
        self.shown_entries += facts.selected;
        Some(facts)
    }

    /// Names what is wrong with a file behind what was shown of it.
    fn report(&mut self, dumped: &Dumped) -> io::Result<()> {
        if !dumped.problems.is_empty() {
            self.out.flush()?;
            self.outcome = self.outcome.max(report(&dumped.problems, self.console));
        }
        Ok(())
    }
}
