//! Commands that fix what is wrong, ready to be pasted into a shell.

use std::fmt;
use std::path::{Path, PathBuf};

use super::shell::quoted;
use crate::model::GaugeMode;

/// What fixes something; displayed as the command.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Remedy {
    /// Removes dead processes' gauges of that mode from a directory.
    Prune {
        /// The directory.
        directory: PathBuf,
        /// The mode; `None` for all live ones, which go together.
        mode: Option<GaugeMode>,
    },
    /// Removes one process's live gauges.
    PruneProcess {
        /// The directory.
        directory: PathBuf,
        /// The last part of the files' names.
        pid: String,
    },
    /// Wipes, or makes, a directory.
    Clean {
        /// The directory.
        directory: PathBuf,
        /// Whether files of live processes stay.
        keep_live: bool,
    },
    /// Folds dead processes' files.
    Compact {
        /// The directory.
        directory: PathBuf,
    },
    /// Renames a file so that no scrape sees it.
    SetAside {
        /// The file.
        file: PathBuf,
    },
    /// Gives a directory to a user; if it is a link, only the link.
    GiveDirectory {
        /// The user's number.
        owner: u32,
        /// The directory.
        directory: PathBuf,
    },
    /// Lets the owner of a directory use it.
    OpenToOwner {
        /// The directory.
        directory: PathBuf,
    },
    /// Makes a directory, as root, for a user.
    CreateFor {
        /// The user: a name, or a number.
        user: String,
        /// The directory.
        directory: PathBuf,
    },
    /// Another one, for a caller who may not do that himself.
    AsUser {
        /// As whom: a name, or `#` and a number.
        user: String,
        /// What to do.
        remedy: Box<Remedy>,
    },
}

impl Remedy {
    /// Removes dead processes' gauges of a mode from a directory.
    pub fn prune(directory: &Path, mode: GaugeMode) -> Self {
        Self::Prune { directory: directory.to_owned(), mode: Some(mode).filter(|mode| !mode.is_live()) }
    }

    /// Whether it removes the live gauges of a directory's dead processes.
    pub fn prunes_live_gauges_of(&self, place: &Path) -> bool {
        match self {
            Self::Prune { directory, mode: None } => directory == place,
            Self::AsUser { remedy, .. } => remedy.prunes_live_gauges_of(place),
            _ => false,
        }
    }

    /// The same, but of the live gauges only those of that mode.
    pub fn of_mode(self, mode: GaugeMode) -> Self {
        match self {
            Self::Prune { directory, mode: None } => Self::Prune { directory, mode: Some(mode) },
            Self::AsUser { user, remedy } => Self::AsUser { user, remedy: Box::new(remedy.of_mode(mode)) },
            other => other,
        }
    }

    /// The directory in which it changes files of processes.
    pub fn changes_files_in(&self) -> Option<&Path> {
        match self {
            Self::Prune { directory, .. }
            | Self::PruneProcess { directory, .. }
            | Self::Clean { directory, .. }
            | Self::Compact { directory } => Some(directory),
            Self::SetAside { file } => file.parent(),
            Self::AsUser { remedy, .. } => remedy.changes_files_in(),
            _ => None,
        }
    }

    /// The same as that user; as the caller if there is none.
    pub fn as_user(self, user: Option<String>) -> Self {
        match user {
            Some(user) => Self::AsUser { user, remedy: Box::new(self) },
            None => self,
        }
    }
}

impl fmt::Display for Remedy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Prune { directory, mode: None } => write!(f, "promproc prune {}", quoted(directory)),
            Self::Prune { directory, mode: Some(mode) } => {
                write!(f, "promproc prune --mode {mode} {}", quoted(directory))
            }
            Self::PruneProcess { directory, pid } => {
                write!(f, "promproc prune --pid {} {}", quoted(pid.as_ref()), quoted(directory))
            }
            Self::Clean { directory, keep_live } => {
                let options = if *keep_live { "--keep-live " } else { "" };
                write!(f, "promproc clean {options}{}", quoted(directory))
            }
            Self::Compact { directory } => write!(f, "promproc compact {}", quoted(directory)),
            Self::SetAside { file } => {
                let mut aside = file.clone().into_os_string();
                aside.push(".aside");
                write!(f, "mv {} {}", quoted(file), quoted(aside.as_ref()))
            }
            Self::GiveDirectory { owner, directory } => write!(f, "chown -h {owner} {}", quoted(directory)),
            Self::OpenToOwner { directory } => write!(f, "chmod u+rwx {}", quoted(directory)),
            Self::CreateFor { user, directory } => {
                write!(f, "install -d -o {} {}", quoted(user.as_ref()), quoted(directory))
            }
            Self::AsUser { user, remedy } => write!(f, "sudo -u {} {remedy}", quoted(user.as_ref())),
        }
    }
}
