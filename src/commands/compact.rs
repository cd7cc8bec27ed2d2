//! `promproc compact`: dead processes' files become archives.

use std::io::Write;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::anyhow;
use promproc::maintain::Intent;
use promproc::maintain::compact::{
    CompactError, Left, Opened, Options, Report, compact, compact_dry, open_all,
};
use promproc::notation::{counted, printable, with_causes};
use serde::Serialize;
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};

use crate::cli::{CompactArgs, ListFormat};
use crate::commands::{Failures, Hinted, Outcome, existing, hinted, paths_or_environment};
use crate::console::Console;
use crate::console::json_lines::write_line;

/// How long a dead process's `live*` gauges stay: a `mark_process_dead` that is under way finds them.
const SETTLE: Duration = Duration::from_secs(2);

/// The JSON line of a directory.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct CompactedLine {
    /// Its path.
    pub directory: String,
    /// Whether it was done; with `--dry-run` it is not.
    pub done: bool,
    /// How many files of processes were folded.
    pub files: usize,
    /// How many processes these files were of.
    pub processes: usize,
    /// How many older archives were folded.
    pub old_archives: usize,
    /// The new archives.
    pub archives: Vec<String>,
    /// How many entries were folded.
    pub entries_before: usize,
    /// How many entries the archives have.
    pub entries_after: usize,
    /// By how many bytes the lengths of all files shrank together.
    pub freed_apparent_bytes: i64,
    /// How many bytes of the disk, or of memory, are free again.
    pub freed_allocated_bytes: i64,
    /// How many inodes are free again.
    pub freed_inodes: i64,
    /// The longest time for which Python's scrapes failed.
    pub barrier_seconds: f64,
    /// The `live*` gauges of dead processes that were removed.
    pub removed: Vec<String>,
    /// What was left, by reason.
    pub left: Vec<LeftLine>,
    /// What went wrong.
    pub errors: Vec<String>,
    /// Whether it was stopped by a signal.
    pub interrupted: bool,
}

/// Files that were left for one reason.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct LeftLine {
    /// The reason, one sentence.
    pub reason: &'static str,
    /// The files.
    pub files: Vec<String>,
}

pub(crate) fn run(args: &CompactArgs, console: &Console) -> anyhow::Result<Outcome> {
    let paths = existing(paths_or_environment(&args.paths, console)?, args.if_exists);
    let CompactArgs { min_files, wait, unquiet: is_unquiet, .. } = *args;
    let options = Options { min_files, wait, is_unquiet, settle: SETTLE };
    let stopped = Arc::new(AtomicBool::new(false));
    for signal in [SIGINT, SIGTERM, SIGHUP] {
        signal_hook::flag::register(signal, Arc::clone(&stopped))?;
    }
    let mut failed = Failures::default();
    let mut outcome = Outcome::Done;
    for path in paths {
        let intent = if args.dry_run { Intent::DryRun } else { Intent::Change };
        let opened = match open_all(&path, args.recursive, intent) {
            Ok((opened, left_out)) => {
                for problem in &left_out {
                    console.warning(with_causes(problem));
                    outcome = Outcome::NeedsAttention;
                }
                opened
            }
            Err(error) => {
                failed.note(hinted(error), console);
                continue;
            }
        };
        for opened in opened {
            if stopped.load(Ordering::Relaxed) {
                outcome = Outcome::NeedsAttention;
                break;
            }
            let is_stopped = || stopped.load(Ordering::Relaxed);
            let done = done(opened, args, &options, &is_stopped);
            match done {
                Ok(report) => outcome = outcome.max(say(&report, args, console)?),
                Err(error) => failed.note(hinted_compact(error), console),
            }
        }
    }
    failed.into_result(outcome)
}

fn done(
    opened: Opened,
    args: &CompactArgs,
    options: &Options,
    is_stopped: &dyn Fn() -> bool,
) -> Result<Report, CompactError> {
    if args.dry_run { compact_dry(opened, options) } else { compact(opened, options, is_stopped) }
}

/// Prints what was done in a directory.
fn say(report: &Report, args: &CompactArgs, console: &Console) -> anyhow::Result<Outcome> {
    let mut out = console.data();
    match args.format {
        ListFormat::Json => {
            let mut text = Vec::new();
            write_line(&line(report, args.dry_run), &mut text)?;
            out.write_all(&text)?;
        }
        ListFormat::Text if console.is_quiet() && !args.dry_run => {}
        ListFormat::Text => {
            for line in text(report, args.dry_run) {
                writeln!(out, "{}", printable(&line))?;
            }
        }
    }
    out.flush()?;
    for problem in &report.problems {
        console.warning(problem);
    }
    let shown = report.directory.display();
    for (left, files) in &report.left {
        let files = counted(files.len(), "file");
        if *left == Left::Damaged {
        } else if left.needs_attention() {
            console.warning(format_args!("{shown}: left {files}: {}", left.reason()));
        } else if console.is_verbose() {
            console.info(format_args!("{shown}: left {files}: {}", left.reason()));
        }
    }
    for error in &report.errors {
        console.warning(with_causes(error));
    }
    if report.is_interrupted {
        console.warning(format_args!("{shown}: stopped by a signal; what was folded until then stays"));
    }
    let needs_attention = report.is_interrupted
        || !report.problems.is_empty()
        || !report.errors.is_empty()
        || report.left.keys().any(|left| left.needs_attention());
    Ok(if needs_attention { Outcome::NeedsAttention } else { Outcome::Done })
}

