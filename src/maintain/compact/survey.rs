//! What stands in the directory before anything is folded: which files may be, and why the others stay.

use std::collections::BTreeMap;
use std::fs::{File, Metadata};
use std::io;
use std::os::unix::fs::MetadataExt;

use super::class::{Class, Counted, Families, FileContent};
use crate::directory::compaction::AsideName;
use crate::directory::{DirectoryError, InDirectory, MetricFile, Opener, Problem, ProblemKind};
use crate::format::{KeyShape, Layout};
use crate::liveness::lease::Look;
use crate::liveness::{Evidence, Examined, weigh};
use crate::merge::rule::rule_of;
use crate::model::{GaugeMode, GaugeRule};
use crate::reader::{ReadError, read_files};

/// A name aside may not be longer, on any file system that has leases.
const LONGEST_NAME_BYTES: usize = 255;

/// Why a file is not folded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Left {
    /// A process has it open for writing.
    Live,
    /// It cannot be told whether one has.
    Unknown,
    /// A gauge of mode `all`, or of an unknown mode: its values cannot be merged.
    Mode,
    /// It is not whole, or not a metric file; the problem is named.
    Damaged,
    /// Keys of several client versions in one file.
    MixedEras,
    /// A metric family of it stands in files of another type or mode as well.
    SharedFamily,
    /// In this directory only its owner may rename it.
    NotRemovable,
    /// Its name leaves no room for the name aside.
    LongName,
    /// An archive that is so large already that it is not copied any more.
    Full,
    /// There is no other file to fold it with.
    Single,
}

impl Left {
    /// The reason in a few words, after `left 3 files: `.
    pub fn reason(self) -> &'static str {
        match self {
            Self::Live => "a process has them open",
            Self::Unknown => "it is not known whether their processes live",
            Self::Mode => "their gauge mode keeps each process's values apart",
            Self::Damaged => "damaged",
            Self::MixedEras => {
                "keys of several client versions in one file, or keys that cannot be understood"
            }
            Self::SharedFamily => "a metric family of theirs is of another type or gauge mode in other files",
            Self::NotRemovable => "only their owner may rename them in this directory",
            Self::LongName => "their names leave no room for the names aside",
            Self::Full => "too large to be copied once more",
            Self::Single => "there are too few of their kind to fold",
        }
    }

    /// Whether a person should look at it.
    pub fn needs_attention(self) -> bool {
        !matches!(self, Self::Live | Self::Mode | Self::Single | Self::Full)
    }
}

/// Files that are folded into one archive have all of this in common.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Group {
    pub(super) class: usize,
    pub(super) era: Option<(Layout, KeyShape)>,
    pub(super) uid: u32,
    pub(super) gid: u32,
    pub(super) mode: u32,
}

/// A file that was read.
#[derive(Debug)]
pub(super) struct Surveyed {
    pub(super) file: MetricFile,
    pub(super) class: usize,
    pub(super) content: FileContent,
    pub(super) used: u64,
    pub(super) evidence: Evidence,
    /// Its group, if it may be folded.
    pub(super) group: Result<Group, Left>,
}

/// All metric files of a directory.
#[derive(Debug, Default)]
pub(super) struct Survey {
    pub(super) classes: Vec<Class>,
    pub(super) families: Families,
    pub(super) files: Vec<Surveyed>,
    pub(super) problems: Vec<Problem>,
    /// Whether any lease was granted or refused.
    pub(super) has_leases: bool,
}

impl Survey {
    /// Reads all files.
    ///
    /// # Errors
    /// [`DirectoryError`] if the directory, or a file, cannot be looked at.
    pub(super) fn of(
        files: Vec<MetricFile>,
        directory: &Metadata,
        most_bytes: u64,
    ) -> Result<Self, DirectoryError> {
        let mut survey = Self::default();
        let mut numbers = BTreeMap::new();
        let mut class_of = Vec::with_capacity(files.len());
        for file in &files {
            let number = *numbers.entry(file.name.class().to_owned()).or_insert_with(|| {
                let (number, name) = (survey.classes.len(), &file.name);
                let rule = rule_of(name.metric_type, name.mode);
                survey.classes.push(Class::new(number, name.metric_type, rule));
                number
            });
            class_of.push(number);
        }
        let (seen, evidence) = look(&files)?;
        let mut index = 0;
        let Ok(()) = read_files(&&*files, None, |file, reader| {
            let (class, seen, evidence) = (class_of[index], &seen[index], &evidence[index]);
            index += 1;
            if let (Some(seen), Some(evidence)) = (seen, evidence) {
                let is_dead = *evidence == Evidence::LeaseGranted;
                let counted = if is_dead { Counted::Still } else { Counted::Live };
                let read = survey.classes[class].count(reader, &mut survey.families, counted);
                survey.add(file, class, seen, evidence, read);
            }
            Ok::<(), std::convert::Infallible>(())
        });
        survey.group(directory, most_bytes);
        Ok(survey)
    }

    fn add(
        &mut self,
        file: &MetricFile,
        class: usize,
        seen: &Seen,
        evidence: &Evidence,
        read: Result<FileContent, ReadError>,
    ) {
        let left = match evidence {
            Evidence::LeaseGranted => None,
            Evidence::LeaseRefused | Evidence::OpenIn(_) => Some(Left::Live),
            _ => Some(Left::Unknown),
        };
        self.has_leases |= left != Some(Left::Unknown);
        let (content, left) = match read {
            Ok(content) => (content, left),
            Err(ReadError::Io(error)) if error.kind() == io::ErrorKind::NotFound => return,
            Err(error) => {
                let kind = match error {
                    ReadError::Io(error) => ProblemKind::Io(error),
                    ReadError::Format(error) => ProblemKind::Format(error),
                };
                self.problems.push(Problem { path: file.path(), kind });
                (FileContent::default(), Some(Left::Damaged))
            }
        };
        let group = match left {
            Some(left) => Err(left),
            None => Ok(Group { class, era: content.era, uid: seen.uid, gid: seen.gid, mode: seen.mode }),
        };
        let (file, evidence, used) = (file.clone(), evidence.clone(), seen.used);
        self.files.push(Surveyed { file, class, content, used, evidence, group });
    }

