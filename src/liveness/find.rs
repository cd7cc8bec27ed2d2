//! Which multiprocess directories do running processes use? What their environments name, and where the
//! metric files are that they have open.

use std::collections::BTreeSet;
use std::collections::btree_map::{BTreeMap, Entry};
use std::ffi::OsStr;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::held::held_by;
use super::kinship::{is_numbered, own_number};
use super::processes::{Process, Processes, Running};
use super::view::{Place, View};
use super::{Examined, Liveness, examine};
use crate::directory::{Contents, Directory, DirectoryError, FileId};

/// The client's variables; the first wins.
const VARIABLES: [&str; 2] = ["PROMETHEUS_MULTIPROC_DIR", "prometheus_multiproc_dir"];

/// What running processes use.
#[derive(Debug, Default)]
pub struct Found {
    /// In the order of their paths.
    pub directories: Vec<FoundDirectory>,
    /// How many processes cannot be looked at: mostly those of other users.
    pub hidden: usize,
}

/// A directory that some process uses.
#[derive(Debug)]
pub struct FoundDirectory {
    /// How it is reached from here: of a process that sees another root, through `/proc/PID/root`.
    pub path: PathBuf,
    /// What stands there.
    pub state: State,
    /// The processes that use it, in order of their numbers.
    pub users: Vec<User>,
}

/// What stands under the path of a directory.
#[derive(Debug)]
pub enum State {
    /// The directory.
    Listed {
        /// The number of its owner.
        owner: u32,
        /// Its metric files, and whether anybody still writes them.
        files: Vec<Examined>,
    },
    /// Nothing.
    Missing,
    /// Something that cannot be worked on.
    Unreadable(DirectoryError),
}

/// A process that uses a directory.
#[derive(Clone, Debug)]
pub struct User {
    /// The process.
    pub process: Process,
    /// Whether the environment that it was started with names the directory.
    pub in_environment: bool,
    /// How many of the directory's files it has open for writing.
    pub open_files: usize,
    /// How many files it writes to that were removed from the directory.
    pub removed_files: usize,
    /// The process that started it.
    pub parent: Option<u32>,
    /// Whether Python runs in it.
    pub is_python: bool,
}

/// Why nothing can be said of any process.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FindError {
    /// Other systems do not show the environments and open files of processes.
    #[error("only Linux shows which directories processes use")]
    Unsupported,
    /// It is missing, or belongs to another pid namespace.
    #[error("/proc does not show the processes of this pid namespace")]
    NoProcesses,
}

impl FoundDirectory {
    /// How many ids stand in the names of its files, of which some file is live; none is live, and some
    /// unknown; all are dead.
    pub fn workers(&self) -> [usize; 3] {
        let State::Listed { files, .. } = &self.state else { return [0; 3] };
        let mut of_pid: BTreeMap<&str, Liveness> = BTreeMap::new();
        for file in files.iter().filter(|file| file.file.name.generation().is_none()) {
            let known = of_pid.entry(file.file.name.pid()).or_insert(Liveness::Dead);
            *known = file.liveness().max(*known);
        }
        [Liveness::Live, Liveness::Unknown, Liveness::Dead]
            .map(|liveness| of_pid.values().filter(|known| **known == liveness).count())
    }

    /// The names of the programs that use it, each once.
    pub fn programs(&self) -> BTreeSet<&str> {
        self.users.iter().map(|user| user.process.name.as_str()).collect()
    }
}

/// Looks for the directories that running processes use.
///
/// An empty variable names no directory; where the client takes it for the one that the process runs in, the
/// files that it has open say so. What a process sets in its own environment cannot be seen.
///
/// # Errors
/// [`FindError`] if processes cannot be looked at here.
pub fn find() -> Result<Found, FindError> {
    if !cfg!(target_os = "linux") {
        return Err(FindError::Unsupported);
    }
    let running = Processes::list().running().ok_or(FindError::NoProcesses)?;
    let mut search = Search::default();
    let mut hidden = 0;
    for process in running {
        match search.add(&process) {
            Ok(()) => {}
            // It has ended.
            Err(_) if !process.path.exists() => {}
            Err(_) if is_of_kernel(&process.path) => {}
            Err(_) => hidden += 1,
        }
    }
    Ok(Found { directories: search.finish(), hidden })
}

