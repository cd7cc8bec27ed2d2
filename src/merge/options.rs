//! What to merge, and how.

use crate::select::Selection;

/// In which order families and series come out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Order {
    /// As first seen in the files: the client's.
    #[default]
    FirstSeen,
    /// Families by name, series by labels.
    Sorted,
}

/// Which series are to lead back to the entries that they were made of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Traced {
    /// None.
    #[default]
    Nothing,
    /// What gauge files hold.
    Gauges,
    /// All.
    Everything,
}

/// What to merge, and how.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Options {
    /// Which files to read, where paths are merged, and which merged series to give.
    pub selection: Selection,
    /// The name of a label that each series gets, which says from which directory it is: see
    /// [`DirectoryLabel`](crate::directory::DirectoryLabel).
    pub directory_label: Option<String>,
    /// Cumulate histogram buckets and print `_count`; `false` is the client's `accumulate=False`.
    pub accumulate: bool,
    /// In which order the result comes.
    pub order: Order,
    /// How many threads may read; the result does not depend on it. `None`: as many as help.
    pub threads: Option<usize>,
    /// Which series [`MergedSeries::traced`](super::MergedSeries::traced) gives.
    pub traced: Traced,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            selection: Selection::default(),
            directory_label: None,
            accumulate: true,
            order: Order::FirstSeen,
            threads: None,
            traced: Traced::Nothing,
        }
    }
}
