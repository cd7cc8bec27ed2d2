//! `promproc dump`: what is in the files, as it is.

mod json;
mod origin;
mod standard_input;
mod table;

use std::io::{self, Write};
use std::time::SystemTime;

use promproc::directory::{self, InDirectory, MetricFile, Scan};
use promproc::liveness::{Evidence, Examined, Liveness, examine, name_holders};
use promproc::merge::Conflict;
use promproc::notation::write_go_string;
use promproc::reader::{Dumped, Dumper, FileFacts, read_files};

use crate::cli::{DumpArgs, Format};
use crate::commands::{Outcome, hinted, input_paths, report, say_command_lines, say_unmatched, selection};
use crate::console::Console;
use crate::console::date;
use crate::console::json_lines::write_line;
use crate::console::table::{Table, View};
use json::{EntryLine, FileLine};
use origin::Origin;
use table::{ENTRY_COLUMNS, FILE_COLUMNS, push_entry, push_file, write_heading};

pub(crate) fn run(args: &DumpArgs, console: &Console) -> anyhow::Result<Outcome> {
    let selection = selection(&args.select);
    let is_standard_input = args.input.paths.iter().any(|path| path.as_os_str() == "-");
    let (paths, scan) = if is_standard_input {
        (Vec::new(), Scan::default())
    } else {
        let Some(paths) = input_paths(&args.input, console)? else {
            return Ok(Outcome::Done);
        };
        let scan = directory::scan_all(&paths, args.input.recursive).map_err(hinted)?;
        (paths, scan)
    };
    let label = args.input.directory_label.as_ref().map(|name| scan.directory_label(name));
    let Scan { mut files, left_out, .. } = scan;
    let unmatched = selection.files.unmatched(files.iter().map(|file| &file.name));
    files.retain(|file| selection.files.takes(&file.name));
    let files = chosen(files, args, console)?;
    let mut dump = Dump {
        dumper: Dumper::new(&selection.series, label.as_ref()),
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
    if is_standard_input {
        standard_input::run(args, &selection, &mut dump)?;
    } else {
        match (args.format, args.files) {
            (Format::Json, false) => dump.entries_as_json(&metric_files(&files))?,
            (Format::Json, true) => dump.files_as_json(&files)?,
            (Format::Table, false) => dump.entries_as_tables(&metric_files(&files))?,
            (Format::Table, true) => {
                dump.files_as_table(&files, paths.len() == 1 && !args.input.recursive)?;
            }
        }
        if files.is_empty() && args.is_by_liveness() {
            let wanted = if args.dead { "dead" } else { "live" };
            console.warning(format_args!("no file is {wanted}"));
            dump.outcome = Outcome::NeedsAttention;
        }
    }
    dump.out.flush()?;
    console.info(format_args!("{} entries in {} files", dump.shown_entries, dump.shown_files));
    let outcome = dump.outcome.max(report(&left_out, console)).max(say_unmatched(&unmatched, console));
    for family in label.iter().flat_map(|_| dump.dumper.replaced()) {
        let label = args.input.directory_label.clone().unwrap_or_default();
        console.warning(Conflict::DirectoryLabel { family: family.to_owned(), label });
    }
    // Where no file was chosen, that has been said.
    let unmatched = if files.is_empty() { Vec::new() } else { dump.dumper.unmatched() };
    Ok(outcome.max(say_unmatched(&unmatched, console)))
}

/// The files of the liveness that is asked for. Where nobody asks, and it is not shown, it is not looked at.
fn chosen(files: Vec<MetricFile>, args: &DumpArgs, console: &Console) -> anyhow::Result<Vec<Examined>> {
    let mut files: Vec<_> = files.into_iter().map(Examined::unasked).collect();
    if !args.files && !args.is_by_liveness() {
        return Ok(files);
    }
    examine(&mut files).map_err(hinted)?;
    if args.is_by_liveness() {
        files.retain(|file| match file.liveness() {
            Liveness::Dead => args.dead,
            Liveness::Live => args.live,
            Liveness::Unknown => false,
        });
    }
    if args.files {
        name_holders(&mut files);
        say_command_lines(
            files.iter().filter_map(|f| f.evidence.as_ref()).flat_map(Evidence::processes),
            console,
        );
    }
    Ok(files)
}

fn metric_files(files: &[Examined]) -> Vec<MetricFile> {
    files.iter().map(|examined| examined.file.clone()).collect()
}

struct Dump<'a> {
    dumper: Dumper<'a>,
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
            let origin = Origin::of(file, &path);
            let out = &mut self.out;
            let mut written = Ok(());
            let dumped = self.dumper.entries(file, reader, |entry, key, era| {
                if written.is_ok() {
                    value.clear();
                    write_go_string(&mut value, entry.value);
                    written = write_line(&EntryLine::new(&origin, entry, key, era, &value), &mut line)
                        .map_err(io::Error::from)
                        .and_then(|()| out.write_all(&line));
                }
            });
            written?;
            self.shown(&dumped);
            self.report(&dumped)
        })
    }

    fn files_as_json(&mut self, files: &[Examined]) -> io::Result<()> {
        let mut line = Vec::new();
        let mut examined = files.iter();
        read_files(&metric_files(files), None, |file, reader| {
            let examined = examined.next();
            let dumped = self.dumper.facts(file, reader);
            if let Some(facts) = self.shown(&dumped) {
                let path = file.path();
                let path = path.to_string_lossy();
                self.file_as_json(&Origin::of(file, &path), examined, facts, &mut line)?;
            }
            self.report(&dumped)
        })
    }

    fn file_as_json(
        &mut self,
        origin: &Origin<'_>,
        examined: Option<&Examined>,
        facts: &FileFacts,
        line: &mut Vec<u8>,
    ) -> io::Result<()> {
        let modified = facts.modified.and_then(date::date);
        write_line(&FileLine::new(origin, examined, facts, modified.as_deref()), line)?;
        self.out.write_all(line)
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
                let entries_of = self.dumper.is_filtered().then_some(facts.selected);
                let path = file.path();
                let path = path.to_string_lossy();
                write_heading(&Origin::of(file, &path), facts, entries_of, now, &self.view, &mut self.out)?;
                table.write(&self.view, &mut self.out)?;
            }
            self.report(&dumped)
        })
    }

    fn files_as_table(&mut self, files: &[Examined], is_one_directory: bool) -> io::Result<()> {
        // The person at the terminal has just typed the directory, a script wants whole paths.
        let is_name_enough = is_one_directory && self.view.width.is_some();
        let mut table = Table::new(FILE_COLUMNS);
        let mut problems = Vec::new();
        let mut examined = files.iter();
        read_files(&metric_files(files), None, |file, reader| {
            let liveness = examined.next().map(Examined::liveness);
            let dumped = self.dumper.facts(file, reader);
            if let Some(facts) = self.shown(&dumped) {
                let name = if is_name_enough { file.file_name().into() } else { file.path() };
                let name = name.to_string_lossy();
                push_file(&mut table, &Origin::of(file, &name), liveness, facts, self.now);
            }
            problems.extend(dumped.problems);
            Ok::<(), io::Error>(())
        })?;
        table.write(&self.view, &mut self.out)?;
        self.report(&Dumped { facts: None, problems })
    }

    /// The facts of a file that is to be shown; one without a selected entry is passed over.
    fn shown<'d>(&mut self, dumped: &'d Dumped) -> Option<&'d FileFacts> {
        let facts = dumped.facts.as_ref().filter(|facts| facts.selected > 0 || !self.dumper.is_filtered())?;
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
