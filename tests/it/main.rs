//! The integration tests: the `promproc` binary as a user sees it, one module an area, one test
//! binary so that it links once.

// Helpers stand outside of `#[test]` functions, and a test's own directories are its to change.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::disallowed_methods)]

mod check;
mod clean;
mod compact;
mod concurrent;
mod differential;
mod directories;
mod dump;
mod explain;
mod find;
mod generated;
mod golden;
mod hostile;
mod house;
mod library;
mod merge;
mod mistakes;
mod not_run;
mod oracle;
mod packages;
mod properties;
mod prune;
mod readme;
mod recipes;
mod services;
mod silent;
mod support;
mod top;
