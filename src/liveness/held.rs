//! The metric files that a process has open or mapped for writing, by the paths that /proc has for them.

use std::collections::BTreeSet;
use std::io;
use std::path::{Path, PathBuf};

use crate::format::MetricFileName;

/// A metric file that a process has open or mapped for writing.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Held {
    /// Where it is, or was, in the process's own view of the file system.
    pub(super) directory: PathBuf,
    pub(super) name: String,
    /// Whether it has no name any more.
    pub(super) is_removed: bool,
}

impl Held {
    /// The file of a path as /proc writes it: the system says at the end that it was removed.
    #[cfg_attr(not(target_os = "linux"), allow(dead_code))]
    fn of(path: &Path) -> Option<Self> {
        let name = path.file_name()?.to_str()?;
        let before = name.strip_suffix(" (deleted)");
        let (name, is_removed) = (before.unwrap_or(name), before.is_some());
        name.parse::<MetricFileName>().ok()?;
        let directory = path.parent().filter(|parent| parent.is_absolute())?;
        Some(Self { directory: directory.to_owned(), name: name.to_owned(), is_removed })
    }
}

/// The metric files that a process (`/proc/PID`) has open or mapped for writing.
///
/// # Errors
/// If that cannot be seen, or the process has ended.
#[cfg(target_os = "linux")]
pub(super) fn held_by(process: &Path) -> io::Result<BTreeSet<Held>> {
    use std::ffi::OsStr;
    use std::fs;
    use std::os::unix::ffi::OsStrExt;
    use std::os::unix::fs::MetadataExt;

    let mut found = BTreeSet::new();
    for entry in fs::read_dir(process.join("fd"))? {
        let link = entry?.path();
        // A descriptor may be closed before it is looked at.
        if let Ok(target) = fs::read_link(&link)
            && let Some(held) = Held::of(&target)
            // The link's own permissions say what it was opened for.
            && fs::symlink_metadata(&link).is_ok_and(|link| link.mode() & 0o200 != 0)
            // A name may end like that, too.
            && (!held.is_removed || fs::metadata(&link).is_ok_and(|metadata| metadata.nlink() == 0))
        {
            found.insert(held);
        }
    }
    // A line: range, permissions, offset, device, inode, path. `rw-s`: written, and not for itself alone.
    for line in fs::read(process.join("maps"))?.split(|byte| *byte == b'\n') {
        if let Some(at) = line.iter().position(|byte| *byte == b'/')
            && line[..at].windows(6).any(|window| window == b" rw-s ")
            && let Some(held) = Held::of(Path::new(OsStr::from_bytes(&line[at..])))
        {
            found.insert(held);
        }
    }
    Ok(found)
}

#[cfg(not(target_os = "linux"))]
pub(super) fn held_by(_: &Path) -> io::Result<BTreeSet<Held>> {
    Err(io::ErrorKind::Unsupported.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn metric_files_by_the_paths_that_proc_has() {
        let held = |path: &str| Held::of(Path::new(path)).map(|held| (held.directory, held.is_removed));
        assert_eq!(held("/run/a b/counter_1.db"), Some(("/run/a b".into(), false)));
        assert_eq!(held("/run/app/gauge_all_x.db (deleted)"), Some(("/run/app".into(), true)));
        for other in ["socket:[123]", "/dev/null", "/run/app/cache.db", "counter_1.db", "/run/counter_1.db/x"]
        {
            assert_eq!(held(other), None, "{other}");
        }
    }
}
