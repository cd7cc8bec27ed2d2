//! What stands in a directory, told apart in one place.

use std::ffi::{OsStr, OsString};
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use compact_str::CompactString;
use rustix::fs::{self, AtFlags, Dir, FileType, OFlags};

use super::compaction::{AsideName, BARRIER, FoldName, folds, generation_of, is_of_compaction};
use super::own::{OWN_PREFIX, name_before};
use super::{Directory, InDirectory};
use crate::format::MetricFileName;

/// A metric file in a directory.
#[derive(Clone, Debug)]
pub struct MetricFile {
    pub(super) directory: Arc<Directory>,
    /// What the file's name says; of one aside, the name that it had.
    pub name: MetricFileName,
    /// The name under which it stands, where that is another.
    pub(super) aside: Option<CompactString>,
}

impl MetricFile {
    /// That metric file in a directory, whether or not it stands there.
    pub(crate) fn new(directory: &Arc<Directory>, name: MetricFileName) -> Self {
        Self { directory: Arc::clone(directory), name, aside: None }
    }
}

impl InDirectory for MetricFile {
    fn directory(&self) -> &Arc<Directory> {
        &self.directory
    }

    fn file_name(&self) -> &str {
        self.aside.as_deref().unwrap_or(self.name.file_name())
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

    /// Whether it is of a compaction, and so young that this may still be at work.
    pub fn may_be_at_work(&self) -> bool {
        const AT_WORK: Duration = Duration::from_secs(10);
        is_of_compaction(&self.name)
            && self.directory.metadata(&self.name).is_ok_and(|metadata| {
                // Renaming counts as a change.
                let changed = Duration::from_secs(u64::try_from(metadata.ctime()).unwrap_or_default());
                let age = SystemTime::now().duration_since(UNIX_EPOCH + changed);
                age.is_ok_and(|age| age <= AT_WORK)
            })
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
        Self { name: InDirectory::file_name(&file).into(), directory: file.directory }
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
    /// Metric files that count: also those aside of a compaction that is not committed.
    pub(crate) files: Vec<MetricFile>,
    /// What stands under names of promproc's own: all but archives.
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
        Self::listed(directory, directory.reopened(OFlags::RDONLY)?)
    }

    /// Lists a directory by a descriptor of it that was opened for reading.
    ///
    /// # Errors
    /// Those of the system.
    pub(super) fn listed(directory: &Arc<Directory>, opened: OwnedFd) -> io::Result<Self> {
        let mut contents = Self::default();
        let mut listing = Dir::new(opened)?;
        while let Some(entry) = listing.read() {
            let entry = entry?;
            let name = OsStr::from_bytes(entry.file_name().to_bytes());
            if name != "." && name != ".." {
                contents.add(directory, name, entry.file_type());
            }
        }
        contents.add_asides();
        // One aside keeps its place among the others, so that values are added in the same order.
        contents.files.sort_unstable_by(|a, b| a.name.file_name().cmp(b.name.file_name()));
        contents.leftovers.sort_unstable_by(|a, b| a.name.cmp(&b.name));
        contents.others.sort_unstable_by(|a, b| a.name.cmp(&b.name));
        Ok(contents)
    }

    /// What tells whether a compaction has changed anything: the names that it gives.
    pub(super) fn compaction_names(&self) -> Vec<CompactString> {
        let archives = self.files.iter().filter(|file| file.name.generation().is_some());
        let archives = archives.map(InDirectory::file_name);
        let own = self.leftovers.iter().map(InDirectory::file_name);
        let own = own.filter(|name| *name == BARRIER || generation_of(name).is_some());
        archives.chain(own).map(CompactString::from).collect()
    }

    /// Adds the files aside that count.
    fn add_asides(&mut self) {
        let folds = folds(self.leftovers.iter().map(InDirectory::file_name));
        if folds.is_empty() {
            return;
        }
        for leftover in &self.leftovers {
            if let Some(aside) = AsideName::parse(leftover.file_name())
                && let Some(name) = aside.metric_name()
                && folds.contains(&FoldName { generation: aside.generation, class: name.class() })
            {
                let directory = Arc::clone(&leftover.directory);
                self.files.push(MetricFile { directory, name, aside: Some(leftover.name.clone()) });
            }
        }
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
                    Some(name) if ours != BARRIER => {
                        self.files.push(MetricFile::new(directory, name));
                    }
                    _ => self.leftovers.push(place(ours)),
                };
            }
            (Some(_), FileType::Symlink) => OtherKind::Link,
            (Some(_), _) => OtherKind::Special,
        };
        self.others.push(Other { name: name.to_owned(), kind });
    }
}
