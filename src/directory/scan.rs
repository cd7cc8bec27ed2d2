//! Which metric files paths lead to, in the order in which they are to be read.

use std::collections::{HashMap, HashSet, VecDeque};
use std::ffi::OsString;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::compaction::BARRIER;
use super::contents::{Contents, MetricFile, Other, OtherKind, Place};
use super::shared::{self, Unlocked};
use super::{Directory, DirectoryError, FileId, InDirectory, Problem, ProblemKind};
use crate::format::MetricFileName;

/// So many directories are looked into for metric files that were not asked for.
const LOOKED_INTO: usize = 10_000;

/// So many directories of a tree are locked.
const MOST_LOCKED: usize = 256;

/// How often a directory is scanned when files vanish while they are read.
const TRIES: usize = 3;

/// The metric files found, in the order in which they are to be read, and what was passed over.
#[derive(Debug, Default)]
pub struct Scan {
    /// Metric files; those of one directory in byte order of their names.
    pub files: Vec<MetricFile>,
    /// What looked like a metric file and is none.
    pub left_out: Vec<Problem>,
    /// The directories that were listed, in their order.
    pub directories: Vec<Listed>,
    /// Those that are read without keeping compactions off them.
    unlocked: Vec<Unlocked>,
}

/// A directory that was listed, and what in it is no metric file.
#[derive(Debug)]
pub struct Listed {
    /// The directory.
    pub directory: Arc<Directory>,
    /// What the client does not see: names that do not end in `.db`, or begin with a dot, but for those of
    /// promproc's own.
    pub unseen: Vec<Other>,
    /// Files that promproc left behind.
    pub leftovers: Vec<Place>,
}

/// A file that was listed is not there any more.
#[derive(Debug, thiserror::Error)]
#[error("{}: vanished since the directory was listed", .0.display())]
pub struct Vanished(pub PathBuf);

/// Lists the metric files of a directory: what the client's `glob('*.db')` finds there, without
/// what no client wrote. Sub-directories are not entered; names that begin with a dot are not seen.
///
/// # Errors
/// [`DirectoryError`] if the directory does not exist or cannot be listed.
pub fn scan(directory: &Path) -> Result<Scan, DirectoryError> {
    let mut found = Scan::default();
    found.add(&open(directory)?)?;
    Ok(found)
}

/// Lists the metric files of several paths, directories or files, in the order given. Files count
/// as one directory that stands where the first of them does: the order in which a shell expands
/// `*.db` depends on its locale, the result must not. A file reached twice is taken once.
///
/// `recursive` takes all directories below a directory as well, in byte order of their paths.
///
/// # Errors
/// [`DirectoryError`] for the first path that does not exist, cannot be listed, or is not ours; without
/// `recursive`, also for a directory that has metric files only below it.
pub fn scan_all(paths: &[PathBuf], recursive: bool) -> Result<Scan, DirectoryError> {
    let mut found = Scan::default();
    let mut named = Vec::new();
    let mut named_at = None;
    let mut parents: HashMap<PathBuf, Arc<Directory>> = HashMap::new();
    for path in paths {
        let kind = fs::metadata(path).map_err(|error| DirectoryError::of_system(path, error))?;
        if kind.is_dir() {
            let directory = open(path)?;
            if recursive {
                found.add_tree(directory)?;
            } else {
                let before = found.files.len();
                let below = found.add(&directory)?;
                if found.files.len() == before
                    && let Some(below) = first_with_files(directory, below)
                {
                    return Err(DirectoryError::OnlyBelow { path: path.clone(), below });
                }
            }
        } else if path.file_name().is_some_and(|name| name == BARRIER) {
            // A shell's `*.db` finds it, too.
        } else if kind.is_file() {
            named_at.get_or_insert(found.files.len());
            named.push(file_at(path, &mut parents)?);
        } else {
            return Err(DirectoryError::Kind(path.clone()));
        }
    }
    named.sort_by_cached_key(|file| (file.name.file_name().to_owned(), file.directory.path().to_owned()));
    let at = named_at.unwrap_or_default();
    found.files.splice(at..at, named);
    if recursive || paths.len() > 1 {
        drop_doubles(&mut found.files);
    }
    Ok(found)
}

