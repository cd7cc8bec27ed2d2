//! The command line as clap types. Their doc comments are the help, the man pages and the
//! completions; there is no logic here.

pub(crate) mod pages;
mod tips;
mod values;

use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use clap::builder::PossibleValuesParser;
use clap::{Args, Parser, Subcommand, ValueEnum, ValueHint};
use clap_complete::Shell;
use promproc::check::{Code, Severity};
use promproc::exposition::Escaping;
use promproc::model::{GaugeMode, MetricType};
use promproc::observe::{By, Sort};
use promproc::select::Selector;

pub(crate) use tips::with_tip;
use values::{duration, interval, label, one_of, permissions, pid, prunable_modes};

/// Decode, merge, explain, check, prune and clean the multiprocess directories of the Prometheus Python client
///
/// Commands work on the directory given as PATH, else on the one that the environment variable
/// PROMETHEUS_MULTIPROC_DIR names. Data goes to standard output, everything else to standard error.
/// Exit status: 0, done; 1, done, but something needs attention; 2, not done.
#[derive(Debug, Parser)]
#[command(
    name = "promproc",
    version,
    max_term_width = 100,
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
    /// Print no warnings, only errors
    #[arg(short, long, global = true, conflicts_with = "verbose", help_heading = GLOBAL)]
    pub quiet: bool,
    /// Say more about what is done, on standard error
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
            $($variant($args),)+
        }

        /// The names of the commands; clap types cannot ask for their own.
        const COMMANDS: &[&str] = &[$(stringify!($name)),+];
    };
}
for_each_command!(declare_commands);

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
/// Every file is decoded as it is: who wrote it, in which layout, how much of it is used, and each
/// entry with its value, the time it was set (where the client stores one) and its byte offset.
/// Values of histogram buckets are those of one bucket, as the file has them: merging cumulates
/// them. Entries before a damage are shown, and the damage is named.
#[derive(Debug, Args)]
pub(crate) struct DumpArgs {
    #[command(flatten)]
    pub input: Input,
    /// table: for people; json: JSON Lines, one object an entry (or a file, with --files)
    #[arg(short, long, value_name = "FORMAT", default_value = "table")]
    pub format: Format,
    /// Show one line a file instead of its entries
    #[arg(long)]
    pub files: bool,
    /// Show the help text of each entry in the table
    #[arg(long)]
    pub show_help: bool,
    #[command(flatten)]
    pub select: Select,
}

