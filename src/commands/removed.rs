//! What `prune` and `clean` have removed, as it is printed: a line a directory, with `--verbose` a line a file
//! before it, or JSON Lines, one object a file.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Display;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use promproc::directory::{InDirectory, user_to_be};
use promproc::format::MetricFileName;
use promproc::maintain::Removal;
use promproc::notation::{counted, printable};
use serde::Serialize;

use crate::cli::ListFormat;
use crate::commands::{Failures, Hinted, Outcome};
use crate::console::Console;
use crate::console::json_lines::write_line;

/// The JSON line of a file.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct RemovedLine<'a> {
    /// The file's path.
    pub file: &'a str,
    /// The metric type that its name says; null of what promproc itself left behind.
    #[serde(rename = "type")]
    pub metric_type: Option<&'a str>,
    /// The gauge mode, as its name spells it; null where the type is not gauge.
    pub mode: Option<&'a str>,
    /// The last part of its name: mostly a process id, but any string; null as `type` is.
    pub pid: Option<&'a str>,
    /// Why nobody writes to it any more, one sentence.
    pub evidence: &'a str,
    /// Whether it was removed; with `--dry-run` it is not.
    pub removed: bool,
}

/// What was removed, as it will be printed.
pub(crate) struct Removed<'a> {
    console: &'a Console,
    format: ListFormat,
    is_dry_run: bool,
    lines: Vec<u8>,
    /// Of the directory at hand.
    count: usize,
    pids: BTreeSet<String>,
    /// What could not be removed from it.
    refused: Vec<(PathBuf, io::Error)>,
    pub(crate) failed: Failures,
}

impl<'a> Removed<'a> {
    pub(crate) fn new(format: ListFormat, is_dry_run: bool, console: &'a Console) -> Self {
        let failed = Failures::default();
        let (lines, pids, refused) = (Vec::new(), BTreeSet::new(), Vec::new());
        Self { console, format, is_dry_run, lines, count: 0, pids, refused, failed }
    }

    /// Removes a file with `act`, unless nothing is to be removed, and notes it.
    pub(crate) fn file(
        &mut self,
        file: &impl InDirectory,
        evidence: impl Display,
        act: impl FnOnce() -> io::Result<Removal>,
    ) -> io::Result<()> {
        let path = file.path();
        if !self.is_dry_run {
            match act() {
                Ok(Removal::Removed) => {}
                Ok(Removal::Gone | Removal::Changed) => return Ok(()),
                Err(error) => {
                    self.refused.push((path, error));
                    return Ok(());
                }
            }
        }
        self.count += 1;
        let name = file.file_name().parse::<MetricFileName>().ok();
        self.pids.extend(name.as_ref().map(|name| name.pid().to_owned()));
        let (shown, evidence) = (path.to_string_lossy(), evidence.to_string());
        match self.format {
            ListFormat::Text if !self.console.is_verbose() => {}
            ListFormat::Text => {
                let verb = self.verb();
                writeln!(self.lines, "{verb} {}: {}", printable(&shown), printable(&evidence))?;
            }
            ListFormat::Json => {
                let mut line = Vec::new();
                let line_of_file = RemovedLine {
                    file: &shown,
                    metric_type: name.as_ref().map(|name| name.metric_type.as_str()),
                    mode: name.as_ref().and_then(|name| name.mode.map(|_| name.mode_name())),
                    pid: name.as_ref().map(MetricFileName::pid),
                    evidence: &evidence,
                    removed: !self.is_dry_run,
                };
                write_line(&line_of_file, &mut line)?;
                self.lines.append(&mut line);
            }
        }
        Ok(())
    }

    /// Ends a directory: says in a line how many files went, and `whose` they were, given the ids in their names.
    pub(crate) fn end_directory(
        &mut self,
        directory: &Path,
        whose: impl FnOnce(&BTreeSet<String>) -> String,
    ) -> io::Result<()> {
        self.say_refused(directory);
        let count = std::mem::take(&mut self.count);
        let pids = std::mem::take(&mut self.pids);
        if count > 0 {
            let (verb, files) = (self.verb(), counted(count, "file"));
            let directory = directory.to_string_lossy();
            self.say(format_args!("{verb} {files}{} from {directory}", whose(&pids)))?;
        }
        Ok(())
    }

    /// Says what could not be removed: files that the system refused for one reason in one line.
    fn say_refused(&mut self, directory: &Path) {
        let mut by_reason: BTreeMap<String, Vec<(PathBuf, io::Error)>> = BTreeMap::new();
        for (path, error) in std::mem::take(&mut self.refused) {
            by_reason.entry(error.to_string()).or_default().push((path, error));
        }
        for mut refused in by_reason.into_values() {
            while self.console.is_verbose() && refused.len() > 1 {
                let (path, error) = refused.remove(0);
                let what = format!("{}: cannot be removed", path.display());
                self.failed.note(anyhow::Error::from(error).context(what), self.console);
            }
            let count = refused.len();
            let Some((path, error)) = refused.pop() else { continue };
            let kind = error.kind();
            let what = match count {
                1 => format!("{}: cannot be removed", path.display()),
                count => format!(
                    "{}: {} cannot be removed, e.g. {}",
                    directory.display(),
                    counted(count, "file"),
                    path.file_name().unwrap_or_default().to_string_lossy()
                ),
            };
            let failure = anyhow::Error::from(error).context(what);
            let hint = match kind {
                io::ErrorKind::PermissionDenied => match owner_of(directory) {
                    Some(owner) => format!("run it with sudo -u {owner}, as the directory's owner"),
                    None => "run it as the user that the service runs as".to_owned(),
                },
                io::ErrorKind::ReadOnlyFilesystem => {
                    "the directory is mounted read-only here: run it where it is not".to_owned()
                }
                _ => {
                    self.failed.note(failure, self.console);
                    continue;
                }
            };
            self.failed.note(Hinted::wrap(failure, hint), self.console);
        }
    }

    /// Says something in a line of text; with `--quiet` only what would be done.
    pub(crate) fn say(&mut self, line: impl Display) -> io::Result<()> {
        if self.format == ListFormat::Text && (self.is_dry_run || !self.console.is_quiet()) {
            writeln!(self.lines, "{}", printable(&line.to_string()))?;
        }
        Ok(())
    }

    /// Prints all of it: also when the rest failed. The outcome, or the last failure.
    pub(crate) fn print(self, outcome: anyhow::Result<Outcome>) -> anyhow::Result<Outcome> {
        let mut out = self.console.data();
        out.write_all(&self.lines)?;
        out.flush()?;
        self.failed.into_result(outcome?)
    }

    fn verb(&self) -> &'static str {
        if self.is_dry_run { "would remove" } else { "removed" }
    }
}

/// Whose a directory is, if another user's.
fn owner_of(directory: &Path) -> Option<String> {
    use std::os::unix::fs::MetadataExt;

    user_to_be(std::fs::metadata(directory).ok()?.uid())
}

/// Warns of what stays for the same reason: in one line, or with `--verbose` in one each.
pub(crate) fn warn_kept<'t>(
    directory: &Path,
    names: impl IntoIterator<Item = Cow<'t, str>>,
    why: impl Fn(usize) -> String,
    console: &Console,
) {
    let names: Vec<_> = names.into_iter().collect();
    let shown = directory.display();
    if names.is_empty() {
    } else if console.is_verbose() {
        names.iter().for_each(|name| console.warning(format_args!("{shown}: kept {name}: {}", why(1))));
    } else {
        let some = promproc::notation::some_of(&names);
        console.warning(format_args!("{shown}: kept {some}: {}", why(names.len())));
    }
}
