//! One file per subcommand: options → library → [`Outcome`].

pub(crate) mod check;
pub(crate) mod clean;
pub(crate) mod compact;
pub(crate) mod completions;
pub(crate) mod dump;
pub(crate) mod explain;
pub(crate) mod find;
pub(crate) mod man;
pub(crate) mod merge;
pub(crate) mod prune;
mod removed;
pub(crate) mod top;

use std::collections::BTreeMap;
use std::env;
use std::io;
use std::path::{Path, PathBuf};

use anyhow::anyhow;
use promproc::directory::{DirectoryError, Problem};
use promproc::liveness::Process;
use promproc::merge::Collision;
use promproc::select::{Pattern, Selection, Unmatched};

use crate::cli::{Input, Select};
use crate::console::Console;

/// How a command that did its work ended; `main` makes the exit status of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Outcome {
    /// All is well: 0.
    Done,
    /// Done, but something was left out or found that a person should see: 1.
    NeedsAttention,
}

/// An error and what to do about it, from the command that knows; `main` prints the hint on a line
/// of its own.
#[derive(Debug, thiserror::Error)]
#[error("{error:#}")]
pub(crate) struct Hinted {
    error: anyhow::Error,
    /// Lines that stand between the two, made printable.
    pub(crate) details: String,
    pub(crate) hint: String,
}

impl Hinted {
    pub(crate) fn wrap(error: impl Into<anyhow::Error>, hint: impl Into<String>) -> anyhow::Error {
        Self::with_details(error, String::new(), hint)
    }

    pub(crate) fn with_details(
        error: impl Into<anyhow::Error>,
        details: String,
        hint: impl Into<String>,
    ) -> anyhow::Error {
        Self { error: error.into(), details, hint: hint.into() }.into()
    }
}

/// What could not be done to single files; it does not keep the others from being done.
#[derive(Debug, Default)]
pub(crate) struct Failures {
    last: Option<anyhow::Error>,
}

impl Failures {
    /// Notes one more; the one before it is said.
    pub(crate) fn note(&mut self, failure: anyhow::Error, console: &Console) {
        if let Some(before) = self.last.replace(failure) {
            console.error(format_args!("{before:#}"));
        }
    }

    /// The last one, for `main` to say; the outcome if there is none.
    pub(crate) fn into_result(self, outcome: Outcome) -> anyhow::Result<Outcome> {
        self.last.map_or(Ok(outcome), Err)
    }
}

const DIRECTORY_VARIABLE: &str = "PROMETHEUS_MULTIPROC_DIR";
const DEPRECATED_VARIABLE: &str = "prometheus_multiproc_dir";

/// The paths to work on: those given, else the directory that the client's environment variable names.
pub(crate) fn paths_or_environment(paths: &[PathBuf], console: &Console) -> anyhow::Result<Vec<PathBuf>> {
    if !paths.is_empty() {
        return Ok(paths.to_vec());
    }
    // The client looks at the old name only where the new one is not set, even to nothing.
    let variable = [DIRECTORY_VARIABLE, DEPRECATED_VARIABLE]
        .into_iter()
        .find_map(|name| Some((name, env::var_os(name)?)));
    match variable {
        Some((name, value)) if value.is_empty() => Err(Hinted::wrap(
            anyhow!(
                "no PATH given, and {name} is set, but empty: the client takes that for the directory that a process \
                 runs in"
            ),
            "name the directory, or set the variable to the one that the service has",
        )),
        Some((name, value)) => {
            if name == DEPRECATED_VARIABLE {
                console.warning(format_args!(
                    "the variable {DEPRECATED_VARIABLE} is deprecated, set {DIRECTORY_VARIABLE} instead"
                ));
            }
            Ok(vec![PathBuf::from(value)])
        }
        None => Err(Hinted::wrap(
            anyhow!("no PATH given and {DIRECTORY_VARIABLE} is not set"),
            format!(
                "name the directory (promproc find shows those in use), or set {DIRECTORY_VARIABLE} to the one that \
                 the service has"
            ),
        )),
    }
}

/// As [`paths_or_environment`], for the commands that take one directory.
pub(crate) fn directory_or_environment(path: Option<&Path>, console: &Console) -> anyhow::Result<PathBuf> {
    let given: Vec<_> = path.map(Path::to_owned).into_iter().collect();
    Ok(paths_or_environment(&given, console)?.swap_remove(0))
}

