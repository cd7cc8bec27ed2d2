//! The command line as clap types. Their doc comments are the help, the man pages and the
//! completions; there is no logic here.

mod input;
pub(crate) mod pages;
pub(crate) mod tips;
mod values;

use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use clap::builder::{PossibleValuesParser, RangedU64ValueParser};
use clap::{Args, Parser, Subcommand, ValueEnum, ValueHint};
use clap_complete::Shell;
use promproc::exposition::Escaping;
use promproc::observe::{By, Sort};
use promproc::select::Selector;

pub(crate) use input::{Input, Select};
pub(crate) use values::{Codes, FailOn, PrunableModes};
use values::{CodesParser, duration, interval, one_of, permissions, pid, prunable_modes};

/// Decode, merge, explain, check, prune, compact and clean the multiprocess directories of the Prometheus Python client
///
/// Commands work on the directory given as PATH, or else on the one that the environment variable
/// PROMETHEUS_MULTIPROC_DIR names. Data goes to standard output, everything else to standard error.
/// The exit status is 0 (done), 1 (done, but something needs attention) or 2 (not done).
#[derive(Debug, Parser)]
#[command(
    name = "promproc",
    version,
    max_term_width = 100,
    after_long_help = pages::examples(None),
    subcommand_required = true,
    arg_required_else_help = true
)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub global: Global,
    #[command(subcommand)]
    pub command: Command,
}

const GLOBAL: &str = "Global options";

/// What applies to every command
#[derive(Debug, Args)]
pub(crate) struct Global {
    /// Print no warnings, hints or summaries, only data and errors
    #[arg(short, long, global = true, conflicts_with = "verbose", help_heading = GLOBAL)]
    pub quiet: bool,
    /// Say more about the work, on standard error
    #[arg(short, long, global = true, help_heading = GLOBAL)]
    pub verbose: bool,
    /// When to use colour
    #[arg(long, global = true, value_name = "WHEN", default_value = "auto", help_heading = GLOBAL)]
    pub color: ColorWhen,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum ColorWhen {
    /// On a terminal, unless NO_COLOR is set
    Auto,
    /// Always
    Always,
    /// Never
    Never,
}

/// The one list of commands, in the order of the help: hands to the macro `$use` each command's variant,
/// its name (and module), its arguments, and its page.
macro_rules! for_each_command {
    ($use:ident) => {
        $use! {
            Find find FindArgs FIND,
            Dump dump DumpArgs DUMP,
            Merge merge MergeArgs MERGE,
            Explain explain ExplainArgs EXPLAIN,
            Check check CheckArgs CHECK,
            Prune prune PruneArgs PRUNE,
            Compact compact CompactArgs COMPACT,
            Clean clean CleanArgs CLEAN,
            Top top TopArgs TOP,
            Completions completions CompletionsArgs COMPLETIONS,
            Man man ManArgs MAN,
        }
    };
}
pub(crate) use for_each_command;

macro_rules! declare_commands {
    ($($variant:ident $name:ident $args:ident $page:ident,)+) => {
        #[derive(Debug, Subcommand)]
        pub(crate) enum Command {
            $(
                #[command(after_long_help = pages::examples(Some(stringify!($name))))]
                $variant($args),
            )+
        }

        /// The names of the commands; clap types cannot ask for their own.
        const COMMANDS: &[&str] = &[$(stringify!($name)),+];
    };
}
for_each_command!(declare_commands);

/// What check prints.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum CheckFormat {
    Table,
    Json,
    Prometheus,
}

/// What many commands print.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    Table,
    Json,
}

/// Find the multiprocess directories that running processes use
///
/// Looks into the environments of all processes for PROMETHEUS_MULTIPROC_DIR, and at the metric files that
/// they have open, removed ones included. For each directory: its owner, how many metric files it has, how
/// many workers wrote them (live, dead or unknown), and the programs that use it. The directory of another
/// container is shown with a path through /proc/PID/root, which works with every command. Only root sees
/// the processes of all users. Linux only.
#[derive(Debug, Args)]
pub(crate) struct FindArgs {
    /// table: for people; json: JSON Lines, one object a directory
    #[arg(short, long, value_name = "FORMAT", default_value = "table")]
    pub format: Format,
}

