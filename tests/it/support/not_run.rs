//! The way out of a test that cannot run here.

use std::env;
use std::io::{self, Write};
use std::thread;

/// Says on standard error that this test is not run and what it needs, so that it may return;
/// with `CI=true` it fails instead.
#[track_caller]
pub(crate) fn not_run(needs: &str) {
    let this = thread::current();
    let message = format!("NOT RUN: {} needs {needs}", this.name().unwrap_or("a test"));
    assert!(env::var_os("CI").is_none_or(|ci| ci != "true"), "{message}");
    // Not `eprintln!`, which the test harness swallows when a test passes.
    io::stderr().write_all(format!("{message}\n").as_bytes()).unwrap();
}
