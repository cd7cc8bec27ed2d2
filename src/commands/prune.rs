//! `promproc prune`: the gauges of dead processes go.

use std::path::PathBuf;
use std::thread;

use anyhow::anyhow;
use promproc::directory::{DirectoryError, InDirectory, Place, scan_all};
use promproc::liveness::Examined;
use promproc::maintain::prune::{Gauges, gauges, gauges_below, gauges_of};
use promproc::maintain::{Intent, remove, remove_regardless};
use promproc::model::GaugeMode;
use promproc::notation::{counted, some_of, with_causes};

use crate::cli::{PrunableModes, PruneArgs};
use crate::commands::removed::{Removed, warn_kept};
use crate::commands::{Hinted, Outcome, existing, hinted, paths_or_environment};
use crate::console::Console;

pub(crate) fn run(args: &PruneArgs, console: &Console) -> anyhow::Result<Outcome> {
    let paths = paths_or_environment(&args.paths, console)?;
    if !args.pid.is_empty() && (args.recursive || paths.len() > 1) {
        return Err(Hinted::wrap(
            anyhow!(
                "--pid is for one directory: in another, perhaps another container's, the same id may be alive"
            ),
            "give one PATH, without --recursive",
        ));
    }
    let paths = existing(paths, args.if_exists);
    let asked = if args.mode.is_empty() { &[PrunableModes::Live][..] } else { &args.mode };
    let is_asked = |mode: &GaugeMode| asked.iter().any(|modes| modes.has(*mode));
    let modes: Vec<_> = GaugeMode::ALL.into_iter().filter(is_asked).collect();
    let mut removed = Removed::new(args.format, args.dry_run, console);
    let outcome = if args.pid.is_empty() {
        dead_processes(&paths, &modes, args, &mut removed, console)
    } else {
        named_processes(&paths, &modes, args, &mut removed)
    };
    removed.print(outcome)
}

fn intent(args: &PruneArgs) -> Intent {
    if args.dry_run { Intent::DryRun } else { Intent::Change }
}

/// The files of every process that is found dead.
fn dead_processes(
    paths: &[PathBuf],
    modes: &[GaugeMode],
    args: &PruneArgs,
    removed: &mut Removed<'_>,
    console: &Console,
) -> anyhow::Result<Outcome> {
    let mut outcome = Outcome::Done;
    let mut found = Vec::new();
    for path in paths {
        let its = if args.recursive {
            gauges_below(path, modes, intent(args))
        } else {
            gauges(path, modes, intent(args)).map(|gauges| (vec![gauges], Vec::new()))
        };
        match its {
            Ok((its, left_out)) => {
                let has_gauges =
                    |one: &Gauges| !(one.dead.is_empty() && one.live.is_empty() && one.unknown.is_empty());
                if !args.recursive
                    && !its.iter().any(has_gauges)
                    && let Err(DirectoryError::OnlyBelow { path, below }) =
                        scan_all(std::slice::from_ref(path), false)
                {
                    console.hint(format_args!(
                        "{}: no metric files here, but in directories below it, e.g. {}: -r prunes them",
                        path.display(),
                        below.display()
                    ));
                }
                found.extend(its);
                for problem in left_out {
                    console.warning(with_causes(&problem));
                    outcome = Outcome::NeedsAttention;
                }
            }
            Err(error) => removed.failed.note(hinted(error), console),
        }
    }
    if args.force {
        found.iter_mut().for_each(Gauges::take_for_dead);
    }
    found.retain(|gauges| {
        let refused = gauges.out_of_sight().next().filter(|_| gauges.dead.is_empty());
        if let Some(example) = refused {
            removed.failed.note(out_of_sight(gauges, example), console);
        }
        refused.is_none()
    });
    if !args.dry_run && found.iter().any(|gauges| !gauges.dead.is_empty()) {
        // What is still dead after that is asked for its lease once more when it is removed.
        thread::sleep(args.settle);
    }
    let mut has_unknown = false;
    for gauges in &found {
        for file in &gauges.dead {
            removed.file(&file.file, file.reason(), || remove(file))?;
        }
        removed.end_directory(&gauges.directory, |pids| match pids.len() {
            1 => " of 1 dead process".to_owned(),
            pids => format!(" of {pids} dead processes"),
        })?;
        has_unknown |= !gauges.unknown.is_empty();
        warn_unknown(gauges, console);
        // Another run at this moment has files on their way out as well.
        let is_left = |leftover: &&Place| !args.dry_run && leftover.exists() && !leftover.may_be_at_work();
        let leftovers: Vec<_> = gauges.leftovers.iter().filter(is_left).collect();
        if !leftovers.is_empty() {
            let names = leftovers.iter().map(|leftover| leftover.file_name().into());
            warn_kept(&gauges.directory, names, |_| "an earlier run left it".to_owned(), console);
            outcome = Outcome::NeedsAttention;
        }
    }
    if has_unknown {
        outcome = Outcome::NeedsAttention;
        console.hint(
            "run promproc as the user that owns the files, who may ask for a lease on them; or give the \
             process with --pid if you know that it is dead",
        );
    }
    Ok(outcome)
}

/// Warns of the files of which it cannot be told whether they can go.
fn warn_unknown(gauges: &Gauges, console: &Console) {
    match gauges.unknown.as_slice() {
        [] => {}
        [first, more @ ..] if !more.is_empty() && !console.is_verbose() => console.warning(format_args!(
            "{}: kept {} that may have a writer, e.g. {}: {}",
            gauges.directory.display(),
            counted(more.len() + 1, "file"),
            first.file.file_name(),
            first.reason()
        )),
        unknown => unknown.iter().for_each(|file| {
            console.warning(format_args!("{}: kept: {}", file.file.path().display(), file.reason()))
        }),
    }
}

/// The files of the processes that the caller knows to be dead.
fn named_processes(
    paths: &[PathBuf],
    modes: &[GaugeMode],
    args: &PruneArgs,
    removed: &mut Removed<'_>,
) -> anyhow::Result<Outcome> {
    const EVIDENCE: &str = "declared dead with --pid";
    for path in paths {
        for pid in &args.pid {
            for file in gauges_of(path, pid, modes, intent(args)).map_err(hinted)? {
                removed.file(&file, EVIDENCE, || remove_regardless(&file))?;
            }
        }
        removed.end_directory(path, |pids| {
            let s = if pids.len() == 1 { "" } else { "s" };
            format!(" of pid{s} {}, {EVIDENCE},", some_of(pids))
        })?;
    }
    Ok(Outcome::Done)
}

/// Why nothing is pruned where a file's process may be in another pid namespace, and no file's is known to be dead.
fn out_of_sight(gauges: &Gauges, example: &Examined) -> anyhow::Error {
    Hinted::wrap(
        anyhow!(
            "{}: nothing pruned: {}: {}",
            gauges.directory.display(),
            example.file.path().display(),
            example.reason()
        ),
        "run promproc as the user that the service runs as (runAsUser in a pod), who gets leases on its files, or \
         in its pid namespace (shareProcessNamespace: true); --force takes these processes for dead; where the \
         service is stopped, use promproc clean --force",
    )
}
