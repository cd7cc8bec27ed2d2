//! Is anybody still writing this file? Live, dead or unknown, with the evidence.
//!
//! Wrongly "dead" loses counts silently: the process goes on writing into a file that nobody can
//! find. Wrongly "live" only delays. A process id alone proves nothing: ids are reused, threads and
//! zombies answer `kill(pid, 0)`, a name may hold a uWSGI worker number, and from another container
//! every process looks dead. So the strongest evidence is asked for first:
//!
//! 1. Linux grants a write lease only when no process has the file open, in any pid namespace.
//! 2. A process whose open files or mappings show the file is its holder (Linux's `/proc`).
//! 3. The process table says what it can about the number in the file's name.

pub(crate) mod lease;
mod processes;

use std::collections::BTreeSet;
use std::fmt;
use std::fs::Metadata;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, SystemTime};

pub use processes::{Process, RemovedFiles, removed_files};

use crate::directory::DirectoryError;
use crate::format::DbName;
use lease::{Lease, Look};
use processes::{Holders, Number, Processes};

const CLOCK_STEP: Duration = Duration::from_secs(2);

/// Whether a process may still write to a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Liveness {
    /// Some process has it open.
    Live,
    /// No process has it open.
    Dead,
    /// It cannot be told; nothing is ever removed.
    Unknown,
}

impl Liveness {
    /// The word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Live => "live",
            Self::Dead => "dead",
            Self::Unknown => "unknown",
        }
    }
}

impl fmt::Display for Liveness {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// Why a file is taken for live, dead or unknown. Displayed as one sentence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Evidence {
    /// Dead: the system granted a write lease.
    LeaseGranted,
    /// Live: the system refused a write lease, several times; by whom was not asked.
    LeaseRefused,
    /// Live: these processes have it open; none of them can be seen if there is none.
    OpenIn(Vec<Process>),
    /// Dead: there is no process of the number in its name.
    NoProcess(u32),
    /// Dead: the process of that number has ended and only waits for its parent.
    Zombie(u32),
    /// Dead: the process that has that number now does not have it open.
    NotOpenIn(Process),
    /// Unknown: the process that has that number now started after the file was last modified, as
    /// far as the file system knows; its open files cannot be seen. That is no proof: a process
    /// goes on in the file of the one that had its number before (pid 1 of a restarted container),
    /// and what it writes through its mapping does not change the modification time on tmpfs.
    StartedLater(Process),
    /// Unknown: the process of that number may have it open; its open files cannot be seen.
    MayBeOpenIn(Process),
    /// Unknown: there may be a process of that number; not all processes can be seen.
    Hidden(u32),
    /// Unknown: the name does not end in a process id.
    NoProcessId,
}

impl Evidence {
    /// What the evidence says.
    pub fn liveness(&self) -> Liveness {
        match self {
            Self::LeaseRefused | Self::OpenIn(_) => Liveness::Live,
            Self::LeaseGranted | Self::NoProcess(_) | Self::Zombie(_) | Self::NotOpenIn(_) => Liveness::Dead,
            Self::StartedLater(_) | Self::MayBeOpenIn(_) | Self::Hidden(_) | Self::NoProcessId => {
                Liveness::Unknown
            }
        }
    }

    /// The processes that it names.
    pub fn processes(&self) -> &[Process] {
        match self {
            Self::OpenIn(processes) => processes,
            Self::NotOpenIn(process) | Self::StartedLater(process) | Self::MayBeOpenIn(process) => {
                std::slice::from_ref(process)
            }
            _ => &[],
        }
    }
}

impl fmt::Display for Evidence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::LeaseGranted => f.write_str("write lease granted: no process has it open"),
            Self::LeaseRefused => f.write_str("write lease refused: a process has it open"),
            Self::OpenIn(processes) => match processes.as_slice() {
                [] => f.write_str("open in a process that cannot be seen from here"),
                [first, others @ ..] => {
                    write!(f, "open in pid {first}")?;
                    others.iter().try_for_each(|process| write!(f, ", pid {process}"))
                }
            },
            Self::NoProcess(pid) => write!(f, "no process {pid}"),
            Self::Zombie(pid) => write!(f, "process {pid} is a zombie"),
            Self::NotOpenIn(process) => write!(f, "process {process} does not have it open"),
            Self::StartedLater(process) => {
                write!(
                    f,
                    "process {process} started after the file was last modified, but may have it open: its open \
                     files cannot be seen"
                )
            }
            Self::MayBeOpenIn(process) => {
                write!(f, "process {process} may have it open: its open files cannot be seen")
            }
            Self::Hidden(pid) => write!(f, "there may be a process {pid}: not all processes can be seen"),
            Self::NoProcessId => f.write_str("its name does not end in a process id"),
        }
    }
}

/// Which file a name leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct FileId {
    device: u64,
    pub(crate) inode: u64,
}

impl FileId {
    pub(crate) fn of(metadata: &Metadata) -> Self {
        Self { device: metadata.dev(), inode: metadata.ino() }
    }
}

/// A file and what is known about its writer.
#[derive(Clone, Debug)]
pub struct Examined {
    /// The path as it was given.
    pub path: PathBuf,
    /// The file that the path led to.
    pub id: FileId,
    /// Why it is live, dead or unknown.
    pub evidence: Evidence,
}

