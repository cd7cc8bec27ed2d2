//! The process table: who has a file open, and which process has a number.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use sysinfo::{Pid, ProcessRefreshKind, ProcessStatus, ProcessesToUpdate, System, UpdateKind};

use super::held::held_by;
use super::view::View;
use crate::directory::FileId;

/// A process, for people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Process {
    /// Its number, as seen from here.
    pub pid: u32,
    /// Its program's name.
    pub name: String,
    /// When it started, to the second.
    pub started: SystemTime,
}

impl Process {
    /// The number of the user as whom it runs, if it can be seen.
    pub fn user(&self) -> Option<u32> {
        use std::os::unix::fs::MetadataExt;

        std::fs::metadata(format!("/proc/{}", self.pid)).ok().map(|metadata| metadata.uid())
    }

    /// Its command line, which may hold secrets; `None` if it has none, has ended, or is not shown to the
    /// caller.
    pub fn command_line(&self) -> Option<String> {
        let pid = Pid::from_u32(self.pid);
        let mut system = new_system();
        let wanted = ProcessRefreshKind::nothing().without_tasks().with_cmd(UpdateKind::Always);
        system.refresh_processes_specifics(ProcessesToUpdate::Some(&[pid]), true, wanted);
        let process = system.process(pid).filter(|process| describe(process) == *self)?;
        let words: Vec<_> = process.cmd().iter().map(|word| word.to_string_lossy()).collect();
        Some(words.join(" ")).filter(|line| !line.trim().is_empty())
    }
}

impl fmt::Display for Process {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.pid, self.name)
    }
}

/// All processes that can be seen, at one moment.
pub(super) struct Processes {
    system: Option<System>,
}

/// A process that runs.
pub(super) struct Running {
    pub(super) process: Process,
    /// Where /proc shows what it has.
    pub(super) path: PathBuf,
    pub(super) parent: Option<u32>,
}

/// What the process table says of a number.
pub(super) enum Number {
    /// There is no such process.
    Free,
    /// It ended, and its parent has not been told.
    Zombie,
    Process(Process),
    /// The table does not show all processes.
    Hidden,
}

impl Processes {
    pub(super) fn list() -> Self {
        let system = numbers_are_ours().then(|| {
            let mut system = new_system();
            // Tasks are threads: a number that only a thread has is no process.
            let wanted = ProcessRefreshKind::nothing().without_tasks();
            system.refresh_processes_specifics(ProcessesToUpdate::All, true, wanted);
            system
        });
        Self { system }
    }

    /// All processes but this one that have not ended; `None` where they do not show.
    pub(super) fn running(&self) -> Option<Vec<Running>> {
        let own = Pid::from_u32(std::process::id());
        let others = self.system.as_ref()?.processes().iter().filter(|(pid, _)| **pid != own);
        let running = others.filter_map(|(pid, process)| {
            // Where the first thread has ended, the others have what is open.
            let path = match has_ended(process) {
                true => other_threads(pid.as_u32()).into_iter().next()?,
                false => PathBuf::from(format!("/proc/{pid}")),
            };
            let parent = process.parent().map(Pid::as_u32);
            Some(Running { process: describe(process), path, parent })
        });
        let mut running: Vec<_> = running.collect();
        running.sort_unstable_by_key(|running| running.process.pid);
        Some(running)
    }

    pub(super) fn number(&self, pid: u32) -> Number {
        let Some(system) = &self.system else {
            return Number::Hidden;
        };
        match system.process(Pid::from_u32(pid)) {
            // Every pid namespace has a process 1. Where it does not show, neither may others
            // (/proc with hidepid).
            None if system.process(Pid::from_u32(1)).is_none() => Number::Hidden,
            None => Number::Free,
            Some(found) if has_ended(found) && !has_living_threads(pid) => Number::Zombie,
            Some(found) => Number::Process(describe(found)),
        }
    }

