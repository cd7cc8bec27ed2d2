//! `promproc completions`: the completion script of a shell.

use clap::CommandFactory;

use crate::cli::{Cli, CompletionsArgs};
use crate::commands::Outcome;
use crate::console::Console;

pub(crate) fn run(args: &CompletionsArgs, console: &Console) -> anyhow::Result<Outcome> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "promproc", &mut script);
    console.write_data(|out| out.write_all(&script))?;
    Ok(Outcome::Done)
}
