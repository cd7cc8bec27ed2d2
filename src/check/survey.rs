//! One look at every file and every entry: what the merge does not ask for, found while it reads.

use std::borrow::Borrow;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fs::{File, Metadata};
use std::io;
use std::os::unix::fs::FileExt;
use std::path::PathBuf;
use std::sync::OnceLock;

use super::buckets::{Bucket, BucketNotes, HistogramBuckets};
use crate::directory::{Directory, DirectoryError, InDirectory, Listed, MetricFile, Opener, Scan, Vanished};
use crate::format::{self, Entries, Entry, Era, Key, KeyShape, Layout, MetricFileName};
use crate::liveness::lease::Look;
use crate::liveness::{Examined, Liveness, name_holders, weigh};
use crate::merge::{Merged, Options, Witness, merge_before};
use crate::model::MetricType;
use crate::reader::arena::{Arena, Index};
use crate::reader::keys::{Cursor, KeyTable};
use crate::reader::{FileFacts, Source};

/// A metric file, as it was found.
#[derive(Clone, Debug)]
pub(super) struct Surveyed {
    /// The file, and whether anybody still writes it.
    pub(super) examined: Examined,
    /// What there is to say of it as a whole.
    pub(super) facts: FileFacts,
    /// What a header at the place where WSL leaves it says is used.
    pub(super) misplaced_used: Option<u64>,
    /// Whether it vanished before it was read.
    is_gone: bool,
}

impl Surveyed {
    /// What its name says.
    pub(super) fn name(&self) -> &MetricFileName {
        &self.examined.file.name
    }

    /// Where it is.
    pub(super) fn path(&self) -> PathBuf {
        self.examined.file.path()
    }

    /// The directory that it is in.
    pub(super) fn directory(&self) -> &Directory {
        self.examined.file.directory()
    }

    /// What the evidence says.
    pub(super) fn liveness(&self) -> Liveness {
        self.examined.liveness()
    }
}

impl Borrow<Examined> for Surveyed {
    fn borrow(&self) -> &Examined {
        &self.examined
    }
}

/// An entry that no client writes.
#[derive(Clone, Debug)]
pub(super) struct Oddity {
    pub(super) file: usize,
    pub(super) offset: u64,
    pub(super) sample: String,
    pub(super) value: f64,
}

/// What all files have.
#[derive(Debug, Default)]
pub(super) struct Survey {
    /// All that were listed, by the indices that the merge has for them.
    pub(super) listed: Vec<Surveyed>,
    /// The directories that were listed.
    pub(super) directories: Vec<Listed>,
    /// What was seen of each file's writer when it was opened.
    looks: Vec<Option<Look>>,
    /// What the entries say.
    pub(super) entries: EntryNotes,
}

/// What all files' entries say together.
#[derive(Debug, Default)]
pub(super) struct EntryNotes {
    /// The help texts of each family.
    pub(super) helps: BTreeMap<String, BTreeSet<String>>,
    /// The sets of label names of each sample, without `le`.
    pub(super) label_names: BTreeMap<String, BTreeSet<Vec<String>>>,
    /// The buckets of each histogram.
    pub(super) buckets: BTreeMap<String, HistogramBuckets>,
    /// Counters and buckets that are negative or NaN.
    pub(super) negatives: Vec<Oddity>,
}

impl Survey {
    /// Merges the files of a scan, and notes on the way what the merge does not: each file is opened once,
    /// and asked once for its lease.
    pub(super) fn of(scan: Scan, options: &Options) -> Result<(Self, Merged), Vanished> {
        let label = options.directory_label.as_ref().map(|name| scan.directory_label(name));
        let Scan { files, left_out, directories, .. } = scan;
        let source = Asking { seen: files.iter().map(|_| OnceLock::new()).collect(), files };
        let mut watch = Watch::default();
        let mut merged = merge_before(&mut watch, &source, options, label.as_ref())?;
        merged.problems.splice(0..0, left_out);
        let (counts, entries) = watch.finish();
        let mut survey = Self { directories, entries, ..Self::default() };
        for ((file, seen), count) in source.files.into_iter().zip(source.seen).zip(counts) {
            let seen = seen.into_inner();
            let facts = seen.as_ref().map(|seen| FileFacts::of(&seen.metadata)).unwrap_or_default();
            survey.listed.push(Surveyed {
                examined: Examined::unasked(file),
                facts: FileFacts {
                    era: count.era,
                    entries: count.entries,
                    used_bytes: count.used_bytes,
                    ..facts
                },
                misplaced_used: seen.as_ref().and_then(|seen| seen.misplaced_used),
                is_gone: seen.is_none(),
            });
            survey.looks.push(seen.map(|seen| seen.look));
        }
        Ok((survey, merged))
    }

    /// Finds out about all writers.
    pub(super) fn weigh(&mut self) -> Result<(), DirectoryError> {
        let examined = self.listed.iter_mut().map(|file| &mut file.examined);
        weigh(examined.zip(std::mem::take(&mut self.looks)).collect())?;
        name_holders(self.listed.iter_mut().map(|file| &mut file.examined));
        Ok(())
    }

    /// The files that were there to be read.
    pub(super) fn files(&self) -> impl Iterator<Item = &Surveyed> {
        self.listed.iter().filter(|file| !file.is_gone)
    }

    /// The files that were there, by their paths.
    pub(super) fn by_path(&self) -> HashMap<PathBuf, &Surveyed> {
        self.files().map(|file| (file.path(), file)).collect()
    }
}

/// The files of a scan; each is asked for its lease by the descriptor by which it is then read.
struct Asking {
    files: Vec<MetricFile>,
    seen: Vec<OnceLock<Seen>>,
}