/// What a reading command works on; nothing where, with `--if-exists`, nothing is there.
pub(crate) fn input_paths(input: &Input, console: &Console) -> anyhow::Result<Option<Vec<PathBuf>>> {
    let paths = existing(paths_or_environment(&input.paths, console)?, input.if_exists);
    Ok(Some(paths).filter(|paths| !paths.is_empty()))
}

/// The paths; with `--if-exists` those that exist.
pub(crate) fn existing(mut paths: Vec<PathBuf>, if_exists: bool) -> Vec<PathBuf> {
    // What cannot be seen is for the command to say.
    paths.retain(|path| !if_exists || path.try_exists().unwrap_or(true));
    paths
}

/// A path that cannot be worked on, and what to do about it.
pub(crate) fn hinted(error: DirectoryError) -> anyhow::Error {
    let hint = match &error {
        DirectoryError::Missing(_) => {
            format!(
                "the client does not create it; the service has {DIRECTORY_VARIABLE} set to the one it uses"
            )
        }
        DirectoryError::Io { source, .. } if source.kind() == io::ErrorKind::PermissionDenied => {
            "run promproc as the user that the service runs as".to_owned()
        }
        DirectoryError::OnlyBelow { .. } => {
            "give -r to take every directory below it, or name one of them".to_owned()
        }
        DirectoryError::Link { .. } => "name the directory that it leads to, if that is the one".to_owned(),
        DirectoryError::Io { source, .. } if source.kind() == io::ErrorKind::NotADirectory => {
            "this command works on a whole directory".to_owned()
        }
        _ => return error.into(),
    };
    Hinted::wrap(error, hint)
}

/// The filters of the command line as the library has them.
pub(crate) fn selection(select: &Select) -> Selection {
    let mut selection = Selection::default();
    selection.files.types.clone_from(&select.metric_type);
    selection.files.modes.clone_from(&select.mode);
    selection.files.pids.clone_from(&select.pid);
    selection.series.names = select.name.iter().map(|name| Pattern::new(name)).collect();
    selection.series.labels.clone_from(&select.label);
    selection.series.kept.clone_from(&select.kept);
    selection.series.dropped.clone_from(&select.dropped);
    selection
}

/// Says the command lines of processes, for `--verbose` alone: they may hold secrets.
pub(crate) fn say_command_lines<'p>(processes: impl IntoIterator<Item = &'p Process>, console: &Console) {
    if !console.is_verbose() {
        return;
    }
    let by_pid: BTreeMap<u32, &Process> =
        processes.into_iter().map(|process| (process.pid, process)).collect();
    for process in by_pid.values() {
        if let Some(line) = process.command_line() {
            console.info(format_args!("pid {}: {line}", process.pid));
        }
    }
}

/// Warns of everything that was left out; that needs a person's attention.
pub(crate) fn report(problems: &[Problem], console: &Console) -> Outcome {
    for problem in problems {
        console.warning(problem);
    }
    if problems.is_empty() { Outcome::Done } else { Outcome::NeedsAttention }
}

/// Says which conditions matched nothing; that needs a person's attention.
pub(crate) fn say_unmatched(unmatched: &[Unmatched], console: &Console) -> Outcome {
    for one in unmatched {
        console.warning(one);
        if let Some(hint) = &one.hint {
            console.hint(hint);
        }
    }
    if unmatched.is_empty() { Outcome::Done } else { Outcome::NeedsAttention }
}

/// Says what is lost because several directories have the same series; that needs a person's attention.
pub(crate) fn say_collisions<'c>(
    collisions: impl IntoIterator<Item = &'c Collision>,
    console: &Console,
) -> Outcome {
    let collisions: Vec<_> = collisions.into_iter().collect();
    let Some(first) = collisions.first() else {
        return Outcome::Done;
    };
    let lost: usize = collisions.iter().map(|collision| collision.lost).sum();
    let more = if lost > 1 { format!(" (and {} more series)", lost - 1) } else { String::new() };
    console.warning(format_args!("{first}{more}"));
    console.hint("equal pids in different containers: --directory-label NAME tells their series apart");
    Outcome::NeedsAttention
}
