//! Files as they are: each file's facts and the selected ones of its entries, without merging.

use std::collections::{BTreeSet, HashMap};
use std::fs::Metadata;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use super::arena::{Arena, Index};
use super::keys::{Cursor, KeyTable};
use super::{FileReader, OpenFile, ReadError};
use crate::directory::{DirectoryLabel, InDirectory, MetricFile, Problem, ProblemKind};
use crate::format::{self, Detected, Entries, Entry, Era, FormatError, Key, KeyError, Layout, Used};
use crate::model::Labels;
use crate::select::{Candidate, Choice, SeriesFilter, Unmatched};

/// What is known of a file as a whole.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
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
    /// Its owner's number.
    pub owner: u32,
    /// When it was made, if the file system says so.
    pub created: Option<SystemTime>,
    /// When it was last written, if the file system says so.
    pub modified: Option<SystemTime>,
}

impl FileFacts {
    /// The facts that the system knows; those about entries come later.
    pub(crate) fn of(metadata: &Metadata) -> Self {
        Self {
            era: None,
            entries: 0,
            selected: 0,
            used_bytes: 0,
            capacity_bytes: metadata.len(),
            // The unit is 512 bytes, whatever the file system's block is.
            allocated_bytes: metadata.blocks() * 512,
            owner: metadata.uid(),
            created: metadata.created().ok(),
            modified: metadata.modified().ok(),
        }
    }
}

/// What became of reading a file.
#[derive(Debug)]
pub struct Dumped {
    /// `None` if the file was left out, or is not there any more.
    pub facts: Option<FileFacts>,
    /// What is wrong with it.
    pub problems: Vec<Problem>,
}

/// Takes files one by one and parses each distinct key once for all of them.
#[derive(Debug)]
pub struct Dumper<'l> {
    /// `None` where all entries are selected.
    choice: Option<Choice>,
    /// The label that tells directories apart, if keys get it.
    label: Option<&'l DirectoryLabel>,
    /// The keys of all files or, with a label, of those of each directory.
    tables: HashMap<PathBuf, KeyTable<Index<Known>>>,
    /// Families that have a label of that name themselves.
    replaced: BTreeSet<String>,
    keys: Arena<Known>,
}

#[derive(Debug)]
struct Known {
    key: Key<'static>,
    is_selected: bool,
}

/// The entries of a file whose keys cannot be understood.
#[derive(Debug, Default)]
pub(crate) struct BadKeys {
    /// Where the first one starts, and what is wrong with its key.
    first: Option<(u64, KeyError)>,
    more: usize,
}

impl BadKeys {
    /// Notes one more.
    pub(crate) fn note(&mut self, entry: &Entry<'_>, error: KeyError) {
        match self.first {
            Some(_) => self.more += 1,
            None => self.first = Some((entry.offset, error)),
        }
    }

    /// The problem to report, if there are any.
    pub(crate) fn into_problem(self) -> Option<ProblemKind> {
        let (offset, error) = self.first?;
        Some(ProblemKind::Key { offset, error, more: self.more })
    }
}

/// What is seen of a file while its entries pass.
struct Seen<'d> {
    choice: &'d mut Option<Choice>,
    label: Option<(&'d str, &'d str)>,
    replaced: &'d mut BTreeSet<String>,
    keys: &'d mut Arena<Known>,
    facts: FileFacts,
    bad_keys: BadKeys,
}

impl<'l> Dumper<'l> {
    /// A dumper that shows the entries that a filter takes, as they are stored; with a label, if one is given.
    pub fn new(filter: &SeriesFilter, label: Option<&'l DirectoryLabel>) -> Self {
        let choice = (!filter.takes_all()).then(|| Choice::new(filter));
        Self { choice, label, tables: HashMap::new(), replaced: BTreeSet::new(), keys: Arena::default() }
    }

    /// The families so far of which a label was replaced by the directory's.
    pub fn replaced(&self) -> impl Iterator<Item = &str> {
        self.replaced.iter().map(String::as_str)
    }