impl Examined {
    /// What the evidence says.
    pub fn liveness(&self) -> Liveness {
        self.evidence.liveness()
    }
}

/// Finds out which of the files are still being written. Those that vanish meanwhile are left out.
///
/// # Errors
/// If a file cannot even be looked at.
pub fn examine(paths: impl IntoIterator<Item = PathBuf>) -> Result<Vec<Examined>, DirectoryError> {
    let mut seen = Vec::new();
    for path in paths {
        seen.extend(glance(path)?);
    }
    // All files that are refused wait together, so that a directory takes no longer than a file.
    for pause in lease::pauses() {
        if !seen.iter().any(|(_, look)| look.lease == Lease::Refused) {
            break;
        }
        thread::sleep(pause);
        let look_again = |(path, look): (PathBuf, Look)| match look.lease {
            Lease::Refused => glance(path).transpose(),
            _ => Some(Ok((path, look))),
        };
        seen = seen.into_iter().filter_map(look_again).collect::<Result<_, _>>()?;
    }
    Ok(weigh(seen))
}

/// Names the holders of the files of which only the lease says that they are open.
pub fn name_holders(files: &mut [Examined]) {
    let files = files.iter_mut().filter(|file| file.evidence == Evidence::LeaseRefused);
    let files: Vec<_> = files.collect();
    if files.is_empty() {
        return;
    }
    let holders = Processes::list().holders(files.iter().map(|file| (file.id, file.path.as_path())));
    for file in files {
        file.evidence = Evidence::OpenIn(holders.of(file.id).to_vec());
    }
}

/// The processes that have these numbers now.
pub fn running(numbers: &BTreeSet<u32>) -> Vec<Process> {
    if numbers.is_empty() {
        return Vec::new();
    }
    let processes = Processes::list();
    let running = numbers.iter().filter_map(|number| match processes.number(*number) {
        Number::Process(process) => Some(process),
        Number::Free | Number::Zombie | Number::Hidden => None,
    });
    running.collect()
}

/// Looks at a file without keeping a lease on it; `None` if it is gone.
fn glance(path: PathBuf) -> Result<Option<(PathBuf, Look)>, DirectoryError> {
    match lease::look(&path) {
        Ok(mut look) => {
            drop(look.leased.take());
            Ok(Some((path, look)))
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(DirectoryError::Io { path, error }),
    }
}

/// Puts the evidence together; the process table is read only if a lease gave none.
fn weigh(seen: Vec<(PathBuf, Look)>) -> Vec<Examined> {
    let mut unproven = seen.iter().filter(|(_, look)| look.lease == Lease::NoEvidence).peekable();
    let table = unproven.peek().is_some().then(Processes::list);
    let table = table.map(|processes| {
        let holders = processes.holders(unproven.map(|(path, look)| (look.id, path.as_path())));
        (processes, holders)
    });
    let examined = |(path, look): (PathBuf, Look)| {
        let evidence = match (look.lease, &table) {
            (Lease::Granted, _) => Evidence::LeaseGranted,
            (Lease::NoEvidence, Some((processes, holders))) => match holders.of(look.id) {
                [] => of_the_number(&path, look.modified, processes, holders),
                open_in => Evidence::OpenIn(open_in.to_vec()),
            },
            _ => Evidence::LeaseRefused,
        };
        Examined { path, id: look.id, evidence }
    };
    seen.into_iter().map(examined).collect()
}

/// What the number in a file's name says, given that no holder of the file can be seen.
fn of_the_number(path: &Path, modified: SystemTime, processes: &Processes, holders: &Holders) -> Evidence {
    let Some(pid) = process_id(path) else {
        return Evidence::NoProcessId;
    };
    match processes.number(pid) {
        Number::Free => Evidence::NoProcess(pid),
        Number::Zombie => Evidence::Zombie(pid),
        Number::Hidden => Evidence::Hidden(pid),
        // The client keeps its descriptors for life, so who has none is not the writer.
        Number::Process(process) if holders.is_inspected(pid) => Evidence::NotOpenIn(process),
        // Start times are whole seconds, and the kernel's two clocks may be one apart.
        Number::Process(process) if process.started > modified + CLOCK_STEP => {
            Evidence::StartedLater(process)
        }
        Number::Process(process) => Evidence::MayBeOpenIn(process),
    }
}

/// The process id at the end of a metric file's name, if it can be one.
fn process_id(path: &Path) -> Option<u32> {
    let name = DbName::parse(path.file_name()?.to_str()?)?;
    let pid: u32 = name.pid().parse().ok().filter(|pid| *pid > 0)?;
    // Not `007`, and not `+7`, which Rust's numbers may begin with.
    (pid.to_string() == name.pid()).then_some(pid)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_plain_number_is_a_process_id() {
        for (file_name, pid) in [
            ("counter_123.db", Some(123)),
            ("gauge_livesum_1.db", Some(1)),
            ("gauge_all_host_5.db", None),
            ("counter_0.db", None),
            ("counter_007.db", None),
            ("counter_+7.db", None),
            ("counter_.db", None),
            ("counter_4294967296.db", None),
            ("counter_web-1.db", None),
            (".promproc-abc.tmp", None),
        ] {
            assert_eq!(process_id(Path::new(file_name)), pid, "{file_name}");
        }
    }
}
