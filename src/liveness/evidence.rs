//! Why a file is taken for live, dead or unknown.

use std::fmt;

use super::{Liveness, Process};

/// Why a file is taken for live, dead or unknown. Displayed as one sentence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Evidence {
    /// Dead: the system granted a read lease.
    LeaseGranted,
    /// Live: the system refused a read lease; because of whom was not asked.
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
    /// Unknown: no process of that number has it open, but no writer of any file of the directory can be seen
    /// either, so its processes may be in another pid namespace, as a container's are.
    OutOfSight(u32),
    /// Unknown: the system granted a read lease, but on overlayfs it does not see who has mapped the file
    /// and closed it, and not all processes' mappings can be seen.
    MayBeMapped,
    /// Unknown: the name does not end in a process id.
    NoProcessId,
}

impl Evidence {
    /// What the evidence says.
    pub fn liveness(&self) -> Liveness {
        match self {
            Self::LeaseRefused | Self::OpenIn(_) => Liveness::Live,
            Self::LeaseGranted | Self::NoProcess(_) | Self::Zombie(_) | Self::NotOpenIn(_) => Liveness::Dead,
            Self::StartedLater(_)
            | Self::MayBeOpenIn(_)
            | Self::Hidden(_)
            | Self::OutOfSight(_)
            | Self::MayBeMapped
            | Self::NoProcessId => Liveness::Unknown,
        }
    }

    /// What is left of it where the number in the file's name may be one of another pid namespace.
    pub(super) fn seen_from_afar(self) -> Self {
        match self {
            Self::NoProcess(pid) | Self::Zombie(pid) => Self::OutOfSight(pid),
            Self::NotOpenIn(process) => Self::OutOfSight(process.pid),
            other => other,
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
            Self::LeaseGranted => f.write_str("read lease granted: no process has it open for writing"),
            Self::LeaseRefused => f.write_str("read lease refused: a process has it open for writing"),
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
            Self::OutOfSight(pid) => write!(
                f,
                "process {pid} may be in another pid namespace: no writer of the directory can be seen from here"
            ),
            Self::Hidden(pid) => write!(f, "there may be a process {pid}: not all processes can be seen"),
            Self::MayBeMapped => f.write_str(
                "read lease granted, but on overlayfs a process may have it mapped, and not all mappings can be seen",
            ),
            Self::NoProcessId => f.write_str("its name does not end in a process id"),
        }
    }
}
