//! promproc reads, merges and maintains the multiprocess directories of the Prometheus Python
//! client.

pub mod diagnose;
pub mod directory;
pub mod dump;
pub mod explain;
pub mod exposition;
pub mod format;
pub mod liveness;
pub mod maintain;
pub mod merge;
pub mod model;
pub mod remedy;
pub mod select;
pub mod selector;
#[cfg(target_os = "linux")]
mod sys;
