use crate::cli::PruneArgs;
use crate::commands::Outcome;
use crate::console::Console;

pub(crate) fn run(_args: &PruneArgs, _console: &Console) -> anyhow::Result<Outcome> {
    anyhow::bail!("prune is not built yet")
}
