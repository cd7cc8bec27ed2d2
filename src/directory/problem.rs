//! What is wrong with a path, a file, or a part of one.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use crate::format::{FormatError, KeyError};
use crate::notation::with_causes;

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
#[non_exhaustive]
pub enum ProblemKind {
    /// A `*.db` name that the client does not give.
    #[error("left out: not a name of a metric file ({{type}}_{{pid}}.db or gauge_{{mode}}_{{pid}}.db)")]
    Name,
    /// A link; it was not followed.
    #[error("left out: a link; links are not followed")]
    Link,
    /// A link to a directory, below one that was given with all below it; it was not followed.
    #[error("left out: a link to a directory; -r does not follow links")]
    LinkedDirectory,
    /// A directory, FIFO, socket or device; it was not opened.
    #[error("left out: not a regular file")]
    NotAFile,
    /// The file cannot be opened or read.
    #[error("left out")]
    Io(#[source] io::Error),
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
        write!(f, "{}: {}", self.path.display(), with_causes(&self.kind))
    }
}

/// A path that cannot be worked on at all.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DirectoryError {
    /// There is nothing of that name.
    #[error("{}: no such file or directory", .0.display())]
    Missing(PathBuf),
    /// A directory without metric files, below which there are some that were not asked for.
    #[error("{}: no metric files here, but in directories below it, e.g. {}", path.display(), below.display())]
    OnlyBelow {
        /// The directory.
        path: PathBuf,
        /// One below it that has some.
        below: PathBuf,
    },
    /// The path is neither a directory nor a regular file.
    #[error("{}: neither a directory nor a regular file", .0.display())]
    Kind(PathBuf),
    /// The path's last part is a link that does not belong to root, the caller, or the owner of what it
    /// leads to.
    #[error(
        "{}: a link{}, which is not followed: it belongs neither to root, nor to you, nor to the owner of what it \
         leads to",
        path.display(),
        owner.map_or_else(String::new, |owner| format!(" of user {owner}"))
    )]
    Link {
        /// The path.
        path: PathBuf,
        /// The link's owner, where that can be told.
        owner: Option<u32>,
    },
    /// A file was named whose name no client gives.
    #[error("{}: {}", .0.display(), ProblemKind::Name)]
    Name(PathBuf),
    /// The directory cannot be listed.
    #[error("{}", path.display())]
    Io {
        /// The directory.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
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

impl DirectoryError {
    /// That the system refuses a path.
    pub(crate) fn of_system(path: &Path, error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::NotFound => Self::Missing(path.to_owned()),
            _ => Self::Io { path: path.to_owned(), source: error },
        }
    }
}
