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
    /// A live* gauge still counts values of dead processes: nobody called mark_process_dead for them,
    /// because they were killed, or because the server has no such hook. `promproc prune` removes
    /// them; run it from cron, or call it in gunicorn's child_exit hook. An info where it changes no
    /// value yet.
    StuckGauge = "stuck-gauge", Warning;
    /// A gauge of mode all, the client's default, still has the series of dead processes, one each.
    /// The client never removes them. `promproc prune --mode all` does; a live* mode in the
    /// application does for good.
    DeadSeries = "dead-series", Warning;
    /// A gauge of mode min, max, sum or mostrecent has another value because dead processes count in it.
    /// These modes remember the dead, which may be meant. `promproc prune --mode max`, say, removes their
    /// files.
    DeadDecides = "dead-decides", Info;
    /// Processes count a gauge of mode livesum down that others count up: one calls inc, another dec. Its
    /// value is wrong as soon as one of them is gone. Give it the mode sum, which keeps the dead.
    WrongMode = "wrong-mode", Warning;
    /// A gauge file is older than the process that writes it: a process of the same identifier (a uWSGI
    /// worker's number, pid 1 of a restarted container) went on in the file of the one before. Values that
    /// it has not set itself are that one's. Run `promproc prune --pid` before a process starts again, or
    /// `promproc clean` where all of them do.
    InheritedFile = "inherited-file", Info;
    /// A dead process's gauges look live, because a process that it had forked still has its files open.
    /// If that one does not count in them, `promproc prune --pid` removes them.
    HeldByChild = "held-by-child", Info;
    /// Two processes that know nothing of each other write one file: two containers with one volume, whose
    /// process ids are the same. They overwrite each other's counts. Give each container a directory of
    /// its own.
    SharedFile = "shared-file", Error;
    /// The number in the name of a dead process's gauge file is that of another process by now. A
    /// script that asks only whether the process exists takes the file for live. promproc does not.
    PidReused = "pid-reused", Info;
    /// A minimum is 0 while other processes have more. A process that never set the gauge has 0 in its
    /// file, too; the files do not tell. Set the gauge when each process starts.
    MinimumZero = "minimum-zero", Info;
    /// Nobody has set a gauge of mode mostrecent: it has no timestamp, and is not exposed.
    NeverSet = "never-set", Info;
    /// The merged value of a gauge is NaN because one process has NaN: it makes every sum NaN, and a
    /// minimum or maximum, if it is read first.
    NanDecides = "nan-decides", Warning;
    /// Gauge files of several modes have one family. The mode of the file read last applies to all,
    /// and which that is depends on the names. Mostly two releases of the application at work; restart
    /// all of it, after `promproc clean`.
    ModeConflict = "mode-conflict", Warning;
    /// Files of several types have one family. The type of the file read first applies to all.
    TypeConflict = "type-conflict", Error;
    /// One family has several help texts; the one read first is exposed. Mostly two releases at work.
    HelpConflict = "help-conflict", Info;
    /// One sample name has several sets of label names. Sums over one of the labels miss the others.
    LabelConflict = "label-conflict", Warning;
    /// Processes count the same labels of a histogram in different buckets. Merged, the buckets are
    /// cumulated as if all had been counted in all of them, and quantiles are wrong.
    BucketConflict = "bucket-conflict", Warning;
    /// Label sets of a histogram have different buckets. Each is right, but `sum by (le)` over them adds
    /// up what does not go together.
    BucketLayouts = "bucket-layouts", Info;
    /// A gauge has a label pid of its own, which the multiprocess mode overwrites or removes. Rename it.
    PidLabel = "pid-label", Warning;
    /// A process identifier has an underscore. In file names of gauges the client takes only what
    /// stands before it, so that several processes become one. Choose identifiers without.
    CutPid = "cut-pid", Warning;
    /// A gauge mode that no client release has; it is treated as all.
    UnknownMode = "unknown-mode", Warning;
    /// A name, label or help has a lone surrogate: the official client fails on it, promproc replaces it.
    Surrogate = "surrogate", Error;
    /// Files were written by clients of several eras. No client reads them all: every scrape fails, or
    /// values are wrong. `promproc merge` reads them. Clean the directory between releases.
    EraMixture = "era-mixture", Error;
    /// All files are of one era, and not of the newest. Clients of that era read them; others fail, for
    /// every scrape, or give wrong values. promproc merge reads them.
    OldEra = "old-era", Info;
    /// The bytes of a file break the format. The official client fails on it, for every scrape.
    /// Entries before the damage count in promproc.
    DamagedFile = "damaged-file", Error;
    /// A file of fewer than four bytes, left by a process that was killed while it created it. Nothing
    /// is lost, but the official client fails on it, for every scrape.
    EmptyFile = "empty-file", Error;
    /// An entry's key is no JSON list of a known shape, or a bucket's bound no number.
    BadKey = "bad-key", Error;
    /// A *.db that is not a metric file: another name, other content, or not a regular file. The official
    /// client fails on it, for every scrape. What a process has open is better moved by its own settings.
    ForeignFile = "foreign-file", Error;
    /// A file cannot be read, mostly for want of permission.
    UnreadableFile = "unreadable-file", Error;
    /// The file begins with 65,536 zeros, and only then with its header: so it came out on WSL. The
    /// official client takes it for empty, and what it counts is lost. Use a directory of Linux's own.
    WslLayout = "wsl-layout", Error;
    /// A live process has metric files open that were removed from the directory: it goes on counting
    /// into them, and nobody will see it. Somebody emptied the directory under the running service, or
    /// called mark_process_dead for a process that was not. Restart the process.
    RemovedFile = "removed-file", Error;
    /// A counter, or a bucket, is negative or NaN in a file. No client counts so; the file was damaged,
    /// or written by something else.
    NegativeCounter = "negative-counter", Warning;
    /// With --watch: a counter, or the count of a histogram or summary, fell between the two looks,
    /// because the file of a process was removed under a running service, or the application reset it.
    /// Prometheus takes a fall for a restart, and counts all of the new value once more.
    FallingCounter = "falling-counter", Warning;
    /// The length of a file is not one that clients make: a power of two. It was cut, or copied.
    OddSize = "odd-size", Info;
    /// The directory does not exist. The client does not create it: processes fail when they start.
    MissingDirectory = "missing-directory", Error;
    /// No metric files: nothing was counted yet, or the service writes elsewhere.
    EmptyDirectory = "empty-directory", Info;
    /// The user who owns the files, or in an empty directory the caller, may not create files in the
    /// directory, or its file system is mounted read-only: new processes fail.
    NotWritable = "not-writable", Error;
    /// The directory is on a disk. The files are written through mappings, and in memory (tmpfs) that
    /// costs no disk time.
    NotTmpfs = "not-tmpfs", Info;
    /// The file system is nearly full, in bytes or inodes. On a full tmpfs a process that writes a new
    /// page is killed by SIGBUS.
    NearlyFull = "nearly-full", Warning;
    /// The files belong to several users. Each can only be maintained by its own, and may be unreadable
    /// for the others.
    SeveralOwners = "several-owners", Warning;
    /// A prune or clean was interrupted, and left files under another name: what they hold is not counted.
    /// The next `promproc prune` or `clean` finishes it: what a process still writes to gets its name back.
    InterruptedRemoval = "interrupted-removal", Warning;
    /// The directory has files that are no metric files. They do no harm.
    OtherFiles = "other-files", Info;
    /// PROMETHEUS_MULTIPROC_DIR is set, but empty: the client takes that for a directory, and writes
    /// into the one that the service was started in.
    EmptyVariable = "empty-variable", Warning;
    /// Processes that have files open, or may have, cannot be seen from here: they are in another pid
    /// namespace, as a container's are, or another user's.
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
