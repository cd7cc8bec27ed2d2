use crate::cli::CleanArgs;
use crate::commands::Outcome;
use crate::console::Console;

pub(crate) fn run(_args: &CleanArgs, _console: &Console) -> anyhow::Result<Outcome> {
    anyhow::bail!("clean is not built yet")
}