    /// Looks through the open files and mappings of all other processes.
    pub(super) fn holders<'a>(&self, files: impl Iterator<Item = (FileId, &'a str)>) -> Holders {
        let mut holders = Holders::default();
        let Some(system) = &self.system else {
            return holders;
        };
        let mut wanted: HashMap<u64, Vec<(FileId, &str)>> = HashMap::new();
        for (id, file_name) in files {
            wanted.entry(id.inode).or_default().push((id, file_name));
        }
        let own = Pid::from_u32(std::process::id());
        // promproc writes no metrics, whatever number it got.
        holders.inspected.insert(own.as_u32());
        // Where process 1 does not show, neither may others (/proc with hidepid).
        holders.is_complete = system.process(Pid::from_u32(1)).is_some();
        for (pid, process) in system.processes().iter().filter(|(pid, _)| **pid != own) {
            // Where the first thread has ended, the others have what is open.
            let held = if has_ended(process) {
                held_by_threads(pid.as_u32(), &wanted)
            } else {
                held_files(Path::new(&format!("/proc/{pid}")), &wanted)
            };
            match held {
                Ok(held) => {
                    holders.inspected.insert(pid.as_u32());
                    for id in held {
                        holders.by_file.entry(id).or_default().push(describe(process));
                    }
                }
                // It has ended.
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(_) => holders.is_complete = false,
            }
        }
        for processes in holders.by_file.values_mut() {
            processes.sort_unstable_by_key(|process| process.pid);
        }
        holders
    }
}

/// Metric files that have no name any more, but are open in a process.
#[derive(Clone, Debug)]
pub struct RemovedFiles {
    /// Who has them open.
    pub process: Process,
    /// Where they were.
    pub directory: PathBuf,
    /// What they were called.
    pub names: BTreeSet<String>,
}

/// The metric files that were removed from these directories while a process that can be seen had,
/// and has, them open. A directory may be gone, too; and a process may reach it by another path.
pub fn removed_files<'a>(directories: impl IntoIterator<Item = &'a Path>) -> Vec<RemovedFiles> {
    let directories = directories.into_iter().filter_map(|path| Some((identity(path)?, path)));
    let directories: HashMap<_, &Path> = directories.collect();
    let mut found = Vec::new();
    for running in Processes::list().running().unwrap_or_default() {
        let mut held = held_by(&running.path).unwrap_or_default();
        held.retain(|file| file.is_removed);
        // Only of a process that has some it is asked how it sees the file system.
        let Some(view) = held.first().and_then(|_| View::of(&running.path).ok()) else {
            continue;
        };
        let mut by_directory: BTreeMap<&Path, BTreeSet<String>> = BTreeMap::new();
        for file in held {
            let path = view.held(file.directory).path_by(&running.path);
            if let Some(directory) = identity(&path).and_then(|identity| directories.get(&identity)) {
                by_directory.entry(directory).or_default().insert(file.name);
            }
        }
        found.extend(by_directory.into_iter().map(|(directory, names)| RemovedFiles {
            process: running.process.clone(),
            directory: directory.to_owned(),
            names,
        }));
    }
    found
}

/// What makes two paths one: the directory, or the nearest one above that is not gone, and the rest.
fn identity(path: &Path) -> Option<(FileId, PathBuf)> {
    path.ancestors().find_map(|above| {
        let reached = if above.as_os_str().is_empty() { Path::new(".") } else { above };
        let metadata = std::fs::metadata(reached).ok()?;
        Some((FileId::of(&metadata), path.strip_prefix(above).ok()?.to_owned()))
    })
}

/// Which processes have which file open.
#[derive(Default)]
pub(super) struct Holders {
    by_file: HashMap<FileId, Vec<Process>>,
    /// Processes of which every open file could be seen.
    inspected: HashSet<u32>,
    /// Whether that is so of all processes.
    is_complete: bool,
}

impl Holders {
    pub(super) fn of(&self, id: FileId) -> &[Process] {
        self.by_file.get(&id).map_or(&[], Vec::as_slice)
    }

    /// Whether the open files and mappings of all processes could be seen.
    pub(super) fn is_complete(&self) -> bool {
        self.is_complete
    }

    pub(super) fn is_inspected(&self, pid: u32) -> bool {
        self.inspected.contains(&pid)
    }
}

/// A process table that keeps no file of /proc open: sysinfo would keep one per process, as many as half
/// of the descriptors that promproc may have.
fn new_system() -> System {
    sysinfo::set_open_files_limit(0);
    System::new()
}

fn describe(process: &sysinfo::Process) -> Process {
    Process {
        pid: process.pid().as_u32(),
        name: process.name().to_string_lossy().into_owned(),
        started: UNIX_EPOCH + Duration::from_secs(process.start_time()),
    }
}