    /// Whether some entries may be left out.
    pub fn is_filtered(&self) -> bool {
        self.choice.is_some()
    }

    /// The conditions that none of the entries so far matched.
    pub fn unmatched(self) -> Vec<Unmatched> {
        self.choice.map_or_else(Vec::new, Choice::unmatched)
    }

    /// Hands the selected entries of a file to `show`, in file order.
    ///
    /// A file that has vanished since it was listed does not belong to the directory any more, so it
    /// does not count as left out.
    pub fn entries(
        &mut self,
        file: &MetricFile,
        reader: FileReader<'_>,
        mut show: impl FnMut(&Entry<'_>, &Key<'_>, Era),
    ) -> Dumped {
        let Self { choice, label, tables, replaced, keys } = self;
        let directory = file.directory().path();
        let label = label.map(|label| (label.name(), label.value(directory)));
        let of_table = if label.is_some() { directory } else { Path::new("") };
        let table = tables.entry(of_table.to_owned()).or_default();
        dumped(file, reader, |open, facts| {
            let mut cursor = table.start();
            let seen =
                Seen { choice, label, replaced, keys, facts: facts.clone(), bad_keys: BadKeys::default() };
            let mut context = (seen, &mut show);
            let read = open.read(|entries, layout| walk(table, entries, layout, &mut cursor, &mut context));
            let (Seen { facts: seen, bad_keys, .. }, _) = context;
            *facts = seen;
            (read.map(drop), bad_keys.into_problem())
        })
    }

    /// Hands the selected entries of what was read from elsewhere to `show`, as [`Dumper::entries`] does of a
    /// file. Returns the facts, without those that only the system knows, and what is wrong.
    pub fn bytes(
        &mut self,
        bytes: &[u8],
        mut show: impl FnMut(&Entry<'_>, &Key<'_>, Era),
    ) -> (Option<FileFacts>, Vec<ProblemKind>) {
        let Self { choice, tables, replaced, keys, .. } = self;
        let table = tables.entry(PathBuf::new()).or_default();
        let (facts, bad_keys) = (FileFacts::default(), BadKeys::default());
        let seen = Seen { choice, label: None, replaced, keys, facts, bad_keys };
        let mut context = (seen, &mut show);
        let read = match format::used(bytes) {
            Ok(Used::Empty) => Ok(()),
            Ok(Used::Bytes(used)) => {
                context.0.facts.used_bytes = used;
                let mut cursor = table.start();
                walk_bytes(bytes, used, |entries, layout| {
                    walk(table, entries, layout, &mut cursor, &mut context)
                })
            }
            Err(error) => Err(error),
        };
        let (Seen { facts, bad_keys, .. }, _) = context;
        let is_none_of_ours = read.as_ref().is_err_and(FormatError::is_of_whole_file);
        let problems = bad_keys.into_problem().into_iter().chain(read.err().map(ProblemKind::Format));
        ((!is_none_of_ours).then_some(facts), problems.collect())
    }

    /// Counts the entries of a file. If no filter needs keys, it parses only the key that tells the era;
    /// so only [`Dumper::entries`] finds a key that cannot be understood.
    pub fn facts(&mut self, file: &MetricFile, reader: FileReader<'_>) -> Dumped {
        if self.is_filtered() {
            return self.entries(file, reader, |_, _, _| {});
        }
        dumped(file, reader, |open, facts| {
            let read = open.read(|entries, layout| {
                entries.try_for_each(|entry| {
                    let entry = entry?;
                    facts.entries += 1;
                    if facts.era.is_none() {
                        facts.era = Key::parse(entry.key()).ok().map(|key| Era::new(layout, key.shape));
                    }
                    Ok(())
                })
            });
            facts.selected = facts.entries;
            (read.map(drop), None)
        })
    }
}

