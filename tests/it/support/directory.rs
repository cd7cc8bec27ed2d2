//! Directories of metric files, removed at the end.

use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt, chown};
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use super::metric_file::{GET, POST, SIZE, encoded, write};

/// A directory of metric files, removed at the end.
pub(crate) struct Directory(TempDir);

impl Directory {
    /// With empty files of these names.
    pub(crate) fn with(names: &[&str]) -> Self {
        let directory = Self(tempfile::tempdir().unwrap());
        fs::set_permissions(directory.path(), Permissions::from_mode(0o777)).unwrap();
        for name in names {
            fs::write(directory.file(name), [0; 8]).unwrap();
        }
        directory
    }

    pub(crate) fn path(&self) -> &Path {
        self.0.path()
    }

    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.path().join(name)
    }

    /// Names of all that stands in it, in byte order.
    pub(crate) fn names(&self) -> Vec<String> {
        names_in(self.path())
    }

    /// Gives the files to a user, who then can have leases on them.
    pub(crate) fn give_to(&self, user: u32) {
        for name in self.names() {
            chown(self.file(&name), Some(user), Some(user)).unwrap();
        }
    }
}

pub(crate) fn names_in(directory: &Path) -> Vec<String> {
    let entries = fs::read_dir(directory).unwrap();
    let mut names: Vec<_> = entries.map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
    names.sort_unstable();
    names
}

/// A counter file, a gauge file of another process and a file without entries.
pub(crate) fn small_directory() -> TempDir {
    let directory = TempDir::new().unwrap();
    write(&directory, "counter_12.db", &encoded(&[(GET, 3.0), (POST, 1_234_567.0)]));
    write(&directory, "gauge_livesum_7.db", &encoded(&[(SIZE, -2.5)]));
    write(&directory, "histogram_12.db", b"");
    directory
}

/// A directory whose exposition is larger than a pipe or a file of `ulimit -f 1` holds.
pub(crate) fn large_directory() -> TempDir {
    let keys: Vec<_> = (0..2_000).map(|i| format!(r#"["m", "m_total", {{"l": "{i:050}"}}, ""]"#)).collect();
    let entries: Vec<_> = keys.iter().map(|key| (key.as_str(), 1.0)).collect();
    let directory = TempDir::new().unwrap();
    fs::write(directory.path().join("counter_1.db"), encoded(&entries)).unwrap();
    directory
}