fn text(report: &Report, is_dry_run: bool) -> Vec<String> {
    let shown = report.directory.to_string_lossy();
    let mut lines = Vec::new();
    if report.files + report.old_archives > 0 {
        let mut sources = Vec::new();
        if report.files > 0 {
            let processes = counted(report.processes.len(), "dead process");
            sources.push(format!("{} of {processes}", counted(report.files, "file")));
        }
        if report.old_archives > 0 {
            sources.push(counted(report.old_archives, "older archive"));
        }
        let (sources, archives) = (sources.join(" and "), counted(report.archives.len(), "archive"));
        lines.push(if is_dry_run {
            format!("would fold {sources} into {archives} in {shown}")
        } else {
            format!(
                "folded {sources} into {archives} in {shown}: {} into {}, {} and {} freed; barrier up for {}",
                counted(report.entries_before, "entry"),
                report.entries_after,
                bytes(report.allocated_bytes),
                inodes(report.inodes),
                millis(report.barrier),
            )
        });
    }
    if !report.removed.is_empty() {
        let verb = if is_dry_run { "would remove" } else { "removed" };
        let files = counted(report.removed.len(), "live gauge file");
        lines.push(format!("{verb} {files} of dead processes from {shown}"));
    }
    lines
}

fn inodes(count: i64) -> String {
    if count == 1 { "1 inode".to_owned() } else { format!("{count} inodes") }
}

/// As people read sizes: 1536 is `1.5 KiB`.
fn bytes(count: i64) -> String {
    const UNITS: [&str; 5] = ["B", "KiB", "MiB", "GiB", "TiB"];
    #[expect(clippy::cast_precision_loss, reason = "one digit after the point is shown")]
    let mut value = count as f64;
    let mut unit = 0;
    while value.abs() >= 1024.0 && unit + 1 < UNITS.len() {
        value /= 1024.0;
        unit += 1;
    }
    if unit == 0 { format!("{count} B") } else { format!("{value:.1} {}", UNITS[unit]) }
}

fn millis(time: Duration) -> String {
    format!("{:.1} ms", time.as_secs_f64() * 1000.0)
}

fn line(report: &Report, is_dry_run: bool) -> CompactedLine {
    let path = |path: &Path| path.to_string_lossy().into_owned();
    let paths = |paths: &[std::path::PathBuf]| paths.iter().map(|one| path(one)).collect();
    CompactedLine {
        directory: path(&report.directory),
        done: !is_dry_run,
        files: report.files,
        processes: report.processes.len(),
        old_archives: report.old_archives,
        archives: paths(&report.archives),
        entries_before: report.entries_before,
        entries_after: report.entries_after,
        freed_apparent_bytes: report.apparent_bytes,
        freed_allocated_bytes: report.allocated_bytes,
        freed_inodes: report.inodes,
        barrier_seconds: report.barrier.as_secs_f64(),
        removed: paths(&report.removed),
        left: report
            .left
            .iter()
            .map(|(left, files)| LeftLine { reason: left.reason(), files: paths(files) })
            .collect(),
        errors: report.errors.iter().map(|error| with_causes(error).to_string()).collect(),
        interrupted: report.is_interrupted,
    }
}

fn hinted_compact(error: CompactError) -> anyhow::Error {
    let hint = match error {
        CompactError::Directory(error) => return hinted(error),
        CompactError::NoLeases { .. } => {
            "run promproc as the user that owns the files, or as root, on the machine that writes them and not over a \
             network file system"
        }
        CompactError::NoWatch { .. } => {
            "perhaps the user has no inotify instance left (fs.inotify.max_user_instances)"
        }
        CompactError::NotQuiet { .. } => "give --wait a longer time, or --unquiet where scrapes never pause",
        CompactError::Locked { .. } => "another compaction is at work, or a reader stands still; try again",
        CompactError::NoSpace { .. } => "make room, or remove files of dead processes that nobody needs",
        CompactError::Unfinished { .. } => "run it again, as the user that owns the files",
        _ => return anyhow!(error),
    };
    Hinted::wrap(error, hint)
}
