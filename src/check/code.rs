//! The codes of findings: stable names, with what they mean.

use std::fmt;
use std::str::FromStr;

use crate::model::UnknownName;

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Severity {
    /// Worth knowing; nothing is wrong.
    Info,
    /// Numbers are wrong or misleading, or soon will be.
    Warning,
    /// The scrape fails, or counts are lost.
    Error,
}

impl Severity {
    /// All, the worst first.
    pub const ALL: [Self; 3] = [Self::Error, Self::Warning, Self::Info];

    /// The word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Warning => "warning",
            Self::Error => "error",
        }
    }
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

macro_rules! codes {
    ($($(#[doc = $doc:literal])+ $code:ident = $name:literal, $severity:ident;)+) => {
        /// What kind of thing was found. The names are stable: `--ignore` and JSON have them.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Code {
            $($(#[doc = $doc])+ $code,)+
        }

        impl Code {
            /// All codes: gauges, conflicts, damage, the directory, growth.
            pub const ALL: &[Self] = &[$(Self::$code,)+];

            /// Its name, e.g. `stuck-gauge`.
            pub fn as_str(self) -> &'static str {
                match self {
                    $(Self::$code => $name,)+
                }
            }

            /// How bad it is, mostly.
            pub fn severity(self) -> Severity {
                match self {
                    $(Self::$code => Severity::$severity,)+
                }
            }

            /// One paragraph: what it is, why it matters, what to do.
            pub fn explanation(self) -> &'static str {
                match self {
                    $(Self::$code => concat!($($doc),+),)+
                }
            }
        }
    };
}

codes! {
    /// A live* gauge still counts values of dead processes. Nobody called mark_process_dead for them: they
    /// were killed, or the server has no such hook. `promproc prune` removes them; run it from cron, or
    /// call it in gunicorn's child_exit hook. An info if it changes no value yet.
    StuckGauge = "stuck-gauge", Warning;
    /// A gauge of mode all, the client's default, still has a series for each dead process. The client
    /// never removes them. `promproc prune --mode all` does; a live* mode in the application solves it for
    /// good.
    DeadSeries = "dead-series", Warning;
    /// A gauge of mode min, max, sum or mostrecent has another value because dead processes count in it.
    /// These modes remember the dead, which may be what you want. If not, `promproc prune --mode max`, for
    /// example, removes their files.
    DeadDecides = "dead-decides", Info;
    /// Some processes count a gauge of mode livesum up and others count it down. Its value is wrong as soon
    /// as one of them dies. Use the mode sum, which keeps the dead.
    WrongMode = "wrong-mode", Warning;
    /// A gauge file is older than the process that writes it. A process with the same identifier (a uWSGI
    /// worker number, or pid 1 of a restarted container) went on in the file of the one before, and what it
    /// has not set itself is an earlier process's value. Run `promproc prune --pid` before such a process
    /// starts, or `promproc clean` where all of them restart.
    InheritedFile = "inherited-file", Info;
    /// The gauges of a dead process look live, because a process that it forked still has the files open.
    /// If that process does not count in them, `promproc prune --pid` removes them.
    HeldByChild = "held-by-child", Info;
    /// Two unrelated processes write one file, for example in two containers with one volume, where process
    /// ids are the same. They overwrite each other's counts. Give each container a directory of its own.
    SharedFile = "shared-file", Error;
    /// The process id in the name of a dead process's gauge file now belongs to another process. A script
    /// that only asks whether the process exists takes the file for live. promproc does not.
    PidReused = "pid-reused", Info;
    /// A minimum is 0 while other processes have more. A process that never set the gauge has 0 in its file
    /// as well; the files do not tell the two apart. Set the gauge when each process starts.
    MinimumZero = "minimum-zero", Info;
    /// No process has set this gauge of mode mostrecent. It has no timestamp and is not exposed.
    NeverSet = "never-set", Info;
    /// The merged value of a gauge is NaN because one process has NaN. It makes every sum NaN, and a
    /// minimum or maximum if it is read first.
    NanDecides = "nan-decides", Warning;
    /// Gauge files of several modes have the same family. The mode of the file that is read last applies to
    /// all of them, and which one that is depends on the file names. The usual cause is two releases of the
    /// application at work; run `promproc clean` and restart all of it.
    ModeConflict = "mode-conflict", Warning;
    /// Files of several types have the same family. The type of the file that is read first applies to all
    /// of them.
    TypeConflict = "type-conflict", Error;
    /// A family has several help texts; the one that is read first is exposed. The usual cause is two
    /// releases at work.
    HelpConflict = "help-conflict", Info;
    /// A sample name has several sets of label names. Sums by one of the labels miss the others.
    LabelConflict = "label-conflict", Warning;
    /// Processes count the same labels of a histogram in different buckets. Merged, the buckets are
    /// cumulated as if all had been counted in all of them, and quantiles are wrong.
    BucketConflict = "bucket-conflict", Warning;
    /// Label sets of a histogram have different buckets. Each is right by itself, but `sum by (le)` over
    /// them is not meaningful.
    BucketLayouts = "bucket-layouts", Info;
    /// Several directories have the same series of a gauge with one series per process: process ids are equal in
    /// different containers. The one that is read last counts, and the others are lost. Use
    /// `--directory-label`, here and in merge.
    LostSeries = "lost-series", Warning;
    /// A gauge has a label pid of its own, which multiprocess mode overwrites or removes. Rename the label.
    PidLabel = "pid-label", Warning;
    /// A process identifier contains an underscore. From the names of gauge files the client takes only
    /// what precedes it, so that several processes become one. Choose identifiers without underscores.
    CutPid = "cut-pid", Warning;
    /// No client release has this gauge mode; it is treated as all.
    UnknownMode = "unknown-mode", Warning;
    /// A name, label or help text contains a lone surrogate. The official client fails on it; promproc
    /// replaces it.
    Surrogate = "surrogate", Error;
    /// Files were written by clients of several eras. No client reads them all: every scrape fails, or
    /// values are wrong. `promproc merge` reads them. Clean the directory between releases.
    EraMixture = "era-mixture", Error;
    /// All files are of one era, but not of the newest. Clients of that era read them; others fail on every
    /// scrape, or give wrong values. `promproc merge` reads them.
    OldEra = "old-era", Info;
    /// A file breaks the rules of the format. The official client fails on it, on every scrape. promproc
    /// counts the entries before the damage.
    DamagedFile = "damaged-file", Error;
    /// A file of fewer than four bytes, left by a process that was killed while it created the file.
    /// Nothing is lost, but the official client fails on it, on every scrape.
    EmptyFile = "empty-file", Error;
    /// The key of an entry is not a JSON list of a known shape, or a bucket's bound is not a number.
    BadKey = "bad-key", Error;
    /// A *.db that is not a metric file: it has another name or other content, or is not a regular file.
    /// The official client fails on it, on every scrape. If a program has it open, configure that program
    /// to keep it elsewhere.
    ForeignFile = "foreign-file", Error;
    /// A file cannot be read, usually for lack of permission.
    UnreadableFile = "unreadable-file", Error;
    /// The file begins with 65,536 zeros, and its header follows them. WSL leaves files like this. The
    /// official client takes them for empty, and what they count is lost. Use a directory on a Linux file
    /// system.
    WslLayout = "wsl-layout", Error;
    /// A live process has metric files open that were removed from the directory. It goes on counting in
    /// them, and nothing will ever read that. The directory was emptied while the service was running, or
    /// mark_process_dead was called for a live process. Restart the process.
    RemovedFile = "removed-file", Error;
    /// A counter or a bucket is negative or NaN in a file. No client counts like that; the file was damaged
    /// or written by something else.
    NegativeCounter = "negative-counter", Warning;
    /// With --watch: a counter, or the count of a histogram or summary, fell between the two looks. The
    /// file of a process was removed while the service was running, or the application reset the counter.
    /// Prometheus takes a fall for a restart and counts all of the new value again.
    FallingCounter = "falling-counter", Warning;
    /// The length of a file is not a power of two, as clients make it. The file was cut off or copied.
    OddSize = "odd-size", Info;
    /// The directory does not exist. The client does not create it: processes fail when they start.
    MissingDirectory = "missing-directory", Error;
    /// No metric files: nothing was counted yet, or the service writes elsewhere.
    EmptyDirectory = "empty-directory", Info;
    /// The user who owns the files (in an empty directory: the caller) may not create files in the
    /// directory, or its file system is mounted read-only. New processes fail.
    NotWritable = "not-writable", Error;
    /// The directory is on a disk. Clients write through memory maps, which costs no disk time on tmpfs.
    NotTmpfs = "not-tmpfs", Info;
    /// The file system is nearly out of space or inodes. On a full tmpfs, a process that writes a new page
    /// is killed by SIGBUS.
    NearlyFull = "nearly-full", Warning;
    /// The files belong to several users. Each user can only maintain its own files, and may not be able to
    /// read the others.
    SeveralOwners = "several-owners", Warning;
    /// A prune or clean was interrupted and left files under another name; they do not count. The next
    /// `promproc prune` or `clean` finishes the work: a file that a process still writes gets its name
    /// back.
    InterruptedRemoval = "interrupted-removal", Warning;
    /// A compaction was interrupted. No count is lost: promproc reads what it left as it should. With a
    /// barrier left over it is an error: the Python client fails on it, for every scrape, until
    /// `promproc compact`, `prune` or `clean` finishes or undoes the work.
    InterruptedCompaction = "interrupted-compaction", Info;
    /// Ten or more files of dead processes can be folded into archives without losing a count. A warning where
    /// scrapes are slow or the file system is nearly full.
    Compactable = "compactable", Info;
    /// The directory contains files that are not metric files. They do no harm.
    OtherFiles = "other-files", Info;
    /// Processes that have files open, or may have, cannot be seen from here: they are in another pid
    /// namespace, like those of a container, or belong to another user. A warning where nothing is known of any
    /// file: then no dead process can be found.
    UnseenWriters = "unseen-writers", Info;
    /// The official client needs about a second or more for this directory. The finding says whether
    /// files of dead processes or the cardinality of labels are to blame.
    SlowScrape = "slow-scrape", Warning;
}

impl FromStr for Code {
    type Err = UnknownName;

    fn from_str(name: &str) -> Result<Self, UnknownName> {
        Self::ALL.iter().copied().find(|code| code.as_str() == name).ok_or(UnknownName)
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}
