//! Paths that stand for something that this process has open already: it is written to as it is. To open
//! it by that path would be to open a file anew, at its beginning, and to replace it would be worse.

use std::fs::File;
use std::io;
use std::path::Path;

/// A descriptor that a path names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Descriptor(i32);

impl Descriptor {
    /// Of `/dev/stdout`, `/dev/stderr`, `/dev/fd/N` and `/proc/self/fd/N`; nothing for any other path.
    pub fn named(path: &Path) -> Option<Self> {
        for (name, number) in [("/dev/stdout", 1), ("/dev/stderr", 2)] {
            if path == Path::new(name) {
                return Some(Self(number));
            }
        }
        let number = ["/dev/fd", "/proc/self/fd"].iter().find_map(|above| path.strip_prefix(above).ok())?;
        let number = number.to_str()?;
        // As the system writes it, without a sign or leading zeros.
        number.parse().ok().filter(|parsed: &i32| *parsed >= 0 && parsed.to_string() == number).map(Self)
    }

    /// Whether it is standard output.
    pub fn is_standard_output(self) -> bool {
        self.0 == 1
    }

    /// Another descriptor of the same: what is written to it goes where the first one stands.
    ///
    /// # Errors
    /// Those of the system, e.g. that there is no such descriptor.
    pub fn duplicate(self) -> io::Result<File> {
        crate::sys::duplicate(self.0).map(File::from)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_of_descriptors_are_descriptors() {
        for (path, number) in [
            ("/dev/stdout", 1),
            ("//dev//./stderr", 2),
            ("/dev/fd/0", 0),
            ("/dev/fd/1", 1),
            ("/proc/self/fd/17", 17),
        ] {
            assert_eq!(Descriptor::named(Path::new(path)), Some(Descriptor(number)), "{path}");
        }
        for path in [
            "-",
            "stdout",
            "/dev/stdin",
            "/dev/fd",
            "/dev/fd/",
            "/dev/fd/x",
            "/dev/fd/-1",
            "/dev/fd/+1",
            "/dev/fd/01",
            "/dev/fd/1/2",
            "/dev/fd/99999999999",
            "/proc/1/fd/1",
        ] {
            assert_eq!(Descriptor::named(Path::new(path)), None, "{path}");
        }
    }
}
