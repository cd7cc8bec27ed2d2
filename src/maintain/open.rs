//! Opens a directory to be maintained: what an earlier run left half done is finished or undone first.

use std::path::Path;
use std::sync::Arc;

use super::remove::recover;
use crate::directory::{Contents, Directory, DirectoryError, InDirectory};

/// Opens and lists a directory.
///
/// # Errors
/// [`DirectoryError`] if it cannot be opened, listed, or put in order.
pub(super) fn open(path: &Path) -> Result<(Arc<Directory>, Contents), DirectoryError> {
    let of_system = |error| DirectoryError::of_system(path, error);
    let directory = Arc::new(Directory::open(path).map_err(of_system)?);
    let contents = Contents::of(&directory).map_err(of_system)?;
    let mut has_recovered = false;
    for leftover in &contents.leftovers {
        match recover(leftover) {
            Ok(recovered) => has_recovered |= recovered == Some(true),
            Err(source) => return Err(DirectoryError::Io { path: leftover.path(), source }),
        }
    }
    if !has_recovered {
        return Ok((directory, contents));
    }
    let contents = Contents::of(&directory).map_err(of_system)?;
    Ok((directory, contents))
}
