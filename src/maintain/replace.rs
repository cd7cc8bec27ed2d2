//! Replaces a file in one step: readers see the old or the new content, never a part.

use std::fs::{self, OpenOptions, Permissions};
use std::io::{self, BufWriter, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use crate::directory::own::OWN_PREFIX;

/// Calls `write` on a temporary file beside `path`, and renames that over `path` when all is on
/// disk. On any error the old file stays. The new one can be read by everybody (0644), whatever
/// the umask: node_exporter's textfile collector runs as another user.
///
/// What is no regular file (`/dev/null`, a FIFO) cannot be replaced and is written to. A link is
/// followed: its target is replaced.
///
/// # Errors
/// Those of the system and of `write`.
pub fn replace_file(path: &Path, write: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> io::Result<()> {
    let path = match fs::metadata(path) {
        Ok(existing) if existing.is_dir() => return Err(io::ErrorKind::IsADirectory.into()),
        Ok(existing) if !existing.is_file() => {
            let mut out = BufWriter::new(OpenOptions::new().write(true).open(path)?);
            write(&mut out)?;
            return out.flush();
        }
        Ok(_) => fs::canonicalize(path)?,
        Err(error) if error.kind() == io::ErrorKind::NotFound => match fs::read_link(path) {
            // What it leads to is not there yet.
            Ok(target) => return replace_file(&parent(path).join(target), write),
            Err(_) => path.to_owned(),
        },
        Err(error) => return Err(error),
    };
    // Else the error names the temporary file.
    fs::metadata(parent(&path))?;
    let mut temporary = tempfile::Builder::new()
        .prefix(OWN_PREFIX)
        .suffix(".tmp")
        .permissions(Permissions::from_mode(0o644))
        .tempfile_in(parent(&path))?;
    let mut out = BufWriter::with_capacity(64 << 10, temporary.as_file_mut());
    write(&mut out)?;
    out.flush()?;
    drop(out);
    // The umask may have taken bits away.
    temporary.as_file().set_permissions(Permissions::from_mode(0o644))?;
    temporary.as_file().sync_all()?;
    temporary.persist(&path)?;
    Ok(())
}

/// The directory that a path stands in.
fn parent(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if parent != Path::new("") => parent,
        _ => Path::new("."),
    }
}
