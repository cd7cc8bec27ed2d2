//! Directories and files: finds metric files, reads their entries, and puts paths on errors.

use std::fmt;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::format::{DbName, FormatError, KeyError};

/// A metric file in a directory.
#[derive(Clone, Debug)]
pub struct DbFile {
    directory: Arc<Path>,
    /// What the file's name says.
    pub name: DbName,
}

impl DbFile {
    /// The file of that path; `None` if no client gives such a name.
    pub fn at(path: &Path) -> Option<Self> {
        let name = DbName::parse(path.file_name()?.to_str()?)?;
        Some(Self { directory: path.parent()?.into(), name })
    }

    /// The directory as it was given, and the file's name.
    pub fn path(&self) -> PathBuf {
        self.directory.join(self.name.file_name())
    }

    /// The directory that the file is in.
    pub fn directory(&self) -> &Path {
        // That of a name alone is the one that we are in.
        if self.directory.as_os_str().is_empty() { Path::new(".") } else { &self.directory }
    }
}

/// Something in a directory that was left out of the result, or of which only a part counts.
#[derive(Debug)]
pub struct Problem {
    /// The file concerned.
    pub path: PathBuf,
    /// What is wrong with it.
    pub kind: ProblemKind,
}

/// Why a file, or a part of it, was left out.
#[derive(Debug, thiserror::Error)]
pub enum ProblemKind {
    /// A `*.db` name that the client does not give.
    #[error("left out: not a name of a metric file ({{type}}_{{pid}}.db or gauge_{{mode}}_{{pid}}.db)")]
    Name,
    /// A directory, FIFO, socket or device; it was not opened.
    #[error("left out: not a regular file")]
    NotAFile,
    /// The file cannot be opened or read.
    #[error("left out: {0}")]
    Io(io::Error),
    /// The bytes break a rule of the format; entries before that offset count.
    #[error(transparent)]
    Format(FormatError),
    /// Entries whose key cannot be understood are left out, the others count.
    #[error("byte {offset}: entry left out: {error}{}", and_more(*.more))]
    Key {
        /// Where the first such entry starts, in bytes.
        offset: u64,
        /// What is wrong with its key.
        error: KeyError,
        /// How many more such entries the file has.
        more: usize,
    },
}

fn and_more(more: usize) -> String {
    if more == 0 { String::new() } else { format!(" (and {more} more entries)") }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.path.display(), self.kind)
    }
}

impl std::error::Error for Problem {}

/// A path that cannot be worked on at all.
#[derive(Debug, thiserror::Error)]
pub enum DirectoryError {
    /// There is nothing of that name.
    #[error("{}: no such file or directory", .0.display())]
    Missing(PathBuf),
    /// The path is neither a directory nor a regular file.
    #[error("{}: neither a directory nor a regular file", .0.display())]
    Kind(PathBuf),
    /// A file was named whose name no client gives.
    #[error("{}: {}", .0.display(), ProblemKind::Name)]
    Name(PathBuf),
    /// The directory cannot be listed.
    #[error("{}: {error}", path.display())]
    Io {
        /// The directory.
        path: PathBuf,
        /// What the system said; part of this error's text, and so not its source.
        error: io::Error,
    },
    /// Files vanished while they were read, each time.
    #[error("{}: vanished while it was read, as others did in {tries} scans of the directory", path.display())]
    KeepsChanging {
        /// The file that vanished last.
        path: PathBuf,
        /// How often the directory was scanned.
        tries: usize,
    },
}

/// The metric files found, in the order in which they are to be read, and what was passed over.
#[derive(Debug, Default)]
pub struct Scan {
    /// Metric files; those of one directory in byte order of their names.
    pub files: Vec<DbFile>,
    /// What looked like a metric file and is none.
    pub left_out: Vec<Problem>,
}

