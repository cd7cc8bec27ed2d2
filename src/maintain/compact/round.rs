//! One look at the directory after the other, and the batches that follow from each: the steps themselves.

use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::fs::File;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::fs::{FileExt, MetadataExt};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use rustix::fs::OFlags;

use super::super::temporary::Temporary;
use super::class::Counted;
use super::ending::{Asides, lower_barrier, remove_asides, take_back};
use super::leased::{ByLease, Leased, lease_all};
use super::places::{lock, move_name, next_generation, roll_back, unlock};
use super::recover::{left, recover};
use super::report::{CompactError, Options, Report, Step};
use super::survey::{Group, Left, Survey};
use super::watch::{QUIET, Watch, quiet_for};
use super::written::Written;
use crate::directory::compaction::{AsideName, BARRIER, FoldName};
use crate::directory::{Contents, Directory, DirectoryError, FileId, InDirectory, MetricFile, Opener};
use crate::format::MetricFileName;
use crate::liveness::{Evidence, Liveness};
use crate::reader::{Source, read_files};
use crate::sys::SignalsBlocked;

/// No batch has more files: while they change places, Python's scrapes fail.
const MOST_FILES: usize = 500;
/// What an archive's header can count.
const MOST_BYTES: u64 = i32::MAX as u64;
/// What is aside stays for so long.
const GRACE: Duration = Duration::from_secs(1);
const PAUSE: Duration = Duration::from_millis(2);

/// What one round tells the next.
#[derive(Default)]
pub(super) struct Rounds {
    /// How often the values of a class are raised, where a commit of it was undone.
    raises: HashMap<String, u32>,
}

/// What the batches of a round share.
struct Work<'w> {
    directory: &'w Arc<Directory>,
    /// Opened before the watch, for the lock.
    handle: OwnedFd,
    watch: Watch,
    survey: Survey,
    next_generation: u64,
    options: &'w Options,
    /// Files that may change, open since they were first read: to close one would look like a scrape.
    live: HashMap<String, File>,
    report: &'w mut Report,
}

/// What is folded together.
struct Batch {
    group: Group,
    class: String,
    /// How often no sum may fall.
    raises: u32,
    /// Indices of the survey's files.
    files: Vec<usize>,
}

/// A fold that was committed, and what is aside of it.
struct Committed {
    group: Group,
    class: String,
    generation: u64,
    asides: Vec<String>,
    at: Instant,
    /// Indices of the survey's files that were folded.
    files: Vec<usize>,
    entries: usize,
    /// What the sources had as their lengths, and what they occupied.
    bytes: (u64, u64),
}

/// What became of a batch.
enum Ended {
    Committed(Committed),
    /// Too few of its files can be folded now.
    TooFew,
    /// Another compaction has changed the directory.
    Stale,
}

/// Why a batch begins anew.
enum Again {
    /// Without these files: somebody wants to write to them, or they are not in their place.
    Without(Vec<String>),
    /// Somebody lists or reads.
    Disturbed,
    Stale,
    Failed(CompactError),
}

impl From<CompactError> for Again {
    fn from(error: CompactError) -> Self {
        Self::Failed(error)
    }
}

/// Reads everything.
///
/// # Errors
/// [`CompactError`]; also where nothing can be proven dead.
pub(super) fn surveyed(directory: &Directory, files: Vec<MetricFile>) -> Result<Survey, CompactError> {
    let metadata =
        directory.own_metadata().map_err(|error| DirectoryError::of_system(directory.path(), error))?;
    let survey = Survey::of(files, &metadata, MOST_BYTES)?;
    match survey.files.iter().find(|file| file.group == Err(Left::Unknown)) {
        Some(first) if !survey.has_leases => {
            let (path, reason) = (directory.path().to_owned(), first.evidence.to_string());
            Err(CompactError::NoLeases { path, reason })
        }
        _ => Ok(survey),
    }
}

