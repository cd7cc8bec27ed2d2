//! What is asked of a compaction, and what it says.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::PathBuf;
use std::time::Duration;

use super::survey::{Left, Survey, Surveyed};
use crate::directory::{DirectoryError, InDirectory, Problem};

/// The steps of a compaction, in their order; the last two only where something went wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Begin to watch who lists and reads.
    Watch,
    /// Take leases on the sources.
    Lease,
    /// Write the fold.
    Fold,
    /// Wait until no scrape is under way.
    Quiet,
    /// Lock out promproc's readers and other compactions.
    Lock,
    /// Make Python's scrapes fail.
    BarrierUp,
    /// Rename the sources.
    Aside,
    /// Rename the fold to the archive.
    Commit,
    /// Let Python's scrapes succeed.
    BarrierDown,
    /// Wait for who looked a source's name up before it went aside; then remove the sources.
    Grace,
    /// Undo what was committed.
    TakeBack,
    /// Finish or undo what an interrupted compaction left.
    Recover,
}

impl Step {
    /// All steps.
    pub const ALL: [Self; 12] = [
        Self::Watch,
        Self::Lease,
        Self::Fold,
        Self::Quiet,
        Self::Lock,
        Self::BarrierUp,
        Self::Aside,
        Self::Commit,
        Self::BarrierDown,
        Self::Grace,
        Self::TakeBack,
        Self::Recover,
    ];
}

/// What is to be done.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// Fold only where at least so many files can be; at least 2.
    pub min_files: usize,
    /// How long to wait for a quiet moment, and for the lock.
    pub wait: Duration,
    /// Whether to do without the quiet moment.
    pub is_unquiet: bool,
    /// How far apart the two leases on a `live*` gauge are before it is removed.
    pub settle: Duration,
}

/// Why nothing, or not all, was compacted.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CompactError {
    /// The directory cannot be worked on.
    #[error(transparent)]
    Directory(#[from] DirectoryError),
    /// There is no lease to be had on any file, so nothing is proven dead.
    #[error("{}: nothing compacted: no file can be proven dead: {reason}", path.display())]
    NoLeases {
        /// The directory.
        path: PathBuf,
        /// What is known of the first file instead.
        reason: String,
    },
    /// The directory cannot be watched.
    #[error("{}: nothing compacted: the directory cannot be watched", path.display())]
    NoWatch {
        /// The directory.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Scrapes were under way all the time.
    #[error("{}: no quiet moment within {}", path.display(), humantime::format_duration(*waited))]
    NotQuiet {
        /// The directory.
        path: PathBuf,
        /// How long it was waited for.
        waited: Duration,
    },
    /// Others had the lock all the time.
    #[error("{}: locked by another process for {}", path.display(), humantime::format_duration(*waited))]
    Locked {
        /// The directory.
        path: PathBuf,
        /// How long it was waited for.
        waited: Duration,
    },
    /// There is no room for the smallest archive.
    #[error("{}: no room for an archive: {missing_bytes} bytes are missing", path.display())]
    NoSpace {
        /// The directory.
        path: PathBuf,
        /// How many bytes.
        missing_bytes: u64,
    },
    /// What an interrupted compaction left can neither be finished nor undone now.
    #[error("{}: an interrupted compaction cannot be finished now: {} is left", path.display(), name)]
    Unfinished {
        /// The directory.
        path: PathBuf,
        /// One of its files.
        name: String,
    },
    /// A step failed; what had been done was undone.
    #[error("{}: compaction failed ({step:?})", path.display())]
    Io {
        /// The directory.
        path: PathBuf,
        /// The step.
        step: Step,
        /// What the system said.
        source: io::Error,
    },
}

/// What was done, or would be.
#[derive(Debug, Default)]
pub struct Report {
    /// The directory.
    pub directory: PathBuf,
    /// How many files were folded: of processes, not archives.
    pub files: usize,
    /// The processes whose files these were, as their names have them.
    pub processes: BTreeSet<String>,
    /// How many older archives were folded.
    pub old_archives: usize,
    /// The archives that stand now.
    pub archives: Vec<PathBuf>,
    /// How many entries were folded.
    pub entries_before: usize,
    /// How many entries the archives have.
    pub entries_after: usize,
    /// What the files that went had as their lengths, without what the archives have.
    pub apparent_bytes: i64,
    /// The same of what they occupied.
    pub allocated_bytes: i64,
    /// How many files there are fewer.
    pub inodes: i64,
    /// The longest time that the barrier was up.
    pub barrier: Duration,
    /// The `live*` gauges of dead processes that were removed.
    pub removed: Vec<PathBuf>,
    /// What was left, and why.
    pub left: BTreeMap<Left, Vec<PathBuf>>,
    /// What is damaged.
    pub problems: Vec<Problem>,
    /// What could not be done.
    pub errors: Vec<CompactError>,
    /// The steps that were taken, in their order.
    pub steps: Vec<Step>,
    /// Whether it ended because it was told to.
    pub is_interrupted: bool,
}

impl Report {
    /// Counts a source. An archive that this run made does not count as one.
    pub(super) fn take(&mut self, file: &Surveyed) {
        let path = file.file.path();
        if let Some(at) = self.archives.iter().position(|archive| *archive == path) {
            self.archives.remove(at);
            self.entries_after -= file.content.entries.min(self.entries_after);
            return;
        }
        self.entries_before += file.content.entries;
        if file.file.name.generation().is_some() {
            self.old_archives += 1;
        } else {
            self.files += 1;
            self.processes.insert(file.file.name.pid().to_owned());
        }
    }

    /// Notes what was left.
    pub(super) fn finish(&mut self, survey: Survey) {
        self.left.clear();
        for file in survey.files {
            if let Err(left) = file.group
                && !(left == Left::Single && file.file.name.generation().is_some())
            {
                self.left.entry(left).or_default().push(file.file.path());
            }
        }
        self.problems = survey.problems;
    }
}
