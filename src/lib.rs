//! promproc reads, merges and maintains the multiprocess directories of the Prometheus Python
//! client.
//!
//! Data takes one way: [`directory`] finds metric files, [`reader`] reads their used bytes, [`mod@format`]
//! makes entries and keys of them, [`merge`] makes metric families of the entries of all processes, and
//! [`exposition`] prints those.
//!
//! ```
//! use std::path::PathBuf;
//!
//! use promproc::exposition::{Escaping, text};
//! use promproc::merge::{Options, merge_paths};
//!
//! let paths = [PathBuf::from("tests/data/gunicorn")];
//! let (_files, merged) = merge_paths(&paths, false, &Options::default())?;
//! assert!(merged.problems.is_empty(), "every file was whole");
//! let mut out = Vec::new();
//! text::write(merged.series.into_families(), Escaping::default(), &mut out)?;
//! assert!(String::from_utf8(out)?.contains("\ninprogress_requests 3.0\n"));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! The modules in reading order: [`model`] has the nouns; [`mod@format`], [`directory`], [`reader`],
//! [`merge`] and [`exposition`] are the way above; [`select`] chooses; [`liveness`] finds out who still
//! writes; [`explain`] and [`check`] say why a value is what it is and what is wrong; [`observe`] follows
//! a directory over time; [`maintain`] alone changes anything; [`notation`] says how all of it is written.

pub mod check;
pub mod directory;
pub mod explain;
pub mod exposition;
pub mod format;
pub mod liveness;
pub mod maintain;
pub mod merge;
pub mod model;
pub mod notation;
pub mod observe;
pub mod reader;
pub mod select;
mod sys;