/// Scans paths as [`scan_all`] does, and hands the result to `read`; again, at most three times, where a
/// file has vanished meanwhile.
///
/// # Errors
/// [`DirectoryError`] as [`scan_all`], and where files vanish each time.
pub fn scan_until_whole<T>(
    paths: &[PathBuf],
    recursive: bool,
    mut read: impl FnMut(Scan) -> Result<T, Vanished>,
) -> Result<T, DirectoryError> {
    let mut vanished = PathBuf::new();
    for _ in 0..TRIES {
        let mut scan = scan_all(paths, recursive)?;
        let unlocked = std::mem::take(&mut scan.unlocked);
        match read(scan) {
            Ok(whole) => match unlocked.iter().find(|directory| !directory.is_as_it_was()) {
                None => return Ok(whole),
                Some(changed) => vanished = changed.directory().path().to_owned(),
            },
            Err(Vanished(path)) => vanished = path,
        }
    }
    Err(DirectoryError::KeepsChanging { path: vanished, tries: TRIES })
}

impl Scan {
    /// What there is to read in a directory that was listed.
    pub(crate) fn of(directory: &Arc<Directory>, contents: Contents) -> Self {
        let mut found = Self::default();
        found.add_contents(directory, contents);
        found
    }

    /// Adds the files of a directory that is to be read. Returns the names of the directories in it.
    fn add(&mut self, directory: &Arc<Directory>) -> Result<Vec<OsString>, DirectoryError> {
        let of_system = |error| DirectoryError::of_system(directory.path(), error);
        let (contents, is_locked) = shared::list(directory).map_err(of_system)?;
        if !is_locked {
            self.unlocked.push(Unlocked::of(directory, &contents));
        }
        Ok(self.add_contents(directory, contents))
    }

    /// Adds the files of one more of so many directories that a lock on each would take too many descriptors.
    fn add_unlocked(&mut self, directory: &Arc<Directory>) -> Result<Vec<OsString>, DirectoryError> {
        let of_system = |error| DirectoryError::of_system(directory.path(), error);
        let contents = Contents::of(directory).map_err(of_system)?;
        self.unlocked.push(Unlocked::of(directory, &contents));
        Ok(self.add_contents(directory, contents))
    }

    fn add_contents(&mut self, directory: &Arc<Directory>, contents: Contents) -> Vec<OsString> {
        let Contents { files, leftovers, others } = contents;
        self.files.extend(files);
        let below = others.iter().filter(|other| other.kind == OtherKind::Directory);
        let below = below.map(|other| other.name.clone()).collect();
        let (seen, unseen): (Vec<_>, Vec<_>) = others.into_iter().partition(Other::is_seen_by_client);
        self.left_out.extend(seen.into_iter().map(|other| Problem {
            path: directory.path_of(&other.name),
            kind: match other.kind {
                OtherKind::Link => ProblemKind::Link,
                _ if other.has_metric_name() => ProblemKind::NotAFile,
                _ => ProblemKind::Name,
            },
        }));
        self.directories.push(Listed { directory: Arc::clone(directory), unseen, leftovers });
        below
    }