/// Lists the metric files of a directory: what the client's `glob('*.db')` finds there, without
/// what no client wrote. Sub-directories are not entered; names that begin with a dot are not seen.
///
/// # Errors
/// [`DirectoryError`] if the directory does not exist or cannot be listed.
pub fn scan(directory: &Path) -> Result<Scan, DirectoryError> {
    let io_error = |error: io::Error| match error.kind() {
        io::ErrorKind::NotFound => DirectoryError::Missing(directory.to_owned()),
        _ => DirectoryError::Io { path: directory.to_owned(), error },
    };
    let mut found = Scan::default();
    let shared: Arc<Path> = directory.into();
    for entry in fs::read_dir(directory).map_err(io_error)? {
        let entry = entry.map_err(io_error)?;
        let file_name = entry.file_name();
        let bytes = file_name.as_encoded_bytes();
        if bytes.starts_with(b".") || !bytes.ends_with(b".db") {
            continue;
        }
        let Some(name) = file_name.to_str().and_then(DbName::parse) else {
            found.left_out.push(Problem { path: entry.path(), kind: ProblemKind::Name });
            continue;
        };
        // A link is followed, as the client's open() does. What vanished is reading's business.
        let is_file = match entry.file_type() {
            Ok(kind) if kind.is_symlink() => fs::metadata(entry.path()).is_ok_and(|m| m.is_file()),
            Ok(kind) => kind.is_file(),
            Err(_) => true,
        };
        if is_file {
            found.files.push(DbFile { directory: Arc::clone(&shared), name });
        } else {
            found.left_out.push(Problem { path: entry.path(), kind: ProblemKind::NotAFile });
        }
    }
    found.files.sort_unstable_by(|a, b| a.name.file_name().cmp(b.name.file_name()));
    found.left_out.sort_unstable_by(|a, b| a.path.cmp(&b.path));
    Ok(found)
}

/// Lists the metric files of several paths, directories or files, in the order given. Files count
/// as one directory that stands where the first of them does: the order in which a shell expands
/// `*.db` depends on its locale, the result must not. A file reached twice is taken once.
///
/// `recursive` takes all directories below a directory as well, in byte order of their paths.
///
/// # Errors
/// [`DirectoryError`] for the first path that does not exist, cannot be listed, or is not ours.
pub fn scan_all(paths: &[PathBuf], recursive: bool) -> Result<Scan, DirectoryError> {
    if let ([directory], false) = (paths, recursive)
        && directory.is_dir()
    {
        return scan(directory);
    }
    let mut found = Scan::default();
    let mut named = Vec::new();
    let mut named_at = None;
    for path in paths {
        let kind = fs::metadata(path).map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => DirectoryError::Missing(path.clone()),
            _ => DirectoryError::Io { path: path.clone(), error },
        })?;
        if kind.is_dir() {
            let mut directories = vec![path.clone()];
            if recursive {
                directories_below(path, &mut directories)?;
                directories.sort_unstable_by(|a, b| a.as_os_str().cmp(b.as_os_str()));
            }
            for directory in directories {
                let scan = scan(&directory)?;
                found.files.extend(scan.files);
                found.left_out.extend(scan.left_out);
            }
        } else if kind.is_file() {
            named_at.get_or_insert(found.files.len());
            named.push(DbFile::at(path).ok_or_else(|| DirectoryError::Name(path.clone()))?);
        } else {
            return Err(DirectoryError::Kind(path.clone()));
        }
    }
    let order = |file: &DbFile| (file.name.file_name().to_owned(), Arc::clone(&file.directory));
    named.sort_by_cached_key(order);
    let at = named_at.unwrap_or_default();
    found.files.splice(at..at, named);
    drop_doubles(&mut found.files);
    Ok(found)
}

/// Adds all directories below `directory`, without following links.
fn directories_below(directory: &Path, found: &mut Vec<PathBuf>) -> Result<(), DirectoryError> {
    let io_error = |error| DirectoryError::Io { path: directory.to_owned(), error };
    for entry in fs::read_dir(directory).map_err(io_error)? {
        let entry = entry.map_err(io_error)?;
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            let path = entry.path();
            directories_below(&path, found)?;
            found.push(path);
        }
    }
    Ok(())
}

/// Keeps the first of the entries that are one and the same file.
fn drop_doubles(files: &mut Vec<DbFile>) {
    use std::os::unix::fs::MetadataExt;
    let mut seen = std::collections::HashSet::new();
    files.retain(|file| fs::metadata(file.path()).map_or(true, |m| seen.insert((m.dev(), m.ino()))));
}
