//! `promproc top`: the directory, live; on a terminal, or printed as tables.

mod app;
mod explanation;
mod feed;
mod json;
mod rows;
mod screen;
mod sparkline;
mod table;
mod terminal;
mod theme;

use std::collections::HashSet;
use std::io::{self, IsTerminal, Write};
use std::thread;
use std::time::{Instant, SystemTime};

use anyhow::anyhow;
use promproc::directory::DirectoryError;
use promproc::merge;
use promproc::notation::printable;
use promproc::observe::{Observer, Round};

use crate::cli::{Format, TopArgs};
use crate::commands::{
    Hinted, Outcome, hinted, input_paths, report, say_collisions, say_unmatched, selection,
};
use crate::console::Console;
use crate::console::date;
use crate::console::table::View;
use table::{Rows, summary, trouble};

pub(crate) fn run(args: &TopArgs, console: &Console) -> anyhow::Result<Outcome> {
    let Some(paths) = input_paths(&args.input, console)? else {
        return Ok(Outcome::Done);
    };
    let mut options = merge::Options::default();
    options.selection = selection(&args.select);
    options.directory_label.clone_from(&args.input.directory_label);
    let observer = Observer::new(paths, args.input.recursive, &options);
    let (by, sort) = (args.by, args.sort);
    if args.format == Format::Json && !args.once {
        return Err(Hinted::wrap(anyhow!("--format json prints one reading"), "add --once"));
    }
    match args.batch {
        _ if args.once => once(observer, args, console),
        Some(rounds) => batch(observer, args, rounds, console),
        None if !(io::stdin().is_terminal() && io::stdout().is_terminal()) => Err(Hinted::wrap(
            anyhow!("top needs a terminal, for its keys and its screen"),
            "promproc top --once prints one table, --batch N prints N rounds",
        )),
        None => terminal::run(observer, app::App::new(by, sort), args.interval, console.has_color()),
    }
}

/// One table, as `merge` would fail where there is nothing to read.
fn once(mut observer: Observer, args: &TopArgs, console: &Console) -> anyhow::Result<Outcome> {
    let mut round = observer.observe(Instant::now());
    if let Some(path) = round.missing.pop() {
        return Err(hinted(DirectoryError::Missing(path)));
    }
    if let Some(error) = round.unread.pop() {
        return Err(hinted(error));
    }
    let outcome = report(&round.problems, console)
        .max(say_unmatched(&round.unmatched, console))
        .max(say_collisions(&round.collisions, console));
    let by = args.by;
    let order = round.arranged(by, args.sort, false, "");
    match args.format {
        Format::Table => {
            let mut out = console.out();
            table::write(&round, Rows { by, order: &order, with_rates: false }, &console.view(), &mut out)?;
            out.flush()?;
        }
        Format::Json => {
            let mut out = console.data();
            json::write(&round, by, &order, &mut out)?;
            out.flush()?;
        }
    }
    Ok(outcome)
}

/// Several tables. What cannot be read is said, and may be there in the next round.
fn batch(mut observer: Observer, args: &TopArgs, rounds: u32, console: &Console) -> anyhow::Result<Outcome> {
    let mut outcome = Outcome::Done;
    let mut warned = HashSet::new();
    for number in 0..rounds {
        let start = Instant::now();
        let mut round = observer.observe(start);
        if !(round.missing.is_empty() && round.unread.is_empty()) {
            outcome = Outcome::NeedsAttention;
        }
        let is_misnamed = |error: &DirectoryError| matches!(error, DirectoryError::OnlyBelow { .. });
        if let Some(at) = round.unread.iter().position(is_misnamed) {
            return Err(hinted(round.unread.swap_remove(at)));
        }
        for problem in &round.problems {
            outcome = Outcome::NeedsAttention;
            // A damaged file is damaged in every round; once is enough.
            if warned.insert(problem.to_string()) {
                console.warning(problem);
            }
        }
        let mut out = console.out();
        if number > 0 {
            writeln!(out)?;
        }
        write_round(&round, args, &console.view(), &mut out)?;
        out.flush()?;
        if number + 1 == rounds {
            // What came only later was there in the end.
            outcome = outcome
                .max(say_unmatched(&round.unmatched, console))
                .max(say_collisions(&round.collisions, console));
        } else {
            thread::sleep(args.interval.saturating_sub(start.elapsed()));
        }
    }
    Ok(outcome)
}

fn write_round(round: &Round, args: &TopArgs, view: &View, out: &mut dyn Write) -> io::Result<()> {
    let moment = date::date(SystemTime::now()).unwrap_or_default();
    writeln!(out, "{moment} {}", printable(&summary(round)))?;
    if !round.files.is_empty()
        && let Some(trouble) = trouble(round)
    {
        writeln!(out, "{}", printable(&trouble))?;
    }
    for event in round.events.iter().filter(|event| event.at == round.at) {
        writeln!(out, "{}", printable(&event.to_string()))?;
    }
    let by = args.by;
    let order = round.arranged(by, args.sort, false, "");
    table::write(round, Rows { by, order: &order, with_rates: true }, view, out)
}
