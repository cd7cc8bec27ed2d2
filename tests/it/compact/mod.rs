//! `promproc compact`: the same counts in fewer files, whatever happens meanwhile.

mod barrier;
mod differential;
mod model;

use std::path::Path;

use crate::support::{Ran, promproc, run};

/// Compacts a directory, and waits for that.
fn compact(directory: &Path, options: &[&str]) -> Ran {
    run(promproc().arg("compact").args(options).arg(directory))
}

/// What `merge` prints, with all names as they are, and sorted.
fn merged(directory: &Path) -> String {
    let ran = run(promproc().args(["merge", "--sort", "--escaping", "allow-utf-8"]).arg(directory));
    assert!(matches!(ran.status, Some(0 | 1)), "{ran:?}");
    ran.stdout
}
