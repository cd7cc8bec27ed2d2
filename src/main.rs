//! The `promproc` command: parse, call, print the error and its hint, choose the exit status.

mod cli;
mod commands;
mod console;

use std::env;
use std::io::{self, Write};
use std::process::ExitCode;

use clap::Parser;
use clap::error::ErrorKind;
use promproc::notation::printable;

use cli::{Cli, Command, for_each_command, tips};
use commands::{Hinted, Outcome};
use console::Console;

fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(asked_for) if !asked_for.use_stderr() => return shown(asked_for.print()),
        Err(wrong) => return refused(&wrong),
    };
    let console = Console::new(&cli.global);
    match run(&cli.command, &console) {
        Ok(Outcome::Done) => ExitCode::SUCCESS,
        Ok(Outcome::NeedsAttention) => ExitCode::from(1),
        Err(error) if is_closed_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => {
            console.error(format_args!("{error:#}"));
            if let (Command::Explain(_), Some(meant)) =
                (&cli.command, tips::with_selector_first(&arguments()))
            {
                console.hint(format_args!("the selector comes before the directory: {meant}"));
            } else if let Some(hinted) = error.downcast_ref::<Hinted>() {
                console.details(&hinted.details);
                console.hint(&hinted.hint);
            }
            ExitCode::from(2)
        }
    }
}

fn arguments() -> Vec<String> {
    env::args_os().map(|argument| argument.to_string_lossy().into_owned()).collect()
}

/// Says what is wrong with the command line. It may hold anything, and clap repeats it: so it is asked again
/// about one in which everything is visible.
fn refused(wrong: &clap::Error) -> ExitCode {
    let visible: Vec<_> = arguments().iter().map(|argument| printable(argument).into_owned()).collect();
    if wrong.kind() == ErrorKind::ValueValidation
        && let Some(meant) = tips::with_selector_first(&arguments())
    {
        let meant = printable(&meant).into_owned();
        let _ = writeln!(
            io::stderr(),
            "promproc: error: a directory stands where the selector belongs\nhint: the selector comes before the \
             directory: {meant}"
        );
        return ExitCode::from(2);
    }
    let again = Cli::try_parse_from(&visible).err().map(|wrong| tips::improved(wrong, &visible));
    // Nobody is left to tell when standard error is gone.
    let _ =
        again.as_ref().map_or_else(|| writeln!(io::stderr(), "error: {}", wrong.kind()), clap::Error::print);
    ExitCode::from(2)
}

/// The exit status after help or the version. A script may rely on their text, so a failed write counts.
fn shown(printed: io::Result<()>) -> ExitCode {
    match printed {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            let _ = writeln!(io::stderr(), "promproc: error: standard output: {error}");
            ExitCode::from(2)
        }
        _ => ExitCode::SUCCESS,
    }
}

fn run(command: &Command, console: &Console) -> anyhow::Result<Outcome> {
    macro_rules! dispatch {
        ($($variant:ident $name:ident $args:ident $page:ident,)+) => {
            match command {
                $(Command::$variant(args) => commands::$name::run(args, console),)+
            }
        };
    }
    for_each_command!(dispatch)
}

/// Whether the reader of standard output went away, as `head` does when it has enough.
fn is_closed_pipe(error: &anyhow::Error) -> bool {
    error
        .chain()
        .filter_map(|cause| cause.downcast_ref::<io::Error>())
        .any(|cause| cause.kind() == io::ErrorKind::BrokenPipe)
}
