//! What the client's rules decide where files disagree.

use crate::model::{GaugeMode, MetricType};

impl Conflict {
    /// The name of the family that it is about.
    pub fn family(&self) -> &str {
        match self {
            Self::Modes { family, .. }
            | Self::Types { family, .. }
            | Self::PidLabel { family }
            | Self::UnknownMode { family, .. }
            | Self::DirectoryLabel { family, .. }
            | Self::Surrogate { family } => family,
        }
    }
}

/// Something in the files that the client merges in a way that may surprise.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, thiserror::Error)]
#[non_exhaustive]
pub enum Conflict {
    /// Gauge files of several modes have entries of one family.
    #[error(
        "family {family}: its files are of the modes {other} and {last}; {last}, of the file read last, \
         applies to all"
    )]
    Modes {
        /// The family's name.
        family: String,
        /// Another mode.
        other: GaugeMode,
        /// The mode that applies.
        last: GaugeMode,
    },
    /// Files of several types have entries of one family.
    #[error(
        "family {family}: its files are of the types {first} and {other}; {first}, of the file read first, \
         applies to all"
    )]
    Types {
        /// The family's name.
        family: String,
        /// The type that applies.
        first: MetricType,
        /// Another type.
        other: MetricType,
    },
    /// A gauge has a label of the name that the multiprocess mode uses itself.
    #[error("family {family}: its own label pid is lost, the multiprocess mode overwrites or removes it")]
    PidLabel {
        /// The family's name.
        family: String,
    },
    /// A series has a label of the name that says which directory it is from.
    #[error("family {family}: its own label {label} is replaced by that of the directory")]
    DirectoryLabel {
        /// The family's name.
        family: String,
        /// The label's name.
        label: String,
    },
    /// A gauge mode that no client release has.
    #[error("family {family}: no client has the gauge mode {mode}; it is treated as all")]
    UnknownMode {
        /// The family's name.
        family: String,
        /// The mode as file names spell it.
        mode: String,
    },
    /// A key has a lone surrogate.
    #[error(
        "family {family}: a lone surrogate in a name, label or help became U+FFFD; the official client \
         fails on it"
    )]
    Surrogate {
        /// The family's name.
        family: String,
    },
}