/// What was seen of a file when it was opened first.
struct Seen {
    metadata: Metadata,
    look: Look,
    misplaced_used: Option<u64>,
}

impl Source for Asking {
    fn files(&self) -> &[MetricFile] {
        &self.files
    }

    fn open(&self, index: usize, opener: &mut Opener) -> io::Result<File> {
        let (file, seen) = (&self.files[index], &self.seen[index]);
        match opener.open_at_once(file) {
            Ok(opened) => {
                if seen.get().is_none() {
                    let metadata = opened.metadata()?;
                    let misplaced_used = misplaced_used(&opened, &metadata);
                    let look = Look::at(&opened, &metadata);
                    // Nobody else opens this file meanwhile.
                    let _ = seen.set(Seen { metadata, look, misplaced_used });
                }
                Ok(opened)
            }
            Err(error) => {
                let metadata = file.directory().metadata(file.file_name())?;
                let look = Look::from_outside(&metadata, &error);
                let _ = seen.set(Seen { metadata, look, misplaced_used: None });
                // Under somebody's lease it is there as soon as that ends.
                if error.kind() == io::ErrorKind::WouldBlock { opener.open(file) } else { Err(error) }
            }
        }
    }
}

/// What a header says that stands where WSL leaves it, after zeros.
fn misplaced_used(file: &File, metadata: &Metadata) -> Option<u64> {
    let mut header = [0; format::HEADER_BYTES];
    let is_long = metadata.is_file() && metadata.len() >= format::MISPLACED_HEADER_AT + header.len() as u64;
    // The first bytes of most files are no zeros.
    if !is_long || file.read_exact_at(&mut header, 0).is_err() || header != [0; format::HEADER_BYTES] {
        return None;
    }
    file.read_exact_at(&mut header, format::MISPLACED_HEADER_AT).ok()?;
    let used = format::misplaced_used(header)?;
    let mut before = vec![0; usize::try_from(format::MISPLACED_HEADER_AT).ok()?];
    file.read_exact_at(&mut before, 0).ok()?;
    before.iter().all(|byte| *byte == 0).then_some(used)
}

/// Sees every entry that is merged.
#[derive(Default)]
struct Watch {
    table: KeyTable<KeyIndex>,
    cursor: Option<Cursor<KeyIndex>>,
    notes: Notes,
}

type KeyIndex = Index<KeyFacts>;

/// What a distinct key says, once.
struct KeyFacts {
    shape: KeyShape,
    sample: String,
    bucket: Option<Bucket>,
}

#[derive(Default)]
struct Notes {
    keys: Arena<KeyFacts>,
    buckets: BucketNotes,
    /// Of each file so far.
    counts: Vec<Count>,
    /// Whether values of the file being read can only grow.
    only_grows: bool,
    layout: Option<Layout>,
    entries: EntryNotes,
}

/// What a file has.
#[derive(Default)]
struct Count {
    era: Option<Era>,
    entries: usize,
    used_bytes: u64,
}

impl Witness for Watch {
    fn file(&mut self, _: usize, file: &MetricFile) {
        self.notes.end_file();
        self.notes.counts.push(Count::default());
        self.notes.only_grows = matches!(file.name.metric_type, MetricType::Counter | MetricType::Histogram);
        self.cursor = None;
    }

    fn entries(&mut self, mut entries: Entries<'_>, layout: Layout) {
        self.notes.layout = Some(layout);
        let cursor = self.cursor.get_or_insert_with(|| self.table.start());
        // Damage is said by the merge.
        let _ = self.table.walk(&mut entries, cursor, &mut self.notes, Notes::parse, Notes::entry);
    }
}

impl Watch {
    fn finish(mut self) -> (Vec<Count>, EntryNotes) {
        self.notes.end_file();
        self.notes.entries.buckets = self.notes.buckets.finish();
        (self.notes.counts, self.notes.entries)
    }
}

impl Notes {
    /// Parses a key that is new, and notes what it says.
    fn parse(&mut self, entry: &Entry<'_>) -> Option<KeyIndex> {
        let Ok(key) = Key::parse(entry.key()) else {
            // The merge says what is wrong with it.
            if let Some(count) = self.counts.last_mut() {
                count.entries += 1;
            }
            return None;
        };
        let helps = self.entries.helps.entry(key.family.to_string()).or_default();
        helps.insert(key.help.to_string());
        let names = key.labels.iter().map(|(name, _)| name.to_owned()).filter(|name| name != "le");
        let label_names = self.entries.label_names.entry(key.sample.to_string()).or_default();
        label_names.insert(names.collect());
        let bucket = self.buckets.bucket(&key);
        Some(self.keys.push(KeyFacts { shape: key.shape, bucket, sample: key.sample.into_owned() }))
    }

    fn entry(&mut self, key: KeyIndex, entry: Entry<'_>) {
        let file = self.counts.len().saturating_sub(1);
        let Some(count) = self.counts.last_mut() else { return };
        count.entries += 1;
        count.used_bytes = entry.value_offset() + self.layout.map_or(0, |layout| layout.value_bytes() as u64);
        let facts = &self.keys[key];
        if let (None, Some(layout)) = (count.era, self.layout) {
            count.era = Some(Era::new(layout, facts.shape));
        }
        if let Some(bucket) = facts.bucket {
            self.buckets.see(bucket);
        }
        let is_odd = entry.value < 0.0 || entry.value.is_nan();
        if is_odd && self.only_grows && !facts.sample.ends_with("_sum") {
            let sample = facts.sample.clone();
            self.entries.negatives.push(Oddity { file, offset: entry.offset, sample, value: entry.value });
        }
    }

    fn end_file(&mut self) {
        self.buckets.end_file(self.counts.len().saturating_sub(1));
    }
}
