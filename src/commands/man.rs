//! `promproc man`: manual pages, made of the clap types and of what clap cannot know.

use crate::cli::ManArgs;
use crate::commands::Outcome;
use crate::console::Console;

pub(crate) fn run(_args: &ManArgs, _console: &Console) -> anyhow::Result<Outcome> {
    anyhow::bail!("man is not built yet")
}