/// Show what is in the files, entry by entry, without merging
///
/// For each file: which process wrote it, in which layout, and how much of it is used. For each entry:
/// its value, the time it was set (if the client stores one) and its byte offset. The files hold
/// each histogram bucket by itself; only merging cumulates them. If a file is damaged, the entries
/// before the damage are shown, and a warning names the file. The PATH - is one file from
/// standard input.
#[derive(Debug, Args)]
pub(crate) struct DumpArgs {
    #[command(flatten)]
    pub input: Input,
    /// table: for people; json: JSON Lines, one object per entry (with --files: per file)
    #[arg(short, long, value_name = "FORMAT", default_value = "table")]
    pub format: Format,
    /// Show one line per file instead of its entries
    #[arg(long)]
    pub files: bool,
    /// Add the help text of each entry to the table
    #[arg(long)]
    pub show_help: bool,
    #[command(flatten)]
    pub select: Select,
    /// Only files that no process has open for writing; with --live, these and those
    #[arg(long, help_heading = "Filters")]
    pub dead: bool,
    /// Only files that a process has open for writing
    #[arg(long, help_heading = "Filters")]
    pub live: bool,
}

impl DumpArgs {
    /// Whether files are chosen by their liveness.
    pub(crate) fn is_by_liveness(&self) -> bool {
        self.dead || self.live
    }
}

