//! Directories and files: finds metric files, reads their entries, and puts paths on errors.

use std::fmt;
use std::fs::{self, File};
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use crate::format::{self, DbName, Detected, Entries, Entry, FormatError, KeyError, Layout, Used};
use crate::model::GaugeRule;

/// A metric file in a directory.
#[derive(Clone, Debug)]
pub struct DbFile {
    /// The directory as it was given, and the file's name.
    pub path: PathBuf,
    /// What the file's name says.
    pub name: DbName,
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
    #[error("{}: {source}", path.display())]
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
    let io_error = |source: io::Error| match source.kind() {
        io::ErrorKind::NotFound => DirectoryError::Missing(directory.to_owned()),
        _ => DirectoryError::Io { path: directory.to_owned(), source },
    };
    let mut found = Scan::default();
    for entry in fs::read_dir(directory).map_err(io_error)? {
        let entry = entry.map_err(io_error)?;
        let file_name = entry.file_name();
        let bytes = file_name.as_encoded_bytes();
        if bytes.starts_with(b".") || !bytes.ends_with(b".db") {
            continue;
        }
        let path = entry.path();
        let Some(name) = file_name.to_str().and_then(DbName::parse) else {
            found.left_out.push(Problem { path, kind: ProblemKind::Name });
            continue;
        };
        // A link is followed, as the client's open() does. What vanished is reading's business.
        let is_file = match entry.file_type() {
            Ok(kind) if kind.is_symlink() => fs::metadata(&path).is_ok_and(|m| m.is_file()),
            Ok(kind) => kind.is_file(),
            Err(_) => true,
        };
        if is_file {
            found.files.push(DbFile { path, name });
        } else {
            found.left_out.push(Problem { path, kind: ProblemKind::NotAFile });
        }
    }
    found.files.sort_unstable_by(|a, b| a.path.as_os_str().cmp(b.path.as_os_str()));
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
        let kind = fs::metadata(path).map_err(|source| match source.kind() {
            io::ErrorKind::NotFound => DirectoryError::Missing(path.clone()),
            _ => DirectoryError::Io { path: path.clone(), source },
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
            let name = path.file_name().and_then(|name| name.to_str()).and_then(DbName::parse);
            let name = name.ok_or_else(|| DirectoryError::Name(path.clone()))?;
            named_at.get_or_insert(found.files.len());
            named.push(DbFile { path: path.clone(), name });
        } else {
            return Err(DirectoryError::Kind(path.clone()));
        }
    }
    named.sort_by(|a, b| (a.path.file_name(), &a.path).cmp(&(b.path.file_name(), &b.path)));
    let at = named_at.unwrap_or_default();
    found.files.splice(at..at, named);
    drop_doubles(&mut found.files);
    Ok(found)
}

/// Adds all directories below `directory`, without following links.
fn directories_below(directory: &Path, found: &mut Vec<PathBuf>) -> Result<(), DirectoryError> {
    let io_error = |source| DirectoryError::Io { path: directory.to_owned(), source };
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
    files.retain(|file| fs::metadata(&file.path).map_or(true, |m| seen.insert((m.dev(), m.ino()))));
}

/// Why the entries of a file are not all there.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The system refused.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// The bytes break a rule; the entries before that offset were handed out.
    #[error(transparent)]
    Format(#[from] FormatError),
}

/// Reads files through one buffer, which grows only for an entry that is larger.
///
/// `pread` of the `used` bytes takes a snapshot that no other process can change or truncate, and
/// costs less than a mapping. The kernel copies aligned doubles whole, and every value is aligned.
#[derive(Debug)]
pub struct Reader {
    buffer: Vec<u8>,
    /// For [`Window::verified`].
    again: Vec<u8>,
    /// For [`Reader::used`].
    used: u64,
}

/// The file system's page: what one small read costs is the page, not its bytes.
const FIRST_READ_BYTES: usize = 4 << 10;
/// Large enough that system calls do not count, small enough to stay in the second-level cache.
const BUFFER_BYTES: usize = 64 << 10;

impl Default for Reader {
    fn default() -> Self {
        Self { buffer: vec![0; BUFFER_BYTES], again: Vec::new(), used: 0 }
    }
}

impl Reader {
    /// What the header of the file read last says, whether or not its entries are all there; 0 if
    /// there are none.
    pub fn used(&self) -> u64 {
        self.used
    }

