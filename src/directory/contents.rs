//! What stands in a directory, told apart in one place.

use std::ffi::{OsStr, OsString};
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::sync::Arc;

use compact_str::CompactString;
use rustix::fs::{self, AtFlags, Dir, FileType, OFlags};

use super::own::{OWN_PREFIX, name_before};
use super::{Directory, InDirectory};
use crate::format::MetricFileName;

/// A metric file in a directory.
#[derive(Clone, Debug)]
pub struct MetricFile {
    pub(super) directory: Arc<Directory>,
    /// What the file's name says.
    pub name: MetricFileName,
}

impl InDirectory for MetricFile {
    fn directory(&self) -> &Arc<Directory> {
        &self.directory
    }

    fn file_name(&self) -> &str {
        self.name.file_name()
    }
}

/// A name in a directory.
#[derive(Clone, Debug)]
pub struct Place {
    directory: Arc<Directory>,
    name: CompactString,
}

impl Place {
    /// That name in a directory, whether or not something stands there.
    pub fn new(directory: &Arc<Directory>, name: &str) -> Self {
        Self { directory: Arc::clone(directory), name: name.into() }
    }

    /// Of a file on its way out: the name that it had before.
    pub(crate) fn name_before_removal(&self) -> Option<&str> {
        name_before(&self.name)
    }

    /// Whether something stands there; a link that leads nowhere does.
    pub fn exists(&self) -> bool {
        fs::statat(&*self.directory, &*self.name, AtFlags::SYMLINK_NOFOLLOW).is_ok()
    }
}

impl InDirectory for Place {
    fn directory(&self) -> &Arc<Directory> {
        &self.directory
    }

    fn file_name(&self) -> &str {
        &self.name
    }
}

impl From<MetricFile> for Place {
    fn from(file: MetricFile) -> Self {
        Self { name: file.file_name().into(), directory: file.directory }
    }
}

/// Something that is neither a metric file nor promproc's.
#[derive(Clone, Debug)]
pub struct Other {
    /// Its name in the directory.
    pub name: OsString,
    /// What it is.
    pub kind: OtherKind,
}

/// What stands under a name that is none of ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum OtherKind {
    /// A directory, which is no link to one.
    Directory,
    /// A link, with the name of a metric file or of promproc's; wherever it leads, it is not followed.
    Link,
    /// Such a name, of a FIFO, a socket or a device.
    Special,
    /// Any other name.
    Foreign,
}

impl Other {
    /// Whether the client's `glob('*.db')` finds it.
    pub fn is_seen_by_client(&self) -> bool {
        let name = self.name.as_bytes();
        name.ends_with(b".db") && !name.starts_with(b".")
    }

    /// Whether its name is one that a client gives to a metric file.
    pub fn has_metric_name(&self) -> bool {
        self.name.to_str().and_then(|name| name.parse::<MetricFileName>().ok()).is_some()
    }
}

/// Everything that stands in a directory itself, each kind in byte order of its names.
#[derive(Debug, Default)]
pub(crate) struct Contents {
    /// Metric files.
    pub(crate) files: Vec<MetricFile>,
    /// What promproc left behind.
    pub(crate) leftovers: Vec<Place>,
    /// What is none of ours.
    pub(crate) others: Vec<Other>,
}

impl Contents {
    /// Lists a directory.
    ///
    /// # Errors
    /// Those of the system.
    pub(crate) fn of(directory: &Arc<Directory>) -> io::Result<Self> {
        let mut contents = Self::default();
        let mut listing = Dir::new(directory.reopened(OFlags::RDONLY)?)?;
        while let Some(entry) = listing.read() {
            let entry = entry?;
            let name = OsStr::from_bytes(entry.file_name().to_bytes());
            if name != "." && name != ".." {
                contents.add(directory, name, entry.file_type());
            }
        }
        contents.files.sort_unstable_by(|a, b| a.file_name().cmp(b.file_name()));
        contents.leftovers.sort_unstable_by(|a, b| a.name.cmp(&b.name));
        contents.others.sort_unstable_by(|a, b| a.name.cmp(&b.name));
        Ok(contents)
    }

    fn add(&mut self, directory: &Arc<Directory>, name: &OsStr, kind: FileType) {
        let kind = match kind {
            // Not every file system says it in the listing.
            FileType::Unknown => match fs::statat(&**directory, name, AtFlags::SYMLINK_NOFOLLOW) {
                Ok(stat) => FileType::from_raw_mode(stat.st_mode),
                // What has vanished is the business of who reads it.
                Err(_) => FileType::RegularFile,
            },
            kind => kind,
        };
        let text = name.to_str();
        let metric = text.and_then(|name| name.parse::<MetricFileName>().ok());
        let ours = text.filter(|text| metric.is_some() || text.starts_with(OWN_PREFIX));
        let place = |name: &str| Place::new(directory, name);
        let kind = match (ours, kind) {
            (_, FileType::Directory) => OtherKind::Directory,
            (None, _) => OtherKind::Foreign,
            (Some(ours), FileType::RegularFile) => {
                return match metric {
                    Some(name) => self.files.push(MetricFile { directory: Arc::clone(directory), name }),
                    None => self.leftovers.push(place(ours)),
                };
            }
            (Some(_), FileType::Symlink) => OtherKind::Link,
            (Some(_), _) => OtherKind::Special,
        };
        self.others.push(Other { name: name.to_owned(), kind });
    }
}
