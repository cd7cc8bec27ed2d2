//! `promproc explain`: why a series has its value.

mod json;
pub(crate) mod table;

use std::io::Write;
use std::time::SystemTime;

use promproc::explain::{Explained, explain};
use promproc::liveness::Evidence;
use promproc::merge::Options;

use crate::cli::{ExplainArgs, Format};
use crate::commands::{Outcome, hinted, input_paths, report, say_collisions, say_command_lines};
use crate::console::Console;
use crate::console::json_lines::write_line;
use json::SeriesLine;
use table::Extent;

/// So many series are shown without `--all`.
const SHOWN: usize = 50;

pub(crate) fn run(args: &ExplainArgs, console: &Console) -> anyhow::Result<Outcome> {
    let Some(paths) = input_paths(&args.input, console)? else {
        return Ok(Outcome::Done);
    };
    let mut options = Options::default();
    options.directory_label.clone_from(&args.input.directory_label);
    let explained = explain(&paths, args.input.recursive, &options, &args.selector).map_err(hinted)?;
    for conflict in &explained.conflicts {
        console.warning(conflict);
    }
    let outcome = report(&explained.problems, console).max(say_collisions(&explained.collisions, console));
    if explained.series.is_empty() {
        console.warning("no series matches the selector");
        if !explained.nearest.is_empty() {
            console.hint(format_args!("did you mean {}?", explained.nearest.join(" or ")));
        }
        for absence in &explained.absences {
            console.hint(absence);
        }
        return Ok(Outcome::NeedsAttention);
    }
    let evidence = explained.files.iter().filter_map(|file| file.evidence.as_ref());
    say_command_lines(evidence.flat_map(Evidence::processes), console);
    match args.format {
        Format::Table => {
            let mut out = console.out();
            write_tables(&explained, args, console, &mut out)?;
            out.flush()?;
        }
        Format::Json => {
            let mut out = console.data();
            let mut line = Vec::new();
            for series in &explained.series {
                write_line(&SeriesLine::new(series, &explained.files), &mut line)?;
                out.write_all(&line)?;
            }
            out.flush()?;
        }
    }
    Ok(outcome)
}

fn write_tables(
    explained: &Explained,
    args: &ExplainArgs,
    console: &Console,
    out: &mut dyn Write,
) -> anyhow::Result<()> {
    let extent = Extent { all: args.all, buckets: args.buckets };
    let (now, view) = (SystemTime::now(), console.view());
    let shown = if args.all { explained.series.len() } else { explained.series.len().min(SHOWN) };
    for (at, series) in explained.series[..shown].iter().enumerate() {
        if at > 0 {
            writeln!(out)?;
        }
        table::write(series, &explained.files, extent, now, &view, out)?;
    }
    if shown < explained.series.len() {
        let more = explained.series.len() - shown;
        writeln!(out, "\nand {more} more series; --all shows them, a narrower selector fewer")?;
    }
    Ok(())
}
