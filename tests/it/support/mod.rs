//! What the tests share: the official client as an oracle, random directories, the promproc binary.

mod binary;
mod client;
pub(crate) mod dump;
mod nasty;
mod python;
pub(crate) mod random;

pub(crate) use binary::{assert_same_text, path_with_promproc, promproc, promproc_merge};
pub(crate) use client::{Client, FileEntries, Merge};
pub(crate) use python::not_run::not_run;
pub(crate) use python::{CURRENT, python};
