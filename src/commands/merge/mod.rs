//! `promproc merge`: all processes' files as one exposition.

mod table;

use std::fs::File;
use std::io::{self, Write};
use std::path::Path;

use anyhow::{Context, anyhow};
use promproc::exposition::{openmetrics, prom2json, text};
use promproc::maintain::{Descriptor, ReplaceError, replace_file};
use promproc::merge::{Families, Merged, Options, Order, merge_paths};
use promproc::notation::quoted;

use crate::cli::{MergeArgs, MergeFormat};
use crate::commands::{
    Hinted, Outcome, hinted, input_paths, report, say_collisions, say_unmatched, selection,
};
use crate::console::Console;
use crate::console::table::View;

pub(crate) fn run(args: &MergeArgs, console: &Console) -> anyhow::Result<Outcome> {
    let target = Target::of(args.output.as_deref())?;
    let Some(paths) = input_paths(&args.input, console)? else {
        return Ok(Outcome::Done);
    };
    let mut options = Options::default();
    options.selection = selection(&args.select);
    options.directory_label.clone_from(&args.input.directory_label);
    options.accumulate = !args.no_accumulate;
    options.order = if args.sort { Order::Sorted } else { Order::FirstSeen };
    options.threads = args.threads.map(usize::from);
    let (files, merged) = merge_paths(&paths, args.input.recursive, &options).map_err(hinted)?;
    let Merged { series, mut problems, conflicts, collisions, unmatched } = merged;
    if args.strict && !problems.is_empty() {
        return Err(anyhow!("{}", problems.swap_remove(0)));
    }
    let outcome = report(&problems, console).max(say_unmatched(&unmatched, console));
    let mut families = series.into_families();
    match target {
        Target::File(path) => {
            replace_file(path, |out| render(&mut families, args, &View::default(), out))
                .map_err(not_replaced)?;
        }
        Target::Descriptor(path, opened) => console
            .write_data_to(opened, |out| render(&mut families, args, &View::default(), out))
            .with_context(|| cannot_be_written(path))?,
        Target::StandardOutput if args.format == MergeFormat::Table => {
            let mut out = console.out();
            render(&mut families, args, &console.view(), &mut out)?;
            out.flush()?;
        }
        Target::StandardOutput => {
            console.write_data(|out| render(&mut families, args, &View::default(), out))?
        }
    }
    // Of families that were not chosen, nobody asked; which these are is known by now.
    for conflict in conflicts.iter().filter(|conflict| families.has(conflict.family())) {
        console.warning(conflict);
    }
    let lost = collisions.iter().filter(|collision| families.has(&collision.family));
    let outcome = outcome.max(say_collisions(lost, console));
    // Where no file was chosen, that has been said.
    let unmatched = if files.is_empty() { Vec::new() } else { families.unmatched() };
    Ok(outcome.max(say_unmatched(&unmatched, console)))
}

/// Where the output goes.
enum Target<'a> {
    StandardOutput,
    /// Another descriptor that this process was started with, and the path that names it.
    Descriptor(&'a Path, File),
    File(&'a Path),
}

impl<'a> Target<'a> {
    /// To be called before anything else is opened: a number without a descriptor would get one.
    fn of(output: Option<&'a Path>) -> anyhow::Result<Self> {
        let Some(path) = output.filter(|path| *path != Path::new("-")) else {
            return Ok(Self::StandardOutput);
        };
        match Descriptor::named(path) {
            None => Ok(Self::File(path)),
            Some(descriptor) if descriptor.is_standard_output() => Ok(Self::StandardOutput),
            Some(descriptor) => {
                let opened = descriptor.duplicate().with_context(|| cannot_be_written(path))?;
                Ok(Self::Descriptor(path, opened))
            }
        }
    }
}

fn cannot_be_written(path: &Path) -> String {
    format!("{}: cannot be written", path.display())
}

/// Why a file is the old one still, and what to do about it.
fn not_replaced(error: ReplaceError) -> anyhow::Error {
    let hint = match error {
        ReplaceError::Parent(error) => return hinted(error),
        ReplaceError::Link { ref target, .. } => {
            format!("it leads to {}: give that path if this is the file to replace", quoted(target))
        }
        ReplaceError::Directory(_) => "give the name of a file in it".to_owned(),
        ReplaceError::Special { .. } => {
            "-o replaces files; to write to what is there, redirect standard output to it instead".to_owned()
        }
        _ => return error.into(),
    };
    Hinted::wrap(error, hint)
}

fn render(families: &mut Families, args: &MergeArgs, view: &View, out: &mut dyn Write) -> io::Result<()> {
    let escaping = args.escaping;
    match args.format {
        MergeFormat::Text => text::write(families, escaping, out),
        MergeFormat::Openmetrics => openmetrics::write(families, escaping, out),
        MergeFormat::Json => prom2json::write(families, out),
        MergeFormat::Table => table::write(families, view, out),
    }
}