/// What has been found so far.
#[derive(Default)]
struct Search {
    /// Where each place leads.
    places: BTreeMap<Place, Key>,
    found: BTreeMap<Key, Candidate>,
}

/// What makes directories one and the same.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Key {
    Directory(FileId),
    Nowhere(Place),
}

struct Candidate {
    path: PathBuf,
    opened: Result<Arc<Directory>, io::Error>,
    users: BTreeMap<u32, User>,
    /// The names of the files that processes have open that were removed.
    removed: BTreeMap<u32, Vec<String>>,
    /// Whether a process has a file open with its own number in its name.
    is_named_by_pid: bool,
}

impl Candidate {
    fn new(path: PathBuf, opened: Result<Arc<Directory>, io::Error>) -> Self {
        Self { path, opened, users: BTreeMap::new(), removed: BTreeMap::new(), is_named_by_pid: false }
    }

    /// What is known of a process as its user.
    fn user(&mut self, process: &Running, is_python: bool) -> &mut User {
        self.users.entry(process.process.pid).or_insert_with(|| User {
            process: process.process.clone(),
            in_environment: false,
            open_files: 0,
            removed_files: 0,
            parent: process.parent,
            is_python,
        })
    }

    /// Counts the removed files of each user that it writes to: where files are named by process ids, the others
    /// were inherited from the process that forked it.
    fn count_removed(&mut self) {
        for (pid, names) in &self.removed {
            let Some(user) = self.users.get_mut(pid) else { continue };
            let own = own_number(&user.process).filter(|_| self.is_named_by_pid);
            let is_written = |name: &&String| own.is_none_or(|own| is_numbered(name, own));
            user.removed_files = names.iter().filter(is_written).count();
        }
    }
}

impl Search {
    /// Adds what a process uses.
    fn add(&mut self, process: &Running) -> io::Result<()> {
        let named = named_in(&environment(&process.path)?);
        let held = held_by(&process.path)?;
        if named.is_none() && held.is_empty() {
            return Ok(());
        }
        let view = View::of(&process.path)?;
        let is_python = is_python(&process.path);
        if let Some(named) = named {
            self.candidate(view.named(&named)?, process).user(process, is_python).in_environment = true;
        }
        let own = own_number(&process.process);
        for held in held {
            let pid = process.process.pid;
            let candidate = self.candidate(view.held(held.directory), process);
            candidate.is_named_by_pid |= own.is_some_and(|own| is_numbered(&held.name, own));
            let user = candidate.user(process, is_python);
            if held.is_removed {
                candidate.removed.entry(pid).or_default().push(held.name);
            } else {
                user.open_files += 1;
            }
        }
        Ok(())
    }

    /// The directory in that place, which a process uses.
    fn candidate(&mut self, place: Place, process: &Running) -> &mut Candidate {
        let key = match self.places.get(&place) {
            Some(key) => key.clone(),
            None => self.reach(place, &process.path),
        };
        let nowhere = || Candidate::new(PathBuf::new(), Err(io::ErrorKind::NotFound.into()));
        self.found.entry(key).or_insert_with(nowhere)
    }

    /// Goes to a place by the way of a process.
    fn reach(&mut self, place: Place, process: &Path) -> Key {
        let opened = place.open(process);
        let id = opened.as_ref().ok().and_then(|opened| opened.own_metadata().ok());
        let key = match &id {
            Some(metadata) => Key::Directory(FileId::of(metadata)),
            None => Key::Nowhere(place.clone()),
        };
        let is_here = |path: &Path| {
            let found = std::fs::metadata(path).ok().map(|metadata| FileId::of(&metadata));
            found.is_some() && found == id.as_ref().map(FileId::of)
        };
        let path = match &opened {
            // The same directory may be mounted at the same path here.
            Ok(_) if is_here(place.path()) => place.path().to_owned(),
            Ok(opened) => opened.path().to_owned(),
            Err(_) => place.path_by(process),
        };
        let candidate = Candidate::new(path, opened.map(Arc::new));
        match self.found.entry(key.clone()) {
            Entry::Vacant(entry) => {
                entry.insert(candidate);
            }
            // A path that needs no process is the better one: it stays.
            Entry::Occupied(mut entry) if place.is_ours() && entry.get().path.starts_with("/proc") => {
                let Candidate { path, opened, .. } = candidate;
                (entry.get_mut().path, entry.get_mut().opened) = (path, opened);
            }
            Entry::Occupied(_) => {}
        }
        self.places.insert(place, key.clone());
        key
    }

