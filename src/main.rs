//! The `promproc` command: parse, call, print the error and its hint, choose the exit status.

mod cli;
mod commands;
mod console;

use std::io;
use std::process::ExitCode;

use clap::Parser;

use cli::{Cli, Command};
use commands::{Hinted, Outcome};
use console::Console;

fn main() -> ExitCode {
    let cli = Cli::parse();
    let console = Console::new(&cli.global);
    match run(&cli.command, &console) {
        Ok(Outcome::Done) => ExitCode::SUCCESS,
        Ok(Outcome::NeedsAttention) => ExitCode::from(1),
        Err(error) if is_closed_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => {
            console.error(format_args!("{error:#}"));
            if let Some(hinted) = error.downcast_ref::<Hinted>() {
                console.hint(&hinted.hint);
            }
            ExitCode::from(2)
        }
    }
}

fn run(command: &Command, console: &Console) -> anyhow::Result<Outcome> {
    match command {
        Command::Dump(args) => commands::dump::run(args, console),
        Command::Merge(args) => commands::merge::run(args, console),
        Command::Explain(args) => commands::explain::run(args, console),
        Command::Check(args) => commands::check::run(args, console),
        Command::Prune(args) => commands::prune::run(args, console),
        Command::Clean(args) => commands::clean::run(args, console),
        Command::Top(args) => commands::top::run(args, console),
        Command::Completions(args) => commands::completions::run(args, console),
        Command::Man(args) => commands::man::run(args, console),
    }
}

/// Whether the reader of standard output went away, as `head` does when it has enough.
fn is_closed_pipe(error: &anyhow::Error) -> bool {
    error
        .chain()
        .filter_map(|cause| cause.downcast_ref::<io::Error>())
        .any(|cause| cause.kind() == io::ErrorKind::BrokenPipe)
}
