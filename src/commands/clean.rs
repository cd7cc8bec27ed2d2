//! `promproc clean`: a directory without metric files, before the service starts.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::Path;

use anyhow::anyhow;
use promproc::directory::{DirectoryError, InDirectory, Place};
use promproc::liveness::{Evidence, Examined, Liveness, Process, RemovedFiles, name_holders, removed_files};
use promproc::maintain::clean::{Found, contents, contents_of};
use promproc::maintain::{Intent, Removal, open_or_create, remove, remove_regardless};
use promproc::notation::{counted, printable};

use crate::cli::CleanArgs;
use crate::commands::{Failures, Hinted, Outcome, directory_or_environment, hinted, say_command_lines};
use crate::console::{Console, date};

pub(crate) fn run(args: &CleanArgs, console: &Console) -> anyhow::Result<Outcome> {
    let directory = directory_or_environment(args.path.as_deref(), console)?;
    let mut lines = Vec::new();
    let outcome = clean(&directory, args, &mut lines, console);
    // What was removed is told also when the rest failed, and all is removed even if nobody reads on.
    let mut out = console.data();
    out.write_all(&lines)?;
    out.flush()?;
    outcome
}

fn clean(
    directory: &Path,
    args: &CleanArgs,
    lines: &mut Vec<u8>,
    console: &Console,
) -> anyhow::Result<Outcome> {
    let shown = directory.to_string_lossy();
    let shown = printable(&shown);
    let Found { files, others } = if args.no_create || args.dry_run {
        let intent = if args.dry_run { Intent::DryRun } else { Intent::Change };
        match contents(directory, intent) {
            Err(DirectoryError::Missing(_)) if !args.no_create => {
                writeln!(lines, "would create {shown}")?;
                return Ok(Outcome::Done);
            }
            found => found.map_err(hinted)?,
        }
    } else {
        let (opened, is_created) = open_or_create(directory, args.dir_mode).map_err(hinted)?;
        if is_created {
            writeln!(lines, "created {shown}")?;
        }
        contents_of(&opened).map_err(hinted)?
    };
    let (dead, mut kept): (Vec<_>, Vec<_>) =
        files.into_iter().partition(|file| args.force || file.liveness() == Liveness::Dead);
    if !kept.is_empty() && !args.keep_live {
        name_holders(kept.iter_mut());
        let evidence = kept.iter().filter_map(|file| file.evidence.as_ref());
        say_command_lines(evidence.flat_map(Evidence::processes), console);
        return Err(refused(directory, &kept, dead.len() + kept.len()));
    }
    let mut count = 0;
    let mut failed = Failures::default();
    for file in &dead {
        if args.dry_run {
            let (path, evidence) = (file.file.path(), file.reason());
            writeln!(lines, "would remove {}: {}", printable(&path.to_string_lossy()), printable(&evidence))?;
            continue;
        }
        let removal = if args.force { remove_regardless(&file.file) } else { remove(file) };
        let failure = match removal {
            Ok(Removal::Removed) => {
                count += 1;
                console.info(format_args!("removed {}: {}", file.file.path().display(), file.reason()));
                continue;
            }
            Ok(Removal::Gone) => continue,
            Ok(Removal::Changed) if args.keep_live => continue,
            Ok(Removal::Changed) => anyhow!("a process opened it meanwhile, or another file took its name"),
            Err(error) => error.into(),
        };
        failed.note(failure.context(format!("{}: cannot be removed", file.file.path().display())), console);
    }
    if count > 0 {
        writeln!(lines, "removed {} from {shown}", counted(count, "file"))?;
    }
    for other in &others {
        console.warning(format_args!("{}: left: {}", other.path.display(), other.what));
    }
    for RemovedFiles { process, names, .. } in removed_files([directory]) {
        console.warning(format_args!(
            "{}: pid {process} goes on writing into {} removed before: what it counts there is lost",
            directory.display(),
            counted(names.len(), "file")
        ));
    }
    let (live, unknown): (Vec<_>, Vec<_>) =
        kept.into_iter().partition(|file| file.liveness() == Liveness::Live);
    if !live.is_empty() {
        writeln!(lines, "kept {} that live processes have open", counted(live.len(), "file"))?;
    }
    for file in &unknown {
        console.warning(format_args!("{}: kept: {}", file.file.path().display(), file.reason()));
    }
    failed.into_result(if unknown.is_empty() { Outcome::Done } else { Outcome::NeedsAttention })
}

/// Why nothing is removed from a directory of so many files, of which `kept` may be in use.
fn refused(directory: &Path, kept: &[Examined<Place>], all: usize) -> anyhow::Error {
    let (live, unknown): (Vec<_>, Vec<_>) = kept.iter().partition(|file| file.liveness() == Liveness::Live);
    let directory = directory.display();
    let (reason, first_step) = match (live.len(), unknown.first()) {
        (0, Some(example)) => (
            format!(
                "{} of {all} may be in use ({}: {})",
                counted(unknown.len(), "file"),
                example.file.path().display(),
                example.reason()
            ),
            "run promproc as the user that owns the files",
        ),
        (count, _) => (
            format!("{} of {all} in use: {}", counted(count, "file"), holders(&live)),
            "stop the service first: what it counts after its files are gone is lost",
        ),
    };
    Hinted::wrap(
        anyhow!("{directory}: nothing removed: {reason}"),
        format!("{first_step}; --keep-live removes the other files; --force removes all the same"),
    )
}

/// The processes that have the files open, in order of their numbers.
fn holders(live: &[&Examined<Place>]) -> String {
    const SHOWN: usize = 8;
    let mut by_pid: BTreeMap<u32, (&Process, usize)> = BTreeMap::new();
    let mut unseen = 0;
    for file in live {
        match &file.evidence {
            Some(Evidence::OpenIn(processes)) if !processes.is_empty() => {
                for process in processes {
                    by_pid.entry(process.pid).or_insert((process, 0)).1 += 1;
                }
            }
            _ => unseen += 1,
        }
    }
    let mut texts: Vec<_> = by_pid
        .values()
        .take(SHOWN)
        .map(|(process, count)| {
            let since = date::date(process.started).unwrap_or_default();
            format!("pid {process} since {since} has {count} of them open")
        })
        .collect();
    if by_pid.len() > SHOWN {
        texts.push(format!("{} more processes", by_pid.len() - SHOWN));
    }
    if unseen > 0 {
        texts.push(format!(
            "{} open in processes that cannot be seen from here (in another container, or of another user)",
            counted(unseen, "file")
        ));
    }
    texts.join(", ")
}
