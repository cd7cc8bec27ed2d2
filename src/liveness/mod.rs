//! Is anybody still writing this file? Live, dead or unknown, with the evidence.
//!
//! Wrongly "dead" loses counts silently: the process goes on writing into a file that nobody can
//! find. Wrongly "live" only delays. A process id alone proves nothing: ids are reused, threads and
//! zombies answer `kill(pid, 0)`, a name may hold a uWSGI worker number, and from another container
//! every process looks dead. So the strongest evidence is asked for first:
//!
//! 1. Linux grants a read lease only when no process has the file open for writing, in any pid namespace, on
//!    file systems that this kernel alone writes.
//! 2. A process whose open files or mappings show the file is its holder (Linux's `/proc`).
//! 3. The process table says what it can about the number in the file's name: that nobody has it is proof
//!    only where the directory is known to be of this pid namespace.

mod evidence;
mod find;
mod held;
mod kinship;
pub(crate) mod lease;
mod processes;
mod view;

use std::collections::{BTreeSet, HashMap, HashSet};
use std::fmt;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

pub use evidence::Evidence;
pub use find::{FindError, Found, FoundDirectory, State, User, find};
pub use kinship::{families, is_numbered, own_number};
pub use processes::{Process, RemovedFiles, removed_files};

use crate::directory::{Contents, Directory, DirectoryError, FileId, InDirectory, MetricFile};
use crate::format::MetricFileName;
use lease::{Lease, Look};
use processes::{Holders, Number, Processes};

const CLOCK_STEP: Duration = Duration::from_secs(2);

/// Whether a process may still write to a file.
///
/// In ascending order: of several files of one process, the greatest says what the process is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Liveness {
    /// No process has it open.
    Dead,
    /// It cannot be told; nothing is ever removed.
    Unknown,
    /// Some process has it open.
    Live,
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

/// A file and what is known about its writer.
#[derive(Clone, Debug)]
pub struct Examined<F = MetricFile> {
    /// The file.
    pub file: F,
    /// Why it is live, dead or unknown; `None` where nobody has asked, or the file was gone by then.
    pub evidence: Option<Evidence>,
    /// Which file the name led to when it was looked at.
    pub(crate) id: Option<FileId>,
    /// When it was made, if the file system says so.
    pub(crate) created: Option<SystemTime>,
    /// Its owner's number, where it was looked at.
    pub(crate) owner: Option<u32>,
}

impl<F> Examined<F> {
    /// A file of which nothing is known yet.
    pub fn unasked(file: F) -> Self {
        Self { file, evidence: None, id: None, created: None, owner: None }
    }

    /// What the evidence says.
    pub fn liveness(&self) -> Liveness {
        self.evidence.as_ref().map_or(Liveness::Unknown, Evidence::liveness)
    }

    /// Who has the file open, if all who do started after it was made: then an earlier process made it, and
    /// values in it that its present writer has not set are that one's. `None` also where no holder can be
    /// seen, or the file system does not say when files were made.
    pub fn heirs(&self) -> Option<&[Process]> {
        let Some(Evidence::OpenIn(holders)) = &self.evidence else { return None };
        let created = self.created?;
        let is_heir = |holder: &Process| holder.started > created + CLOCK_STEP;
        (!holders.is_empty() && holders.iter().all(is_heir)).then_some(holders)
    }

    /// The evidence as one sentence.
    pub fn reason(&self) -> String {
        self.evidence.as_ref().map_or_else(|| "the file is gone".to_owned(), Evidence::to_string)
    }
}

/// Finds out which of the files are still being written. Those that vanish meanwhile have no evidence.
///
/// ```
/// use std::path::Path;
///
/// use promproc::directory::{InDirectory, scan};
/// use promproc::liveness::{Examined, examine};
///
/// let files = scan(Path::new("tests/data/gunicorn"))?.files;
/// let mut examined: Vec<_> = files.into_iter().map(Examined::unasked).collect();
/// examine(&mut examined)?;
/// for Examined { file, evidence, .. } in &examined {
///     if let Some(evidence) = evidence {
///         println!("{} is {}: {evidence}", file.path().display(), evidence.liveness());
///     }
/// }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// If a file cannot even be looked at; then nothing is known of any.
pub fn examine<'e, F: InDirectory + 'e>(
    files: impl IntoIterator<Item = &'e mut Examined<F>>,
) -> Result<(), DirectoryError> {
    let mut seen = Vec::new();
    for examined in files {
        let look = glance(&examined.file)?;
        seen.push((examined, look));
    }
    weigh(seen)
}