/// Merge all processes' files into one exposition, as the official client would
///
/// The output is byte for byte what the official Python client prints for the same files, read in
/// the byte order of their names. Files that cannot be read, and entries after damage, are left
/// out with a warning; everything else still counts. Several directories become one result.
#[derive(Debug, Args)]
pub(crate) struct MergeArgs {
    #[command(flatten)]
    pub input: Input,
    /// text: as prometheus_client's generate_latest; openmetrics: its OpenMetrics counterpart; json: as
    /// prom2json; table: for people
    #[arg(short, long, value_name = "FORMAT", default_value = "text")]
    pub format: MergeFormat,
    /// How names outside [a-zA-Z0-9_:] are written in text and openmetrics
    #[arg(long, value_name = "SCHEME", default_value = "underscores", value_parser = one_of(&Escaping::ALL, Escaping::as_str))]
    pub escaping: Escaping,
    /// Sort families by name and series by labels instead of keeping the client's order
    #[arg(long)]
    pub sort: bool,
    /// Print histogram buckets as stored, not cumulated, and no _count (accumulate=False)
    #[arg(long)]
    pub no_accumulate: bool,
    /// Stop with exit status 2, and no output, at the first damaged or unreadable file
    #[arg(long)]
    pub strict: bool,
    /// How many threads read the files; the output is the same [default: at most 4]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    pub threads: Option<u16>,
    /// Replace FILE with the output in one step
    ///
    /// Readers see the old file or the new one. FILE keeps its permissions and owner; a new file gets
    /// mode 0644. A link at FILE is refused. -, /dev/stdout, /dev/stderr and /dev/fd/N are written to,
    /// not replaced.
    #[arg(short, long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub output: Option<PathBuf>,
    #[command(flatten)]
    pub select: Select,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum MergeFormat {
    Text,
    Openmetrics,
    Json,
    Table,
}

/// Say why a series has its value: which process, which file, alive or dead
///
/// Shows each merged series that SELECTOR matches: its value, the rule that combines the values of
/// several processes, and every entry that was merged, with its process, whether that is alive and how
/// promproc knows, its file and offset, and which entry decides. Then follow the value without
/// dead processes and, if they make it wrong, the command that fixes it. A histogram is shown
/// with its distribution and estimated quantiles.
///
/// In the table, SHARE is the entry's part of a sum, LE the upper bound of a bucket, FATE what became
/// of a value that is not summed (decides; outdone by the one that does; never set), and SET how
/// long ago the client set it, if it says so. A dash means no value.
#[derive(Debug, Args)]
pub(crate) struct ExplainArgs {
    /// A PromQL instant selector, e.g. 'http_requests_total{method="GET",path=~"/api/.*"}'
    #[arg(value_name = "SELECTOR", value_parser = Selector::from_str)]
    pub selector: Selector,
    #[command(flatten)]
    pub input: Input,
    /// table: for people; json: JSON Lines, one object per series
    #[arg(short, long, value_name = "FORMAT", default_value = "table")]
    pub format: Format,
    /// Show every series, and every entry instead of the 20 that matter most
    #[arg(long)]
    pub all: bool,
    /// Show the buckets of a histogram process by process
    #[arg(long)]
    pub buckets: bool,
}

/// Find what is wrong with a directory, what it does to the numbers, and what fixes it
///
/// Looks for stuck gauges, conflicts between processes, damaged and foreign files, trouble with the
/// directory itself, and growth. Each finding has a stable code and, where a command fixes it, that
/// command. For a healthy service it prints one line. promproc-check(1) explains the codes.
#[derive(Debug, Args)]
pub(crate) struct CheckArgs {
    #[command(flatten)]
    pub input: Input,
    /// table: for people; json: one object with findings, summary and growth; prometheus: findings as metrics
    #[arg(short, long, value_name = "FORMAT", default_value = "table")]
    pub format: CheckFormat,
    /// Exit with 1 if there is a finding of at least this severity
    #[arg(long, value_name = "SEVERITY", default_value = "warning", value_parser = one_of(&FailOn::ALL, FailOn::as_str))]
    pub fail_on: FailOn,
    /// Leave out findings with this code, e.g. 'dead-*' (comma-separated, may be repeated)
    #[arg(long, value_name = "CODE", value_delimiter = ',', value_parser = CodesParser)]
    pub ignore: Vec<Codes>,
    /// Look twice, this far apart (500ms, 5s, 2m), and report counters that fell in between
    #[arg(long, value_name = "DURATION", value_parser = interval)]
    pub watch: Option<Duration>,
}

/// Remove the live gauges of dead processes, as mark_process_dead does for one
///
/// A file is removed only with evidence that no process writes to it any more; in doubt it stays.
/// With --pid you declare a process dead, and nothing is looked up: gunicorn's child_exit hook needs
/// that. Counters, histograms and summaries are never pruned: their sum would fall, and
/// Prometheus would see a reset.
#[derive(Debug, Args)]
pub(crate) struct PruneArgs {
    /// Directories [default: $PROMETHEUS_MULTIPROC_DIR]
    #[arg(value_name = "PATH", value_hint = ValueHint::DirPath)]
    pub paths: Vec<PathBuf>,
    /// Prune every directory below PATH as well
    #[arg(short, long)]
    pub recursive: bool,
    /// Do nothing, silently, where PATH does not exist
    #[arg(long)]
    pub if_exists: bool,
    /// Declare this process dead and remove its files without looking (comma-separated, may be repeated)
    ///
    /// For one directory: in another, the same id may be that of another container's process.
    #[arg(long, value_name = "PID", value_delimiter = ',', value_parser = pid)]
    pub pid: Vec<String>,
    /// Prune gauges of this mode instead of all live modes; live means all of these, e.g. live,all
    /// (comma-separated, may be repeated)
    #[arg(long, value_name = "MODE", value_delimiter = ',', value_parser = prunable_modes())]
    pub mode: Vec<PrunableModes>,
    /// Say what would be removed, but remove nothing
    #[arg(short = 'n', long)]
    pub dry_run: bool,
    /// Prune even if no process that writes to the directory can be seen
    #[arg(long)]
    pub force: bool,
    /// How long a file must be dead before it is removed, e.g. 500ms or 5s
    ///
    /// A hook that calls mark_process_dead fails if its file is gone; this leaves it time. prune waits only
    /// if there is something to remove, and never with --pid. Use 0 if nothing else removes files.
    #[arg(long, value_name = "DURATION", default_value = "2s", value_parser = duration)]
    pub settle: Duration,
    /// text: for people, one line per directory (-v: per file); json: JSON Lines, one object per removed file
    #[arg(short, long, value_name = "FORMAT", default_value = "text")]
    pub format: ListFormat,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum ListFormat {
    Text,
    Json,
}

/// Fold the files of dead processes into archives, without losing a count
///
/// Each worker that ever lived leaves files, and every scrape reads all of them. compact adds them up: counters,
/// histograms, summaries and gauges of modes sum, min, max and mostrecent. Live gauges of dead processes are removed,
/// as by prune. The archives are ordinary metric files, which every client version reads; each scrape
/// gives the same values as before. Only a lease proves a process dead, so run it as the service's user or as root,
/// on a file system of this machine.
///
/// For some milliseconds, while files change places, a barrier makes the Python client's scrapes fail: one scrape may
/// answer 500. promproc's own commands do not see that. A compaction that is interrupted, even by kill -9 or a full
/// disk, loses nothing; the next promproc that may write finishes or undoes it.
#[derive(Debug, Args)]
pub(crate) struct CompactArgs {
    /// Directories [default: $PROMETHEUS_MULTIPROC_DIR]
    #[arg(value_name = "PATH", value_hint = ValueHint::DirPath)]
    pub paths: Vec<PathBuf>,
    /// Compact every directory below PATH as well
    #[arg(short, long)]
    pub recursive: bool,
    /// Do nothing, silently, where PATH does not exist
    #[arg(long)]
    pub if_exists: bool,
    /// Fold only where at least this many files can be folded
    #[arg(long, value_name = "N", default_value_t = 2, value_parser = RangedU64ValueParser::<usize>::new().range(2..))]
    pub min_files: usize,
    /// How long to wait for a moment without scrapes, and for other compactions, e.g. 5s or 1m
    #[arg(long, value_name = "DURATION", default_value = "5s", value_parser = duration)]
    pub wait: Duration,
    /// Do not wait for a moment without scrapes
    ///
    /// For directories that are scraped all the time. One hazard is left: if a scrape has read all files but one, and
    /// within these milliseconds a new process with the same id makes that one anew, this scrape misses the old one's
    /// counts.
    #[arg(long)]
    pub unquiet: bool,
    /// Say what would be folded and removed, but change nothing
    #[arg(short = 'n', long)]
    pub dry_run: bool,
    /// text: for people, a line a directory; json: JSON Lines, one object a directory
    #[arg(short, long, value_name = "FORMAT", default_value = "text")]
    pub format: ListFormat,
}

/// Remove all metric files from a directory before the service starts
///
/// Creates the directory if it is missing. Removes only metric files and what promproc itself left
/// there; everything else stays. While a live process has one of the files open, nothing is
/// removed: that process would go on counting into a file that nobody can find.
#[derive(Debug, Args)]
pub(crate) struct CleanArgs {
    /// The directory [default: $PROMETHEUS_MULTIPROC_DIR]
    #[arg(value_name = "PATH", value_hint = ValueHint::DirPath)]
    pub path: Option<PathBuf>,
    /// Permissions for a directory that has to be created, in octal
    #[arg(long, value_name = "MODE", default_value = "0755", value_parser = permissions)]
    pub dir_mode: u32,
    /// Fail where the directory does not exist, instead of creating it
    #[arg(long)]
    pub no_create: bool,
    /// Do nothing, silently, where the directory does not exist, instead of creating it
    #[arg(long, conflicts_with = "no_create")]
    pub if_exists: bool,
    /// Remove files even if a live process has them open; what it counts from then on is lost
    #[arg(long, conflicts_with = "keep_live")]
    pub force: bool,
    /// Keep the files that a live process has open and remove the rest
    #[arg(long)]
    pub keep_live: bool,
    /// Say what would be removed, but remove nothing
    #[arg(short = 'n', long)]
    pub dry_run: bool,
    /// text: for people, one line, and with --verbose one a file; json: JSON Lines, one object a removed file
    #[arg(short, long, value_name = "FORMAT", default_value = "text")]
    pub format: ListFormat,
}

/// Watch the series, families and processes of a directory, live
///
/// Shows every series with its value, its change per second and a sparkline of the last rounds; also
/// every family or process, whether each process is alive, and which processes came and died. Press
/// ? for all keys and q to quit. A missing directory is waited for. Without a terminal, use --once
/// or --batch to print tables.
#[derive(Debug, Args)]
pub(crate) struct TopArgs {
    #[command(flatten)]
    pub input: Input,
    /// The time from one reading to the next, e.g. 500ms or 5s
    #[arg(short, long, value_name = "DURATION", default_value = "2s", value_parser = interval)]
    pub interval: Duration,
    /// What comes first: the fastest change (up or down), the greatest value, or the first name
    ///
    /// Until rates are known, the order is by name.
    #[arg(long, value_name = "KEY", default_value = "rate", value_parser = one_of(&Sort::ALL, Sort::as_str))]
    pub sort: Sort,
    /// Show one row per series, family or process
    ///
    /// The row of a process has what it counted: increments of counters, and observations of histograms
    /// and summaries. Choose among them with --name.
    #[arg(long, value_name = "ROW", default_value = "series", value_parser = one_of(&By::ALL, By::as_str))]
    pub by: By,
    /// Print one table, without rates, and exit
    #[arg(long, conflicts_with = "batch")]
    pub once: bool,
    /// What --once prints. table: for people; json: JSON Lines, one object a row
    #[arg(short, long, value_name = "FORMAT", default_value = "table")]
    pub format: Format,
    /// Print N rounds as tables and exit
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub batch: Option<u32>,
    #[command(flatten)]
    pub select: Select,
}

/// Print the completion script for a shell
///
/// The scripts for bash, zsh and fish also come with the source, in completions/.
#[derive(Debug, Args)]
pub(crate) struct CompletionsArgs {
    #[arg(value_name = "SHELL")]
    pub shell: Shell,
}

/// Print the manual page of promproc or of a command
///
/// The page is in roff, which man(1) shows: `promproc man merge | man -l -`.
#[derive(Debug, Args)]
pub(crate) struct ManArgs {
    /// A command of promproc; without it, the page is promproc(1)
    #[arg(value_name = "COMMAND", value_parser = PossibleValuesParser::new(COMMANDS))]
    pub command: Option<String>,
}