    fn finish(self) -> Vec<FoundDirectory> {
        let found = self.found.into_values().map(|mut candidate| {
            candidate.count_removed();
            let Candidate { path, opened, users, .. } = candidate;
            let state = match opened.map_err(|error| DirectoryError::of_system(&path, error)) {
                Ok(directory) => look(&directory).unwrap_or_else(State::Unreadable),
                Err(DirectoryError::Missing(_)) => State::Missing,
                Err(error) => State::Unreadable(error),
            };
            FoundDirectory { path, state, users: users.into_values().collect() }
        });
        let mut found: Vec<_> = found.collect();
        found.sort_by(|a, b| a.path.cmp(&b.path));
        found
    }
}

/// Lists a directory, and asks for the writers of its files.
fn look(directory: &Arc<Directory>) -> Result<State, DirectoryError> {
    let of_system = |error| DirectoryError::of_system(directory.path(), error);
    let owner = directory.own_metadata().map_err(of_system)?.uid();
    let files = Contents::of(directory).map_err(of_system)?.files;
    let mut files: Vec<_> = files.into_iter().map(Examined::unasked).collect();
    examine(&mut files)?;
    files.retain(|file| file.evidence.is_some());
    Ok(State::Listed { owner, files })
}

/// What an environment names, if it names a directory.
fn named_in(environment: &[u8]) -> Option<PathBuf> {
    use std::os::unix::ffi::OsStrExt;

    let value_of = |variable: &str| {
        let mut assignments = environment.split(|byte| *byte == 0);
        assignments.find_map(|one| one.strip_prefix(variable.as_bytes())?.strip_prefix(b"="))
    };
    // The client looks at the other one only where this one is not set, even to nothing.
    let value = VARIABLES.into_iter().find_map(value_of)?;
    (!value.is_empty()).then(|| PathBuf::from(OsStr::from_bytes(value)))
}

/// The environment that a process was started with.
fn environment(process: &Path) -> io::Result<Vec<u8>> {
    use std::io::Read;

    // A process may make its environment as long as its memory; the system starts none with more.
    const LONGEST_BYTES: u64 = 8 << 20;
    let mut text = Vec::new();
    std::fs::File::open(process.join("environ"))?.take(LONGEST_BYTES).read_to_end(&mut text)?;
    Ok(text)
}

/// Whether a process is an interpreter of Python, or has one in it, as uWSGI does.
fn is_python(process: &Path) -> bool {
    let program = std::fs::read_link(process.join("exe")).ok();
    let program = program.as_deref().and_then(Path::file_name).unwrap_or_default().to_string_lossy();
    ["python", "pypy", "uwsgi"].iter().any(|name| program.contains(name))
        || std::fs::read(process.join("maps"))
            .is_ok_and(|maps| maps.windows(b"/libpython".len()).any(|window| window == b"/libpython"))
}

/// Whether it is a thread of the kernel, which has neither environment nor files.
fn is_of_kernel(process: &Path) -> bool {
    const PF_KTHREAD: u32 = 0x0020_0000;
    // `PID (NAME) STATE PPID PGRP SESSION TTY TPGID FLAGS …`; a name may hold anything.
    let stat = std::fs::read_to_string(process.join("stat")).unwrap_or_default();
    let flags = stat.rsplit(')').next().and_then(|rest| rest.split_whitespace().nth(6)?.parse::<u32>().ok());
    flags.is_some_and(|flags| flags & PF_KTHREAD != 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_directory_that_an_environment_names() {
        for (environment, named) in [
            (&b"HOME=/root\0PROMETHEUS_MULTIPROC_DIR=/run/app\0"[..], Some("/run/app")),
            (b"prometheus_multiproc_dir=/old\0PROMETHEUS_MULTIPROC_DIR=new", Some("new")),
            (b"prometheus_multiproc_dir=/old\0", Some("/old")),
            (b"prometheus_multiproc_dir=/old\0PROMETHEUS_MULTIPROC_DIR=\0", None),
            (b"XPROMETHEUS_MULTIPROC_DIR=/run\0PROMETHEUS_MULTIPROC_DIRECTORY=/run\0", None),
            (b"", None),
        ] {
            assert_eq!(named_in(environment), named.map(PathBuf::from), "{environment:?}");
        }
    }
}
