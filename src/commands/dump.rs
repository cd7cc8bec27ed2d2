use crate::cli::DumpArgs;
use crate::commands::Outcome;
use crate::console::Console;

pub(crate) fn run(_args: &DumpArgs, _console: &Console) -> anyhow::Result<Outcome> {
    anyhow::bail!("dump is not built yet")
}
