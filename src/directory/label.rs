//! Telling directories apart by a label.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::path::{Component, Path, PathBuf};

use super::{InDirectory, MetricFile, Scan};

/// A label that says which directory a series is from: the shortest tail of the directory's absolute path
/// that tells the directories apart.
#[derive(Clone, Debug)]
pub struct DirectoryLabel {
    name: String,
    values: HashMap<PathBuf, String>,
}

impl DirectoryLabel {
    /// The label of that name, for these directories.
    pub fn new<'d>(name: &str, directories: impl IntoIterator<Item = &'d Path>) -> Self {
        let parts: HashMap<&Path, Vec<String>> =
            directories.into_iter().map(|directory| (directory, parts(directory))).collect();
        let distinct: BTreeSet<&[String]> = parts.values().map(Vec::as_slice).collect();
        let longest = distinct.iter().map(|parts| parts.len()).max().unwrap_or_default();
        let tells_apart = |length: &usize| {
            let tails: HashSet<_> = distinct.iter().map(|parts| tail(parts, *length)).collect();
            tails.len() == distinct.len()
        };
        let length = (1..longest).find(tells_apart).unwrap_or(longest);
        let value = |parts: &[String]| match tail(parts, length) {
            [] => "/".to_owned(),
            tail => tail.join("/"),
        };
        let values =
            parts.into_iter().map(|(directory, parts)| (directory.to_owned(), value(&parts))).collect();
        Self { name: name.to_owned(), values }
    }

    /// The same for the directories of files.
    pub fn of_files(name: &str, files: &[MetricFile]) -> Self {
        let directories: HashSet<&Path> = files.iter().map(|file| file.directory().path()).collect();
        Self::new(name, directories)
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its value for a directory.
    pub fn value(&self, directory: &Path) -> &str {
        self.values.get(directory).map_or("", String::as_str)
    }
}

impl Scan {
    /// The label of that name for what was found. Directories without files count as well: a series must not
    /// be called otherwise as soon as another service begins to count.
    pub fn directory_label(&self, name: &str) -> DirectoryLabel {
        let listed = self.directories.iter().map(|listed| listed.directory.path());
        let directories: HashSet<&Path> =
            listed.chain(self.files.iter().map(|file| file.directory().path())).collect();
        DirectoryLabel::new(name, directories)
    }
}

fn tail(parts: &[String], length: usize) -> &[String] {
    &parts[parts.len().saturating_sub(length)..]
}

/// The names in a directory's absolute path; links in it are kept, because they are what people call it.
fn parts(directory: &Path) -> Vec<String> {
    let given = if directory.as_os_str().is_empty() { Path::new(".") } else { directory };
    let goes_up = given.components().any(|part| part == Component::ParentDir);
    let absolute = if goes_up { given.canonicalize() } else { std::path::absolute(given) };
    let absolute = absolute.unwrap_or_else(|_| given.to_owned());
    let name = |part| match part {
        Component::Normal(name) => Some(name.to_string_lossy().into_owned()),
        _ => None,
    };
    absolute.components().filter_map(name).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shortest_tail_that_tells_directories_apart() {
        for (directories, values) in [
            (&["/run/app"][..], &["app"][..]),
            (&["/run/a", "/run/b"], &["a", "b"]),
            (&["/run/a/metrics", "/run/b/metrics/"], &["a/metrics", "b/metrics"]),
            (&["/metrics", "/b/metrics"], &["metrics", "b/metrics"]),
            (&["/x/a/m", "/y/a/m", "/y/b/m"], &["x/a/m", "y/a/m", "y/b/m"]),
            (&["/", "/a"], &["/", "a"]),
            (&["/run/a", "/run/./a"], &["a", "a"]),
        ] {
            let label = DirectoryLabel::new("d", directories.iter().map(Path::new));
            let found: Vec<_> =
                directories.iter().map(|directory| label.value(Path::new(directory))).collect();
            assert_eq!(found, values, "{directories:?}");
        }
        let here = std::env::current_dir().expect("a directory");
        let name = here.file_name().expect("a name").to_string_lossy();
        for path in ["", ".", "src/.."] {
            assert_eq!(DirectoryLabel::new("d", [Path::new(path)]).value(Path::new(path)), name, "{path:?}");
        }
    }
}
