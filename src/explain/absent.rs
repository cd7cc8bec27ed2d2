//! Why no series matches a selector: what can be the reason, and nothing that cannot.

use std::collections::BTreeSet;
use std::fmt;
use std::path::{Path, PathBuf};

use crate::directory::{FileId, InDirectory, Problem};
use crate::liveness::{Examined, FoundDirectory, Process, find};
use crate::merge::TracedSeries;
use crate::notation::{counted, go_string, some_of};
use crate::select::Selector;

/// A reason why a series may be missing. Displayed as one sentence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Absence {
    /// There are no metric files there.
    NoFiles(PathBuf),
    /// No entry of any file has the name.
    NeverCounted {
        /// What was asked for.
        name: Option<String>,
        /// How many files were read.
        files: usize,
        /// How many could not be read, or only in part.
        unread: usize,
        /// Where.
        directories: Vec<PathBuf>,
    },
    /// Prometheus adds that label when it scrapes.
    TargetLabel(String),
    /// No series of the name has that label.
    UnknownLabel {
        /// The label asked for.
        label: String,
        /// Those that there are.
        labels: BTreeSet<String>,
    },
    /// No series of the name has such a value of that label.
    UnknownValue {
        /// The label asked for.
        label: String,
        /// Those that there are.
        values: BTreeSet<String>,
    },
    /// Each value is there, but no series has all of them.
    NeverTogether,
    /// Sample names that are not written in this mode.
    Created,
    /// Metrics of that class are kept in memory.
    InMemory(&'static str),
    /// Metrics of collectors, of that prefix, are made at a scrape.
    Collector(&'static str),
    /// A series is written when it is used first.
    NotUsedYet,
    /// Processes that are to write to the directory, and have no file of it open.
    Idle(Vec<Process>),
    /// The variable may come too late.
    LateVariable,
}

impl fmt::Display for Absence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoFiles(path) => write!(
                f,
                "{} has no metric files: nothing was counted yet, or the service writes elsewhere (promproc find \
                 shows where)",
                path.display()
            ),
            Self::NeverCounted { name, files, unread, directories } => {
                let name = name.as_deref().unwrap_or("such a name");
                let directories = some_of(directories.iter().map(|path| path.to_string_lossy()));
                match (files, unread) {
                    (1, 0) => write!(f, "{name} was never counted in the only file of {directories}"),
                    (files, 0) => write!(f, "{name} was never counted in any of the {files} files of {directories}"),
                    (0, unread) => {
                        write!(f, "none of the {} of {directories} could be read in full", counted(*unread, "file"))
                    }
                    (files, unread) => write!(
                        f,
                        "{name} was not found in the {} of {directories} that could be read; {} could not, or only in \
                         part",
                        counted(*files, "file"),
                        counted(*unread, "file"),
                    ),
                }
            }
            Self::TargetLabel(label) => {
                write!(f, "Prometheus adds the label {label} when it scrapes; no file has it: leave it out")
            }
            Self::UnknownLabel { label, labels } if labels.is_empty() => {
                write!(f, "no such series has the label {label}: there are no labels")
            }
            Self::UnknownLabel { label, labels } => {
                write!(f, "no such series has the label {label}: the labels are {}", some_of(labels))
            }
            Self::UnknownValue { label, values } => {
                let values = values.iter().map(|value| format!("{value:?}"));
                write!(f, "the values of {label} are {}", some_of(values))
            }
            Self::NeverTogether => {
                f.write_str("each of these labels was used, but never all together: a series is written when it is used")
            }
            Self::Created => f.write_str("the client writes no _created samples in multiprocess mode"),
            Self::InMemory(class) => {
                write!(f, "the client keeps {class} metrics in memory: in multiprocess mode they reach no file")
            }
            Self::Collector(prefix) => write!(
                f,
                "{prefix}* metrics come from the client's collectors, which multiprocess mode leaves out"
            ),
            Self::NotUsedYet => f.write_str(
                "a metric with labels is written when .labels() is first called; Info, Enum and custom collectors \
                 reach no file",
            ),
            Self::Idle(processes) => {
                let count = counted(processes.len(), "process");
                let shown = some_of(processes.iter().map(|process| format!("pid {process}")));
                let have = if processes.len() == 1 { "has" } else { "have" };
                write!(
                    f,
                    "{count} {have} PROMETHEUS_MULTIPROC_DIR set to this directory and none of its files open: {shown}"
                )
            }
            Self::LateVariable => f.write_str(
                "a process that imports prometheus_client before PROMETHEUS_MULTIPROC_DIR is set counts in memory",
            ),
        }
    }
}

