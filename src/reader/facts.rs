//! Files as they are: each file's facts and the selected ones of its entries, without merging.

use std::fs::{self, Metadata};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::time::SystemTime;

use hashbrown::HashMap;

use super::{ReadError, Reader};
use crate::directory::{DbFile, Problem, ProblemKind};
use crate::format::{Entry, Era, FormatError, Key, KeyError, Layout};
use crate::select::Selection;

/// What there is to say of a file as a whole.
#[derive(Clone, Debug)]
pub struct FileFacts {
    /// The era; `None` if the file has no entry whose key can be understood.
    pub era: Option<Era>,
    /// How many entries there are, selected or not (before a damage, if there is one).
    pub entries: usize,
    /// How many of them were selected.
    pub selected: usize,
    /// What the header says is used; 0 if the file has no entries.
    pub used_bytes: u64,
    /// The file's length.
    pub capacity_bytes: u64,
    /// What it occupies on disk; the files are sparse.
    pub allocated_bytes: u64,
    /// When it was last written, if the file system says so.
    pub modified: Option<SystemTime>,
}

/// What became of reading a file.
#[derive(Debug)]
pub struct Dumped {
    /// `None` if the file was left out, or is not there any more.
    pub facts: Option<FileFacts>,
    /// What is wrong with it.
    pub problems: Vec<Problem>,
}

/// Reads files one by one and parses each distinct key once for all of them.
#[derive(Debug)]
pub struct Dumper<'a> {
    selection: &'a Selection,
    reader: Reader,
    /// By their text, as stored.
    keys: HashMap<Vec<u8>, Result<KnownKey, KeyError>>,
}

#[derive(Debug)]
struct KnownKey {
    key: Key<'static>,
    is_selected: bool,
}

impl<'a> Dumper<'a> {
    /// A dumper that looks at the selected entries only.
    pub fn new(selection: &'a Selection) -> Self {
        Self { selection, reader: Reader::default(), keys: HashMap::new() }
    }

    /// Hands the selected entries of a file to `show`, in file order.
    ///
    /// A file that has vanished since it was listed is none of the directory's any more: nothing is
    /// left out then.
    pub fn entries(&mut self, file: &DbFile, mut show: impl FnMut(&Entry<'_>, &Key<'_>, Era)) -> Dumped {
        let Self { selection, reader, keys } = self;
        let mut seen = Seen::default();
        let mut bad_keys: Option<(u64, KeyError, usize)> = None;
        let visit = |entry: Entry<'_>, layout: Layout| {
            seen.entries += 1;
            let known = keys.entry_ref(entry.key()).or_insert_with(|| {
                let key = Key::parse(entry.key())?.into_owned();
                Ok(KnownKey { is_selected: selection.has_key(&key), key })
            });
            match known {
                Ok(known) => {
                    let era = *seen.era.get_or_insert_with(|| Era::new(layout, known.key.shape));
                    if known.is_selected {
                        seen.selected += 1;
                        show(&entry, &known.key, era);
                    }
                }
                Err(error) => match &mut bad_keys {
                    Some((_, _, more)) => *more += 1,
                    None => bad_keys = Some((entry.offset, error.clone(), 0)),
                },
            }
        };
        let read = read(reader, file, visit);
        let mut dumped = dumped(file, read, self.reader.used(), seen);
        if let Some((offset, error, more)) = bad_keys {
            let kind = ProblemKind::Key { offset, error, more };
            dumped.problems.insert(0, Problem { path: file.path(), kind });
        }
        dumped
    }

    /// Counts the entries of a file. Where no filter asks for keys none is parsed but the one that
    /// tells the era, so that a key which cannot be understood is found by [`Dumper::entries`] only.
    pub fn facts(&mut self, file: &DbFile) -> Dumped {
        if self.selection.looks_at_keys() {
            return self.entries(file, |_, _, _| {});
        }
        let mut seen = Seen::default();
        let read = read(&mut self.reader, file, |entry, layout| {
            seen.entries += 1;
            if seen.era.is_none() {
                seen.era = Key::parse(entry.key()).ok().map(|key| Era::new(layout, key.shape));
            }
        });
        seen.selected = seen.entries;
        dumped(file, read, self.reader.used(), seen)
    }
}

/// What a walk through a file's entries found out.
#[derive(Default)]
struct Seen {
    era: Option<Era>,
    entries: usize,
    selected: usize,
}

/// A file's metadata, and the rule that its bytes break.
type Read = (Metadata, Option<FormatError>);

fn read(reader: &mut Reader, file: &DbFile, visit: impl FnMut(Entry<'_>, Layout)) -> io::Result<Read> {
    let metadata = fs::metadata(file.path())?;
    match reader.read(file, visit) {
        Ok(_) => Ok((metadata, None)),
        Err(ReadError::Format(damage)) => Ok((metadata, Some(damage))),
        Err(ReadError::Io(error)) => Err(error),
    }
}

fn dumped(file: &DbFile, read: io::Result<Read>, used: u64, seen: Seen) -> Dumped {
    let problems = |kind: Option<ProblemKind>| {
        kind.map(|kind| Problem { path: file.path(), kind }).into_iter().collect()
    };
    let (metadata, damage) = match read {
        Ok(read) => read,
        Err(error) => {
            let has_vanished = error.kind() == io::ErrorKind::NotFound;
            let kind = (!has_vanished).then_some(ProblemKind::Io(error));
            return Dumped { facts: None, problems: problems(kind) };
        }
    };
    let is_none_of_ours = matches!(damage, Some(FormatError::Foreign { .. } | FormatError::Used { .. }));
    let facts = FileFacts {
        era: seen.era,
        entries: seen.entries,
        selected: seen.selected,
        used_bytes: used,
        capacity_bytes: metadata.len(),
        // The unit is 512 bytes, whatever the file system's block is.
        allocated_bytes: metadata.blocks() * 512,
        modified: metadata.modified().ok(),
    };
    Dumped { facts: (!is_none_of_ours).then_some(facts), problems: problems(damage.map(ProblemKind::Format)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_has_vanished_is_not_there_and_not_left_out() {
        let directory = tempfile::tempdir().expect("a directory");
        let file = DbFile::at(&directory.path().join("counter_1.db")).expect("a metric file");
        let selection = Selection::default();
        let mut dumper = Dumper::new(&selection);
        for dumped in [dumper.facts(&file), dumper.entries(&file, |_, _, _| {})] {
            assert!(dumped.facts.is_none() && dumped.problems.is_empty(), "{dumped:?}");
        }
    }
}