/// Merge all processes' files into one exposition, as the official client would
///
/// The output is byte for byte that of the official Python client over the same files in the byte
/// order of their names. Files that cannot be read, and what stands behind a damage, are left out
/// with a warning; the others still count. Several directories become one result.
#[derive(Debug, Args)]
pub(crate) struct MergeArgs {
    #[command(flatten)]
    pub input: Input,
    /// text: what prometheus_client's generate_latest prints; openmetrics: its OpenMetrics
    /// counterpart; json: the layout of prom2json; table: for people
    #[arg(short, long, value_name = "FORMAT", default_value = "text")]
    pub format: MergeFormat,
    /// How names outside [a-zA-Z0-9_:] are written in text and openmetrics
    #[arg(long, value_name = "SCHEME", default_value = "underscores", value_parser = one_of(&Escaping::ALL, Escaping::as_str))]
    pub escaping: Escaping,
    /// Sort families by name and series by labels instead of keeping the client's order
    #[arg(long)]
    pub sort: bool,
    /// Leave histogram buckets as stored, per bucket, and print no _count (accumulate=False)
    #[arg(long)]
    pub no_accumulate: bool,
    /// Stop with exit status 2, and no output, at the first damaged or unreadable file
    #[arg(long)]
    pub strict: bool,
    /// How many threads read the files; the output is the same [default: at most 4]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    pub threads: Option<u16>,
    /// Replace FILE by the output in one step; readers see the old or the new file. Its permissions and
    /// owner stay; a new one gets mode 0644. A link at FILE is refused. -, /dev/stdout, /dev/stderr
    /// and /dev/fd/N are written to as they are open
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
/// For each merged series that SELECTOR matches: its value, the rule by which processes' values
/// become one, and every entry that was merged, with its process, whether that is alive and how one
/// knows, its file and offset, and which entry decides. Then the value without dead processes and,
/// where these make it wrong, the command that mends it. A histogram is shown with its distribution
/// and estimated quantiles.
///
/// In the table, SHARE is the part of a sum, LE the upper bound of a bucket, FATE what became of a
/// value that is not summed (decides; outdone by the one that does; never set), and SET how long ago
/// the client set it, where it says so. A dash stands for what there is not.
#[derive(Debug, Args)]
pub(crate) struct ExplainArgs {
    /// A PromQL instant selector, e.g. 'http_requests_total{method="GET",path=~"/api/.*"}'
    #[arg(value_name = "SELECTOR", value_parser = Selector::from_str)]
    pub selector: Selector,
    #[command(flatten)]
    pub input: Input,
    /// table: for people; json: JSON Lines, one object a series
    #[arg(short, long, value_name = "FORMAT", default_value = "table")]
    pub format: Format,
    /// Show every entry instead of the 20 that matter most
    #[arg(long)]
    pub all: bool,
    /// Show the buckets of a histogram by process
    #[arg(long)]
    pub buckets: bool,
}

/// Find what is wrong with a directory, what it does to the numbers, and what mends it
///
/// Looks for stuck gauges, conflicts between processes, damaged and foreign files, trouble with the
/// directory itself, and growth. Each finding has a stable code, and the command that mends it
/// where one does. On a healthy service one line is printed. The codes are in promproc-check(1).
#[derive(Debug, Args)]
pub(crate) struct CheckArgs {
    #[command(flatten)]
    pub input: Input,
    /// table: for people; json: one object with findings, summary and growth
    #[arg(short, long, value_name = "FORMAT", default_value = "table")]
    pub format: Format,
    /// Exit with 1 if there is a finding of this severity or a worse one
    #[arg(long, value_name = "SEVERITY", default_value = "warning", value_parser = one_of(&Severity::ALL, Severity::as_str))]
    pub fail_on: Severity,
    /// Leave out findings of this code (may be repeated)
    #[arg(long, value_name = "CODE", value_parser = one_of(Code::ALL, Code::as_str))]
    pub ignore: Vec<Code>,
    /// Look twice, so far apart (500ms, 5s, 2m), and report counters that fell meanwhile
    #[arg(long, value_name = "DURATION", value_parser = interval)]
    pub watch: Option<Duration>,
}

/// Remove the live gauges of dead processes, as mark_process_dead does for one
///
/// A file goes only where there is evidence that no process writes to it any more; where it cannot
/// be told, the file stays. With --pid the caller knows that the process is dead, and nothing is
/// looked up: that is what gunicorn's child_exit hook needs. Counters, histograms and summaries
/// are never pruned, because their sum would fall and Prometheus would see a reset.
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
    /// This process is dead, the caller knows it: remove its files without looking (may be repeated). For one
    /// directory: in another, the same id may be that of another container's process
    #[arg(long, value_name = "PID", value_parser = pid)]
    pub pid: Vec<String>,
    /// Prune gauges of this mode instead of all live modes (may be repeated)
    #[arg(long, value_name = "MODE", value_parser = prunable_modes())]
    pub mode: Vec<GaugeMode>,
    /// Say what would be removed and remove nothing
    #[arg(short = 'n', long)]
    pub dry_run: bool,
    /// Prune even where no process can be seen that writes to the directory
    #[arg(long)]
    pub force: bool,
    /// How long a file must have been seen dead before it goes, e.g. 500ms or 5s: a hook that calls
    /// mark_process_dead fails where it finds its file gone. Waits only if there is something to remove; 0
    /// where nobody else removes. With --pid, nothing is waited for
    #[arg(long, value_name = "DURATION", default_value = "2s", value_parser = duration)]
    pub settle: Duration,
    /// text: for people, one line a directory, and with --verbose one a file; json: JSON Lines, one object a
    /// removed file
    #[arg(short, long, value_name = "FORMAT", default_value = "text")]
    pub format: ListFormat,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum ListFormat {
    Text,
    Json,
}

/// Remove all metric files from a directory before the service starts
///
/// Creates the directory where it is missing. Only metric files and what promproc itself left
/// behind are removed; everything else stays. While a live process has one of the files open
/// nothing is removed, because that process would go on counting into a file that nobody can find.
#[derive(Debug, Args)]
pub(crate) struct CleanArgs {
    /// The directory [default: $PROMETHEUS_MULTIPROC_DIR]
    #[arg(value_name = "PATH", value_hint = ValueHint::DirPath)]
    pub path: Option<PathBuf>,
    /// Permissions of the directory, in octal, where it has to be created
    #[arg(long, value_name = "MODE", default_value = "0755", value_parser = permissions)]
    pub dir_mode: u32,
    /// Fail where the directory does not exist, instead of creating it
    #[arg(long)]
    pub no_create: bool,
    /// Do nothing, silently, where the directory does not exist, instead of creating it
    #[arg(long, conflicts_with = "no_create")]
    pub if_exists: bool,
    /// Remove files even if a live process has them open: what it counts from then on is lost
    #[arg(long, conflicts_with = "keep_live")]
    pub force: bool,
    /// Keep the files that a live process has open and remove the rest
    #[arg(long)]
    pub keep_live: bool,
    /// Say what would be removed and remove nothing
    #[arg(short = 'n', long)]
    pub dry_run: bool,
    /// text: for people, one line, and with --verbose one a file; json: JSON Lines, one object a removed file
    #[arg(short, long, value_name = "FORMAT", default_value = "text")]
    pub format: ListFormat,
}

/// Watch the series, families and processes of a directory, live
///
/// Every series with its value, its change per second and a sparkline of the last rounds; per
/// family or per process, too, with the liveness of each process, and who came and who died. The
/// key ? shows all keys; q quits. A directory that is not there may still come, and may come back.
/// Without a terminal, --once and --batch print tables.
#[derive(Debug, Args)]
pub(crate) struct TopArgs {
    #[command(flatten)]
    pub input: Input,
    /// The time from one reading to the next, e.g. 500ms or 5s
    #[arg(short, long, value_name = "DURATION", default_value = "2s", value_parser = interval)]
    pub interval: Duration,
    /// What comes first: the fastest change (up or down), the greatest value, or the first name.
    /// Where no rate is known yet, the order is by name
    #[arg(long, value_name = "KEY", default_value = "rate", value_parser = one_of(&Sort::ALL, Sort::as_str))]
    pub sort: Sort,
    /// One row a series, family or process. A process's row has what it counted: increments of
    /// counters, and observations of histograms and summaries; --name chooses what of that
    #[arg(long, value_name = "ROW", default_value = "series", value_parser = one_of(&By::ALL, By::as_str))]
    pub by: By,
    /// Print one table, without rates, and end
    #[arg(long, conflicts_with = "batch")]
    pub once: bool,
    /// What --once prints. table: for people; json: JSON Lines, one object a row
    #[arg(short, long, value_name = "FORMAT", default_value = "table")]
    pub format: Format,
    /// Print N rounds as tables, and end
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub batch: Option<u32>,
    #[command(flatten)]
    pub select: Select,
}

/// Print the completion script of a shell
///
/// The scripts of bash, zsh and fish also come with the source, in completions/.
#[derive(Debug, Args)]
pub(crate) struct CompletionsArgs {
    #[arg(value_name = "SHELL")]
    pub shell: Shell,
}

/// Print the manual page of promproc or of a command
///
/// The page is written in roff, for man(1) to show: `promproc man merge | man -l -`.
#[derive(Debug, Args)]
pub(crate) struct ManArgs {
    /// A command of promproc; without it, promproc(1)
    #[arg(value_name = "COMMAND", value_parser = PossibleValuesParser::new(COMMANDS))]
    pub command: Option<String>,
}

/// What to read
#[derive(Debug, Args)]
pub(crate) struct Input {
    /// Directories and metric files; several are merged [default: $PROMETHEUS_MULTIPROC_DIR]
    #[arg(value_name = "PATH", value_hint = ValueHint::AnyPath)]
    pub paths: Vec<PathBuf>,
    /// Take every directory below PATH as well
    #[arg(short, long)]
    pub recursive: bool,
    /// Do nothing, silently, where PATH does not exist
    #[arg(long)]
    pub if_exists: bool,
}

/// Which entries to take
#[derive(Debug, Args)]
#[command(next_help_heading = "Filters")]
pub(crate) struct Select {
    /// Only this family or sample name; * and ? match any characters and any one (may be repeated)
    #[arg(long, value_name = "NAME")]
    pub name: Vec<String>,
    /// Only files of this metric type (may be repeated)
    #[arg(long = "type", value_name = "TYPE", value_parser = one_of(&MetricType::ALL, MetricType::as_str))]
    pub metric_type: Vec<MetricType>,
    /// Only gauges of this mode, e.g. livesum (may be repeated)
    #[arg(long, value_name = "MODE", value_parser = one_of(&GaugeMode::ALL, GaugeMode::as_str))]
    pub mode: Vec<GaugeMode>,
    /// Only files of this process (may be repeated)
    #[arg(long, value_name = "PID")]
    pub pid: Vec<String>,
    /// Only series with this label, as it is stored (may be repeated: all must hold). The label pid,
    /// which merging adds to gauges, is none: see --pid
    #[arg(long, value_name = "NAME=VALUE", value_parser = label)]
    pub label: Vec<(String, String)>,
}
