//! `promproc clean`: a directory without metric files, before the service starts.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;

use anyhow::anyhow;
use promproc::directory::{DirectoryError, InDirectory, Place};
use promproc::liveness::{Evidence, Examined, Liveness, Process, RemovedFiles, name_holders, removed_files};
use promproc::maintain::clean::{Found, Other, contents, contents_of};
use promproc::maintain::{Intent, Removal, open_or_create, remove, remove_regardless};
use promproc::notation::counted;

use crate::cli::CleanArgs;
use crate::commands::removed::{Removed, warn_kept};
use crate::commands::{Hinted, Outcome, directory_or_environment, existing, hinted, say_command_lines};
use crate::console::table::{Column, NOTHING, Table, View};
use crate::console::{Console, date};

pub(crate) fn run(args: &CleanArgs, console: &Console) -> anyhow::Result<Outcome> {
    let directory = directory_or_environment(args.path.as_deref(), console)?;
    if existing(vec![directory.clone()], args.if_exists).is_empty() {
        return Ok(Outcome::Done);
    }
    let mut removed = Removed::new(args.format, args.dry_run, console);
    let outcome = clean(&directory, args, &mut removed, console);
    removed.print(outcome)
}

fn clean(
    directory: &Path,
    args: &CleanArgs,
    removed: &mut Removed<'_>,
    console: &Console,
) -> anyhow::Result<Outcome> {
    let shown = directory.to_string_lossy();
    let creates = !args.no_create && !args.if_exists;
    let Found { files, others, lock: _until_the_end } = if !creates || args.dry_run {
        let intent = if args.dry_run { Intent::DryRun } else { Intent::Change };
        match contents(directory, intent) {
            Err(DirectoryError::Missing(_)) if creates => {
                removed.say(format_args!("would create {shown}"))?;
                return Ok(Outcome::Done);
            }
            found => found.map_err(hinted)?,
        }
    } else {
        let (opened, is_created) = open_or_create(directory, args.dir_mode).map_err(hinted)?;
        if is_created {
            removed.say(format_args!("created {shown}"))?;
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
    for file in &dead {
        removed.file(&file.file, file.reason(), || {
            let removal = if args.force { remove_regardless(&file.file) } else { remove(file) };
            match removal {
                Ok(Removal::Changed) if !args.keep_live => {
                    Err(io::Error::other("a process opened it meanwhile, or another file took its name"))
                }
                removal => removal,
            }
        })?;
    }
    removed.end_directory(directory, |_| String::new())?;
    warn_others(directory, &others, console);
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
        removed.say(format_args!("kept {} that live processes have open", counted(live.len(), "file")))?;
    }
    match unknown.as_slice() {
        [] => return Ok(Outcome::Done),
        [first, more @ ..] if !more.is_empty() && !console.is_verbose() => console.warning(format_args!(
            "{}: kept {} that may have a writer, e.g. {}: {}",
            directory.display(),
            counted(more.len() + 1, "file"),
            first.file.file_name(),
            first.reason()
        )),
        unknown => unknown.iter().for_each(|file| {
            console.warning(format_args!("{}: kept: {}", file.file.path().display(), file.reason()))
        }),
    }
    Ok(Outcome::NeedsAttention)
}

/// Warns of what is none of ours, each kind in one line.
fn warn_others(directory: &Path, others: &[Other], console: &Console) {
    let mut kinds: BTreeMap<&str, Vec<&Other>> = BTreeMap::new();
    others.iter().for_each(|other| kinds.entry(other.what).or_default().push(other));
    for (what, others) in kinds {
        let names = others.iter().filter_map(|other| Some(other.path.file_name()?.to_string_lossy()));
        let plural = match what {
            "a directory" => "directories",
            "a link" => "links",
            "not a regular file" => "not regular files",
            _ => "not metric files",
        };
        warn_kept(directory, names, |count| if count == 1 { what } else { plural }.to_owned(), console);
    }
}

/// Why nothing is removed from a directory of so many files, of which `kept` may be in use.
fn refused(directory: &Path, kept: &[Examined<Place>], all: usize) -> anyhow::Error {
    let (live, unknown): (Vec<_>, Vec<_>) = kept.iter().partition(|file| file.liveness() == Liveness::Live);
    let directory = directory.display();
    let (reason, details, first_step) = match (live.len(), unknown.first()) {
        (0, Some(example)) => (
            format!(
                "{} of {all} may be in use ({}: {})",
                counted(unknown.len(), "file"),
                example.file.path().display(),
                example.reason()
            ),
            String::new(),
            "run promproc as the user that owns the files",
        ),
        (count, _) => (
            format!("{} of {all} in use", counted(count, "file")),
            holders(&live),
            "stop the service first: what it counts after its files are gone is lost",
        ),
    };
    Hinted::with_details(
        anyhow!("{directory}: nothing removed: {reason}"),
        details,
        format!("{first_step}; --keep-live removes the other files; --force removes them, too"),
    )
}

const HOLDER_COLUMNS: &[Column] =
    &[Column::number("PID"), Column::number("FILES"), Column::text("STARTED"), Column::text("PROGRAM")];

/// The processes that have the files open, in order of their numbers, as a table.
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
    let mut table = Table::new(HOLDER_COLUMNS);
    let mut row = |cells: [&str; 4]| cells.into_iter().for_each(|cell| table.cell(cell));
    for (process, count) in by_pid.values().take(SHOWN) {
        let started = date::date(process.started).unwrap_or_else(|| NOTHING.to_owned());
        row([&process.pid.to_string(), &count.to_string(), &started, &process.name]);
    }
    if by_pid.len() > SHOWN {
        row([NOTHING, NOTHING, NOTHING, &format!("and {} more", counted(by_pid.len() - SHOWN, "process"))]);
    }
    if unseen > 0 {
        let unseen = unseen.to_string();
        row([NOTHING, &unseen, NOTHING, "not seen from here: in another container, or of another user"]);
    }
    let mut text = Vec::new();
    // Writing to memory does not fail.
    let _ = table.write(&View::default(), &mut text);
    String::from_utf8_lossy(&text).lines().map(|line| format!("  {line}\n")).collect()
}
