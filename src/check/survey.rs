//! One look at every file and every entry: what the merge does not ask for.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::fs::{self, File, Metadata};
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use hashbrown::DefaultHashBuilder;

use crate::directory::{self, DbFile, DirectoryError, Scan};
use crate::format::{Entry, Era, Key};
use crate::liveness::{Evidence, Liveness, examine, name_holders};
use crate::model::MetricType;
use crate::reader::Reader;

/// A metric file, as it was found.
#[derive(Clone, Debug)]
pub struct Surveyed {
    /// The file.
    pub file: DbFile,
    /// Its length in bytes; the files are sparse.
    pub capacity: u64,
    /// What it occupies, in bytes.
    pub allocated: u64,
    /// Its owner's number.
    pub owner: u32,
    /// When it was made, where the file system says so.
    pub created: Option<SystemTime>,
    /// Which clients write so; `None` if it has no entry that can be understood.
    pub era: Option<Era>,
    /// How many entries it has.
    pub entries: usize,
    /// The number at byte 65,536, if the bytes before are an empty file.
    pub(super) second_header: Option<i32>,
    /// Why it is live, dead or unknown.
    pub evidence: Option<Evidence>,
}

impl Surveyed {
    /// What the evidence says.
    pub fn liveness(&self) -> Liveness {
        self.evidence.as_ref().map_or(Liveness::Unknown, Evidence::liveness)
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
    pub(super) files: Vec<Surveyed>,
    /// The help texts of each family.
    pub(super) helps: BTreeMap<String, BTreeSet<String>>,
    /// The sets of label names of each sample, without `le`.
    pub(super) label_names: BTreeMap<String, BTreeSet<Vec<String>>>,
    /// The bounds of each histogram, and the files that have them.
    pub(super) bounds: BTreeMap<String, BTreeMap<Vec<String>, Vec<usize>>>,
    /// Counters and buckets that are negative or NaN.
    pub(super) negatives: Vec<Oddity>,
}

/// What a distinct key says, once.
struct KeyFacts {
    era_shape: crate::format::KeyShape,
    sample: String,
    /// Of a bucket: the family, and the bound.
    bucket: Option<(u32, u32)>,
}

/// Numbers for names, in the order of appearance.
#[derive(Default)]
struct Names {
    numbers: HashMap<String, u32>,
    names: Vec<String>,
}

impl Names {
    fn number(&mut self, name: &str) -> u32 {
        if let Some(&number) = self.numbers.get(name) {
            return number;
        }
        let number = u32::try_from(self.names.len()).unwrap_or(u32::MAX);
        self.names.push(name.to_owned());
        self.numbers.insert(name.to_owned(), number);
        number
    }
}

impl Survey {
    pub(super) fn of(paths: &[PathBuf], recursive: bool) -> Result<Self, DirectoryError> {
        if paths.is_empty() {
            return Ok(Self::default());
        }
        // What is left out is said by the merge.
        let Scan { files, .. } = directory::scan_all(paths, recursive)?;
        let mut survey = Self::default();
        let mut known: HashMap<Vec<u8>, Option<KeyFacts>, DefaultHashBuilder> = HashMap::default();
        let (mut families, mut bounds) = (Names::default(), Names::default());
        let mut reader = Reader::default();
        for file in files {
            // Gone by now.
            let Ok(metadata) = fs::metadata(file.path()) else { continue };
            let at = survey.files.len();
            let counts = matches!(file.name.metric_type, MetricType::Counter | MetricType::Histogram);
            let (mut entries, mut era) = (0, None);
            let mut layouts: HashSet<(u32, u32), DefaultHashBuilder> = HashSet::default();
            let visit = |entry: Entry<'_>, layout| {
                entries += 1;
                if !known.contains_key(entry.key()) {
                    let facts = survey.facts(entry.key(), &mut families, &mut bounds);
                    known.insert(entry.key().to_vec(), facts);
                }
                let Some(Some(facts)) = known.get(entry.key()) else { return };
                era.get_or_insert_with(|| Era::new(layout, facts.era_shape));
                layouts.extend(facts.bucket);
                if counts && (entry.value < 0.0 || entry.value.is_nan()) && !facts.sample.ends_with("_sum") {
                    let sample = facts.sample.clone();
                    survey.negatives.push(Oddity {
                        file: at,
                        offset: entry.offset,
                        sample,
                        value: entry.value,
                    });
                }
            };
            // Damage is said by the merge, too.
            let _ = reader.read(&file, visit);
            let mut by_family: BTreeMap<u32, Vec<String>> = BTreeMap::new();
            for (family, bound) in layouts {
                by_family.entry(family).or_default().push(bounds.names[bound as usize].clone());
            }
            for (family, mut bounds) in by_family {
                bounds.sort_by(|a, b| number(a).total_cmp(&number(b)));
                let of_family = survey.bounds.entry(families.names[family as usize].clone()).or_default();
                of_family.entry(bounds).or_default().push(at);
            }
            let second_header = if entries == 0 { second_header(&file.path(), &metadata) } else { None };
            survey.files.push(Surveyed {
                file,
                capacity: metadata.len(),
                allocated: metadata.blocks() * 512,
                owner: metadata.uid(),
                created: metadata.created().ok(),
                era,
                entries,
                second_header,
                evidence: None,
            });
        }
        survey.weigh()?;
        Ok(survey)
    }

    /// Parses a key that is new, and notes what it says.
    fn facts(&mut self, key: &[u8], families: &mut Names, bounds: &mut Names) -> Option<KeyFacts> {
        let key = Key::parse(key).ok()?;
        self.helps.entry(key.family.to_string()).or_default().insert(key.help.to_string());
        let names = key.labels.iter().map(|(name, _)| name.to_owned()).filter(|name| name != "le").collect();
        self.label_names.entry(key.sample.to_string()).or_default().insert(names);
        let is_bucket = key.sample.strip_prefix(&*key.family) == Some("_bucket");
        let bound = key.labels.get("le").filter(|_| is_bucket);
        Some(KeyFacts {
            era_shape: key.shape,
            bucket: bound.map(|bound| (families.number(&key.family), bounds.number(bound))),
            sample: key.sample.into_owned(),
        })
    }

    /// Finds out about all writers.
    fn weigh(&mut self) -> Result<(), DirectoryError> {
        let mut examined = examine(self.files.iter().map(|file| file.file.path()))?;
        name_holders(&mut examined);
        let mut evidence: HashMap<_, _> =
            examined.into_iter().map(|file| (file.path, file.evidence)).collect();
        for file in &mut self.files {
            file.evidence = evidence.remove(&file.file.path());
        }
        Ok(())
    }

    /// The file of that path.
    pub(super) fn file(&self, path: &Path) -> Option<&Surveyed> {
        self.files.iter().find(|file| file.file.path() == path)
    }
}

fn number(bound: &str) -> f64 {
    bound.parse().unwrap_or(f64::NAN)
}

/// The number at byte 65,536 of a file that is empty by its header.
fn second_header(path: &Path, metadata: &Metadata) -> Option<i32> {
    const AT: u64 = 65_536;
    let mut bytes = [0; 4];
    // Not of a FIFO: only regular files come here.
    let is_long = metadata.is_file() && metadata.len() >= AT + 8;
    (is_long && File::open(path).ok()?.read_exact_at(&mut bytes, AT).is_ok())
        .then(|| i32::from_ne_bytes(bytes))
}
