//! `promproc dump`: what is in the files, as it is.

use std::io::{self, Write};
use std::time::SystemTime;

use promproc::directory::{self, DbFile};
use promproc::dump::{Dumped, Dumper, FileFacts};
use promproc::exposition::dump_json::{EntryLine, FileLine, write_line};
use promproc::exposition::number::write_go_string;
use promproc::exposition::table::{Column, NOTHING, Table, View, push_sample};
use promproc::exposition::{printable, time};
use promproc::format::{Entry, Era, Key};

use crate::cli::{DumpArgs, DumpFormat};
use crate::commands::{Outcome, hinted, paths_or_environment, report, selection};
use crate::console::Console;

pub(crate) fn run(args: &DumpArgs, console: &Console) -> anyhow::Result<Outcome> {
    let paths = paths_or_environment(&args.input.paths, console)?;
    let scan = directory::scan_all(&paths, args.input.recursive).map_err(hinted)?;
    let selection = selection(&args.select);
    let files = scan.files.iter().filter(|file| selection.has_file(&file.name));
    let mut dump = Dump {
        dumper: Dumper::new(&selection),
        hides_unmatched: selection.looks_at_keys(),
        shows_help: args.show_help,
        view: console.view(),
        now: SystemTime::now(),
        out: match args.format {
            DumpFormat::Json => Box::new(console.data()) as Box<dyn Write>,
            DumpFormat::Table => Box::new(console.out()),
        },
        console,
        outcome: Outcome::Done,
    };
    match (args.format, args.files) {
        (DumpFormat::Json, false) => dump.entries_as_json(files)?,
        (DumpFormat::Json, true) => dump.files_as_json(files)?,
        (DumpFormat::Table, false) => dump.entries_as_tables(files)?,
        (DumpFormat::Table, true) => dump.files_as_table(files, paths.len() == 1 && !args.input.recursive)?,
    }
    dump.out.flush()?;
    let outcome = dump.outcome;
    Ok(outcome.max(report(&scan.left_out, console)))
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
}

impl Dump<'_> {
    fn entries_as_json<'f>(&mut self, files: impl Iterator<Item = &'f DbFile>) -> io::Result<()> {
        let mut line = Vec::new();
        let mut value = String::new();
        for file in files {
            let path = file.path.to_string_lossy();
            let out = &mut self.out;
            let mut written = Ok(());
            let dumped = self.dumper.entries(file, |entry, key, era| {
                if written.is_ok() {
                    value.clear();
                    write_go_string(&mut value, entry.value);
                    written = write_line(&entry_line(file, &path, entry, key, era, &value), &mut line)
                        .map_err(io::Error::from)
                        .and_then(|()| out.write_all(&line));
                }
            });
            written?;
            self.report(&dumped)?;
        }
        Ok(())
    }

    fn files_as_json<'f>(&mut self, files: impl Iterator<Item = &'f DbFile>) -> io::Result<()> {
        let mut line = Vec::new();
        for file in files {
            let dumped = self.dumper.facts(file);
            if let Some(facts) = self.shown(&dumped) {
                let (path, modified) = (file.path.to_string_lossy(), facts.modified.and_then(time::date));
                write_line(&file_line(file, &path, facts, modified.as_deref()), &mut line)?;
                self.out.write_all(&line)?;
            }
            self.report(&dumped)?;
        }
        Ok(())
    }

    fn entries_as_tables<'f>(&mut self, files: impl Iterator<Item = &'f DbFile>) -> io::Result<()> {
        let mut table = Table::new(&ENTRY_COLUMNS);
        let mut text = String::new();
        let mut separator = "";
        for file in files {
            table.clear();
            let (now, shows_help) = (self.now, self.shows_help);
            let dumped = self.dumper.entries(file, |entry, key, _| {
                push_entry(&mut table, &mut text, entry, key, now, shows_help);
            });
            if let Some(facts) = self.shown(&dumped) {
                self.out.write_all(separator.as_bytes())?;
                separator = "\n";
                self.write_heading(file, facts)?;
                table.write(&self.view, &mut self.out)?;
            }
            self.report(&dumped)?;
        }
        Ok(())
    }

    fn files_as_table<'f>(
        &mut self,
        files: impl Iterator<Item = &'f DbFile>,
        is_one_directory: bool,
    ) -> io::Result<()> {
        // The person at the terminal has just typed the directory, a script wants whole paths.
        let is_name_enough = is_one_directory && self.view.width.is_some();
        let mut table = Table::new(&FILE_COLUMNS);
        let mut problems = Vec::new();
        for file in files {
            let dumped = self.dumper.facts(file);
            if let Some(facts) = self.shown(&dumped) {
                let name = file.path.file_name().filter(|_| is_name_enough);
                let name = name.unwrap_or(file.path.as_os_str()).to_string_lossy();
                push_file(&mut table, file, &name, facts, self.now);
            }
            problems.extend(dumped.problems);
        }
        table.write(&self.view, &mut self.out)?;
        self.report(&Dumped { facts: None, problems })
    }

    /// The facts of a file that is to be shown.
    fn shown<'d>(&self, dumped: &'d Dumped) -> Option<&'d FileFacts> {
        dumped.facts.as_ref().filter(|facts| facts.selected > 0 || !self.hides_unmatched)
    }

    /// Names what is wrong with a file behind what was shown of it.
    fn report(&mut self, dumped: &Dumped) -> io::Result<()> {
        if !dumped.problems.is_empty() {
            self.out.flush()?;
            self.outcome = self.outcome.max(report(&dumped.problems, self.console));
        }
        Ok(())
    }

    fn write_heading(&mut self, file: &DbFile, facts: &FileFacts) -> io::Result<()> {
        let style = self.view.heading;
        writeln!(self.out, "{style}{}{style:#}", printable(&file.path.to_string_lossy()))?;
        let mode =
            if file.name.mode.is_some() { format!(" {}", file.name.mode_name()) } else { String::new() };
        let era = facts.era.map_or(String::new(), |era| format!(", era {era}"));
        let modified = facts.modified.map_or(String::new(), |moment| {
            let date = time::date(moment).unwrap_or_default();
            format!(", modified {date} ({})", time::age(moment, self.now))
        });
        let metric_type = file.name.metric_type;
        let heading = format!("{metric_type}{mode}, pid {}{era}{modified}", file.name.pid);
        writeln!(self.out, "{}", printable(&heading))?;
        let selected = if self.hides_unmatched { format!("{} of ", facts.selected) } else { String::new() };
        writeln!(
            self.out,
            "{selected}{} {}, {} of {} bytes used, {} allocated",
            facts.entries,
            if facts.entries == 1 { "entry" } else { "entries" },
            facts.used_bytes,
            facts.capacity_bytes,
            facts.allocated_bytes,
        )
    }
}

