//! promproc reads, merges and maintains the multiprocess directories of the Prometheus Python
//! client.

pub mod directory;
pub mod dump;
pub mod exposition;
pub mod format;
pub mod live;
pub mod liveness;
pub mod maintain;
pub mod merge;
pub mod model;
pub mod select;
#[cfg(target_os = "linux")]
mod sys;
