//! The same series of several directories, of which one is lost.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::path::{Path, PathBuf};

use hashbrown::DefaultHashBuilder;

use super::series::Cell;
use crate::model::Labels;
use crate::notation::push_sample;

/// A gauge with a series for each process has some in several directories whose processes have the same
/// pid: of each, the last one read counts, and the others are lost. Displayed as one of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Collision {
    /// The family's name.
    pub family: String,
    /// One of its series.
    pub series: String,
    /// A directory that has it.
    pub first: PathBuf,
    /// Another one.
    pub other: PathBuf,
    /// How many series of the family were lost.
    pub lost: usize,
}

impl fmt::Display for Collision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { series, first, other, .. } = self;
        write!(
            f,
            "{series} is in {} and in {}: the last one read counts, the other is lost",
            first.display(),
            other.display()
        )
    }
}

/// Finds collisions while series are merged.
#[derive(Debug, Default)]
pub(super) struct Collisions {
    /// The paths of the directories so far, by their numbers.
    directories: Vec<PathBuf>,
    /// The directory that each cell of a process's own series was made for.
    made_for: HashMap<Cell, usize, DefaultHashBuilder>,
    by_family: BTreeMap<String, Collision>,
}

impl Collisions {
    /// A directory is read; numbers are given in order.
    pub(super) fn enter(&mut self, number: usize, path: &Path) {
        if number == self.directories.len() {
            self.directories.push(path.to_owned());
        }
    }

    /// Notes for which directory a cell is made. Returns the one that it was made for before, if that is another.
    pub(super) fn make(&mut self, cell: Cell, directory: usize) -> Option<usize> {
        self.made_for.insert(cell, directory).filter(|before| *before != directory)
    }

    /// Notes that a series of a directory takes the place of the same of another one.
    pub(super) fn note(
        &mut self,
        family: &str,
        sample: &str,
        labels: &Labels,
        pid: &str,
        between: [usize; 2],
    ) {
        if let Some(known) = self.by_family.get_mut(family) {
            known.lost += 1;
            return;
        }
        let mut series = String::new();
        push_sample(&mut series, sample, labels.with("pid", pid).normalized().iter());
        let [first, other] = between.map(|number| self.directories[number].clone());
        let collision = Collision { family: family.to_owned(), series, first, other, lost: 1 };
        self.by_family.insert(family.to_owned(), collision);
    }

    /// All, by family.
    pub(super) fn into_found(self) -> Vec<Collision> {
        self.by_family.into_values().collect()
    }
}