impl Rounds {
    /// Runs a round. Returns whether another one is worth it: there are several archives of a group now, or
    /// another compaction was faster.
    ///
    /// # Errors
    /// [`CompactError`]; what was committed until then stays, and is in the report.
    pub(super) fn run(
        &mut self,
        directory: &Arc<Directory>,
        options: &Options,
        is_stopped: &dyn Fn() -> bool,
        report: &mut Report,
    ) -> Result<bool, CompactError> {
        let path = || directory.path().to_owned();
        let failed = |source| CompactError::Io { path: path(), step: Step::Watch, source };
        let handle = directory.reopened(OFlags::RDONLY).map_err(failed)?;
        let watch = Watch::new(directory).map_err(|source| CompactError::NoWatch { path: path(), source })?;
        let mut contents = Contents::of(directory).map_err(failed)?;
        // Another compaction is at work, or was killed since.
        if recover(directory, &contents)? == Some(true) {
            contents = Contents::of(directory).map_err(failed)?;
        }
        if let Some(name) = left(&contents) {
            return Err(CompactError::Unfinished { path: path(), name: name.to_owned() });
        }
        let next_generation = next_generation(&contents);
        let survey = surveyed(directory, contents.files)?;
        let live = HashMap::new();
        let mut work = Work { directory, handle, watch, survey, next_generation, options, live, report };
        work.enter(Step::Watch);
        work.drain(Step::Watch)?;
        let known: HashSet<&str> = work.survey.files.iter().map(|file| file.file.file_name()).collect();
        work.watch.forget_opened(|name| known.contains(name));
        work.watch.mark();
        let mut committed = Vec::new();
        let ended = self.batches(&mut work, is_stopped, &mut committed);
        // Whatever went wrong: what is aside is not left so.
        let mut archives: BTreeMap<Group, usize> = BTreeMap::new();
        for done in committed {
            match work.grace(&done) {
                Ok(true) => *archives.entry(done.group).or_default() += 1,
                Ok(false) => *self.raises.entry(done.class).or_insert(1) += 1,
                Err(error) => work.report.errors.push(error),
            }
        }
        let is_stale = match ended {
            // What was folded until now has made room.
            Err(CompactError::NoSpace { .. }) if !archives.is_empty() => true,
            ended => ended?,
        };
        let Work { survey, report, .. } = work;
        report.finish(survey);
        Ok(is_stale || archives.into_values().any(|count| count > 1))
    }

    /// Folds all groups. Returns whether another compaction was faster.
    fn batches(
        &self,
        work: &mut Work<'_>,
        is_stopped: &dyn Fn() -> bool,
        committed: &mut Vec<Committed>,
    ) -> Result<bool, CompactError> {
        for (group, mut waiting) in work.survey.groups(work.options.min_files) {
            let mut most = MOST_FILES;
            let class = work.survey.files[waiting[0]].file.name.class().to_owned();
            let raises = self.raises.get(&class).copied().unwrap_or(1);
            // Even one that is left over: its class has an archive by then, with which it is folded next.
            while !waiting.is_empty() {
                if is_stopped() {
                    work.report.is_interrupted = true;
                    return Ok(false);
                }
                let files = work.take_from(&mut waiting, most);
                let batch = Batch { group, class: class.clone(), raises, files };
                match work.batch(&batch) {
                    Ok(Ended::Committed(done)) => committed.push(done),
                    Ok(Ended::TooFew) => {}
                    Ok(Ended::Stale) => return Ok(true),
                    // Perhaps there is room for a smaller one.
                    Err(CompactError::NoSpace { .. }) if batch.files.len() > 2 => {
                        most = batch.files.len().div_ceil(2);
                        waiting.splice(0..0, batch.files);
                    }
                    Err(error) => return Err(error),
                }
            }
        }
        Ok(false)
    }
}

