//! Directories: opened once, and reached by descriptor from then on; what stands in them; and which of
//! it is a metric file.

pub(crate) mod compaction;
mod contents;
mod label;
mod open;
pub(crate) mod own;
mod owner;
mod problem;
mod scan;
mod shared;

pub use compaction::archive_generation;
pub(crate) use contents::Contents;
pub use contents::{MetricFile, Other, OtherKind, Place};
pub use label::DirectoryLabel;
pub use open::{Directory, FileId, InDirectory, Opener};
pub use owner::{is_read_only, user_named, user_to_be};
pub use problem::{DirectoryError, Problem, ProblemKind};
pub use scan::{Listed, Scan, Vanished, scan, scan_all, scan_until_whole};
