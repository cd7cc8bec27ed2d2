//! Everything that creates, renames or removes files in a user's directory; nothing else does.
#![allow(clippy::disallowed_methods)]

pub mod clean;
pub mod compact;
mod descriptor;
mod open;
pub mod prune;
mod remove;
mod replace;
mod temporary;

pub use descriptor::Descriptor;
pub use open::{Intent, open_or_create};
pub use remove::{Removal, remove, remove_regardless};
pub use replace::{ReplaceError, replace_file};