impl Seen<'_> {
    fn parse(&mut self, entry: &Entry<'_>) -> Option<Index<Known>> {
        match Key::parse(entry.key()) {
            Ok(mut key) => {
                if let Some((name, value)) = self.label
                    && key.labels.set(name, value)
                {
                    self.replaced.insert(key.family.to_string());
                }
                let is_selected = self.choice.as_mut().is_none_or(|choice| takes(choice, &key));
                Some(self.keys.push(Known { key: key.into_owned(), is_selected }))
            }
            Err(error) => {
                self.facts.entries += 1;
                self.bad_keys.note(entry, error);
                None
            }
        }
    }
}

fn takes(choice: &mut Choice, key: &Key<'_>) -> bool {
    let labels = Labels::new(key.labels.iter());
    choice.takes(&Candidate { family: &key.family, sample: &key.sample, labels: &labels, le: None })
}

/// Hands the selected entries of a piece to whom the context has.
fn walk<F: FnMut(&Entry<'_>, &Key<'_>, Era)>(
    table: &mut KeyTable<Index<Known>>,
    entries: &mut Entries<'_>,
    layout: Layout,
    cursor: &mut Cursor<Index<Known>>,
    context: &mut (Seen<'_>, F),
) -> Result<(), FormatError> {
    table.walk(
        entries,
        cursor,
        context,
        |(seen, _), entry| seen.parse(entry),
        |(seen, show), known, entry| {
            seen.facts.entries += 1;
            let known = &seen.keys[known];
            let era = || Era::new(layout, known.key.shape);
            let era = *seen.facts.era.get_or_insert_with(era);
            if known.is_selected {
                seen.facts.selected += 1;
                show(&entry, &known.key, era);
            }
        },
    )
}

/// Has the entries of a whole file, with that `used`, walked.
fn walk_bytes(
    bytes: &[u8],
    used: u64,
    visit: impl FnOnce(&mut Entries<'_>, Layout) -> Result<(), FormatError>,
) -> Result<(), FormatError> {
    let Detected::Layout(layout) = format::detect(bytes, used, true)? else {
        return Err(FormatError::Foreign { offset: format::HEADER_BYTES as u64, used });
    };
    let mut entries = Entries::new(&bytes[format::HEADER_BYTES..], format::HEADER_BYTES as u64, used, layout);
    visit(&mut entries, layout)?;
    if entries.missing() > 0 {
        return Err(FormatError::UsedBeyondFile { offset: bytes.len() as u64, used });
    }
    Ok(())
}

/// Opens a file, has its entries read by `read`, and says what became of it.
fn dumped(
    file: &MetricFile,
    reader: FileReader<'_>,
    read: impl FnOnce(&mut OpenFile<'_>, &mut FileFacts) -> (Result<(), ReadError>, Option<ProblemKind>),
) -> Dumped {
    let opened = reader.open().and_then(|open| {
        let facts = FileFacts::of(&open.metadata()?);
        Ok((open, facts))
    });
    let (mut open, mut facts) = match opened {
        Ok(opened) => opened,
        Err(error) => return left_out(file, error, None),
    };
    let (read, bad_key) = read(&mut open, &mut facts);
    facts.used_bytes = open.used();
    let damage = match read {
        Ok(()) => None,
        Err(ReadError::Io(error)) => return left_out(file, error, bad_key),
        Err(ReadError::Format(damage)) => Some(damage),
    };
    let is_none_of_ours = damage.as_ref().is_some_and(FormatError::is_of_whole_file);
    let kinds = bad_key.into_iter().chain(damage.map(ProblemKind::Format));
    let problems = kinds.map(|kind| Problem { path: file.path(), kind }).collect();
    Dumped { facts: (!is_none_of_ours).then_some(facts), problems }
}

fn left_out(file: &MetricFile, error: io::Error, bad_key: Option<ProblemKind>) -> Dumped {
    let has_vanished = error.kind() == io::ErrorKind::NotFound;
    let kinds = bad_key.into_iter().chain((!has_vanished).then_some(ProblemKind::Io(error)));
    let problems = kinds.map(|kind| Problem { path: file.path(), kind }).collect();
    Dumped { facts: None, problems }
}