const ENTRY_COLUMNS: [Column; 5] = [
    Column::number("OFFSET"),
    Column::number("VALUE"),
    Column::text("TIMESTAMP").gives_way(),
    Column::text("AGE"),
    Column::text("SAMPLE"),
];

fn push_entry(
    table: &mut Table,
    text: &mut String,
    entry: &Entry<'_>,
    key: &Key,
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
            let moment = time::from_unix(seconds);
            let date = moment.and_then(time::date);
            match &date {
                Some(date) => table.cell(date),
                // No date of ours: the number as it is.
                None => cell(table, &|text| write_go_string(text, seconds)),
            }
            table.cell(&date.and(moment).map_or("?".to_owned(), |moment| time::age(moment, now)));
        }
    }
    cell(table, &|text| {
        push_sample(text, &key.sample, &key.labels);
        if shows_help {
            text.push_str("  # ");
            text.push_str(&key.help);
        }
    });
}

const FILE_COLUMNS: [Column; 11] = [
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

fn push_file(table: &mut Table, file: &DbFile, name: &str, facts: &FileFacts, now: SystemTime) {
    let or_nothing = |text: Option<String>| text.unwrap_or_else(|| NOTHING.to_owned());
    table.cell(file.name.metric_type.as_str());
    table.cell(file.name.mode.map_or(NOTHING, |_| file.name.mode_name()));
    table.cell(&file.name.pid);
    table.cell(&or_nothing(facts.era.map(|era| era.to_string())));
    table.cell(&facts.entries.to_string());
    table.cell(&facts.used_bytes.to_string());
    table.cell(&facts.capacity_bytes.to_string());
    table.cell(&facts.allocated_bytes.to_string());
    table.cell(&or_nothing(facts.modified.and_then(time::date)));
    table.cell(&or_nothing(facts.modified.map(|moment| time::age(moment, now))));
    table.cell(name);
}

fn entry_line<'a>(
    file: &'a DbFile,
    path: &'a str,
    entry: &Entry<'_>,
    key: &'a Key,
    era: Era,
    value: &'a str,
) -> EntryLine<'a> {
    EntryLine {
        file: path,
        metric_type: file.name.metric_type.as_str(),
        mode: file.name.mode.map(|_| file.name.mode_name()),
        pid: &file.name.pid,
        era: era.as_str(),
        offset: entry.offset,
        value_offset: entry.value_offset(),
        family: &key.family,
        sample: &key.sample,
        labels: &key.labels,
        value,
        timestamp: entry.timestamp,
        help: &key.help,
    }
}

fn file_line<'a>(
    file: &'a DbFile,
    path: &'a str,
    facts: &FileFacts,
    modified: Option<&'a str>,
) -> FileLine<'a> {
    FileLine {
        file: path,
        metric_type: file.name.metric_type.as_str(),
        mode: file.name.mode.map(|_| file.name.mode_name()),
        pid: &file.name.pid,
        era: facts.era.map(Era::as_str),
        entries: facts.entries,
        used_bytes: facts.used_bytes,
        capacity_bytes: facts.capacity_bytes,
        allocated_bytes: facts.allocated_bytes,
        modified,
    }
}
