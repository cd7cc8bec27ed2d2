//! `promproc merge`: all processes' files as one exposition.

mod table;

use std::io::{self, Write};
use std::path::Path;

use anyhow::{Context, anyhow};
use promproc::exposition::{openmetrics, prom2json, text};
use promproc::maintain::replace_file;
use promproc::merge::{Merged, MergedSeries, Options, Order, merge_paths};

use crate::cli::{MergeArgs, MergeFormat};
use crate::commands::{Outcome, hinted, paths_or_environment, report, selection};
use crate::console::Console;
use crate::console::table::View;

pub(crate) fn run(args: &MergeArgs, console: &Console) -> anyhow::Result<Outcome> {
    let paths = paths_or_environment(&args.input.paths, console)?;
    let mut options = Options::default();
    options.selection = selection(&args.select);
    options.accumulate = !args.no_accumulate;
    options.order = if args.sort { Order::Sorted } else { Order::FirstSeen };
    options.threads = args.threads.map(usize::from);
    let (_, merged) = merge_paths(&paths, args.input.recursive, &options).map_err(hinted)?;
    let Merged { series, mut problems, conflicts } = merged;
    if args.strict && !problems.is_empty() {
        return Err(anyhow!("{}", problems.swap_remove(0)));
    }
    for conflict in &conflicts {
        console.warning(conflict);
    }
    let outcome = report(&problems, console);
    match args.output.as_deref().filter(|path| *path != Path::new("-")) {
        Some(path) => replace_file(path, |out| render(series, args, &View::default(), out))
            .with_context(|| format!("{}: cannot be written", path.display()))?,
        None if args.format == MergeFormat::Table => {
            let mut out = console.out();
            render(series, args, &console.view(), &mut out)?;
            out.flush()?;
        }
        None => console.write_data(|out| render(series, args, &View::default(), out))?,
    }
    Ok(outcome)
}

fn render(series: MergedSeries, args: &MergeArgs, view: &View, out: &mut dyn Write) -> io::Result<()> {
    let (families, escaping) = (series.into_families(), args.escaping);
    match args.format {
        MergeFormat::Text => text::write(families, escaping, out),
        MergeFormat::Openmetrics => openmetrics::write(families, escaping, out),
        MergeFormat::Json => prom2json::write(families, out),
        MergeFormat::Table => table::write(families, view, out),
    }
}
