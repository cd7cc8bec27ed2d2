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
    /// Wipes, or makes, a directory.
    Clean {
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
}

impl Remedy {
    /// Removes dead processes' gauges of a mode from a directory.
    pub fn prune(directory: &Path, mode: GaugeMode) -> Self {
        Self::Prune { directory: directory.to_owned(), mode: Some(mode).filter(|mode| !mode.is_live()) }
    }
}

impl fmt::Display for Remedy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Prune { directory, mode: None } => write!(f, "promproc prune {}", quoted(directory)),
            Self::Prune { directory, mode: Some(mode) } => {
                write!(f, "promproc prune --mode {mode} {}", quoted(directory))
            }
            Self::Clean { directory } => write!(f, "promproc clean {}", quoted(directory)),
            Self::SetAside { file } => {
                let mut aside = file.clone().into_os_string();
                aside.push(".aside");
                write!(f, "mv {} {}", quoted(file), quoted(aside.as_ref()))
            }
            Self::GiveDirectory { owner, directory } => write!(f, "chown -h {owner} {}", quoted(directory)),
            Self::OpenToOwner { directory } => write!(f, "chmod u+rwx {}", quoted(directory)),
        }
    }
}
