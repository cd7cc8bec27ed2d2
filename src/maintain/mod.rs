//! Everything that creates, renames or removes files in a user's directory; nothing else does.
#![allow(clippy::disallowed_methods)]

pub mod clean;
mod open;
pub mod prune;
mod remove;
mod replace;

pub use open::open_or_create;
pub use remove::{Removal, remove, remove_regardless};
pub use replace::replace_file;