    /// Adds the files of a directory and of all below it, in byte order of their paths. Links are not
    /// followed.
    fn add_tree(&mut self, top: Arc<Directory>) -> Result<(), DirectoryError> {
        let mut waiting = vec![top];
        let mut trees = Vec::new();
        // Of directories reached, and links to directories with what they lead to.
        let (mut reached, mut links) = (HashSet::new(), Vec::new());
        while let Some(directory) = waiting.pop() {
            let mut found = Self::default();
            reached.extend(directory.own_metadata().ok().map(|metadata| FileId::of(&metadata)));
            let added = match trees.len() {
                ..MOST_LOCKED => found.add(&directory),
                _ => found.add_unlocked(&directory),
            };
            match added {
                Ok(below) => {
                    for name in below {
                        match directory.open_below(&name) {
                            Ok(directory) => waiting.push(Arc::new(directory)),
                            Err(error) => found.leave_out(directory.path_of(&name), error),
                        }
                    }
                }
                Err(error) if trees.is_empty() => return Err(error),
                // Of a tree the rest is there.
                Err(DirectoryError::Io { path, source }) => found.leave_out(path, source),
                // It has vanished.
                Err(_) => {}
            }
            links.extend(found.linked_directories(&directory));
            trees.push((directory, found));
        }
        trees.sort_unstable_by(|(a, _), (b, _)| a.path().as_os_str().cmp(b.path().as_os_str()));
        for (_, found) in trees {
            self.files.extend(found.files);
            self.left_out.extend(found.left_out);
            self.directories.extend(found.directories);
            self.unlocked.extend(found.unlocked);
        }
        // What is reached another way is not left out.
        links.retain(|(_, target)| !reached.contains(target));
        links.sort_unstable_by(|(a, _), (b, _)| a.as_os_str().cmp(b.as_os_str()));
        let left_out =
            links.into_iter().map(|(path, _)| Problem { path, kind: ProblemKind::LinkedDirectory });
        self.left_out.extend(left_out);
        Ok(())
    }

    /// The links in a directory that was listed which lead to directories, and to which.
    fn linked_directories(&self, directory: &Directory) -> Vec<(PathBuf, FileId)> {
        let unseen = self.directories.iter().flat_map(|listed| &listed.unseen);
        let foreign = unseen.filter(|other| other.kind == OtherKind::Foreign);
        let link =
            |other: &Other| Some((directory.path_of(&other.name), directory.directory_at(&other.name)?));
        foreign.filter_map(link).collect()
    }
}

impl Scan {
    fn leave_out(&mut self, path: PathBuf, error: io::Error) {
        // What has vanished since its directory was listed is none of it.
        if error.kind() != io::ErrorKind::NotFound {
            self.left_out.push(Problem { path, kind: ProblemKind::Io(error) });
        }
    }
}

/// A directory below this one that has metric files; `names` are those of the directories in this one.
/// What cannot be looked into has none.
fn first_with_files(directory: Arc<Directory>, names: Vec<OsString>) -> Option<PathBuf> {
    let mut waiting = VecDeque::from([(directory, names)]);
    let mut looked_into = 0;
    while let Some((directory, names)) = waiting.pop_front() {
        for name in names {
            looked_into += 1;
            if looked_into > LOOKED_INTO {
                return None;
            }
            let Ok(below) = directory.open_below(&name).map(Arc::new) else { continue };
            let Ok(contents) = Contents::of(&below) else { continue };
            let mut found = Scan::default();
            let names = found.add_contents(&below, contents);
            if !found.files.is_empty() {
                return Some(below.path().to_owned());
            }
            waiting.push_back((below, names));
        }
    }
    None
}

fn open(path: &Path) -> Result<Arc<Directory>, DirectoryError> {
    Directory::open(path).map(Arc::new).map_err(|error| DirectoryError::of_system(path, error))
}

/// The metric file of that path.
fn file_at(
    path: &Path,
    parents: &mut HashMap<PathBuf, Arc<Directory>>,
) -> Result<MetricFile, DirectoryError> {
    let name = path.file_name().and_then(|name| name.to_str()?.parse::<MetricFileName>().ok());
    let (Some(name), Some(parent)) = (name, path.parent()) else {
        return Err(DirectoryError::Name(path.to_owned()));
    };
    let directory = match parents.get(parent) {
        Some(directory) => Arc::clone(directory),
        None => {
            let opened = Directory::open(parent).map_err(|error| DirectoryError::of_system(path, error))?;
            Arc::clone(parents.entry(parent.to_owned()).or_insert(Arc::new(opened)))
        }
    };
    Ok(MetricFile { directory, name, aside: None })
}

/// Keeps the first of the entries that are one and the same file.
fn drop_doubles(files: &mut Vec<MetricFile>) {
    let mut seen = HashSet::new();
    files.retain(|file| match file.directory.metadata(file.file_name()) {
        Ok(metadata) => seen.insert(FileId::of(&metadata)),
        Err(_) => true,
    });
}