/// Why none of all these series matches.
pub(super) fn absences(
    selector: &Selector,
    all: &[TracedSeries],
    files: &[Examined],
    problems: &[Problem],
    paths: &[PathBuf],
) -> Vec<Absence> {
    let mut found = Vec::new();
    if files.is_empty() {
        found.extend(paths.iter().take(1).cloned().map(Absence::NoFiles));
        found.extend(of_processes(paths));
        return found;
    }
    let named: Vec<_> = all.iter().filter(|series| has_name(selector, series)).collect();
    if !named.is_empty() {
        found.extend(of_labels(selector, &named));
        return found;
    }
    let directories: BTreeSet<_> = files.iter().map(|file| file.file.directory().path().to_owned()).collect();
    let is_unread = |file: &&Examined| problems.iter().any(|problem| problem.path == file.file.path());
    let unread: Vec<_> = files.iter().filter(is_unread).collect();
    found.push(Absence::NeverCounted {
        name: selector.name().map(str::to_owned),
        files: files.len() - unread.len().min(files.len()),
        unread: unread.len(),
        directories: directories.into_iter().collect(),
    });
    let by_name = selector.name().and_then(|name| of_name(name, selector));
    match by_name {
        // That is all there is to say.
        Some(reason) => found.push(reason),
        None => {
            found.push(Absence::NotUsedYet);
            found.extend(of_processes(paths));
        }
    }
    found
}

/// Whether a selector could mean a series, whatever its labels.
fn has_name(selector: &Selector, series: &TracedSeries) -> bool {
    let count = format!("{}_count", series.family);
    let names = [&*series.sample, series.family.as_str()];
    let count = (!series.buckets.is_empty()).then_some(count.as_str());
    names.into_iter().chain(count).any(|name| selector.allows("__name__", name))
}

/// What a name says by itself.
fn of_name(name: &str, selector: &Selector) -> Option<Absence> {
    if name.ends_with("_created") {
        return Some(Absence::Created);
    }
    if name.ends_with("_info") {
        return Some(Absence::InMemory("Info"));
    }
    // An Enum has its state in a label that is called as the metric is.
    if selector.labels().any(|label| label == name) {
        return Some(Absence::InMemory("Enum"));
    }
    ["process_", "python_"].into_iter().find(|prefix| name.starts_with(prefix)).map(Absence::Collector)
}

/// Which labels keep series of the right name from being matched.
fn of_labels(selector: &Selector, named: &[&TracedSeries]) -> Vec<Absence> {
    const SHOWN: usize = 3;
    let mut found = Vec::new();
    for label in selector.labels() {
        let values: BTreeSet<String> = named.iter().flat_map(|series| values(series, label)).collect();
        if values.iter().any(|value| selector.allows(label, value)) {
            continue;
        }
        let is_unknown = values.iter().all(String::is_empty);
        let reason = if is_unknown && matches!(label, "job" | "instance") {
            Absence::TargetLabel(label.to_owned())
        } else if is_unknown {
            let labels =
                named.iter().flat_map(|series| series.labels.iter().map(|(name, _)| name.to_owned()));
            Absence::UnknownLabel { label: label.to_owned(), labels: labels.collect() }
        } else {
            Absence::UnknownValue { label: label.to_owned(), values }
        };
        if !found.contains(&reason) {
            found.push(reason);
        }
    }
    if found.is_empty() {
        found.push(Absence::NeverTogether);
    }
    found.truncate(SHOWN);
    found
}

/// The values that a label has in the lines of a series; to Prometheus, one that is not there is empty.
fn values(series: &TracedSeries, label: &str) -> Vec<String> {
    if label == "le" && !series.buckets.is_empty() {
        return series.buckets.iter().map(|(bound, _)| go_string(*bound)).collect();
    }
    vec![series.labels.get(label).unwrap_or_default().to_owned()]
}

/// What processes say that should write there.
fn of_processes(paths: &[PathBuf]) -> Vec<Absence> {
    let wanted: Vec<_> = paths.iter().filter_map(|path| id_of(path)).collect();
    let found = find().unwrap_or_default();
    let its =
        found.directories.iter().filter(|found| id_of(&found.path).is_some_and(|id| wanted.contains(&id)));
    let mut idle: Vec<_> = its.flat_map(idle).collect();
    idle.sort_unstable_by_key(|process| process.pid);
    let idle = (!idle.is_empty()).then_some(Absence::Idle(idle));
    idle.into_iter().chain([Absence::LateVariable]).collect()
}

/// Python processes whose environment names a directory, and which do not write there; a server's master,
/// which has its workers do so, is none of them.
fn idle(directory: &FoundDirectory) -> Vec<Process> {
    let writes = |pid: u32| {
        directory.users.iter().any(|user| {
            (user.process.pid == pid || user.parent == Some(pid)) && user.open_files + user.removed_files > 0
        })
    };
    let idle = directory.users.iter().filter(|user| user.in_environment && user.is_python);
    idle.filter(|user| !writes(user.process.pid)).map(|user| user.process.clone()).collect()
}

fn id_of(path: &Path) -> Option<FileId> {
    std::fs::metadata(path).ok().filter(std::fs::Metadata::is_dir).map(|metadata| FileId::of(&metadata))
}
