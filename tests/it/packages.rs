//! What the packages have beside the binary. `packaging/try` tries the packages themselves.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::support::{python, run};

const ROOT: &str = env!("CARGO_MANIFEST_DIR");

#[test]
fn the_python_package_is_typed() {
    let Some(python) = python() else { return };
    let cache = tempfile::tempdir().unwrap();
    let mut mypy = Command::new(python.interpreter());
    mypy.args(["-m", "mypy", "--strict", "--cache-dir"]).arg(cache.path());
    mypy.arg(Path::new(ROOT).join("python/promproc"));
    let ran = run(&mut mypy);
    assert_eq!(ran.status, Some(0), "{}", ran.stdout);
}

#[test]
fn the_newest_entry_of_debians_changelog_is_this_version() {
    let changelog = fs::read_to_string(Path::new(ROOT).join("packaging/deb/changelog")).unwrap();
    let start = concat!("promproc (", env!("CARGO_PKG_VERSION"), "-1) ");
    assert!(changelog.starts_with(start), "{changelog}");
}