fn has_ended(process: &sysinfo::Process) -> bool {
    matches!(process.status(), ProcessStatus::Zombie | ProcessStatus::Dead)
}

/// The numbers of a process's threads but for the first, which has that of the process.
fn other_threads(pid: u32) -> Vec<PathBuf> {
    let threads = std::fs::read_dir(format!("/proc/{pid}/task")).into_iter().flatten().flatten();
    threads.map(|thread| thread.path()).filter(|thread| !thread.ends_with(pid.to_string())).collect()
}

/// Whether a process whose first thread has ended goes on in others.
fn has_living_threads(pid: u32) -> bool {
    !other_threads(pid).is_empty()
}

/// Which of the files (by inode) the threads of a process have open whose first thread has ended.
fn held_by_threads(pid: u32, wanted: &HashMap<u64, Vec<(FileId, &str)>>) -> std::io::Result<HashSet<FileId>> {
    let mut held = HashSet::new();
    for thread in other_threads(pid) {
        held.extend(held_files(&thread, wanted)?);
    }
    Ok(held)
}

/// Whether /proc counts processes as this one does; not where it is missing or belongs to another
/// pid namespace.
#[cfg(target_os = "linux")]
fn numbers_are_ours() -> bool {
    std::fs::read_link("/proc/self").is_ok_and(|pid| pid.as_os_str() == &*std::process::id().to_string())
}

#[cfg(not(target_os = "linux"))]
fn numbers_are_ours() -> bool {
    true
}

/// Which of the files (by inode) a process has open or mapped for writing; an error if that cannot be seen.
#[cfg(target_os = "linux")]
fn held_files(
    process: &Path,
    wanted: &HashMap<u64, Vec<(FileId, &str)>>,
) -> std::io::Result<HashSet<FileId>> {
    use std::fs;
    use std::os::unix::fs::MetadataExt;

    let mut held = HashSet::new();
    for entry in fs::read_dir(process.join("fd"))? {
        let link = entry?.path();
        // Sockets and pipes have no path. A descriptor may be closed before it is looked at.
        if fs::read_link(&link).is_ok_and(|target| target.is_absolute())
            && let Ok(metadata) = fs::metadata(&link)
            && wanted.contains_key(&metadata.ino())
            // The link's own permissions say what it was opened for.
            && fs::symlink_metadata(&link).is_ok_and(|link| link.mode() & 0o200 != 0)
        {
            held.insert(FileId::of(&metadata));
        }
    }
    // A line: range, permissions, offset, device, inode, path.
    for line in fs::read(process.join("maps"))?.split(|byte| *byte == b'\n') {
        let mut fields = line.split(|byte| *byte == b' ').skip(1);
        let (Some(permissions), _, Some(device), Some(inode)) =
            (fields.next(), fields.next(), fields.next(), fields.next())
        else {
            continue;
        };
        // `rw-s`: written, and not for itself alone.
        if !permissions.contains(&b'w') || !permissions.ends_with(b"s") {
            continue;
        }
        let Some(files) = number(inode, 10).and_then(|inode| wanted.get(&inode)) else {
            continue;
        };
        let name = line.rsplit(|byte| *byte == b'/').next();
        // On btrfs and overlayfs the device is not the one that stat(2) gives; then the name tells.
        let is_it = |(id, file_name): &&(FileId, &str)| {
            device_number(device) == Some(id.device) || name == Some(file_name.as_bytes())
        };
        held.extend(files.iter().filter(is_it).map(|(id, _)| *id));
    }
    Ok(held)
}

#[cfg(not(target_os = "linux"))]
fn held_files(_: &Path, _: &HashMap<u64, Vec<(FileId, &str)>>) -> std::io::Result<HashSet<FileId>> {
    Err(std::io::ErrorKind::Unsupported.into())
}

#[cfg(target_os = "linux")]
fn number(digits: &[u8], radix: u32) -> Option<u64> {
    u64::from_str_radix(std::str::from_utf8(digits).ok()?, radix).ok()
}

/// `fe:00` in /proc/PID/maps as stat(2) counts devices.
#[cfg(target_os = "linux")]
fn device_number(text: &[u8]) -> Option<u64> {
    let colon = text.iter().position(|byte| *byte == b':')?;
    let part = |digits| number(digits, 16).and_then(|part| u32::try_from(part).ok());
    Some(libc::makedev(part(&text[..colon])?, part(&text[colon + 1..])?))
}