/// Finds out the same of files that were looked at already; those without a look have vanished.
///
/// # Errors
/// As [`examine`].
pub(crate) fn weigh<'e, F: InDirectory + 'e>(
    seen: Vec<(&'e mut Examined<F>, Option<Look>)>,
) -> Result<(), DirectoryError> {
    let looked = |(examined, look): (&'e mut Examined<F>, Option<Look>)| Some((examined, look?));
    let seen: Vec<_> = seen.into_iter().filter_map(looked).collect();
    // The process table is read only if a lease gave no evidence.
    let is_unproven = |lease| matches!(lease, Lease::NoEvidence | Lease::GrantedButForMaps);
    let unproven = || seen.iter().filter(|(_, look)| is_unproven(look.lease));
    let table = unproven().next().is_some().then(|| {
        let processes = Processes::list();
        // A container's neighbours prove nothing of other containers that share the directory.
        let neighbours = match sees_all_pid_namespaces() {
            true => neighbours(unproven().map(|(examined, _)| examined.file.directory())),
            false => HashMap::new(),
        };
        let of_neighbours = neighbours.values().flatten();
        let of_neighbours = of_neighbours.map(|file| (file.id, file.file_name.as_str()));
        let wanted = unproven().map(|(examined, look)| (look.id, examined.file.file_name()));
        let holders = processes.holders(wanted.chain(of_neighbours));
        let mut near = HashSet::new();
        for (directory, files) in &neighbours {
            let is_numbered_here = |file: &&Neighbour| {
                let number = process_id(&file.file_name);
                holders.of(file.id).iter().any(|holder| Some(holder.pid) == number)
            };
            near.extend(files.iter().filter(is_numbered_here).map(|file| (*directory, file.owner)));
        }
        (processes, holders, near)
    });
    for (examined, look) in seen {
        examined.id = Some(look.id);
        examined.created = look.created;
        examined.owner = Some(look.owner);
        examined.evidence = Some(match (look.lease, &table) {
            (Lease::Granted, _) => Evidence::LeaseGranted,
            (Lease::NoEvidence, Some((processes, holders, near))) => match holders.of(look.id) {
                [] => {
                    let is_near = near.contains(&(Arc::as_ptr(examined.file.directory()), look.owner));
                    let found = of_the_number(examined.file.file_name(), look.modified, processes, holders);
                    if is_near { found } else { found.seen_from_afar() }
                }
                open_in => Evidence::OpenIn(open_in.to_vec()),
            },
            (Lease::GrantedButForMaps, Some((_, holders, _))) => match holders.of(look.id) {
                [] if holders.is_complete() => Evidence::LeaseGranted,
                [] => Evidence::MayBeMapped,
                open_in => Evidence::OpenIn(open_in.to_vec()),
            },
            _ => Evidence::LeaseRefused,
        });
    }
    Ok(())
}

/// Whether this is the first pid namespace, below which all others are: then a process that cannot be seen is not
/// of a container beside this one. Elsewhere than on Linux there are no pid namespaces.
fn sees_all_pid_namespaces() -> bool {
    // PROC_PID_INIT_INO in Linux' include/linux/proc_ns.h.
    const FIRST: &str = "pid:[4026531836]";
    !cfg!(target_os = "linux")
        || std::fs::read_link("/proc/self/ns/pid").is_ok_and(|link| link == Path::new(FIRST))
}

/// A metric file in a directory.
struct Neighbour {
    id: FileId,
    owner: u32,
    file_name: String,
}

/// The metric files of each of these directories. Where a process that can be seen has one of them open for
/// writing, and the number in its name, the numbers in names of that owner's files are taken for numbers of this
/// pid namespace: another service in the same directory mostly has another owner.
fn neighbours<'d>(
    directories: impl Iterator<Item = &'d Arc<Directory>>,
) -> HashMap<*const Directory, Vec<Neighbour>> {
    let mut found = HashMap::new();
    for directory in directories {
        found.entry(Arc::as_ptr(directory)).or_insert_with(|| {
            // One that cannot be listed has no neighbours, and then nothing is taken for dead.
            let contents = Contents::of(directory).unwrap_or_default();
            let neighbour = |file: MetricFile| {
                let metadata = directory.metadata(file.file_name()).ok()?;
                let (id, owner) = (FileId::of(&metadata), metadata.uid());
                Some(Neighbour { id, owner, file_name: file.file_name().to_owned() })
            };
            contents.files.into_iter().filter_map(neighbour).collect()
        });
    }
    found
}

/// Names the holders of the files of which only the lease says that they are open.
pub fn name_holders<'e, F: InDirectory + 'e>(files: impl IntoIterator<Item = &'e mut Examined<F>>) {
    let is_refused = |file: &&mut Examined<F>| file.evidence == Some(Evidence::LeaseRefused);
    let files: Vec<_> = files.into_iter().filter(is_refused).collect();
    if files.is_empty() {
        return;
    }
    let held = files.iter().filter_map(|file| Some((file.id?, file.file.file_name())));
    let holders = Processes::list().holders(held);
    for file in files {
        let open_in = file.id.map_or(&[][..], |id| holders.of(id));
        file.evidence = Some(Evidence::OpenIn(open_in.to_vec()));
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
fn glance(file: &impl InDirectory) -> Result<Option<Look>, DirectoryError> {
    match lease::look(file) {
        Ok((look, _)) => Ok(Some(look)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(source) => Err(DirectoryError::Io { path: file.path(), source }),
    }
}

/// What the number in a file's name says, given that no holder of the file can be seen.
fn of_the_number(
    file_name: &str,
    modified: SystemTime,
    processes: &Processes,
    holders: &Holders,
) -> Evidence {
    let Some(pid) = process_id(file_name) else {
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
fn process_id(file_name: &str) -> Option<u32> {
    let name: MetricFileName = file_name.parse().ok()?;
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
            assert_eq!(process_id(file_name), pid, "{file_name}");
        }
    }
}