    /// Says of each dead file which group it is of, or why of none.
    fn group(&mut self, directory: &Metadata, most_bytes: u64) {
        for surveyed in &mut self.files {
            if let Ok(group) = surveyed.group
                && let Some(left) = surveyed.left(&group, &self.families, directory, most_bytes)
            {
                surveyed.group = Err(left);
            }
        }
        // One without entries goes with any others of its class and owner.
        let groups: Vec<_> = self.files.iter().filter_map(|file| file.group.ok()).collect();
        for surveyed in &mut self.files {
            if let Ok(group) = &mut surveyed.group
                && group.era.is_none()
                && let Some(other) = groups
                    .iter()
                    .find(|other| other.era.is_some() && Group { era: None, ..**other } == *group)
            {
                *group = *other;
            }
        }
    }
}

impl Surveyed {
    /// Why a dead file is left.
    fn left(
        &self,
        group: &Group,
        families: &Families,
        directory: &Metadata,
        most_bytes: u64,
    ) -> Option<Left> {
        let name = &self.file.name;
        let is_merged = |mode: GaugeMode| !mode.is_live() && mode.rule() != GaugeRule::PerPid;
        let aside = AsideName { generation: u64::MAX, hash: 0, name: name.file_name() };
        let is_archive = name.generation().is_some();
        let reasons = [
            (name.mode.is_some_and(|mode| !is_merged(mode)), Left::Mode),
            (self.content.is_odd, Left::MixedEras),
            (self.content.families.iter().any(|family| families.is_shared(*family)), Left::SharedFamily),
            (!is_removable(directory, group.uid), Left::NotRemovable),
            (aside.to_string().len() > LONGEST_NAME_BYTES, Left::LongName),
            (self.used > if is_archive { most_bytes / 2 } else { most_bytes }, Left::Full),
        ];
        reasons.into_iter().find_map(|(is_so, left)| is_so.then_some(left))
    }
}

/// Whether this process may rename a file of that owner: in a sticky directory only the owners may.
fn is_removable(directory: &Metadata, owner: u32) -> bool {
    const STICKY: u32 = 0o1000;
    let user = rustix::process::geteuid();
    directory.mode() & STICKY == 0 || user.is_root() || [owner, directory.uid()].contains(&user.as_raw())
}

impl Survey {
    /// The groups that have enough files, each with the indices of these; the others are left.
    pub(super) fn groups(&mut self, min_files: usize) -> BTreeMap<Group, Vec<usize>> {
        let mut groups: BTreeMap<Group, Vec<usize>> = BTreeMap::new();
        for (index, file) in self.files.iter().enumerate() {
            if let Ok(group) = file.group {
                groups.entry(group).or_default().push(index);
            }
        }
        groups.retain(|group, files| {
            let is_enough = files.len() >= min_files.max(2) && group.era.is_some();
            if !is_enough {
                for index in files {
                    self.files[*index].group = Err(Left::Single);
                }
            }
            is_enough
        });
        groups
    }
}

/// What is seen of a file when it is opened.
#[derive(Clone, Copy)]
struct Seen {
    look: Look,
    used: u64,
    uid: u32,
    gid: u32,
    mode: u32,
}

impl Seen {
    fn of(metadata: &Metadata, look: Look, used: u64) -> Self {
        Self { look, used, uid: metadata.uid(), gid: metadata.gid(), mode: metadata.mode() & 0o777 }
    }
}

/// Looks at every file, and weighs what was seen. Of those that are gone nothing is.
#[expect(clippy::type_complexity, reason = "two lists")]
fn look(files: &[MetricFile]) -> Result<(Vec<Option<Seen>>, Vec<Option<Evidence>>), DirectoryError> {
    let mut opener = Opener::default();
    let mut examined: Vec<_> = files.iter().cloned().map(Examined::unasked).collect();
    let mut seen = Vec::with_capacity(files.len());
    for file in files {
        seen.push(match look_at(file, &mut opener) {
            Ok(look) => Some(look),
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(source) => return Err(DirectoryError::Io { path: file.path(), source }),
        });
    }
    let looks = seen.iter().map(|seen: &Option<Seen>| seen.map(|seen| seen.look));
    weigh(examined.iter_mut().zip(looks).collect())?;
    Ok((seen, examined.into_iter().map(|examined| examined.evidence).collect()))
}

fn look_at(file: &MetricFile, opener: &mut Opener) -> io::Result<Seen> {
    match opener.open_at_once(file) {
        Ok(opened) => {
            let metadata = opened.metadata()?;
            let look = Look::at(&opened, &metadata);
            Ok(Seen::of(&metadata, look, used(&opened)))
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => Err(error),
        Err(error) => {
            let metadata = file.directory().metadata(file.file_name())?;
            Ok(Seen::of(&metadata, Look::from_outside(&metadata, &error), 0))
        }
    }
}

/// What the header says; 0 where there is none, or a wrong one.
pub(super) fn used(opened: &File) -> u64 {
    use std::os::unix::fs::FileExt;

    use crate::format::{self, HEADER_BYTES, Used};

    let mut header = [0; HEADER_BYTES];
    match opened.read_exact_at(&mut header, 0).map(|()| format::used(&header)) {
        Ok(Ok(Used::Bytes(used))) => used,
        _ => 0,
    }
}