    /// Hands all entries of a file to `visit`, in file order, and returns their layout and
    /// `used`; `None` if the file has no entries.
    ///
    /// # Errors
    /// [`ReadError`]; entries before a damage have been visited.
    pub fn read(
        &mut self,
        file: &DbFile,
        mut visit: impl FnMut(Entry<'_>, Layout),
    ) -> Result<Option<(Layout, u64)>, ReadError> {
        self.read_pieces(file, |entries, layout| {
            entries.try_for_each(|entry| {
                visit(entry?, layout);
                Ok(())
            })
        })
    }

    /// As [`Reader::read`], but hands out the walk over each piece of the file; `visit` goes to its
    /// end, or to the damage that it returns.
    ///
    /// # Errors
    /// [`ReadError`]; entries before a damage have been visited.
    pub fn read_pieces(
        &mut self,
        file: &DbFile,
        mut visit: impl FnMut(&mut Entries<'_>, Layout) -> Result<(), FormatError>,
    ) -> Result<Option<(Layout, u64)>, ReadError> {
        self.used = 0;
        let opened = File::open(&file.path)?;
        let is_pair = file.name.mode.is_some_and(|mode| mode.rule() == GaugeRule::MostRecent);
        let mut window = Window {
            file: &opened,
            buffer: &mut self.buffer,
            again: is_pair.then_some(&mut self.again),
            start: 0,
            len: 0,
        };
        window.fill(FIRST_READ_BYTES, FIRST_READ_BYTES as u64)?;
        let Used::Bytes(mut used) = format::used(window.bytes())? else {
            return Ok(None);
        };
        self.used = used;
        let layout = window.detect(used)?;
        window.advance(format::HEADER_BYTES);
        let mut doubted = None;
        loop {
            let mut entries = Entries::new(window.bytes(), window.start, used, layout);
            let damage = visit(&mut entries, layout).err();
            let (offset, missing) = (entries.offset(), entries.missing());
            window.advance(usize::try_from(offset - window.start).unwrap_or(usize::MAX));
            if let Some(error) = damage {
                // The page may have been read while the writer stored the entry: look again.
                if doubted.replace(offset) == Some(offset) {
                    return Err(error.into());
                }
                window.len = 0;
                used = window.current_used()?;
                window.fill(FIRST_READ_BYTES, used)?;
                continue;
            }
            if missing == 0 {
                return Ok(Some((layout, used)));
            }
            if !window.fill(missing, used)? {
                let offset = window.start + window.len as u64;
                return Err(FormatError::UsedBeyondFile { offset, used }.into());
            }
        }
    }
}

/// The part of a file that is in the buffer.
struct Window<'a> {
    file: &'a File,
    buffer: &'a mut Vec<u8>,
    /// Where a value and its timestamp must belong together: a second buffer to compare with.
    again: Option<&'a mut Vec<u8>>,
    /// The file's byte that `buffer` starts with.
    start: u64,
    /// How many bytes of `buffer` are filled.
    len: usize,
}

impl Window<'_> {
    fn bytes(&self) -> &[u8] {
        &self.buffer[..self.len]
    }

    /// Drops that many bytes from the front.
    fn advance(&mut self, count: usize) {
        self.buffer.copy_within(count..self.len, 0);
        self.len -= count;
        self.start += count as u64;
    }

    /// Reads on, at most to `end` of the file, until at least `wanted` bytes are there; `false`
    /// if the file ends before.
    fn fill(&mut self, wanted: usize, end: u64) -> io::Result<bool> {
        if wanted > self.buffer.len() {
            // Do not believe a length that the file cannot hold.
            if self.start + wanted as u64 > self.file.metadata()?.len() {
                return Ok(false);
            }
            self.buffer.resize(wanted, 0);
        }
        let room = self.buffer.len() as u64;
        let target = usize::try_from(end.saturating_sub(self.start).min(room)).unwrap_or(usize::MAX);
        while self.len < target {
            let at = self.start + self.len as u64;
            let count = match self.file.read_at(&mut self.buffer[self.len..target], at) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                other => other?,
            };
            if count == 0 {
                break;
            }
            self.verified(count, at)?;
            self.len += count;
        }
        Ok(self.len >= wanted)
    }

    /// Reads the bytes that were just read once more, until two reads agree: the writer stores a
    /// value and its timestamp in one copy, and no copy lasts as long as two reads.
    fn verified(&mut self, count: usize, at: u64) -> io::Result<()> {
        const TRIES: usize = 16;
        let Some(again) = self.again.as_deref_mut() else {
            return Ok(());
        };
        let first = &mut self.buffer[self.len..self.len + count];
        again.resize(count, 0);
        for _ in 0..TRIES {
            if self.file.read_at(again, at)? != count || again[..] == *first {
                break;
            }
            first.copy_from_slice(again);
        }
        Ok(())
    }

    fn detect(&mut self, used: u64) -> Result<Layout, ReadError> {
        let mut whole = self.len as u64 >= used;
        loop {
            match format::detect(self.bytes(), used, whole)? {
                Detected::Layout(layout) => return Ok(layout),
                Detected::NeedMore(count) => whole = !self.fill(count, used)?,
            }
        }
    }

    fn current_used(&self) -> Result<u64, ReadError> {
        let mut header = [0; format::HEADER_BYTES];
        self.file.read_exact_at(&mut header, 0)?;
        match format::used(&header)? {
            Used::Bytes(used) => Ok(used),
            Used::Empty => Ok(format::HEADER_BYTES as u64),
        }
    }
}
