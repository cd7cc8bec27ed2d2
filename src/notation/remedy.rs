//! Commands that mend what is wrong, as a person can paste them into a shell.

use std::path::Path;

use super::shell::quoted;
use crate::model::GaugeMode;

/// Takes dead processes' gauges of that mode out of a directory.
pub fn prune(directory: &Path, mode: GaugeMode) -> String {
    let options = if mode.is_live() { String::new() } else { format!(" --mode {mode}") };
    format!("promproc prune{options} {}", quoted(directory))
}
