//! `promproc prune`: the gauges of dead processes go.

mod json;

use std::fmt::Display;
use std::io::{self, Write};
use std::path::Path;
use std::thread;

use anyhow::anyhow;
use promproc::directory::{DirectoryError, InDirectory};
use promproc::format::MetricFileName;
use promproc::liveness::Examined;
use promproc::maintain::prune::{gauges, gauges_of};
use promproc::maintain::{Intent, Removal, remove, remove_regardless};
use promproc::model::GaugeMode;
use promproc::notation::printable;

use crate::cli::{ListFormat, PrunableModes, PruneArgs};
use crate::commands::{Failures, Hinted, Outcome, directory_or_environment, hinted};
use crate::console::Console;
use crate::console::json_lines::write_line;
use json::PrunedLine;

pub(crate) fn run(args: &PruneArgs, console: &Console) -> anyhow::Result<Outcome> {
    let directory = directory_or_environment(args.path.as_deref(), console)?;
    let asked = if args.mode.is_empty() { &[PrunableModes::Live][..] } else { &args.mode };
    let is_asked = |mode: &GaugeMode| asked.iter().any(|modes| modes.has(*mode));
    let modes: Vec<_> = GaugeMode::ALL.into_iter().filter(is_asked).collect();
    let mut pruned = Pruned { args, console, lines: Vec::new(), count: 0, failed: Failures::default() };
    let outcome = if args.pid.is_empty() {
        dead_processes(&directory, &modes, &mut pruned, console)
    } else {
        named_processes(&directory, &modes, &mut pruned)
    };
    // What was removed is told also when the rest failed, and all is removed even if nobody reads on.
    let mut out = console.data();
    out.write_all(&pruned.lines)?;
    out.flush()?;
    console.info(format_args!("{} files pruned in {}", pruned.count, directory.display()));
    pruned.failed.into_result(outcome?)
}

/// The files of every process that is found dead.
fn dead_processes(
    directory: &Path,
    modes: &[GaugeMode],
    pruned: &mut Pruned<'_>,
    console: &Console,
) -> anyhow::Result<Outcome> {
    let mut gauges = gauges(directory, modes, pruned.intent()).map_err(hinted)?;
    if pruned.args.force {
        gauges.take_for_dead();
    } else if let (true, Some(example)) = (gauges.dead.is_empty(), gauges.out_of_sight().next()) {
        return Err(out_of_sight(directory, example));
    }
    if !gauges.dead.is_empty() && !pruned.args.dry_run {
        // What is still dead after that is asked for its lease once more when it is removed.
        thread::sleep(pruned.args.settle);
    }
    for file in &gauges.dead {
        pruned.file(&file.file, file.reason(), || remove(file))?;
    }
    console.info(format_args!("{} files have a live writer", gauges.live.len()));
    for file in &gauges.unknown {
        console.warning(format_args!("{}: kept: {}", file.file.path().display(), file.reason()));
    }
    // Another run at this moment has files on their way out as well.
    gauges.leftovers.retain(|leftover| !pruned.args.dry_run && leftover.exists());
    for leftover in &gauges.leftovers {
        console.warning(format_args!("{}: kept: an earlier run left it", leftover.path().display()));
    }
    if gauges.unknown.is_empty() {
        return Ok(if gauges.leftovers.is_empty() { Outcome::Done } else { Outcome::NeedsAttention });
    }
    console.hint(
        "run promproc as the user that owns the files, who may ask for a lease on them; or give the \
         process with --pid if you know that it is dead",
    );
    Ok(Outcome::NeedsAttention)
}

/// The files of the processes that the caller knows to be dead.
fn named_processes(
    directory: &Path,
    modes: &[GaugeMode],
    pruned: &mut Pruned<'_>,
) -> anyhow::Result<Outcome> {
    for pid in &pruned.args.pid {
        for file in gauges_of(directory, pid, modes, pruned.intent()).map_err(hinted)? {
            pruned.file(&file, "its process is dead, says the caller", || remove_regardless(&file))?;
        }
    }
    Ok(Outcome::Done)
}

/// What was pruned, as it will be printed.
struct Pruned<'a> {
    args: &'a PruneArgs,
    console: &'a Console,
    lines: Vec<u8>,
    count: usize,
    failed: Failures,
}

impl Pruned<'_> {
    fn intent(&self) -> Intent {
        if self.args.dry_run { Intent::DryRun } else { Intent::Change }
    }

    /// Removes a file with `act`, unless nothing is to be removed, and notes it.
    fn file(
        &mut self,
        file: &impl InDirectory,
        evidence: impl Display,
        act: impl FnOnce() -> io::Result<Removal>,
    ) -> anyhow::Result<()> {
        let path = file.path();
        if !self.args.dry_run {
            match act() {
                Ok(Removal::Removed) => {}
                Ok(Removal::Gone | Removal::Changed) => return Ok(()),
                Err(error) => {
                    let what = format!("{}: cannot be removed", path.display());
                    self.failed.note(anyhow::Error::from(error).context(what), self.console);
                    return Ok(());
                }
            }
        }
        self.count += 1;
        let (shown, evidence) = (path.to_string_lossy(), evidence.to_string());
        match self.args.format {
            ListFormat::Text => {
                let verb = if self.args.dry_run { "would remove" } else { "removed" };
                writeln!(self.lines, "{verb} {}: {}", printable(&shown), printable(&evidence))?;
            }
            ListFormat::Json => {
                let name = path
                    .file_name()
                    .and_then(|name| name.to_str())
                    .and_then(|name| name.parse::<MetricFileName>().ok());
                let name = name.ok_or_else(|| DirectoryError::Name(path.to_owned()))?;
                let mut line = Vec::new();
                write_line(&PrunedLine::new(&shown, &name, &evidence, !self.args.dry_run), &mut line)
                    .map_err(io::Error::from)?;
                self.lines.append(&mut line);
            }
        }
        Ok(())
    }
}

/// Why nothing is pruned where a file's process may be in another pid namespace, and no other file can be.
fn out_of_sight(directory: &Path, example: &Examined) -> anyhow::Error {
    Hinted::wrap(
        anyhow!(
            "{}: nothing pruned: {}: {}",
            directory.display(),
            example.file.path().display(),
            example.reason()
        ),
        "run promproc as the user that the service runs as (runAsUser in a pod), who gets leases on its files, or \
         in its pid namespace (shareProcessNamespace: true); --force takes these processes for dead; where the \
         service is stopped, use promproc clean --force",
    )
}
