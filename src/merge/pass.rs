//! One pass over the files: every entry's value goes to its cell.

use std::collections::HashMap;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use super::collision::Collision;
use super::series::Series;
use super::target::{Action, Pid, Target, Targets};
use super::trace::Trace;
use super::{Conflict, Options, Traced, Witness};
use crate::directory::{Directory, DirectoryLabel, InDirectory, MetricFile, Problem, ProblemKind, Vanished};
use crate::format::{Entry, MetricFileName};
use crate::model::{GaugeMode, GaugeRule, MetricType};
use crate::reader::keys::KeyTable;
use crate::reader::{BadKeys, FileReader, ReadError, Source, read_files};

/// The state of a pass.
pub(super) struct Pass<'l> {
    label: Option<&'l DirectoryLabel>,
    /// The directory of the file read last, and its number.
    last_directory: Option<(Arc<Directory>, usize)>,
    /// The directories so far, by their paths.
    directories: HashMap<PathBuf, usize>,
    tables: Vec<(FileClass, KeyTable<Target>)>,
    targets: Targets,
    problems: Vec<Problem>,
}

/// Files of one class are merged alike and mostly have the same keys in the same order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct FileClass {
    metric_type: MetricType,
    mode: Option<GaugeMode>,
    /// Whose label its keys get, if they get one.
    directory: Option<usize>,
}

/// The result of a pass.
pub(super) struct Finished {
    pub(super) series: Series,
    pub(super) problems: Vec<Problem>,
    pub(super) conflicts: Vec<Conflict>,
    pub(super) collisions: Vec<Collision>,
    pub(super) trace: Option<Trace>,
}

/// A file while its entries go to their cells.
struct InFile<'p> {
    targets: &'p mut Targets,
    name: &'p MetricFileName,
    /// Only gauges have series of their own for each process.
    pid: Option<Pid<'p>>,
    left_out: BadKeys,
}

impl InFile<'_> {
    fn find(&mut self, entry: &Entry<'_>) -> Option<Target> {
        self.targets.find(self.name, entry).map_err(|error| self.left_out.note(entry, error)).ok()
    }

    fn take(&mut self, target: Target, entry: Entry<'_>) {
        if let Some(mode) = self.name.mode {
            self.targets.series.families[target.family].note_mode(mode);
        }
        self.targets.apply(target.action, self.pid, &entry);
    }
}

impl<'l> Pass<'l> {
    /// Reads all files; their keys get the label, if there is one. `modes` are those that an earlier pass found to apply to families.
    pub(super) fn over(
        source: &impl Source,
        options: &Options,
        label: Option<&'l DirectoryLabel>,
        modes: HashMap<String, GaugeMode>,
        witness: &mut impl Witness,
    ) -> Result<Self, Vanished> {
        let targets = Targets::new(modes, options.traced);
        let mut pass = Self {
            label,
            last_directory: None,
            directories: HashMap::new(),
            tables: Vec::new(),
            targets,
            problems: Vec::new(),
        };
        let mut index = 0;
        read_files(source, options.threads, |file, reader| {
            witness.file(index, file);
            index += 1;
            pass.read(file, reader, witness)
        })?;
        Ok(pass)
    }