impl Work<'_> {
    /// Notes that a step is taken.
    fn enter(&mut self, step: Step) {
        if !self.report.steps.contains(&step) {
            self.report.steps.push(step);
        }
    }

    fn failed(&self, step: Step) -> impl Fn(io::Error) -> CompactError + use<> {
        let path = self.directory.path().to_owned();
        move |source| CompactError::Io { path: path.clone(), step, source }
    }

    fn drain(&mut self, step: Step) -> Result<(), CompactError> {
        self.watch.drain().map_err(self.failed(step))
    }

    /// The next files, as many as one archive can hold.
    fn take_from(&self, waiting: &mut Vec<usize>, most: usize) -> Vec<usize> {
        let mut bytes = 0;
        let is_within = |index: &&usize| {
            bytes += self.survey.files[**index].used;
            bytes <= MOST_BYTES
        };
        let count = waiting.iter().take(most).take_while(is_within).count().max(1);
        waiting.drain(..count).collect()
    }

    /// Folds some files: again, until nobody disturbs it.
    fn batch(&mut self, batch: &Batch) -> Result<Ended, CompactError> {
        let until = Instant::now() + self.options.wait;
        let mut files: Vec<_> =
            batch.files.iter().map(|index| self.survey.files[*index].file.clone()).collect();
        loop {
            self.enter(Step::Lease);
            let (leased, others) = lease_all(files)?;
            for other in others {
                let is_live = other.liveness() == Liveness::Live;
                let left = if is_live { Left::Live } else { Left::Unknown };
                self.leave(other.file.file_name(), left);
            }
            if leased.len() < 2 {
                leased.iter().for_each(|one| self.leave(one.file.file_name(), Left::Single));
                return Ok(Ended::TooFew);
            }
            let again = match self.fold(batch, &leased, until) {
                Ok(committed) => return Ok(Ended::Committed(committed)),
                Err(again) => again,
            };
            // Whoever waits is let in.
            files = leased.into_iter().map(|leased| leased.file).collect();
            match again {
                Again::Failed(error) => return Err(error),
                Again::Stale => return Ok(Ended::Stale),
                Again::Disturbed if Instant::now() > until => return Err(self.not_quiet()),
                Again::Disturbed => {}
                Again::Without(names) => {
                    files.retain(|file| !names.iter().any(|name| name == file.file_name()));
                    names.iter().for_each(|name| self.leave(name, Left::Live));
                }
            }
        }
    }

    /// Notes that a file is not folded after all.
    fn leave(&mut self, name: &str, left: Left) {
        if let Some(file) = self.survey.files.iter_mut().find(|file| file.file.file_name() == name) {
            file.group = Err(left);
        }
    }

    fn not_quiet(&self) -> CompactError {
        CompactError::NotQuiet { path: self.directory.path().to_owned(), waited: self.options.wait }
    }

    fn fold(
        &mut self,
        batch: &Batch,
        leased: &[Leased<MetricFile>],
        until: Instant,
    ) -> Result<Committed, Again> {
        self.enter(Step::Fold);
        let failed = self.failed(Step::Fold);
        let (survey, number) = (&mut self.survey, batch.group.class);
        survey.classes[number].forget_folded();
        let mut odd = Vec::new();
        let Ok(()) = read_files(&ByLease::new(leased), None, |file, reader| {
            match survey.classes[number].fold(reader, &mut survey.families) {
                Ok(content) if !content.is_odd => {}
                _ => odd.push(file.file_name().to_owned()),
            }
            Ok::<(), std::convert::Infallible>(())
        });
        if !odd.is_empty() {
            return Err(Again::Without(odd));
        }
        let hashes: Vec<u64> = leased.iter().map(Leased::hash).collect::<io::Result<_>>().map_err(&failed)?;
        self.drain(Step::Fold)?;
        let Some(era) = batch.group.era else { return Err(Again::Stale) };
        let too_large = || failed(io::Error::other("more than a file can hold"));
        let encoded = |work: &Self| work.survey.classes[number].encoded(era.0, batch.raises);
        let (bytes, entries) = encoded(self).ok_or_else(too_large)?;
        let written = Written::new(self.directory, &batch.group, &bytes)?;

        if self.options.is_unquiet {
            // So that the barrier need not wait for listings of which nothing is known.
            while !self.watch.has_stood() {
                self.drain(Step::Quiet)?;
                self.let_in(leased)?;
                thread::sleep(PAUSE);
            }
        } else {
            self.enter(Step::Quiet);
            let largest = self.survey.files.iter().map(|file| file.content.entries).max();
            let quiet = quiet_for(largest.unwrap_or_default());
            loop {
                self.drain(Step::Quiet)?;
                self.let_in(leased)?;
                if self.watch.is_quiet(quiet) {
                    break;
                }
                if Instant::now() > until + quiet {
                    return Err(self.not_quiet().into());
                }
                thread::sleep(PAUSE);
            }
            let is_changed = self.watch.is_changed();
            self.watch.mark();
            if is_changed {
                return Err(Again::Stale);
            }
        }

        self.enter(Step::Lock);
        // Lock: however late it has become quiet.
        let until = until.max(Instant::now() + QUIET);
        let (handle, watch) = (&self.handle, &mut self.watch);
        let locked = lock(handle, until, || {
            // What it says is asked again below.
            let _ = watch.drain();
            watch.is_changed() || leased.iter().any(Leased::is_wanted)
        });
        let path = || self.directory.path().to_owned();
        if !locked.map_err(self.failed(Step::Lock))? {
            self.let_in(leased)?;
            if self.watch.is_changed() {
                return Err(Again::Stale);
            }
            return Err(CompactError::Locked { path: path(), waited: self.options.wait }.into());
        }
        let done = self.change_places(batch, leased, &hashes, written, &bytes, until);
        // Nobody else changes anything as long as the lock is held.
        let drained = self.drain(Step::BarrierDown);
        self.watch.forget_changes();
        unlock(&self.handle);
        let (generation, asides) = done?;
        if let Err(error) = drained {
            self.report.errors.push(error);
        }
        let is_folded = |index: &usize| {
            let name = self.survey.files[*index].file.file_name();
            leased.iter().any(|one| one.file.file_name() == name)
        };
        let sizes = leased.iter().map(Leased::sizes);
        Ok(Committed {
            group: batch.group,
            class: batch.class.clone(),
            generation,
            asides,
            at: Instant::now(),
            files: batch.files.iter().copied().filter(is_folded).collect(),
            entries,
            bytes: sizes.fold((0, 0), |sum, size| (sum.0 + size.0, sum.1 + size.1)),
        })
    }

    /// Lets those in who want to write to a source.
    fn let_in(&self, leased: &[Leased<MetricFile>]) -> Result<(), Again> {
        let wanted: Vec<_> = leased.iter().filter(|one| one.is_wanted()).map(name_of).collect();
        if wanted.is_empty() { Ok(()) } else { Err(Again::Without(wanted)) }
    }

    /// Puts a fold in the place of its sources. The lock is held.
    fn change_places(
        &mut self,
        batch: &Batch,
        leased: &[Leased<MetricFile>],
        hashes: &[u64],
        written: Written,
        bytes: &[u8],
        until: Instant,
    ) -> Result<(u64, Vec<String>), Again> {
        self.enter(Step::BarrierUp);
        let failed = self.failed(Step::BarrierUp);
        self.drain(Step::BarrierUp)?;
        if self.watch.is_changed() {
            return Err(Again::Stale);
        }
        let moved: Vec<_> = leased.iter().filter(|one| !one.is_in_its_place()).map(name_of).collect();
        if !moved.is_empty() {
            return Err(Again::Without(moved));
        }
        self.count_live(batch, leased)?;
        if let Some(era) = batch.group.era
            && let Some((raised, _)) = self.survey.classes[batch.group.class].encoded(era.0, batch.raises)
            && raised != *bytes
        {
            let file = written.fold.file();
            file.write_all_at(&raised, 0).and_then(|()| file.sync_data()).map_err(&failed)?;
        }
        self.let_in(leased)?;
        let generation = self.next_generation;
        self.next_generation += 1;
        let fold = FoldName { generation, class: &batch.class };
        let _blocked = SignalsBlocked::new();
        let Written { fold: written, barrier } = written;
        barrier.rename_onto_nothing(BARRIER).map_err(&failed)?;
        let up = Instant::now();
        let mut asides = Vec::new();
        let done = self.commit(&fold, leased, hashes, written, &mut asides, until);
        if done.is_err()
            && let Err(error) = roll_back(self.directory, &fold, &asides, &mut self.next_generation)
        {
            // The barrier stays: the next run undoes it.
            return Err(self.failed(Step::Aside)(error).into());
        }

        self.enter(Step::BarrierDown);
        let wait = self.options.wait;
        let lowered = lower_barrier(self.directory, &self.handle, &mut self.watch, wait);
        self.report.barrier = self.report.barrier.max(up.elapsed());
        match lowered.map_err(self.failed(Step::BarrierDown)) {
            Ok(true) => {}
            Ok(false) => self.report.errors.push(self.not_quiet()),
            Err(error) => self.report.errors.push(error),
        }
        done.map(|()| (generation, asides))
    }

    /// What happens under the barrier, until the fold is an archive.
    fn commit(
        &mut self,
        fold: &FoldName<'_>,
        leased: &[Leased<MetricFile>],
        hashes: &[u64],
        written: Temporary,
        asides: &mut Vec<String>,
        until: Instant,
    ) -> Result<(), Again> {
        let began = Instant::now();
        loop {
            self.drain(Step::BarrierUp)?;
            if !self.options.is_unquiet {
                if self.watch.is_disturbed() {
                    return Err(Again::Disturbed);
                }
                break;
            }
            // Those that began before the barrier.
            if self.watch.are_listings_over(began) {
                break;
            }
            if Instant::now() > until {
                return Err(self.not_quiet().into());
            }
            self.let_in(leased)?;
            thread::sleep(PAUSE);
        }

        self.enter(Step::Aside);
        let failed = self.failed(Step::Aside);
        written.rename_onto_nothing(&fold.to_string()).map_err(&failed)?;
        for (one, hash) in leased.iter().zip(hashes) {
            let name = one.file.file_name();
            let aside = AsideName { generation: fold.generation, hash: *hash, name }.to_string();
            match move_name(self.directory, name, &aside) {
                Ok(()) => {}
                Err(error) if error.kind() == io::ErrorKind::NotFound => {
                    return Err(Again::Without(vec![name.to_owned()]));
                }
                Err(error) => return Err(failed(error).into()),
            }
            // Between the look and the renaming another file may have got the name.
            let is_it = self.directory.metadata(&aside).is_ok_and(|found| FileId::of(&found) == one.id);
            asides.push(aside);
            if !is_it || one.is_wanted() {
                return Err(Again::Without(vec![name.to_owned()]));
            }
        }
        self.let_in(leased)?;
        self.drain(Step::Aside)?;
        if !self.options.is_unquiet && self.watch.is_disturbed() {
            return Err(Again::Disturbed);
        }

        self.enter(Step::Commit);
        let committed = move_name(self.directory, &fold.to_string(), &fold.archive_name());
        Ok(committed.map_err(self.failed(Step::Commit))?)
    }

    /// Reads again what the class's other files hold that may have changed since they were read.
    fn count_live(&mut self, batch: &Batch, leased: &[Leased<MetricFile>]) -> Result<(), CompactError> {
        let number = batch.group.class;
        let sources: HashSet<&str> = leased.iter().map(|one| one.file.file_name()).collect();
        let opened = self.watch.opened();
        let mut files = Vec::new();
        let mut known = HashSet::new();
        for file in self.survey.files.iter().filter(|file| file.class == number) {
            let name = file.file.file_name();
            known.insert(name);
            let may_change = file.evidence != Evidence::LeaseGranted || opened.contains(name);
            if may_change && !sources.contains(name) {
                files.push(file.file.clone());
            }
        }
        // Those that were made since.
        let made =
            opened.iter().filter(|name| !known.contains(name.as_str())).filter_map(|name| name.parse().ok());
        let is_of_it = |name: &MetricFileName| name.class() == batch.class && name.generation().is_none();
        let made = made.filter(is_of_it);
        files.extend(made.map(|name| MetricFile::new(self.directory, name)));
        let mut opener = Opener::default();
        for file in &files {
            if let Entry::Vacant(entry) = self.live.entry(file.file_name().to_owned()) {
                match opener.open(file) {
                    Ok(opened) => drop(entry.insert(opened)),
                    Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                    Err(error) => return Err(self.failed(Step::BarrierUp)(error)),
                }
            }
        }
        files.retain(|file| self.live.contains_key(file.file_name()));
        let survey = &mut self.survey;
        survey.classes[number].forget_live();
        let Ok(()) = read_files(&Kept { files, opened: &self.live }, None, |_, reader| {
            // Of what is damaged, the part before that counts.
            let _ = survey.classes[number].count(reader, &mut survey.families, Counted::Live);
            Ok::<(), std::convert::Infallible>(())
        });
        Ok(())
    }

    /// Ends a batch: removes what is aside, or takes the commit back. Returns whether it stays.
    fn grace(&mut self, done: &Committed) -> Result<bool, CompactError> {
        self.enter(Step::Grace);
        thread::sleep((done.at + GRACE).saturating_duration_since(Instant::now()));
        let fold = FoldName { generation: done.generation, class: &done.class };
        let archive = fold.archive_name();
        let asked = remove_asides(self.directory, &self.handle, &fold, &done.asides, self.options.wait)?;
        if asked == Asides::Gone {
            let count = |count: usize| i64::try_from(count).unwrap_or(i64::MAX);
            let bytes = |bytes: u64| i64::try_from(bytes).unwrap_or(i64::MAX);
            if let Ok(made) = self.directory.metadata(&archive) {
                self.report.apparent_bytes += bytes(done.bytes.0) - bytes(made.len());
                self.report.allocated_bytes += bytes(done.bytes.1) - bytes(made.blocks() * 512);
            }
            self.report.inodes += count(done.files.len()) - 1;
            for index in &done.files {
                self.report.take(&self.survey.files[*index]);
            }
            self.report.entries_after += done.entries;
            self.report.archives.push(self.directory.path_of(archive));
            return Ok(true);
        }
        if asked == Asides::Changed {
            self.enter(Step::TakeBack);
            let Self { directory, handle, watch, next_generation, options, .. } = self;
            let undone =
                take_back(directory, &*handle, watch, &fold, &done.asides, next_generation, options.wait);
            if undone.map_err(self.failed(Step::TakeBack))? {
                return Ok(false);
            }
        }
        let name = done.asides.first().cloned().unwrap_or_default();
        Err(CompactError::Unfinished { path: self.directory.path().to_owned(), name })
    }
}

fn name_of(leased: &Leased<MetricFile>) -> String {
    leased.file.file_name().to_owned()
}

/// Files that are open, and stay so.
struct Kept<'k> {
    files: Vec<MetricFile>,
    opened: &'k HashMap<String, File>,
}

impl Source for Kept<'_> {
    fn files(&self) -> &[MetricFile] {
        &self.files
    }

    fn open(&self, index: usize, _: &mut Opener) -> io::Result<File> {
        let opened = self.opened.get(self.files[index].file_name());
        opened.ok_or(io::ErrorKind::NotFound)?.try_clone()
    }
}
