//! What to type instead, where clap's own tips mislead or say nothing.

use std::path::Path;

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{Arg, Command, CommandFactory};
use promproc::notation::quoted;

use super::Cli;

/// Replaces the tips of an error about these arguments.
pub(crate) fn improved(mut error: clap::Error, arguments: &[String]) -> clap::Error {
    let (kind, context) = match error.kind() {
        ErrorKind::UnknownArgument => (ContextKind::InvalidArg, error.get(ContextKind::InvalidArg)),
        ErrorKind::InvalidValue => (ContextKind::InvalidArg, error.get(ContextKind::InvalidArg)),
        ErrorKind::InvalidSubcommand => {
            (ContextKind::InvalidSubcommand, error.get(ContextKind::InvalidSubcommand))
        }
        _ => return error,
    };
    let Some(ContextValue::String(wrong)) = context else { return error };
    let wrong = wrong.clone();
    let tip = if kind == ContextKind::InvalidSubcommand {
        let is_path = Path::new(&wrong).exists();
        is_path.then(|| format!("a command comes first, e.g. promproc check {}", quoted(Path::new(&wrong))))
    } else if error.kind() == ErrorKind::InvalidValue {
        let Some(tip) = not_force(&wrong, arguments) else { return error };
        error.remove(ContextKind::SuggestedValue);
        Some(tip)
    } else {
        // Nobody has a PATH that begins with a dash; `-- --json` would be taken for one.
        error.remove(ContextKind::Suggested);
        format_of_that_name(&wrong, arguments)
    };
    if let Some((tip, usage)) = tip.map(|tip| (tip, usage(arguments))) {
        error.remove(ContextKind::SuggestedArg);
        error.remove(ContextKind::SuggestedSubcommand);
        error.insert(ContextKind::Suggested, ContextValue::StyledStrs(vec![tip.into()]));
        error.insert(ContextKind::Usage, ContextValue::StyledStr(usage));
    }
    error
}

/// That `-f` does not force: for the commands that can be forced.
fn not_force(wrong: &str, arguments: &[String]) -> Option<String> {
    let mut cli = built();
    let command = chosen(&mut cli, arguments)?;
    let can_force = command.get_arguments().any(|argument| argument.get_long() == Some("force"));
    let is_short = |word: &String| word.starts_with('-') && !word.starts_with("--") && word.contains('f');
    (can_force && wrong.starts_with("--format") && arguments.iter().any(is_short))
        .then(|| "-f is short for --format; to remove all the same, write --force".to_owned())
}

/// `--format json` for `--json`, where the command has that.
fn format_of_that_name(wrong: &str, arguments: &[String]) -> Option<String> {
    let wrong = wrong.strip_prefix("--")?;
    let mut cli = built();
    let command = chosen(&mut cli, arguments)?;
    let format = command.get_arguments().find(|argument| argument.get_long() == Some("format"))?;
    let has_it = format.get_possible_values().iter().any(|value| value.get_name() == wrong);
    has_it.then(|| format!("use '--format {wrong}'"))
}

fn usage(arguments: &[String]) -> clap::builder::StyledStr {
    let mut cli = built();
    match chosen(&mut cli, arguments) {
        Some(command) => command.render_usage(),
        None => cli.render_usage(),
    }
}

fn built() -> Command {
    let mut cli = Cli::command();
    cli.build();
    cli
}

fn chosen<'c>(cli: &'c mut Command, arguments: &[String]) -> Option<&'c mut Command> {
    let names = arguments.iter().skip(1);
    let name = names.into_iter().find(|name| cli.find_subcommand(name).is_some())?;
    cli.find_subcommand_mut(name)
}

/// The command that was meant where `explain` has got a directory instead of a selector.
pub(crate) fn with_selector_first(arguments: &[String]) -> Option<String> {
    /// Every series, where no other selector was given.
    const ALL: &str = r#"{__name__=~".+"}"#;
    let cli = built();
    let explain = cli.find_subcommand("explain")?;
    let start = arguments.iter().position(|argument| argument == "explain")? + 1;
    let mut positionals = Vec::new();
    let mut is_value = false;
    for (at, argument) in arguments.iter().enumerate().skip(start) {
        if std::mem::take(&mut is_value) {
            continue;
        }
        if argument.starts_with('-') {
            is_value = explain.get_arguments().any(|option| wants_value(option, argument));
        } else {
            positionals.push(at);
        }
    }
    let (&first, others) = positionals.split_first()?;
    let directory = Path::new(&arguments[first]);
    if !directory.is_dir() {
        return None;
    }
    let mut meant = vec!["promproc".to_owned()];
    let shown = |at: usize| word(&arguments[at]);
    meant.extend((1..arguments.len()).filter(|&at| at != first).map(shown));
    if others.iter().all(|&at| Path::new(&arguments[at]).exists()) {
        meant.insert(start, word(ALL));
    }
    meant.push(quoted(directory));
    Some(meant.join(" "))
}

/// An argument as a word of a shell's command line; a dash at its start makes it an option.
fn word(argument: &str) -> String {
    let quoted = quoted(Path::new(argument));
    if argument.starts_with('-') { quoted.replacen("./", "", 1) } else { quoted }
}

/// Whether the next argument is the value of this one.
fn wants_value(option: &Arg, argument: &str) -> bool {
    let is_it = argument.strip_prefix("--").is_some_and(|long| option.get_long() == Some(long))
        || argument.len() == 2 && argument.chars().nth(1) == option.get_short();
    is_it && option.get_action().takes_values()
}