    /// Merges a file into the series.
    fn read(
        &mut self,
        file: &MetricFile,
        reader: FileReader<'_>,
        witness: &mut impl Witness,
    ) -> Result<(), Vanished> {
        let directory = self.enter(file.directory());
        let class = FileClass {
            metric_type: file.name.metric_type,
            mode: file.name.mode,
            directory: self.label.map(|_| directory),
        };
        let at = self.tables.iter().position(|(of, _)| *of == class).unwrap_or_else(|| {
            self.tables.push((class, KeyTable::default()));
            self.tables.len() - 1
        });
        let (table, targets) = (&mut self.tables[at].1, &mut self.targets);
        targets.next_file();
        let is_plain = class.mode.is_none() && targets.traced != Traced::Everything;
        let pid = class.mode.map(|_| targets.pid(file.name.pid_label()));
        let mut cursor = table.start();
        let mut in_file = InFile { targets, name: &file.name, pid, left_out: BadKeys::default() };
        let read = reader.read(|entries, layout| {
            witness.entries(entries.clone(), layout);
            if is_plain {
                // What most entries are: one more value of a known counter or bucket.
                table.walk(entries, &mut cursor, &mut in_file, InFile::find, |in_file, target, entry| {
                    match target.action {
                        Action::Merge(GaugeRule::Sum, cell) => {
                            in_file.targets.series.values[cell] += entry.value;
                        }
                        _ => in_file.take(target, entry),
                    }
                })
            } else {
                table.walk(entries, &mut cursor, &mut in_file, InFile::find, InFile::take)
            }
        });
        let left_out = in_file.left_out.into_problem();
        if let Some(kind) = left_out {
            self.report(file, kind);
        }
        match read {
            Ok(_) => {}
            Err(ReadError::Format(error)) => self.report(file, ProblemKind::Format(error)),
            Err(ReadError::Io(error)) if error.kind() == io::ErrorKind::NotFound => {
                // As for the client, a live gauge's file may go at any moment, and then it is gone.
                if !file.name.is_live_gauge() {
                    return Err(Vanished(file.path()));
                }
            }
            Err(ReadError::Io(error)) => self.report(file, ProblemKind::Io(error)),
        }
        Ok(())
    }

    /// Goes to the directory of a file; returns its number.
    fn enter(&mut self, directory: &Arc<Directory>) -> usize {
        if let Some((last, number)) = &self.last_directory
            && Arc::ptr_eq(last, directory)
        {
            return *number;
        }
        let next = self.directories.len();
        let number = *self.directories.entry(directory.path().to_owned()).or_insert(next);
        self.last_directory = Some((Arc::clone(directory), number));
        let label = self.label.map(|label| (label.name(), label.value(directory.path())));
        self.targets.enter(number, directory.path(), label);
        number
    }

    fn report(&mut self, file: &MetricFile, kind: ProblemKind) {
        self.problems.push(Problem { path: file.path(), kind });
    }

    /// Whether entries were merged by another rule than that of their family's last file.
    pub(super) fn has_applied_another_rule(&self) -> bool {
        self.targets.series.families.iter().any(|family| family.has_applied_another_rule())
    }

    /// The modes that apply to families, for the next pass.
    pub(super) fn last_modes(&self) -> HashMap<String, GaugeMode> {
        let families = self.targets.series.families.iter();
        families.filter_map(|family| Some((family.name.clone(), family.last_mode?))).collect()
    }

    /// The result.
    pub(super) fn finish(self) -> Finished {
        let Targets { series, mut conflicts, collisions, trace, .. } = self.targets;
        for family in series.families.iter() {
            if let (Some(other), Some(last)) = (family.other_mode, family.last_mode) {
                conflicts.insert(Conflict::Modes { family: family.name.clone(), other, last });
            }
        }
        Finished {
            series,
            problems: self.problems,
            conflicts: conflicts.into_iter().collect(),
            collisions: collisions.into_found(),
            trace,
        }
    }
}

#[cfg(test)]
#[allow(clippy::disallowed_methods)] // a test's own directory
mod tests {
    use super::*;
    use crate::directory::scan_all;

    #[test]
    fn a_vanished_file_means_another_scan_unless_it_is_a_live_gauge() {
        let vanished = |file_name: &str| {
            let directory = tempfile::tempdir().expect("a directory");
            let path = directory.path().join(file_name);
            std::fs::write(&path, "").expect("a file");
            let files = scan_all(std::slice::from_ref(&path), false).expect("a scan").files;
            std::fs::remove_file(&path).expect("a file to remove");
            super::super::merge(&files, &Options::default())
        };
        assert!(matches!(vanished("counter_1.db"), Err(Vanished(path)) if path.ends_with("counter_1.db")));
        assert!(vanished("gauge_livesum_1.db").is_ok_and(|merged| merged.problems.is_empty()));
    }
}
