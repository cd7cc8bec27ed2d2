//! `promproc completions`: the completion script of a shell.

use clap::{Command, CommandFactory, ValueHint};
use clap_complete::Shell;

use crate::cli::{Cli, CompletionsArgs};
use crate::commands::Outcome;
use crate::console::Console;

pub(crate) fn run(args: &CompletionsArgs, console: &Console) -> anyhow::Result<Outcome> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "promproc", &mut script);
    if args.shell == Shell::Bash {
        script = with_paths(&String::from_utf8_lossy(&script)).into_bytes();
    }
    console.write_data(|out| out.write_all(&script))?;
    Ok(Outcome::Done)
}

/// Lets bash complete paths where a command takes one: clap_complete offers the options there, and nothing
/// else. Without offers of the script, bash has its own for directories and files.
fn with_paths(script: &str) -> String {
    const OPTIONS: &str = r#"COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )"#;
    let cli = Cli::command();
    let takes_path = |command: &Command| {
        let mut hints = command.get_positionals().map(|positional| positional.get_value_hint());
        hints.any(|hint| matches!(hint, ValueHint::AnyPath | ValueHint::DirPath | ValueHint::FilePath))
    };
    let mut done = String::with_capacity(script.len());
    let mut is_of_paths = false;
    for line in script.split_inclusive('\n') {
        if let Some(name) =
            line.trim().strip_prefix("promproc__subcmd__").and_then(|end| end.strip_suffix(')'))
        {
            is_of_paths = cli.find_subcommand(name).is_some_and(takes_path);
        }
        let line = line.replace(
            r" || ${COMP_CWORD} -eq 2 ]]",
            if is_of_paths { " ]]" } else { r" || ${COMP_CWORD} -eq 2 ]]" },
        );
        // The one in the condition above is indented further.
        let is_last = line.trim_end() == format!("            {OPTIONS}");
        done.push_str(&if is_of_paths && is_last { line.replace(OPTIONS, "COMPREPLY=()") } else { line });
    }
    done
}
