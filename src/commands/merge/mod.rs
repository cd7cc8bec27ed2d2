//! `promproc merge`: all processes' files as one exposition.

mod table;

use std::io::{self, Write};
use std::path::Path;

use anyhow::Context;
use promproc::exposition::{Escaping, openmetrics, prom2json, text};
use promproc::maintain::replace_file;
use promproc::merge::{self, MergeError, Merged, Order};

use crate::cli::{EscapingArg, MergeArgs, MergeFormat};
use crate::commands::{Outcome, hinted, paths_or_environment, report, selection};
use crate::console::Console;
use crate::console::table::View;

pub(crate) fn run(args: &MergeArgs, console: &Console) -> anyhow::Result<Outcome> {
    let paths = paths_or_environment(&args.input.paths, console)?;
    let options = merge::Options {
        selection: selection(&args.select),
        accumulate: !args.no_accumulate,
        order: if args.sort { Order::Sorted } else { Order::FirstSeen },
        recursive: args.input.recursive,
        strict: args.strict,
        threads: args.threads.map(usize::from),
    };
    let mut merged = merge::merge(&paths, &options).map_err(|error| match error {
        MergeError::Directory(error) => hinted(error),
        MergeError::Strict(_) => error.into(),
    })?;
    for conflict in &merged.conflicts {
        console.warning(conflict);
    }
    let outcome = report(&std::mem::take(&mut merged.problems), console);
    match args.output.as_deref().filter(|path| *path != Path::new("-")) {
        Some(path) => replace_file(path, |out| render(merged, args, &View::default(), out))
            .with_context(|| format!("{}: cannot be written", path.display()))?,
        None if args.format == MergeFormat::Table => {
            let mut out = console.out();
            render(merged, args, &console.view(), &mut out)?;
            out.flush()?;
        }
        None => console.write_data(|out| render(merged, args, &View::default(), out))?,
    }
    Ok(outcome)
}

fn render(merged: Merged, args: &MergeArgs, view: &View, out: &mut dyn Write) -> io::Result<()> {
    let escaping = match args.escaping {
        EscapingArg::Underscores => Escaping::Underscores,
        EscapingArg::Dots => Escaping::Dots,
        EscapingArg::Values => Escaping::Values,
        EscapingArg::AllowUtf8 => Escaping::AllowUtf8,
    };
    let families = merged.into_families();
    match args.format {
        MergeFormat::Text => text::write(families, escaping, out),
        MergeFormat::Openmetrics => openmetrics::write(families, escaping, out),
        MergeFormat::Json => prom2json::write(families, out),
        MergeFormat::Table => table::write(families, view, out),
    }
}
