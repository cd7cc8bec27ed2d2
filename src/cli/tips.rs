//! What to type instead, where clap would guess something else.

use clap::builder::StyledStr;
use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{CommandFactory, Error};

use super::{COMMANDS, Cli};

/// A refusal of a command line, with a tip that helps where there is one.
pub(crate) fn with_tip(mut wrong: Error, arguments: &[String]) -> Error {
    let Some(ContextValue::String(argument)) = wrong.get(ContextKind::InvalidArg) else {
        return wrong;
    };
    let command = arguments.iter().skip(1).find(|word| COMMANDS.contains(&word.as_str()));
    let command = command.map_or("", String::as_str);
    let tip = match wrong.kind() {
        ErrorKind::UnknownArgument => {
            let format = argument.trim_start_matches('-');
            let has_format =
                argument.starts_with("--") && formats(command).iter().any(|known| known == format);
            has_format.then(|| format!("write --format {format}"))
        }
        ErrorKind::InvalidValue
            if argument.starts_with("--format") && matches!(command, "clean" | "prune") =>
        {
            let is_short = arguments
                .iter()
                .any(|word| word.starts_with('-') && !word.starts_with("--") && word.contains('f'));
            is_short.then(|| "-f is short for --format; to remove all the same, write --force".to_owned())
        }
        _ => None,
    };
    if let Some(tip) = tip {
        for guess in [ContextKind::SuggestedArg, ContextKind::SuggestedValue, ContextKind::TrailingArg] {
            wrong.remove(guess);
        }
        wrong.insert(ContextKind::Suggested, ContextValue::StyledStrs(vec![StyledStr::from(tip)]));
    }
    wrong
}

/// The formats that a command can write.
fn formats(command: &str) -> Vec<String> {
    let cli = Cli::command();
    let format = cli.find_subcommand(command).and_then(|command| {
        command
            .get_arguments()
            .find(|argument| argument.get_id() == "format")
            .map(clap::Arg::get_possible_values)
    });
    format.into_iter().flatten().map(|value| value.get_name().to_owned()).collect()
}
