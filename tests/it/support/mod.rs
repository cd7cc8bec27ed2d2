//! What the tests share: the official client as an oracle, promproc and the users who run it, the
//! directories that it is run on and the processes that write there.

mod binary;
mod client;
mod container;
mod damage;
mod directory;
pub(crate) mod dump;
mod holder;
mod metric_file;
mod nasty;
mod pause;
mod python;
mod ran;
pub(crate) mod random;
mod sample;
mod user;
mod waiting;

pub(crate) use binary::{assert_same_text, limited, path_with_promproc, promproc, promproc_merge};
pub(crate) use client::{Client, FileEntries, Merge};
pub(crate) use container::{has_containers, in_container};
pub(crate) use damage::{damages, of_ruby};
pub(crate) use directory::{Directory, large_directory, names_in, small_directory};
pub(crate) use holder::{Holder, killed, worker};
pub(crate) use metric_file::{GET, POST, SIZE, encoded, write};
pub(crate) use pause::while_stopped;
pub(crate) use python::not_run::not_run;
pub(crate) use python::{CURRENT, python};
pub(crate) use ran::{Ran, run};
pub(crate) use sample::{Sample, samples};
pub(crate) use user::{
    STRANGER, can_change_user, promproc_of_a_stranger, promproc_without_leases, promproc_without_threads,
};
pub(crate) use waiting::{DEADLINE, is_leased, wait_for};
