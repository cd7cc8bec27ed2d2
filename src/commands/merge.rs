use crate::cli::MergeArgs;
use crate::commands::Outcome;
use crate::console::Console;

pub(crate) fn run(_args: &MergeArgs, _console: &Console) -> anyhow::Result<Outcome> {
    anyhow::bail!("merge is not built yet")
}
